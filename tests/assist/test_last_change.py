"""The last change is told, and nothing that a repository's configuration names is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devflow.server.assist.last_change import Change, last_change
from support.patience import HANGS
from support.repository import ENVIRONMENT, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "Begin")
    (tmp_path / "a.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 3\n")
    git(tmp_path, "commit", "-qam", "Let g return *three*")
    return tmp_path


async def test_each_definition_has_its_own_last_change(repository: Path) -> None:
    first, second = (
        await last_change(repository / "a.py", 0, 1),
        await last_change(repository / "a.py", 4, 5),
    )
    assert first is not None
    assert second is not None
    assert (first.subject, first.author) == ("Begin", "Ada")
    assert second.subject == "Let g return *three*"


async def test_what_git_does_not_know_has_none(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (repository / "new.py").write_text("x = 1\n")
    assert await last_change(repository / "new.py", 0, 0) is None
    elsewhere = tmp_path_factory.mktemp("plain") / "a.py"
    elsewhere.write_text("x = 1\n")
    assert await last_change(elsewhere, 0, 0) is None


def test_what_a_commit_says_is_shown_as_plain_text() -> None:
    change = Change("abc", "Eve [x](http://e)", "now", "`rm`\x1b[2J <script> " + "x" * 100)
    shown = change.markdown()
    assert r"\[x\]\(http://e\)" in shown
    assert "\x1b" not in shown
    assert "<script" not in shown.replace("\\<", "")
    assert len(shown) < 260


async def test_a_hostile_repository_runs_nothing(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    witness = tmp_path_factory.mktemp("witness") / "ran"
    program = repository / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {witness}\ncat 2>/dev/null\n')
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.gitProxy",
        "core.askPass",
        "core.editor",
        "diff.external",
        "gpg.program",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "credential.helper",
        "pager.log",
        "alias.log",
        "uploadpack.packObjectsHook",
        "remote.evil.uploadpack",
    ):
        git(repository, "config", key, str(program))
    missing = git(repository, "rev-parse", "HEAD~1:a.py")
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "core.hooksPath", str(repository))
    git(repository, "config", "extensions.partialClone", "evil")
    git(repository, "config", "remote.evil.promisor", "true")
    git(repository, "config", "remote.evil.url", f"ext::{program}")
    git(repository, "config", "protocol.ext.allow", "always")
    (repository / ".gitattributes").write_text("*.py diff=evil filter=evil\n")
    # Without our precautions git does run the programs: this test is awake.
    subprocess.run(  # noqa: ASYNC221
        ["git", "log", "-1", "-p", "--ext-diff"],
        cwd=repository,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=HANGS,
    )
    assert witness.exists()
    witness.unlink()
    assert await last_change(repository / "a.py", 4, 5) is not None
    (repository / ".git/objects" / missing[:2] / missing[2:]).unlink()  # it would be fetched
    await last_change(repository / "a.py", 0, 1)
    assert not witness.exists(), witness.read_text()
