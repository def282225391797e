"""The one ranker of completions: a linear score over what is known about a candidate.

The score of a candidate is the dot product of `features(...)` and a weight vector; by the softmax of
the scores the list gets probabilities (not calibrated). The members' weights are set by hand near three
separate fits of `benchmarks/completion.py --fit` (conditional logit) on jedi, pytest and click; those
of plain names, places and matches are guesses that no fit has seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul

from devflow.analysis.facts import SymbolKind
from devflow.analysis.tokens import subtokens


@dataclass(slots=True)
class Evidence:
    """What is known about one candidate. Counts are of the document (`here`) and of the index (`known`)."""

    name: str
    kind: SymbolKind = SymbolKind.VARIABLE
    detail: str = ""
    documentation: str = ""
    source: str = "document"
    place: str = ""
    """Where a plain name comes from: `local` (the enclosing functions), `module` (the top level), `import`,
    `builtin`, `keyword`, `argument` (a keyword argument of the call the cursor is in), `workspace` (another
    file, not imported yet) or `word` (it is only written in the document); "" for a member."""
    model: float = 0.0
    """P(name | tokens before) by the usage model of the index."""
    live: float = 0.0
    """The same by the document itself."""
    live_floor: float = 1e-4
    """What an unseen name would get from a document of this size."""
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
    return 1.0 if _fits_words(lower.replace("_", ""), words_of(name)) else 0.0


@lru_cache(20_000)
def words_of(name: str) -> tuple[str, ...]:
    """The sub-words of a name, lower case."""
    return tuple(subtokens(name))


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
MEMBER_WEIGHTS = (0.45, 0.4, 0.8, 0.0, 0.0, 0.25, 0.0, 0.0, 2.3, 1.1, 1.4, 2.1, 0.0, 0.7, -0.1, -1.2, 0.4)
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
        math.log(evidence.model / _FLOOR + 1.0),
        math.log(evidence.live / evidence.live_floor + 1.0),
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


def score(evidence: Evidence, typed: str, quality: float | None = None) -> float:
    """The higher, the likelier; comparable within one list only."""
    weights = NAME_WEIGHTS if evidence.place else MEMBER_WEIGHTS
    total: float = sum(map(mul, weights, features(evidence)))
    if evidence.place:
        total += PLACE_WEIGHTS[evidence.place] - 0.2 * min(evidence.scope_distance, 5)
    if typed.startswith("_") and evidence.name.startswith("_"):
        total += 0.6
    fit = match_quality(typed, evidence.name) if quality is None else quality
    return total + MATCH_WEIGHT * (fit - 3.0)


def ranked(candidates: Iterable[Evidence], typed: str) -> list[tuple[Evidence, float]]:
    """The candidates that fit `typed`, best first, each with its probability within the list."""
    scored = [
        (score(evidence, typed, quality), evidence)
        for evidence in candidates
        if (quality := match_quality(typed, evidence.name))
    ]
    if not scored:
        return []
    best = max(value for value, _ in scored)
    total = sum(math.exp(value - best) for value, _ in scored)
    scored.sort(key=lambda pair: (-pair[0], pair[1].name.startswith("_"), pair[1].name))
    return [(evidence, math.exp(value - best) / total) for value, evidence in scored]
