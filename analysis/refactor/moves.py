"""Moved or renamed Python modules: the imports that follow them, and those inside them.

All edits are for the files where they are before the move, as `workspace/willRenameFiles` wants them.
Imports keep their style: relative ones stay relative as long as both ends are in one package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.python_scopes import ImportedName, PythonNames
from devflow.analysis.refactor.project import PythonProject, node_of
from devflow.analysis.text import Edit


def moved_imports(
    project: PythonProject, moves: Mapping[Path, Path], importers: Iterable[Path]
) -> dict[Path, list[Edit]]:
    """The edits, by file, after which the imports of `importers` and of the moved files themselves name the
    same modules as before. `moves` are single files, old path → new path."""
    edits: dict[Path, list[Edit]] = {}
    # What has no name that can be imported keeps the old one in the text: the import that fails says so.
    moves = {old: new for old, new in moves.items() if _parts(new).name.isidentifier()}
    for path in sorted({*importers, *moves}):
        names = project.names(path)
        if names is None:
            continue
        found = _File(project, moves, path, names).edits()
        if found:
            edits[path] = found
    return edits


@dataclass(frozen=True, slots=True)
class _Told:
    """A module as an import statement spells it."""

    module: str
    level: int

    @property
    def text(self) -> str:
        return "." * self.level + self.module


class _File:
    """The imports of one file."""

    def __init__(
        self, project: PythonProject, moves: Mapping[Path, Path], path: Path, names: PythonNames
    ) -> None:
        self.project, self.moves, self.path, self.names = project, moves, path, names
        self.new_path = moves.get(path, path)
        self.changes: dict[tuple[int, int], str] = {}

    def edits(self) -> list[Edit]:
        by_statement: dict[int, list[ImportedName]] = {}
        for each in self.names.imports:
            by_statement.setdefault(each.statement.start_byte, []).append(each)
        for brought in by_statement.values():
            if brought[0].name:
                self._from_import(brought)
            else:
                for each in brought:
                    self._plain_import(each)
        edits: list[Edit] = []
        for (start, end), new in sorted(self.changes.items(), key=lambda item: (item[0][0], -item[0][1])):
            if not edits or start >= edits[-1].end:  # `import p` and `import p.b`: the longer name counts
                edits.append(Edit(start, end, new))
        return edits

    # -- `import a.b` --------------------------------------------------------------------------------

    def _plain_import(self, each: ImportedName) -> None:
        target = self.project.file_of(each.module, 0, self.path)
        told = self._told(target, each.module, 0)
        if told is None or told.module == each.module:
            return
        self.changes[each.start, each.end] = told.module
        if each.has_alias:
            return
        top = told.module.partition(".")[0]
        if "." not in each.module and any(use.name == top for use in self.names.occurrences):
            self.changes[each.start, each.end] = f"{told.module} as {each.module}"
            return
        home = self.names.lookup(each.bound, each.scope)
        wanted = each.module.split(".")
        for use in self.names.of(each.bound, home):
            if use.role != "read":
                continue
            node: tree_sitter.Node | None = node_of(self.names, use)
            parts = [use.name]
            while (
                len(parts) < len(wanted)
                and node is not None
                and node.parent is not None
                and node.parent.type == "attribute"
                and (name := node.parent.child_by_field_name("attribute")) is not None
            ):
                node = node.parent
                parts.append(self.names.tree.slice(name))
            if node is not None and parts == wanted:
                span = self.names.tree.span(node)
                self.changes[span.start, span.end] = told.module

    # -- `from a import b` ---------------------------------------------------------------------------

    def _from_import(self, brought: Sequence[ImportedName]) -> None:
        first = brought[0]
        target = self.project.file_of(first.module, first.level, self.path)
        apart: list[tuple[ImportedName, _Told, str]] = []
        for each in brought:
            below = self._submodule(target, each)
            if below is None or below not in self.moves:
                continue
            new = self.moves[below]
            package, name = _package_and_name(new)
            holder = self._told_folder(package, below, each)
            if holder is not None:
                apart.append((each, holder, name))
        told = self._told(target, first.module, first.level)
        here = told or _Told(first.module, first.level)
        leaving = [(each, holder, name) for each, holder, name in apart if holder != here]
        for each, holder, name in apart:
            if holder == here and name != each.name:
                self._rename_module(each, name)
        module = first.statement.child_by_field_name("module_name")
        if module is None:
            return
        span = self.names.tree.span(module)
        if leaving and len(leaving) == len(brought):
            holder = leaving[0][1]
            if holder.text and all(other == holder for _, other, _ in leaving):
                self.changes[span.start, span.end] = holder.text
                for each, _, name in leaving:
                    if name != each.name:
                        self._rename_module(each, name)
                return
        if leaving:
            self._take_apart(brought, here, leaving)
        elif here != _Told(first.module, first.level):
            self.changes[span.start, span.end] = here.text

    def _submodule(self, target: Path | None, each: ImportedName) -> Path | None:
        """The file of the module that an imported name is."""
        if target is not None:
            known = self.project.names(target)
            below = self.project.submodule(target, each.name)
            if below is None or (
                known is not None and known.is_bound(each.name, 0) and not _brings(known, each.name)
            ):
                return None
            return below
        dotted = f"{each.module}.{each.name}" if each.module else each.name
        return self.project.file_of(dotted, each.level, self.path)

    def _rename_module(self, each: ImportedName, name: str) -> None:
        """Give a module imported by name its new one, in the statement and where it is used."""
        if each.has_alias:
            self.changes[each.start, each.end] = name
            return
        home = self.names.lookup(each.bound, each.scope)
        taken = any(use.name == name for use in self.names.occurrences)
        uses = self.names.of(each.bound, home)
        if taken or any(use.role == "bind" and use.start != each.start for use in uses):
            self.changes[each.start, each.end] = f"{name} as {each.name}"
            return
        for use in uses:
            self.changes[use.start, use.end] = name
        for text, start, end in self.names.exported:
            if text == each.bound and home == 0:
                self.changes[start, end] = name

    def _take_apart(
        self,
        brought: Sequence[ImportedName],
        here: _Told,
        leaving: Sequence[tuple[ImportedName, _Told, str]],
    ) -> None:
        """Write the statement again without the names that leave it, and one statement for each of these."""
        gone = {each.start: (holder, name) for each, holder, name in leaving}
        statement = self.names.tree.span(brought[0].statement)
        text = self.names.tree.text
        indent = text.source[text.line_start(text.line_at(statement.start)) : statement.start]
        stays = [
            f"{each.name} as {each.bound}" if each.has_alias else each.name
            for each in brought
            if each.start not in gone
        ]
        lines = [f"from {here.text} import {', '.join(stays)}"] if stays else []
        for each in brought:
            if each.start in gone:
                holder, name = gone[each.start]
                alias = f" as {each.bound}" if name != each.bound else ""
                source = f"from {holder.text} " if holder.text else ""
                lines.append(f"{source}import {name}{alias}")
        ending = text.line_ending
        joined = "; ".join(lines) if indent.strip() else (ending + indent).join(lines)
        self.changes[statement.start, statement.end] = joined

    # -- spelling ------------------------------------------------------------------------------------

    def _told(self, target: Path | None, module: str, level: int) -> _Told | None:
        """How the file says the module after the move; None when nothing changes or it is not known."""
        if target is None or (target not in self.moves and (not level or self.new_path == self.path)):
            return None
        new = self.moves.get(target, target)
        parts = _parts(new)
        return self._spelled(parts, target, module, level)

    def _told_folder(self, package: Path, below: Path, each: ImportedName) -> _Told | None:
        """The same for the package that a moved submodule is imported from."""
        dotted = f"{each.module}.{each.name}" if each.module else each.name
        return self._spelled(package, below, dotted, each.level, folder=True)

    def _spelled(
        self, parts: Path, target: Path, module: str, level: int, *, folder: bool = False
    ) -> _Told | None:
        if level:
            up = self.new_path.parent
            for dots in range(1, len(self.new_path.parents)):
                if not self._is_package(up):
                    break
                if parts.is_relative_to(up):
                    return _Told(".".join(parts.relative_to(up).parts), dots)
                up = up.parent
        base = self._base(target, module) if not level else self._import_root()
        if base is None or not parts.is_relative_to(base):
            base = parts if folder else parts.parent
            if folder and not self._is_package(base):
                base = parts.parent if self._is_package(parts.parent) else base
            while self._is_package(base):
                base = base.parent
        names = parts.relative_to(base).parts
        if folder and not names:
            return _Told("", 0)  # beside the packages: the module is imported by itself
        if not names or not all(name.isidentifier() for name in names):
            return None
        return _Told(".".join(names), 0)

    def _import_root(self) -> Path:
        """The folder above the outermost package of the file: what it imports by absolute names is there."""
        folder = self.new_path.parent
        while self._is_package(folder) and folder != folder.parent:
            folder = folder.parent
        return folder

    def _base(self, target: Path, module: str) -> Path | None:
        """The folder that an absolute import of `target` was looked up in."""
        count = len([part for part in module.split(".") if part])
        old = _parts(target)
        return old.parents[count - 1] if 0 < count <= len(old.parents) else None

    def _is_package(self, folder: Path) -> bool:
        init = folder / "__init__.py"
        return init in self.moves.values() or (self.project.sources.exists(init) and init not in self.moves)


def _parts(path: Path) -> Path:
    """A module's path without its ending: what its dotted name is made of."""
    return path.parent if path.name == "__init__.py" else path.with_suffix("")


def _package_and_name(path: Path) -> tuple[Path, str]:
    parts = _parts(path)
    return parts.parent, parts.name


def _brings(names: PythonNames, name: str) -> bool:
    """Whether a package's `__init__` binds the name only by importing its own submodule of that name."""
    return any(
        each.bound == name and each.name == name and each.level == 1 and not each.module
        for each in names.imports
    )
