"""The fields of Python's data classes, named tuples and TypedDicts, by text alone.

As their constructor, `replace(value, …)` and subscripts name them.
"""

from __future__ import annotations

from collections.abc import Iterator

from devflow.analysis.calls import CallSite
from devflow.analysis.module_table import Binding
from devflow.analysis.named_strings import CLASS_MAKERS
from devflow.analysis.python_files import DEEPEST, Lookup, PythonFiles, Target
from devflow.analysis.python_values import PythonValues
from devflow.analysis.types.base import Parameter

COPYING = frozenset({"replace", "evolve", "_replace", "__replace__"})
"""Functions and methods that make a value like another one, with some fields set."""
DATA_BASES = frozenset({"NamedTuple", "BaseModel", "TypedDict", "Struct"})
DATA_DECORATORS = frozenset(
    {"dataclass", "define", "attrs", "attributes", "frozen", "mutable", "dataclass_transform"}
)
_NO_FIELDS = ("ClassVar", "KW_ONLY", "InitVar")


def keywords_of(
    files: PythonFiles, values: PythonValues, source: str, scope: Lookup, call: CallSite
) -> list[Parameter]:
    """The fields that keyword arguments of `call` can set, in their order; [] where it sets none."""
    copies = call.name in COPYING
    if call.name.startswith("_") and copies:
        text = source[call.start : call.name_start].rstrip(". \t\n")
    elif copies:
        first = call.arguments[0] if call.arguments else None
        text = source[first.start : first.end] if first is not None and not first.keyword else ""
    else:
        text = source[call.start : call.name_start + len(call.name)]
    found = values.evaluated(text, scope) if text else None
    made = values.value(found) if copies else found
    if made is None or made.binding is None or made.binding.kind != "class" or made.instance != copies:
        return []
    known = list(_lineage(files, values, made))
    if not any(_is_data(each.binding) for each in known if each.binding is not None):
        return []
    positional = not copies and not _is_typed_dict(known)
    kind = "positional-or-keyword" if positional else "keyword-only"
    return [
        Parameter(name, kind, f"{name}: {each.annotation}" if each.annotation else name, bool(each.value))
        for name, each in _fields(files, known).items()
    ]


def keys_of(files: PythonFiles, values: PythonValues, text: str, scope: Lookup) -> list[str]:
    """The keys of the TypedDict that the expression `text` is, or is a value of; [] of anything else."""
    made = values.value(values.evaluated(text, scope))
    known = list(_lineage(files, values, made)) if made is not None else []
    return list(_fields(files, known)) if _is_typed_dict(known) else []


def made_fields(files: PythonFiles, values: PythonValues, text: str, scope: Lookup) -> list[str]:
    """The fields of the expression `text`, whose class a call such as `namedtuple` makes."""
    made = values.value(values.evaluated(text, scope))
    known = list(_lineage(files, values, made)) if made is not None else []
    if _is_typed_dict(known):
        return []
    members = [each.binding.members for each in known if each.binding is not None]
    return [
        name
        for one in members
        for name, [first, *_] in one.items()
        if first.kind == "variable" and first.start == first.name_start and not first.value
    ]


def _lineage(files: PythonFiles, values: PythonValues, target: Target, depth: int = 0) -> Iterator[Target]:
    """A class and what it inherits from, the furthest first."""
    binding = target.binding
    if binding is None or binding.kind != "class" or depth > DEEPEST:
        return
    scope = files.module_scope(target.path)
    for base in binding.bases:
        reached = values.evaluated(base.split("[")[0], scope)
        if reached is not None:
            yield from _lineage(files, values, reached, depth + 1)
    yield target


def _is_data(binding: Binding) -> bool:
    decorated = {part for each in binding.decorators for part in each.split("(")[0].split(".")}
    bases = {each.split("(")[0].split("[")[0].rpartition(".")[2] for each in binding.bases}
    makers = CLASS_MAKERS - {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
    return bool(decorated & DATA_DECORATORS or bases & (DATA_BASES | makers))


def _is_typed_dict(known: list[Target]) -> bool:
    return any(
        base.split("[")[0].rpartition(".")[2] == "TypedDict"
        for each in known
        if each.binding is not None
        for base in each.binding.bases
    )


def _fields(files: PythonFiles, known: list[Target]) -> dict[str, Binding]:
    found: dict[str, Binding] = {}
    for each in known:
        table = files.table(each.path)
        if each.binding is None or table is None or not _is_declared(each.binding):
            continue
        source = table.text.source
        for name, bindings in each.binding.members.items():
            made = bindings[0]
            quoted = source[made.name_start - 1] in "\"' ,"
            if made.kind != "variable" or source[made.name_start - 1] == ".":
                continue
            if made.annotation.rpartition(".")[2].startswith(_NO_FIELDS) or name.startswith("__"):
                continue
            if made.annotation or (quoted and made.start == made.name_start and not made.value):
                found[name] = made
    return found


def _is_declared(binding: Binding) -> bool:
    """Whether it is a class of somebody's own, not what such classes are made by."""
    return binding.name not in DATA_BASES
