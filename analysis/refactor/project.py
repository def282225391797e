"""A Python workspace as refactorings see it: files read when they are needed, modules, classes.

What is told here is certain by syntax and scopes; what would need inference of types is left to a type
engine. Nothing is kept between refactorings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import tree_sitter

from devflow.analysis.facts import Location
from devflow.analysis.named_strings import made_class
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE, ImportedName, Occurrence, PythonNames
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

_SOURCE_FOLDERS = ("", "src", "lib", "source", "python")
_DEEPEST = 12


class Sources(Protocol):
    """Where a project's files come from. Called from one thread, each call may take long."""

    roots: Sequence[Path]

    def read(self, path: Path) -> Text | None:
        """The present text of a file; None when there is none."""
        ...

    def exists(self, path: Path) -> bool:
        """Whether `path` is a file."""
        ...

    def files_with(self, name: str) -> Sequence[Path]:
        """The Python files of the workspace in which `name` is used or made, or rather more of them."""
        ...

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        """Where a type engine says the name at `at` is made; None: there is none, or it is late."""
        ...

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        """What a type engine says are the uses of the name at `at`; None as above."""
        ...

    def members(self, path: Path, expression: str) -> Sequence[str] | None:
        """The attributes a type engine knows of an expression at the end of the file; None as above."""
        ...


class PythonProject:
    """The files of a workspace, parsed and resolved when they are asked for."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._files: dict[Path, PythonNames | None] = {}

    def put(self, path: Path, tree: SyntaxTree, names: PythonNames | None = None) -> None:
        """Take a tree that is already there, with its names where they are."""
        self._files[path] = names or python_names(tree)

    def names(self, path: Path) -> PythonNames | None:
        """The names of a file; None when it cannot be read."""
        if path not in self._files:
            text = self.sources.read(path)
            tree = parse(text, "python") if text is not None else None
            self._files[path] = python_names(tree) if tree is not None else None
        return self._files[path]

    def is_inside(self, path: Path) -> bool:
        """In the workspace, and not in an environment installed inside it."""
        if {"site-packages", "typeshed", "node_modules"} & set(path.parts):
            return False
        return any(path.is_relative_to(root) for root in self.sources.roots)

    # -- modules -----------------------------------------------------------------------------------

    def file_of(self, module: str, level: int, importer: Path) -> Path | None:
        """The file that an import of `importer` names; None when it is not in the workspace."""
        parts = [part for part in module.split(".") if part]
        for folder in self._folders(level, importer):
            found = self._module_file(folder, parts)
            if found is not None:
                return found
        return None

    def _folders(self, level: int, importer: Path) -> Iterator[Path]:
        if level:
            if level <= len(importer.parents):
                yield importer.parents[level - 1]
            return
        top = importer.parent
        while self.sources.exists(top / "__init__.py") and top.parent != top:
            top = top.parent
        yield top
        for root in self.sources.roots:
            for folder in _SOURCE_FOLDERS:
                yield root / folder if folder else root
            if self.sources.exists(root / "__init__.py"):
                yield root.parent

    def _module_file(self, folder: Path, parts: Sequence[str]) -> Path | None:
        base = folder.joinpath(*parts)
        package = base / "__init__.py"
        if self.sources.exists(package):
            return package
        if parts and self.sources.exists(base.with_name(base.name + ".py")):
            return base.with_name(base.name + ".py")
        return None

    def submodule(self, package: Path, name: str) -> Path | None:
        """The module `name` inside a package's `__init__.py`."""
        if package.name != "__init__.py" or not name.isidentifier():
            return None
        return self._module_file(package.parent, [name])

    def imported_from(self, each: ImportedName, path: Path) -> Path | None:
        """The file of the module that `from … import` names."""
        return self.file_of(each.module, each.level, path)

    def imports_of(self, name: str, home: int, path: Path) -> list[ImportedName]:
        """The imports that bind `name` in the scope `home` of a file."""
        names = self.names(path)
        if names is None:
            return []
        return [
            each
            for each in names.imports
            if each.bound == name and each.name != "*" and names.lookup(name, each.scope) == home
        ]

    def module_named(self, path: Path, scope: int, node: tree_sitter.Node, depth: int = 0) -> Path | None:
        """The file of the module that an expression (`a`, `a.b`) stands for; None for anything else."""
        names = self.names(path)
        if names is None or depth > _DEEPEST:
            return None
        if node.type == "identifier":
            name = names.tree.slice(node)
            home = names.lookup(name, scope)
            for each in self.imports_of(name, home, path):
                if not each.name:
                    module = each.module if each.has_alias else each.module.partition(".")[0]
                    if (found := self.file_of(module, 0, path)) is not None:
                        return found
                    continue
                source = self.imported_from(each, path)
                if source is None:  # a folder without `__init__.py` is a package too
                    found = self.file_of(f"{each.module}.{each.name}", each.level, path)
                else:
                    found = self._member_module(source, each.name, depth)
                if found is not None:
                    return found
            return None
        if node.type == "attribute":
            owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
            if owner is None or attribute is None:
                return None
            package = self.module_named(path, scope, owner, depth + 1)
            if package is not None:
                return self._member_module(package, names.tree.slice(attribute), depth)
            written = names.tree.slice(node)
            first = written.partition(".")[0]
            for each in self.imports_of(first, names.lookup(first, scope), path):
                if not each.name and not each.has_alias and f"{each.module}.".startswith(f"{written}."):
                    return self.file_of(written, 0, path)  # `import a.b.c`, with `a` a folder alone
        return None

    def _member_module(self, source: Path, name: str, depth: int) -> Path | None:
        """The module that `name` of the module `source` is: a submodule, or one it imports."""
        names = self.names(source)
        if names is None:
            return None
        if names.is_bound(name, MODULE):
            for each in self.imports_of(name, MODULE, source):
                if not each.name:
                    return self.file_of(each.module if each.has_alias else name, 0, source)
                below = self.imported_from(each, source)
                if below is None or depth > _DEEPEST:
                    return None
                if (below, each.name) == (source, name):
                    return self.submodule(source, name)
                return self._member_module(below, each.name, depth + 1)
            return None
        return self.submodule(source, name)

    # -- definitions -------------------------------------------------------------------------------

    def definition(self, path: Path, name: str, home: int = MODULE, depth: int = 0) -> tuple[Path, int, str]:
        """The variable that `name` of the scope `home` really is, imports followed as far as they stay in
        the workspace: file, scope and name."""
        names = self.names(path)
        if names is None or depth > _DEEPEST:
            return path, home, name
        if not names.is_bound(name, home) and home == MODULE:
            for each in names.imports:
                if each.name != "*":
                    continue
                source = self.imported_from(each, path)
                if source is None or source == path:
                    continue
                made = self.definition(source, name, MODULE, depth + 1)
                known = self.names(made[0])
                if known is not None and known.is_bound(made[2], made[1]):
                    return made
            return path, home, name
        for each in self.imports_of(name, home, path):
            if not each.name:
                continue
            source = self.imported_from(each, path)
            if source is None or (source, each.name, MODULE) == (path, name, home):
                continue
            known = self.names(source)
            if known is not None and (known.is_bound(each.name, MODULE) or known.has_star()):
                return self.definition(source, each.name, MODULE, depth + 1)
        return path, home, name

    def definition_node(self, path: Path, home: int, name: str) -> tree_sitter.Node | None:
        """The only `def` or `class` statement, or call that makes a class, that binds the variable; None when
        it is bound otherwise."""
        names = self.names(path)
        if names is None:
            return None
        binds = [each for each in names.of(name, home) if each.role == "bind"]
        nodes = [parent_of(names, each) for each in binds]
        made = [
            node
            for node in nodes
            if node is not None and node.type in ("function_definition", "class_definition")
        ]
        if len(binds) == 1 and nodes[0] is not None and nodes[0].type == "assignment":
            value = nodes[0].child_by_field_name("right")
            if value is not None and made_class(names.tree, value) is not None:
                return value
        return made[-1] if made and len(made) == len(binds) else None

    def denoted(self, path: Path, scope: int, node: tree_sitter.Node) -> tuple[Path, int, str] | None:
        """The variable that an expression (`name`, `module.name`) stands for."""
        names = self.names(path)
        if names is None:
            return None
        if node.type == "identifier":
            name = names.tree.slice(node)
            return self.definition(path, name, names.lookup(name, scope))
        if node.type == "attribute":
            owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
            if owner is not None and attribute is not None:
                module = self.module_named(path, scope, owner)
                if module is not None:
                    return self.definition(module, names.tree.slice(attribute))
        return None


def node_of(names: PythonNames, each: Occurrence) -> tree_sitter.Node:
    """The syntax node of an occurrence."""
    return names.tree.smallest(each.start, each.end)


def parent_of(names: PythonNames, each: Occurrence) -> tree_sitter.Node | None:
    """The node around the occurrence's own."""
    return node_of(names, each).parent
