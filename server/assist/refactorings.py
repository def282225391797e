"""The deterministic refactorings of Python, TypeScript and JavaScript as actions: what fits a place, and the
edits of a chosen one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.python_scopes import ImportedName, PythonNames
from devflow.analysis.refactor.extract_constant import extract_constant, selected
from devflow.analysis.refactor.extract_function import extract_function
from devflow.analysis.refactor.extract_variable import extract_variable
from devflow.analysis.refactor.f_strings import to_f_string
from devflow.analysis.refactor.import_forms import from_import_to_import, import_to_from_import
from devflow.analysis.refactor.inline import inline_variable
from devflow.analysis.refactor.organise_imports import organised
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rewrites import invert_if, surround_with_try
from devflow.analysis.refactor.script_imports import organised_script, without_unused
from devflow.analysis.refactor.selection import expression_at
from devflow.analysis.refactor.unused_imports import unused_imports, without
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit
from devflow.server.assist.import_style import import_style
from devflow.server.assist.project import Files, names_in
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.waiting import within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_INDEX_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Refactoring:
    """One of them. `when` it is looked at: `selection` (something is selected), `cursor`, `both`."""

    id: str
    title: str
    kind: str
    edits: Callable[[PythonNames, int, int], list[Edit]]
    when: str = "cursor"


def _variable_at(names: PythonNames, at: int, _: int) -> list[Edit]:
    return inline_variable(names, names.tree.text.word_at(at)[0])


REFACTORINGS = (
    Refactoring(
        "extract-variable", "Extract variable", "refactor.extract.variable", extract_variable, "selection"
    ),
    Refactoring(
        "extract-function", "Extract function", "refactor.extract.function", extract_function, "selection"
    ),
    Refactoring("inline-variable", "Inline variable", "refactor.inline.variable", _variable_at),
    Refactoring("invert-if", "Invert if", "refactor.rewrite.invertIf", invert_if),
    Refactoring("f-string", "Convert to f-string", "refactor.rewrite.fString", to_f_string),
    Refactoring("import-names", "Convert to from … import", "refactor.rewrite.import", import_to_from_import),
    Refactoring(
        "import-module", "Convert to import of the module", "refactor.rewrite.import", from_import_to_import
    ),
    Refactoring(
        "surround-try", "Surround with try", "refactor.rewrite.surround", surround_with_try, "selection"
    ),
)
_OF_SCRIPTS = MappingProxyType(
    {"organise-imports": organised_script, "remove-unused-imports": without_unused}
)
NEEDS_NO_MODEL = frozenset(each.id for each in REFACTORINGS)
_BY_ID = {each.id: each for each in REFACTORINGS}
SOURCE_ACTIONS = {
    "organise-imports": ("Organise imports", "source.organizeImports"),
    "remove-unused-imports": ("Remove unused imports", "source.removeUnusedImports"),
    "add-missing-imports": ("Add all missing imports", "source.addMissingImports"),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """A refactoring that can be chosen, or why it cannot."""

    id: str
    title: str
    kind: str
    disabled: str = ""


def names_of(doc: Document, code: Codebase) -> PythonNames | None:
    """The names of a Python document, worked out once for a version. CPU-bound the first time."""
    tree = doc.tree
    if tree is None or doc.language != "python":
        return None
    return names_in(doc, code)


def offered(doc: Document, start: int, end: int, code: Codebase, only: Sequence[str]) -> list[Offered]:
    """What fits the selection, or the cursor. `only`: the kinds the client asks for, () for all. What is
    selected but cannot be extracted is told with the reason. CPU-bound."""
    if doc.language in SCRIPTS:
        return _offered_in_script(doc, start, end, only)
    names = names_of(doc, code)
    if names is None:
        return []
    found = []
    something = bool(doc.text.source[start:end].strip())
    for each in REFACTORINGS:
        if not wanted(each.kind, only) or (each.when == "selection") != something:
            continue
        if each.id == "extract-variable" and expression_at(names.tree, start, end) is None:
            continue
        try:
            if each.edits(names, start, end):
                found.append(Offered(each.id, each.title, each.kind))
        except Refused as refusal:
            if each.when == "selection" and each.kind.startswith("refactor.extract"):
                found.append(Offered(each.id, each.title, each.kind, str(refusal)))
    at_imports = any(
        names.tree.span(brought.statement).start <= start <= names.tree.span(brought.statement).end
        for brought in names.imports
    )
    for id_, (title, kind) in SOURCE_ACTIONS.items():
        if wanted(kind, only) if only else at_imports and id_ != "add-missing-imports":
            found.append(Offered(id_, title, kind))
    return found


def _offered_in_script(doc: Document, start: int, end: int, only: Sequence[str]) -> list[Offered]:
    tree = doc.tree
    if tree is None:
        return []
    found = []
    kind = "refactor.extract.constant"
    if wanted(kind, only) and selected(tree, start, end) is not None:
        found.append(Offered("extract-variable", "Extract constant", kind, _why_not(tree, start, end)))
    at_imports = any(
        each.type == "import_statement" and tree.span(each).start <= start <= tree.span(each).end
        for each in tree.root.named_children
    )
    for id_ in _OF_SCRIPTS:
        title, kind = SOURCE_ACTIONS[id_]
        if wanted(kind, only) if only else at_imports:
            found.append(Offered(id_, title, kind))
    return found


def _why_not(tree: SyntaxTree, start: int, end: int) -> str:
    try:
        extract_constant(tree, start, end)
    except Refused as refusal:
        return str(refusal)
    return ""


def _script_edits(id_: str, tree: SyntaxTree, start: int, end: int) -> list[Edit]:
    if id_ == "extract-variable":
        return extract_constant(tree, start, end)
    return _OF_SCRIPTS[id_](tree)


def unused_at(doc: Document, start: int, code: Codebase) -> str:
    """The name of the unused import at `start`, "" where there is none."""
    names = names_of(doc, code)
    at = [each for each in (unused_imports(names) if names is not None else ()) if _holds(each, start)]
    return at[0].bound if at and not _is_package(doc) else ""


def _holds(each: ImportedName, at: int) -> bool:
    return each.start <= at <= each.end


def wanted(kind: str, only: Sequence[str]) -> bool:
    """Whether a kind is one of those asked for, or under one; () asks for all."""
    return not only or any(not each or kind == each or kind.startswith(each + ".") for each in only)


async def edits_of(id_: str, doc: Document, start: int, end: int, code: Codebase) -> tuple[Edit, ...]:
    """The edits of a refactoring of the document. Raises ActionRefused when there are none."""
    if doc.tree is not None and doc.language in SCRIPTS and id_ in (*_OF_SCRIPTS, "extract-variable"):
        try:
            found = await asyncio.to_thread(_script_edits, id_, doc.tree, start, end)
        except Refused as refusal:
            raise ActionRefused(str(refusal)) from refusal
        if not found and id_ == "remove-unused-imports":
            raise ActionRefused("No import is unused here.")
        return tuple(found)
    names = await asyncio.to_thread(names_of, doc, code)
    if names is None:
        raise ActionRefused("This is done in Python files only.")
    try:
        if id_ in _BY_ID:
            return tuple(await asyncio.to_thread(_BY_ID[id_].edits, names, start, end))
        if id_ == "organise-imports":
            return tuple(await asyncio.to_thread(_organised, doc, names, code))
        unused = await _unused(doc, names, code)
    except Refused as refusal:
        raise ActionRefused(str(refusal)) from refusal
    if id_ == "remove-unused-import":
        unused = [each for each in unused if _holds(each, start)]
    if not unused:
        raise ActionRefused("No import is unused here.")
    return tuple(without(names, unused))


def _organised(doc: Document, names: PythonNames, code: Codebase) -> list[Edit]:
    if doc.path is None:
        return organised(names.tree)
    path = doc.path
    project = PythonProject(Files(code.roots))
    style = import_style(path, code.roots)
    found = organised(names.tree, style, lambda module: project.file_of(module, 0, path) is not None)
    if not found and names.tree.has_error():
        raise Refused("The imports cannot be read while the file has a syntax error.")
    return found


async def _unused(doc: Document, names: PythonNames, code: Codebase) -> list[ImportedName]:
    """The unused imports that no other file imports from this one."""
    if _is_package(doc):
        raise Refused("The imports of an __init__.py are what the package offers; they are left alone.")
    unused = unused_imports(names)
    path, index = doc.path, code.index
    if path is None or index is None or not unused:
        return unused
    used: set[str] = set()
    importers = await within(index.files_importing(path.stem), _INDEX_SECONDS) or []
    for file in [each for each in importers if each != path][:500]:
        text = await within(code.texts.text_of(file), _INDEX_SECONDS)
        used |= {each.bound for each in unused if text is not None and each.bound in text.source}
    return [each for each in unused if each.bound not in used]


def _is_package(doc: Document) -> bool:
    return doc.path is not None and doc.path.name == "__init__.py"
