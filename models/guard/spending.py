"""What the ledger says: sums by what one asks for, the month's end, and what could be cheaper."""

from __future__ import annotations

import calendar
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from devflow.models.base import serves
from devflow.models.guard.books import Budget, Price
from devflow.models.guard.ledger import FAILED, Call, Ledger
from devflow.models.guard.prices import money

By = Literal["feature", "model", "language", "workspace", "user", "host", "day", "outcome"]
DAYS_READ = 56
"""Of the past, that a forecast rests on."""
FEWEST_DAYS = 14
"""Of the past, two of each day of the week, below which a forecast has no interval: one drawn from fewer days
is far too narrow."""


@dataclass(frozen=True, slots=True)
class Line:
    """Calls that share something, summed. Times in seconds, of the calls that were answered."""

    name: str
    calls: int
    """All that were made."""
    read: int
    written: int
    cost: float
    saved: float
    hits: int
    failed: int
    refused: int
    """Never made: a rule, a budget or a limit was against it."""
    first_p50: float
    total_p50: float
    total_p95: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The money of a whole month: spent so far, and what is to be expected at its end."""

    spent: float
    expected: float
    low: float | None
    high: float | None
    """Between `low` and `high` it ends with a probability of .8; None where too few days are known."""
    days: int
    """With calls, that the forecast rests on."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A configured model that calls could go to instead."""

    name: str
    price: Price
    context: int
    local: bool
    tasks: tuple[str, ...]
    """What it is configured for."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A budget, and what is spent of it."""

    name: str
    """When it counts, and where: `today`, `this month in this workspace`."""
    limit: float
    spent: float

    def __str__(self) -> str:
        share = f" ({self.spent / self.limit:.0%})" if self.limit else ""
        return f"{self.name} {money(self.spent)} of {money(self.limit)}{share}"


def allowances(ledger: Ledger | None, budget: Budget, workspace: str | None, now: float) -> list[Allowance]:
    """What is spent of the budgets that are set; of a workspace's own ones, where one is named. None: nothing
    was written down yet. Raises LedgerUnusable."""
    return [
        Allowance(name, limit, ledger.spent(since, workspace if within else None) if ledger else 0.0)
        for name, limit, (since, within) in budget.windows(now)
        if limit is not None and (workspace is not None or not within)
    ]


def summed(calls: Iterable[Call], by: By) -> list[Line]:
    """One line for each value of `by`, the dearest first, then the most called."""
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        groups[day_of(call).isoformat() if by == "day" else getattr(call, by) or "-"].append(call)
    lines = [_line(name, group) for name, group in groups.items()]
    if by == "day":
        return sorted(lines, key=lambda line: line.name)
    return sorted(lines, key=lambda line: (-line.cost, -line.calls, line.name))


def total(calls: Sequence[Call]) -> Line:
    """All of them as one line."""
    return _line("all", calls)


def by_day(calls: Iterable[Call]) -> dict[date, float]:
    """The money of each day that has calls (UTC)."""
    days: dict[date, float] = defaultdict(float)
    for call in calls:
        days[day_of(call)] += call.cost
    return dict(days)


def forecast(spent: Mapping[date, float], today: date, *, draws: int = 2_000) -> Forecast:
    """What the month will have cost at its end.

    The days to come are drawn from the days of the last eight weeks, days of the week from such and weekends
    from weekends, and for each month anew from as many of them drawn with repetition, since those days
    themselves are a sample (a bootstrap stratified by kind of day); the interval is that between the 10th and
    the 90th of a hundred such months. What is left of today is the part of a whole day that has not passed,
    which is taken as none: today counts as it is."""
    first = today.replace(day=1)
    so_far = sum(cost for day, cost in spent.items() if first <= day <= today)
    last = calendar.monthrange(today.year, today.month)[1]
    coming = [today + timedelta(days=each) for each in range(1, last - today.day + 1)]
    begun = min(spent, default=today)
    past = [today - timedelta(days=each) for each in range(1, DAYS_READ + 1)]
    past = [day for day in past if day >= begun] or [today]
    known: dict[bool, list[float]] = {False: [], True: []}
    for day in past:
        known[day.weekday() >= 5].append(spent.get(day, 0.0))
    every = known[False] + known[True]
    weekends = sum(day.weekday() >= 5 for day in coming)
    seed = random.Random(today.toordinal())
    ends = []
    for _ in range(draws):
        end = so_far
        for kind, count in ((False, len(coming) - weekends), (True, weekends)):
            days_of = known[kind] or every
            end += sum(seed.choices(seed.choices(days_of, k=len(days_of)), k=count))
        ends.append(end)
    ends.sort()
    days = sum(1 for day in past if spent.get(day, 0.0) > 0)
    low = high = None
    if len(past) >= FEWEST_DAYS:
        low, high = ends[len(ends) // 10], ends[len(ends) * 9 // 10]
    return Forecast(so_far, sum(ends) / len(ends), low, high, days)


def recommendations(
    calls: Sequence[Call], alternatives: Sequence[Alternative], monthly: float = 30.0
) -> list[str]:
    """Sentences, each with what it would save, the most first. `calls` are those of about a month."""
    found: list[tuple[float, str]] = []
    days = max(1.0, (max((c.at for c in calls), default=0) - min((c.at for c in calls), default=0)) / 86_400)
    scale = monthly / days if days >= 1 else 1.0
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if call.outcome == "answered" and not call.hit and call.cost > 0:
            groups[call.feature, call.model].append(call)
    for (feature, model), group in groups.items():
        if len(group) >= 5:
            found += _cheaper(feature, model, group, alternatives, scale)
    for line in summed([call for call in calls if call.host], "model"):
        if line.calls >= 10 and line.failed / line.calls > 0.1:
            failed = (
                f"{line.failed} of {line.calls} calls of {line.name} failed: put another model before it."
            )
            found.append((0.0, failed))
    fills = [call for call in calls if call.feature == "fill" and call.cost > 0]
    late = [call for call in fills if call.outcome == "cancelled"]
    if len(fills) >= 50 and len(late) > 0.5 * len(fills):
        lost = sum(call.cost for call in late) * scale
        sentence = (
            f"{len(late) / len(fills):.0%} of your ghost text was not waited for and cost {money(lost)} a "
            "month: a faster or a local model for `fill` would be shown more often."
        )
        found.append((lost, sentence))
    return [sentence for _, sentence in sorted(found, key=lambda each: -each[0])]


def _cheaper(
    feature: str, model: str, group: Sequence[Call], alternatives: Sequence[Alternative], scale: float
) -> Iterable[tuple[float, str]]:
    cost = sum(call.cost for call in group)
    best: tuple[float, str] | None = None
    for other in alternatives:
        if other.name == model or not serves(other.tasks, feature):
            continue
        fitting = [call for call in group if call.read + max(call.written, 256) <= other.context]
        instead = sum(other.price.of(call.read, call.written, call.cached) for call in fitting)
        saved = (sum(call.cost for call in fitting) - instead) * scale
        if not fitting or saved <= 0.05 * cost * scale or saved < 0.01:
            continue
        costs = f"for {money(instead * scale)} instead of {money(cost * scale)} a month"
        where = "on this machine" if other.local else costs
        sentence = (
            f"{len(fitting) / len(group):.0%} of your {feature} calls of {model} would fit {other.name}, "
            f"{where}: {money(saved)} less a month. `devflow experiments` compares their answers."
        )
        if best is None or saved > best[0]:
            best = (saved, sentence)
    return [best] if best else []


def _line(name: str, calls: Sequence[Call]) -> Line:
    answered = sorted(call.total for call in calls if call.outcome == "answered" and not call.hit)
    firsts = sorted(call.first for call in calls if call.first > 0)
    return Line(
        name,
        sum(1 for call in calls if call.outcome != "refused"),
        sum(call.read for call in calls),
        sum(call.written for call in calls),
        sum(call.cost for call in calls),
        sum(call.saved for call in calls),
        sum(1 for call in calls if call.hit),
        sum(1 for call in calls if call.outcome in FAILED),
        sum(1 for call in calls if call.outcome == "refused"),
        _quantile(firsts, 0.5),
        _quantile(answered, 0.5),
        _quantile(answered, 0.95),
    )


def day_of(call: Call) -> date:
    """The day of a call, UTC's."""
    return datetime.fromtimestamp(call.at, UTC).date()


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, round(share * (len(values) - 1)))] if values else 0.0
