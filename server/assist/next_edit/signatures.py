"""A function got a parameter more or less: its calls follow. So do those of a class with a field more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devflow.analysis.calls import CallSite
from devflow.analysis.changes import reverted
from devflow.analysis.facts import Symbol
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit, Text
from devflow.analysis.tokens import NEWLINE, lex
from devflow.server.assist.next_edit.base import Cause, NextEdit
from devflow.server.assist.next_edit.called_here import FUNCTIONS, IMPLICIT, calls_in_file
from devflow.server.assist.next_edit.values import value_for

LANGUAGES = frozenset({"python", "typescript", "tsx", "javascript"})
_USUAL, _LONGEST = 400, 6_000
"""Code points of a list of parameters."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as written; offsets into the text it was read from."""

    name: str
    start: int
    end: int
    optional: bool = False
    keyword_only: bool = False
    starred: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """A function whose parameters were edited: as they were and as they are, `self` left out."""

    symbol: Symbol
    opening: int
    """Where the parameters begin, behind the bracket, and where they end."""
    closing: int
    before: tuple[Parameter, ...]
    now: tuple[Parameter, ...]

    @property
    def added(self) -> Parameter | None:
        """The one parameter that is new, where nothing else is different."""
        return _extra(self.now, self.before)

    @property
    def removed(self) -> Parameter | None:
        """The one that is gone, where nothing else is different."""
        return _extra(self.before, self.now)


def signatures(
    tree: SyntaxTree,
    every: Sequence[Symbol],
    functions: Sequence[Changed],
    causes: Sequence[Cause],
) -> list[NextEdit]:
    """The edits of the calls in the file that the changed parameters of `functions` ask for. `every`: the
    symbols of the file."""
    for changed in functions:
        added, removed = changed.added, changed.removed
        if added is None and removed is None:
            continue
        found = [
            NextEdit(edit, "signature", title_of(changed))
            for site in calls_in_file(tree, changed.symbol, every)
            if not touched(site, causes) and (edit := edit_of(tree, site, changed)) is not None
        ]
        if found:
            return found
    return []


def title_of(changed: Changed) -> str:
    """What is to be done in the calls, for the user."""
    if changed.removed is not None:
        return f"Leave out {changed.removed.name}, which is gone"
    return f"Pass {changed.added.name}, which is new" if changed.added is not None else ""


def edit_of(tree: SyntaxTree, site: CallSite, changed: Changed) -> Edit | None:
    """The edit of a call in the file that the changed parameters ask for, where it is clear."""
    if changed.removed is not None:
        return _without(site, changed, changed.removed)
    if changed.added is not None:
        return with_value(tree, site, changed.now, changed.added)
    return None


def fits(site: CallSite, parameters: Sequence[Parameter]) -> bool:
    """Whether a call gives what these parameters take; also where stars hide what it gives."""
    if any(each.starred for each in site.arguments):
        return True
    open_ended = any(each.starred for each in parameters)
    plain = [each.name for each in parameters if not (each.keyword_only or each.starred)]
    count = sum(each.keyword is None for each in site.arguments)
    named = {each.keyword for each in site.arguments if each.keyword is not None}
    if not open_ended and (count > len(plain) or named - {each.name for each in parameters}):
        return False
    given = {*plain[:count], *named}
    return all(each.optional or each.starred or each.name in given for each in parameters)


def changed_functions(
    text: Text, tree: SyntaxTree, every: Sequence[Symbol], causes: Sequence[Cause]
) -> list[Changed]:
    """The functions whose parameters were edited lately, that of the newest edit first."""
    found: list[tuple[int, Changed]] = []
    for symbol in every:
        near = any(symbol.name_end <= each.change.start <= symbol.end for each in causes)
        if symbol.kind not in FUNCTIONS or not near:
            continue
        span = parameter_span(text.source, symbol.name_end, tree.language)
        if span is None:
            continue
        inside = [
            number
            for number, each in enumerate(causes)
            if span[0] <= each.change.start and each.change.new_end <= span[1]
        ]
        if not inside:
            continue
        changes = [causes[number].change for number in inside]
        before = reverted(text.source, changes).source
        behind = span[1] - sum(each.growth for each in changes)
        was = _explicit(parameters(before, span[0], behind, tree.language))
        now = _explicit(parameters(text.source, *span, tree.language))
        found.append((inside[0], Changed(symbol, *span, was, now)))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def parameter_span(source: str, name_end: int, language: str) -> tuple[int, int] | None:
    """The text inside the brackets behind a function's name."""
    for length in (_USUAL, _LONGEST):
        depth, opening = 0, -1
        for token in lex(source[name_end : name_end + length], language):
            if token.text in ("(", "[", "{"):
                if depth == 0 and token.text == "(":
                    opening = name_end + token.end
                depth += 1
            elif token.text in (")", "]", "}"):
                depth -= 1
                if depth == 0 and opening >= 0:
                    return opening, name_end + token.start
            elif depth == 0 and token.text in (NEWLINE, ":", "=", ";"):
                return None
    return None


def parameters(source: str, start: int, end: int, language: str) -> tuple[Parameter, ...]:
    """The parameters written in `source[start:end]`."""
    found: list[Parameter] = []
    depth = 0
    piece: list[tuple[str, int, int, int]] = []
    keyword_only = False
    for token in [*lex(source[start:end], language), None]:
        if token is not None:
            depth += (token.text in "([{") - (token.text in ")]}")
        if token is None or (depth == 0 and token.text == ","):
            words = [each[0] for each in piece]
            name = next((word for word in words if word.isidentifier()), "")
            if words[:1] == ["*"]:
                keyword_only = True
            if name:
                optional = any(word in ("=", "?") and level == 0 for word, _, _, level in piece)
                starred = words[0] in ("*", "**", "...")
                found.append(
                    Parameter(
                        _named(words, name),
                        piece[0][1],
                        piece[-1][2],
                        optional,
                        keyword_only and not starred,
                        starred,
                    )
                )
            piece = []
        elif token.text != NEWLINE:
            piece.append((token.text, start + token.start, start + token.end, depth))
    return tuple(found)


def _named(words: Sequence[str], first: str) -> str:
    """The name of a parameter, behind `private`, `readonly` and the like."""
    names = [
        word
        for number, word in enumerate(words)
        if word.isidentifier() and not any(sign in (":", "=", "?") for sign in words[:number])
    ]
    return names[-1] if names else first


def touched(site: CallSite, causes: Sequence[Cause]) -> bool:
    """Whether the user has edited a call: then it is as it shall be."""
    return any(each.change.start < site.end and site.start < each.change.new_end for each in causes)


def with_value(tree: SyntaxTree, site: CallSite, now: Sequence[Parameter], added: Parameter) -> Edit | None:
    """The edit that passes `added` in a call, where it is clear what to pass: what has its name there."""
    if added.optional or added.starred or any(each.starred for each in site.arguments):
        return None
    if any(each.keyword == added.name for each in site.arguments):
        return None
    value = value_for(tree, site, added.name)
    if value is None:
        return None
    place = (
        [each.name for each in now if not each.keyword_only].index(added.name)
        if not added.keyword_only
        else 0
    )
    plain = [each for each in site.arguments if each.keyword is None]
    named = tree.language == "python" and (
        added.keyword_only or len(plain) < place or (bool(site.arguments) and not plain)
    )
    written = f"{added.name}={value}" if named else value
    if not named and len(plain) < place:
        return None
    if not site.arguments:
        return Edit(site.end - 1, site.end - 1, written)
    if named or place >= len(site.arguments):
        at = site.arguments[-1].end
        return Edit(at, at, f", {written}")
    at = site.arguments[place].start
    return Edit(at, at, f"{written}, ")


def _without(site: CallSite, changed: Changed, removed: Parameter) -> Edit | None:
    """The edit that leaves out the argument of a parameter that is gone."""
    given = site.arguments
    if removed.starred or any(each.starred for each in given):
        return None
    needed = sum(not (each.optional or each.starred) for each in changed.now)
    if len(given) - 1 < needed:
        return None  # it fits the parameters that are left
    number = next((n for n, each in enumerate(given) if each.keyword == removed.name), -1)
    if number < 0:
        plain = [each.name for each in changed.before if not each.keyword_only]
        place = plain.index(removed.name) if removed.name in plain else len(given)
        if place >= len(given) or given[place].keyword is not None:
            return None
        number = place
    if number + 1 < len(given):
        return Edit(given[number].start, given[number + 1].start, "")
    start = given[number - 1].end if number else given[number].start
    return Edit(start, given[number].end, "")


def _explicit(found: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return found[1:] if found and found[0].name in IMPLICIT else found


def _extra(more: Sequence[Parameter], fewer: Sequence[Parameter]) -> Parameter | None:
    """The one of `more` that `fewer` lacks, where the others are the same in the same order."""
    known = {each.name for each in fewer}
    extra = [each for each in more if each.name not in known]
    rest = [each.name for each in more if each.name in known]
    return extra[0] if len(extra) == 1 and rest == [each.name for each in fewer] else None
