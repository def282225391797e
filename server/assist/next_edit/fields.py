"""A class got a field, or its constructor a parameter: what belongs to it follows.

A parameter of the constructor is kept in a field of its name where the others are; a field that is set from
a name nobody passes becomes a parameter; a data class with a field more is constructed with a value more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from devflow.analysis.calls import calls
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit, Text
from devflow.analysis.tokens import NEWLINE
from devflow.server.assist.next_edit.base import Cause, NextEdit
from devflow.server.assist.next_edit.signatures import (
    Changed,
    Parameter,
    edit_of,
    parameter_span,
    parameters,
    title_of,
    touched,
)

_ASSIGNED = re.compile(r"(?m)^([ \t]+)(?:self|this)\.(\w+)(?:\s*:[^=\n]+)?\s*=\s*(\w+)[ \t]*;?[ \t]*$")
_ANNOTATED = re.compile(r"[ \t]+(\w+)\s*:\s*([^=\n#]+?)\s*(=.*)?$")
_WORDS = re.compile(r"\w+")
_NOT_PASSED = frozenset({"ClassVar", "init", "kw_only"})
"""Words of fields that are passed otherwise, or not at all."""
_CONSTRUCTORS = frozenset({"__init__", "constructor"})


def fields(
    text: Text,
    tree: SyntaxTree,
    every: Sequence[Symbol],
    functions: Sequence[Changed],
    causes: Sequence[Cause],
) -> list[NextEdit]:
    """What a new field or a new parameter of a constructor asks for in its class and where it is made.
    `every`: the symbols of the document; `functions`: those whose parameters were changed."""
    return (
        _kept(text, tree, functions)
        or _passed(text, tree, every, causes)
        or _declared(text, tree, every, causes)
    )


def _kept(text: Text, tree: SyntaxTree, functions: Sequence[Changed]) -> list[NextEdit]:
    """A constructor's new parameter is put into a field, as its neighbours are."""
    for changed in functions:
        added = changed.added
        if changed.symbol.name not in _CONSTRUCTORS or added is None or added.starred:
            continue
        body = list(_ASSIGNED.finditer(text.source, changed.closing, changed.symbol.end))
        kept = {each[3]: each for each in body}
        names = [each.name for each in changed.now]
        if not kept or added.name in kept or not (set(kept) & set(names)):
            continue
        if re.search(
            rf"\b(?:self|this)\.{re.escape(added.name)}\b", text.source[changed.closing : changed.symbol.end]
        ):
            continue
        place = names.index(added.name)
        above = next((kept[name] for name in reversed(names[:place]) if name in kept), None)
        below = next((kept[name] for name in names[place:] if name in kept), None)
        style = above or below
        if style is None:
            continue
        field = _like(style, added.name)
        owner = "self" if tree.language == "python" else "this"
        ending = ";" if style[0].rstrip().endswith(";") else ""
        line = f"{style[1]}{owner}.{field} = {added.name}{ending}"
        if above is not None:
            edit = Edit(above.end(), above.end(), f"\n{line}")
        else:
            edit = Edit(style.start(), style.start(), f"{line}\n")
        return [NextEdit(edit, "field", f"Keep {added.name} in a field")]
    return []


def _like(style: re.Match[str], name: str) -> str:
    """The field of a parameter, named as that of `style` is after its own."""
    field, value = style[2], style[3]
    return field.removesuffix(value) + name if field.endswith(value) else name


def _passed(text: Text, tree: SyntaxTree, every: Sequence[Symbol], causes: Sequence[Cause]) -> list[NextEdit]:
    """A field set from a name that nobody passes: the constructor gets it as a parameter."""
    for symbol in every:
        near = any(symbol.name_end <= each.change.start <= symbol.end for each in causes)
        if symbol.name not in _CONSTRUCTORS or not near:
            continue
        span = parameter_span(text.source, symbol.name_end, tree.language)
        if span is None:
            continue
        known = parameters(text.source, *span, tree.language)
        names = {each.name for each in known}
        body = list(_ASSIGNED.finditer(text.source, span[1], symbol.end))
        for each in body:
            fresh = any(
                cause.change.start <= each.start(3) and each.end(3) <= cause.change.new_end
                for cause in causes
            )
            others = any(other[3] in names for other in body if other is not each)
            if not fresh or each[3] in names or not others or each[2].lstrip("_") != each[3]:
                continue
            if re.search(rf"\b{re.escape(each[3])}\b", text.source[span[1] : each.start()]):
                continue  # it is worked out above
            return [NextEdit(_more(text, span, known, each[3]), "field", f"Take {each[3]} as a parameter")]
    return []


def _declared(
    text: Text, tree: SyntaxTree, every: Sequence[Symbol], causes: Sequence[Cause]
) -> list[NextEdit]:
    """An annotated field in a class body: a parameter of its constructor, or of that made of the fields."""
    for cause in causes[:_CAUSES]:
        owner, written = _field_written(text, tree, every, cause)
        made = _constructor(owner, every) if owner is not None else None
        if made is None or written is None:
            continue
        span = parameter_span(text.source, made.name_end, tree.language)
        known = parameters(text.source, *span, tree.language) if span is not None else ()
        kept = {each[3] for each in _ASSIGNED.finditer(text.source, made.start, made.end)}
        if span is None or written[1] in {each.name for each in known} or not kept:
            continue
        more = _more(text, span, known, f"{written[1]}: {written[2]}")
        return [NextEdit(more, "field", f"Take {written[1]} as a parameter")]
    for changed in changed_data_classes(text, tree, every, causes):
        found = [
            NextEdit(edit, "field", title_of(changed))
            for site in calls(tree)
            if site.name == changed.symbol.name
            and site.receiver is None
            and not touched(site, causes)
            and (edit := edit_of(tree, site, changed)) is not None
        ]
        if found:
            return found
    return []


def changed_data_classes(
    text: Text, tree: SyntaxTree, every: Sequence[Symbol], causes: Sequence[Cause]
) -> list[Changed]:
    """The classes constructed from their fields that one was taken from, or one without a value added to,
    each with its fields as parameters; that of the newest edit first."""
    found: list[Changed] = []
    for cause in causes[:_CAUSES]:
        owner, gone = _field_gone(tree, every, cause)
        if owner is not None and _constructor(owner, every) is None and _is_data(text, owner):
            left = _fields(text, owner, _indent_of_body(text, owner))
            place = sum(each.start < cause.change.start for each in left)
            if gone in {each.name for each in left}:
                continue  # it was moved
            was = (*left[:place], Parameter(gone, 0, 0), *left[place:])
            found.append(Changed(owner, owner.name_end, owner.name_end, was, left))
            continue
        owner, written = _field_written(text, tree, every, cause)
        if owner is None or written is None or written[3]:
            continue
        if _constructor(owner, every) is not None or not _is_data(text, owner):
            continue
        now = _fields(text, owner, _indent(written[0]))
        before = tuple(each for each in now if each.name != written[1])
        found.append(Changed(owner, owner.name_end, owner.name_end, before, now))
    return found


def _fields(text: Text, owner: Symbol, indent: int) -> tuple[Parameter, ...]:
    """The annotated fields of a class, by lines."""
    found: list[Parameter] = []
    for number in range(text.line_at(owner.start) + 1, text.line_at(owner.end) + 1):
        line = text.line(number)
        each = _ANNOTATED.fullmatch(line)
        if each is not None and _indent(line) == indent and not _NOT_PASSED & set(_WORDS.findall(line)):
            start = text.line_start(number)
            found.append(Parameter(each[1], start + each.start(1), start + each.end(), bool(each[3])))
    return tuple(found)


def _indent_of_body(text: Text, owner: Symbol) -> int:
    head = _indent(text.line(text.line_at(owner.start)))
    body = [
        text.line(number) for number in range(text.line_at(owner.name_end) + 1, text.line_at(owner.end) + 1)
    ]
    return next((_indent(line) for line in body if line.strip() and _indent(line) > head), head + 4)


def _field_gone(tree: SyntaxTree, every: Sequence[Symbol], cause: Cause) -> tuple[Symbol | None, str]:
    """The class from whose body the edit took an annotated field, and the field's name."""
    words = [each for each in cause.old if each != NEWLINE]
    whole = not cause.new and cause.old.count(NEWLINE) == 1 and words[1:2] == [":"]
    if _NOT_PASSED & set(words):
        return None, ""
    if not whole or not words[0].isidentifier() or tree.language != "python":
        return None, ""
    at = cause.change.start
    around = [
        each
        for each in every
        if each.kind in (SymbolKind.CLASS, *_BODIES) and each.start < at <= each.end + 1
    ]
    owner = max(around, key=lambda each: each.start, default=None)
    return (owner, words[0]) if owner is not None and owner.kind is SymbolKind.CLASS else (None, "")


def _field_written(
    text: Text, tree: SyntaxTree, every: Sequence[Symbol], cause: Cause
) -> tuple[Symbol | None, re.Match[str] | None]:
    """The class in whose body the edit wrote an annotated field, and the field's line."""
    line = text.line_at(cause.start)
    written = _ANNOTATED.fullmatch(text.line(line))
    if written is None or cause.old or cause.start > text.line_start(line) + written.start(1):
        return None, None
    around = [
        each
        for each in every
        if each.kind in (SymbolKind.CLASS, *_BODIES) and each.start < cause.start < each.end
    ]
    owner = max(around, key=lambda each: each.start, default=None)
    if owner is None or owner.kind is not SymbolKind.CLASS or tree.language != "python":
        return None, None
    return owner, written


def _constructor(owner: Symbol, every: Sequence[Symbol]) -> Symbol | None:
    return next(
        (each for each in every if each.container == owner.qualified_name and each.name == "__init__"), None
    )


_CAUSES = 4
_BODIES = (SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR)


def _is_data(text: Text, owner: Symbol) -> bool:
    """Whether a class is constructed from its fields."""
    head = text.source[owner.start : text.line_end(text.line_at(owner.name_end))]
    line = text.line_at(owner.start)
    above = "\n".join(text.line(number) for number in range(max(line - 3, 0), line))
    decorated = re.search(r"@(?:[\w.]*\.)?(?:dataclass|define|frozen|attrs|s)\b", above + "\n" + head)
    return decorated is not None or re.search(r"\((?:[\w.]*\.)?(?:NamedTuple|BaseModel)\b", head) is not None


def _more(text: Text, span: tuple[int, int], known: Sequence[Parameter], written: str) -> Edit:
    """The edit that adds a parameter behind the last one that must be given."""
    needed = [each for each in known if not (each.optional or each.starred or each.keyword_only)]
    if needed:
        return Edit(needed[-1].end, needed[-1].end, f", {written}")
    return Edit(span[0], span[0], f"{written}, " if known else written)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
