"""Hole punching: lines and bodies of a package are taken out, filled without a model, and its tests run.

    PYTHONPATH=benchmarks python -m inline.holes SCRATCH [--lines N] [--bodies N] [--out FILE]

Fetches the source release of a small package whose tests run offline (below) into SCRATCH. Of each hole:
what was filled in (nothing, the suggestion, the truth) and whether the package's tests pass. Prints one
JSON object.
Code of that package is run, in a copy, by its own tests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devflow.server.assist.inline import inline
from devflow.server.assist.inline.evaluation.places import Place, blocks_of, lines_of
from devflow.server.assist.inline.evaluation.scripted import ScriptedFill
from devflow.server.settings import Inline

from .punching import Project, fill_holes
from .workspaces import document, opened

RELEASE = "toolz==1.0.0"
PACKAGE, TESTS = "toolz", ("toolz/tests",)


def fetched(scratch: Path) -> Project:
    """The release, unpacked. Raises `subprocess.CalledProcessError` if pip cannot fetch it."""
    folder = scratch / "holes"
    root = folder / RELEASE.replace("==", "-")
    if not root.is_dir():
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-binary=:all:",
            "--no-build-isolation",
        ]
        subprocess.run([*command, "--dest", str(folder), RELEASE], check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
    return Project(root, PACKAGE, TESTS)


async def suggestions(root: Path, places: list[Place], truths: bool) -> list[str]:
    """What is shown at each place; with `truths`, when a model writes the truth."""
    shown: list[str] = []
    async with opened(root) as code:
        for place in places:
            model = ScriptedFill(place.truth) if truths else None
            doc, at = document(root, place)
            doc = replace(doc, uri=f"{doc.uri}#{at}")
            asked = replace(code, models=cast(Any, model))
            found = await inline(doc, at, asked, Inline(context=False, min_confidence=0.25), manual=True)
            shown.append(found.edit.new if found is not None else "")
    return shown


def main() -> None:
    """Punch, fill, run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--bodies", type=int, default=10)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    project = fetched(options.scratch.resolve())
    source = project.root / project.package
    told: dict[str, Any] = {"package": RELEASE}
    for name, places in (
        ("lines", lines_of(source, options.lines)),
        ("bodies", blocks_of(source, options.bodies)),
    ):
        places = [each for each in places if "tests/" not in each.path]
        inside = [replace(each, path=f"{project.package}/{each.path}") for each in places]
        by_code = asyncio.run(suggestions(source, places, truths=False))
        by_truth = asyncio.run(suggestions(source, places, truths=True))
        covered: dict[str, bool] = {}
        for way, texts in (("without a model", by_code), ("a model that writes the truth", by_truth)):
            filled = [
                each
                for each in fill_holes(project, list(zip(inside, texts, strict=True)), covered)
                if each.covered
            ]
            told[f"{name}, {way}"] = {
                "holes": len(filled),
                "filled": sum(bool(each.text) for each in filled),
                "passed": sum(each.passed for each in filled),
            }
    text = json.dumps(told, indent=1)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
