"""Commands on folders that belong to another user: one sentence, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 65534
pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """`locked` is root's alone, `open` is everybody's."""
    for each in tmp_path.parents:
        if "pytest" in str(each):
            each.chmod(0o755)
    tmp_path.chmod(0o755)
    (tmp_path / "locked").mkdir(mode=0o700)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.py").write_text("def one(): ...\n")
    (tmp_path / "open" / "inner").mkdir(mode=0o700)
    (tmp_path / "open").chmod(0o755)
    (tmp_path / "cache").mkdir(mode=0o777)
    (tmp_path / "cache").chmod(0o777)
    return tmp_path


def as_nobody(cache: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of `devflow` run by another user, and all it printed."""
    own = cache.parent / "own"
    (own / "a.py").parent.mkdir(exist_ok=True)
    (own / "a.py").write_text("def one(): ...\n")
    (own / "devflow.toml").write_text("[index]\nvectors = false\n")
    (cache.parent / "open" / "devflow.toml").write_text("[index]\nvectors = false\n")
    warm = [["index", str(own)], ["search", "--root", str(own), "one"], ["doctor", "--index", str(own)]]
    code = (
        "import contextlib, io, os, sys\n"
        "from devflow.server.cli import main\n"
        # Once as root: this Python may lie where nobody else can import from.
        "told = os.environ.pop('XDG_CACHE_HOME')\n"
        f"os.environ['XDG_CACHE_HOME'] = {str(own)!r}\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        f"    for each in {warm!r}: main(each)\n"
        "os.environ['XDG_CACHE_HOME'] = told\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"sys.exit(main({list(arguments)!r}))\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "HOME": str(cache), "COLUMNS": "500"}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=cache.parent / "open"
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["index", "locked"], ["index", "locked/inner"], ["search", "--root", "locked", "x"]],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_read_is_a_sentence(folders: Path, arguments: list[str]) -> None:
    given = [str(folders / each) if "locked" in each else each for each in arguments]
    status, said = as_nobody(folders / "cache", *given)
    assert "Traceback" not in said
    assert (status, "cannot be read (Permission denied)" in said) == (2, True), said


def test_a_locked_folder_inside_is_left_out(folders: Path) -> None:
    status, said = as_nobody(folders / "cache", "index", str(folders / "open"))
    assert (status, "1 unreadable" in said, "2 files" in said) == (0, True, True), said


@pytest.mark.parametrize("command", [["search", "one", "--root"], ["doctor", "--index"], ["index"]])
def test_a_cache_of_another_user_s_is_a_sentence(folders: Path, command: list[str]) -> None:
    status, said = as_nobody(folders / "locked", *command, str(folders / "open"))
    assert "Traceback" not in said
    assert ("XDG_CACHE_HOME" in said, status != 0) == (True, True), said
