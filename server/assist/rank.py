"""The one ranker of completions: a score learned from public code over what is known about a candidate.

A small network (a hidden layer beside a linear one) gives each candidate a score; the softmax over the
list is its probability. Members and plain names have weights of their own, both in `ranker.json`, which
`benchmarks/learn_ranker.py` makes and says how well it does on packages it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from devflow.server.assist.features import (
    MEMBER_FEATURES,
    NAME_FEATURES,
    Around,
    Evidence,
    member_features,
    name_features,
    words_of,
)

if TYPE_CHECKING:
    from devflow.server.assist.features import Matrix

__all__ = ["Around", "Evidence", "match_quality", "ranked", "words_of"]

MATCH_WEIGHT = 4.0
"""What a step of `match_quality` is worth."""
_ASKED_FOR = 0.6
"""Who types an underscore asks for private names."""
_STRANGE = 4.0
_LIKELY = 0.01


def match_quality(typed: str, name: str) -> float:
    """How well `typed` fits `name`: 3 exact prefix (or nothing typed), 2 prefix in another case, 1 the
    starts of sub-words in order (`gn`, `nam` for `get_name`), 0 not at all."""
    if name.startswith(typed):
        return 3.0
    lower = typed.lower()
    if name.lower().startswith(lower):
        return 2.0
    return 1.0 if _fits_words(lower.replace("_", ""), words_of(name)) else 0.0


def _fits_words(typed: str, words: tuple[str, ...]) -> bool:
    """Whether `typed` is made of prefixes of some of `words`, in order."""
    reached = {0}
    for word in words:
        new = set(reached)
        for at in reached:
            size = 0
            while at + size < len(typed) and size < len(word) and typed[at + size] == word[size]:
                size += 1
                new.add(at + size)
        reached = new
    return len(typed) in reached


def ranked(
    candidates: Iterable[Evidence], typed: str, around: Around | None = None
) -> list[tuple[Evidence, float]]:
    """The candidates that fit `typed`, best first, each with its probability within the list."""
    import numpy as np

    around = around or Around(typing=len(typed))
    fitting: list[Evidence] = []
    fits: list[float] = []
    for each in candidates:
        if quality := match_quality(typed, each.name) if typed else 3.0:
            fitting.append(each)
            fits.append(MATCH_WEIGHT * (quality - 3.0) + _prior(each, typed, around))
    if not fitting:
        return []
    scores = np.array(fits)
    plain = np.array([bool(each.place) for each in fitting])
    for model, rows, features in (
        (_models()["names"], plain, name_features),
        (_models()["members"], ~plain, member_features),
    ):
        if rows.any():
            some = fitting if rows.all() else [each for each, one in zip(fitting, rows, strict=True) if one]
            scores[rows] += model.scores(features(some, around))
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    order = sorted(
        range(len(fitting)),
        key=lambda at: (-chances[at], fitting[at].name.startswith("_"), fitting[at].name),
    )
    values = chances.tolist()
    return [(fitting[at], values[at]) for at in order]


def _prior(each: Evidence, typed: str, around: Around) -> float:
    """What the network cannot know, as it has not seen it: an addition to the score."""
    if typed:
        return each.asked + (_ASKED_FOR if typed[0] == each.name[0] == "_" else 0.0)
    known = each.typed or each.own or each.receiver_here or each.receiver_known
    if each.name == around.tail and not known:  # nobody writes `shape.shape` for no reason
        return -_STRANGE
    seen = each.receiver_here or each.receiver_known or each.here or each.known
    if each.name.startswith("__") and not seen and max(each.model, each.live) < _LIKELY:
        return -_STRANGE  # every object has it, nobody uses it
    return each.asked


@dataclass(frozen=True, slots=True)
class Network:
    """Scores = x·linear + tanh(x·inner + bias)·outer."""

    linear: Any
    inner: Any
    bias: Any
    outer: Any

    def scores(self, x: Matrix) -> Any:
        """One score per row of `x`."""
        import numpy as np

        return x @ self.linear + np.tanh(x @ self.inner + self.bias) @ self.outer


@cache
def _models() -> dict[str, Network]:
    import numpy as np

    text = resources.files(str(__package__)).joinpath("ranker.json").read_text(encoding="utf-8")
    read = json.loads(text)
    models: dict[str, Network] = {}
    for name, columns in (("members", MEMBER_FEATURES), ("names", NAME_FEATURES)):
        parts = {part: np.array(read[name][part], dtype=np.float64) for part in Network.__slots__}
        if read[name]["features"] != list(columns) or parts["inner"].shape != (
            len(columns),
            len(parts["outer"]),
        ):
            raise ValueError("ranker.json is of other features: run benchmarks/learn_ranker.py")
        models[name] = Network(**parts)
    return models
