"""Models side by side: who gets what, and whether the difference is real.

What is given to a model at random is a *unit*: for ghost text a file, for conversations each by itself (the
same question again is the same one). It stays with its model as long as the experiment runs, and what became
of it is written down with the experiment's name where that model did answer: only this is compared, nothing
from before it or from units that take no part. Ghost text is judged by what the user made of it
(`models.feedback`), conversations by what the ledger says of them. What happens in one unit is alike, so
units are counted and not what happened in them: shares are compared by a permutation test over units, times
and money by the test of Mann and Whitney with one median a unit; all p-values of a task are Holm's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from devflow.models.base import serves
from devflow.models.routing.rules import Assigned
from devflow.models.routing.significance import Counts, clustered, holm, mann_whitney, median, permuted

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Experiment:
    """Which models answer what, each for its share of the units."""

    name: str
    models: tuple[str, ...]
    """The first is what the others are compared with."""
    tasks: tuple[str, ...] = ("fill",)
    languages: tuple[str, ...] = ()
    share: float = 1.0
    """Of the units that take part."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was written down of one unit in one task of an experiment. Of `fill` the suggestions, of the
    others the calls."""

    shown: int = 0
    accepted: int = 0
    looked_at: int = 0
    kept: int = 0
    """Of those that were looked at again after 30 s, unchanged."""
    failed: int = 0
    seconds: tuple[float, ...] = ()
    """To the end of each call that was answered …"""
    costs: tuple[float, ...] = ()
    """… and its price."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one model: a share, or a median."""

    name: str
    value: float
    of: int
    """How many suggestions or calls it rests on, …"""
    units: int
    """… and how many files or conversations those are from."""
    low: float
    high: float
    """The 95 % interval; `high` may be infinite."""
    p_value: float | None = None
    """Against the first model; None for that one, and where there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One model of an experiment in one task."""

    model: str
    measures: tuple[Measure, ...]

    @property
    def observed(self) -> bool:
        """Whether anything was written down of it."""
        return any(measure.of for measure in self.measures)


@dataclass(frozen=True, slots=True)
class Compared:
    """What an experiment says of one task."""

    task: str
    arms: tuple[Arm, ...]
    verdict: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment says so far."""

    experiment: Experiment
    tasks: tuple[Compared, ...]


def assigned(experiments: Sequence[Experiment], task: str, language: str, unit: str) -> Assigned:
    """The model that the first experiment in question gives to `unit`."""
    for experiment in experiments:
        if task not in experiment.tasks or (experiment.languages and language not in experiment.languages):
            continue
        if not unit or not experiment.models:
            continue
        digest = hashlib.blake2b(f"{experiment.name}\0{unit}".encode("utf-8", "replace"), digest_size=8)
        lot = int.from_bytes(digest.digest(), "big") / 2**64
        if lot < experiment.share:
            place = int(lot / experiment.share * len(experiment.models))
            model = experiment.models[min(place, len(experiment.models) - 1)]
            return Assigned(experiment.name, model)
    return Assigned()


def faults(
    experiment: Experiment,
    models: Mapping[str, Collection[str]],
    *,
    feedback: bool = True,
    ledger: bool = True,
) -> list[str]:
    """What keeps it from telling anything, in sentences. `models` are the tasks of those that are configured,
    by name; `feedback` and `ledger`: whether what became of suggestions, and calls, are written down."""
    named = list(dict.fromkeys(experiment.models))
    found = []
    for name in named:
        if name not in models:
            found.append(
                f"{name!r} is no model that is configured; what falls to it is answered as without it."
            )
            continue
        if idle := [task for task in experiment.tasks if not serves(models[name], task)]:
            found.append(f"{name!r} is not used for {', '.join(idle)}; see its `tasks`.")
    if twice := [name for name in named if experiment.models.count(name) > 1]:
        found.append(f"{', '.join(map(repr, twice))} is named more than once.")
    if len(named) == 1:
        found.append(f"{named[0]!r} is its only model, so there is nothing to compare it with.")
    for task in experiment.tasks:
        if task == "fill" and not feedback:
            found.append(
                "Nothing is written down to judge fill by: feedback.record is off, so what becomes of "
                "suggestions is not kept."
            )
        elif task != "fill" and not ledger:
            found.append(
                f"Nothing is written down to judge {task} by: models.ledger is off, so its calls are not "
                "kept."
            )
    return found


def result(experiment: Experiment, seen: Mapping[tuple[str, str], Sequence[Seen]]) -> Result:
    """What the experiment says, from what was written down under its name, by task and model, a `Seen` for
    each unit."""
    return Result(experiment, tuple(_compared(task, experiment.models, seen) for task in experiment.tasks))


@dataclass(frozen=True, slots=True)
class _Share:
    """A share, of which more is better."""

    name: str
    better: str
    counts: Callable[[Seen], Counts]
    sign = 1

    def measure(self, seen: Sequence[Seen], p_value: float | None) -> Measure:
        units = self._units(seen)
        yes, of = sum(x for x, _ in units), sum(n for _, n in units)
        return Measure(self.name, yes / of if of else 0.0, of, len(units), *clustered(units), p_value)

    def p_value(self, one: Sequence[Seen], other: Sequence[Seen]) -> float | None:
        ours, theirs = self._units(one), self._units(other)
        return permuted(ours, theirs) if ours and theirs else None

    def _units(self, seen: Sequence[Seen]) -> list[Counts]:
        return [counts for each in seen if (counts := self.counts(each))[1]]


@dataclass(frozen=True, slots=True)
class _Median:
    """The median of the units' medians, of which less is better."""

    name: str
    better: str
    values: Callable[[Seen], tuple[float, ...]]
    sign = -1

    def measure(self, seen: Sequence[Seen], p_value: float | None) -> Measure:
        values, of = self._units(seen), sum(len(self.values(each)) for each in seen)
        middle, low, high = median(values)
        return Measure(self.name, middle, of, len(values), low, high, p_value)

    def p_value(self, one: Sequence[Seen], other: Sequence[Seen]) -> float | None:
        ours, theirs = self._units(one), self._units(other)
        return mann_whitney(ours, theirs) if ours and theirs else None

    def _units(self, seen: Sequence[Seen]) -> list[float]:
        return [median(values)[0] for each in seen if (values := self.values(each))]


_SUGGESTIONS: tuple[_Share | _Median, ...] = (
    _Share("accepted", "is accepted more often", lambda seen: (seen.accepted, seen.shown)),
    _Share("kept 30 s", "is kept as it is more often", lambda seen: (seen.kept, seen.looked_at)),
)
_CALLS: tuple[_Share | _Median, ...] = (
    _Share(
        "answered",
        "answers more often",
        lambda seen: (len(seen.seconds), len(seen.seconds) + seen.failed),
    ),
    _Median("seconds", "is quicker", lambda seen: seen.seconds),
    _Median("cost", "is cheaper", lambda seen: seen.costs),
)


def _compared(task: str, models: Sequence[str], seen: Mapping[tuple[str, str], Sequence[Seen]]) -> Compared:
    metrics = _SUGGESTIONS if task == "fill" else _CALLS
    found = [seen.get((task, model), ()) for model in models]
    raw = [metric.p_value(found[0], other) for other in found[1:] for metric in metrics]
    adjusted = iter(holm([p_value for p_value in raw if p_value is not None]))
    p_values = [None] * len(metrics) + [None if p_value is None else next(adjusted) for p_value in raw]
    arms = []
    for number, (model, each) in enumerate(zip(models, found, strict=True)):
        own = p_values[number * len(metrics) : (number + 1) * len(metrics)]
        pairs = zip(metrics, own, strict=True)
        arms.append(Arm(model, tuple(metric.measure(each, p_value) for metric, p_value in pairs)))
    return Compared(task, tuple(arms), _verdict(task, arms, metrics))


def _verdict(task: str, arms: Sequence[Arm], metrics: Sequence[_Share | _Median]) -> str:
    if not arms:
        return "It names no models."
    if len(arms) == 1:
        return "One model cannot be compared."
    if silent := [arm.model for arm in arms if not arm.observed]:
        nothing = "Nothing was shown yet by" if task == "fill" else "No call was made yet of"
        return f"{nothing} {', '.join(silent)}."
    first, told = arms[0], []
    for arm in arms[1:]:
        for metric, ours, base in zip(metrics, arm.measures, first.measures, strict=True):
            more = metric.sign * (ours.value - base.value)
            if more and ours.p_value is not None and ours.p_value < SIGNIFICANT:
                better, worse = (arm, first) if more > 0 else (first, arm)
                told.append(f"{better.model} {metric.better} than {worse.model}")
    return f"{'; '.join(told)}." if told else "No difference can be told from chance so far."
