"""Sections of settings: what may be written is declared once, as frozen dataclasses, and checked here.

`faults` names what does not fit, `made` builds the value, `schema` is the JSON schema. The types a setting
may have: bool, int, float, str, Literal of strings, tuple[T, ...], dict[str, str], another section, T | None.
pydantic, which does this and much more, costs every start of the server 0.1 s and 12 MiB.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, replace
from typing import Any, Literal, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

S = TypeVar("S", bound="Section")
Where = tuple[int | str, ...]


def Field(  # noqa: N802 - a field specifier, as in other libraries
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | Any = MISSING,
    description: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    alias: str = "",
) -> Any:
    """A setting; without a default it must be written. `alias` is how it is written, where that is not
    its name."""
    metadata = {"description": description, "ge": ge, "gt": gt, "le": le, "alias": alias}
    given = {"default": default, "default_factory": default_factory}
    return dataclasses.field(
        **{key: value for key, value in given.items() if value is not MISSING}, metadata=metadata
    )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Section:
    """A table of settings. Every subclass is a frozen dataclass."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a section, as declared."""

    key: str
    """As it is written."""
    name: str
    """Of the attribute."""
    type: Any
    description: str
    ge: float | None
    gt: float | None
    le: float | None
    required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Something written that does not fit. `where` leads to it; `known` are the keys there are, for a key
    that is not one."""

    where: Where
    message: str
    known: tuple[str, ...] = ()
    required: bool = False
    """What it is in cannot be without it."""


def settings_of(section: type[Section]) -> dict[str, Setting]:
    """The settings of a section by the key they are written under."""
    kind: Any = section
    return _settings_of(kind)


@functools.cache
def _settings_of(section: Any) -> dict[str, Setting]:
    hints = get_type_hints(section)
    found: dict[str, Setting] = {}
    for field in dataclasses.fields(section):
        about = field.metadata
        factory = field.default_factory
        default = factory() if factory is not MISSING else field.default
        key = about.get("alias") or field.name
        found[key] = Setting(
            key,
            field.name,
            hints[field.name],
            about.get("description", ""),
            about.get("ge"),
            about.get("gt"),
            about.get("le"),
            default is MISSING,
            default,
        )
    return found


def section_in(kind: Any) -> type[Section] | None:
    """`kind` when it is a section."""
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def faults(section: type[Section], values: Mapping[str, Any], where: Where = ()) -> Iterator[Fault]:
    """What of `values` does not fit `section`."""
    known = settings_of(section)
    for key, value in values.items():
        setting = known.get(key)
        if setting is None:
            yield Fault((*where, key), "unknown setting", tuple(known))
        else:
            for fault in _unfit(setting.type, value, (*where, key), setting):
                own = fault.where == (*where, key)
                yield replace(fault, required=True) if own and setting.required else fault
    for key, setting in known.items():
        if setting.required and key not in values:
            yield Fault((*where, key), "is missing", required=True)


def made(section: type[S], values: Mapping[str, Any]) -> S:
    """The section that `values`, in which there is no fault, describe."""
    known = settings_of(section)
    return section(**{known[key].name: _value(known[key].type, value) for key, value in values.items()})


def schema(section: type[Section], spelled: Callable[[str], str] = str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a section, the sections in it under `$defs`; keys as `spelled`."""
    definitions: dict[str, Any] = {}
    described = _described(section, definitions, spelled)
    return {"$defs": dict(sorted(definitions.items())), **described}


def _unfit(kind: Any, value: Any, where: Where, setting: Setting) -> Iterator[Fault]:
    inner = get_args(kind)
    if (section := section_in(kind)) is not None:
        if isinstance(value, Mapping):
            yield from faults(section, value, where)
        else:
            yield Fault(where, "should be a table")
    elif get_origin(kind) is types.UnionType:
        if value is not None:
            yield from _unfit(inner[0], value, where, setting)
    elif get_origin(kind) is tuple:
        if isinstance(value, list | tuple):
            for number, each in enumerate(value):
                yield from _unfit(inner[0], each, (*where, number), setting)
        else:
            yield Fault(where, "should be a list")
    elif get_origin(kind) is dict:
        if not isinstance(value, Mapping):
            yield Fault(where, "should be a table")
        else:
            for key, each in value.items():
                yield from _unfit(inner[1], each, (*where, key), setting)
    elif get_origin(kind) is Literal:
        if value not in inner:
            yield Fault(where, f"should be {' or '.join(map(repr, inner))}")
    elif sentence := _unfit_scalar(kind, value, setting):
        yield Fault(where, sentence)


def _unfit_scalar(kind: Any, value: Any, setting: Setting) -> str:
    if kind is bool:
        return "" if isinstance(value, bool) else "should be true or false"
    if kind is str:
        return "" if isinstance(value, str) else "should be text"
    wanted = int if kind is int else int | float
    if isinstance(value, bool) or not isinstance(value, wanted):
        return "should be a whole number" if kind is int else "should be a number"
    if setting.ge is not None and not value >= setting.ge:
        return f"should be {setting.ge} or more"
    if setting.gt is not None and not value > setting.gt:
        return f"should be more than {setting.gt}"
    if setting.le is not None and not value <= setting.le:
        return f"should be {setting.le} or less"
    return ""


def _value(kind: Any, value: Any) -> Any:
    if (section := section_in(kind)) is not None:
        return made(section, value)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], each) for each in value)
    if kind is float:
        return float(value)
    return dict(value) if get_origin(kind) is dict else value


def _described(
    section: type[Section], definitions: dict[str, Any], spelled: Callable[[str], str]
) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for key, setting in settings_of(section).items():
        about = _of_type(setting.type, definitions, spelled)
        if setting.description:
            about["description"] = setting.description
        bounds = {"minimum": setting.ge, "exclusiveMinimum": setting.gt, "maximum": setting.le}
        about |= {name: bound for name, bound in bounds.items() if bound is not None}
        if not setting.required:
            about["default"] = as_json(setting.default, spelled)
        if "$ref" not in about:
            about["title"] = setting.name.replace("_", " ").title()
        properties[spelled(key)] = dict(sorted(about.items()))
    required = [spelled(key) for key, setting in settings_of(section).items() if setting.required]
    return {
        "additionalProperties": False,
        "description": section.__doc__,
        "properties": properties,
        **({"required": required} if required else {}),
        "title": section.__name__,
        "type": "object",
    }


def _of_type(kind: Any, definitions: dict[str, Any], spelled: Callable[[str], str]) -> dict[str, Any]:
    inner = get_args(kind)
    if (section := section_in(kind)) is not None:
        definitions[section.__name__] = _described(section, definitions, spelled)
        return {"$ref": f"#/$defs/{section.__name__}"}
    if get_origin(kind) is types.UnionType:
        return {"anyOf": [_of_type(inner[0], definitions, spelled), {"type": "null"}]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _of_type(inner[0], definitions, spelled)}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": _of_type(inner[1], definitions, spelled)}
    if get_origin(kind) is Literal:
        return {"enum": list(inner), "type": "string"}
    return {"type": {bool: "boolean", int: "integer", float: "number", str: "string"}[kind]}


def as_json(value: Any, spelled: Callable[[str], str] = str) -> Any:
    """A setting's value as it is written."""
    if isinstance(value, Section):
        known = settings_of(type(value))
        return {spelled(key): as_json(getattr(value, each.name), spelled) for key, each in known.items()}
    return [as_json(each, spelled) for each in value] if isinstance(value, tuple) else value


def camel_case(key: str) -> str:
    """`max_items` as editors spell it: `maxItems`."""
    first, *others = key.split("_")
    return first + "".join(other.title() for other in others)
