"""Guards every test stands behind."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from devflow.retrieval.graph import go_libraries, java_libraries, script_libraries
from devflow.server.assist import waiting

# The same examples each time, and no limit of time for one: a run tells of the code, not of the machine.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not change what a test sees: no request's deadline passes. Tests about deadlines
    ask for `hurried`."""
    monkeypatch.setattr(waiting, "PATIENCE", 1000.0)


@pytest.fixture
def hurried(unhurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadlines of real life, for a test in which one passes: what it waits for must not come at all."""
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail any test that reaches beyond loopback."""
    attempts: list[str] = []

    def local(address: Any) -> bool:
        if not isinstance(address, tuple):
            return True  # a Unix socket's path
        host = str(address[0])
        try:
            return ipaddress.ip_address(host.split("%")[0]).is_loopback
        except ValueError:
            return host in ("localhost", "")

    def guard(name: str) -> None:
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, *rest: Any) -> Any:
            if not local(address):
                attempts.append(f"{name} to {address!r}")
                raise OSError(f"tests may not reach beyond loopback: {address!r}")
            return real(self, address, *rest)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")
    real_lookup = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not local((name,)):
            attempts.append(f"lookup of {name!r}")
            raise socket.gaierror(f"tests may not reach beyond loopback: {name!r}")
        return real_lookup(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield
    assert not attempts, f"the test tried to leave the machine: {attempts}"


@pytest.fixture(autouse=True)
def no_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Go, Java and TypeScript a machine has must not change what a test sees."""
    monkeypatch.setattr(go_libraries, "standard_library", lambda: None)
    monkeypatch.setattr(java_libraries, "archive", lambda: None)
    monkeypatch.setattr(script_libraries, "compilers", lambda: ())


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache, config and data folders of the test's own: the user's are never read or written."""
    home = tmp_path_factory.mktemp("home")
    for variable, folder in (
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    return home


_status = pytest.StashKey[int]()
_before = pytest.StashKey[frozenset[threading.Thread]]()


def pytest_configure(config: pytest.Config) -> None:
    """A run within a run (`pytester`) must not end the outer one for threads that were there before it."""
    config.stash[_before] = frozenset(threading.enumerate())


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End although a test that failed left a thread (a connection to a database has one): Python would wait
    for it without end."""
    before = config.stash[_before]
    left = [each.name for each in threading.enumerate() if each not in before and not each.daemon]
    if left:
        print("threads left behind:", *left, file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(config.stash.get(_status, 1) or 1)
