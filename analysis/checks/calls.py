"""`call-does-not-fit`: a Python call that cannot fit the function it resolves to.

A finding is made only when the callee is certain: one unconditional definition, reached through
imports that lead to one file, with no decorator, base class or rebinding that could change how it is
called. Names the check cannot follow are passed over in silence.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.checks.python_module import (
    COMPREHENSIONS,
    Class,
    Function,
    Imported,
    Module,
    Node,
    bound_names,
    dotted,
    node_text,
    read_class,
    undecorated,
)
from devflow.analysis.facts import Finding, Location

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

CODE = "call-does-not-fit"

_TRANSPARENT = frozenset(
    (
        *("staticmethod", "classmethod", "deprecated", "warnings.deprecated"),
        *("override", "typing.override", "typing_extensions.override", "final", "typing.final"),
        *("cache", "lru_cache", "functools.cache", "functools.lru_cache"),
    )
)
"""Decorators that leave a function's parameters alone."""
_PLAIN_CLASS_DECORATORS = frozenset(
    ("final", "typing.final", "runtime_checkable", "typing.runtime_checkable", "total_ordering")
)
_PLAIN_BASES = frozenset(
    (
        "abc.ABC",
        "typing.Generic",
        "typing.Protocol",
        "typing_extensions.Generic",
        "typing_extensions.Protocol",
    )
)
_OPEN_BASES = frozenset(
    {"dict", "list", "set"}
    | {
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
)
"""Builtins whose `__new__` takes anything: only an `__init__` of our own restricts the call."""
_MEANT = re.compile(r"#\s*(?:type:\s*ignore|noqa|pyright:\s*ignore|pylint:\s*disable|mypy:)", re.IGNORECASE)
_GUARD = re.compile(r"raises|suppress|fails|warns|assertRaises", re.IGNORECASE)
_MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Site:
    """One call of a dotted name. `start:end` is the callee as written."""

    callee: str
    start: int
    end: int
    positional: int
    keywords: tuple[str, ...]
    starred: bool
    """It passes `*values`: there are at least `positional` positional arguments."""
    double_starred: bool
    own: Class | None = None
    """The class whose method the call stands in, when `callee` begins with that method's `self`."""
    class_level: bool = False
    """The first parameter is `cls`."""


def python_calls(tree: SyntaxTree) -> tuple[Site, ...]:
    """The calls whose callee is a module-level name or a method on `self`, outside code that
    expects a TypeError."""
    return tuple(_sites(tree))


def unfit_calls(
    sites: Sequence[Site], module: Module, roots: Sequence[Path], files: Mapping[Path, Module | None]
) -> tuple[list[Finding], frozenset[Path]]:
    """The findings, and the files that would have to be in `files` (None: does not exist) to decide more.

    Call it again with those until it wants no more.
    """
    resolver = _Resolver(module, roots, files)
    findings = []
    for site in sites:
        target = resolver.method(site) if site.own else resolver.callable(module, site.callee)
        if target and (problem := _misfit(site, target.function, target.bound)):
            findings.append(_finding(site, target, problem))
    return findings, frozenset(resolver.wanted)


@dataclass(frozen=True, slots=True)
class _Target:
    module: Module
    function: Function
    bound: bool
    """The first parameter is filled by the call's receiver."""
    shown: str


def _finding(site: Site, target: _Target, problem: str) -> Finding:
    related: tuple[tuple[Location, str], ...] = ()
    if target.module.path is not None and target.function.start >= 0:
        place = Location(target.module.path, target.function.start, target.function.end)
        related = ((place, f"{target.shown} is defined here"),)
    return Finding(site.start, site.end, CODE, f"{target.shown}() {problem}", "error", related)


def _misfit(site: Site, function: Function, bound: bool) -> str:
    """Why the call cannot fit, "" when it can."""
    parameters = list(function.parameters)
    if bound:
        if parameters and parameters[0].kind != "keyword-only":
            del parameters[0]
        elif not function.takes_more:
            return ""  # a `def method():` that someone wraps; not ours to judge
    by_place = [p for p in parameters if p.kind != "keyword-only"]
    if site.positional > len(by_place) and not function.takes_more:
        return _too_many(len(by_place), site.positional, exactly=all(p.required for p in by_place))
    by_name = {p.name for p in parameters if p.kind != "positional-only"}
    for keyword in site.keywords:
        if keyword not in by_name and not function.takes_keywords:
            return f"has no parameter {keyword!r}"
    filled = {p.name for p in by_place[: site.positional]}
    for keyword in site.keywords:
        if keyword in filled & by_name:
            return f"gets {keyword!r} twice, by position and by name"
    if site.double_starred:
        return ""
    filled |= set(site.keywords) & by_name
    missing = [
        p.name
        for p in parameters
        if p.required and p.name not in filled and not (site.starred and p.kind != "keyword-only")
    ]
    if not missing:
        return ""
    names = ", ".join(repr(name) for name in missing)
    return f"is called without its required argument{'' if len(missing) == 1 else 's'} {names}"


def _too_many(most: int, given: int, *, exactly: bool) -> str:
    if not most:
        return f"takes no positional arguments, {given} given"
    count = f"{most}" if exactly else f"at most {most}"
    return f"takes {count} positional argument{'' if most == 1 else 's'}, {given} given"


class _Resolver:
    """Follows names through modules; notes the files it would need in `wanted`."""

    def __init__(self, module: Module, roots: Sequence[Path], files: Mapping[Path, Module | None]) -> None:
        self.wanted: set[Path] = set()
        self._home = module
        self._files = files
        self._bases = _search_path(module.path, roots)

    def callable(self, module: Module, callee: str) -> _Target | None:
        """The function that calling `callee` in `module` runs, when it is certain."""
        found = self._value(module, callee)
        if found is None:
            return None
        where, value = found
        if isinstance(value, Function):
            holder = callee.rpartition(".")[0]
            owner = self._value(module, holder) if holder else None
            if owner and isinstance(owner[1], Class):
                # Class.method(...): only static and class methods are called this way without self.
                kind = _method_kind(value)
                if kind not in ("static", "class") or owner[1].metaclass:
                    return None
                return _Target(where, value, kind == "class", callee)
            return _Target(where, value, False, callee) if _plain(value) else None
        if isinstance(value, Class):
            return self._constructor(where, value, callee)
        return None

    def method(self, site: Site) -> _Target | None:
        """The method of the own class that `self.name(...)` runs."""
        assert site.own is not None
        name = site.callee.rpartition(".")[2]
        for where, owner in self._family(self._home, site.own, site.own.name):
            if owner is None:
                return None
            found = owner.members.get(name, ())
            if not found:
                if "__getattr__" in owner.members or "__getattribute__" in owner.members:
                    return None
                continue
            if len(found) != 1 or not isinstance(found[0], Function):
                return None
            kind = _method_kind(found[0])
            if kind == "" or found[0].empty or (site.class_level and kind == "instance"):
                return None
            return _Target(where, found[0], kind != "static", f"{owner.name}.{name}")
        return None

    def _constructor(self, module: Module, made: Class, shown: str) -> _Target | None:
        family = list(self._family(module, made, shown))
        if any(owner is None for _, owner in family):
            return None
        initialisers: list[tuple[Module, Function]] = []
        restricted = True
        for where, owner in family:
            assert owner is not None
            if owner.metaclass not in ("", "ABCMeta", "abc.ABCMeta") or "__new__" in owner.members:
                return None
            if not set(owner.decorators) <= _PLAIN_CLASS_DECORATORS:
                return None
            if _OPEN_BASES & set(owner.bases):
                restricted = False
            found = owner.members.get("__init__", ())
            if len(found) > 1 or (found and not (isinstance(found[0], Function) and _plain(found[0]))):
                return None
            if found and isinstance(found[0], Function):
                initialisers.append((where, found[0]))
        if not initialisers:
            if not restricted:
                return None
            bare = Function(made.name, made.start, made.end, (), False, False, (), False)
            return _Target(module, bare, False, shown)
        first_is_own = bool(made.members.get("__init__"))
        if not first_is_own and any(owner and len(owner.bases) > 1 for _, owner in family):
            return None  # the method resolution order is more than we follow
        where, function = initialisers[0]
        return _Target(where, function, True, shown)

    def _family(self, module: Module, made: Class, shown: str) -> Iterator[tuple[Module, Class | None]]:
        """The class and its bases, nearest first; None for a base that is not known."""
        yield module, made
        pending = [(module, base, 1) for base in made.bases]
        while pending:
            where, base, depth = pending.pop(0)
            if self._plain_base(where, base):
                continue
            found = self._value(where, base) if depth < _MAX_HOPS else None
            if found is None or not isinstance(found[1], Class) or found[1] is made:
                yield where, None
                return
            yield found[0], found[1]
            pending += [(found[0], next_base, depth + 1) for next_base in found[1].bases]

    def _plain_base(self, module: Module, base: str) -> bool:
        head, _, rest = base.partition(".")
        meaning = module.meaning(head)
        if meaning is None:
            return base == "object" or base in _OPEN_BASES
        if isinstance(meaning, Imported) and not meaning.level:
            full = ".".join(part for part in (meaning.module, meaning.name, rest) if part)
            return full in _PLAIN_BASES
        return False

    def _value(self, module: Module, name: str) -> tuple[Module, Function | Class | Module] | None:
        """What the dotted `name` means in `module`, and the module that defines it."""
        head, *rest = name.split(".")
        found = self._name(module, head, _MAX_HOPS)
        for part in rest:
            if found is None:
                return None
            where, value = found
            if isinstance(value, Module):
                found = self._name(value, part, _MAX_HOPS)
            elif isinstance(value, Class):
                members = value.members.get(part, ())
                if len(members) != 1 or not isinstance(members[0], Function):
                    return None
                found = (where, members[0])
            else:
                return None
        return found

    def _name(self, module: Module, name: str, hops: int) -> tuple[Module, Function | Class | Module] | None:
        meaning = module.meaning(name)
        if meaning is None:
            return self._submodule(module, name)
        if isinstance(meaning, Function | Class):
            return module, meaning
        if not isinstance(meaning, Imported) or not hops:
            return None
        source = self._module(module, meaning.module, meaning.level)
        if source is None:
            return None
        if not meaning.name:
            return source, source
        if source is module:  # `from . import x` in a package's own __init__
            return self._submodule(module, meaning.name)
        return self._name(source, meaning.name, hops - 1)

    def _submodule(self, module: Module, name: str) -> tuple[Module, Module] | None:
        if module.path is None or module.path.name != "__init__.py":
            return None
        found = self._file(module.path.parent, [name])
        return (found, found) if found else None

    def _module(self, module: Module, name: str, level: int) -> Module | None:
        parts = name.split(".") if name else []
        if level:
            if module.path is None:
                return None
            folder = module.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return self._file(folder, parts)
        if parts and parts[0] in sys.stdlib_module_names:
            return None  # a file of that name may hide the library's module or not, as the program is started
        found = [made for base in self._bases if (made := self._file(base, parts))]
        distinct = {made.path for made in found}
        return found[0] if len(distinct) == 1 else None

    def _file(self, folder: Path, parts: list[str]) -> Module | None:
        target = folder.joinpath(*parts)
        candidates = [target / "__init__.py"]
        if parts:
            candidates.append(target.with_name(f"{parts[-1]}.py"))
        for path in candidates:
            if path == self._home.path:
                return self._home
            if path not in self._files:
                self.wanted.add(path)
            elif made := self._files[path]:
                return made
        return None


def _search_path(path: Path | None, roots: Sequence[Path]) -> tuple[Path, ...]:
    """Folders that absolute imports may start from: the one above the document's package, the roots,
    their `src`."""
    bases: list[Path] = []
    if path is not None:
        folder = path.parent
        while (folder / "__init__.py").exists() and folder.parent != folder:
            folder = folder.parent
        bases.append(folder)
    for root in roots:
        bases += [root, root / "src"]
    return tuple(dict.fromkeys(bases))


def _plain(function: Function) -> bool:
    return set(function.decorators) <= _TRANSPARENT - {"staticmethod", "classmethod"}


def _method_kind(function: Function) -> str:
    """`instance`, `class`, `static`, or "" when decorators make it something else."""
    if not set(function.decorators) <= _TRANSPARENT:
        return ""
    if "staticmethod" in function.decorators:
        return "static"
    return "class" if "classmethod" in function.decorators else "instance"


@dataclass(frozen=True, slots=True)
class _Scope:
    bound: frozenset[str] = frozenset()
    """Names some function around the place binds."""
    class_names: frozenset[str] = frozenset()
    """Names of the class body the place stands directly in."""
    owner: Class | None = None
    receiver: str = ""
    """The `self` or `cls` of the method around the place."""
    class_level: bool = False
    guarded: bool = False
    covered: bool = False
    """`bound` has the names of everything inside already."""


def _sites(tree: SyntaxTree) -> Iterator[Site]:
    attributes = _assigned_attributes(tree)
    stack: list[tuple[Node, _Scope]] = [(tree.root, _Scope())]
    while stack:
        node, scope = stack.pop()
        inner = scope
        match node.type:
            case "ERROR":
                continue
            case "call" if not scope.guarded and not node.has_error:
                site = _site(node, tree, scope, attributes)
                if site:
                    yield site
            case "decorated_definition" | "function_definition" | "class_definition":
                definition, decorators = undecorated(node)
                for child in node.named_children if node.type == "decorated_definition" else ():
                    if child.type == "decorator":
                        stack.append((child, scope))
                if definition is not None:
                    stack += _definition(definition, decorators, tree, scope)
                continue
            case "with_statement" if _GUARD.search(node_text(node.named_children[0])):
                inner = replace(scope, guarded=True)
            case "try_statement" if _catches_type_errors(node):
                inner = replace(scope, guarded=True)
            case kind if kind in COMPREHENSIONS and not scope.covered:
                inner = replace(scope, bound=scope.bound | bound_names(node), covered=True)
        stack += [(child, inner) for child in node.named_children]


def _definition(
    node: Node, decorators: tuple[str, ...], tree: SyntaxTree, scope: _Scope
) -> list[tuple[Node, _Scope]]:
    """The parts of a definition with the scope each is in."""
    body = node.child_by_field_name("body")
    outside = [(child, scope) for child in node.named_children if child != body]
    if body is None:
        return outside
    if node.type == "class_definition":
        made = read_class(node, decorators, tree)
        return [*outside, (body, _Scope(scope.bound, frozenset(made.members), made, guarded=scope.guarded))]
    bound = scope.bound | bound_names(node)
    if scope.owner is not None and not scope.receiver and "staticmethod" not in decorators:
        head = node.child_by_field_name("parameters")
        first = head.named_children[0] if head is not None and head.named_children else None
        if first is not None and first.type == "typed_parameter":
            first = first.named_children[0]
        receiver = node_text(first) if first is not None and first.type == "identifier" else ""
        rebound = receiver in bound_names(body)
        class_level = "classmethod" in decorators or receiver in ("cls", "mcs", "metacls")
        if receiver and not rebound:
            return [
                *outside,
                (body, _Scope(bound, frozenset(), scope.owner, receiver, class_level, scope.guarded)),
            ]
        return [*outside, (body, _Scope(bound, frozenset(), None, guarded=scope.guarded))]
    if scope.receiver and scope.receiver in bound_names(node):
        return [*outside, (body, _Scope(bound, guarded=scope.guarded))]
    return [*outside, (body, replace(scope, bound=bound, class_names=frozenset()))]


def _site(node: Node, tree: SyntaxTree, scope: _Scope, attributes: frozenset[str]) -> Site | None:
    function = node.child_by_field_name("function")
    callee = dotted(function)
    if callee == "?":
        return None
    head, _, rest = callee.partition(".")
    own = None
    if scope.owner is not None and scope.receiver and head == scope.receiver:
        if not rest or "." in rest or rest in attributes:
            return None
        own = scope.owner
    elif head in scope.bound or head in scope.class_names or rest.rpartition(".")[2] in attributes:
        return None
    positional = 0
    keywords: list[str] = []
    starred = double = False
    arguments = node.child_by_field_name("arguments")
    if arguments is None:
        return None
    if arguments.type != "argument_list":
        positional = 1  # f(x for x in y)
    for argument in arguments.named_children if arguments.type == "argument_list" else ():
        match argument.type:
            case "comment":
                continue
            case "keyword_argument":
                keywords.append(node_text(argument.child_by_field_name("name")))
            case "list_splat":
                starred = True
            case "dictionary_splat":
                double = True
            case "parenthesized_list_splat":
                return None
            case _:
                positional += 1
    span = tree.span(node)
    lines = range(tree.text.line_at(span.start), tree.text.line_at(span.end) + 1)
    if any(_MEANT.search(tree.text.line(line)) for line in (lines[0], lines[-1])):
        return None
    name = tree.span(function)
    return Site(
        callee, name.start, name.end, positional, tuple(keywords), starred, double, own, scope.class_level
    )


def _assigned_attributes(tree: SyntaxTree) -> frozenset[str]:
    """Attribute names the file assigns to anywhere (`self.run = …`): such a method may be replaced."""
    found = re.findall(r"\.(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", tree.text.source)
    found += re.findall(r"setattr\([^,\n]+,\s*[\"'](\w+)[\"']", tree.text.source)
    return frozenset(found)


def _catches_type_errors(node: Node) -> bool:
    for child in node.named_children:
        if child.type in ("except_clause", "except_group_clause"):
            head = node_text(child).partition(":")[0]
            if head.strip() in ("except", "except*") or re.search(
                r"\b(TypeError|Exception|BaseException)\b", head
            ):
                return True
    return False
