"""What the server says to its user: a sentence on the screen, a line in the editor's log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from devflow.server.app import DevFlowServer

TELL_AGAIN = 600.0
"""Seconds before the same sentence is shown to the user again."""


class Messages:
    """Says nothing twice in a row, and nothing once it is `silent`."""

    def __init__(self, client: DevFlowServer) -> None:
        self.silent = False
        self._client = client
        self._told: dict[str, float] = {}

    def tell(self, sentence: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """Show one sentence; the same one again only after ten minutes."""
        now = time.monotonic()
        if self.silent or now - self._told.get(sentence, -TELL_AGAIN) < TELL_AGAIN:
            return
        self._told[sentence] = now
        self._client.window_show_message(types.ShowMessageParams(kind, sentence))

    def note(self, sentence: str) -> None:
        """Put one sentence into the editor's log, once."""
        if sentence not in self._told and not self.silent:
            self._told[sentence] = time.monotonic()
            self._client.window_log_message(types.LogMessageParams(types.MessageType.Info, sentence))
