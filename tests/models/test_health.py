"""Circuit breakers and measured times."""

from __future__ import annotations

import pytest

from devflow.models.errors import RateLimited, Unreachable
from devflow.models.routing.health import FIRST_REST, LONGEST_REST, Circuit, Latency

NO = Unreachable("No.")


def failed(circuit: Circuit, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        circuit.asked(now)
        circuit.failed(NO, now)


def test_three_failures_in_a_row_open_it_and_a_success_closes_it() -> None:
    circuit = Circuit()
    failed(circuit, 2)
    assert circuit.rest(0) == 0
    failed(circuit, 1)
    assert circuit.rest(0) == FIRST_REST
    circuit.succeeded()
    assert circuit.rest(0) == 0


def test_one_failure_in_ten_never_opens_it_however_they_fall() -> None:
    circuit = Circuit()
    for _ in range(17):
        circuit.succeeded()
    failed(circuit, 3)
    assert circuit.rest(0) == 0


def test_after_the_rest_one_request_tries_it_and_the_others_wait_for_what_that_finds() -> None:
    circuit = Circuit()
    failed(circuit, 3)
    now = FIRST_REST
    assert circuit.rest(now) == 0
    circuit.asked(now)
    assert circuit.rest(now) > 0
    circuit.failed(NO, now)
    assert circuit.rest(now) == 2 * FIRST_REST
    now += 2 * FIRST_REST
    circuit.asked(now)
    circuit.left()
    assert circuit.rest(now) == 0, "the try was cancelled: another one may"
    circuit.asked(now)
    circuit.succeeded()
    assert circuit.rest(now) == 0


def test_rests_grow_to_five_minutes_and_no_further() -> None:
    circuit = Circuit()
    failed(circuit, 3)
    for _ in range(12):
        now = circuit.until
        circuit.asked(now)
        circuit.failed(NO, now)
    assert circuit.rest(now) == LONGEST_REST


def test_a_provider_that_asks_to_wait_is_left_alone_that_long() -> None:
    circuit = Circuit()
    circuit.failed(RateLimited("Slow down.", 30), 0)
    assert circuit.rest(10) == 20
    circuit.failed(RateLimited("Slow down.", 5), 10)
    assert circuit.rest(10) == 20, "a shorter wait asked for later does not shorten it"


def test_a_clock_that_stands_still_or_a_try_that_was_lost_does_not_keep_it_shut_for_ever() -> None:
    circuit = Circuit()
    failed(circuit, 3)
    circuit.asked(FIRST_REST)  # and is never heard of again
    assert circuit.rest(FIRST_REST + 31) == 0


def test_a_time_is_known_after_three_samples_and_forgotten_after_five_minutes() -> None:
    latency = Latency()
    for _ in range(2):
        latency.add(0.2, 0)
    assert latency.expected(0) is None
    latency.add(0.2, 0)
    assert latency.expected(0) == pytest.approx(0.2)
    assert latency.expected(301) is None
    latency.add(9.0, 400)
    assert latency.expected(400) is None, "old samples do not count beside a new one"


def test_late_is_beyond_nearly_all_samples() -> None:
    latency = Latency()
    for number in range(200):
        latency.add(0.1 + 0.02 * (number % 5), number)
    late = latency.late(200)
    assert late is not None
    assert 0.18 < late < 0.4


def test_requests_that_were_under_way_when_it_opened_do_not_make_the_rest_longer() -> None:
    circuit = Circuit()
    failed(circuit, 12)
    assert circuit.rest(0) == FIRST_REST


def test_the_first_word_of_a_try_lets_the_others_in_and_its_end_closes_the_circuit() -> None:
    circuit = Circuit()
    failed(circuit, 3)
    now = FIRST_REST
    circuit.asked(now)
    circuit.heard()
    assert circuit.rest(now) == 0
    circuit.failed(NO, now)
    assert circuit.rest(now) == 2 * FIRST_REST, "it broke off after its first word"
