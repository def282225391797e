"""Three editors' capabilities, and a client that shows every message to the checker."""

from __future__ import annotations

import json
from typing import Any

from lsprotocol import types
from lsprotocol.converters import get_converter
from pytest_lsp import LanguageClientProtocol, client_capabilities

from support.checker import Checker

_TODAY: dict[str, dict[str, Any]] = {
    # What the editors' current versions add to the versions pytest-lsp knows.
    "visual-studio-code": {
        "general": {"positionEncodings": ["utf-16"]},
        "textDocument": {
            "inlineCompletion": {"dynamicRegistration": True},
            "diagnostic": {"dynamicRegistration": True, "relatedDocumentSupport": False},
        },
        "workspace": {"diagnostics": {"refreshSupport": True}},
    },
    "neovim": {"textDocument": {"inlineCompletion": {"dynamicRegistration": False}}},
    "emacs": {},
}
PROFILES = tuple(_TODAY)


class CheckedProtocol(LanguageClientProtocol):
    """Shows the checker every message as it is on the wire."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.checker = Checker()

    def structure_message(self, data: dict[str, Any]) -> Any:
        if "jsonrpc" in data:
            self.checker.received(json.loads(json.dumps(data)))
        return super().structure_message(data)

    def _send_data(self, data: Any) -> None:
        self.checker.sent(json.loads(json.dumps(data, default=self._serialize_message)))
        super()._send_data(data)


def capabilities(profile: str) -> types.ClientCapabilities:
    """What the editor says it can do."""
    known = get_converter().unstructure(client_capabilities(profile))
    for section, more in _TODAY[profile].items():
        known[section] = {**known.get(section, {}), **more}
    return get_converter().structure(known, types.ClientCapabilities)
