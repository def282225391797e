"""What an expression holds, in Go, TypeScript, JavaScript and Java, by the types that are written somewhere
on the way: of variables by their declaration or their value, of members and calls by the workspace's
definitions, type parameters put in, loops and callbacks over what holds others.

No inference beyond that: what the code does not say in one of these ways is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from devflow.analysis.expressions import (
    Chain,
    Step,
    before_operator,
    chain_before,
    expression_end,
    split_top,
)
from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.analysis.written_types import (
    Type,
    parameters_text,
    read_type,
    result_text,
    type_before,
    type_parameters,
    type_text,
)
from devflow.retrieval.graph import go_libraries
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.dialects import DIALECTS
from devflow.retrieval.graph.stored import File

if TYPE_CHECKING:
    from devflow.retrieval.graph.declared import DeclaredMeanings

VALUED = frozenset({"go", "java", *SCRIPTS})
"""The languages whose expressions are read."""
_TYPES = CLASS_LIKE | {SymbolKind.TYPE}
_DEEPEST = 8
_MOST_PLACES = 2
"""Declarations of a name that are read, the nearest first."""
_LONGEST = 60_000
_ELEMENTS = frozenset(
    """at pop shift find findLast get getFirst getLast next remove poll pollFirst pollLast peek peekFirst
    peekLast pop push first last orElse orElseThrow orElseGet getOrDefault element item""".split()  # noqa: SIM905
)
"""Methods of a library's containers that give what is in them."""
_SAME = frozenset(
    """filter slice concat sort reverse stream sorted distinct limit skip iterator subList values splice
    toArray parallelStream""".split()  # noqa: SIM905
)
"""Methods of containers that give a container of the same."""
_PAIRS = r"\.(?:sort|toSorted|reduce)"
"""Methods whose callback's second parameter is one of them as well."""
_EACH = "sort map forEach filter find findIndex findLast some every flatMap anyMatch allMatch then ifPresent"
_CALLBACKS = rf"\.(?:{_EACH.replace(' ', '|')})"
SHAPED = frozenset(
    {"Required", "Partial", "Readonly", "NonNullable", "Pick", "Omit", "DeepReadonly", "Awaited"}
)
"""TypeScript's own types that have the members of their first argument."""
_PROMISES = frozenset({"Promise", "PromiseLike", "CompletableFuture"})


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression holds: a `type` as `file` writes it, with what its type parameters stand for there;
    or the class, the package's or the function's name itself (`itself`)."""

    file: File
    type: Type | None = None
    given: Mapping[str, Value] = field(default_factory=dict)
    itself: Definition | None = None


class Values:
    """Reads expressions with what `declared` knows of names and members."""

    def __init__(self, declared: DeclaredMeanings, source: Callable[[File], str]) -> None:
        self._declared = declared
        self._source = source

    def owners(self, file: File, at: int) -> list[Definition] | None:
        """The classes of what ends in front of the member operator before `at`; [] where it is none of the
        workspace, None where the code does not say."""
        return self.every_owner(file, at)[0]

    def every_owner(self, file: File, at: int) -> tuple[list[Definition] | None, bool]:
        """As `owners`, and whether it can be of no other class."""
        source = self._source(file)
        chain = chain_before(source, before_operator(source, at))
        value = self._chain(file, chain, at, 0) if chain is not None else None
        if value is None:
            return None, False
        several = value.type.arguments if value.type is not None and value.type.name == "|" else ()
        return self.classes(value), all(self._classes(value, each, 1) for each in several)

    def library_owner(self, file: File, at: int) -> Definition | None:
        """As `owners`, where that is the type of a Go library whose sources are here."""
        source = self._source(file)
        chain = chain_before(source, before_operator(source, at))
        value = self._chain(file, chain, at, 0) if chain is not None else None
        return self._library_type(value) if value is not None else None

    def _library_type(self, value: Value) -> Definition | None:
        if value.itself is not None:
            return value.itself if value.itself.root < 0 and value.itself.kind in _TYPES else None
        if value.type is None or value.type.name in ("[]", "map", "chan", "func", "|"):
            return None
        return self._declared.library(value.file, value.type.name)

    def classes(self, value: Value) -> list[Definition] | None:
        """The definitions of a value's type, several where it is one of several."""
        if value.itself is not None:
            if value.itself.root < 0:
                return []
            if value.itself.kind is SymbolKind.TYPE and (alias := self._alias(value.itself)) is not None:
                return self.classes(alias)
            return [value.itself] if value.itself.kind in _TYPES else None
        return self._classes(value, value.type, 0)

    def _classes(self, value: Value, type_: Type | None, depth: int) -> list[Definition] | None:
        if type_ is None or depth > _DEEPEST:
            return None
        if type_.name == "|":
            parts = [self._classes(value, each, depth + 1) for each in type_.arguments]
            return [one for part in parts for one in part or ()] or next((each for each in parts), None)
        if type_.name in SHAPED and type_.arguments:
            return self._classes(value, type_.arguments[0], depth + 1)
        if type_.name in ("[]", "map", "chan", "func"):
            return []
        if type_.name in value.given:
            return self.classes(value.given[type_.name])
        found = self._declared.types(value.file, type_.name)
        if found:
            first = found[0]
            if first.kind is SymbolKind.TYPE and (alias := self._alias(first)) is not None:
                return self._classes(alias, alias.type, depth + 1)
            return found[:1]
        last = type_.name.rpartition(".")[2]
        if len(last) == 1:
            return None  # a type parameter
        return [] if self._declared.is_outside(value.file, type_.name) else None

    def _alias(self, made: Definition) -> Value | None:
        """What another name for a type stands for, in TypeScript."""
        if made.language not in SCRIPTS:
            return None
        file = self._declared.file_of(made)
        text = self._source(file)[made.start : made.end]
        _, sign, written = text.partition("=")
        type_ = read_type(written.strip().rstrip(";"), made.language) if sign else None
        return Value(file, type_) if type_ is not None and type_.name != made.name else None

    # --- expressions

    def _text(
        self, file: File, source: str, start: int, end: int, depth: int, at: int | None = None
    ) -> Value | None:
        """The value of the expression that is the whole of `source[start:end]`, whose names are those seen at
        `at` of the file, by default at `start`."""
        head = re.match(r"\s*(?:await\s+|<[\w.<>\[\]]+>\s*)?[&*!]?", source[start:end])
        begun = start + (head.end() if head else 0)
        if file.language in SCRIPTS:
            pieces = re.split(r"\s+as\s+(?!const\b)", source[start:end])
            if len(pieces) > 1:
                type_ = read_type(pieces[-1].rstrip(") "), file.language)
                return Value(file, type_) if type_ is not None else None
            alternatives = re.split(r"\s*(?:\?\?|\|\|)\s*", source[start:end])
            end = start + len(alternatives[0]) if len(alternatives) > 1 else end
        if file.language == "java" and (
            cast := re.match(r"\s*\(\s*([A-Z][\w.<>?, ]*)\)\s*\w", source[start:end])
        ):
            type_ = read_type(cast[1], "java")
            return Value(file, type_) if type_ is not None else None
        if file.language == "go" and (received := re.match(r"\s*<-\s*", source[start:end])):
            held = self._text(
                file, source, start + received.end(), end, depth, at if at is not None else start
            )
            element = held.type.element if held is not None and held.type is not None else None
            return Value(held.file, element, held.given) if held is not None and element is not None else None
        if file.language == "go" and (made := re.match(r"\s*&?((?:\[\]|map\[)[^{(]*)\{", source[start:end])):
            type_ = read_type(made[1], "go")
            return Value(file, type_) if type_ is not None else None
        if (
            made := re.match(r"\s*(?:make|new)\(\s*([^,()]+)", source[start:end])
            if file.language == "go"
            else None
        ):
            type_ = read_type(made[1], "go")
            return Value(file, type_) if type_ is not None else None
        chain = chain_before(source, end)
        if chain is None or chain.start > begun:
            return None
        value = self._chain(file, chain, start if at is None else at, depth + 1)
        awaited = head is not None and "await" in head[0]
        return self._awaited(value) if awaited and value is not None else value

    def _awaited(self, value: Value) -> Value:
        type_ = value.type
        if type_ is not None and type_.name in _PROMISES and type_.arguments:
            return Value(value.file, type_.arguments[0], value.given)
        return value

    def _chain(self, file: File, chain: Chain, at: int, depth: int) -> Value | None:
        if depth > _DEEPEST:
            return None
        first, *rest = chain.steps
        value = self._first(file, first, chain, at, rest, depth)
        if first.kind == "name" and value is None and rest and rest[0].kind == "member":
            inside = self._declared.package(file, first.text, rest[0].text)
            if inside:
                value, rest = self._of(inside[0], None, depth), rest[1:]
            elif made := self._declared.library(file, f"{first.text}.{rest[0].text}"):
                value, rest = self._of(made, None, depth), rest[1:]
            elif self._declared.is_outside(file, first.text):
                return Value(file, Type(f"{first.text}.{rest[0].text}"))
        for number, step in enumerate(rest):
            if value is None:
                return None
            value = self._step(value, step, rest[number + 1 : number + 2], file, at, depth)
        return value

    def _first(
        self, file: File, step: Step, chain: Chain, at: int, rest: list[Step], depth: int
    ) -> Value | None:
        if step.kind == "new":
            return Value(file, Type(step.text))
        if step.kind == "string":
            return Value(file, Type({"go": "string", "java": "String"}.get(file.language, "string")))
        if step.kind == "inner":
            return self._text(file, step.text, 0, len(step.text), depth, at)
        if step.kind != "name":
            return None
        called = bool(rest) and rest[0].kind == "call"
        return self._name(file, step.text, at, depth, called=called)

    def _step(
        self, value: Value, step: Step, after: list[Step], file: File, at: int, depth: int
    ) -> Value | None:
        type_ = value.type
        if step.kind == "index":
            element = type_.element if type_ is not None else None
            return Value(value.file, element, value.given) if element is not None else None
        if step.kind == "call":
            if value.itself is not None and value.itself.kind in FUNCTION_LIKE:
                return self._called(value, step, file, at, depth)
            named = self._declared.types(value.file, type_.name)[:1] if type_ is not None else []
            function = self._alias(named[0]) if named and named[0].kind is SymbolKind.TYPE else value
            if function is not None and function.type is not None and function.type.name == "func":
                result = next(iter(function.type.arguments), None)
                return Value(function.file, result, value.given)
            return value if value.itself is None or value.itself.kind in _TYPES else None
        if value.itself is not None and value.itself.kind in FUNCTION_LIKE:
            return None
        if (library := self._library_type(value)) is not None:
            inside = next((each for each in go_libraries.members(library) if each.name == step.text), None)
            return self._of(inside, None, depth) if inside is not None else None
        owners = self.classes(value)
        if not owners:
            return self._of_library(value, step, after) if owners is not None else None
        for owner in owners:
            if members := self._declared.member(owner, step.text):
                return self._of(members[0], self._with(owner, value), depth)
        return None

    def _of_library(self, value: Value, step: Step, after: list[Step]) -> Value | None:
        type_ = value.type
        if type_ is None or type_.element is None or not after or after[0].kind != "call":
            return None
        if step.text in _SAME:
            return value
        if step.text in _ELEMENTS:
            return Value(value.file, type_.element, value.given)
        return None

    def _with(self, owner: Definition, value: Value) -> Value:
        """`value` with what the type parameters of its class stand for."""
        given = type_parameters(owner.signature, owner.name) if value.type is not None else []
        arguments = value.type.arguments if value.type is not None else ()
        named = {
            name: Value(value.file, argument, value.given)
            for name, argument in zip(given, arguments, strict=False)
        }
        return Value(value.file, value.type, MappingProxyType(named), value.itself)

    def _of(self, made: Definition, holder: Value | None, depth: int) -> Value | None:
        """What a definition holds: itself where it is a class or a function."""
        given = holder.given if holder is not None else {}
        file = self._declared.file_of(made)
        if made.kind in _TYPES:
            return Value(file, None, given, made)
        if made.kind in FUNCTION_LIKE:
            getter = made.kind is SymbolKind.PROPERTY or re.search(r"\bget\s+#?\w+\s*\(", made.signature)
            if not getter or made.language == "java":
                return Value(file, None, given, made)
            written = result_text(made.signature, made.name, made.language)
            type_ = read_type(written, made.language) if written else None
            return Value(file, type_, given) if type_ is not None else None
        if made.root < 0:
            written = re.sub(rf"^(?:var |const )?{re.escape(made.name)}(?:, \w+)*\s+", "", made.signature)
            type_ = read_type(written, "go") if "=" not in written.split("//")[0] else None
            return Value(file, type_, given) if type_ is not None else None
        source = self._source(file)
        found = self._declared_in(file, source, made.name, made.start, made.end, depth + 1, field=True)
        return Value(found.file, found.type, {**found.given, **given}, found.itself) if found else None

    def _called(self, value: Value, step: Step, file: File, at: int, depth: int) -> Value | None:
        made = value.itself
        if made is None:
            return None
        if made.kind is SymbolKind.CONSTRUCTOR:
            owner = self._declared.types(value.file, made.container.rpartition(".")[2])
            return Value(value.file, None, {}, owner[0]) if owner else None
        written = result_text(made.signature, made.name, made.language)
        if written in ("this", "Self") and made.container:
            owner = self._declared.types(value.file, made.container.rpartition(".")[2])
            return Value(value.file, None, value.given, owner[0]) if owner else None
        if made.language == "go" and written.startswith("("):
            written = written[1:].rpartition(")")[0]
            written = re.sub(r"^\w+\s+(?=[\w*\[])", "", split_top(written, ",")[0])
        type_ = read_type(written, made.language) if written else None
        if type_ is None:
            return None
        given = dict(value.given)
        own = type_parameters(made.signature, made.name)
        if own and type_.name in own:
            for number, parameter in enumerate(parameters_text(made.signature, made.name)):
                arguments = split_top(step.text, ",")
                if re.search(rf"(?::\s*|^){re.escape(type_.name)}\b(?:\s+\w+)?$", parameter) and number < len(
                    arguments
                ):
                    argument = arguments[number]
                    if (got := self._text(file, argument, 0, len(argument), depth + 1, at)) is not None:
                        return got
        return Value(value.file, type_, MappingProxyType(given))

    # --- names

    def _name(self, file: File, name: str, at: int, depth: int, *, called: bool) -> Value | None:
        dialect = DIALECTS[file.language]
        source = self._source(file)
        around = file.around(at)
        owner = next((each for each in reversed(around) if each.kind in CLASS_LIKE), None)
        if name in dialect.selves:
            return Value(file, None, {}, owner) if owner is not None else None
        if name == "super" and owner is not None:
            bases = self._declared.bases(owner)
            return Value(file, None, {}, bases[0]) if bases else None
        functions = [each for each in around if each.kind in FUNCTION_LIKE]
        if functions:
            start = functions[0].start
            if found := self._declared_in(file, source, name, start, at, depth + 1):
                return found
            if self._binds(source[start:at], name, file.language):
                return None
        if owner is not None and dialect.implicit and (members := self._declared.member(owner, name)):
            return self._of(members[0], None, depth)
        if (
            not called
            and not functions
            and (found := self._declared_in(file, source, name, 0, at, depth + 1))
        ):
            return found
        top = self._declared.top_level(file, name)
        return self._of(top, None, depth) if top is not None else None

    def _binds(self, text: str, name: str, language: str) -> bool:
        """Whether a function's text declares `name` in a way that tells no type."""
        escaped = re.escape(name)
        if language == "go":
            return bool(re.search(rf"\b{escaped}\b(?:\s*,\s*\w+)*\s*:=|\bvar\s+{escaped}\b", text))
        return bool(
            re.search(rf"\b(?:const|let|var)\s+(?:{escaped}\b|[{{\[][^=]*\b{escaped}\b[^=]*=)", text)
            or re.search(rf"(?<![\w.]){escaped}\s*(?:=>|->)|\([^()]*\b{escaped}\b[^()]*\)\s*(?:=>|->)", text)
        )

    def _declared_in(
        self, file: File, source: str, name: str, start: int, end: int, depth: int, *, field: bool = False
    ) -> Value | None:
        """What the last declaration of `name` in `source[start:end]` says that it holds."""
        if depth > _DEEPEST or end - start > _LONGEST:
            return None
        found = {
            "go": self._in_go,
            "java": self._in_java,
        }.get(file.language, self._in_script)
        places = sorted(found(file, source, name, start, end, depth), key=lambda each: -each[0])
        if field and file.language == "go":
            places = [*self._go_fields(file, source, name, start, end)]
        seen = (value for place, value in places if field or _is_seen(source[start + place : end]))
        for value in islice(seen, _MOST_PLACES):
            if (told := value()) is not None:
                return told
        return None

    def _in_go(
        self, file: File, source: str, name: str, start: int, end: int, depth: int
    ) -> Iterator[tuple[int, Callable[[], Value | None]]]:
        escaped = re.escape(name)
        text = source[start:end]

        for each in re.finditer(rf"(?:[(,]|\bvar)\s*{escaped}(?:\s*,\s*\w+)*\s+(?=[\w*\[.<])", text):
            yield each.start(), _read_go(file, source, start + each.end())
        pattern = rf"((?:\b\w+\s*,\s*)*)\b{escaped}\b((?:\s*,\s*\w+)*)\s*:?=(?!=)\s*(range\s+)?"
        for each in re.finditer(pattern, text):
            place = each[1].count(",")
            begun = start + each.end()

            def made(
                begun: int = begun,
                place: int = place,
                loop: str = each[3] or "",
                at: int = start + each.start(),
            ) -> Value | None:
                stop = expression_end(source, begun, (";",) if place else (";", ","))
                if loop:
                    held = self._text(file, source, begun, stop, depth, at)
                    if held is None or held.type is None or held.type.element is None:
                        return None
                    if place == 0 and held.type.name != "chan":
                        return Value(file, Type("int"))
                    return Value(held.file, held.type.element, held.given)
                return self._result(file, source, begun, stop, place, depth, at)

            yield each.start(), made

    def _go_fields(
        self, file: File, source: str, name: str, start: int, end: int
    ) -> Iterator[tuple[int, Callable[[], Value | None]]]:
        """The type that stands behind a field, a package's variable, or is embedded; what a variable is made
        of."""
        escaped = re.escape(name)
        text = source[start:end]
        if re.fullmatch(rf"\*?(?:\w+\.)?{escaped}", text.strip()):
            yield 0, _read_go(file, source, start)
        elif found := re.search(rf"\b{escaped}\b(?:\s*,\s*\w+)*[ \t]+(?=[\w*\[<])", text):
            yield 0, _read_go(file, source, start + found.end())
        elif made := re.search(rf"\b{escaped}\s*=\s*", text):
            begun = start + made.end()
            yield 0, lambda: self._text(file, source, begun, expression_end(source, begun), 2, start)

    def _result(
        self, file: File, source: str, begun: int, stop: int, place: int, depth: int, at: int
    ) -> Value | None:
        """The value at `place` of a call that gives several."""
        assertion = re.search(r"\.\(([^()]+)\)$", source[begun:stop].rstrip())
        if assertion:
            type_ = read_type(assertion[1], "go")
            return Value(file, type_) if place == 0 and type_ is not None else None
        if not place:
            return self._text(file, source, begun, stop, depth, at)
        chain = chain_before(source, stop)
        if chain is None or chain.start != begun or chain.steps[-1].kind != "call":
            return None
        callee = self._chain(file, Chain(chain.start, chain.steps[:-1]), at, depth + 1)
        made = callee.itself if callee is not None else None
        if made is None or callee is None:
            return None
        results = split_top(
            result_text(made.signature, made.name, "go").strip().removeprefix("(").removesuffix(")"), ","
        )
        type_ = (
            read_type(re.sub(r"^\w+\s+(?=[\w*\[])", "", results[place]), "go")
            if place < len(results)
            else None
        )
        return Value(callee.file, type_, callee.given) if type_ is not None else None

    def _in_java(
        self, file: File, source: str, name: str, start: int, end: int, depth: int
    ) -> Iterator[tuple[int, Callable[[], Value | None]]]:
        escaped = re.escape(name)
        for each in re.finditer(
            rf"(?<=[\w>\].])\s+{escaped}\b\s*(?:\[\s*\]\s*)?([=;,):]|$)", source[start:end]
        ):
            at = start + each.start()

            def read(at: int = at, behind: int = start + each.end(), sign: str = each[1]) -> Value | None:
                written = type_before(source, at)
                if written == "var":
                    held = self._text(file, source, behind, expression_end(source, behind), depth, at)
                    if sign != ":" or held is None or held.type is None:
                        return held
                    return Value(held.file, held.type.element, held.given)
                type_ = read_type(written, "java") if written else None
                return Value(file, type_) if type_ is not None else None

            yield each.start(), read
        yield from self._callbacks(file, source, name, start, end, depth)

    def _in_script(
        self, file: File, source: str, name: str, start: int, end: int, depth: int
    ) -> Iterator[tuple[int, Callable[[], Value | None]]]:
        escaped = re.escape(name)
        text = source[start:end]
        for each in re.finditer(rf"(?<![\w$.]){escaped}\s*[?!]?\s*:(?!:)\s*", text):
            at = start + each.end()
            if not _is_declared(source, start + each.start(), start):
                continue

            def read(at: int = at) -> Value | None:
                written = type_text(source, at)
                type_ = read_type(written, file.language) if written else None
                return Value(file, type_) if type_ is not None else None

            yield each.start(), read
        for each in re.finditer(rf"(?<![\w$.]){escaped}\s*=(?![=>])\s*", text):
            begun = start + each.end()

            def made(begun: int = begun, at: int = start + each.start()) -> Value | None:
                return self._text(file, source, begun, expression_end(source, begun), depth, at)

            yield each.start(), made
        for each in re.finditer(rf"\b(?:const|let|var)\s+{escaped}\s+of\s+", text):
            begun = start + each.end()

            def one(begun: int = begun, at: int = start + each.start()) -> Value | None:
                held = self._text(file, source, begun, expression_end(source, begun), depth, at)
                element = held.type.element if held is not None and held.type is not None else None
                return (
                    Value(held.file, element, held.given)
                    if held is not None and element is not None
                    else None
                )

            yield each.start(), one
        pattern = (
            rf"\b(?:const|let|var)\s*\{{[^{{}}=]*?(?:(\w+)\s*:\s*)?(?<![\w$.]){escaped}\b[^{{}}]*\}}\s*=\s*"
        )
        for each in re.finditer(pattern, text):
            begun = start + each.end()

            def part(
                begun: int = begun, member: str = each[1] or name, at: int = start + each.start()
            ) -> Value | None:
                held = self._text(file, source, begun, expression_end(source, begun), depth, at)
                return (
                    self._step(held, Step("member", member), [], file, at, depth)
                    if held is not None
                    else None
                )

            yield each.start(), part
        yield from self._callbacks(file, source, name, start, end, depth)

    def _callbacks(
        self, file: File, source: str, name: str, start: int, end: int, depth: int
    ) -> Iterator[tuple[int, Callable[[], Value | None]]]:
        """Parameters of a function that a container calls for each of what it holds."""
        escaped = re.escape(name)
        for each in re.finditer(
            rf"(?:{_CALLBACKS}\(\s*(?:async\s+)?\(?|{_PAIRS}\(\(?\s*\w+\s*,)\s*{escaped}\s*(?:,\s*\w+\s*)?\)?\s*(?:=>|->)",
            source[start:end],
        ):
            begun = start + each.start()

            def read(begun: int = begun) -> Value | None:
                chain = chain_before(source, begun)
                held = self._chain(file, chain, chain.start, depth + 1) if chain is not None else None
                element = held.type.element if held is not None and held.type is not None else None
                return (
                    Value(held.file, element, held.given)
                    if held is not None and element is not None
                    else None
                )

            yield each.start(), read


_BLOCKS = re.compile(r"[{}]|^\s*(?:case\b[^\n]*:|default\s*:)$", re.MULTILINE)


def _is_seen(between: str) -> bool:
    """Whether the block of a declaration is still open behind `between`, the text from it on."""
    depth = 0
    for sign in _BLOCKS.finditer(between):
        if sign[0] not in "{}":
            if depth == 0 and sign.start():
                return False
            continue
        depth += 1 if sign[0] == "{" else -1
        if depth < 0:
            return False
    return True


def _read_go(file: File, source: str, at: int) -> Callable[[], Value | None]:
    def read() -> Value | None:
        type_ = read_type(source[at : at + 200], "go")
        return Value(file, type_) if type_ is not None and type_.name != "range" else None

    return read


def _is_declared(source: str, at: int, least: int) -> bool:
    """Whether `name: …` at `at` declares a variable, parameter or field, and is no key of an object."""
    before = source[max(0, at - 60) : at]
    if re.search(r"\b(?:const|let|var|private|public|protected|readonly|static|declare)\s+\Z", before):
        return True
    depth = 0
    for place in range(at - 1, max(least - 1, at - 2_000), -1):
        sign = source[place]
        if sign in ")]}":
            depth += 1
        elif sign in "([{":
            if depth == 0:
                return sign == "("
            depth -= 1
    return at <= least or depth == 0
