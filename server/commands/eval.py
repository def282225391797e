"""`devflow eval`: measure search (`retrieval`) beside the usual baselines, or ghost text (`inline`)."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.arguments import count
from devflow.server.commands.terminal import console

if TYPE_CHECKING:
    from devflow.retrieval.evaluation.truth import TruthSet

SETS = "DEVFLOW_EVAL_SETS"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("what", choices=("retrieval", "inline"), help="search on truth sets, or ghost text")
    parser.add_argument(
        "--sets",
        type=Path,
        help=f"folder with the public truth sets (default: ${SETS}; without one, our own sets only)",
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="REPOSITORY",
        help="also ask what this repository's commits say they do",
    )
    parser.add_argument(
        "--commits", type=count, default=200, help="commits asked of --history at most (default: 200)"
    )
    parser.add_argument("--only", help="sets whose name holds this, separated by commas")
    parser.add_argument(
        "--ablations", action="store_true", help="also each source, fusion, chunking and embedder by itself"
    )
    parser.add_argument("--no-baselines", action="store_true", help="leave out BM25 and MiniLM")
    parser.add_argument("--out", type=Path, help="also write NAME.json, NAME.md and NAME.svg (give NAME)")
    parser.add_argument(
        "--package", type=Path, action="append", help="inline: also a package's lines and bodies (repeatable)"
    )
    parser.add_argument("--places", type=count, default=100, help="inline: places asked in each package")
    parser.add_argument(
        "--cassette", type=Path, help="inline: cassette that keeps what the models said, with its timing"
    )
    parser.add_argument("--replay", action="store_true", help="inline: ask no model, only the file")
    parser.add_argument("--cache", type=Path, help="where corpora are kept (default: in the user's cache)")


def run(arguments: argparse.Namespace) -> int:
    """Measure; 1 when nothing could be."""
    if arguments.what == "inline":
        from devflow.server.commands import eval_inline

        return eval_inline.run(arguments)
    import platformdirs

    from devflow.retrieval.compared import Embeds
    from devflow.retrieval.embedders.choose import HASHED, load_embedder
    from devflow.retrieval.evaluation.measure import Beside, measure, minilm_or_none
    from devflow.retrieval.evaluation.report import plot, table
    from devflow.retrieval.evaluation.systems import ABLATIONS, OF_HISTORIES, SYSTEMS
    from devflow.retrieval.store import indexes_in

    notes = console(stderr=True)
    cache = (arguments.cache or platformdirs.user_cache_path("devflow") / "eval").resolve()
    given = arguments.sets or (Path(os.environ[SETS]) if os.environ.get(SETS) else None)
    sets = _sets(given, cache, arguments.only or "", arguments.history, arguments.commits)
    if not sets:
        notes.print("There is nothing to measure.")
        return 1
    systems = dict(SYSTEMS)
    embedders: dict[str, Embeds] = {}
    if arguments.ablations:
        systems |= ABLATIONS
        embedders["hashed words"] = load_embedder(HASHED)
        minilm = None if arguments.no_baselines else minilm_or_none(cache, notes.print)
        if minilm is not None:
            embedders["MiniLM"] = minilm
    beside = Beside(not arguments.no_baselines, arguments.ablations, frozenset(OF_HISTORIES), embedders)
    with indexes_in(cache / "index"):
        results = asyncio.run(measure(sets, systems, cache, beside, notes.print))
    print(table(results), end="")
    if arguments.out is not None:
        rows = [{"set": r.truth, "system": r.system, **asdict(r.figures)} for r in results]
        told = {"about": about(arguments), "results": rows}
        arguments.out.with_suffix(".json").write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")
        arguments.out.with_suffix(".md").write_text(f"{told['about']}\n\n{table(results)}", "utf-8")
        arguments.out.with_suffix(".svg").write_text(plot(results), "utf-8")
    return 0 if results else 1


def about(arguments: argparse.Namespace) -> str:
    """One line: the command, without folders; the day, the version and the machine."""
    said = ["devflow eval retrieval"]
    said += ["--sets FOLDER"] if arguments.sets or os.environ.get(SETS) else []
    said += ["--history REPOSITORY"] if arguments.history else []
    said += [f"--only '{arguments.only}'"] if arguments.only else []
    said += ["--ablations"] if arguments.ablations else []
    said += ["--no-baselines"] if arguments.no_baselines else []
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    return f"`{' '.join(said)}` on {date.today()}, DevFlow {version('devflow-lsp')}, {machine}, {python}."


def _sets(
    given: Path | None, cache: Path, only: str, repository: Path | None, commits: int
) -> list[TruthSet]:
    from devflow.retrieval.evaluation.changes import history_sets
    from devflow.retrieval.evaluation.corpora import CorpusUnavailable
    from devflow.retrieval.evaluation.doc_comments import PACKAGES, doc_comment_set
    from devflow.retrieval.evaluation.truth import SetsMissing, load

    notes = console(stderr=True)
    wanted = [part.strip().casefold() for part in only.split(",") if part.strip()]
    sets: list[TruthSet] = []
    if repository is not None:
        try:
            sets += history_sets(repository, commits)
        except CorpusUnavailable as error:
            notes.print(str(error))
    if given is None and repository is None:
        notes.print(f"No folder of public truth sets is named (--sets or {SETS}): measuring on our own only.")
    elif given is not None:
        try:
            loaded, problems = load(given)
            sets += loaded
            for problem in problems:
                notes.print(problem)
        except SetsMissing as error:
            notes.print(str(error))
    for language in PACKAGES:
        if wanted and not any(part in f"doc comment→function, {language}" for part in wanted):
            continue
        try:
            sets.append(doc_comment_set(language, cache))
        except CorpusUnavailable as error:
            notes.print(str(error))
    return [each for each in sets if not wanted or any(part in each.name.casefold() for part in wanted)]
