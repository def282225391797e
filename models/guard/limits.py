"""How fast providers may be asked: token buckets for requests and tokens a minute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from devflow.models.errors import RateLimited
from devflow.models.guard.books import Rates


@dataclass(slots=True)
class TokenBucket:
    """Holds up to a minute's worth and fills evenly: bursts pass, the average holds."""

    per_minute: int
    filled: float = field(init=False)
    at: float = field(default=-math.inf)

    def __post_init__(self) -> None:
        self.filled = float(self.per_minute)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` is in it, 0 when it is. More than the bucket holds passes when it is
        full."""
        passed = min(max(0.0, now - self.at), 60.0)
        self.filled = min(float(self.per_minute), self.filled + passed * self.per_minute / 60)
        self.at = now
        missing = min(amount, self.per_minute) - self.filled
        return max(0.0, missing * 60 / self.per_minute)

    def take(self, amount: float) -> None:
        """Take `amount` out; what is taken beyond what is in it is waited for by those who come next."""
        self.filled -= amount


class Limiter:
    """The buckets of one process."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def take(self, provider: str, user: str, tokens: int) -> None:
        """Take a request of so many tokens out of the buckets of both. Raises RateLimited, and then takes
        nothing."""
        rates, now = self._rates, self._clock()
        wanted = (
            (("request", provider), rates.provider_requests, 1),
            (("token", provider), rates.provider_tokens, tokens),
            (("request", f"user {user}"), rates.user_requests, 1),
            (("token", f"user {user}"), rates.user_tokens, tokens),
        )
        taken = []
        for key, per_minute, amount in wanted:
            if per_minute <= 0:
                continue
            bucket = self._buckets.setdefault(key, TokenBucket(per_minute, at=now))
            if (wait := bucket.wait(amount, now)) > 0:
                of = "" if key[1].startswith("user ") else f" for {provider}"
                raise RateLimited(
                    f"Your limit of {per_minute} {key[0]}s a minute{of} is reached; there is room again in "
                    f"{math.ceil(wait)} s.",
                    wait,
                )
            taken.append((bucket, amount))
        for bucket, amount in taken:
            bucket.take(amount)
