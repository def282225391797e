"""Whether the modules that a suggestion imports exist.

A model invents packages as it invents names, and somebody may have put one of that name where packages are
installed from. So a module counts as missing unless it is found, or the workspace names it: where nobody
can say what is installed, what the project declares that it needs is taken for installed.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from devflow.analysis.checks.unresolved_imports import Surroundings, unresolved_imports
from devflow.analysis.document import Document
from devflow.analysis.python_environment import Environment
from devflow.analysis.python_names import python_names
from devflow.server.assist.base import Codebase
from devflow.server.assist.imports import modules_under
from devflow.server.assist.memory import PerSession
from devflow.server.assist.problems import surroundings

_DECLARE = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "environment.yml", "environment.yaml")
_LARGEST = 200_000
_LOOK_SECONDS = 30.0
_DECLARED = PerSession[tuple[float, frozenset[str]]]("declared packages, and when they were read")


@dataclass(frozen=True, slots=True)
class Missing:
    """A module at `start:end` of a document that is nowhere; `others`: what could stand there instead."""

    start: int
    end: int
    others: frozenset[str]


def missing_modules(
    doc: Document, start: int, end: int, code: Codebase, seen: Mapping[str, bool]
) -> list[Missing]:
    """The modules imported between `start` and `end` of a Python document that do not exist. `seen`: which
    words the rest of the workspace has. Looks at folders: for a thread."""
    if doc.tree is None or doc.path is None or not code.roots:
        return []  # nothing is known of what a file without a workspace can import
    source = doc.text.source
    # What the user has typed of the line is his own affair.
    typed = re.findall(r"\w+", source[source.rfind("\n", 0, start) + 1 : start])
    named = {*typed, *(word for word, is_seen in seen.items() if is_seen)}
    around = _known(surroundings(doc.path, code), code, named)
    found: list[Missing] = []
    for finding in unresolved_imports(python_names(doc.tree), doc.path, around, for_types=True):
        if not (finding.start < end and finding.end > start):
            continue
        parent, dot, name = source[finding.start : finding.end].rpartition(".")
        begin = finding.end - len(name)
        others = modules_under(doc, parent + ("." if dot and not parent.strip(".") else ""), code.roots)
        names = set(others) if dot else {*others, *_top_level(around)}
        found.append(Missing(begin if dot else finding.start, finding.end, frozenset(names - {name})))
    return found


def _known(around: Surroundings, code: Codebase, named: set[str]) -> Surroundings:
    """`around` with an environment that is whole: where the workspace's is not, what is installed with
    this process, what the project declares and what is `named` in its code stands for the rest."""
    environment = around.environment
    if environment is not None and environment.whole:
        return around
    own = Path(sysconfig.get_path("purelib"))
    folders = (*environment.folders, own) if environment is not None else (own,)
    mapped = (environment.mapped if environment is not None else frozenset()) | _declared(code) | named
    return replace(around, environment=Environment(folders, mapped, whole=True))


def _declared(code: Codebase) -> frozenset[str]:
    """What the project says it needs, as modules may be called: the words of the files that declare it,
    `python-dateutil` and `PyYAML` as `dateutil` and `yaml` too. Read again after a while."""
    key = _DECLARED.key(code.roots)
    kept = code.memory.last(key)
    if kept is not None and time.monotonic() - kept[0] < _LOOK_SECONDS:
        return kept[1]
    words: set[str] = set()
    for root in code.roots:
        for file in (*(root / name for name in _DECLARE), *sorted(root.glob("*requirements*.txt"))[:20]):
            for word in re.findall(r"[A-Za-z][\w.-]*", _text(file)):
                plain = re.sub(r"[.-]+", "_", word)
                words |= {word, plain, plain.lower(), *plain.split("_"), *plain.lower().split("_")}
                words.add(re.sub(r"\Apy(?:thon)?_?", "", plain.lower()))
    found = frozenset(words)
    code.memory.keep(key, (time.monotonic(), found))
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")[:_LARGEST] if file.is_file() else ""
    except OSError:
        return ""


def _top_level(around: Surroundings) -> set[str]:
    names = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    for folder in around.environment.folders if around.environment is not None else ():
        try:
            names |= {entry.name.partition(".")[0] for entry in folder.iterdir()}
        except OSError:
            continue
    return {name for name in names if name.isidentifier()}
