"""What the guard is told about money, limits and books: plain values, checked where they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Price:
    """Money for a million tokens. Raises ValueError for what is no price: negative, infinite, not a
    number."""

    read: float
    written: float
    cached: float | None = None
    """Of tokens read from the provider's own cache; None: as those that are read."""

    def __post_init__(self) -> None:
        for price in (self.read, self.written, self.cached or 0.0):
            if not (math.isfinite(price) and price >= 0):
                raise ValueError(f"{price!r} is no price: it must be 0 or more")

    def of(self, read: int, written: int, cached: int = 0) -> float:
        """What a call costs that read (`cached` of them from its cache) and wrote so many tokens."""
        read = max(read, 0)
        cached = min(max(cached, 0), read)
        kept = self.read if self.cached is None else self.cached
        return ((read - cached) * self.read + cached * kept + max(written, 0) * self.written) / 1e6


@dataclass(frozen=True, slots=True)
class Budget:
    """The most money that may be spent; None: as much as it takes. Days and months are UTC's. The ledger is a
    user's own, so `day` and `month` are that user's; `workspace_day` and `workspace_month` each workspace's.
    Raises ValueError for a limit that is none."""

    request: float | None = None
    day: float | None = None
    month: float | None = None
    workspace_day: float | None = None
    workspace_month: float | None = None
    warn_at: float = 0.8
    """The share of a limit at which the user is told."""
    when_spent: Literal["stop", "downgrade"] = "downgrade"
    """`stop`: the request fails. `downgrade`: the next model is asked, which may be cheaper or local."""

    def __post_init__(self) -> None:
        for each in fields(self):
            limit = getattr(self, each.name)
            if isinstance(limit, int | float) and not (math.isfinite(limit) and limit >= 0):
                raise ValueError(f"{each.name}: {limit!r} is no limit: it must be 0 or more")

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return any(limit is not None for limit in (self.request, *(limit for _, limit, _ in self.windows(0))))

    def windows(self, now: float) -> tuple[tuple[str, float | None, tuple[float, bool]], ...]:
        """`(what it is called, its limit, (since when it counts, whether only the workspace's calls))`."""
        day, month = start_of_day(now), start_of_month(now)
        return (
            ("today", self.day, (day, False)),
            ("this month", self.month, (month, False)),
            ("today in this workspace", self.workspace_day, (day, True)),
            ("this month in this workspace", self.workspace_month, (month, True)),
        )


def start_of_day(now: float) -> float:
    """The beginning of the day of a time, both in seconds since 1970."""
    return now - now % 86_400


def start_of_month(now: float) -> float:
    """The beginning of the month of a time."""
    moment = datetime.fromtimestamp(now, UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Rates:
    """The most in a minute; 0: no limit. Each provider (by host) and the user have buckets of their own."""

    provider_requests: int = 0
    provider_tokens: int = 0
    user_requests: int = 0
    user_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How answers are kept."""

    folder: str = ""
    """"": none are."""
    ttl: float = 7 * 86_400.0
    threshold: float = 0.95
    """Cosine of two questions from which on they may be the same; 1 or more: only exact hits."""
    checked: float = 0.05
    """The share of semantic hits for which the model is asked all the same."""


@dataclass(frozen=True, slots=True)
class Books:
    """Where and how calls are accounted for. Plain values: it crosses to other processes as JSON."""

    kept: bool = True
    folder: str = ""
    """Where ledger and audit log lie; "": nothing is written, and budgets cannot be kept."""
    workspace: str = ""
    user: str = ""
    budget: Budget = Budget()
    rates: Rates = Rates()
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By the name of the model in the settings, before the list prices."""
    keep_content: bool = False
    """Whether the audit log also holds the text as it was sent, without what was taken out of it."""
    metrics_file: str = ""
    traces_endpoint: str = ""


def books_from(values: Mapping[str, Any]) -> Books:
    """The books from what `dataclasses.asdict` and JSON made of them."""
    return Books(
        **{
            **values,
            "budget": Budget(**values["budget"]),
            "rates": Rates(**values["rates"]),
            "prices": {name: Price(**price) for name, price in values["prices"].items()},
        }
    )
