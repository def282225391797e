"""The real VS Code in a real browser: ghost text appears, is accepted by the word and whole, and vanishes;
the next edit leads into another file, is made and sent away; the palette says why, and snoozes;
a notebook's cell is told what it does wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import editors
from support.patience import HANGS
from support.vsix import build_vsix

pytestmark = pytest.mark.editor

DRIVER = Path(__file__).with_name("drive_vscode.mjs")
SHAPES = 'def rectangle_area(width, height):\n    """Area."""\n    return width * height\n'
FUNCTION = "def {}(shape):\n    width, height = shape.size\n    return "
CALL = "rectangle_area(width, height)"
MAIN = "\n\n\n".join(
    [
        "from shapes import rectangle_area",
        FUNCTION.format("small") + CALL,
        FUNCTION.format("middle") + CALL,
        FUNCTION.format("large"),
    ]
)
ROWS = "def load(name):\n    return name\n"
USE = (
    "from rows import load\n\n\ndef run(strict):\n    return load('a')\n"
    "\n\ndef again(strict):\n    return load('b')\n"
)
CELLS = {
    "cells": [
        {
            "cell_type": "code",
            "id": "one",
            "metadata": {"vscode": {"languageId": "python"}},
            "source": ["nobody_defines_this\n"],
            "outputs": [],
            "execution_count": None,
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
SETTINGS = {
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "files.insertFinalNewline": False,
    "editor.quickSuggestions": {"other": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.formatOnSave": False,
    "editor.trimAutoWhitespace": False,
}


@dataclass(frozen=True, slots=True)
class CodeServer:
    """VS Code behind an address."""

    address: str
    file: Path


@pytest.fixture(scope="module")
def libraries() -> Path:
    """Where code-server and playwright-core are installed; the test is skipped where they are not."""
    folder = Path(os.environ.get("DEVFLOW_CODE_SERVER") or editors.folder() / "code-server") / "node_modules"
    if not (folder / "code-server/out/node/entry.js").exists() or not (folder / "playwright-core").is_dir():
        pytest.skip(f"code-server is not in {folder}; `tests/editors/install_vscode.sh` installs it")
    if not shutil.which("chromium") or not shutil.which("node"):
        pytest.skip("Chromium and Node are needed to drive VS Code")
    return folder.absolute()


@pytest.fixture
def code_server(libraries: Path, tmp_path: Path) -> Iterator[CodeServer]:
    vsix = build_vsix(tmp_path / "build")
    server = tmp_path / "devflow-lsp"
    words = " ".join(f"'{word}'" for word in editors.server_command())
    environment = " ".join(f"{name}='{value}'" for name, value in editors.server_environment().items())
    server.write_text(f'#!/bin/sh\nexec env {environment} {words} "$@"\n')
    server.chmod(0o755)
    data, extensions, workspace = tmp_path / "data", tmp_path / "extensions", tmp_path / "work"
    (data / "User").mkdir(parents=True)
    (data / "User/settings.json").write_text(json.dumps({**SETTINGS, "devflow.path": str(server)}))
    workspace.mkdir()
    (workspace / "shapes.py").write_text(SHAPES)
    (workspace / "main.py").write_text(MAIN)
    (workspace / "rows.py").write_text(ROWS)
    (workspace / "use.py").write_text(USE)
    (workspace / "cells.ipynb").write_text(json.dumps(CELLS))
    entry = str(libraries / "code-server/out/node/entry.js")
    where = ["--user-data-dir", str(data), "--extensions-dir", str(extensions)]
    subprocess.run(["node", entry, *where, "--install-extension", str(vsix)], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    quiet = [
        "--auth",
        "none",
        "--disable-telemetry",
        "--disable-update-check",
        "--bind-addr",
        f"127.0.0.1:{port}",
    ]
    process = subprocess.Popen(
        ["node", entry, *quiet, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        editors.until(lambda: _answers(address), "VS Code's page")
        yield CodeServer(f"{address}/?folder={workspace}", workspace / "main.py")
    finally:
        process.terminate()
        process.wait(HANGS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=30):
            return True
    except (urllib.error.URLError, OSError):
        return False


def test_ghost_text_and_the_next_edit_appear_are_accepted_and_vanish_and_the_palette_snoozes(
    libraries: Path, code_server: CodeServer
) -> None:
    chromium = shutil.which("chromium")
    assert chromium
    done = subprocess.run(
        ["node", str(DRIVER), code_server.address, chromium, str(code_server.file), str(libraries)],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.stdout, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert "error" not in seen, seen
    assert seen["shown"].startswith("rectangle_area")
    assert seen["word"].endswith("return rectangle_area")
    assert seen["whole"].endswith(f"return {CALL}")
    assert seen["vanished"]
    assert seen["jump"] == "use.py:5"
    assert seen["edit"] == "line 5"
    assert "strict" in seen["drawn"]
    assert seen["made"] == USE.replace("load('a')", "load('a', strict)")
    assert seen["second"] == "line 9"
    assert seen["left"] == seen["made"]
    assert seen["why"]
    assert seen["snoozed"]
    assert seen["cell"]
