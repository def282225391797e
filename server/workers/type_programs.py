"""Which type server is installed beside us, how it is started and what it is told of itself.

Only the one installed with the running interpreter counts: a program of that name in the workspace or on
PATH is somebody else's. It sees little of the environment, and no PATH: it can start nothing by name.
"""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devflow.server.workers.rpc import Program

TY = "ty"
OLDEST, NEWEST = (0, 0, 100), (0, 1, 0)
"""Versions of ty that speak as we expect: from the first, before the second."""
OPTIONS: dict[str, Any] = {
    "diagnosticMode": "off",
    "completions": {"autoImport": False},
    "inlayHints": {"variableTypes": True, "callArgumentNames": False},
}
"""What ty is told of itself. What is not imported yet the index names, and faster."""
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-32", "utf-8", "utf-16"]},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "textDocument": {
        "completion": {"completionItem": {"documentationFormat": ["plaintext"]}},
        "hover": {"contentFormat": ["plaintext"]},
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["plaintext"],
                "parameterInformation": {"labelOffsetSupport": True},
                "activeParameterSupport": True,
            }
        },
        "inlayHint": {},
    },
}
"""What we claim to understand as a client."""
_PASSED_ON = frozenset(
    (
        "HOME", "USERPROFILE", "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP", "TMPDIR",
        "XDG_CACHE_HOME", "LANG", "LC_ALL",
    )
)  # fmt: skip


def find(environment: Mapping[str, str], scripts: Path | None = None) -> tuple[Program | None, str]:
    """How to start ty, or None and why not. Reads the disk: not for the event loop."""
    import importlib.metadata  # takes a while, and who has chosen jedi never asks

    try:
        version = importlib.metadata.version(TY)
    except importlib.metadata.PackageNotFoundError:
        return None, "ty, the faster one, is not installed; pip install 'devflow-lsp[fast]' adds it"
    if not OLDEST <= _numbers(version) < NEWEST:
        return None, f"ty {version} is not one that DevFlow knows; pip install 'devflow-lsp[fast]' mends it"
    program = (scripts or Path(sysconfig.get_path("scripts"))) / f"{TY}{'.exe' if os.name == 'nt' else ''}"
    if not program.is_file() or not os.access(program, os.X_OK):
        return None, f"ty {version} is installed, but {program} is not a program"
    seen = {name: value for name, value in environment.items() if name.upper() in _PASSED_ON}
    return Program((str(program), "server"), {**seen, "PATH": "", "TY_MAX_PARALLELISM": "2"}), f"ty {version}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])
