"""Which of several members of one name a use means, in TypeScript, JavaScript and Java: of the class or of
its objects, by the number and the types of the arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from devflow.analysis.expressions import split_top
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.object_types import closing
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.analysis.written_types import read_type
from devflow.retrieval.graph import overloads
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value, shown

if TYPE_CHECKING:
    from devflow.retrieval.graph.values import Values

_STATIC = re.compile(r"\bstatic\b")
_WIDER = {
    "Object": 1, "CharSequence": 2, "Number": 2, "Iterable": 2, "Collection": 3, "long": 3, "double": 2,
    "float": 2,
}  # fmt: skip
"""Types of Java that others are handed for as well, the likelier the higher."""


def chosen(
    values: Values, file: File, source: str, end: int, receiver: str, several: Sequence[Definition]
) -> list[Definition]:
    """Those of `several` definitions that the name which ends at `end` can mean; all where it may be any."""
    found = list(several)
    if len(found) < 2 or len({each.name for each in found}) > 1:
        return found
    if receiver:
        last = re.split(r"\W+", receiver)[-1]
        of_class = last[:1].isupper() and not last.isupper()
        alike = [each for each in found if bool(_STATIC.search(each.signature)) is of_class]
        found = alike or found
    functions = [each for each in found if each.kind in FUNCTION_LIKE]
    if source[end : end + 1] != "(":
        values_only = [each for each in found if each.kind not in FUNCTION_LIKE]
        return values_only or found
    found = functions or found
    closed = closing(source, end)
    if len(found) < 2 or closed < 0:
        return found
    arguments = [each for each in split_top(source[end + 1 : closed - 1], ",") if each]
    holding = list(overloads.of_count(found, source[end + 1 : closed - 1]))
    if len(holding) < 2 or holding[0].language in SCRIPTS:
        return holding
    held = [values.text(file, each, closed - 1) for each in arguments]
    best = max(_fit(each, held) for each in holding)
    return [each for each in holding if _fit(each, held) == best]


def _fit(made: Definition, held: Sequence[Value | None]) -> int:
    """How well a Java method's parameters fit the types of arguments, 0 where nothing speaks for it."""
    score = 0
    for part, value in zip(overloads.parameters(made), held, strict=False):
        given = shown(value) if value is not None and value.itself is None else ""
        if value is not None and value.itself is not None and value.itself.kind not in FUNCTION_LIKE:
            given = value.itself.name
        wanted = read_type(part.rpartition(" ")[0], "java")
        if not given or wanted is None:
            continue
        first = given.partition("<")[0]
        if wanted.name == first or (wanted.name == "[]" and given.endswith("[]")):
            score += 10
        elif first in _PRIMITIVE or wanted.name in _PRIMITIVE:
            both = first in _PRIMITIVE and wanted.name in _PRIMITIVE
            score += _WIDER.get(wanted.name, 0) if both or wanted.name == "Object" else -10
        else:
            score += _WIDER.get(wanted.name, 0)
    return score


_PRIMITIVE = frozenset({"int", "long", "short", "byte", "char", "boolean", "float", "double"})
