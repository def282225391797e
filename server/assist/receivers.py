"""Which class a receiver is likely to be of, told from the text alone.

Good for every language, no types needed: `self`/`this` are the enclosing class; otherwise the nearest
assignment, annotation, declaration or constructor call before the cursor names the class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol, SymbolKind

CLASS_KINDS = frozenset(
    {SymbolKind.CLASS, SymbolKind.STRUCT, SymbolKind.INTERFACE, SymbolKind.ENUM, SymbolKind.TYPE}
)
_SELF = frozenset({"self", "cls", "this", "Self", "super()", "super"})
_CLASS = r"(?:[A-Za-z_]\w*(?:\.|::))*([A-Z]\w*)"
_WRAPPED = r"""["']?(?:Optional\[|Annotated\[|Final\[|ClassVar\[|type\[|Type\[|\*|&(?:mut )?|\[\])*"""
_WINDOW = 200_000


def enclosing_classes(at: int, found: Sequence[Symbol]) -> list[Symbol]:
    """The classes that hold `at`, innermost first."""
    holding = [symbol for symbol in found if symbol.kind in CLASS_KINDS and symbol.start <= at <= symbol.end]
    return sorted(holding, key=lambda symbol: symbol.end - symbol.start)


def bases_of(symbol: Symbol) -> list[str]:
    """The last parts of the names of a class's bases, read from its signature."""
    head = symbol.signature
    if found := re.search(r"\bclass\s+\w+\s*(?:\[[^\]]*\])?\((.*)\)", head):
        names = re.findall(r"(?:^|,)\s*((?:\w+\.)*\w+)\s*(?=\[|,|$)", found[1])
    elif found := re.search(r"(?:\bextends\b|\bimplements\b|:|<)\s*([\w.,:<> ]+)", head):
        names = re.findall(r"(?:\w+(?:\.|::))*\w+", found[1])
    else:
        names = []
    ignored = {"object", "public", "private", "protected", "extends", "implements", "virtual"}
    return [name for name in (re.split(r"\.|::", each)[-1] for each in names) if name not in ignored]


def classes_of(doc: Document, at: int, receiver: str, found: Sequence[Symbol], depth: int = 2) -> list[str]:
    """Names of the classes that `receiver`, used at `at`, may be of; the likeliest first, [] when the
    text does not tell."""
    if receiver in _SELF:
        around = enclosing_classes(at, found)
        if receiver.startswith("super"):
            return bases_of(around[0]) if around else []
        return [around[0].name] if around else []
    last = re.split(r"\.|::|->", receiver)[-1]
    if last[:1].isupper() and not last.isupper():
        return [last]
    source = doc.text.source
    spaces: list[tuple[int, int]] = [(max(0, at - _WINDOW), at)]
    if receiver.startswith(("self.", "this.", "cls.")):
        around = enclosing_classes(at, found)
        if around:  # an attribute may be set anywhere in its class
            spaces.append((around[0].start, around[0].end))
    name = re.escape(receiver)
    for start, end in spaces:
        made = _last(
            rf"(?<![\w.]){name}\s*:?=\s*(?:await\s+|new\s+|&)?{_CLASS}\s*(?:\(|\{{|::new)", source, start, end
        )
        noted = _last(rf"(?<![\w.]){name}\s*\??:\s*{_WRAPPED}{_CLASS}", source, start, end)
        declared = _last(rf"(?<![\w.]){_CLASS}(?:<[^<>;]*>)?[ \t*&]+{name}\s*[=;,)]", source, start, end)
        entered = _last(rf"\bwith\s[^\n]*?{_CLASS}\([^\n]*\)\s+as\s+{name}\b", source, start, end)
        answers = [each for each in (made, noted, declared, entered) if each]
        if answers:
            answers.sort(reverse=True)
            return [answers[0][1]]
    if depth > 0:
        for start, end in spaces:
            other = _last(rf"(?<![\w.]){name}\s*:?=\s*([A-Za-z_][\w.]*)\s*(?:$|[\n;#])", source, start, end)
            if other and other[1] != receiver:
                return classes_of(doc, other[0], other[1], found, depth - 1)
    return []


def members_in(doc: Document, names: Sequence[str], found: Sequence[Symbol]) -> dict[str, Symbol]:
    """The members that the document's classes called one of `names` define, first definition first."""
    members: dict[str, Symbol] = {}
    for symbol in found:
        if symbol.container.rsplit(".", 1)[-1] in names:
            members.setdefault(symbol.name, symbol)
    return members


def _last(pattern: str, source: str, start: int, end: int) -> tuple[int, str] | None:
    """Offset and group of the last match inside `start:end`."""
    last: tuple[int, str] | None = None
    for match in re.compile(pattern, re.MULTILINE).finditer(source, start, end):
        last = (match.start(), match[1])
    return last
