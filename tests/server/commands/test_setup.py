"""`devflow setup`: our files are written, the user's are kept."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import pytest

from devflow.server.commands import setup


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    setup.configure(parser)
    return setup.run(parser.parse_args(words))


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed server in a folder with a space."""
    program = tmp_path / "a venv/bin/devflow-lsp"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setattr("sys.executable", str(program.with_name("python")))
    monkeypatch.delenv("NVIM_APPNAME", raising=False)
    return program


@pytest.fixture
def home(own_folders: Path) -> Path:
    return own_folders


def test_neovim_gets_a_plugin_that_it_loads_by_itself(home: Path, server: Path) -> None:
    assert run("neovim") == 0
    plugin = home / "data/nvim/site/pack/devflow/start/devflow"
    assert (plugin / "lsp/devflow.lua").is_file()
    assert (plugin / "plugin/devflow.lua").is_file()
    assert str(server) in (plugin / "lua/devflow_command.lua").read_text()


def test_a_second_run_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for editor in ("neovim", "emacs", "helix", "intellij"):
        run(editor)
        before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert run(editor, "--write") == 0
        assert "changed" not in capsys.readouterr().out
        assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == before


def test_printing_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for editor in ("neovim", "emacs", "helix", "intellij", "vscode"):
        assert run(editor, "--print") == 0
        assert "devflow" in capsys.readouterr().out
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_an_init_file_of_the_user_is_not_touched_without_write(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init = home / ".emacs"
    init.write_text("(setq mine t)\n")
    assert run("emacs") == 0
    assert init.read_text() == "(setq mine t)\n"
    assert "(add-to-list 'load-path" in capsys.readouterr().out


def test_with_write_the_init_file_keeps_its_text_and_a_back_up(home: Path, server: Path) -> None:
    init = home / ".emacs"
    init.write_text("(setq mine t)")
    assert run("emacs", "--write") == 0
    assert init.read_text().startswith("(setq mine t)\n\n;; >>> devflow >>>")
    assert str(server) in init.read_text()
    assert (home / ".emacs.devflow-backup").read_text() == "(setq mine t)"


def test_a_moved_server_replaces_only_our_block(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = home / ".emacs"
    init.write_text("(first)\n")
    run("emacs", "--write")
    init.write_text(init.read_text() + "(last)\n")
    moved = tmp_path / "elsewhere/devflow-lsp"
    moved.parent.mkdir()
    moved.touch()
    monkeypatch.setattr("sys.executable", str(moved.with_name("python")))
    assert run("emacs", "--write") == 0
    text = init.read_text()
    assert text.startswith("(first)\n")
    assert text.endswith("(last)\n")
    assert text.count(">>> devflow >>>") == 1
    assert str(moved) in text


def test_a_link_to_the_init_file_stays_a_link(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles-emacs"
    real.write_text("(mine)\n")
    (home / ".emacs").symlink_to(real)
    assert run("emacs", "--write") == 0
    assert (home / ".emacs").is_symlink()
    assert "devflow" in real.read_text()


def test_emacs_reads_the_xdg_folder_when_there_is_no_other(home: Path) -> None:
    assert run("emacs") == 0
    assert (home / "config/emacs/init.el").is_file()
    assert (home / "config/emacs/devflow/devflow.el").is_file()


def test_helix_without_a_configuration_gets_one(home: Path, server: Path) -> None:
    assert run("helix") == 0
    written = tomllib.loads((home / "config/helix/languages.toml").read_text())
    assert written["language-server"]["devflow"]["command"] == str(server)
    assert written["language-server"]["devflow"]["args"] == []


def test_helix_languages_of_the_user_are_left_as_they_are(home: Path) -> None:
    file = home / "config/helix/languages.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[[language]]\nname = "python"\nlanguage-servers = ["mine"]\n')
    assert run("helix", "--write") == 0
    written = tomllib.loads(file.read_text())
    [python] = [entry for entry in written["language"] if entry["name"] == "python"]
    assert python["language-servers"] == ["mine"]
    assert {"go", "rust", "ruby"} <= {entry["name"] for entry in written["language"]}
    assert "language-servers of: python" in file.read_text()


@pytest.mark.parametrize("broken", ["[[language]\n", "language-server = { mine = { command = 'x' } }\n"])
def test_a_helix_file_that_cannot_be_added_to_is_left_alone(
    home: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "config/helix/languages.toml"
    file.parent.mkdir(parents=True)
    file.write_text(broken)
    assert run("helix", "--write") == 1
    assert file.read_text() == broken
    assert "languages.toml" in capsys.readouterr().err


def test_our_file_that_the_user_changed_is_shown_as_a_diff_and_backed_up(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("neovim")
    plugin = home / "data/nvim/site/pack/devflow/start/devflow/plugin/devflow.lua"
    plugin.write_text("-- mine\n")
    capsys.readouterr()
    assert run("neovim") == 0
    assert plugin.read_text() == "-- mine\n"
    assert "--- yours" in capsys.readouterr().out
    assert run("neovim", "--write") == 0
    assert plugin.with_name("devflow.lua.devflow-backup").read_text() == "-- mine\n"


def test_intellij_gets_a_template_with_the_path_in_it(tmp_path: Path, server: Path) -> None:
    folder = tmp_path / "template"
    assert run("intellij", "--path", str(folder)) == 0
    template = json.loads((folder / "template.json").read_text())
    assert template["programArgs"] == {"default": f'"{server}"'}
    assert (folder / "README.md").is_file()
    assert (folder / "settings.schema.json").is_file()


def test_vs_code_is_told_the_settings(server: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("vscode") == 0
    told = capsys.readouterr().out
    assert json.dumps(str(server)) in told
    assert "--install-extension" in told


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    assert run("helix", "--path", str(blocker / "helix")) == 1
    assert capsys.readouterr().err.count("\n") == 1
