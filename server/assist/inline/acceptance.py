"""How likely it is that a suggestion is accepted: logistic regression, from sane priors, learned from what
the user does. What is less likely than the threshold is not shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PRIOR: Mapping[str, float] = {
    "bias": -0.6,
    "confidence": 1.0,
    "model": 0.9,
    "letters": -0.15,
    "lines": -0.25,
    "asked for": 0.5,
    "half a word": 0.2,
    "line start": -0.3,
    "repaired": -0.4,
    "unsure names": -0.9,
    "last accepted": 0.4,
    "last rejected": -0.25,
    "in test": 0.1,
}
"""Weights before anything is learned. `confidence` is the log odds of a rest of a line that was found
elsewhere, 0 for a model's."""
_RATE = 0.08
_PULL = 0.002
"""Of each step back to the prior: what was learned long ago fades."""
_FARTHEST = 1.5
"""From its prior a weight may go."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a suggestion before it is shown."""

    text: str
    by_model: bool
    confidence: float
    """Probability that it is right, as its maker believes; 1.0 where it does not say."""
    asked_for: bool
    half_word: bool
    line_start: bool
    repaired: bool
    unsure: int
    """Names that could not be checked."""
    last: str = ""
    """What became of the suggestion before: `accepted`, `rejected` or ""."""
    in_test: bool = False


def values(signs: Signs) -> dict[str, float]:
    """The values of a suggestion, by the names of their weights; stored with its event."""
    bare = signs.text.strip()
    return {
        "bias": 1.0,
        "confidence": 0.0 if signs.by_model else _log_odds(signs.confidence) + 0.6,
        "model": float(signs.by_model),
        "letters": math.log1p(len(bare)) / 2,
        "lines": float(min(bare.count("\n"), 8)) / 2,
        "asked for": float(signs.asked_for),
        "half a word": float(signs.half_word),
        "line start": float(signs.line_start),
        "repaired": float(signs.repaired),
        "unsure names": float(min(signs.unsure, 3)),
        "last accepted": float(signs.last == "accepted"),
        "last rejected": float(signs.last == "rejected"),
        "in test": float(signs.in_test),
    }


def chance(known: Mapping[str, float], weights: Mapping[str, float] = PRIOR) -> float:
    """The probability that a suggestion with these values is accepted."""
    return 1 / (1 + math.exp(-sum(weights.get(name, 0.0) * value for name, value in known.items())))


def learned(weights: Mapping[str, float], known: Mapping[str, float], accepted: bool) -> dict[str, float]:
    """The weights after one more event: a step of stochastic gradient descent on the log loss, with a pull
    back to the priors. Values under names that are no weight's are passed over."""
    known = {name: value for name, value in known.items() if name in PRIOR}
    off = float(accepted) - chance(known, weights)
    result: dict[str, float] = {}
    for name, prior in PRIOR.items():
        away = weights.get(name, prior) - prior
        away += _RATE * off * known.get(name, 0.0) - _PULL * away
        result[name] = prior + min(max(away, -_FARTHEST), _FARTHEST)
    return result


def learned_from(events: Iterable[tuple[Mapping[str, float], bool]]) -> dict[str, float]:
    """The weights after `events`, oldest first: `(values, accepted)`. Who has never accepted anything may not
    see them (a program that asks and shows nobody): from him nothing is learned."""
    weights = dict(PRIOR)
    begun = False
    for known, accepted in events:
        begun = begun or accepted
        if begun:
            weights = learned(weights, known, accepted)
    return weights


def _log_odds(share: float) -> float:
    share = min(max(share, 1e-3), 0.999)
    return math.log(share / (1 - share))
