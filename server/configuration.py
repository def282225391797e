"""Where a session's settings come from: what `initialize` brought, what the editor says, the files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from devflow.server.errors import RequestFailed
from devflow.server.settings import Settings
from devflow.server.sources import load

if TYPE_CHECKING:
    from devflow.server.app import DevFlowServer

log = logging.getLogger(__name__)

_ANSWERS_WITHIN = 5.0
"""Seconds an editor has to answer `workspace/configuration`."""


class Configuration:
    """The editor's part of the settings, and the way to all of them."""

    def __init__(self, client: DevFlowServer) -> None:
        self._client = client
        self._initialization: Mapping[str, Any] = {}
        self._editor: Mapping[str, Any] = {}

    def initialize(self, options: object) -> None:
        """Take the `initializationOptions`."""
        self._initialization = _section(options)

    def set(self, values: object) -> None:
        """Take what `didChangeConfiguration` carried."""
        self._editor = _section(values)

    async def pull(self, client: types.ClientCapabilities) -> bool:
        """Ask the editor, where it can be asked; whether it answered."""
        workspace = client.workspace
        if not (workspace and workspace.configuration):
            return False
        asked = types.ConfigurationParams([types.ConfigurationItem(section="devflow")])
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                answer = await self._client.workspace_configuration_async(asked)
        except (RequestFailed, TimeoutError) as error:
            log.warning("the editor did not answer workspace/configuration: %s", error)
            return False
        self._editor = _section(answer[0] if answer else None)
        return True

    async def resolve(self, roots: Iterable[Path]) -> tuple[Settings, list[str]]:
        """The settings, and one sentence per problem."""
        return await asyncio.to_thread(load, tuple(roots), (self._initialization, self._editor))


def _section(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        inner = value.get("devflow")
        return inner if isinstance(inner, Mapping) and len(value) == 1 else value
    return {}
