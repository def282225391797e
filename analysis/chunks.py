"""Cuts a file into the pieces that retrieval returns: symbols, parts of large ones, the code between.

Every line that is not blank lies in exactly one chunk; chunks begin and end at line borders.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.facts import Chunk, Symbol, SymbolKind
from devflow.analysis.languages import language_named
from devflow.analysis.sections import DOCUMENTS, sections
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Text

LARGE = 60
"""Lines above which a piece is split."""
SMALL = 6
"""Lines below which a piece may join a neighbour."""
MERGED = 30
"""Lines that joined neighbours may have together."""

_HOLDERS = CLASS_LIKE | FUNCTION_LIKE | {SymbolKind.MODULE, SymbolKind.TYPE}
_HEADING = {
    "toml": re.compile(r"\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$"),
    "ini": re.compile(r"\[\s*([^\]]+?)\s*\]\s*$"),
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines `first` to `last`, both included."""

    first: int
    last: int
    symbol: str
    kind: str
    whole: bool = True
    """False for one part of a split symbol, which must not join a neighbour."""

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


def chunks(tree: SyntaxTree, symbols: Sequence[Symbol]) -> tuple[Chunk, ...]:
    """The chunks of a parsed file: each function a piece of its own, split at statement borders above `LARGE`
    lines; classes by member when they have functions; small neighbours that are no functions joined."""
    text = tree.text
    holders = _Holders(text, symbols)
    borders = _Borders(tree)
    pieces = _pieces(text, 0, text.line_count - 1, None, holders, borders)
    return _finished(text, _merged(pieces))


def line_chunks(text: Text, language: str) -> tuple[Chunk, ...]:
    """Chunks of a file without syntax: documents by section, settings at headings, all at blank lines
    where they are large."""
    blank = [number + 1 for number in range(text.line_count) if not text.line(number).strip()]
    if language in DOCUMENTS:
        found = [(each.first, each.last, each.title) for each in sections(text, language)]
    else:
        found = _settings(text, _HEADING.get(language))
    pieces: list[_Piece] = []
    for first, last, title in found:
        pieces += _cut(first, last, title, "section" if title else "text", blank)
    return _finished(text, pieces)


def _settings(text: Text, heading: re.Pattern[str] | None) -> list[tuple[int, int, str]]:
    """Lines between headings in brackets."""
    found: list[tuple[int, int, str]] = []
    first, title = 0, ""
    for number in range(text.line_count if heading else 0):
        if heading and (told := heading.match(text.line(number))):
            if number > first:
                found.append((first, number - 1, title))
            first, title = number, told[1]
    if text.line_count > first:
        found.append((first, text.line_count - 1, title))
    return found


class _Holders:
    """The symbols that make chunks, with their lines and children."""

    def __init__(self, text: Text, symbols: Sequence[Symbol]) -> None:
        self.children: dict[int | None, list[tuple[int, int, int, Symbol]]] = {}
        stack: list[tuple[int, int]] = []  # end, id
        for number, symbol in enumerate(symbols):
            if symbol.kind not in _HOLDERS or symbol.end <= symbol.start:
                continue
            while stack and stack[-1][0] <= symbol.start:
                stack.pop()
            first, last = text.line_at(symbol.start), text.line_at(symbol.end - 1)
            parent = stack[-1][1] if stack else None
            self.children.setdefault(parent, []).append((first, last, number, symbol))
            stack.append((symbol.end, number))


class _Borders:
    """Lines on which a statement begins, looked up only inside what is too large."""

    def __init__(self, tree: SyntaxTree) -> None:
        self._tree = tree
        entry = language_named(tree.language)
        self.comment = entry.comment if entry and entry.comment else "//"

    def within(self, first: int, last: int) -> list[int]:
        text = self._tree.text
        start, end = text.line_start(first), text.line_end(last)
        low, high = self._tree.byte(start), self._tree.byte(end)
        found: set[int] = set()
        pending: list[tree_sitter.Node] = [self._tree.smallest(start, end)]
        while pending:
            node = pending.pop()
            for child in node.named_children:
                if child.end_byte <= low or child.start_byte >= high:
                    continue
                line = text.line_at(self._tree.offset(child.start_byte))
                if first < line <= last:
                    found.add(line)
                if child.end_point[0] - child.start_point[0] > LARGE // 3:
                    pending.append(child)
        return sorted(found)


def _pieces(
    text: Text, first: int, last: int, owner: int | None, holders: _Holders, borders: _Borders, name: str = ""
) -> list[_Piece]:
    result: list[_Piece] = []
    at = first

    def between(end: int) -> None:
        if end < at:
            return
        kind = "code" if owner is None else "head"
        if end - at + 1 <= LARGE:
            result.append(_Piece(at, end, name, kind))
        else:
            result.extend(_cut(at, end, name, kind, borders.within(at, end)))

    for child_first, child_last, number, symbol in holders.children.get(owner, ()):
        if child_first < at or child_last > last:
            continue  # on a line that is taken already
        start = child_first
        if start > at:
            start = _with_comment(text, at, start, borders)
        between(start - 1)
        lines = child_last - start + 1
        inner = number in holders.children and symbol.kind not in FUNCTION_LIKE
        if inner and (
            lines > LARGE or any(child[3].kind in FUNCTION_LIKE for child in holders.children[number])
        ):
            result += _pieces(text, start, child_last, number, holders, borders, symbol.qualified_name)
        elif lines <= LARGE:
            result.append(_Piece(start, child_last, symbol.qualified_name, symbol.kind.value))
        else:
            result += _cut(
                start, child_last, symbol.qualified_name, symbol.kind.value, borders.within(start, child_last)
            )
        at = child_last + 1
    between(last)
    return result


def _with_comment(text: Text, at: int, line: int, borders: _Borders) -> int:
    """The first line of the comment that stands directly above `line`, not before `at`."""
    sign = borders.comment
    while line > at:
        above = text.line(line - 1).strip()
        if not (above.startswith(sign) or (sign == "//" and above.startswith(("/*", "*", "#[", "@")))):
            break
        line -= 1
    return line


def _cut(first: int, last: int, symbol: str, kind: str, borders: Sequence[int]) -> list[_Piece]:
    """Lines `first` to `last` in pieces of up to `LARGE` lines, cut at `borders` where possible."""
    if last - first + 1 <= LARGE:
        return [_Piece(first, last, symbol, kind)]
    result: list[_Piece] = []
    while last - first + 1 > LARGE:
        low, high = bisect_right(borders, first + LARGE // 4), bisect_right(borders, first + LARGE)
        cut = borders[high - 1] if high > low else first + LARGE
        if last - cut + 1 < SMALL and bisect_left(borders, last - LARGE // 2) < len(borders):
            cut = min(cut, borders[bisect_left(borders, last - LARGE // 2)])
        cut = max(cut, first + 1)
        result.append(_Piece(first, cut - 1, symbol, kind, whole=False))
        first = cut
    result.append(_Piece(first, last, symbol, kind, whole=False))
    return result


def _merged(pieces: Sequence[_Piece]) -> list[_Piece]:
    result: list[_Piece] = []
    for piece in pieces:
        previous = result[-1] if result else None
        if (
            previous
            and previous.whole
            and piece.whole
            and _is_small(previous)
            and _is_small(piece)
            and previous.lines + piece.lines <= MERGED
        ):
            symbol, kind = _joined(previous, piece)
            result[-1] = _Piece(previous.first, piece.last, symbol, kind)
        else:
            result.append(piece)
    return result


def _is_small(piece: _Piece) -> bool:
    """Whether it may join a neighbour. A function may not: who looks for one wants it, not its neighbours."""
    return piece.kind not in FUNCTION_LIKE and (piece.lines < SMALL or piece.kind == "group")


def _joined(one: _Piece, other: _Piece) -> tuple[str, str]:
    """What joined pieces are called: the symbol that holds both, else the larger one's."""
    if one.symbol == other.symbol:
        return one.symbol, one.kind if one.kind == other.kind else "group"
    owner = _common_owner(one.symbol, other.symbol)
    return owner or max(one, other, key=lambda piece: (bool(piece.symbol), piece.lines)).symbol, "group"


def _common_owner(one: str, other: str) -> str:
    common = [a for a, b in zip(one.split("."), other.split("."), strict=False) if a == b]
    return ".".join(common) if one.split(".")[: len(common)] == common else ""


def _finished(text: Text, pieces: Sequence[_Piece]) -> tuple[Chunk, ...]:
    result: list[Chunk] = []
    for piece in pieces:
        first, last = piece.first, piece.last
        while first <= last and not text.line(first).strip():
            first += 1
        while last >= first and not text.line(last).strip():
            last -= 1
        if first <= last:
            result.append(Chunk(text.line_start(first), text.line_end(last), piece.symbol, piece.kind))
    return tuple(result)
