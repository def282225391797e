"""Notebooks: each cell is a document, and its Python cells together are one more, in which questions that
look beyond a cell are asked.

That one has the notebook's own URI, and each cell's text as whole lines of it: a place in a cell is the same
column of another line there. Lines that only IPython understands stand in it as comments of the same length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import attrs
from lsprotocol import types

from devflow.analysis.text import Encoding, Text
from devflow.server import convert
from devflow.server.open_documents import OpenDocuments

_MAGIC = re.compile(r"^[ \t]*(?:%{1,2}[a-zA-Z]|![^=\n]|\?|[^\n#'\"]*\?[ \t]*$)", re.MULTILINE)
"""`%magic`, `!command`, `?name` and `name?`; not `% b`, which goes on from the line before."""
_LINE = re.compile(r"^[^\n]", re.MULTILINE)


@dataclass(slots=True)
class Notebook:
    """An open notebook: the URIs of its cells in order."""

    uri: str
    cells: list[str]
    version: int = 1
    starts: dict[str, int] = field(default_factory=dict)
    """Python cell → its first line in the whole."""


class Notebooks:
    """By URI; used on the event loop only."""

    def __init__(self, documents: OpenDocuments) -> None:
        self._documents = documents
        self._open: dict[str, Notebook] = {}
        self._of_cell: dict[str, Notebook] = {}

    def open(
        self, uri: str, cells: Sequence[types.NotebookCell], texts: Iterable[types.TextDocumentItem]
    ) -> list[str]:
        """The editor shows this notebook; the cells it has."""
        for item in texts:
            self._documents.open_cell(item)
        notebook = self._open[uri] = Notebook(uri, [cell.document for cell in cells])
        return self._joined(notebook)

    def change(self, uri: str, change: types.NotebookDocumentCellChanges, encoding: Encoding) -> list[str]:
        """Cells came, went, moved or were edited; the cells there are."""
        notebook = self._open.get(uri)
        if notebook is None:
            return []
        if (structure := change.structure) is not None:
            for item in structure.did_open or ():
                self._documents.open_cell(item)
            for closed in structure.did_close or ():
                self._documents.close(closed.uri)
                self._of_cell.pop(closed.uri, None)
            array = structure.array
            fresh = [cell.document for cell in array.cells or ()]
            notebook.cells[array.start : array.start + array.delete_count] = fresh
        for edited in change.text_content or ():
            self._documents.change(edited.document, edited.changes, encoding)
        return self._joined(notebook)

    def close(self, uri: str, cells: Iterable[str]) -> list[str]:
        """The notebook is gone; the cells it had."""
        notebook = self._open.pop(uri, None)
        gone = list(dict.fromkeys([*cells, *(notebook.cells if notebook else ())]))
        for cell in gone:
            self._documents.close(cell)
            self._of_cell.pop(cell, None)
        self._documents.close(uri)
        return gone

    def place_of(self, cell: str) -> tuple[str, int] | None:
        """The notebook of a Python cell, and the cell's first line in the whole; None for other documents."""
        notebook = self._of_cell.get(cell)
        return (notebook.uri, notebook.starts[cell]) if notebook is not None else None

    def asked_of_whole(self, params: Any) -> tuple[Any, int | None]:
        """The parameters of a request about a cell as they are for the whole, and the cell's first line
        there; None for other documents."""
        named = getattr(params, "text_document", None)
        place = self.place_of(named.uri) if named is not None else None
        if place is None:
            return params, None
        uri, line = place
        moved = _moved(params, line)
        return attrs.evolve(moved, text_document=types.TextDocumentIdentifier(uri)), line

    def answered_in_cells(self, answer: Any, line: int | None) -> Any:
        """An answer about the whole as it is for cells. Places without a URI are in the cell at `line`."""
        if not self._open:
            return answer
        return self._back(answer, line)

    def _joined(self, notebook: Notebook) -> list[str]:
        pieces: list[str] = []
        line = 0
        for cell in notebook.starts:
            self._of_cell.pop(cell, None)
        notebook.starts = {}
        for cell in notebook.cells:
            document = self._documents.current(cell)
            if document is None or document.language != "python":
                continue
            notebook.starts[cell] = line
            self._of_cell[cell] = notebook
            piece = plain_python(document.text.source)
            pieces.append(piece + "\n")
            line += Text(piece).line_count
        notebook.version += 1
        item = types.TextDocumentItem(notebook.uri, "python", notebook.version, "".join(pieces))
        self._documents.open(item)
        return list(notebook.cells)

    def _cell_at(self, uri: str, line: int) -> tuple[str, int] | None:
        notebook = self._open.get(uri)
        if notebook is None:
            return None
        before = [(cell, start) for cell, start in notebook.starts.items() if start <= line]
        return max(before, key=lambda each: each[1], default=None)

    def _back(self, value: Any, line: int | None) -> Any:
        if isinstance(value, list | tuple):
            return [self._back(each, line) for each in cast("Sequence[Any]", value)]
        if isinstance(value, types.Position | types.Range):
            return value if line is None else _moved(value, -line)
        if isinstance(value, types.Location) and value.uri in self._open:
            found = self._cell_at(value.uri, value.range.start.line)
            return types.Location(found[0], _moved(value.range, -found[1])) if found else value
        if isinstance(value, types.LocationLink):
            return self._link(value, line)
        if isinstance(value, types.WorkspaceEdit):
            return self._edits(value)
        if attrs.has(type(value)):
            return _with_parts(value, lambda part: self._back(part, line))
        if isinstance(value, dict):  # an answer that is JSON already
            json = cast("dict[str, Any]", value)
            if json.keys() == {"line", "character"}:
                return json if line is None else {**json, "line": json["line"] - line}
            return {key: self._back(part, line) for key, part in json.items()}
        return value

    def _link(self, value: types.LocationLink, line: int | None) -> types.LocationLink:
        origin = self._back(value.origin_selection_range, line)
        found = self._cell_at(value.target_uri, value.target_selection_range.start.line)
        if found is None:
            return attrs.evolve(value, origin_selection_range=origin)
        cell, start = found
        return types.LocationLink(
            cell, _moved(value.target_range, -start), _moved(value.target_selection_range, -start), origin
        )

    def _edits(self, value: types.WorkspaceEdit) -> types.WorkspaceEdit:
        changes: dict[str, list[Any]] = {}
        for uri, edits in (value.changes or {}).items():
            for edit in edits:
                found = self._cell_at(uri, edit.range.start.line)
                cell, start = found or (uri, 0)
                changes.setdefault(cell, []).append(attrs.evolve(edit, range=_moved(edit.range, -start)))
        documents: list[Any] = []
        for each in value.document_changes or ():
            if not isinstance(each, types.TextDocumentEdit) or each.text_document.uri not in self._open:
                documents.append(each)
                continue
            of_cell: dict[str, list[Any]] = {}
            for edit in cast("Sequence[types.TextEdit]", each.edits):
                found = self._cell_at(each.text_document.uri, edit.range.start.line)
                if found is not None:
                    moved = attrs.evolve(edit, range=_moved(edit.range, -found[1]))
                    of_cell.setdefault(found[0], []).append(moved)
            for cell, edits in of_cell.items():
                open_cell = self._documents.current(cell)
                named = types.OptionalVersionedTextDocumentIdentifier(
                    cell, open_cell.version if open_cell else None
                )
                documents.append(types.TextDocumentEdit(named, edits))
        return attrs.evolve(
            value,
            changes=changes if value.changes is not None else None,
            document_changes=documents if value.document_changes is not None else None,
        )


def plain_python(source: str) -> str:
    """A cell as Python reads it, of the same length: what only IPython understands is a comment."""
    source = source.replace("\r\n", " \n").replace("\r", "\n")
    if source.lstrip().startswith("%%"):
        return _LINE.sub("#", source)
    return _MAGIC.sub(lambda found: "#" + found[0][1:], source)


def _moved(value: Any, lines: int) -> Any:
    """`value` with every position in it so many lines further down."""
    if isinstance(value, types.Position):
        return convert.on_another_line(value, lines)
    if isinstance(value, list | tuple):
        return [_moved(each, lines) for each in cast("Sequence[Any]", value)]
    if attrs.has(type(value)):
        return _with_parts(value, lambda part: _moved(part, lines))
    return value


def _with_parts(value: Any, change: Callable[[Any], Any]) -> Any:
    """An LSP object with everything in it that has parts of its own changed."""
    changed = {}
    for each in attrs.fields(type(value)):
        part = getattr(value, each.name)
        if isinstance(part, list | tuple) or attrs.has(type(part)):
            changed[each.name] = change(part)
    return attrs.evolve(value, **changed) if changed else value
