"""`notebookDocument/didOpen`, `didChange`, `didSave` and `didClose`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server.session import Session


def did_open(session: Session, params: types.DidOpenNotebookDocumentParams) -> None:
    """The editor owns the notebook and its cells from now on."""
    notebook = params.notebook_document
    session.cells_changed(session.notebooks.open(notebook.uri, notebook.cells, params.cell_text_documents))


def did_change(session: Session, params: types.DidChangeNotebookDocumentParams) -> None:
    """Cells were edited, moved, made or removed."""
    cells = params.change.cells
    if cells is not None:
        removed = [each.uri for each in (cells.structure.did_close if cells.structure else None) or ()]
        changed = session.notebooks.change(params.notebook_document.uri, cells, session.encoding)
        session.cells_changed(changed, removed)


def did_save(session: Session, params: types.DidSaveNotebookDocumentParams) -> None:
    """The file on disk is the notebook now; nothing is read from it."""


def did_close(session: Session, params: types.DidCloseNotebookDocumentParams) -> None:
    """The notebook and its cells are gone."""
    cells = [each.uri for each in params.cell_text_documents]
    session.cells_changed((), session.notebooks.close(params.notebook_document.uri, cells))
