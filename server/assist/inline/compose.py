"""The rest of the line from one name: the likeliest completion, and what ends the line behind it.

More than a quarter of all rests of lines are a name and closing brackets. The completion's ranker knows the
name (`complete.likeliest`), the code elsewhere knows whether a line ends behind it or behind a call of it
without arguments. Both make the probability (a logistic regression, fitted by
`benchmarks/inline/fit_compose.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.scope import word_before
from devflow.analysis.tokens import NEWLINE
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.around import OpenTokens
from devflow.server.assist.base import Codebase
from devflow.server.assist.complete import likeliest
from devflow.server.assist.features import Evidence
from devflow.server.assist.inline.brackets import CLOSES, OPENS, open_in
from devflow.server.assist.inline.brackets import code as signs_of
from devflow.server.assist.inline.rest_of_line import Guess

_NAMES = 4
_SECONDS = 0.03
_COMPOUND = (
    "if ",
    "elif ",
    "for ",
    "while ",
    "with ",
    "def ",
    "class ",
    "except ",
    "async ",
    "match ",
    "case ",
)
_CALLABLE = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD})


@dataclass(frozen=True, slots=True)
class Line:
    """What of the line is there: `closers` end it, the colon of a compound statement included."""

    closers: str
    depth: int
    compound: bool


@dataclass(frozen=True, slots=True)
class Composed:
    """A rest of the line, and the values of all `FEATURES`."""

    text: str
    values: tuple[float, ...]


async def composed(doc: Document, at: int, code: Codebase) -> Guess | None:
    """The likeliest rest of the line at `at` made of a name and an end; None where no name is wanted."""
    found = await candidates(doc, at, code)
    best = max(found, key=lambda each: sum(map(mul, WEIGHTS, each.values)), default=None)
    if best is None:
        return None
    score = sum(map(mul, WEIGHTS, best.values))
    return Guess(best.text, 1 / (1 + math.exp(-score)), "names")


async def candidates(doc: Document, at: int, code: Codebase) -> list[Composed]:
    """The likeliest few names, each with the ends that a line may have behind it."""
    if doc.language != "python":
        return []
    best = (await likeliest(doc, at, code, _SECONDS))[:_NAMES]
    if not best:
        return []
    word = word_before(doc.text, at, doc.language)
    typed = doc.text.source[word.start : at]
    line = line_at(doc, word.start, at)
    usage = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
    tokens: OpenTokens = code.memory.kept(("tokens", doc.uri, doc.language), lambda: OpenTokens(doc.language))
    around = tokens.around(doc.text.source, word.start)
    models = [model for model in (around.model, usage) if model is not None]
    result: list[Composed] = []
    for place, (evidence, chance) in enumerate(best):
        if not evidence.name.startswith(typed) or evidence.insert or evidence.module:
            continue
        ends, empty, count = _ways_on(models, word.after_dot, evidence.name, line)
        second = best[1][1] if len(best) > 1 else 0.0
        for call, share in ((False, ends), (True, empty)):
            text = evidence.name[len(typed) :] + ("()" if call else "") + line.closers
            values = _values(
                evidence,
                chance,
                chance - second if not place else 0.0,
                place,
                share,
                count,
                call,
                line,
                typed,
            )
            if text:
                result.append(Composed(text, values))
    return result


def line_at(doc: Document, start: int, at: int) -> Line:
    """What ends the line of the word that begins at `start`."""
    text = doc.text
    number = text.line_at(start)
    before = text.source[text.line_start(number) : start]
    behind = text.source[at : text.line_end(number)]
    opened = open_in(before)
    for _, sign in signs_of(behind):
        if sign in CLOSES and opened and opened[-1] == CLOSES[sign]:
            opened.pop()
    compound = before.lstrip().startswith(_COMPOUND) and ":" not in behind
    closers = "" if behind.strip() else "".join(OPENS[each] for each in reversed(opened)) + ":" * compound
    return Line(closers, len(opened), compound)


def _ways_on(models: Sequence[UsageModel], member: bool, name: str, line: Line) -> tuple[float, float, int]:
    """The shares of places of `name` behind which the line ends, or an empty call and then the line does; and
    how many places there are."""
    wanted = line.closers[:1] or NEWLINE
    ends = calls = empty = total = 0.0
    for model in models:
        context = (".", name) if member else (name,)
        level = next((each for each in model.levels(context) if each.length == len(context)), None)
        if level is None:
            continue
        count = level.count
        following = dict(model.next_tokens(context).tokens)
        ends += count * following.get(wanted, 0.0)
        called = following.get("(", 0.0)
        calls += count * called
        if called > 0.02:
            empty += count * called * dict(model.next_tokens((*context, "(")).tokens).get(")", 0.0)
        total += count
    return (ends + 0.15) / (total + 1), (empty + 0.02) / (total + 1), int(total)


def _values(
    evidence: Evidence,
    chance: float,
    ahead: float,
    place: int,
    share: float,
    count: int,
    call: bool,
    line: Line,
    typed: str,
) -> tuple[float, ...]:
    chance = min(max(chance, 1e-3), 0.999)
    share = min(max(share, 1e-3), 0.999)
    return (
        1.0,
        math.log(chance / (1 - chance)),
        math.log(share / (1 - share)),
        chance * share,
        ahead,
        float(place > 0),
        math.log1p(count),
        float(call),
        float(line.depth > 0),
        float(line.depth > 1),
        float(line.compound),
        float(evidence.kind in _CALLABLE),
        float(evidence.kind is SymbolKind.CLASS),
        float(evidence.typed or evidence.own),
        min(len(typed), 6) / 10,
        float(bool(evidence.place)),
    )


_FITTED = (
    ("bias", -1.2),
    ("log odds of the name", 0.7),
    ("log odds of the end", 0.7),
    ("both", 1.0),
    ("ahead", 0.5),
    ("not first", -0.5),
    ("log count", 0.05),
    ("call", 0.0),
    ("in brackets", 0.0),
    ("in two brackets", -0.2),
    ("compound", 0.0),
    ("callable", -0.2),
    ("class", -0.2),
    ("certain", 0.1),
    ("typed", 0.5),
    ("plain name", 0.0),
)
FEATURES = tuple(name for name, _ in _FITTED)
WEIGHTS = tuple(weight for _, weight in _FITTED)
