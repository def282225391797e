"""Uses of names in one file, each with the dotted text it is read from and the symbol it stands in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devflow.analysis.facts import Reference, ReferenceKind, Symbol, SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.analysis.symbols import symbols as symbols_of
from devflow.analysis.syntax.parse import SyntaxTree

# The order in which a node that several patterns capture gets its kind.
_ORDER = (
    ("call", ReferenceKind.CALL),
    ("type", ReferenceKind.TYPE),
    ("attribute", ReferenceKind.ATTRIBUTE),
    ("name", ReferenceKind.NAME),
)


def references(tree: SyntaxTree, symbols: Sequence[Symbol] | None = None) -> tuple[Reference, ...]:
    """The uses of names in `tree` in the order of the text: no definitions, parameters or keyword names.

    Names that an import brings in count as uses; the module they come from does not.
    """
    if symbols is None:
        symbols = symbols_of(tree)
    captured = tree.captures("references")
    seen = {node.start_byte for node in captured.get("skip", ())}
    source = tree.text.source
    offset = (lambda byte: byte) if tree.text.is_ascii else tree.offset
    names = {symbol.name_start for symbol in symbols}
    found: list[tuple[int, int, ReferenceKind]] = []
    for capture, kind in _ORDER:
        for node in captured.get(capture, ()):
            byte = node.start_byte
            if byte in seen:
                continue
            seen.add(byte)
            start = offset(byte)
            if start not in names:
                found.append((start, offset(node.end_byte), kind))
    found.sort()
    result: list[Reference] = []
    sigils = sigils_of(tree.language)
    # Almost all of a first walk's time goes through here: only a name behind an operator is looked before.
    behind = {operator.end() for operator in _OPERATOR.finditer(source)}
    borders = _borders(symbols)
    signs = ("_", *sigils)
    before: Reference | None = None
    operator = ""
    plain = False  # the use before and its receiver are a whole dotted name
    at, container = 0, ""
    for start, end, kind in found:
        while at < len(borders) and borders[at][0] <= start:
            container = borders[at][1]
            at += 1
        if end > start:
            name, receiver = source[start:end], ""
            if start in behind:
                if plain and before is not None and before.end == start - 1 and source[start - 1] == ".":
                    # As in `self.client.get`: the use before is the receiver, with its own.
                    receiver = f"{before.receiver}{operator}{before.name}" if before.receiver else before.name
                    operator = "."
                else:
                    receiver = receiver_before(source, start, sigils)
                    operator = operator_before(source, _before_space(source, start)) if receiver else ""
                plain = bool(receiver) and len(receiver) < _SHORT
            else:
                plain = start == 0 or source[start - 1] not in signs
            before = Reference(name, kind, start, end, receiver, container)
            result.append(before)
    return tuple(result)


_HOLDERS = CLASS_LIKE | FUNCTION_LIKE | {SymbolKind.MODULE}
_MEMBERS = frozenset({ReferenceKind.CALL, ReferenceKind.ATTRIBUTE})
_LONGEST = 20
_SHORT = 40
"""Characters of a receiver that cannot have `_LONGEST` names."""
_OPERATOR = re.compile(r"[.>:][ \t\r\n]*")


def receiver_before(source: str, start: int, sigils: str = "$") -> str:
    """The plain dotted name that `source[:start]` reads an attribute of, without spaces: `self.client`
    before `self.client.|`; `""` when there is none, or it is the end of a larger expression.
    `sigils` are the signs that belong to names in the language."""
    parts: list[str] = []
    word_signs = "_" + sigils
    at = _before_space(source, start)
    if at == 0 or source[at - 1] not in ".>:":
        return ""
    while (operator := operator_before(source, at)) and source[at - 3 : at] != "...":
        at = end = _before_space(source, at - len(operator))
        if at and source[at - 1] in "!?" and operator == ".":
            at = end = at - 1
        while at > 0 and (source[at - 1].isalnum() or source[at - 1] in word_signs):
            at -= 1
        if at == end or source[at].isdigit() or len(parts) > 2 * _LONGEST:
            return ""
        parts += (operator, source[at:end])
        at = _before_space(source, at)
    return "".join(reversed(parts[1:]))


def sigils_of(language: str) -> str:
    """The signs, besides `_`, that belong to names."""
    return "@$" if language == "ruby" else "$"


def operator_before(source: str, at: int) -> str:
    """The member operator (`.`, `->`, `::` …) that ends at `at`; `""` when there is none."""
    last = source[at - 1 : at]
    if last == ".":
        return source[at - 2 : at] if source[at - 2 : at] in ("?.", "&.") else "."
    return source[at - 2 : at] if last in (">", ":") and source[at - 2 : at] in ("->", "::") else ""


def _before_space(source: str, at: int) -> int:
    while at > 0 and source[at - 1] in " \t\r\n":
        at -= 1
    return at


def _borders(symbols: Sequence[Symbol]) -> list[tuple[int, str]]:
    """`(offset, qualified name of the innermost symbol from there on)`, in the order of the text."""
    borders: list[tuple[int, str]] = []
    stack: list[Symbol] = []
    for symbol in sorted(symbols, key=lambda s: (s.start, -s.end)):
        while stack and stack[-1].end <= symbol.start:
            ended = stack.pop()
            borders.append((ended.end, stack[-1].qualified_name if stack else ""))
        if symbol.kind in _HOLDERS:
            borders.append((symbol.start, symbol.qualified_name))
            stack.append(symbol)
    while stack:
        ended = stack.pop()
        borders.append((ended.end, stack[-1].qualified_name if stack else ""))
    return borders
