"""A small document, and what a client would ask about it, for each method."""

from __future__ import annotations

from typing import Any

SECRET = "xyzzy_plugh"
"""A name that stands only in the document."""
SOURCE = f'''def {SECRET}(width):
    """{SECRET} in words."""
    return width


{SECRET}(1, 2)


def plain(size):
    return size


class Box: ...
box = Box()
# https://example.org/
'''


def params(method: str, uri: str) -> Any:
    """What a client would send about the call in the document's last line."""
    named = {"uri": uri}
    start = {"line": 5, "character": 3}
    at = {"textDocument": named, "position": start}
    name = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 15}}
    item = {"name": SECRET, "kind": 12, "uri": uri, "range": name, "selectionRange": name}
    return {
        "textDocument/completion": at,
        "completionItem/resolve": {"label": SECRET, "data": {"uri": uri, **start}},
        "textDocument/inlineCompletion": {**at, "context": {"triggerKind": 2}},
        "textDocument/copilotInlineEdit": at,
        "textDocument/hover": at,
        "textDocument/signatureHelp": {**at, "position": {"line": 5, "character": 12}},
        "textDocument/definition": at,
        "textDocument/declaration": at,
        "textDocument/typeDefinition": {**at, "position": {"line": 12, "character": 0}},
        "textDocument/implementation": at,
        "textDocument/documentHighlight": at,
        "textDocument/codeLens": {"textDocument": named},
        "codeLens/resolve": {"range": name, "data": {"uri": uri, "of": "callers"}},
        "textDocument/documentLink": {"textDocument": named},
        "textDocument/prepareCallHierarchy": at,
        "callHierarchy/incomingCalls": {"item": item},
        "callHierarchy/outgoingCalls": {"item": item},
        "textDocument/prepareTypeHierarchy": {**at, "position": {"line": 12, "character": 8}},
        "typeHierarchy/supertypes": {"item": item},
        "typeHierarchy/subtypes": {"item": item},
        "textDocument/references": {**at, "context": {"includeDeclaration": True}},
        "textDocument/documentSymbol": {"textDocument": named},
        "textDocument/foldingRange": {"textDocument": named},
        "textDocument/selectionRange": {"textDocument": named, "positions": [start]},
        "textDocument/semanticTokens/full": {"textDocument": named},
        "textDocument/semanticTokens/full/delta": {"textDocument": named, "previousResultId": "none"},
        "textDocument/semanticTokens/range": {"textDocument": named, "range": name},
        "textDocument/inlayHint": {"textDocument": named, "range": name},
        "workspace/symbol": {"query": SECRET},
        "textDocument/prepareRename": at,
        # Of a parameter: the uses of a function cannot be known without an index, and that is refused.
        "textDocument/rename": {**at, "position": {"line": 2, "character": 12}, "newName": "height"},
        "workspace/willRenameFiles": {"files": [{"oldUri": uri, "newUri": uri.replace("a.py", "b.py")}]},
        "textDocument/codeAction": {
            "textDocument": named,
            "range": {"start": {"line": 8, "character": 5}, "end": {"line": 8, "character": 5}},
            "context": {"diagnostics": []},
        },
        "textDocument/diagnostic": {"textDocument": named},
        "workspace/executeCommand": {"command": "devflow.review", "arguments": [named]},
    }[method]
