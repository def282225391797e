"""The table of methods: who answers, what the editor is told about it, which switch turns it off."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from devflow.server.copilot import EDIT_KEPT, EDIT_SHOWN, NEXT_EDIT, PARTLY_ACCEPTED, SHOWN
from devflow.server.session import Session
from devflow.server.settings import Features

Handler = Callable[[Session, Any], Awaitable[Any] | None]


COMMANDS = tuple(
    f"devflow.{name}"
    for name in (
        "explain",
        "ask",
        "search",
        "review",
        "status",
        "reindex",
        "apply",
        "accepted",
        "rejected",
        "why",
        "snooze",
    )
)
"""What `workspace/executeCommand` is announced with."""

COLUMNS = {
    "python": "Python",
    "typescript": "TS, JS",
    "go": "Go",
    "java": "Java",
    "rust": "Rust",
    "cpp": "C, C++",
    "csharp": "C#",
    "ruby": "Ruby",
}
"""The languages of the README's table, each with its heading; one may stand for its relatives."""
EVERY = frozenset(COLUMNS)
_BY_NAME = "Types are inferred for Python; elsewhere they are read where they are written, else names."


def _always(client: types.ClientCapabilities) -> Any:
    return True


@dataclass(frozen=True, slots=True)
class Route:
    """One method."""

    method: str
    handler: str
    """The module in `server.handlers` and the function in it, `module.function`: nothing is imported before
    it is asked for, which is half of the time to the first answer."""
    capability: str = ""
    """The field of `ServerCapabilities` that announces it; "" where none does."""
    options: Callable[[types.ClientCapabilities], Any] = _always
    """What to announce to this client; None: nothing."""
    feature: str = ""
    """The switch in `settings.Features`; "" where it cannot be switched off."""
    empty: Any = None
    """The answer while it is switched off, or when a model failed."""
    of_whole: bool = False
    """Whether what is asked of a notebook's cell is asked of the notebook, where other cells count too."""
    title: str = ""
    """What the README's table calls the feature; "" for methods that belong to another one."""
    languages: frozenset[str] = EVERY
    """The columns of that table in which it answers."""
    limits: str = ""
    """What it does not do, in the table's words."""

    def load(self) -> Handler:
        """The handler. The first call imports its module, which takes up to 0.1 s: not on the event loop."""
        module, _, function = self.handler.partition(".")
        loaded: Handler = getattr(importlib.import_module(f"devflow.server.handlers.{module}"), function)
        return loaded


NOTIFICATIONS: tuple[Route, ...] = (
    Route(types.TEXT_DOCUMENT_DID_OPEN, "did_open.did_open"),
    Route(types.TEXT_DOCUMENT_DID_CHANGE, "did_change.did_change"),
    Route(types.TEXT_DOCUMENT_DID_SAVE, "did_save.did_save"),
    Route(types.TEXT_DOCUMENT_DID_CLOSE, "did_close.did_close"),
    Route(types.NOTEBOOK_DOCUMENT_DID_OPEN, "notebook_document.did_open"),
    Route(types.NOTEBOOK_DOCUMENT_DID_CHANGE, "notebook_document.did_change"),
    Route(types.NOTEBOOK_DOCUMENT_DID_SAVE, "notebook_document.did_save"),
    Route(types.NOTEBOOK_DOCUMENT_DID_CLOSE, "notebook_document.did_close"),
    Route(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, "did_change_watched_files.did_change_watched_files"),
    Route(
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
        "did_change_workspace_folders.did_change_workspace_folders",
    ),
    Route(types.WORKSPACE_DID_CHANGE_CONFIGURATION, "did_change_configuration.did_change_configuration"),
    Route(SHOWN, "suggestion_events.did_show_completion"),
    Route(PARTLY_ACCEPTED, "suggestion_events.did_partially_accept_completion"),
    Route(EDIT_SHOWN, "suggestion_events.did_show_inline_edit"),
    Route(EDIT_KEPT, "suggestion_events.report_cached_inline_edit"),
    Route(types.WORKSPACE_DID_CREATE_FILES, "did_rename_files.did_create_files"),
    Route(types.WORKSPACE_DID_RENAME_FILES, "did_rename_files.did_rename_files"),
    Route(types.WORKSPACE_DID_DELETE_FILES, "did_rename_files.did_delete_files"),
)

REQUESTS: tuple[Route, ...] = (
    Route(
        types.TEXT_DOCUMENT_COMPLETION,
        "completion.completion",
        "completion_provider",
        lambda client: types.CompletionOptions(
            trigger_characters=[".", '"', "'", "/"], resolve_provider=True
        ),
        feature="completion",
        of_whole=True,
        title="Completion",
        limits=_BY_NAME,
    ),
    Route(types.COMPLETION_ITEM_RESOLVE, "completion.resolve"),
    Route(
        types.TEXT_DOCUMENT_INLINE_COMPLETION,
        "inline_completion.inline_completion",
        "inline_completion_provider",
        lambda client: _where(client.text_document and client.text_document.inline_completion, True),
        feature="inline_completion",
        of_whole=True,
        title="Ghost text",
        limits="Without a model: lines as they go on elsewhere in the code.",
    ),
    Route(
        NEXT_EDIT,
        "next_edit.next_edit",
        "experimental",
        lambda client: {"copilotInlineEdit": True},
        feature="next_edit",
        empty={"edits": []},
        title="Next edit",
        limits="VS Code, Neovim, clients of Copilot's language server. Calls and fields: Python, TS, JS.",
    ),
    Route(
        types.TEXT_DOCUMENT_HOVER,
        "hover.hover",
        "hover_provider",
        feature="hover",
        of_whole=True,
        title="Hover",
        limits=_BY_NAME,
    ),
    Route(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        "signature_help.signature_help",
        "signature_help_provider",
        lambda client: types.SignatureHelpOptions(trigger_characters=["(", ","]),
        feature="signature_help",
        of_whole=True,
        title="Signature help",
        limits="Overloads for Python only.",
    ),
    Route(
        types.TEXT_DOCUMENT_DEFINITION,
        "definition.definition",
        "definition_provider",
        feature="definition",
        of_whole=True,
        title="Definition",
        limits=_BY_NAME,
    ),
    Route(
        types.TEXT_DOCUMENT_DECLARATION,
        "declaration.declaration",
        "declaration_provider",
        feature="definition",
        of_whole=True,
        title="Declaration",
        limits="Where a name is imported or first bound.",
    ),
    Route(
        types.TEXT_DOCUMENT_TYPE_DEFINITION,
        "type_definition.type_definition",
        "type_definition_provider",
        feature="type_definition",
        of_whole=True,
        title="Type definition",
        limits="Outside Python only where the type is written.",
        languages=frozenset({"python", "typescript", "go", "java", "rust", "cpp", "csharp"}),
    ),
    Route(
        types.TEXT_DOCUMENT_IMPLEMENTATION,
        "implementation.implementation",
        "implementation_provider",
        feature="implementation",
        of_whole=True,
        title="Implementation",
        limits="Classes that name their base; not what fits an interface by its shape.",
    ),
    Route(
        types.TEXT_DOCUMENT_REFERENCES,
        "references.references",
        "references_provider",
        feature="references",
        of_whole=True,
        title="References",
        limits="Outside Python by written types, else same names in the scope or the workspace.",
    ),
    Route(
        types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT,
        "document_highlight.document_highlight",
        "document_highlight_provider",
        feature="document_highlight",
        of_whole=True,
        title="Highlight",
    ),
    Route(
        types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY,
        "call_hierarchy.prepare",
        "call_hierarchy_provider",
        feature="call_hierarchy",
        title="Call hierarchy",
        limits="Calls by name, where several things have it the nearest.",
    ),
    Route(types.CALL_HIERARCHY_INCOMING_CALLS, "call_hierarchy.incoming_calls", feature="call_hierarchy"),
    Route(types.CALL_HIERARCHY_OUTGOING_CALLS, "call_hierarchy.outgoing_calls", feature="call_hierarchy"),
    Route(
        types.TEXT_DOCUMENT_PREPARE_TYPE_HIERARCHY,
        "type_hierarchy.prepare",
        "type_hierarchy_provider",
        feature="type_hierarchy",
        title="Type hierarchy",
        limits="Bases as they are written.",
    ),
    Route(types.TYPE_HIERARCHY_SUPERTYPES, "type_hierarchy.supertypes", feature="type_hierarchy"),
    Route(types.TYPE_HIERARCHY_SUBTYPES, "type_hierarchy.subtypes", feature="type_hierarchy"),
    Route(
        types.TEXT_DOCUMENT_CODE_LENS,
        "code_lens.code_lens",
        "code_lens_provider",
        lambda client: types.CodeLensOptions(resolve_provider=True),
        feature="code_lens",
        title="Code lens",
        limits="Counts by name, over functions and classes.",
    ),
    Route(types.CODE_LENS_RESOLVE, "code_lens.resolve"),
    Route(
        types.TEXT_DOCUMENT_DOCUMENT_LINK,
        "document_link.document_link",
        "document_link_provider",
        lambda client: types.DocumentLinkOptions(),
        feature="document_link",
        title="Document link",
    ),
    Route(
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL,
        "document_symbol.document_symbol",
        "document_symbol_provider",
        feature="document_symbol",
        title="Document symbols",
    ),
    Route(
        types.TEXT_DOCUMENT_FOLDING_RANGE,
        "folding_range.folding_range",
        "folding_range_provider",
        feature="folding_range",
        title="Folding",
    ),
    Route(
        types.TEXT_DOCUMENT_SELECTION_RANGE,
        "selection_range.selection_range",
        "selection_range_provider",
        feature="selection_range",
        title="Selection range",
    ),
    Route(
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        "semantic_tokens.full",
        "semantic_tokens_provider",
        lambda client: _coloured(client.text_document and client.text_document.semantic_tokens),
        feature="semantic_tokens",
        title="Semantic tokens",
        limits="By scope, not by type.",
    ),
    Route(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL_DELTA, "semantic_tokens.delta", feature="semantic_tokens"),
    Route(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, "semantic_tokens.ranged", feature="semantic_tokens"),
    Route(
        types.TEXT_DOCUMENT_INLAY_HINT,
        "inlay_hint.inlay_hint",
        "inlay_hint_provider",
        lambda client: _where(client.text_document and client.text_document.inlay_hint, True),
        feature="inlay_hint",
        title="Inlay hints",
        limits="Off unless switched on. Outside Python parameters of the same file's functions; no types.",
    ),
    Route(
        types.WORKSPACE_SYMBOL,
        "workspace_symbol.workspace_symbol",
        "workspace_symbol_provider",
        feature="workspace_symbol",
        title="Workspace symbols",
    ),
    Route(types.TEXT_DOCUMENT_PREPARE_RENAME, "rename.prepare_rename", feature="rename", of_whole=True),
    Route(
        types.TEXT_DOCUMENT_RENAME,
        "rename.rename",
        "rename_provider",
        lambda client: _prepared(client.text_document),
        feature="rename",
        of_whole=True,
        title="Rename",
        limits="Outside Python within what can be told by names; the rest is left for you to confirm.",
    ),
    Route(types.WORKSPACE_WILL_RENAME_FILES, "will_rename_files.will_rename_files", feature="rename"),
    Route(
        types.TEXT_DOCUMENT_CODE_ACTION,
        "code_action.code_action",
        "code_action_provider",
        lambda client: _literal(client.text_document),
        feature="code_action",
        title="Code actions",
        limits="Refactorings: Python; of imports and constants TypeScript and JavaScript too.",
    ),
    Route(types.CODE_ACTION_RESOLVE, "code_action.resolve"),
    Route(
        types.TEXT_DOCUMENT_DIAGNOSTIC,
        "diagnostic.diagnostic",
        "diagnostic_provider",
        lambda client: _where(
            client.text_document and client.text_document.diagnostic,
            types.DiagnosticOptions(
                inter_file_dependencies=True, workspace_diagnostics=False, identifier="devflow"
            ),
        ),
        feature="diagnostics",
        empty=types.RelatedFullDocumentDiagnosticReport([]),
        title="Diagnostics",
        limits="Outside Python syntax, secrets and duplicates; in C and C++ of syntax only brackets.",
    ),
    Route(
        types.WORKSPACE_EXECUTE_COMMAND,
        "execute_command.execute_command",
        "execute_command_provider",
        lambda client: types.ExecuteCommandOptions(list(COMMANDS)),
    ),
)


def _where(client: object, options: Any) -> Any:
    """`options` where the client knows the method, else nothing."""
    return options if client is not None else None


def _coloured(client: object) -> types.SemanticTokensOptions | None:
    if client is None:
        return None
    from devflow.analysis.semantic_tokens import MODIFIERS, TYPES

    legend = types.SemanticTokensLegend(list(TYPES), list(MODIFIERS))
    return types.SemanticTokensOptions(legend, range=True, full=types.SemanticTokensFullDelta(delta=True))


def _prepared(client: types.TextDocumentClientCapabilities | None) -> types.RenameOptions | bool:
    renames = client.rename if client else None
    return types.RenameOptions(prepare_provider=True) if renames and renames.prepare_support else True


def _literal(client: types.TextDocumentClientCapabilities | None) -> types.CodeActionOptions | bool:
    actions = client.code_action if client else None
    if not (actions and actions.code_action_literal_support):
        return True
    kinds: list[types.CodeActionKind | str] = [
        types.CodeActionKind.QuickFix,
        types.CodeActionKind.Refactor,
        types.CodeActionKind.RefactorExtract,
        types.CodeActionKind.RefactorInline,
        types.CodeActionKind.RefactorRewrite,
        types.CodeActionKind.SourceOrganizeImports,
        "source.removeUnusedImports",
        "source.addMissingImports",
    ]
    return types.CodeActionOptions(
        code_action_kinds=kinds, resolve_provider=True if actions.resolve_support else None
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
        notebook_document_sync=_where(
            client.notebook_document,
            types.NotebookDocumentSyncOptions(
                [
                    types.NotebookDocumentFilterWithCells(
                        [types.NotebookCellLanguage("python")], notebook="jupyter-notebook"
                    ),
                    types.NotebookDocumentFilterWithCells(
                        [types.NotebookCellLanguage("python")], notebook="*"
                    ),
                ]
            ),
        ),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            ),
            file_operations=types.FileOperationOptions(
                did_create=every_file,
                did_rename=every_file,
                did_delete=every_file,
                will_rename=every_file if features.rename else None,
            ),
        ),
        **announced,
    )
