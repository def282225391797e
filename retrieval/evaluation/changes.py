"""Truth that a repository's own history tells: what a commit says it is for, and the code files it changed.

Each question is asked of the tree as it was before its commit, with the history up to there. So it also shows
what it helps to know which file is open, and which files were changed lately.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from devflow.analysis.languages import language_of
from devflow.analysis.roles import is_test
from devflow.retrieval.evaluation.corpora import CorpusUnavailable
from devflow.retrieval.evaluation.truth import Gold, Query, TruthSet
from devflow.retrieval.history import FORMAT, Commit, parsed
from devflow.retrieval.safe_git import git_environment, git_log

_KIND = "history:"
_FEWEST_WORDS = 4
_MOST_FILES = 8
_SECONDS = 120
"""One call of git."""
_WORD = re.compile(r"[^\W\d_]{2,}")


def history_sets(repository: Path, most: int) -> list[TruthSet]:
    """At most `most` commits, spread over all of them, as three sets for each half of the history: asked
    alone, with one of the changed files open (the others are wanted), and with a file open that has nothing
    to do with it. Raises CorpusUnavailable."""
    repository = repository.resolve()
    commits = [each for each in _commits(repository) if len(_WORD.findall(each.subject)) >= _FEWEST_WORDS]
    told = [(each, files) for each in commits if (files := _code(each.files))]
    told.sort(key=lambda each: each[0].time)
    chosen = [told[at * len(told) // most] for at in range(most)] if len(told) > most else told
    every = sorted({path for _, files in told for path in files})
    sets: list[TruthSet] = []
    for half, some in (("older", chosen[: len(chosen) // 2]), ("newer", chosen[len(chosen) // 2 :])):
        alone, beside, elsewhere = [], [], []
        for commit, files in some:
            rng = random.Random(commit.hash)
            corpus = f"{_KIND}{repository}@{commit.hash}^"
            golds = tuple(Gold(path) for path in files)
            alone.append(Query(commit.hash, commit.subject, corpus, golds))
            other = rng.choice(every)
            if other not in files:
                elsewhere.append(Query(commit.hash, commit.subject, corpus, golds, near=(other,)))
            if len(files) > 1:
                near = rng.choice(files)
                left = tuple(gold for gold in golds if gold.path != near)
                beside.append(Query(commit.hash, commit.subject, corpus, left, near=(near,)))
        sets += [
            TruthSet(f"history→file, {half}", "file", tuple(alone)),
            TruthSet(f"history→file beside an open one, {half}", "file", tuple(beside)),
            TruthSet(f"history→file, any file open, {half}", "file", tuple(elsewhere)),
        ]
    return sets


def is_history(corpus: str) -> bool:
    """Whether `corpus` names a commit's tree."""
    return corpus.startswith(_KIND)


def checked_out(corpus: str, cache: Path) -> Path:
    """A clone in `cache` with the tree and the history that `corpus` names: one folder for a repository, so
    that its index follows from commit to commit. Raises CorpusUnavailable."""
    repository, _, revision = corpus.removeprefix(_KIND).rpartition("@")
    folder = cache / "history" / Path(repository).name
    if not (folder / ".git").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _git(["git", "clone", "-q", "--shared", "--no-checkout", repository, str(folder)], folder.parent)
    _git(["git", "-c", "core.hooksPath=/dev/null", "checkout", "-q", "-f", "--detach", revision], folder)
    return folder


def _commits(repository: Path) -> Sequence[Commit]:
    """The commits that changed files which were there before, with those files."""
    command = git_log(
        "--no-merges", "--no-renames", "--diff-filter=M", "--name-only", "-z", f"--format={FORMAT}"
    )
    return parsed(_git(command, repository))


def _code(files: Sequence[str]) -> tuple[str, ...]:
    """The code among changed files; none where there is too much of it to be one thing."""
    found = tuple(
        path
        for path in files
        if (language := language_of(Path(path))) is not None
        and language.grammar
        and not is_test(PurePosixPath(path))
    )
    return found if len(found) <= _MOST_FILES else ()


def _git(command: Sequence[str], folder: Path) -> bytes:
    try:
        # The only transport that a clone of a folder on this machine needs.
        environment = git_environment() | {"GIT_ALLOW_PROTOCOL": "file"}
        done = subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", b"") or str(error).encode()).decode("utf-8", "replace")
        last = said.strip().rpartition("\n")[2].removeprefix("fatal: ")
        raise CorpusUnavailable(f"git tells no history of {folder}: {last or 'it said nothing'}") from error
    return done.stdout
