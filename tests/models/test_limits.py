"""Limits on how often and how much a server is asked."""

from __future__ import annotations

import pytest

from devflow.models.errors import RateLimited
from devflow.models.guard.books import Rates
from devflow.models.guard.limits import Limiter, TokenBucket


def test_a_bucket_lets_bursts_pass_and_holds_the_average() -> None:
    bucket = TokenBucket(60, at=0.0)
    for _ in range(60):
        assert bucket.wait(1, 0.0) == 0
        bucket.take(1)
    assert bucket.wait(1, 0.0) == pytest.approx(1.0)
    assert bucket.wait(1, 1.0) == 0
    assert bucket.wait(500, 1e9) == 0  # more than a bucket holds passes when it is full


def test_providers_and_the_user_have_limits_of_their_own() -> None:
    now = [0.0]
    limiter = Limiter(Rates(provider_requests=1, user_requests=2), clock=lambda: now[0])
    limiter.take("a", "u", 10)
    with pytest.raises(RateLimited, match="for a is reached") as caught:
        limiter.take("a", "u", 10)
    assert caught.value.retry_after == pytest.approx(60.0)
    limiter.take("b", "u", 10)
    with pytest.raises(RateLimited, match="Your limit of 2 requests a minute is"):
        limiter.take("c", "u", 10)
    now[0] = 60.0
    limiter.take("a", "u", 10)
