"""`devflow doctor --index` on a real index."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from devflow.retrieval.store import DATABASE, index_directory
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
    assert ("left out", "2 secret: .env, key.txt") in told
    assert ("left out", "1 binary: b.bin.py") in told
    assert [check["paths"] for check in checks if check["detail"].startswith("2 secret")] == [
        [".env", "key.txt"]
    ]
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


def test_of_many_files_left_out_some_are_named_and_all_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abcde":
        (tmp_path / f"{name}.min.js").write_text("x\n")
    assert main(["index", str(tmp_path)]) == 0
    capsys.readouterr()
    main(["doctor", "--index", "--json", str(tmp_path)])
    [check] = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["paths"]]
    assert check["detail"] == "5 minified: a.min.js, b.min.js, c.min.js … and 2 more"
    assert check["paths"] == [f"{name}.min.js" for name in "abcde"]


def test_an_index_that_was_cut_off_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    main(["index", str(tmp_path)])
    with contextlib.closing(sqlite3.connect(index_directory(tmp_path) / DATABASE)) as store:
        store.execute("UPDATE meta SET value = 'indexing' WHERE key = 'state'")
        store.commit()
    capsys.readouterr()
    main(["doctor", "--index", "--json", str(tmp_path)])
    [error] = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["name"] == "last error"]
    assert "was cut off" in error["detail"]
