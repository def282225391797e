"""The table of methods: who answers, what the editor is told about it, which switch turns it off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from devflow.server.handlers.did_change import did_change
from devflow.server.handlers.did_change_configuration import did_change_configuration
from devflow.server.handlers.did_change_watched_files import did_change_watched_files
from devflow.server.handlers.did_change_workspace_folders import did_change_workspace_folders
from devflow.server.handlers.did_close import did_close
from devflow.server.handlers.did_open import did_open
from devflow.server.handlers.did_rename_files import did_create_files, did_delete_files, did_rename_files
from devflow.server.handlers.did_save import did_save
from devflow.server.handlers.document_symbol import document_symbol
from devflow.server.handlers.workspace_symbol import workspace_symbol
from devflow.server.session import Session
from devflow.server.settings import Features

Handler = Callable[[Session, Any], Awaitable[Any] | None]


def _always(client: types.ClientCapabilities) -> Any:
    return True


@dataclass(frozen=True, slots=True)
class Route:
    """One method."""

    method: str
    handler: Handler
    capability: str = ""
    """The field of `ServerCapabilities` that announces it; "" where none does."""
    options: Callable[[types.ClientCapabilities], Any] = _always
    """What to announce to this client; None: nothing."""
    feature: str = ""
    """The switch in `settings.Features`; "" where it cannot be switched off."""
    empty: Any = None
    """The answer while it is switched off, or when a model failed."""


NOTIFICATIONS: tuple[Route, ...] = (
    Route(types.TEXT_DOCUMENT_DID_OPEN, did_open),
    Route(types.TEXT_DOCUMENT_DID_CHANGE, did_change),
    Route(types.TEXT_DOCUMENT_DID_SAVE, did_save),
    Route(types.TEXT_DOCUMENT_DID_CLOSE, did_close),
    Route(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_watched_files),
    Route(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, did_change_workspace_folders),
    Route(types.WORKSPACE_DID_CHANGE_CONFIGURATION, did_change_configuration),
    Route(types.WORKSPACE_DID_CREATE_FILES, did_create_files),
    Route(types.WORKSPACE_DID_RENAME_FILES, did_rename_files),
    Route(types.WORKSPACE_DID_DELETE_FILES, did_delete_files),
)

REQUESTS: tuple[Route, ...] = (
    Route(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL,
        document_symbol,
        "document_symbol_provider",
        feature="document_symbol",
    ),
    Route(types.WORKSPACE_SYMBOL, workspace_symbol, "workspace_symbol_provider", feature="workspace_symbol"),
)


def capabilities(
    client: types.ClientCapabilities, features: Features, encoding: str
) -> types.ServerCapabilities:
    """What `initialize` announces, derived from the table."""
    announced: dict[str, Any] = {}
    for route in REQUESTS:
        if route.capability and (not route.feature or getattr(features, route.feature)):
            options = route.options(client)
            if options is not None:
                announced[route.capability] = options
    every_file = types.FileOperationRegistrationOptions(
        [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
    )
    return types.ServerCapabilities(
        position_encoding=types.PositionEncodingKind(encoding),
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True,
            change=types.TextDocumentSyncKind.Incremental,
            save=types.SaveOptions(include_text=False),
        ),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            ),
            file_operations=types.FileOperationOptions(
                did_create=every_file, did_rename=every_file, did_delete=every_file
            ),
        ),
        **announced,
    )
