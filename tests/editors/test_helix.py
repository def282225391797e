"""The real Helix reads our configuration and finds the server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devflow.server.commands import setup
from support import editors

pytestmark = pytest.mark.editor


@pytest.mark.parametrize("language", ["python", "typescript", "c-sharp", "ruby"])
def test_health_names_devflow_and_finds_its_program(
    language: str, own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helix = editors.find("hx")
    program = tmp_path / "bin/devflow-lsp"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr("sys.executable", str(program.with_name("python")))
    for target in setup._helix(None).targets:
        target.path.parent.mkdir(parents=True)
        target.path.write_text(target.text)
    health = re.sub(r"\x1b\[[0-9;]*m", "", helix.run("--health", language).stdout)
    assert f"✓ devflow: {program}" in health
