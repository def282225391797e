"""Edits to files as a `WorkspaceEdit`, in the form the client understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.text import Edit, Text
from devflow.server import convert
from devflow.server.errors import ContentModified, RequestFailed
from devflow.server.session import Session

_AnyEdit = types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit


async def workspace_edit(
    session: Session,
    edits: Mapping[Path, Sequence[Edit]],
    *,
    document: tuple[Document, Sequence[Edit]] | None = None,
    created: Mapping[Path, str] | None = None,
    doubtful: Mapping[Path, Sequence[Edit]] | None = None,
    texts: Mapping[Path, Text] | None = None,
) -> types.WorkspaceEdit:
    """`edits` by file, those of the `document` they were asked for, and new files with their text. Those in
    `doubtful` the user is asked to confirm, where the client can ask. `texts` are those the edits were
    made for.

    Raises RequestFailed when a file that is edited cannot be read, ContentModified when `document` or one
    of `texts` has moved on.
    """
    changed: dict[str, tuple[int | None, list[_AnyEdit]]] = {}
    unsure = doubtful or {}
    asks = _asks_for_confirmation(session)
    if document is not None and document[1]:
        doc, own = document
        session.check_current(doc)
        version = doc.version if doc.uri in session.documents else None
        changed[doc.uri] = (version, [convert.text_edit(doc.text, edit, session.encoding) for edit in own])
    for path in dict.fromkeys((*edits, *unsure)):
        present = await session.text_of(path)
        if present is None:
            raise RequestFailed(f"{path.name} cannot be read any more; nothing was changed.")
        if not session.documents.is_utf8(path):
            raise RequestFailed(
                f"{path.name} is not UTF-8: open it, so that your editor keeps its encoding; nothing was "
                "changed."
            )
        if texts is not None and path in texts and texts[path] != present:
            raise ContentModified
        changed[session.uri_of(path)] = (
            session.version_of(path),
            [convert.text_edit(present, edit, session.encoding) for edit in edits.get(path, ())]
            + [
                _confirmed(convert.text_edit(present, edit, session.encoding), asks)
                for edit in unsure.get(path, ())
            ],
        )
    made = created or {}
    nowhere = types.Range(types.Position(0, 0), types.Position(0, 0))
    workspace = session.capabilities.workspace
    client = workspace.workspace_edit if workspace else None
    if not (client and client.document_changes):
        # Clients make a file that does not exist when they edit it.
        every = {
            uri: [edit for edit in wanted if isinstance(edit, types.TextEdit)]
            for uri, (_, wanted) in changed.items()
        }
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
    questions = {_DOUBTFUL: _QUESTION} if unsure and asks else None
    return types.WorkspaceEdit(document_changes=steps, change_annotations=questions)


_DOUBTFUL = "doubtful"
_QUESTION = types.ChangeAnnotation(
    "Uses that could not be verified",
    needs_confirmation=True,
    description="No other class here has a member of that name, but the type of the receiver is not known.",
)


def _asks_for_confirmation(session: Session) -> bool:
    workspace = session.capabilities.workspace
    client = workspace.workspace_edit if workspace else None
    return bool(client and client.document_changes and client.change_annotation_support)


def _confirmed(edit: types.TextEdit, asks: bool) -> _AnyEdit:
    return types.AnnotatedTextEdit(_DOUBTFUL, edit.range, edit.new_text) if asks else edit


def _edit(uri: str, version: int | None, edits: Sequence[_AnyEdit]) -> types.TextDocumentEdit:
    return types.TextDocumentEdit(
        types.OptionalVersionedTextDocumentIdentifier(uri, version), list[_AnyEdit](edits)
    )
