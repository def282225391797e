"""What the ranker looks at: evidence about candidates turned into numbers, one row per candidate.

The order of the columns is part of `ranker.json`: a change here needs `benchmarks/learn_ranker.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from devflow.analysis.facts import SymbolKind
from devflow.analysis.symbols import FUNCTIONS
from devflow.analysis.tokens import subtokens

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Vector = npt.NDArray[np.float64]


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
    frequent: int = 0
    """Times seen as a member anywhere in the workspace or defined there."""
    typed: bool = False
    """The type engine says that it exists."""
    own: bool = False
    """A member of the class the receiver is known to be."""
    inherited: int = 0
    """Steps from that class up to the one that defines it."""
    guessed: bool = False
    """A member of a class the receiver is named like, or that an attribute of its name has elsewhere."""
    called: float = 0.0
    """1: a call is written here and this is called elsewhere; -1: one of both only; 0: not known."""
    echo: float = 0.0
    """How much of the name stands on the line as a plain name (`width = self.width`), 0 to 1."""
    target: float = 0.0
    """How much of it stands in what is assigned to, or in the keyword it is the value of, 0 to 1."""
    around: float = 0.0
    """How much of it stands in the name of the function or class around, or of the call, 0 to 1."""
    repeated: bool = False
    """Already used on this line."""
    nearby: int = 0
    """Times used in the function around the cursor, before it."""
    distance: float = 1.0
    """How far back it was last used: 0 here, 1 never."""
    scope_distance: int = 0
    """Scopes between the definition and the cursor."""
    bound: float = 1.0
    """How far back it was bound: 0 here, 1 far."""
    from_workspace: bool = False
    """Imported from a module of the workspace."""
    asked: float = 0.0
    """What the syntax before the cursor adds to its score."""
    module: str = ""
    """Module to import it from (a workspace name not imported yet)."""
    insert: str = ""
    """What is inserted when it is not the name itself."""


@dataclass(frozen=True, slots=True)
class Around:
    """What all candidates of one list share."""

    next: str = ""
    """The sign behind the word, "" at the end of the line."""
    own: bool = False
    """The receiver is `self` or the like."""
    typed: bool = False
    """The type engine has answered."""
    known: bool = False
    """The receiver's class or module is known."""
    quoted: bool = False
    """In a string or comment."""
    typing: int = 0
    """Letters typed."""
    upper: bool = False
    """The receiver is written like a class."""
    tail: str = ""
    """The receiver's last name."""


_MEMBER_TEXT = """
log_model log_live receiver_here receiver_known tail_here tail_known here known frequent typed untyped own
inherited guessed stranger called not_called repeated echo target around nearby recent private
private_of_own dunder of_object constant class class_called unseen callable paren own_receiver engine
class_known quoted upper_receiver live typed_unseen
"""
MEMBER_FEATURES = tuple(_MEMBER_TEXT.split())
_NAME_TEXT = """
log_model log_live here recent bound nearby scope local module import builtin keyword argument workspace
word from_workspace called not_called repeated echo target around private dunder constant class function
is_module parameter share_typed unseen paren typing live unused
"""
NAME_FEATURES = tuple(_NAME_TEXT.split())
_PLACES = ("local", "module", "import", "builtin", "keyword", "argument", "workspace", "word")
_PLACE_NUMBER = {place: number for number, place in enumerate(_PLACES)}
_OBJECT = frozenset(dir(object)) | {"__dict__", "__module__", "__name__", "__qualname__", "__annotations__"}
_FLOOR = 1e-4
CALLABLE = FUNCTIONS | {SymbolKind.CLASS}


@lru_cache(50_000)
def words_of(name: str) -> tuple[str, ...]:
    """The sub-words of a name, lower case."""
    return tuple(subtokens(name))


_SHAPES = ("private", "dunder", "of_object", "constant", "like_class")


@lru_cache(50_000)
def _shape(name: str) -> tuple[float, float, float, float, float]:
    """`_SHAPES` of a name."""
    dunder = name.startswith("__") and name.endswith("__")
    bare = name.strip("_")
    constant = bare.isupper() and len(bare) > 1
    return (
        float(name.startswith("_") and not dunder),
        float(dunder),
        float(name in _OBJECT),
        float(constant),
        float(bare[:1].isupper() and not constant),
    )


_MEMBER_FIELDS = (
    *("model", "live", "live_floor", "receiver_here", "receiver_known", "tail_here", "tail_known", "here"),
    *("known", "frequent", "typed", "own", "inherited", "guessed", "called", "repeated", "echo", "target"),
    *("around", "nearby", "distance"),
)
_NAME_FIELDS = (
    *("model", "live", "live_floor", "here", "distance", "bound", "nearby", "scope_distance"),
    *("from_workspace", "called", "repeated", "echo", "target", "around"),
)


def _columns(candidates: Sequence[Evidence], fields: Sequence[str]) -> dict[str, Vector]:
    """What is known of each candidate, field by field; with `private`, `dunder`, `of_object`, `constant`,
    `like_class` and `callable`."""
    import numpy as np

    def table(rows: Iterable[Iterable[float]], width: int) -> Matrix:
        # From one iterator: half the time of an array of tuples.
        values = np.fromiter(chain.from_iterable(rows), np.float64, len(candidates) * width)
        return values.reshape(-1, width)

    known = table(map(attrgetter(*fields), candidates), len(fields))
    shapes = table((_shape(each.name) for each in candidates), len(_SHAPES))
    columns = {name: known[:, number] for number, name in enumerate(fields)}
    columns |= {name: shapes[:, number] for number, name in enumerate(_SHAPES)}
    columns["callable"] = np.array([each.kind in CALLABLE for each in candidates], dtype=np.float64)
    return columns


def _rows(columns: Sequence[Any]) -> Matrix:
    """`np.column_stack`, which makes a matrix of each column first."""
    import numpy as np

    return np.ascontiguousarray(np.array(columns, dtype=np.float64).T)


def member_features(candidates: Sequence[Evidence], around: Around) -> Matrix:
    """One row per candidate, the columns of `MEMBER_FEATURES`."""
    import numpy as np

    by = _columns(candidates, _MEMBER_FIELDS)
    log, log1p = np.log, np.log1p
    paren = float(around.next == "(")
    unseen = (by["here"] + by["known"] + by["receiver_known"]) == 0
    shared = (paren, around.own, around.typed, around.known, around.quoted, around.upper)
    return _rows(
        [
            log(by["model"] / _FLOOR + 1.0) / 5,
            log(by["live"] / by["live_floor"] + 1.0) / 5,
            log1p(by["receiver_here"]),
            log1p(by["receiver_known"]) / 2,
            log1p(by["tail_here"]),
            log1p(by["tail_known"]) / 2,
            log1p(by["here"]),
            log1p(by["known"]) / 3,
            log1p(by["frequent"]) / 3,
            by["typed"],
            around.typed * (1.0 - by["typed"]),
            by["own"] * (by["inherited"] == 0),
            by["inherited"] > 0,
            by["guessed"],
            around.known * (1.0 - by["own"]),
            by["called"] > 0,
            by["called"] < 0,
            by["repeated"],
            by["echo"],
            by["target"],
            by["around"],
            log1p(by["nearby"]),
            1.0 - by["distance"],
            by["private"],
            by["private"] * around.own,
            by["dunder"],
            by["of_object"],
            by["constant"],
            by["like_class"],
            by["like_class"] * paren,
            unseen,
            by["callable"],
            *(np.full(len(candidates), float(value)) for value in shared),
            by["live"],
            by["typed"] * unseen,
        ]
    )


def name_features(candidates: Sequence[Evidence], around: Around) -> Matrix:
    """One row per candidate, the columns of `NAME_FEATURES`."""
    import numpy as np

    by = _columns(candidates, _NAME_FIELDS)
    log, log1p = np.log, np.log1p
    places = np.array([_PLACE_NUMBER.get(each.place, -1) for each in candidates])
    sizes = np.array([max(1, len(each.name)) for each in candidates])
    kinds = [each.kind for each in candidates]
    whole = np.ones(len(candidates))
    return _rows(
        [
            log(by["model"] / _FLOOR + 1.0) / 5,
            log(by["live"] / by["live_floor"] + 1.0) / 5,
            log1p(by["here"]),
            1.0 - by["distance"],
            1.0 - by["bound"],
            log1p(by["nearby"]),
            np.minimum(by["scope_distance"], 5) / 2,
            *(places == number for number in range(len(_PLACES))),
            by["from_workspace"],
            by["called"] > 0,
            by["called"] < 0,
            by["repeated"],
            by["echo"],
            by["target"],
            by["around"],
            by["private"],
            by["dunder"],
            by["constant"],
            by["like_class"],
            by["callable"] * (1.0 - by["like_class"]),
            [kind is SymbolKind.MODULE for kind in kinds],
            [kind is SymbolKind.PARAMETER for kind in kinds],
            around.typing / sizes,
            by["here"] == 0,
            whole * (around.next == "("),
            whole * min(around.typing, 3) / 3,
            by["live"],
            (by["here"] == 1) & (places == _PLACE_NUMBER["local"]),
        ]
    )
