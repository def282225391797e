"""How git is asked about a workspace: so that nothing the repository's configuration names is run.

A repository may be hostile, and its `.git/config` can name programs that git runs (hooks, pagers,
fsmonitor, external diffs, text converters, filters, signature checkers, transports for missing objects).
All of them are switched off here, on the command line, which outranks the repository's configuration;
what is asked reads committed objects only, so no filter sees the working tree. Tested with a repository
that tries each.
"""

from __future__ import annotations

import os
from pathlib import Path

_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.sshCommand=false",
    "core.gitProxy=false",
    "core.askPass=false",
    "core.editor=false",
    "diff.external=",
    "log.showSignature=false",
    "log.mailmap=false",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "credential.helper=",
    "protocol.allow=never",
    "fetch.recurseSubmodules=false",
    "uploadpack.packObjectsHook=",
)


def repository_of(folder: Path) -> Path | None:
    """The top of the repository that `folder` lies in; None outside any."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def git_log(*arguments: str) -> list[str]:
    """The command `git log` with these arguments, to be run with `git_environment` in the repository."""
    command = ["git", "--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs"]
    for setting in _SAFE:
        command += ["-c", setting]
    command += ["log", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color", "--no-notes"]
    return [*command, *arguments]


def git_environment() -> dict[str, str]:
    """The whole environment of git: nothing of the user's own configuration."""
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        # Outranks protocol.NAME.allow of the repository: a git before 2.45 fetches missing objects.
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    }
