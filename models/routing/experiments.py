"""Two models side by side: who gets which, and whether the difference is real.

A file stays with its model as long as the experiment runs. Acceptance is compared by Fisher's exact test;
intervals are Wilson's.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from devflow.models.routing.bandit import Tally

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Experiment:
    """Which models answer what, each for its share of the files."""

    name: str
    models: tuple[str, ...]
    """The first is what the others are compared with."""
    tasks: tuple[str, ...] = ("fill",)
    languages: tuple[str, ...] = ()
    share: float = 1.0
    """Of the files that take part."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One model of an experiment."""

    model: str
    shown: int
    accepted: int
    low: float
    high: float
    """The 95 % interval of its acceptance."""
    p_value: float | None
    """Against the first model; None for that one."""

    @property
    def acceptance(self) -> float:
        """0.0 where nothing was shown."""
        return self.accepted / self.shown if self.shown else 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment says so far."""

    experiment: Experiment
    arms: tuple[Arm, ...]
    verdict: str
    """One sentence."""


def assigned(experiments: Sequence[Experiment], task: str, language: str, unit: str) -> str:
    """The model that the first experiment in question gives to the file `unit`; "" when none does."""
    for experiment in experiments:
        if task not in experiment.tasks or (experiment.languages and language not in experiment.languages):
            continue
        if not unit or not experiment.models:
            continue
        digest = hashlib.blake2b(f"{experiment.name}\0{unit}".encode("utf-8", "replace"), digest_size=8)
        lot = int.from_bytes(digest.digest(), "big") / 2**64
        if lot < experiment.share:
            place = int(lot / experiment.share * len(experiment.models))
            return experiment.models[min(place, len(experiment.models) - 1)]
    return ""


def faults(experiment: Experiment, models: Mapping[str, Collection[str]]) -> list[str]:
    """What keeps it from telling anything, in sentences; `models` are the tasks of those that are
    configured, by name."""
    named = list(dict.fromkeys(experiment.models))
    found = []
    for name in named:
        if name not in models:
            found.append(f"{name!r} is no model that is configured; its files are answered as without it.")
            continue
        served = {"explain", "edit", "review"} if "chat" in models[name] else set()
        if idle := [task for task in experiment.tasks if task not in {*models[name], *served}]:
            found.append(f"{name!r} is not used for {', '.join(idle)}; see its `tasks`.")
    if twice := [name for name in named if experiment.models.count(name) > 1]:
        found.append(f"{', '.join(map(repr, twice))} is named more than once.")
    if len(named) == 1:
        found.append(f"{named[0]!r} is its only model, so there is nothing to compare it with.")
    return found


def result(experiment: Experiment, tallies: Mapping[tuple[str, str], Tally]) -> Result:
    """What acceptance says, from the tallies by model and language since the experiment began. With several
    models against the first, p-values are Holm's."""
    counted = [_tally(experiment, tallies, model) for model in experiment.models]
    base = counted[0] if counted else Tally()
    raw = [
        fisher(
            int(base.accepted),
            int(base.shown - base.accepted),
            int(each.accepted),
            int(each.shown - each.accepted),
        )
        for each in counted[1:]
    ]
    adjusted = holm(raw)
    arms = []
    for number, (model, tally) in enumerate(zip(experiment.models, counted, strict=True)):
        low, high = wilson(int(tally.accepted), int(tally.shown))
        p_value = adjusted[number - 1] if number else None
        arms.append(Arm(model, int(tally.shown), int(tally.accepted), low, high, p_value))
    return Result(experiment, tuple(arms), _verdict(arms))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """The two-sided p-value of Fisher's exact test for the table [[a, b], [c, d]]: the sum of the
    probabilities of all tables of the same margins that are no more likely than this one."""
    first, second, successes = a + b, c + d, a + c
    total = first + second

    def log_probability(x: int) -> float:
        return _choose(first, x) + _choose(second, successes - x) - _choose(total, successes)

    seen = log_probability(a)
    slack = 1e-7  # as other implementations: tables equally likely but for rounding count as such
    probabilities = (log_probability(x) for x in range(max(0, successes - second), min(first, successes) + 1))
    return min(1.0, math.fsum(math.exp(each) for each in probabilities if each <= seen + slack))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share; (0.0, 1.0) without trials."""
    if not trials:
        return 0.0, 1.0
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = max(0.0, middle - half) if successes else 0.0
    return low, min(1.0, middle + half) if successes < trials else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for being several (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, p_values[at] * (len(p_values) - rank)))
        adjusted[at] = highest
    return adjusted


def _tally(experiment: Experiment, tallies: Mapping[tuple[str, str], Tally], model: str) -> Tally:
    return sum(
        (
            tally
            for (name, language), tally in tallies.items()
            if name == model and (not experiment.languages or language in experiment.languages)
        ),
        Tally(),
    )


def _verdict(arms: Sequence[Arm]) -> str:
    if not arms:
        return "It names no models."
    if len(arms) == 1:
        return "One model cannot be compared."
    if any(not arm.shown for arm in arms):
        silent = ", ".join(arm.model for arm in arms if not arm.shown)
        return f"Nothing was shown yet by {silent}."
    different = [arm for arm in arms if arm.p_value is not None and arm.p_value < SIGNIFICANT]
    if not different:
        return "No difference can be told from chance so far."
    best = max(arms, key=lambda arm: arm.acceptance)
    if best is arms[0]:
        worse = ", ".join(arm.model for arm in different)
        return f"{best.model} is accepted more often than {worse}."
    return (
        f"{best.model} is accepted {'more' if best in different else 'no less'} often than {arms[0].model}."
    )


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
