"""`near-duplicate`: a function that says almost token for token what another one says.

Similarity is the Jaccard index of the token 5-grams ("shingles", Broder 1997) of two bodies, without
comments and docstrings and with plain variables numbered in the order they appear: a copy with renamed
variables is still a copy, one with other calls, attributes or literals is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from devflow.analysis.facts import Finding, Location, Symbol
from devflow.analysis.roles import is_test
from devflow.analysis.symbols import FUNCTIONS

if TYPE_CHECKING:
    from devflow.analysis.text import Text

CODE = "near-duplicate"
MIN_LINES = 8
MIN_TOKENS = 50
MIN_SIMILARITY = 0.85
_GRAM = 5

_DOCSTRING = re.compile(r"^[ \t]*[rRbBuU]{0,2}(\"\"\"|''')[\s\S]*?\1[ \t]*$", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<comment>#.*|//.*|/\*[\s\S]*?\*/)"
    r"|(?P<string>\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>[^\s\w])"
)
_ASYNC = re.compile(r"\b(?:await|async)\b")
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    and as assert async await break case catch class const continue def default defer del do elif else enum
    except export extends False finally fn for foreach from func function global go if impl import in
    interface is lambda let match mut new nil None nonlocal not null or pass private protected public raise
    range return self static struct super switch this throw throws True true false try type typeof use var
    void while with yield
    """,
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function somewhere in the codebase that may be the twin."""

    path: Path
    start: int
    end: int
    name: str
    text: str


def comparable(text: Text, symbols: Sequence[Symbol], path: PurePath | None) -> list[Symbol]:
    """The functions of a document worth comparing: long enough, not inside another one, no tests."""
    if path is not None and is_test(path):
        return []
    found: list[Symbol] = []
    for symbol in sorted(symbols, key=lambda each: (each.start, -each.end)):
        if symbol.kind not in FUNCTIONS or (found and symbol.start < found[-1].end):
            continue
        if text.line_at(symbol.end) - text.line_at(symbol.start) + 1 >= MIN_LINES:
            found.append(symbol)
    return found


def near_duplicates(
    text: Text, path: Path | None, functions: Sequence[Symbol], candidates: Sequence[Sequence[Candidate]]
) -> list[Finding]:
    """One finding for each function that has a twin in the document above it or among its candidates.

    `candidates` has one entry for each of `functions`. CPU-bound: call it in a thread.
    """
    findings: list[Finding] = []
    above: list[tuple[Symbol, frozenset[int], str]] = []
    for function, others in zip(functions, candidates, strict=True):
        source = text.source[function.start : function.end]
        grams = shingles(source)
        if not grams:
            continue
        best = 0.0
        twin: tuple[Path | None, int, int, str] | None = None
        for earlier, earlier_grams, earlier_source in above:
            likeness = _likeness(grams, earlier_grams)
            if likeness > best and not _on_purpose(function, source, earlier.qualified_name, earlier_source):
                place = (path, earlier.name_start, earlier.name_end, earlier.qualified_name)
                best, twin = likeness, place
        for other in others:
            if (
                other.path == path
                or is_test(other.path)
                or _on_purpose(function, source, other.name, other.text)
            ):
                continue
            likeness = _likeness(grams, shingles(other.text))
            if likeness > best:
                best, twin = likeness, (other.path, other.start, other.end, other.name)
        if twin is not None and best >= MIN_SIMILARITY:
            findings.append(_finding(function, best, twin, path))
        above.append((function, grams, source))
    return findings


def shingles(source: str) -> frozenset[int]:
    """Hashes of the token 5-grams of one function's body, normalised as the module says; none for a
    body that only hands its arguments on."""
    tokens = list(_normalised(_DOCSTRING.sub("", source)))
    tokens = tokens[_body(tokens) :]
    if tokens[:1] == ["return"] or len(tokens) < MIN_TOKENS:
        return frozenset()
    return frozenset(hash(tuple(tokens[at : at + _GRAM])) for at in range(len(tokens) - _GRAM + 1))


def _body(tokens: Sequence[str]) -> int:
    """Where the body begins: behind the `:` or `{` that follows the parameter list."""
    depth = 0
    closed = False
    for at, token in enumerate(tokens):
        if token in "([" or (token == "{" and not closed):
            depth += 1
        elif token in ")]" or (token == "}" and not closed):
            depth -= 1
            closed = closed or (depth == 0 and token == ")")
        elif closed and depth == 0 and (token == "{" or (token == ":" and tokens[at + 1 : at + 2] != ["{"])):
            return at + 1
    return 0


def _normalised(source: str) -> Iterable[str]:
    numbers: dict[str, str] = {}
    before = ""
    for found in _TOKEN.finditer(source):
        token = found[0]
        kind = found.lastgroup
        if kind == "comment":
            continue
        if kind == "name" and token not in _KEYWORDS:
            after = source[found.end() : found.end() + 1]
            if before != "." and after != "(":
                token = numbers.setdefault(token, f"v{len(numbers)}")
        yield token
        before = token


def _likeness(one: frozenset[int], other: frozenset[int]) -> float:
    smaller, larger = sorted((len(one), len(other)))
    if not larger or smaller / larger < MIN_SIMILARITY:
        return 0.0
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _on_purpose(function: Symbol, source: str, other_name: str, other_source: str) -> bool:
    """Whether the two are the sync and the async form of one thing."""
    if bool(_ASYNC.search(source)) != bool(_ASYNC.search(other_source)):
        return True
    name = function.qualified_name.lower()
    return name != other_name.lower() and name.replace("async", "") == other_name.lower().replace("async", "")


def _finding(
    function: Symbol, likeness: float, twin: tuple[Path | None, int, int, str], path: Path | None
) -> Finding:
    where, start, end, name = twin
    place = f" in {where.parent.name}/{where.name}" if where is not None and where != path else ""
    message = (
        f"{function.name}() is {likeness:.0%} the same as {name}(){place}; they could share one function."
    )
    related = ((Location(where, start, end), f"{name} is here"),) if where is not None else ()
    return Finding(function.name_start, function.name_end, CODE, message, "information", related)
