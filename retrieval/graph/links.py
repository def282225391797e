"""Links of the code graph: who uses a definition and what it uses, told use by use when asked.

Nothing of it is stored: an index that changes never has a stale link, and indexing costs nothing. What
was told is kept until a store changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import family
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph import script_libraries
from devflow.retrieval.graph.base import SURE, Definition, Link, Meaning, Use
from devflow.retrieval.graph.declared import DeclaredMeanings
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.python import PythonMeanings
from devflow.retrieval.graph.stored import Stored

_TYPES = CLASS_LIKE | {SymbolKind.TYPE}
_VIRTUAL = 0.6
"""How likely a call of a method runs a given override of it."""
_MOST_MEANINGS = 100_000
_MOST_TOLD = 150_000
_TOGETHER = 500
"""Files that are read with one statement."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A use with what it means and where it stands."""

    use: Use
    meaning: Meaning
    source: Definition
    imported: bool

    def link(self, target: Definition, factor: float = 1.0, why: str = "") -> Link:
        """The use as a link to `target`."""
        made = _link(self.source, target, self.use, self.meaning.confidence * factor, why or self.meaning.why)
        return replace(made, kind="import") if self.imported else made


class QuestionStoppedError(Exception):
    """Nobody waits for the answer any more."""


def _never() -> bool:
    return False


class Graph:
    """The links of the stores' definitions. For one thread, between `begin` and `end`."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.stopped: Callable[[], bool] = _never
        """Whether nobody waits for the answer any more."""
        self.modules: Modules
        self.python: PythonMeanings
        self.declared: DeclaredMeanings
        self._meanings: dict[tuple[int, int, int, str], list[Meaning]] = {}
        self._subclasses: dict[Definition, list[Definition]] = {}
        self._installed = 0
        self._told_count = 0
        self._by_name: dict[tuple[str, str], dict[_Key, list[_Told]]] = {}

    def begin(self) -> None:
        """Start a question: all answers until `end` are of one generation of each store."""
        installed = script_libraries.renewed(self.stored.roots, self._installed)
        if self.stored.begin() or installed != self._installed:
            self._installed = installed
            self.modules = Modules(self.stored)
            self.python = PythonMeanings(self.stored, self.modules)
            self.declared = DeclaredMeanings(self.stored, self.modules)
            self._meanings.clear()
            self._subclasses.clear()
            self._by_name.clear()

    def end(self) -> None:
        """End the question."""
        self.stored.end()

    def meanings(self, use: Use) -> list[Meaning]:
        """What a use stands for, best first."""
        key = (use.root, use.file, use.start, use.kind)
        known = self._meanings.get(key)
        if known is None:
            if self.stopped():
                raise QuestionStoppedError
            if len(self._meanings) > _MOST_MEANINGS:
                self._meanings.clear()
            python = self.stored.language(use.root, use.file) == "python"
            known = self.python.meanings(use) if python else self.declared.meanings(use)
            self._meanings[key] = known
        return known

    def incoming(
        self, definition: Definition, least: float = SURE, kinds: Iterable[str] | None = None
    ) -> list[Link]:
        """The uses of a definition, by place; calls of what it overrides are among them, less sure."""
        wanted = set(kinds) if kinds is not None else None
        found: list[Link] = []
        targets: dict[_Key, tuple[float, str]] = {_key(definition): (1.0, "")}
        for each in self.overridden(definition):
            targets.setdefault(_key(each), (_VIRTUAL, "override"))
        owner = self.owner(definition) if definition.kind is SymbolKind.CONSTRUCTOR else None
        for name in self._names_of(definition):
            told = self._told(name, definition.language)
            for key, (factor, instead) in targets.items():
                found += [
                    each.link(definition, factor, instead)
                    for each in told.get(key, ())
                    if not (definition.kind in CLASS_LIKE and _within(each.use, definition))
                ]
            if owner is not None:
                found += [
                    each.link(definition) for each in told.get(_key(owner), ()) if each.use.kind == "call"
                ]
        return sorted(
            (link for link in found if link.confidence >= least and (wanted is None or link.kind in wanted)),
            key=lambda link: (link.source.path, link.start),
        )

    def outgoing(self, definition: Definition, least: float = SURE) -> list[Link]:
        """What a definition uses, in the order of its text."""
        found: list[Link] = []
        file = self.stored.file(definition.root, definition.file)
        for use in self.stored.uses_in(definition):
            if definition.start < 0 and file.around(use.start):
                continue
            for meaning in self.meanings(use)[:4]:
                if meaning.confidence >= least and not self._inside(meaning.definition, definition):
                    found.append(_link(definition, meaning.definition, use, meaning.confidence, meaning.why))
        return found

    def bases(self, definition: Definition) -> list[Definition]:
        """The classes of the workspace that a class names as its bases."""
        if definition.language == "python":
            return [
                base.definition
                for base in self.python.bases(definition)
                if base.what == "class" and base.definition is not None
            ]
        return self.declared.bases(definition)

    def subclasses(self, definition: Definition) -> list[Definition]:
        """The classes that name this one as a base; for a Go interface, types with all of its methods."""
        known = self._subclasses.get(definition)
        if known is not None:
            return known
        found: dict[Definition, None] = {}
        for name in self._names_of(definition):
            for use in self.stored.uses(name):
                file = self.stored.file(use.root, use.file)
                head = self._class_headed(use)
                if head is not None and head != definition and definition in self.bases(head):
                    found.setdefault(head)
                elif file.language == "rust" and definition.language == "rust":
                    for each in self._implementing(use, definition):
                        found.setdefault(each)
        if definition.language == "go":
            for field in self.stored.named(definition.name, "go"):  # what a struct embeds is a field of its
                embedding = self.owner(field) if field.kind is SymbolKind.FIELD else None
                if embedding is not None and embedding != definition and definition in self.bases(embedding):
                    found.setdefault(embedding)
            if definition.kind is SymbolKind.INTERFACE:
                for each in self._with_all_methods(definition):
                    found.setdefault(each)
        self._subclasses[definition] = list(found)
        return self._subclasses[definition]

    def overridden(self, definition: Definition) -> list[Definition]:
        """The members of bases that a member overrides, nearest first."""
        owner = self.owner(definition)
        found: dict[Definition, None] = {}
        pending = [(base, 0) for base in self.bases(owner)] if owner is not None else []
        while pending:
            base, depth = pending.pop(0)
            file = self.stored.file(base.root, base.file)
            for each in file.named(base.qualified_name, definition.name)[-1:]:
                found.setdefault(each)
            if depth < 8 and len(found) < 20:
                pending += [(each, depth + 1) for each in self.bases(base)]
        if owner is not None and definition.language in ("go", "rust"):
            # Interfaces that are fulfilled by shape, traits that are implemented elsewhere.
            for each in self.stored.named(definition.name, definition.language):
                shape = self.owner(each)
                if (
                    shape is not None
                    and shape.kind is SymbolKind.INTERFACE
                    and owner in self.subclasses(shape)
                ):
                    found.setdefault(each)
        return list(found)

    def overriding(self, definition: Definition) -> list[Definition]:
        """The members of subclasses that override a member."""
        owner = self.owner(definition)
        if owner is None:
            return []
        return [each for sub in self.all_subclasses(owner) for each in self._own(sub, definition.name)]

    def all_subclasses(self, definition: Definition, most: int = 2_000) -> list[Definition]:
        """Subclasses of subclasses too, nearest first."""
        found: dict[Definition, None] = {}
        pending = [definition]
        while pending and len(found) < most:
            for each in self.subclasses(pending.pop(0)):
                if each not in found and each != definition:
                    found[each] = None
                    pending.append(each)
        return list(found)

    def implementers(self, definition: Definition) -> list[Definition]:
        """What implements an interface or extends a class; of a method, its overrides."""
        if definition.kind in _TYPES:
            return self.all_subclasses(definition)
        return self.overriding(definition)

    def owner(self, definition: Definition) -> Definition | None:
        """The class that a member belongs to."""
        if not definition.container or definition.kind in CLASS_LIKE:
            return None
        file = self.stored.file(definition.root, definition.file)
        container, _, name = definition.container.rpartition(".")
        for each in file.named(container, name):
            if each.kind in _TYPES:
                return each
        if definition.language == "python":
            return None
        found = [
            each
            for each in self.stored.named(name, definition.language)
            if each.kind in _TYPES and each.path.parent == definition.path.parent
        ]
        return found[0] if found else None

    def _own(self, owner: Definition, name: str) -> Sequence[Definition]:
        file = self.stored.file(owner.root, owner.file)
        found = file.named(owner.qualified_name, name)
        if found or owner.language == "python":
            return found[-1:]
        return [
            each
            for each in self.stored.named(name, owner.language)
            if each.owner == owner.name and each.path.parent == owner.path.parent
        ]

    def _names_of(self, definition: Definition) -> list[str]:
        """The names under which a definition is used: its own, those that imports give it, and for a
        constructor its class's."""
        name = definition.name
        names = [name]
        if definition.kind is SymbolKind.CONSTRUCTOR:
            names = [definition.owner, name]
        for root in range(len(self.stored.roots)):
            rows = self.stored.rows(
                root,
                "SELECT DISTINCT i.alias FROM uses u JOIN imports i ON i.file = u.file "
                "WHERE u.name = ? AND i.name = ? AND i.alias <> ? AND i.alias <> ''",
                (names[0], names[0], names[0]),
            )
            names += [str(row[0]) for row in rows]
        return list(dict.fromkeys(names))

    def _told(self, name: str, language: str) -> dict[_Key, list[_Told]]:
        """All uses of a name in languages that can use each other's, by what they mean."""
        key = name, family(language)
        known = self._by_name.get(key)
        if known is None:
            if self._told_count > _MOST_TOLD:
                self._by_name.clear()
                self._told_count = 0
            known = {}
            by_file: dict[tuple[int, int], list[Use]] = {}
            for use in self.stored.uses(name):
                if family(self.stored.language(use.root, use.file)) == key[1]:
                    by_file.setdefault((use.root, use.file), []).append(use)
            keys = list(by_file)
            for at, (root, id_) in enumerate(keys):
                if at % _TOGETHER == 0:
                    for each in {root for root, _ in keys[at : at + _TOGETHER]}:
                        some = (one for other, one in keys[at : at + _TOGETHER] if other == each)
                        self.stored.load(each, some)
                file = self.stored.file(root, id_)
                for use in by_file[root, id_]:
                    for meaning in self.meanings(use):
                        imported = any(each.start <= use.start < each.end for each in file.imports)
                        told = _Told(use, meaning, file.holder(use.start), imported)
                        known.setdefault(_key(meaning.definition), []).append(told)
                        self._told_count += 1
            self._by_name[key] = known
        return known

    def _class_headed(self, use: Use) -> Definition | None:
        """The class in whose head, behind its name, a use stands."""
        file = self.stored.file(use.root, use.file)
        around = file.around(use.start)
        last = around[-1] if around else None
        if last is None or last.kind not in CLASS_LIKE or use.start <= last.name_start:
            return None
        # Go embeds in the body.
        return last if use.name in last.signature or last.language == "go" else None

    def _implementing(self, use: Use, trait: Definition) -> list[Definition]:
        """The Rust type of `impl Trait for Type`, for a use of `Trait`."""
        file = self.stored.file(use.root, use.file)
        source = self.stored.source(file)
        before = source[max(0, use.start - 200) : use.start]
        after = re.match(r"(?:<[^{]*?>)?\s+for\s+&?(?:mut\s+)?([\w:]+)", source[use.end : use.end + 200])
        if after is None or not re.search(r"\bimpl\b[^{};]*$", before) or trait.name != use.name:
            return []
        name = after[1].rpartition("::")[2]
        return [each for each in self.stored.named(name, "rust") if each.kind in _TYPES][:1]

    def _with_all_methods(self, interface: Definition) -> list[Definition]:
        """The Go types with the methods of an interface and of those it embeds."""
        wanted = [interface]
        for each in wanted:
            wanted += [base for base in self.bases(each) if base not in wanted]
        names = list(
            dict.fromkeys(
                name
                for each in wanted
                for name, found in self.stored.file(each.root, each.file)
                .members.get(each.qualified_name, {})
                .items()
                if found[0].kind in FUNCTION_LIKE
            )
        )
        if not names:
            return []
        result: list[Definition] = []
        for root in range(len(self.stored.roots)):
            marks = ", ".join("?" * len(names))
            rows = self.stored.rows(
                root,
                "SELECT s.owner FROM symbols s JOIN files f ON f.id = s.file WHERE f.language = 'go' AND "
                f"s.lower IN ({marks}) AND s.name IN ({marks}) AND s.owner <> '' GROUP BY s.owner "
                "HAVING count(DISTINCT s.name) = ? LIMIT 200",
                (*(name.lower() for name in names), *names, len(names)),
            )
            for (owner,) in rows:
                result += [
                    each
                    for each in self.stored.named(str(owner), "go")
                    if each.kind in _TYPES and each.kind is not SymbolKind.INTERFACE and each.root == root
                ]
        return result

    @staticmethod
    def _inside(one: Definition, other: Definition) -> bool:
        """Whether `one` is a part of `other`, or it itself by recursion."""
        return (
            one != other
            and one.root == other.root
            and one.file == other.file
            and other.start <= one.start < other.end
            and one.kind not in FUNCTION_LIKE
        )


_Key = tuple[int, int, str, str]


def _key(definition: Definition) -> _Key:
    """Equal for two ways to define one thing (in `if` and `else`, overloads)."""
    return definition.root, definition.file, definition.container, definition.name


def _within(use: Use, definition: Definition) -> bool:
    """Whether a class speaks of itself."""
    return (
        use.root == definition.root
        and use.file == definition.file
        and definition.start <= use.start
        and use.end <= definition.end
    )


def _link(source: Definition, target: Definition, use: Use, confidence: float, why: str) -> Link:
    kind = {"call": "call", "type": "type"}.get(use.kind, "use")
    if kind == "use" and target.language == "ruby" and target.kind in FUNCTION_LIKE:
        kind = "call"  # Ruby calls without brackets
    return Link(source, target, kind, use.line, use.start, use.end, confidence, why)
