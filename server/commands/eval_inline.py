"""`devflow eval inline`: measure ghost text on lines of public sets, and its restraint."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.terminal import console

if TYPE_CHECKING:
    from devflow.server.assist.inline.evaluation.measure import Result
    from devflow.server.assist.inline.evaluation.places import Place
    from devflow.server.assist.inline.evaluation.recorded import Fills

SETS = "DEVFLOW_EVAL_SETS"
_TIMEOUT_MS = 60_000


def run(arguments: argparse.Namespace) -> int:
    """Measure; 1 when nothing could be."""
    from devflow.server.assist.inline.evaluation.measure import table

    notes = console(stderr=True)
    given = arguments.sets or (Path(os.environ[SETS]) if os.environ.get(SETS) else None)
    results, restraint = asyncio.run(_measured(given, arguments, notes.print))
    quiet, show, wrong = restraint
    lines = f"{table(results)}\n" if results else ""
    text = (
        f"{_about(arguments)}\n\n{lines}"
        f"Restraint, with a scripted model: quiet rate {quiet:.2f}, show rate {show:.2f}"
        f"{'' if not wrong else '; not as it should be: ' + ', '.join(wrong)}.\n"
    )
    print(text, end="")
    if arguments.out is not None:
        told = {
            "about": _about(arguments),
            "results": [asdict(each) for each in results],
            "restraint": {"quiet rate": quiet, "show rate": show, "wrong": wrong},
        }
        arguments.out.with_suffix(".json").write_text(json.dumps(told, indent=1, ensure_ascii=False), "utf-8")
        arguments.out.with_suffix(".md").write_text(text, "utf-8")
    return 0


async def _measured(
    sets: Path | None, arguments: argparse.Namespace, say: Callable[[str], object]
) -> tuple[list[Result], tuple[float, float, list[str]]]:
    from devflow.server.assist.inline.evaluation.places import SetsMissing, cross_code_eval
    from devflow.server.assist.inline.evaluation.restraint import played, rates, scenarios

    results: list[Result] = []
    async with _models(arguments) as models:
        if sets is None:
            say(f"No folder of public sets is named (--sets or {SETS}): measuring restraint only.")
        else:
            try:
                results += await _lines(cross_code_eval(sets), models)
            except SetsMissing as error:
                say(str(error))
        for root in arguments.package or ():
            results += await _package(root.resolve(), arguments.places, models)
    played_ = [await played(each, Path("/w")) for each in scenarios()]
    quiet, show = rates(played_)
    return results, (quiet, show, [each.scenario.name for each in played_ if not each.is_right])


async def _lines(places: Sequence[Place], models: Fills | None) -> list[Result]:
    from devflow.server.assist.inline.evaluation.measure import UNFILTERED, asked
    from devflow.server.settings import Inline

    name = "CrossCodeEval, Python"
    everything = Inline(context=False, min_confidence=0.0, min_acceptance=0.0, check_names=False)
    results: list[Result] = []
    for way, elsewhere in (("alone", False), ("with the set's context", True)):
        for what, config in (("everything", everything), ("filtered", Inline(context=False))):
            results.append(await asked(name, f"{way}, {what}", places, None, config, elsewhere=elsewhere))
        if models is not None:
            filtered = Inline(context=False, timeout_ms=_TIMEOUT_MS)
            for what, config in (("everything", UNFILTERED), ("filtered", filtered)):
                asking = asked(name, f"{way}, {what}", places, models, config, elsewhere=elsewhere)
                results.append(await asking)
    return results


async def _package(root: Path, count: int, models: Fills | None) -> list[Result]:
    """Lines and bodies of functions of a package, each file held out."""
    from devflow.server.assist.inline.evaluation.measure import UNFILTERED, Package, asked
    from devflow.server.assist.inline.evaluation.places import blocks_of, lines_of
    from devflow.server.settings import Inline

    package = await asyncio.to_thread(Package, root)
    lines = await asyncio.to_thread(lines_of, root, count)
    results = [await asked(f"{root.name}, lines", "filtered", lines, None, Inline(), package=package)]
    if models is not None:
        blocks = await asyncio.to_thread(blocks_of, root, count)
        filtered = Inline(timeout_ms=_TIMEOUT_MS)
        for name, places in ((f"{root.name}, lines", lines), (f"{root.name}, bodies", blocks)):
            for what, config in (("everything", UNFILTERED), ("filtered", filtered)):
                results.append(await asked(name, what, places, models, config, package=package))
    return results


@asynccontextmanager
async def _models(arguments: argparse.Namespace) -> AsyncIterator[Fills | None]:
    """The models configured for this user, recorded where a file is named; or what the file holds; None where
    there is neither."""
    from devflow.server.assist.inline.evaluation.recorded import Recorded
    from devflow.server.models import build_router
    from devflow.server.sources import load

    file: Path | None = arguments.cassette
    live = None
    if not arguments.replay:
        settings, _ = await asyncio.to_thread(load, [Path.cwd()])
        live = await asyncio.to_thread(build_router, settings.models, os.environ)
    try:
        usable = live if live is not None and live.has("fill") else None
        if file is not None and (usable is not None or await asyncio.to_thread(file.is_file)):
            yield Recorded(file, usable)
        else:
            yield usable
    finally:
        if live is not None:
            await live.close()


def _about(arguments: argparse.Namespace) -> str:
    """One line: the command, without folders; the day, the version and the machine."""
    said = ["devflow eval inline"]
    said += ["--sets FOLDER"] if arguments.sets or os.environ.get(SETS) else []
    said += [f"--package {root.name}" for root in arguments.package or ()]
    said += [f"--places {arguments.places}"] if arguments.package else []
    said += ["--cassette FILE"] if arguments.cassette else []
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    return f"`{' '.join(said)}` on {date.today()}, DevFlow {version('devflow-lsp')}, {machine}, {python}."
