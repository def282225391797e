"""The one ranker of completions: a linear score over what is known about a candidate.

The score of a candidate is the dot product of `features(...)` and a weight vector; by the softmax of
the scores the list gets probabilities. Weights are fitted by `benchmarks/completion.py --fit`
(conditional logit over the candidate lists of held-out positions) and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from devflow.analysis.facts import SymbolKind
from devflow.analysis.tokens import subtokens

PLACES = ("local", "module", "import", "builtin", "keyword", "argument", "workspace", "word")
"""Where a plain name comes from: the enclosing functions, the module's top level, its imports, the
language, a keyword, a keyword argument of the call the cursor is in, another file of the workspace
(not imported yet), or nothing but its being written in the document."""


@dataclass(slots=True)
class Evidence:
    """What is known about one candidate. Counts are of the document (`here`) and of the index (`known`)."""

    name: str
    kind: SymbolKind = SymbolKind.VARIABLE
    detail: str = ""
    documentation: str = ""
    source: str = "document"
    place: str = ""
    """One of `PLACES`; "" for a member."""
    model: float = 0.0
    """P(name | tokens before) by the usage model of the index."""
    live: float = 0.0
    """The same by the document itself."""
    receiver_here: int = 0
    """Times seen as a member of the same receiver text."""
    receiver_known: int = 0
    tail_here: int = 0
    """Times seen as a member of anything that ends in the receiver's last name."""
    tail_known: int = 0
    here: int = 0
    """Times seen as a member of anything; for a plain name, times seen at all."""
    known: int = 0
    typed: bool = False
    """The type engine says that it exists."""
    own: bool = False
    """A member of the class the receiver is known to be."""
    called: float = 0.0
    """1: a call is written here and this is called elsewhere; -1: one of both only; 0: not known."""
    echo: float = 0.0
    """How much of the name stands on the line as a plain name (`width = self.width`), 0 to 1."""
    repeated: bool = False
    """Already a member on this line."""
    distance: float = 1.0
    """How far back it was last used: 0 here, 1 never."""
    scope_distance: int = 0
    """Scopes between the definition and the cursor."""
    module: str = ""
    """Module to import it from (a workspace name not imported yet)."""
    insert: str = ""
    """What is inserted when it is not the name itself."""
    extra: dict[str, float] = field(default_factory=dict)


def match_quality(typed: str, name: str) -> float:
    """How well `typed` fits `name`: 3 exact prefix (or nothing typed), 2 prefix in another case, 1 the
    starts of sub-words in order (`gn`, `nam` for `get_name`), 0 not at all."""
    if name.startswith(typed):
        return 3.0
    lower = typed.lower()
    if name.lower().startswith(lower):
        return 2.0
    return 1.0 if _fits_words(lower.replace("_", ""), subtokens(name)) else 0.0


def _fits_words(typed: str, words: list[str]) -> bool:
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


FEATURES = (
    "log model",
    "log live",
    "receiver here",
    "receiver known",
    "tail here",
    "tail known",
    "here",
    "known",
    "typed",
    "own",
    "called",
    "echo",
    "repeated",
    "recent",
    "private",
    "dunder",
    "unseen",
)
MEMBER_WEIGHTS = (0.59, 0.47, 0.89, 0.0, 0.0, 0.0, -0.43, 0.0, 1.0, 1.57, 1.0, 1.0, -0.3, 0.5, 0.0, -0.5, 0.0)
NAME_WEIGHTS = (0.6, 0.6, 0.0, 0.0, 0.0, 0.0, 0.3, 0.1, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, -0.3, -2.0, -0.3)
PLACE_WEIGHTS = {
    "local": 1.5,
    "module": 0.5,
    "import": 0.5,
    "builtin": 0.0,
    "keyword": 0.0,
    "argument": 1.5,
    "workspace": -2.5,
    "word": -2.0,
}
MATCH_WEIGHT = 4.0
_FLOOR = 1e-4


def features(evidence: Evidence) -> tuple[float, ...]:
    """The numbers behind a score, in the order of `FEATURES`."""
    name = evidence.name
    dunder = name.startswith("__") and name.endswith("__")
    return (
        math.log(evidence.model + _FLOOR) - math.log(_FLOOR),
        math.log(evidence.live + _FLOOR) - math.log(_FLOOR),
        math.log1p(evidence.receiver_here),
        math.log1p(evidence.receiver_known),
        math.log1p(evidence.tail_here),
        math.log1p(evidence.tail_known),
        math.log1p(evidence.here),
        math.log1p(evidence.known),
        float(evidence.typed),
        float(evidence.own),
        evidence.called,
        evidence.echo,
        float(evidence.repeated),
        1.0 - evidence.distance,
        float(name.startswith("_") and not dunder),
        float(dunder),
        float(not (evidence.here or evidence.known or evidence.receiver_known)),
    )


def score(evidence: Evidence, typed: str) -> float:
    """The higher, the likelier; comparable within one list only."""
    weights = NAME_WEIGHTS if evidence.place else MEMBER_WEIGHTS
    total = sum(weight * value for weight, value in zip(weights, features(evidence), strict=True))
    if evidence.place:
        total += PLACE_WEIGHTS[evidence.place] - 0.2 * min(evidence.scope_distance, 5)
    if typed.startswith("_") and evidence.name.startswith("_"):
        total += 0.6
    return total + MATCH_WEIGHT * (match_quality(typed, evidence.name) - 3.0)


def ranked(candidates: Iterable[Evidence], typed: str) -> list[tuple[Evidence, float]]:
    """The candidates that fit `typed`, best first, each with its probability within the list."""
    scored = [
        (score(evidence, typed), evidence) for evidence in candidates if match_quality(typed, evidence.name)
    ]
    if not scored:
        return []
    best = max(value for value, _ in scored)
    total = sum(math.exp(value - best) for value, _ in scored)
    scored.sort(key=lambda pair: (-pair[0], pair[1].name))
    return [(evidence, math.exp(value - best) / total) for value, evidence in scored]
