"""What a call gives where a library declares it, in TypeScript and Java: the overload that the arguments fit,
with what they tell of its type parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from devflow.analysis.expressions import split_top
from devflow.analysis.written_types import Type, parameters_text, read_type, result_text, type_parameters
from devflow.retrieval.graph import library_values
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value, element

_MOST = 24
Evaluate = Callable[[str], Value | None]
"""What the text of an argument holds."""


def result(
    overloads: Sequence[Definition], file: File, value: Value, arguments: list[str], evaluate: Evaluate
) -> Value | None:
    """What a call gives; None where it cannot be told. `value` holds what the type parameters around the
    declarations, which stand in `file`, are."""
    partly: Value | None = None
    for made in overloads[:_MOST]:
        written = result_text(made.signature, made.name, made.language)
        if written in ("this", "Self"):
            return value.receiver
        type_ = read_type(written, made.language) if written else None
        own = type_parameters(made.signature, made.name)
        given = _inferred(made, file, value, own, arguments, evaluate) if _holds(made, arguments) else None
        if given is None or type_ is None:
            continue
        given = {**_by_default(made, file, value, own, len(arguments)), **given}
        unknown = {name for name in _names(type_) if name in own and name not in given}
        told = library_values.keyed(Value(file, type_, given, least=least(made, written)))
        if told is None or type_.name in unknown:
            continue
        if not unknown:
            return told
        partly = partly or told
    return partly


def least(made: Definition, result: str) -> int:
    """An offset that the result a function's head writes stands behind, before anything that looks the same;
    -1 where objects among the parameters may."""
    return made.start if "{" not in made.signature.partition(result)[0] else -1


def of_count(several: Sequence[Definition], call: str) -> Sequence[Definition]:
    """Those of some overloads that a call with such arguments can mean; all where none seems to fit."""
    count = [each for each in split_top(call, ",") if each]
    return [each for each in several if _holds(each, count)] or several


def first(several: Sequence[Definition], call: str) -> Definition | None:
    """The first overload of a script's library that a call with such arguments can mean."""
    arguments = [each for each in split_top(call, ",") if each]
    for made in several[:_MOST]:
        own = type_parameters(made.signature, made.name)
        parts = [_type_text(each, made.language) for each in parameters(made)]
        if _holds(made, arguments) and all(
            _takes(part, each)
            and not re.search(r"=>\s*\w+ is\b", part)
            and (part not in own or _is_bound(made, part, each))
            for part, each in zip(parts, arguments, strict=False)
        ):
            return made
    return None


def parameter(
    overloads: Sequence[Definition], file: File, value: Value, before: Sequence[str], evaluate: Evaluate
) -> tuple[str, Value] | None:
    """The type of the parameter that stands behind the arguments `before`, as written, of the first overload
    that takes a function there, and what the names in it stand for."""
    for made in overloads[:_MOST]:
        parts = parameters(made)
        written = _type_text(parts[len(before)], made.language) if len(before) < len(parts) else ""
        if not written or not ("=>" in written or written[:1].isupper() or written[:1] == "{"):
            continue
        own = type_parameters(made.signature, made.name)
        given = _inferred(made, file, value, own, before, evaluate)
        if given is not None:
            return written, Value(file, None, given, least=made.start)
    return None


def parameters(made: Definition) -> list[str]:
    """The parameters of a function's head, each as written."""
    parts = parameters_text(made.signature, made.name)
    return [each for each in parts if each and not each.startswith("this:")]


def _type_text(parameter: str, language: str) -> str:
    if language == "java":
        return parameter.rpartition(" ")[0]
    return parameter.partition(":")[2].strip()


def _inferred(
    made: Definition, file: File, value: Value, own: list[str], arguments: Sequence[str], evaluate: Evaluate
) -> Mapping[str, Value] | None:
    """What type parameters stand for in a call with these arguments; None where they do not fit."""
    given = dict(value.given)
    for part, argument in zip(parameters(made), arguments, strict=False):
        written = _type_text(part, made.language)
        if not _takes(written, argument) or (written in own and not _is_bound(made, written, argument)):
            return None
        bound = (
            re.search(rf"\b{re.escape(written)}\s+extends\s+keyof\s+([\w$]+)", made.signature)
            if written in own
            else None
        )
        if bound is not None:
            if argument[:1] not in "\"'":
                return None
            key = Value(file, Type(argument))
            given[written] = key
            if library_values.keyed(Value(file, Type("[k]", (Type(bound[1]), Type(written))), given)) is None:
                return None
        elif (found := _told_by(written, argument, own, made.language, evaluate)) is not None:
            given.setdefault(found[0], found[1])
    return given


def _by_default(made: Definition, file: File, value: Value, own: list[str], count: int) -> dict[str, Value]:
    """What type parameters that no argument can tell stand for: `<E extends Element = Element>`."""
    told = " ".join(parameters(made)[:count])
    found: dict[str, Value] = {}
    for name in own:
        if made.language == "java" or re.search(rf"\b{re.escape(name)}\b", told):
            continue
        default = re.search(
            rf"[<,]\s*{re.escape(name)}(?:\s+extends\s+[^=,<>]+)?\s*=\s*([\w.$]+)", made.signature
        )
        type_ = read_type(default[1], made.language) if default is not None else None
        if type_ is not None and type_.name != name:
            found[name] = value.given.get(type_.name) or Value(file, type_)
    return found


def _holds(made: Definition, arguments: Sequence[str]) -> bool:
    """Whether a function can be called with so many arguments."""
    parts = parameters(made)
    needed = [each for each in parts if not re.match(r"[\w$]+\?", each) and "..." not in each]
    return len(needed) <= len(arguments) <= len(parts) or (
        len(arguments) >= len(needed) and any("..." in each for each in parts)
    )


def _takes(written: str, argument: str) -> bool:
    """Whether a literal can be of the type `written`; what is no literal always can."""
    kind = next((kind for signs, kind in _LITERALS if argument[:1] in signs), "")
    if not kind or "=>" in written:
        return True
    for each in split_top(written, "|"):
        if each[:1] in "\"'":
            if kind == "string" and each[1:-1] == argument[1:-1]:
                return True
        elif each[:1] == "{":
            if kind == "object":
                return True
        elif each and (each == kind or each not in _PRIMITIVES):
            return True
    return False


def _is_bound(made: Definition, parameter: str, argument: str) -> bool:
    """Whether a literal can stand for the type parameter `parameter` by what its head says of it."""
    bound = re.search(rf"[<,]\s*{re.escape(parameter)}\s+extends\s+(\{{|[\w$]+)", made.signature)
    if bound is None or argument[:1] not in "\"'`0123456789{[":
        return True
    if bound[1] == "{":
        return argument[:1] == "{"
    return bound[1] != "Function" and _takes(bound[1], argument)


_LITERALS = (("\"'`", "string"), ("0123456789", "number"), ("{", "object"))
_PRIMITIVES = frozenset({"string", "number", "boolean", "null", "undefined", "symbol", "bigint", "void"})


def _told_by(
    written: str, argument: str, own: list[str], language: str, evaluate: Evaluate
) -> tuple[str, Value] | None:
    """The type parameter that an argument for a parameter of the type `written` tells, and what it is."""
    if not own or not any(re.search(rf"\b{re.escape(name)}\b", written) for name in own):
        return None
    if written in own:
        told = evaluate(argument)
        return (written, told) if told is not None else None
    if "=>" in written:
        gives = re.split(r"[|\s]+", written.rpartition("=>")[2].strip(" ()"))[0]
        told = _body(argument, evaluate) if gives in own else None
        return (gives, told) if told is not None else None
    type_ = read_type(written, language)
    parts = type_.arguments if type_ is not None and type_.name == "|" else (type_,)
    for each in parts:
        last = each.arguments[-1].name if each is not None and each.arguments else ""
        if each is not None and each.name in own:
            told = evaluate(argument)
            return (each.name, told) if told is not None else None
        if last in own and each is not None:
            told = _body(argument, evaluate) if language == "java" and re.search("->|::", argument) else None
            told = told or (element(evaluate(argument)) if not re.search("->|=>|::", argument) else None)
            return (last, told) if told is not None else None
    return None


def _body(argument: str, evaluate: Evaluate) -> Value | None:
    """What a function that is written as an argument gives."""
    if referred := re.fullmatch(r"([\w.]+)::(\w+)", argument.strip()):
        if referred[2] == "new":
            return evaluate(f"new {referred[1]}()")
        return evaluate(f"{referred[1]}.{referred[2]}()")
    found = re.match(r"\s*(?:async\s+)?(?:\([^()]*\)|\w+)\s*(?:=>|->)\s*", argument)
    if found is None:
        return None
    body = argument[found.end() :]
    if body.startswith("{"):
        returned = re.findall(r"\breturn\s+([^;{}]+);", body)
        return evaluate(returned[-1]) if len(returned) == 1 else None
    return evaluate(body.strip())


def _names(type_: Type) -> set[str]:
    return {type_.name}.union(*(_names(each) for each in type_.arguments))
