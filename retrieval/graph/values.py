"""What an expression holds, in Go, TypeScript, JavaScript and Java, by the types that are written somewhere
on the way: of variables by their declaration or their value, of members and calls by the workspace's
definitions, type parameters put in, loops and callbacks over what holds others.

No inference beyond that: what the code does not say in one of these ways is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from devflow.analysis import object_types
from devflow.analysis.declarations import (
    CalledFor,
    Declaration,
    SetFrom,
    Written,
    binds,
    declarations,
)
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
    alias_text,
    parameters_text,
    read_type,
    result_text,
    result_types,
    type_parameters,
    type_stated,
)
from devflow.retrieval.graph import contextual, go_libraries, library_values, objects, overloads
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.dialects import DIALECTS
from devflow.retrieval.graph.narrowing import TYPES
from devflow.retrieval.graph.script_libraries import CALL
from devflow.retrieval.graph.stored import File
from devflow.retrieval.graph.value import Value, element, of_type
from devflow.retrieval.graph.value_classes import ValueClasses

if TYPE_CHECKING:
    from devflow.retrieval.graph.declared import DeclaredMeanings

VALUED = frozenset({"go", "java", *SCRIPTS})
"""The languages whose expressions are read."""
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
_PROMISES = frozenset({"Promise", "PromiseLike", "CompletableFuture"})
_FROZEN = re.compile(r"\s*Object\.(?:freeze|seal)\(\s*(\{.*\}[^{}()]*)\)\s*", re.DOTALL)
_LITERAL = re.compile(r"\s*(?:(-?\d[\d_]*(?:\.\d+)?)|true|false)\s*")


class Values:
    """Reads expressions with what `declared` knows of names and members."""

    def __init__(self, declared: DeclaredMeanings, source: Callable[[File], str]) -> None:
        self._declared = declared
        self._source = source
        self._classes = ValueClasses(declared, source)

    def owners(self, file: File, at: int) -> list[Definition] | None:
        """The classes of what ends in front of the member operator before `at`; [] where it is none of the
        workspace, None where the code does not say."""
        return self.every_owner(file, at)[0]

    def every_owner(self, file: File, at: int) -> tuple[list[Definition] | None, bool]:
        """As `owners`, and whether it can be of no other class."""
        value = self._before(file, at)
        if value is None:
            return None, False
        several = value.type.arguments if value.type is not None and value.type.name == "|" else ()
        return self.classes(value), all(self._classes.of_type(value, each, 1) for each in several)

    def library_owner(self, file: File, at: int) -> Definition | None:
        """As `owners`, where that is the type of a Go library whose sources are here."""
        value = self._before(file, at)
        return self._library_type(value) if value is not None else None

    def value(self, file: File, at: int) -> Value | None:
        """What ends in front of the member operator before `at`; None where the code does not say."""
        value = self._before(file, at)
        return self._unaliased(value) if value is not None else None

    def text(self, file: File, text: str, at: int) -> Value | None:
        """What the expression `text` holds, whose names are those seen at `at`."""
        return self._text(file, text, 0, len(text), 1, at)

    def holds(self, file: File, name: str, at: int) -> Value | None:
        """What the variable `name` that ends at `at` holds, also where that is its declaration."""
        source = self._source(file)
        end = expression_end(source, at, (";",)) + 1
        around = [each for each in file.around(at) if each.kind in FUNCTION_LIKE]
        begun = around[0].start if around else 0
        found = self._declared_in(file, source, name, begun, min(end, len(source)), 1)
        return found or self._name(file, name, at, 1, called=False)

    def _library_type(self, value: Value) -> Definition | None:
        if value.file.language != "go":
            return None
        if value.itself is not None:
            return value.itself if value.itself.root < 0 and value.itself.kind in TYPES else None
        if value.type is None or value.type.name in ("[]", "map", "chan", "func", "|"):
            return None
        return self._declared.library(value.file, value.type.name)

    def classes(self, value: Value) -> list[Definition] | None:
        """The definitions of a value's type, several where it is one of several."""
        return self._classes.of(value)

    # --- expressions

    def _before(self, file: File, at: int) -> Value | None:
        source = self._source(file)
        chain = chain_before(source, before_operator(source, at))
        return self._chain(file, chain, at, 0) if chain is not None else None

    def _text(
        self, file: File, source: str, start: int, end: int, depth: int, at: int | None = None
    ) -> Value | None:
        """The value of the expression that is the whole of `source[start:end]`, whose names are those seen at
        `at` of the file, by default at `start`."""
        text = source[start:end]
        at = start if at is None else at
        least = start if source is self._source(file) else -1
        if (stated := type_stated(text, file.language)) is not None:
            return of_type(file, read_type(stated, file.language), least=least)
        if file.language == "go" and (received := re.match(r"\s*<-\s*", text)):
            return element(self._text(file, source, start + received.end(), end, depth, at))
        if file.language in SCRIPTS and (plain := _LITERAL.fullmatch(text)):
            return Value(file, Type("number" if plain[1] else "boolean"))
        if file.language in SCRIPTS and (frozen := _FROZEN.fullmatch(text)):
            return self._text(file, source, start + frozen.start(1), start + frozen.end(1), depth + 1, at)
        if file.language in SCRIPTS and (kept := object_types.kept(text)) is not None:
            return Value(file, Type(f"={kept[0]}"), least=least)
        if file.language in SCRIPTS and (alternative := re.search(r"\s*(?:\?\?|\|\|)\s*", text)):
            end = start + alternative.start()
        head = re.match(r"\s*(?:await\s+|<[\w.<>\[\]]+>\s*)?[&*!]?", text)
        chain = chain_before(source, end)
        if chain is None or chain.start > start + (head.end() if head else 0):
            return None
        if source is not self._source(file):
            chain = Chain(chain.start, tuple(Step(each.kind, each.text, each.given) for each in chain.steps))
        value = self._chain(file, chain, at, depth + 1)
        awaited = head is not None and "await" in head[0]
        return self._awaited(value) if awaited and value is not None else value

    def _awaited(self, value: Value) -> Value:
        type_ = value.type
        if type_ is not None and type_.name in _PROMISES and type_.arguments:
            return Value(value.file, type_.arguments[0], value.given, least=value.least)
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
            return of_type(file, read_type(step.text, file.language))
        if step.kind == "string":
            return Value(file, Type({"go": "string", "java": "String"}.get(file.language, "string")))
        if step.kind == "inner":
            return self._text(file, step.text, 0, len(step.text), depth, at)
        if step.kind == "list" and file.language in SCRIPTS:
            item = split_top(step.text, ",")[0]
            inside = self._text(file, item, 0, len(item), depth, at)
            return Value(file, Type("[]", (Type("T"),)), {"T": inside} if inside is not None else {})
        if step.kind != "name":
            return None
        called = bool(rest) and rest[0].kind == "call"
        return self._name(file, step.text, at, depth, called=called)

    def _step(
        self, value: Value, step: Step, after: list[Step], file: File, at: int, depth: int
    ) -> Value | None:
        if step.kind == "index":
            return element(self._unaliased(value))
        if step.kind == "call":
            if value.itself is not None and value.itself.kind in FUNCTION_LIKE:
                return self._called(value, step, file, at, depth)
            return self._called_value(value, step, file, at, depth)
        if (outside := self.outside(value, step.text)) is not None:
            return self._of(outside[0], Value(value.file, None, outside[1], None, value), depth)
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
                if len(members) > 1 and after and after[0].kind == "call" and owner.language != "go":
                    members = list(overloads.of_count(members, after[0].text))
                return self._of(members[0], self._with(owner, value), depth)
        return None

    def outside(self, value: Value, name: str) -> tuple[Definition, Mapping[str, Value]] | None:
        """The member of a value that is declared outside the workspace, in TypeScript, JavaScript and Java,
        and what the type parameters around it stand for."""
        if not library_values.is_read(value.file.language):
            return None
        if (key := objects.member(value, name, self._classes.alias_of, self._source)) is not None:
            return key
        if value.itself is not None and value.itself.kind in FUNCTION_LIKE:
            value = Value(value.file, Type("func"))
        value = self._unaliased(value)
        owners = self.classes(value) or []
        if any(self._declared.member(owner, name) for owner in owners):
            return None
        inherited = [base for owner in owners for base in self._declared.outside_bases(owner)]
        # What the workspace declares is not read as a library's: its files change, on disk and in editors.
        rest = Value(value.file, Type("Object")) if owners else value
        for each in inherited or [rest]:
            if (found := library_values.member(each, name)) is not None:
                return found[0][0], found[1]
        return None

    def member(self, value: Value, name: str) -> tuple[Definition, Mapping[str, Value]] | None:
        """The member of a value, and what the type parameters around it stand for."""
        if (outside := self.outside(value, name)) is not None:
            return outside
        for owner in self.classes(value) or ():
            if members := self._declared.member(owner, name):
                return members[0], self._with(owner, value).given
        return None

    def called(self, file: File, chain: Chain, at: int, depth: int) -> Value | None:
        """The function that an expression in front of the brackets of a call is; of a class that is made its
        constructor."""
        value = self._chain(file, chain, at, depth)
        if value is not None and chain.steps[0].kind == "new" and len(chain.steps) == 1:
            found = self.member(value, "constructor")
            return Value(value.file, None, found[1], found[0]) if found is not None else None
        if value is None or value.itself is None or value.itself.kind not in FUNCTION_LIKE:
            return None
        return value

    def file_of(self, made: Definition) -> File:
        """The file that a definition stands in."""
        return self._declared.file_of(made)

    def head(self, made: Definition) -> str:
        """The whole head of a definition."""
        return self._declared.head(made)

    def alias(self, value: Value) -> contextual.Wanted | None:
        """What a value's type is another name for, as it is written there."""
        type_ = value.type
        if type_ is None:
            return None
        for made in self._declared.types(value.file, type_.name)[:1]:
            if made.kind is SymbolKind.TYPE:
                file = self.file_of(made)
                written = alias_text(self._source(file)[made.start : made.end], made.name)
                return contextual.Wanted(written, file, self._classes.filled(made, value), made.start)
        return None

    def keys(self, value: Value) -> list[Definition]:
        """What a value has where it is an object without a name."""
        return objects.members(value, self._classes.alias_of, self._source)

    def _unaliased(self, value: Value) -> Value:
        """A value by the type that the workspace's other names for it stand for."""
        for _ in range(_DEEPEST):
            if value.itself is not None or (alias := self._classes.alias_of(value)) is None:
                break
            value = alias
        return value

    def outside_name(self, file: File, name: str, at: int) -> Definition | None:
        """What a plain name is outside the workspace; None where code of the file declares it."""
        source = self._source(file)
        around = [each for each in file.around(at) if each.kind in FUNCTION_LIKE]
        begun = around[0].start if around else 0
        imported = bool(file.imported_as(name))
        if not imported and (
            binds(source[begun:at], name, file.language)
            or any(True for _ in declarations(source, name, begun, at, file.language))
            or self._declared.top_level(file, name) is not None
        ):
            return None
        found = library_values.variable(file, name) or library_values.named(file, name)
        return found[0] if found and not self._declared.holds(file, name) else None

    def _of_library(self, value: Value, step: Step, after: list[Step]) -> Value | None:
        inside = element(value)
        if inside is None or not after or after[0].kind != "call":
            return None
        return value if step.text in _SAME else inside if step.text in _ELEMENTS else None

    def _with(self, owner: Definition, value: Value) -> Value:
        """`value` with what the type parameters of its class stand for."""
        given = type_parameters(owner.signature, owner.name) if value.type is not None else []
        arguments = value.type.arguments if value.type is not None else ()
        named = {
            name: Value(value.file, argument, value.given, least=value.least)
            for name, argument in zip(given, arguments, strict=False)
        }
        return Value(value.file, value.type, MappingProxyType(named), value.itself, least=value.least)

    def _of(self, made: Definition, holder: Value | None, depth: int) -> Value | None:
        """What a definition holds: itself where it is a class or a function."""
        given = holder.given if holder is not None else {}
        file = self._declared.file_of(made)
        if made.kind in TYPES or (made.root < 0 and made.kind is SymbolKind.MODULE):
            return Value(file, None, given, made)
        if made.kind in FUNCTION_LIKE:
            getter = made.kind is SymbolKind.PROPERTY or re.search(r"\bget\s+#?\w+\s*\(", made.signature)
            if not getter or made.language == "java":
                return Value(file, None, given, made, holder.receiver if holder is not None else None)
            written = result_text(self._declared.head(made), made.name, made.language)
            return of_type(file, read_type(written, made.language) if written else None, given, made.start)
        if made.container == objects.VALUE:
            return self._of_key(file, made, depth)
        if made.root < 0 and made.language != "go":
            return library_values.held(made, given)
        if made.root < 0:
            written = re.sub(rf"^(?:var |const )?{re.escape(made.name)}(?:, \w+)*\s+", "", made.signature)
            type_ = read_type(written, "go") if "=" not in written.split("//")[0] else None
            return of_type(file, type_, given)
        source = self._source(file)
        found = self._declared_in(file, source, made.name, made.start, made.end, depth + 1, field=True)
        if found is None:
            return None
        return Value(found.file, found.type, {**found.given, **given}, found.itself, least=found.least)

    def _of_key(self, file: File, made: Definition, depth: int) -> Value | None:
        """What stands under a key of an object that is written out."""
        source = self._source(file)
        colon = re.match(r"[\"']?\s*:\s*", source[made.name_start + len(made.name) : made.end])
        if colon is None:
            return None
        begun = made.name_start + len(made.name) + colon.end()
        return self._text(file, source, begun, made.end, depth + 1)

    def _called_value(self, value: Value, step: Step, file: File, at: int, depth: int) -> Value | None:
        """What a call gives of what is no function's name: of a value that is a function, of a class."""
        named = self._declared.types(value.file, value.type.name)[:1] if value.type is not None else []
        function = self._classes.alias(named[0]) if named and named[0].kind is SymbolKind.TYPE else value
        if function is not None and function.type is not None and function.type.name == "func":
            return Value(
                function.file, next(iter(function.type.arguments), None), value.given, least=function.least
            )
        if value.type is not None and library_values.is_read(value.file.language):
            if (found := library_values.member(value, CALL)) is not None:
                callee = Value(value.file, None, found[1], found[0][0])
                return self._of_outside(found[0], callee, step, file, at, depth)
            if value.file.root < 0:
                return None
        return value if value.itself is None or value.itself.kind in TYPES else None

    def _called(self, value: Value, step: Step, file: File, at: int, depth: int) -> Value | None:
        made = value.itself
        if made is None:
            return None
        if made.root < 0 and made.language != "go":
            several = library_values.overloads(made, value.receiver)
            return self._of_outside(several, value, step, file, at, depth)
        makes = made.kind is SymbolKind.CONSTRUCTOR
        written = result_text(self._declared.head(made), made.name, made.language)
        if makes or (written in ("this", "Self") and made.container):
            owner = self._declared.types(value.file, made.container.rpartition(".")[2])
            return Value(value.file, None, {} if makes else value.given, owner[0]) if owner else None
        type_ = read_type(written, made.language) if written else None
        if type_ is None:
            return None
        if type_.name in type_parameters(made.signature, made.name):
            parameters = parameters_text(made.signature, made.name)
            for parameter, argument in zip(parameters, split_top(step.text, ","), strict=False):
                if re.search(rf"(?::\s*|^){re.escape(type_.name)}\b(?:\s+\w+)?$", parameter):
                    got = self._text(file, argument, 0, len(argument), depth + 1, at)
                    if got is not None:
                        return got
        return Value(value.file, type_, value.given, least=overloads.least(made, written))

    def _of_outside(
        self, several: list[Definition], value: Value, step: Step, file: File, at: int, depth: int
    ) -> Value | None:
        """What a call of a library's function gives."""

        def evaluate(text: str) -> Value | None:
            return self._text(file, text, 0, len(text), depth + 1, at)

        if step.end >= 0:
            at = step.end
        arguments = [each for each in split_top(step.text, ",") if each]
        value = Value(library_values.file_of(several[0]), None, value.given, value.itself, value.receiver)
        return overloads.result(several, value.file, value, arguments, evaluate)

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
            if binds(source[start:at], name, file.language):
                return None
            if (
                file.language in SCRIPTS and start
            ):  # functions in what is no function's own text: `{ run: (x) => … }`
                around_it = max(0, at - _LONGEST + 1)
                if found := self._declared_in(file, source, name, around_it, at, depth + 1):
                    return found
        if owner is not None and dialect.implicit and (members := self._declared.member(owner, name)):
            return self._of(members[0], None, depth)
        if (
            not called
            and not functions
            and (found := self._declared_in(file, source, name, 0, at, depth + 1))
        ):
            return found
        top = self._declared.top_level(file, name)
        if top is None and library_values.is_read(file.language) and not self._declared.holds(file, name):
            top = next(iter(library_values.variable(file, name)), None)
        return self._of(top, None, depth) if top is not None else None

    def _declared_in(
        self, file: File, source: str, name: str, start: int, end: int, depth: int, *, field: bool = False
    ) -> Value | None:
        """What the last declaration of `name` in `source[start:end]` says that it holds."""
        if depth > _DEEPEST or end - start > _LONGEST:
            return None
        found = declarations(source, name, start, end, file.language, field=field)
        for each in islice(found, _MOST_PLACES):
            if (told := self._said(file, source, each, depth)) is not None:
                return told
        return None

    def _said(self, file: File, source: str, declaration: Declaration, depth: int) -> Value | None:
        """The value that a declaration gives its name."""
        if isinstance(declaration, Written):
            held = of_type(file, declaration.type, least=declaration.at)
            if held is None or not declaration.member:
                return held
            return self._step(held, Step("member", declaration.member), [], file, 0, depth)
        if isinstance(declaration, CalledFor):
            if (given := self._callback(file, declaration, depth)) is not None:
                return given
            holder = declaration.holder
            held = self._chain(file, holder, holder.start, depth + 1) if holder else None
            held = element(self._unaliased(held)) if held is not None else None
            if held is None and file.language in SCRIPTS and source is self._source(file):
                number = declaration.parameter
                return contextual.parameter(self, file, source, declaration.at, number, depth + 1)
            return held
        if declaration.take == "result" and declaration.number:
            return self._result(file, source, declaration, depth)
        at = declaration.at
        held = self._text(file, source, declaration.start, declaration.end, depth, at)
        if held is None:
            return None
        match declaration.take:
            case "member":
                return self._step(held, Step("member", declaration.member), [], file, at, depth)
            case "element":
                return element(self._unaliased(held))
            case "loop":
                return self._iterated(held)
            case "range":
                counts = declaration.number == 0 and held.type is not None and held.type.name != "chan"
                inside = element(held)
                return Value(file, Type("int")) if counts and inside is not None else inside
        return held

    def _iterated(self, held: Value) -> Value | None:
        """What a loop over a value gives, one by one."""
        inherited = [
            each for owner in self.classes(held) or () for each in self._declared.outside_bases(owner)
        ]
        found = (library_values.iterated(each) for each in inherited or [held])
        return next((each for each in found if each is not None), None) or element(held)

    def _callback(self, file: File, declaration: CalledFor, depth: int) -> Value | None:
        """What a library's function gives a parameter of the function that it is handed."""
        call = declaration.call
        value = self._chain(file, call, declaration.at, depth + 1) if call is not None else None
        made = value.itself if value is not None else None
        if value is None or made is None or made.kind not in FUNCTION_LIKE or made.language == "go":
            return None

        def evaluate(text: str) -> Value | None:
            return self._text(file, text, 0, len(text), depth + 1, declaration.at)

        several = library_values.overloads(made, value.receiver)
        taken = overloads.parameter(several, value.file, value, declaration.before, evaluate)
        given = (
            library_values.callback_parameter(*taken, declaration.parameter) if taken is not None else None
        )
        return library_values.keyed(given) if given is not None else None

    def _result(self, file: File, source: str, declaration: SetFrom, depth: int) -> Value | None:
        """One of several values that a call gives."""
        chain = chain_before(source, declaration.end)
        if chain is None or chain.start != declaration.start or chain.steps[-1].kind != "call":
            return None
        callee = self._chain(file, Chain(chain.start, chain.steps[:-1]), declaration.at, depth + 1)
        if callee is None or callee.itself is None:
            return None
        results = result_types(callee.itself.signature, callee.itself.name)
        type_ = results[declaration.number] if declaration.number < len(results) else None
        return of_type(callee.file, type_, callee.given)
