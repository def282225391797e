from __future__ import annotations

import argparse

import pytest

from devflow.server.commands import eval as eval_command


def test_results_say_the_command_that_made_them_but_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(eval_command.SETS, raising=False)
    parser = argparse.ArgumentParser()
    eval_command.configure(parser)
    told = eval_command.about(parser.parse_args(["retrieval", "--sets", "/secret", "--only", "doc comment"]))
    assert told.startswith("`devflow eval retrieval --sets FOLDER --only 'doc comment'` on 20")
    assert "secret" not in told
