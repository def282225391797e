"""The guard in `conftest.py` must itself find a test that reaches out."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).with_name("conftest.py").read_text("utf-8")


def prepare(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 9), timeout=0.1)",
        "with socket.socket() as made: made.connect_ex(('192.0.2.1', 9))",
        "with socket.socket(socket.AF_INET6) as made: made.connect(('2001:db8::1', 9))",
        "socket.getaddrinfo('example.org', 443)",
    ],
)
def test_a_test_that_reaches_beyond_loopback_fails_even_when_it_swallows_the_error(
    attempt: str, pytester: pytest.Pytester
) -> None:
    prepare(pytester)
    pytester.makepyfile(
        f"import socket\ndef test_it():\n    try:\n        {attempt}\n    except OSError:\n        pass\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1, errors=1)


def test_loopback_is_allowed(pytester: pytest.Pytester) -> None:
    prepare(pytester)
    pytester.makepyfile(
        "import socket\ndef test_it():\n    with socket.create_server(('127.0.0.1', 0)) as listener:\n"
        "        socket.create_connection(('localhost', listener.getsockname()[1])).close()\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_run_within_a_run_does_not_end_for_a_thread_that_was_there_before_it(
    pytester: pytest.Pytester,
) -> None:
    prepare(pytester)
    pytester.makepyfile("def test_it():\n    pass\n")
    done = threading.Event()
    earlier = threading.Thread(target=done.wait, name="left by an earlier test")
    earlier.start()
    try:
        pytester.runpytest_inprocess().assert_outcomes(passed=1)
    finally:
        done.set()
        earlier.join()
