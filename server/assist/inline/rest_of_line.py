"""The rest of the line without a model: how it goes on elsewhere, in this document or in the workspace.

Whole rests of lines are candidates; how each is known, whether it parses, which of its names are known
here and whether its line stands nearby already make the probability that it is what is written next (a
logistic regression, fitted by `benchmarks/ghost.py` on public code).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

from devflow.analysis.document import Document
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.analogy import Analogy, analogies
from devflow.analysis.usage.around import Around
from devflow.analysis.usage.closing import closing, open_brackets
from devflow.analysis.usage.lines import Rest, rests
from devflow.analysis.usage.parameters import Kept, kept_next
from devflow.analysis.usage.vocabulary import Vocabulary
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.around import tokens_around
from devflow.server.assist.inline.brackets import OPENS, open_in
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.inline.told import Told, told
from devflow.server.assist.keywords import builtin_names, keywords

_CANDIDATES = 5
_NEAR, _SAME_BLOCK = 3, 15
"""Lines."""
_WAYS = ("super", "call", "items")
_WORD = 3
"""Letters of a word that is more likely whole than the beginning of another, once it is known."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A rest of the line; `probability` that it is written, to the letter, `engine`: who knows it best."""

    text: str
    probability: float
    engine: str
    made: Document
    """The document with it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A candidate, as it would be inserted, and the values of all `FEATURES` but the last."""

    rest: Rest
    text: str
    values: tuple[float, ...]


def guess(
    doc: Document, at: int, code: Codebase, cleaned: Callable[[str], str], *, whole: bool = False
) -> Guess | None:
    """The likeliest rest of the line at `at`, None when nothing is known. `cleaned` gives the text as it
    may be inserted, "" when it may not; `whole`: the word before `at` is no beginning of a longer one. For a
    thread."""
    found = [
        each
        for is_whole in _readings(doc, at, code, whole)
        for each in evidence(doc, at, code, whole=is_whole)
    ]
    scored = [(sum(map(mul, WEIGHTS, each.values)), n, each) for n, each in enumerate(found)]
    best: Guess | None = None
    # That a candidate parses can only raise it, so most need not be parsed.
    for score, _, each in sorted(scored, reverse=True):
        if best is not None and _chance(score + WEIGHTS[-1]) <= best.probability:
            break
        text = cleaned(each.text)
        if not text:
            continue
        made = with_suggestion(doc, at, text)
        probability = _chance(score + WEIGHTS[-1] * parses(doc, at, text, made))
        if best is None or probability > best.probability:
            here, known = each.rest.seen
            best = Guess(text, probability, "document" if here.share >= known.share else "usage", made)
    return best


def _readings(doc: Document, at: int, code: Codebase, whole: bool) -> tuple[bool, ...]:
    """Whether the word before `at` is whole: so is one that the document has elsewhere in such a place, and
    one that is known besides may be."""
    start = doc.text.word_at(at)[0]
    word = doc.text.source[start:at]
    if whole or not word:
        return (whole,)
    member = r"(?<=\.)" if doc.text.source[start - 1 : start] == "." else r"(?<![\w.])"
    again = re.findall(rf"{member}{re.escape(word)}(?!\w)", doc.text.source)
    if len(again) > 1 and len(word) >= _WORD and word not in keywords(doc.language):
        return (True,)
    usage = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
    known = len(again) > 1 or (usage is not None and usage.vocabulary.number(word) is not None)
    return (False, True) if known else (False,)


def evidence(doc: Document, at: int, code: Codebase, *, whole: bool = False) -> list[Evidence]:
    """What is known about each of the few likeliest rests, but whether it parses."""
    # A word that is half typed is no context but a filter.
    start = at if whole else doc.text.word_at(at)[0]
    half = doc.text.source[start:at]
    around = tokens_around(doc, start, code)
    usage = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
    models = (around.model, usage if usage is not None else UsageModel(Vocabulary()))
    spaced = doc.text.source[at - 1 : at].isspace()
    alike = {
        each.tokens: each for each in analogies(around, frozenset(keywords(doc.language)).__contains__, half)
    }
    others = {each.tokens: each.text for each in alike.values()}
    kept = kept_next(around, half) if doc.language == "python" else None
    if kept is not None:
        others[kept.tokens] = kept.text
    end = closing(around) if doc.language == "python" else None
    by_itself = told(doc, start, half, around, end or (), code) if doc.language == "python" else None
    if by_itself is not None:
        others[by_itself.tokens] = by_itself.text
    in_statement = doc.language == "python" and not open_brackets(around)
    return [
        Evidence(
            rest,
            text.lstrip() if spaced else text,
            _values(rest, around, half, alike.get(rest.tokens), kept, by_itself),
        )
        for rest in rests(models, around.context, half, others, _CANDIDATES, end)
        for text in (_assigned(rest) if in_statement else rest.text,)
        if not _is_told_once(rest) and _names_known(rest.tokens, around, doc.language)
    ]


def _is_told_once(rest: Rest) -> bool:
    """Whether a rest has a sentence in it that stands in one place: it was right 4 times of 29 (ADR 0013)."""
    sentence = any(token[-1] in "'\"`" and " " in token for token in rest.tokens)
    return sentence and sum(seen.count for seen in rest.seen) < 2


def _assigned(rest: Rest) -> str:
    """The text of a rest outside of brackets: an assignment has spaces where an argument has none."""
    if rest.tokens[0] != "=":
        return rest.text
    return " = " + rest.text.lstrip().removeprefix("=").lstrip()


def parses(doc: Document, at: int, text: str, made: Document | None = None) -> bool:
    """Whether the document is whole with `text` at `at` (`made`: so it is, where that is there already); True
    where nobody can say. The block that a brace opens at its end may be closed further on, or not yet."""
    if doc.tree is None:
        return True
    if _is_whole(made or with_suggestion(doc, at, text)):
        return True
    closers = "".join(OPENS[opener] for opener in reversed(open_in(text))) if text.endswith("{") else ""
    return bool(closers) and _is_whole(with_suggestion(doc, at, text + closers))


def _is_whole(doc: Document) -> bool:
    return doc.tree is None or not doc.tree.has_error()


def _names_known(tokens: Sequence[str], around: Around, language: str) -> bool:
    """Whether every plain name is known here or bound by the rest itself: a copy of foreign code is not."""
    bound = {
        name for before, name in zip(("", *tokens), tokens, strict=False) if before in ("for", "as", "lambda")
    }
    for at, name in enumerate(tokens):
        before = tokens[at - 1] if at else around.line[-1] if around.line else ""
        behind = tokens[at + 1] if at + 1 < len(tokens) else ""
        if before in (".", "->", "::", "?.") or behind == "=" or not name.isidentifier():
            continue
        known = name in bound or around.knows(name) or name in builtin_names(language)
        if not known and name not in keywords(language):
            return False
    return True


def _values(
    rest: Rest,
    around: Around,
    half: str,
    analogy: Analogy | None,
    kept: Kept | None,
    by_itself: Told | None,
) -> tuple[float, ...]:
    here, known = rest.seen
    line = (*around.line, *rest.tokens)
    away = around.distance(line)
    gap = abs(away) if away is not None else math.inf
    is_kept = kept if kept is not None and rest.tokens == kept.tokens else None
    is_told = by_itself if by_itself is not None and rest.tokens == by_itself.tokens else None
    members = [name for before, name in pairwise(("", *around.line[-1:], *rest.tokens)) if before == "."]
    return (
        1.0,
        _log_odds(here.share + (1 - here.share) * 0.8 * known.share),
        _tenths(len(rest.tokens), 12),
        _tenths(here.length, 12),
        here.count / (here.total + 0.5),
        math.log1p(here.count),
        _tenths(known.length, 12),
        known.count / (known.total + 0.5),
        math.log1p(known.count),
        _tenths(here.longest - here.length, 8),
        _tenths(known.longest - known.length, 8),
        _tenths(here.length - len(around.line), 10),
        _tenths(known.length - len(around.line), 10),
        float(here.count > 0 and known.count > 0),
        float(sum(not around.knows(name) for name in members[:3])),
        float(around.knows(rest.tokens[0])),
        float(gap <= _NEAR),
        float(_NEAR < gap <= _SAME_BLOCK),
        float(away == 1),
        _tenths(len(around.line), 12),
        _tenths(len(half), 6),
        float(analogy is not None),
        math.log1p(analogy.count) if analogy else 0.0,
        analogy.count / (analogy.total + 0.5) if analogy else 0.0,
        analogy.above / 3 if analogy else 0.0,
        float(analogy is not None and analogy.gap <= _NEAR),
        float(is_kept is not None and is_kept.constructor),
        float(is_kept is not None and is_kept.begun),
        float(kept is not is_kept),
        float(is_kept is not None),
        float(rest.closed),
        *(float(is_told is not None and is_told.way == way) for way in _WAYS),
        float(is_told is not None and analogy is None and not here.count + known.count),
    )


_FITTED = (
    ("bias", -5.65),
    ("log odds", 0.25),
    ("tokens", -1.17),
    ("length here", 1.13),
    ("share here", 2.72),
    ("log count here", 0.39),
    ("length known", 1.32),
    ("share known", 2.56),
    ("log count known", 0.06),
    ("gap here", -1.21),
    ("gap known", -1.01),
    ("above here", 0.77),
    ("above known", 1.25),
    ("both", -1.41),
    ("new members", -0.53),
    ("first word here", 0.02),
    ("line nearby", -1.18),
    ("line in block", 0.15),
    ("line below", -2.05),
    ("tokens before", 0.63),
    ("typed", 4.76),
    ("analogy", 1.57),
    ("log count of analogies", 0.1),
    ("share of analogies", 1.97),
    ("analogies above", 3.38),
    ("analogy nearby", 2.23),
    ("kept by constructor", 1.62),
    ("kept as before", 1.38),
    ("another is kept", -0.12),
    ("kept", 2.67),
    ("closed", -0.98),
    ("told by super", 3.48),
    ("told by call", 2.77),
    ("told by pairs", 3.85),
    ("told alone", 2.26),
    ("parses", 3.13),
)
"""What the values of a candidate mean, and their weights. "here": in this document, "known": in the rest of
the workspace; lengths are tens of tokens of context."""
FEATURES = tuple(name for name, _ in _FITTED)
WEIGHTS = tuple(weight for _, weight in _FITTED)


def _chance(score: float) -> float:
    return 1 / (1 + math.exp(-score))


def _log_odds(share: float) -> float:
    share = min(max(share, 1e-4), 0.999)
    return math.log(share / (1 - share))


def _tenths(value: float, most: int) -> float:
    return min(max(value, 0), most) / 10
