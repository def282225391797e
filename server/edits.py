"""Edits to files as a `WorkspaceEdit`, in the form the client understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.text import Edit
from devflow.server import convert
from devflow.server.errors import RequestFailed
from devflow.server.session import Session


async def workspace_edit(
    session: Session,
    edits: Mapping[Path, Sequence[Edit]],
    *,
    document: tuple[Document, Sequence[Edit]] | None = None,
    created: Mapping[Path, str] | None = None,
) -> types.WorkspaceEdit:
    """`edits` by file, those of the `document` they were asked for, and new files with their text.

    Raises RequestFailed when a file that is edited cannot be read, ContentModified when `document` has
    moved on.
    """
    changed: dict[str, tuple[int | None, list[types.TextEdit]]] = {}
    if document is not None and document[1]:
        doc, own = document
        session.check_current(doc)
        version = doc.version if doc.uri in session.documents else None
        changed[doc.uri] = (version, [convert.text_edit(doc.text, edit, session.encoding) for edit in own])
    for path, wanted in edits.items():
        present = await session.text_of(path)
        if present is None:
            raise RequestFailed(f"{path.name} cannot be read any more; nothing was changed.")
        changed[session.uri_of(path)] = (
            session.version_of(path),
            [convert.text_edit(present, edit, session.encoding) for edit in wanted],
        )
    made = created or {}
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
    workspace = session.capabilities.workspace
    client = workspace.workspace_edit if workspace else None
    if not (client and client.document_changes):
        # Clients make a file that does not exist when they edit it.
        every = {uri: wanted for uri, (_, wanted) in changed.items()}
        every |= {convert.uri_of(path): [types.TextEdit(nowhere, text)] for path, text in made.items()}
        return types.WorkspaceEdit(changes=every)
    creates = types.ResourceOperationKind.Create in (client.resource_operations or ())
    steps: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
    for path, text in made.items():
        uri = convert.uri_of(path)
        if creates:
            steps.append(types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False)))
        steps.append(_edit(uri, None, [types.TextEdit(nowhere, text)]))
    steps += [_edit(uri, version, wanted) for uri, (version, wanted) in changed.items()]
    return types.WorkspaceEdit(document_changes=steps)


def _edit(uri: str, version: int | None, edits: list[types.TextEdit]) -> types.TextDocumentEdit:
    return types.TextDocumentEdit(
        types.OptionalVersionedTextDocumentIdentifier(uri, version),
        list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit](edits),
    )
