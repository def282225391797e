"""Which of several models is accepted more often, learned while they are used.

Thompson sampling (Thompson 1933; Chapelle and Li 2011) with a sliding window (Trovò et al. 2020): what
counts is what became of the suggestions of the last days, so a model that changes is learned anew. Each
language of a model begins at the model's rate over all languages (a beta prior of `STRENGTH` suggestions),
since what was accepted in one language tells something about the next.

What is rewarded is not the key that accepts but what it leaves in the file: an accepted suggestion counts by
the share of it that is kept. A reward between 0 and 1 is added to the beta's counts as it is; its mean is the
right one and its variance too large, so that it is learned a little later, never wrongly (Agrawal and Goyal
2012 draw a 0 or a 1 of it instead, to prove the same bound).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WINDOW_DAYS = 30
ENOUGH = 20
"""Suggestions a model must have shown to take part: who was never tried is not tried on the user's time, an
experiment is for that."""
STRENGTH = 8.0
_USUAL = 0.3


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one model in one language: suggestions shown, and of them accepted, each by what is kept of it."""

    shown: float = 0.0
    accepted: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.shown + other.shown, self.accepted + other.accepted)


Tallies = Mapping[tuple[str, str], Tally]
"""By model and language."""
Beta = Callable[[float, float], float]


def posterior(tallies: Tallies, model: str, language: str) -> tuple[float, float] | None:
    """The parameters of the beta distribution of the model's acceptance; None when too little is known."""
    whole = sum((tally for (name, _), tally in tallies.items() if name == model), Tally())
    if whole.shown < ENOUGH:
        return None
    rate = (min(whole.accepted, whole.shown) + _USUAL) / (whole.shown + 1)
    here = tallies.get((model, language), Tally()) if language else Tally()
    refused = max(0.0, here.shown - here.accepted)
    return rate * STRENGTH + here.accepted, (1 - rate) * STRENGTH + refused


def draws(
    tallies: Tallies, models: Sequence[str], language: str, beta: Beta = random.betavariate
) -> dict[str, float]:
    """A draw for each of `models` that enough is known of; the highest is to be asked first."""
    found = {name: posterior(tallies, name, language) for name in dict.fromkeys(models)}
    return {name: beta(*shape) for name, shape in found.items() if shape is not None}
