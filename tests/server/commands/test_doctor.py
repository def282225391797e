"""`devflow doctor --index` on a real index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devflow.server.cli import main


def test_it_tells_how_far_what_was_left_out_why_and_how_large(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("def one(): ...\n")
    (tmp_path / ".env").write_text("TOKEN=x\n")
    (tmp_path / "key.txt").write_text("-----BEGIN PRIVATE KEY-----\nMII\n")
    (tmp_path / "b.bin.py").write_bytes(b"\0\1\2")
    assert main(["index", str(tmp_path)]) == 0
    capsys.readouterr()
    main(["doctor", "--index", "--json", str(tmp_path)])
    checks = json.loads(capsys.readouterr().out)["checks"]
    told = {(check["name"], check["detail"]) for check in checks}
    assert ("progress", "100 %: 1 of 1 files") in told
    assert ("left out", "2 secret") in told
    assert ("left out", "1 binary") in told
    assert ("last error", "none") in told
    names = {check["name"] for check in checks}
    assert {"vectors", "last walk", "sizes", "folder"} <= names


def test_a_workspace_without_an_index_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", "--index", str(tmp_path)])
    assert "empty" in capsys.readouterr().out


def test_the_models_section_tells_faults_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "devflow.toml").write_text("[models]\nlocal_only = 'true'\n")
    assert main(["doctor", "--models", "--json", str(tmp_path)]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert any("'models.local_only' should be true or false" in check["detail"] for check in checks)
