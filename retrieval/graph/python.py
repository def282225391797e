"""What uses of names in Python mean: imports, scopes, receivers, and, when those tell nothing, the name."""

from __future__ import annotations

from devflow.analysis.local_values import read_attributes
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.analysis.text import line_bounds
from devflow.retrieval.graph.base import Definition, Meaning, Use
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.python_expressions import PythonValues
from devflow.retrieval.graph.python_scopes import PythonNames, Value, read_shift
from devflow.retrieval.graph.stored import File, Stored

_COMMON = frozenset(
    name
    for kind in (str, bytes, int, float, list, dict, set, frozenset, tuple, object, BaseException, type)
    for name in dir(kind)
) | frozenset(
    """read write close open flush seek readline readlines send recv run start stop get set put post
    delete patch head request execute fetch commit rollback save load connect disconnect group match
    search sub findall info debug warning error exception critical log append join wait cancel result
    done acquire release submit name path parent exists stat next throw filter all first add update
    create main setup reset clear size shape mean sum max min""".split()  # noqa: SIM905
)
"""Names that types outside the workspace have as well: alone they tell nothing."""


class PythonMeanings:
    """Answers for the stores as they are now: made again with each generation."""

    def __init__(self, stored: Stored, modules: Modules) -> None:
        self._stored = stored
        self._names = PythonNames(stored, modules)
        self._values = PythonValues(stored, modules, self._names)

    def meanings(self, use: Use) -> list[Meaning]:
        """What a use stands for, best first; [] when it is nothing of the workspace, or nobody knows."""
        file = self._stored.file(use.root, use.file)
        behind_dot = bool(use.receiver) or self._behind_dot(file, use.start)
        if not behind_dot:
            if (imported := self._names.import_at(file, use.start)) is not None:
                value = self._names.imported(file, *imported)
            else:
                value = self._values.name(file, use.name, use.start, types=use.kind == "type")
            return _meaning(value)
        holder = self._receiver(file, use)
        if holder is None:
            return self._by_name(use)
        return _meaning(self._values.attribute(holder, use.name))

    def bases(self, definition: Definition) -> list[Value]:
        """What the head of a class names as its bases, as far as that is known."""
        return self._values.bases(definition)

    def _behind_dot(self, file: File, start: int) -> bool:
        source = self._stored.source(file)
        at = start - 1
        while at >= 0 and source[at] in " \t\r\n\\":
            at -= 1
        return at >= 0 and source[at] == "."

    def _receiver(self, file: File, use: Use) -> Value | None:
        if use.receiver:
            parts = use.receiver.split(".")
            value = self._values.name(file, parts[0], use.start)
            for part in parts[1:]:
                value = self._values.held(self._values.attribute(value, part)) if value is not None else None
            return self._values.held(value)
        around = [each for each in file.around(use.start) if each.kind in FUNCTION_LIKE]
        source = self._stored.source(file)
        if around:
            read, first = self._names.function(around[-1])
            attributes = read.attributes() if read is not None else {}
        else:
            first, last = line_bounds(source, use.start, use.end)
            attributes = read_attributes(source[first:last])
        line = source.count("\n", first, use.end) + 1 + read_shift(source, first)
        column = len(source[source.rfind("\n", 0, use.end) + 1 : use.end].encode("utf-8", "replace"))
        expression = attributes.get((line, column))
        return (
            self._values.held(self._values.evaluate(expression, file, use.start))
            if expression is not None
            else None
        )

    def _by_name(self, use: Use) -> list[Meaning]:
        """Methods of this name when the receiver tells nothing: worth little, and nothing for a name that
        many types have."""
        if use.name in _COMMON or (use.name.startswith("__") and use.name.endswith("__")):
            return []
        found = [
            each
            for each in self._stored.named(use.name, "python", 40)
            if each.container and (each.kind in FUNCTION_LIKE or use.kind != "call")
        ]
        if not found or len(found) > 5:
            return []
        return [Meaning(each, 0.45 if len(found) == 1 else 0.3, "name") for each in found]


def _meaning(value: Value | None) -> list[Meaning]:
    if value is None or value.definition is None or value.what not in ("class", "function", "variable"):
        return []
    return [Meaning(value.definition, value.confidence, value.why or "same file")]
