"""Hole punching: code of a real package is taken out, filled again, and the package's own tests are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.server.assist.inline.evaluation.places import Place

_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Project:
    """A source tree: `package` holds the code, `tests` what pytest is given; both relative to `root`."""

    root: Path
    package: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """One hole after its filling. `covered`: the tests fail when it is left empty, so that passing says
    something."""

    place: Place
    text: str
    passed: bool
    covered: bool


class TestsDoNotRun(Exception):
    """The package's tests fail as they are; the message says how."""


def fill_holes(
    project: Project, filled: Sequence[tuple[Place, str]], covered: dict[str, bool]
) -> list[Filled]:
    """Run the project's tests for each filling, in a copy. An empty filling is tried first, once for each
    place (`covered`, by id, is added to): holes that no test notices are marked. Raises TestsDoNotRun."""
    with tempfile.TemporaryDirectory(prefix="devflow-holes-") as folder:
        root = Path(folder) / "project"
        shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(".git", "__pycache__"))
        copied = Project(root, project.package, project.tests)
        fault = run_tests(copied)
        if fault:
            raise TestsDoNotRun(f"The tests of {project.root.name} fail as they are: {fault}")
        results: list[Filled] = []
        for place, text in filled:
            if place.id not in covered:
                covered[place.id] = not _passes(copied, place, _empty(place))
            right = text.strip() == place.truth.strip()
            passed = covered[place.id] and bool(text) and (right or _passes(copied, place, text))
            results.append(Filled(place, text, passed, covered[place.id]))
        return results


def run_tests(project: Project) -> str:
    """The last line of what failing tests say; "" when they pass. The project's own code runs, as it would
    at its authors': no code that a model wrote is run outside the copy made for it."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str((project.root / project.package).parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(project.root),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        *project.tests,
    ]
    try:
        done = subprocess.run(
            command,
            cwd=project.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "they do not end"
    if done.returncode == 0:
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else "no word was said"


def _passes(project: Project, place: Place, text: str) -> bool:
    path = project.root / place.path
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(place.prefix + text + place.suffix, encoding="utf-8")
        return not run_tests(project)
    finally:
        path.write_text(before, encoding="utf-8")


def _empty(place: Place) -> str:
    """What stands for a hole that nobody filled and still can be read as Python."""
    line = place.prefix[place.prefix.rfind("\n") + 1 :]
    return "raise NotImplementedError" if not line.strip() else "None"
