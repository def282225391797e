"""What names mean in languages whose declarations write types down (and in Ruby and JavaScript, as far as
`new` and imports tell), from the index's rows and the text around a use.

A use is told by: its function's own names, its class, its file, its imports, its package; a receiver by
the type written beside its declaration. What is left is told by name alone and worth little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from devflow.analysis.facts import SymbolKind
from devflow.analysis.go_literals import literal_type
from devflow.analysis.languages import SCRIPTS, family
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.analysis.written_types import base_types
from devflow.retrieval.graph import contextual, go_libraries, library_values
from devflow.retrieval.graph.base import Definition, Meaning, Use
from devflow.retrieval.graph.dialects import (
    DIALECTS,
    Dialect,
    base_names,
    embedded_names,
    is_parameter,
    same_package,
)
from devflow.retrieval.graph.go_libraries import library_file
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.narrowing import TYPES, declares, fits, nearest, overloads, values_first
from devflow.retrieval.graph.receivers import Receivers
from devflow.retrieval.graph.scripts import exported, namespace, taken
from devflow.retrieval.graph.stored import File, Stored
from devflow.retrieval.graph.value import Value
from devflow.retrieval.graph.values import VALUED, Values

_DEEPEST = 8
_MOST_BASES = 32
_LONGEST_HEAD = 6_000


class DeclaredMeanings:
    """Answers for the stores as they are now: made again with each generation."""

    def __init__(self, stored: Stored, modules: Modules) -> None:
        self._stored = stored
        self._modules = modules
        self._bases: dict[Definition, list[Definition]] = {}
        self._global: dict[tuple[str, str], list[Definition]] = {}
        self.values = Values(self, stored.source)
        self._receivers = Receivers(self, stored.source)

    def meanings(self, use: Use) -> list[Meaning]:
        """What a use stands for, best first; [] when it is nothing of the workspace, or nobody knows."""
        known = self.told(use)
        return self._by_name(self._stored.file(use.root, use.file), use) if known is None else known

    def told(self, use: Use) -> list[Meaning] | None:
        """What the code says that a use stands for, best first; [] when it is nothing of the workspace, None
        when the code does not say."""
        file = self._stored.file(use.root, use.file)
        dialect = DIALECTS.get(file.language)
        if dialect is None:
            return None
        behind = bool(use.receiver) or self._behind_operator(file, use.start)
        if not behind and file.language == "go" and (keyed := self._go_key(file, use)) is not None:
            return keyed
        if not behind and file.language in SCRIPTS:
            made = contextual.key(self.values, file, self._stored.source(file), use.name, use.start)
            if made is not None and made.root >= 0:
                return [Meaning(made, 0.85, "type")]
        if not behind:
            return self._plain(file, dialect, use)
        told = self._receivers.told(file, dialect, use) if use.receiver else None
        return self._member_of_value(file, use) if told is None and file.language in VALUED else told

    def _go_key(self, file: File, use: Use) -> list[Meaning] | None:
        """The field that a key of a composite literal names (`Point{X: 1}`); None where it is no such key, or
        its type is not known."""
        source = self._stored.source(file)
        written = literal_type(source, use.start, use.end)
        if not written:
            return None
        for owner in self.types(file, written)[:1]:
            return [Meaning(each, 0.85, "type") for each in self.member(owner, use.name)] or None
        return [] if self.library(file, written) is not None else None

    def bases(self, definition: Definition) -> list[Definition]:
        """The classes and interfaces that a head names, those of the workspace."""
        known = self._bases.get(definition)
        if known is None:
            self._bases[definition] = []
            file = self._stored.file(definition.root, definition.file)
            known = self._bases[definition] = [
                found[0]
                for name in self._base_names(file, definition)
                if (found := self.types(file, name)) and found[0] != definition
            ]
        return known

    def file_of(self, definition: Definition) -> File:
        """The file that a definition stands in."""
        if definition.root < 0:
            is_go = definition.language == "go"
            return library_file(definition.path) if is_go else library_values.file_of(definition)
        return self._stored.file(definition.root, definition.file)

    def head(self, made: Definition) -> str:
        """The head of a definition, also where the index has cut its signature."""
        if not made.signature.endswith("…") or made.root < 0:
            return made.signature
        source = self._stored.source(self.file_of(made))
        text = source[made.start : min(made.end, made.start + _LONGEST_HEAD)]
        return re.sub(r"\s+", " ", text.partition("{")[0] if made.kind in CLASS_LIKE else text)

    def top_level(self, file: File, name: str) -> Definition | None:
        """What a plain name means outside all functions: of the file, its package, its imports."""
        if file.root < 0:
            return None
        if own := file.named("", name):
            return values_first(own)[0]
        if (imported := self.imported(file, name)) is not None:
            return values_first(imported)[0] if imported else None
        if DIALECTS[file.language].package:
            near = (each for each in self.every(name, file.language) if not each.container)
            return next((each for each in near if same_package(each.path, file.path)), None)
        return None

    def is_outside(self, file: File, name: str) -> bool:
        """Whether a type's name, as `file` writes it, is of no workspace: imported from outside, or of the
        language."""
        if file.root < 0:
            return True
        qualifier, _, last = name.rpartition(".")
        if qualifier:
            return self.is_imported_from_outside(file, qualifier.partition(".")[0])
        return self.is_imported_from_outside(file, last) or not any(
            each.kind in TYPES for each in self.every(last, file.language)
        )

    def members(self, owner: Definition) -> list[tuple[Definition, int]]:
        """What a class offers, its own first, then what its bases have, each with the steps up to that
        base; overridden ones and overloads are in."""
        found: list[tuple[Definition, int]] = []
        seen: set[Definition] = set()
        here = [owner]
        for depth in range(_DEEPEST):
            found += [(made, depth) for each in here for made in self._own_members(each)]
            seen.update(here)
            here = [base for each in here for base in self.bases(each) if base not in seen]
        return found

    def _own_members(self, owner: Definition) -> Iterator[Definition]:
        files = [self.file_of(owner)]
        if owner.language == "go":  # methods stand beside their type, in any file of its folder
            places = self._modules.folder(owner.root, files[0].relative)
            files += [self._stored.file(*place) for place in places if place != (owner.root, owner.file)]
        for file in files:
            for made in file.members.get(owner.qualified_name, {}).values():
                yield from made

    def library(self, file: File, written: str) -> Definition | None:
        """What a type or a function of a Go library is, as `file` writes it."""
        if file.language != "go" or not self._stored.roots:
            return None
        qualifier, _, name = written.rpartition(".")
        if file.root >= 0 and (not qualifier or self.package(file, qualifier, name)):
            return None
        return go_libraries.named(file, qualifier, name, self._stored.roots[max(file.root, 0)])

    def library_bases(self, owner: Definition) -> list[Definition]:
        """The types of Go libraries that a type of the workspace embeds, itself or through others."""
        if owner.language != "go":
            return []
        found: list[Definition] = []
        seen: set[Definition] = set()
        here = [owner]
        while here and len(seen) < _MOST_BASES:
            seen.update(here)
            for each in here:
                file = self.file_of(each)
                made = (self.library(file, name) for name in self._base_names(file, each) if "." in name)
                found += [base for base in made if base is not None]
            here = [base for each in here for base in self.bases(each) if base not in seen]
        return found

    def outside_bases(self, owner: Definition) -> list[Value]:
        """As `library_bases`, of TypeScript, JavaScript and Java, with their type arguments."""
        found: list[Value] = []
        seen: set[Definition] = set()
        here = [owner] if library_values.is_read(owner.language) and owner.root >= 0 else []
        while here and len(seen) < _MOST_BASES:
            seen.update(here)
            found += [base for each in here for base in self._direct_outside(each)]
            here = [base for each in here for base in self.bases(each) if base not in seen]
        return found

    def _direct_outside(self, owner: Definition) -> Iterator[Value]:
        file = self.file_of(owner)
        for base in base_types(self.head(owner), owner.name, owner.language):
            if not self.types(file, base.name):
                yield Value(file, base)

    def holds(self, file: File, name: str) -> bool:
        """Whether `name` is one that the workspace declares for `file`, or hands it of its own."""
        if not file.imported_as(name) or self.is_imported_from_outside(file, name):
            return False
        whole = any(made.name in ("", "*") for made, _ in file.imported_as(name))
        return file.language not in SCRIPTS or whole or bool(self.imported(file, name))

    def of_package(self, file: File, name: str) -> list[Definition]:
        """What the Go package that `file` imports as `name` exports, from its sources where it is none of the
        workspace."""
        found: dict[str, Definition] = {}
        for made in file.imports if file.language == "go" else ():
            alias = made.alias or re.sub(r"/v\d+$", "", made.module).rpartition("/")[2]
            for place in self._modules.go(file.root, made.module) if alias == name else ():
                for named, definitions in self._stored.file(*place).members.get("", {}).items():
                    if named[:1].isupper():
                        found.setdefault(named, definitions[0])
        if found or file.language != "go":
            return list(found.values())
        return go_libraries.exported(file, name, self._stored.roots[file.root])

    def _base_names(self, file: File, definition: Definition) -> list[str]:
        if definition.language == "go":
            return embedded_names(self._stored.source(file)[definition.start : definition.end])
        return base_names(replace(definition, signature=self.head(definition)))

    def has_all_bases(self, owner: Definition, depth: int = 0) -> bool:
        """Whether the workspace holds all that a class inherits from."""
        bases = self.bases(owner)
        named = self._base_names(self._stored.file(owner.root, owner.file), owner)
        known = len(bases)
        if known < len(named) and library_values.is_read(owner.language):
            known += sum(bool(library_values.owners(each)) for each in self._direct_outside(owner))
        return (
            known == len(named)
            and depth <= _DEEPEST
            and all(self.has_all_bases(each, depth + 1) for each in bases)
        )

    def member(self, owner: Definition, name: str, depth: int = 0) -> list[Definition]:
        """Members of a class under this name: its own, else of the nearest base that has one."""
        qualified = owner.qualified_name
        here = self._stored.file(owner.root, owner.file)
        found = here.named(qualified, name) or (
            here.named(owner.name, name) if qualified != owner.name else []
        )
        if not found and owner.language in ("go", "cpp", "rust", "csharp", "ruby"):
            # Methods need not stand in the file of their type.
            found = [
                each
                for each in self.every(name, owner.language)
                if each.container.rpartition(".")[2] == owner.name
                and (owner.language != "go" or each.path.parent == owner.path.parent)
            ]
        assigned = bool(found) and all(each.signature.startswith("this.") for each in found)
        if (found and not assigned) or depth > _DEEPEST:
            return found
        for base in self.bases(owner):
            if inherited := self.member(base, name, depth + 1):
                return inherited
        return found

    # --- plain names

    def _plain(self, file: File, dialect: Dialect, use: Use) -> list[Meaning]:
        around = file.around(use.start)
        if use.kind == "name" and around and self._is_local(file, around[-1], use):
            return []
        for scope in reversed(around):
            if scope.kind in FUNCTION_LIKE:
                if inner := file.named(scope.qualified_name, use.name):
                    return [Meaning(inner[-1], 1.0, "same file")]
                if is_parameter(scope, use.name):
                    return []
            elif scope.kind in CLASS_LIKE and dialect.implicit and use.kind != "type":
                members = self.member(scope, use.name)
                if members:
                    return overloads(members, 0.9, "same class")
        if dialect.implicit and around and not any(each.kind in CLASS_LIKE for each in around):
            owner = around[-1].container  # C++: a method defined outside its class
            for found in self.types(file, owner.rpartition(".")[2]) if owner else ():
                if members := self.member(found, use.name):
                    return overloads(members, 0.85, "same class")
        imported = self.imported(file, use.name)
        if imported is not None:
            return [Meaning(each, 0.95, "import") for each in imported]
        if own := [
            each for each in file.named("", use.name) if each.kind in FUNCTION_LIKE or each.kind in TYPES
        ]:
            return overloads(own, 1.0, "same file")
        if own := file.named("", use.name):
            return [Meaning(own[0], 1.0, "same file")]
        wanted = [each for each in self.every(use.name, file.language) if fits(each, use.kind)]
        if dialect.package:
            near = [each for each in wanted if same_package(each.path, file.path) and not each.container]
            if near:
                return overloads(near, 0.95, "same package")
        if file.language == "java" and use.kind in ("call", "type"):
            return []
        if not dialect.everywhere:
            return []
        wanted = [
            each
            for each in wanted
            if not each.container
            or each.kind in TYPES
            or (file.language == "csharp" and each.kind in TYPES)
            or (
                self._stored.file(each.root, each.file).named("", each.container.partition(".")[0])
                and all(
                    one.kind is SymbolKind.MODULE
                    for one in self._stored.file(each.root, each.file).named(
                        "", each.container.partition(".")[0]
                    )
                )
            )
        ]
        return nearest(file, wanted, 0.8, "name")

    def imported(self, file: File, name: str) -> list[Definition] | None:
        """What an import brings in under this name; [] when it is not of the workspace, None when no
        import does."""
        for made, _ in file.imported_as(name):
            if not made.name and made.alias == "" and file.language not in ("go",):
                continue
            return self._from(file, made.module, made.name, name)
        return None

    def _from(self, file: File, module: str, name: str, alias: str) -> list[Definition]:
        if file.language in SCRIPTS:
            return taken(self._stored, self._modules, file, module, name, alias)
        if file.language == "java":
            target = self._modules.java(file.root, f"{module}.{name}")
            if target is not None:
                return self._stored.file(*target).named("", name)[:1]
            target = self._modules.java(file.root, module)  # import static a.B.name
            if target is not None:
                return self._stored.file(*target).named(module.rpartition(".")[2], name)[:1]
            return []
        if file.language == "rust":
            found = [
                each for each in self.every(name or alias, "rust") if not each.container or each.kind in TYPES
            ]
            if module.partition("::")[0] in ("std", "core", "alloc"):
                return []
            last = module.rpartition("::")[2]
            near = [each for each in found if each.path.stem == last or each.path.parent.name == last]
            return (near or found)[:1] if near or len(found) == 1 else []
        return []

    def types(self, file: File, name: str, depth: int = 0) -> list[Definition]:
        """The class-like definitions that a type's name, written in `file`, may mean; best first."""
        if file.root < 0 and file.language != "go":
            return []
        written = name.replace("::", ".").strip(".")
        qualifier, _, last = written.rpartition(".")
        if not last:
            return []
        if qualifier and file.language in ("go", *SCRIPTS):
            return [each for each in self.package(file, qualifier, last) if each.kind in TYPES]
        if qualifier and file.language == "java" and (outer := self.types(file, qualifier, depth + 1)):
            inside = self.member(outer[0], last)
            if inner := [each for each in inside if each.kind in TYPES]:
                return inner
        own = [each for each in file.named("", last) if each.kind in TYPES]
        own = own or [each for each in file.definitions if each.name == last and each.kind in TYPES]
        if own:
            return own
        imported = self.imported(file, last)
        if imported is not None:
            return [each for each in imported if each.kind in TYPES]
        dialect = DIALECTS[file.language]
        found = [each for each in self.every(last, file.language) if each.kind in TYPES]
        near = [each for each in found if same_package(each.path, file.path)]
        if dialect.package and (near or file.language == "go"):
            return near
        if dialect.everywhere or any(each.name == "*" for each in file.imports):
            return near or (found if len(found) == 1 else [])
        return []

    # --- members

    def _member_of_value(self, file: File, use: Use) -> list[Meaning] | None:
        """As `told`, of a member of an expression: of what was called, indexed, or set from a value."""
        owners = self.values.owners(file, use.start)
        if not owners:
            return owners if owners is None else []
        for owner in owners:
            if members := self.member(owner, use.name):
                return overloads(members, 0.8, "type")
        return [] if all(self.has_all_bases(owner) for owner in owners) else None

    def package(self, file: File, qualifier: str, name: str) -> list[Definition]:
        """What `qualifier.name` means where `qualifier` is a package or a module that was imported."""
        if file.root < 0 and file.language != "go":
            return []
        if file.language == "go":
            for made in file.imports:
                alias = made.alias or re.sub(r"/v\d+$", "", made.module).rpartition("/")[2]
                if alias == qualifier:
                    found: list[Definition] = []
                    files = self._modules.go(file.root, made.module)
                    for root in {root for root, _ in files}:
                        self._stored.load(root, [id_ for other, id_ in files if other == root])
                    for place in files:
                        found += self._stored.file(*place).named("", name)
                    return found  # several where a build picks one of some files
            return []
        if file.language in SCRIPTS:
            inside = namespace(self._stored, self._modules, file, qualifier)
            return exported(self._stored, self._modules, inside, name, name) if inside is not None else []
        if file.language in ("rust", "cpp", "ruby", "csharp"):
            return [
                each
                for each in self.every(name, file.language)
                if each.container.rpartition(".")[2] == qualifier
                or (not each.container and each.path.stem == qualifier)
            ][:1]
        return []

    def is_imported_from_outside(self, file: File, name: str) -> bool:
        """Whether an import brings `name` in from outside the workspace."""
        if file.language in SCRIPTS:
            return any(
                self._modules.script(file.root, file.relative, made.module) is None
                for made, _ in file.imported_as(name)
            )
        return any(True for _ in file.imported_as(name)) or any(
            re.sub(r"/v\d+$", "", made.module).rpartition("/")[2] == name
            for made in file.imports
            if file.language == "go"
        )

    def _by_name(self, file: File, use: Use) -> list[Meaning]:
        found = [
            each for each in self.every(use.name, file.language) if each.container and fits(each, use.kind)
        ]
        if len({each.container for each in found}) != 1 or len(found) > 5 or len(use.name) < 5:
            return []
        return [Meaning(each, 0.45, "name") for each in found]

    def every(self, name: str, language: str) -> list[Definition]:
        """All definitions of a name in a language and its kin."""
        key = (name, family(language))
        known = self._global.get(key)
        if known is None:
            known = self._global[key] = [
                each
                for each in self._stored.named(name, limit=200)
                if family(each.language) == family(language)
            ]
        return known

    def _is_local(self, file: File, scope: Definition, use: Use) -> bool:
        """Whether a plain name is a local variable: one that its function declares."""
        source = self._stored.source(file)
        return is_parameter(scope, use.name) or declares(source[scope.start : use.end], use.name)

    def _behind_operator(self, file: File, start: int) -> bool:
        source = self._stored.source(file)
        before = source[max(0, start - 200) : start].rstrip()
        return before.endswith((".", "->", "::"))
