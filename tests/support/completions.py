"""Completion lists of snippets, with time enough for every source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devflow.server.assist.complete import Completions, complete
from devflow.server.settings import Completion
from support.codebase import Workspace, workspace

UNHURRIED = Completion(deadline_ms=5_000)


async def asked(space: Workspace, config: Completion = UNHURRIED) -> Completions:
    return await complete(space.doc, space.at, space.code, config)


async def labels(root: Path, snippet: str, path: str = "main.py", **options: Any) -> list[str]:
    async with workspace(root, snippet, path, **options) as space:
        return [item.label for item in (await asked(space)).items]
