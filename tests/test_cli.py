"""The command line: arguments in, one clear sentence out."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from devflow.server import cli
from devflow.server.workers import type_programs

needs_ty = pytest.mark.skipif(type_programs.find({})[0] is None, reason="ty is not installed (extra `fast`)")


def status_of(argv: list[str], *, server: bool = False) -> int:
    with pytest.raises(SystemExit) as caught:
        (cli.serve if server else cli.main)(argv)
    return int(caught.value.code or 0)


def test_the_server_refuses_an_address_that_others_can_reach(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--tcp", "0.0.0.0:7000"], server=True) == 2
    assert "no authentication" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_address_without_a_port_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--ws", address], server=True) == 2
    assert "HOST:PORT" in capsys.readouterr().err


def test_an_empty_host_means_loopback_not_every_interface() -> None:
    assert cli._address(":7000") == ("127.0.0.1", 7000)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["search", "x", "--root", str(tmp_path / "gone")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["doctor"], ["route", "--explain", "x"], ["experiments"]])
def test_in_a_folder_that_was_deleted_a_command_says_so(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert status_of(command) == 2
    assert "'.' cannot be read (No such file or directory)" in capsys.readouterr().err


def test_doctor_prints_what_is_installed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--environment", "--json", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"Python", "pygls", "SQLite"} <= {check["name"] for check in report["checks"]}


@pytest.mark.parametrize("engine", ["jedi", pytest.param("ty", marks=needs_ty)])
def test_doctor_asks_the_type_engine_and_says_which_it_is(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "devflow.toml").write_text(f'[python]\nengine = "{engine}"\n')
    assert cli.main(["doctor", "--environment", "--json", str(tmp_path)]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    version = importlib.metadata.version(engine)
    assert checks["type engine"]["state"] == "ok"
    assert checks["type engine"]["detail"].startswith(f"{engine} {version} answers (")


def test_doctor_says_what_to_install_for_the_faster_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type_programs, "NEWEST", (0, 0, 0))  # as if the one installed were too new
    assert cli.main(["doctor", "--environment", "--json", str(tmp_path)]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["type engine"]["detail"].startswith("jedi ")
    assert "pip install 'devflow-lsp[fast]'" in checks["type engine"]["detail"]


def test_doctor_names_the_faults_of_a_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "devflow.toml").write_text("[completion]\ndeadlin_ms = 3\n")
    assert cli.main(["doctor", "--environment", str(tmp_path)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "line 2" in printed
    assert "deadline_ms" in printed


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A workspace whose names and code look like the markup of a terminal library."""
    root = tmp_path / "br[ack]ets"
    (root / "[/x]").mkdir(parents=True)
    (root / "[/x]" / "[id].py").write_text('def bracket_handler(a): return ":dog:[/b]\x1b[31m"\n')
    return root


def test_search_shows_names_and_code_as_they_are(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["search", "bracket handler", "--root", str(odd)]) == 0
    printed = capsys.readouterr().out
    assert "[/x]/[id].py:1" in printed
    assert 'return ":dog:[/b]\ufffd[31m"' in printed


def test_brackets_in_arguments_and_folders_are_shown_as_they_are(
    odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["search", "x", "--root", "/nowhere/[/x]"]) == 2
    assert "/nowhere/[/x]" in capsys.readouterr().err
    assert cli.main(["search", "nothing[/y]likethis", "--root", str(odd)]) == 1
    assert "nothing[/y]likethis" in capsys.readouterr().err
    assert cli.main(["review", "[/x]/none.py", "--root", str(odd)]) == 2
    assert "[/x]/none.py" in capsys.readouterr().err
    assert cli.main(["index", str(odd)]) == 0
    assert f"{odd}: ready" in capsys.readouterr().out
    assert cli.main(["demo", "/nowhere/[/x]"]) == 2
    assert "/nowhere/[/x]" in capsys.readouterr().out


def test_review_says_which_files_it_could_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bytes.py").write_bytes(b"x = '\xff\xfe\xfd'\n")
    assert cli.main(["review", str(tmp_path / "bytes.py"), "--root", str(tmp_path)]) == 2
    assert "bytes.py was not reviewed" in capsys.readouterr().err


def test_review_takes_folders_and_passes_over_what_is_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app/wrong.py").write_text("print(nothing_makes_it)\n", "utf-8")
    (tmp_path / "app/table.csv").write_text("a,b\n", "utf-8")
    (tmp_path / "other.py").write_text("print(nor_this)\n", "utf-8")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert cli.main(["review", "app", "app/wrong.py", "--root", "."]) == 1
    told = capsys.readouterr()
    assert [line.split(": ")[0] for line in told.out.splitlines()] == ["app/wrong.py:1:7"]
    assert "table.csv" not in told.err
    assert cli.main(["review", "logo.png", "--root", "."]) == 0
    assert "logo.png was not reviewed: its language is not known" in capsys.readouterr().err
    assert cli.main(["review", "."]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_where_nothing_is_wrong_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fine.py").write_text("print(1)\n", "utf-8")
    assert cli.main(["review", str(tmp_path), "--root", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_answer_into_a_pipe_is_markdown_unwrapped(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ask", "where is the bracket handler?", "--root", str(odd)]) == 0
    assert "```" in capsys.readouterr().out


def test_the_exit_code_of_ask_says_whether_there_is_an_answer(
    odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ask", "qqzzx wwvvk", "--root", str(odd)]) == 1
    assert "Nothing in the index matches" in capsys.readouterr().out
    assert cli.main(["ask", "  ", "--root", str(odd)]) == 2
    assert cli.main(["ask", "where?", "--root", str(odd / "nowhere")]) == 2


def test_doctor_says_when_no_index_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert cli.main(["doctor", "--index", "--json", str(tmp_path)]) == 1
    [problem] = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["state"] == "problem"]
    assert "cannot be written" in problem["detail"]
