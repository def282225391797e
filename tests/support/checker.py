"""Watches one conversation: every request id gets exactly one reply, and what the server sends is
strictly valid LSP 3.18.

Strict means: the message survives lsprotocol's types and back unchanged, so there is no unknown
property, no missing one, no `null` where a property has to be left out, no number written as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lsprotocol import types
from lsprotocol.converters import get_converter

_EARLY = {
    types.WINDOW_SHOW_MESSAGE,
    types.WINDOW_LOG_MESSAGE,
    types.TELEMETRY_EVENT,
    types.WINDOW_SHOW_MESSAGE_REQUEST,
}
"""All a server may send before it has answered `initialize`."""
_CAPABILITY = {
    types.WINDOW_WORK_DONE_PROGRESS_CREATE: ("window", "workDoneProgress"),
    types.WINDOW_SHOW_DOCUMENT: ("window", "showDocument", "support"),
    types.WORKSPACE_APPLY_EDIT: ("workspace", "applyEdit"),
    types.WORKSPACE_CONFIGURATION: ("workspace", "configuration"),
    types.WORKSPACE_DIAGNOSTIC_REFRESH: ("workspace", "diagnostics", "refreshSupport"),
    types.WORKSPACE_WORKSPACE_FOLDERS: ("workspace", "workspaceFolders"),
}
"""Requests of the server and the client capability each of them needs."""


class Checker:
    """Give it every message of one conversation, then ask for `faults`."""

    def __init__(self) -> None:
        self._converter = get_converter()
        self._asked: dict[Any, str] = {}
        self._answered: dict[Any, int] = {}
        self._asked_by_server: set[Any] = set()
        self._tokens: set[Any] = set()
        self._offered: dict[Any, dict[str, Any]] = {}
        self._client: dict[str, Any] = {}
        self._initialized = False
        self._broken_frames = 0
        self._faults: list[str] = []
        self.checked = 0
        """Messages of the server that were looked at."""

    def sent(self, message: Any) -> None:
        """The client sent this; None for bytes that are no message."""
        if not isinstance(message, dict):
            self._broken_frames += 1
            return
        method = message.get("method")
        params = message.get("params")
        if method is not None and isinstance(message.get("id"), str | int):
            self._asked[message["id"]] = str(method)
            if isinstance(params, dict):
                self._tokens |= {params[k] for k in ("workDoneToken", "partialResultToken") if k in params}
            if method == types.INITIALIZE and isinstance(params, dict):
                self._offered[message["id"]] = params.get("capabilities") or {}

    def received(self, message: Any) -> None:
        """The server sent this."""
        self.checked += 1
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._fault("is no JSON-RPC 2.0 message", message)
        elif "method" in message:
            self._from_server(message)
        elif "id" in message:
            self._reply(message)
        else:
            self._fault("is neither request, notification nor response", message)

    def faults(self) -> list[str]:
        """Everything that was wrong, requests without exactly one reply included."""
        missing = [
            f"request {msg_id!r} ({method}) got {count} replies"
            for msg_id, method in self._asked.items()
            if (count := self._answered.get(msg_id, 0)) != 1
        ]
        return self._faults + missing

    def _from_server(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if not self._initialized and method not in _EARLY:
            self._fault("was sent before `initialize` was answered", message)
        if "id" in message:
            if message["id"] in self._asked_by_server:
                self._fault("uses an id again", message)
            self._asked_by_server.add(message["id"])
            needed = _CAPABILITY.get(method)
            if needed and not _has(self._client, needed):
                self._fault(f"needs the client capability {'.'.join(needed)}", message)
            if method == types.WINDOW_WORK_DONE_PROGRESS_CREATE:
                self._tokens.add(message["params"]["token"])
        if method == types.CLIENT_REGISTER_CAPABILITY:
            self._registrations(message)
        if method == types.PROGRESS and message["params"].get("token") not in self._tokens:
            self._fault("reports progress on a token nobody made", message)
        known = types.METHOD_TO_TYPES.get(method)
        if known is None:
            if not method.startswith("devflow/"):
                self._fault("has a method that LSP does not know", message)
            return
        self._strict(message, known[0])
        self._ranges(message)

    def _reply(self, message: dict[str, Any]) -> None:
        msg_id = message["id"]
        if msg_id is None:
            self._broken_frames -= 1
            if self._broken_frames < 0 or "error" not in message:
                self._fault("answers nothing", message)
        elif msg_id not in self._asked:
            self._fault("answers a request that was not made", message)
        self._answered[msg_id] = self._answered.get(msg_id, 0) + 1
        if "error" in message:
            self._error(message)
            return
        if message.keys() != {"jsonrpc", "id", "result"}:
            self._fault("is no response", message)
            return
        method = self._asked.get(msg_id, "")
        known = types.METHOD_TO_TYPES.get(method)
        if method == types.TEXT_DOCUMENT_CODE_ACTION:
            # lsprotocol takes every action that has a command for a bare command.
            for each in message["result"] or ():
                bare = isinstance(each.get("command"), str)
                self._strict(each, types.Command if bare else types.CodeAction)
        elif known is not None and known[1] is not None:
            self._strict(message, known[1])
            self._ranges(message)
        if method == types.INITIALIZE:
            self._initialized = True
            self._client = self._offered[msg_id]

    def _error(self, message: dict[str, Any]) -> None:
        error = message["error"]
        fits = (
            message.keys() == {"jsonrpc", "id", "error"}
            and isinstance(error, dict)
            and {"code", "message"} <= error.keys() <= {"code", "message", "data"}
            and type(error["code"]) is int
            and isinstance(error["message"], str)
            and error["message"]
        )
        if not fits:
            self._fault("is no error response", message)

    def _registrations(self, message: dict[str, Any]) -> None:
        sections = {"workspace": "workspace", "textDocument": "textDocument"}
        for registration in message["params"]["registrations"]:
            section, _, name = registration["method"].partition("/")
            path = (sections.get(section, section), name, "dynamicRegistration")
            if not _has(self._client, path):
                self._fault(f"needs the client capability {'.'.join(path)}", message)

    def _strict(self, message: dict[str, Any], kind: Any) -> None:
        try:
            known = self._converter.unstructure(self._converter.structure(message, kind))
            again = json.loads(json.dumps(known))
        except Exception as error:  # noqa: BLE001 - the converter raises anything
            self._fault(f"does not fit {kind.__name__} ({type(error).__name__}: {error})", message)
            return
        # lsprotocol drops a null id or result; both are part of the message.
        for key in ("id", "result", "params"):
            if key in message and message[key] is None:
                again.setdefault(key, None)
        for difference in _differences(message, again, ""):
            self._fault(difference, message)

    def _ranges(self, value: Any) -> None:
        if isinstance(value, dict):
            match value:
                case {
                    "start": {"line": int(line), "character": int(character)},
                    "end": {"line": int(last), "character": int(behind)},
                } if (line, character) > (last, behind):
                    self._fault("has a range that runs backwards", value)
            for each in value.values():
                self._ranges(each)
        elif isinstance(value, list):
            for each in value:
                self._ranges(each)

    def _fault(self, what: str, message: Any) -> None:
        self._faults.append(f"{what}: {str(message)[:400]}")


def _has(client: dict[str, Any], path: tuple[str, ...]) -> bool:
    value: Any = client
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return bool(value)


def _differences(sent: Any, known: Any, at: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(known, dict):
        for key in sent.keys() - known.keys():
            yield f"{at}.{key} is not in LSP 3.18, or may not be null"
        for key in known.keys() - sent.keys():
            yield f"{at}.{key} is missing"
        for key in sent.keys() & known.keys():
            yield from _differences(sent[key], known[key], f"{at}.{key}")
    elif isinstance(sent, list) and isinstance(known, list | tuple) and len(sent) == len(known):
        for number, (one, other) in enumerate(zip(sent, known, strict=True)):
            yield from _differences(one, other, f"{at}[{number}]")
    elif sent != known or type(sent) is not type(known):
        yield f"{at} is {sent!r}, which LSP 3.18 reads as {known!r}"
