"""What is measured: queries with what answers them, loaded from a folder the user names.

The files and their fields are described where they are read. A set whose file is missing is left out with a
sentence, so that the others can be measured.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Gold:
    """One right answer: a file, or a definition in it."""

    path: str
    """Below the corpus, with `/`."""
    name: str = ""
    """Qualified name within the file (`Class.method`); "" when the file itself is asked for."""


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is asked of `corpus`; any of `golds` answers it."""

    id: str
    text: str
    corpus: str
    golds: tuple[Gold, ...]
    context: tuple[str, ...] = ()
    """Qualified names of what a good context holds besides, where the set says it."""
    near: tuple[str, ...] = ()
    """Files below the corpus that are open while it is asked."""


@dataclass(frozen=True, slots=True)
class TruthSet:
    """Queries of one family. `by` says what an answer is: `function` or `file`."""

    name: str
    by: str
    queries: tuple[Query, ...]


class SetsMissing(Exception):
    """No truth set can be read; the message is a sentence for the user."""


_DEVEVAL = {
    "boto": "pypi:boto==2.49.0",
    "Mopidy": "pypi:Mopidy==3.4.2",
    "sacred": "pypi:sacred==0.8.4",
    "datasette": "pypi:datasette==1.0a7",
    "IMAPClient": "pypi:IMAPClient==3.0.0",
    "gunicorn": "pypi:gunicorn==21.2.0",
    "praw": "pypi:praw==7.7.1",
    "python_benedict": "pypi:python-benedict==0.32.0",
}


def load(folder: Path) -> tuple[list[TruthSet], list[str]]:
    """The sets in `folder`, or in its `retrieval` where all evaluations' sets lie side by side, and a
    sentence for each file that is missing or broken. Raises SetsMissing when there is nothing at all."""
    if (folder / "retrieval").is_dir():
        folder /= "retrieval"
    sets: list[TruthSet] = []
    problems: list[str] = []
    for read in (_deveval, _cosqa, _issue_files, _issue_functions):
        try:
            sets.append(read(folder))
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            problems.append(f"{read.__doc__} cannot be read from {folder}: {error}")
    if not sets:
        raise SetsMissing(
            f"There are no truth sets in {folder}: name the folder with deveval_queries.jsonl.gz, "
            "cosqa_dev.jsonl.gz and issues_django.jsonl.gz by --sets or DEVFLOW_EVAL_SETS."
        )
    return sets, problems


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _deveval(folder: Path) -> TruthSet:
    """requirement→function (deveval_queries.jsonl.gz)"""
    queries = []
    for row in _rows(folder / "deveval_queries.jsonl.gz"):
        needed = [name for names in row["gold_dependencies"].values() for name in names]
        queries.append(
            Query(
                row["id"],
                row["query"],
                _DEVEVAL[row["project"]],
                (Gold(row["path"], row["name"]),),
                tuple(dict.fromkeys(needed)),
            )
        )
    return TruthSet("requirement→function", "function", tuple(queries))


def _cosqa(folder: Path) -> TruthSet:
    """CoSQA (cosqa_dev.jsonl.gz and cosqa_corpus.jsonl.gz); each function becomes a file of its own"""
    corpus = f"cosqa:{folder / 'cosqa_corpus.jsonl.gz'}"
    if not (folder / "cosqa_corpus.jsonl.gz").exists():
        raise FileNotFoundError("cosqa_corpus.jsonl.gz is not there")
    return TruthSet(
        "CoSQA",
        "file",
        tuple(
            Query(row["id"], row["query"], corpus, (Gold(cosqa_path(row["gold_idx"])),))
            for row in _rows(folder / "cosqa_dev.jsonl.gz")
        ),
    )


def cosqa_path(number: int) -> str:
    """Where function `number` of the corpus lies."""
    return f"{number // 500:02}/f{number:04}.py"


def write_cosqa(corpus: Path, into: Path) -> None:
    """Lay the corpus out as files."""
    for row in _rows(corpus):
        path = into / cosqa_path(row["idx"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["code"] + "\n", "utf-8")


def _issue_files(folder: Path) -> TruthSet:
    """issue→file (issues_django.jsonl.gz)"""
    return TruthSet(
        "issue→file",
        "file",
        tuple(
            Query(row["id"], row["query"], _django(row), tuple(Gold(path) for path in row["gold_files"]))
            for row in _rows(folder / "issues_django.jsonl.gz")
        ),
    )


def _issue_functions(folder: Path) -> TruthSet:
    """issue→function (issues_django.jsonl.gz)"""
    return TruthSet(
        "issue→function",
        "function",
        tuple(
            Query(
                row["id"],
                row["query"],
                _django(row),
                tuple(Gold(gold["path"], gold["name"]) for gold in row["gold_functions"]),
            )
            for row in _rows(folder / "issues_django.jsonl.gz")
        ),
    )


def _django(row: dict[str, Any]) -> str:
    return f"sdist:django=={row['corpus'].rpartition('__')[2]}"
