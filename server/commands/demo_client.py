"""The LSP client of `devflow demo`: a small editor that speaks to `devflow-lsp` over stdio."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from devflow import __version__
from devflow.analysis.text import Edit, Text

PATIENCE = 30.0
"""Seconds to wait for any answer."""


class DemoClient:
    """Starts the server, keeps documents open and asks; times are milliseconds as the client sees them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.percentage: float | None = None
        self._client = LanguageClient("devflow-demo", __version__)
        self._versions: dict[Path, int] = {}
        self._client.feature(types.PROGRESS)(lambda params: self._progress(params))
        self._client.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)(lambda params: None)
        self._client.feature(types.WORKSPACE_CONFIGURATION)(lambda params: [None] * len(params.items))
        self._client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
        self._client.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: print(f"devflow: {params.message}"))

    def _progress(self, params: types.ProgressParams) -> None:
        value = params.value
        percentage = (
            value.get("percentage") if isinstance(value, dict) else getattr(value, "percentage", None)
        )
        if percentage is not None:
            self.percentage = float(percentage)

    async def start(self, environment: dict[str, str]) -> None:
        """Start `devflow-lsp` and initialise it with the capabilities of a modern editor."""
        command = Path(sys.executable).with_name("devflow-lsp")
        arguments = [str(command)] if command.exists() else [sys.executable, "-P", "-m", "devflow.server.cli"]
        await self._client.start_io(*arguments, env=environment, cwd=str(self.root))
        await self._client.initialize_async(
            types.InitializeParams(
                process_id=os.getpid(),
                root_uri=self.root.as_uri(),
                workspace_folders=[types.WorkspaceFolder(self.root.as_uri(), self.root.name)],
                capabilities=_CAPABILITIES,
            )
        )
        self._client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        """Shut the server down."""
        if self._client.stopped:
            return
        try:
            async with asyncio.timeout(10):
                await self._client.shutdown_async(None)
                self._client.exit(None)
                await self._client.stop()  # type: ignore[no-untyped-call]  # pygls is not annotated here
        except TimeoutError:
            print("devflow: the server did not shut down within 10 s", file=sys.stderr)

    async def status(self) -> dict[str, Any]:
        """What `devflow.status` says."""
        result = await self._timed(
            self._client.workspace_execute_command_async(types.ExecuteCommandParams("devflow.status"))
        )
        return _plain(result[1]) or {}

    async def engine_of(self, method: str) -> str:
        """Which engine answered the last request of `method`."""
        answers = (await self.status()).get("answers", {})
        return str(answers.get(method, {}).get("engine", ""))

    async def open(self, path: Path, text: str) -> None:
        """Show `text` as the document at `path`."""
        version = self._versions.get(path, 0) + 1
        self._versions[path] = version
        if version == 1:
            language = {".py": "python", ".ts": "typescript", ".go": "go", ".java": "java", ".rs": "rust"}
            self._client.text_document_did_open(
                types.DidOpenTextDocumentParams(
                    types.TextDocumentItem(path.as_uri(), language.get(path.suffix, ""), version, text)
                )
            )
        else:
            self._client.text_document_did_change(
                types.DidChangeTextDocumentParams(
                    types.VersionedTextDocumentIdentifier(version, path.as_uri()),
                    [types.TextDocumentContentChangeWholeDocument(text)],
                )
            )

    async def completion(self, path: Path, text: str, at: int) -> tuple[float, list[types.CompletionItem]]:
        """The completion list at `at`, in the order an editor shows it."""
        position = _position(text, at)
        milliseconds, result = await self._timed(
            self._client.text_document_completion_async(
                types.CompletionParams(
                    _document(path),
                    position,
                    types.CompletionContext(types.CompletionTriggerKind.TriggerCharacter, "."),
                )
            )
        )
        items = result.items if isinstance(result, types.CompletionList) else list(result or ())
        return milliseconds, sorted(items, key=lambda item: item.sort_text or item.label)

    async def inline_completion(self, path: Path, text: str, at: int) -> tuple[float, str]:
        """The ghost text at `at`, "" when there is none."""
        milliseconds, result = await self._timed(
            self._client.text_document_inline_completion_async(
                types.InlineCompletionParams(
                    types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                    _document(path),
                    _position(text, at),
                )
            )
        )
        items = result.items if isinstance(result, types.InlineCompletionList) else list(result or ())
        if not items:
            return milliseconds, ""
        inserted = items[0].insert_text
        return milliseconds, inserted if isinstance(inserted, str) else inserted.value

    async def hover(self, path: Path, text: str, at: int) -> tuple[float, str]:
        """The hover card's Markdown, "" when there is none."""
        milliseconds, card = await self._timed(
            self._client.text_document_hover_async(types.HoverParams(_document(path), _position(text, at)))
        )
        contents = card.contents if card is not None else None
        return milliseconds, contents.value if isinstance(contents, types.MarkupContent) else ""

    async def definition(self, path: Path, text: str, at: int) -> tuple[float, tuple[Path, int] | None]:
        """Where the name is defined: `(path, 0-based line)`."""
        from pygls.uris import to_fs_path

        milliseconds, result = await self._timed(
            self._client.text_document_definition_async(
                types.DefinitionParams(_document(path), _position(text, at))
            )
        )
        targets = result if isinstance(result, list | tuple) else [result] if result else []
        for target in targets:
            if isinstance(target, types.LocationLink):
                uri, line = target.target_uri, target.target_selection_range.start.line
            else:
                uri, line = target.uri, target.range.start.line
            file = to_fs_path(uri)
            if file:
                return milliseconds, (Path(file), line)
        return milliseconds, None

    async def code_action(self, path: Path, text: str, at: int) -> tuple[float, str, str | None]:
        """Resolve the action that documents the symbol at `at`: its title and the text after its edit."""
        position = _position(text, at)
        milliseconds, actions = await self._timed(
            self._client.text_document_code_action_async(
                types.CodeActionParams(
                    _document(path), types.Range(position, position), types.CodeActionContext([])
                )
            )
        )
        for action in actions or ():
            if isinstance(action, types.CodeAction) and action.title.startswith("Document"):
                more, resolved = await self._timed(self._client.code_action_resolve_async(action))
                if resolved.edit is not None:
                    return milliseconds + more, action.title, _edited(path, text, resolved.edit)
        return milliseconds, "", None

    async def diagnostics(self, path: Path) -> tuple[float, list[types.Diagnostic]]:
        """Pull the diagnostics of the open document."""
        milliseconds, report = await self._timed(
            self._client.text_document_diagnostic_async(types.DocumentDiagnosticParams(_document(path)))
        )
        return milliseconds, list(getattr(report, "items", None) or ())

    async def _timed(self, answer: Any) -> tuple[float, Any]:
        started = time.perf_counter()
        async with asyncio.timeout(PATIENCE):
            result = await answer
        return (time.perf_counter() - started) * 1000, result


def _document(path: Path) -> types.TextDocumentIdentifier:
    return types.TextDocumentIdentifier(path.as_uri())


def _position(text: str, at: int) -> types.Position:
    return types.Position(*Text(text).position(at, "utf-16"))


def _edited(path: Path, text: str, edit: types.WorkspaceEdit) -> str:
    edits: list[types.TextEdit] = list((edit.changes or {}).get(path.as_uri(), ()))
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit) and change.text_document.uri == path.as_uri():
            edits += [item for item in change.edits if isinstance(item, types.TextEdit)]
    before = Text(text)

    def offset(position: types.Position) -> int:
        return before.offset(position.line, position.character, "utf-16")

    return before.replaced(
        Edit(offset(item.range.start), offset(item.range.end), item.new_text) for item in edits
    ).source


def _plain(value: Any) -> Any:
    """pygls hands untyped JSON objects out as named tuples."""
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


_CAPABILITIES = types.ClientCapabilities(
    general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16]),
    window=types.WindowClientCapabilities(work_done_progress=True),
    workspace=types.WorkspaceClientCapabilities(
        configuration=True,
        apply_edit=True,
        workspace_folders=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
    ),
    text_document=types.TextDocumentClientCapabilities(
        synchronization=types.TextDocumentSyncClientCapabilities(did_save=True),
        completion=types.CompletionClientCapabilities(
            completion_item=types.ClientCompletionItemOptions(
                documentation_format=[types.MarkupKind.Markdown],
                resolve_support=types.ClientCompletionItemResolveOptions(["documentation", "detail"]),
            )
        ),
        hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
        definition=types.DefinitionClientCapabilities(link_support=True),
        code_action=types.CodeActionClientCapabilities(
            code_action_literal_support=types.ClientCodeActionLiteralOptions(
                types.ClientCodeActionKindOptions(
                    [types.CodeActionKind.QuickFix, types.CodeActionKind.Refactor]
                )
            ),
            resolve_support=types.ClientCodeActionResolveOptions(["edit"]),
            data_support=True,
        ),
        diagnostic=types.DiagnosticClientCapabilities(related_information=True),
        publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True),
        inline_completion=types.InlineCompletionClientCapabilities(),
    ),
)
