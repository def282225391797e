"""Python imports: a file's module name, and the edit that imports a name from it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Import
from devflow.analysis.text import Edit, Text

_ROOT_FOLDERS = frozenset({"src", "lib", "source", "python"})
_STATEMENT = re.compile(r"(?:import|from)\s")


def module_name(path: Path, roots: Sequence[Path]) -> str:
    """The dotted name `path` is imported by, as seen from its workspace root; "" when it has none
    (outside the roots, or a part that is no identifier)."""
    root = next(
        (each for each in sorted(roots, key=lambda r: -len(r.parts)) if path.is_relative_to(each)), None
    )
    if root is None or path.suffix != ".py":
        return ""
    parts = list(path.relative_to(root).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in _ROOT_FOLDERS and not (root / parts[0] / "__init__.py").exists():
        parts = parts[1:]
    elif len(parts) == 1 and (root / "__init__.py").exists():
        parts = [root.name, *parts]  # the root itself is a package
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def module_of(receiver: str, imported: Iterable[Import]) -> str:
    """The module that `receiver` may be by the imports of its file (Python), dots first where one is
    relative; "" when none of them binds it."""
    first, _, rest = receiver.partition(".")
    for each in imported if receiver else ():
        if each.name:
            if each.alias == receiver:
                return f"{each.module}{'' if each.module.endswith('.') else '.'}{each.name}"
        elif each.alias:
            if each.alias == first:
                return f"{each.module}.{rest}" if rest else each.module
        elif each.module.partition(".")[0] == first:
            return receiver
    return ""


def files_of_module(doc: Document, module: str, roots: Sequence[Path]) -> list[Path]:
    """The files that `module` (dots first: as seen from `doc`) may be. Looks at the disk: not for the event
    loop."""
    folders, parts = _folders_of(doc, module, roots)
    bases = [folder.joinpath(*parts) for folder in folders]
    files = [file for base in bases for file in (base / "__init__.py", base.with_suffix(".py"))]
    return [file for file in files if (parts or file.name == "__init__.py") and file.is_file()]


def _folders_of(doc: Document, module: str, roots: Sequence[Path]) -> tuple[list[Path], list[str]]:
    dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.split(".") if part]
    if dots and doc.path is not None:
        return [doc.path.parents[min(dots, len(doc.path.parents)) - 1]], parts
    return source_folders(roots), parts


def source_folders(roots: Sequence[Path]) -> list[Path]:
    """The folders that modules of the workspace may lie in."""
    folders: list[Path] = []
    for root in roots:
        folders += [root, *(root / name for name in _ROOT_FOLDERS)]
        if (root / "__init__.py").exists():
            folders.append(root.parent)  # the root itself is a package
    return folders


def workspace_packages(roots: Sequence[Path]) -> frozenset[str]:
    """First parts of the names that modules of the workspace are imported by."""
    found: set[str] = set()
    for root in roots:
        if (root / "__init__.py").exists():
            found.add(root.name)
        for folder in (root, *(root / name for name in _ROOT_FOLDERS)):
            try:
                found.update(each.name.removesuffix(".py") for each in folder.iterdir())
            except OSError:
                continue
    return frozenset(name for name in found if name.isidentifier())


def modules_under(doc: Document, module: str, roots: Sequence[Path]) -> list[str]:
    """Names of the modules and packages directly under `module` (dots first: as seen from `doc`) in the
    workspace; "" is the top."""
    folders, parts = _folders_of(doc, module, roots)
    found: set[str] = set()
    for folder in folders:
        if not parts and not module and not any(folder.is_relative_to(root) for root in roots):
            continue  # beside the workspace
        try:
            for each in folder.joinpath(*parts).iterdir():
                name = each.name.removesuffix(".py")
                if name.isidentifier() and name != "__init__" and (each.suffix == ".py" or each.is_dir()):
                    found.add(name)
        except OSError:
            continue
    return sorted(name for name in found if not name.startswith("__"))


def import_edit(doc: Document, module: str, name: str, alias: str = "") -> Edit:
    """The edit that makes `from module import name`, or without a name `import module as alias`, stand among
    the imports at the top of `doc`: into the one-line statement that imports from `module` already, else
    behind the last of them that sorts before it, else below the docstring."""
    return ImportBlock.read(doc).edit(module, name, alias)


@dataclass(frozen=True, slots=True)
class ImportBlock:
    """The imports at the top of a document, read once for any number of edits."""

    text: Text
    statements: tuple[tuple[int, int, str], ...]
    """First and last line of each, with what stands on the first."""
    below: int
    """The line behind the shebang, the comments and the docstring."""

    @staticmethod
    def read(doc: Document) -> ImportBlock:
        """Those of `doc`, up to the first line of other code."""
        text = doc.text
        below = line = _first_code_line(doc)
        statements: list[tuple[int, int, str]] = []
        while line < text.line_count:
            content = text.line(line)
            if _STATEMENT.match(content):
                end = _statement_end(doc, line)
                statements.append((line, end, content))
                line = end + 1
            elif not content.strip() or content.startswith(
                ("#", " ", "\t", ")", "try:", "except", "else:", "if TYPE_CHECKING")
            ):
                line += 1
            else:
                break
        return ImportBlock(text, tuple(statements), below)

    def edit(self, module: str, name: str, alias: str = "") -> Edit:
        """As `import_edit` says."""
        text = self.text
        best: int | None = None
        after_future: int | None = None
        same = re.compile(rf"from\s+{re.escape(module)}\s+import\s+(?!\()([^#\\;]*[^#\\;\s])\s*$")
        for line, end, content in self.statements:
            if name and end == line and (extended := same.match(content)):
                at = text.line_start(line) + extended.end(1)
                return Edit(at, at, f", {name}")
            if content.startswith("from __future__"):
                after_future = end + 1
            elif _order(_module_of(content)) <= _order(module):
                best = end + 1
        ending = text.line_ending
        alias = f" as {alias}" if alias else ""
        statement = f"from {module} import {name}{ending}" if name else f"import {module}{alias}{ending}"
        target = best if best is not None else after_future
        first = after_future is not None if best is None else self._is_first_of_its_section(best, module)
        if target is None:
            target = self.statements[0][0] if self.statements else self.below
        elif first:
            statement = ending + statement
        at = text.line_start(target)
        if target >= text.line_count and not text.source.endswith(("\n", "\r")) and text.source:
            statement = ending + statement
        return Edit(at, at, statement)

    def _is_first_of_its_section(self, line: int, module: str) -> bool:
        """Whether at `line`, behind all others, `module` is the first that is not of the standard library."""
        _, end, last = self.statements[-1]
        return end + 1 == line and _order(_module_of(last))[0] < _order(module)[0]


def _order(module: str) -> tuple[bool, str]:
    """Where an import of `module` goes: the standard library comes first."""
    return module.partition(".")[0] not in sys.stdlib_module_names, module


def _first_code_line(doc: Document) -> int:
    """The first line behind the shebang, the comments and the docstring at the top."""
    text = doc.text
    line = 0
    while line < text.line_count and (text.line(line).startswith("#") or not text.line(line).strip()):
        line += 1
    found = re.match(r"""[rRuU]?("{3}|'{3})""", text.line(line))
    if found:
        close = text.source.find(found[1], text.line_start(line) + found.end())
        return text.line_at(close) + 1 if close >= 0 else line
    if re.match(r"""[rRuU]?["'].*["']\s*$""", text.line(line)):
        return line + 1
    return min(line, text.line_count - 1)


def _statement_end(doc: Document, line: int) -> int:
    """The last line of the import statement that begins on `line`."""
    text = doc.text
    for end in range(line, min(line + 80, text.line_count)):
        piece = text.source[text.line_start(line) : text.line_end(end)]
        if piece.rstrip().endswith("\\"):
            continue
        try:
            ast.parse(piece)
        except (SyntaxError, ValueError):
            continue
        return end
    return line


def _module_of(statement: str) -> str:
    found = re.match(r"(?:from|import)\s+([\w.]+)", statement)
    return found[1] if found else ""
