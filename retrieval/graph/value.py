"""What an expression holds, as the reading of expressions hands it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devflow.analysis.written_types import Type
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression holds: a `type` as `file` writes it, with what its type parameters stand for there;
    or the class, the package's or the function's name itself (`itself`)."""

    file: File
    type: Type | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    itself: Definition | None = None
    receiver: Value | None = None
    """What a method is a member of."""
    least: int = -1
    """An offset in `file`: the type is written there or behind it, before anything that looks the same. -1
    where that is not known."""


Seen = set[tuple[int, int, Type, int]]
"""The names of types that a walk over unions and aliases has followed."""
_MOST_SEEN = 200


def is_new(value: Value, type_: Type, seen: Seen) -> bool:
    """Whether a walk follows a name of a value's type: once each (with type parameters around it may mean
    something else each time), and no more than a few hundred."""
    key = (value.file.root, value.file.id, type_, len(seen) if value.given else -1)
    if key in seen or len(seen) >= _MOST_SEEN:
        return False
    seen.add(key)
    return True


def of_type(
    file: File, type_: Type | None, given: Mapping[str, Value] | None = None, least: int = -1
) -> Value | None:
    """A value of a type as `file` writes it; None without one."""
    return Value(file, type_, given or {}, least=least) if type_ is not None else None


def element(held: Value | None) -> Value | None:
    """What is inside of what holds others."""
    if held is None or held.type is None:
        return None
    if held.type.name in held.given:
        return element(held.given[held.type.name])
    inside = held.type.element
    return Value(held.file, inside, held.given, least=held.least) if inside is not None else None


def shown(value: Value, depth: int = 0) -> str:
    """The type of a value as its language writes it, with what type parameters stand for; "" where a part of
    it is not known."""
    type_ = value.type
    if type_ is None or depth > 8:
        return ""
    if type_.name in value.given:
        return shown(value.given[type_.name], depth + 1)
    parts = [shown(Value(value.file, each, value.given), depth + 1) for each in type_.arguments]
    if type_.name in ("func", "[k]") or not all(parts) or type_.name in ("unknown", "T"):
        return ""
    if type_.name == "[]":
        return f"[]{parts[0]}" if value.file.language == "go" else f"{parts[0]}[]"
    if type_.name == "|":
        return " | ".join(parts)
    if value.file.language == "go":
        forms = {"map": "map[{}]{}", "chan": "chan {}"}
        form = forms.get(type_.name)
        return form.format(*parts) if form else type_.name + (f"[{', '.join(parts)}]" if parts else "")
    return type_.name + (f"<{', '.join(parts)}>" if parts else "")
