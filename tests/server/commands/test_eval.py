from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from devflow.server.commands import eval as eval_command


def test_results_say_the_command_that_made_them_but_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(eval_command.SETS, raising=False)
    parser = argparse.ArgumentParser()
    eval_command.configure(parser)
    told = eval_command.about(parser.parse_args(["retrieval", "--sets", "/secret", "--only", "doc comment"]))
    assert told.startswith("`devflow eval retrieval --sets FOLDER --only 'doc comment'` on 20")
    assert "secret" not in told


def test_ghost_text_is_measured_on_a_package_and_its_restraint_without_any_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(eval_command.SETS, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for n in range(2):
        body = "".join(f"def area_{k}(width, height):\n    return width * height\n\n\n" for k in range(12))
        (tmp_path / f"shapes{n}.py").write_text(body, "utf-8")
    parser = argparse.ArgumentParser()
    eval_command.configure(parser)
    arguments = ["inline", "--package", str(tmp_path), "--places", "6", "--out", str(tmp_path / "told")]
    assert eval_command.run(parser.parse_args(arguments)) == 0
    out = capsys.readouterr().out
    assert f"| {tmp_path.name}, lines |" in out
    assert re.search(r"quiet rate (0\.9|1\.)", out)
    assert (tmp_path / "told.md").read_text("utf-8") == out
