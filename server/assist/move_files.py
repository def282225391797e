"""The edits that keep imports right when files or folders are moved: Python, TypeScript, JavaScript."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devflow.analysis.languages import SCRIPTS, language_of
from devflow.analysis.refactor.moves import moved_imports
from devflow.analysis.refactor.moves_script import moved_specifiers
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.text import Edit, Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.other_files import parsed
from devflow.server.assist.project import WorkspaceSources
from devflow.server.assist.waiting import within

_INDEX_SECONDS = 3.0
_MOST_FILES = 5_000
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages"})


@dataclass(frozen=True, slots=True)
class Moved:
    """Edits by file, and the texts they are for."""

    edits: Mapping[Path, list[Edit]] = field(default_factory=dict)
    texts: Mapping[Path, Text] = field(default_factory=dict)


async def imports_after_move(moves: Sequence[tuple[Path, Path]], code: Codebase) -> Moved:
    """What to change, before `moves` (old path, new path; files or folders) are made, so that every import
    finds afterwards what it finds now. Without an index only the moved files themselves are looked at."""
    files = await asyncio.to_thread(_single_files, moves)
    importers: set[Path] = set(files)
    for old, _ in moves:
        name = old.parent.name if old.stem in ("__init__", "index") else old.name.partition(".")[0]
        found = (
            await within(code.index.files_importing(name), _INDEX_SECONDS) if code.index is not None else None
        )
        importers |= {path for path in found or () if not _LEFT_OUT & set(path.parts)}
    sources = WorkspaceSources(None, code)
    try:
        return await asyncio.to_thread(_edits, files, sorted(importers), sources)
    except BaseException:
        sources.stop()
        raise


def _edits(files: Mapping[Path, Path], importers: Sequence[Path], sources: WorkspaceSources) -> Moved:
    edits: dict[Path, list[Edit]] = {}
    texts: dict[Path, Text] = {}
    project = PythonProject(sources)
    python = {old: new for old, new in files.items() if old.suffix in (".py", ".pyi")}
    if python:
        edits = moved_imports(project, python, [path for path in importers if path.suffix in (".py", ".pyi")])
    scripts = {old: new for old, new in files.items() if _is_script(old)}
    for path in (each for each in importers if _is_script(each)) if files else ():
        text = sources.read(path)
        tree = parsed(text, path) if text is not None else None
        if tree is not None and (
            found := moved_specifiers(tree, path, files if scripts else {}, sources.exists)
        ):
            edits[path] = found
    for path in edits:
        if (text := sources.read(path)) is not None:
            texts[path] = text
    return Moved(edits, texts)


def _is_script(path: Path) -> bool:
    language = language_of(path)
    return language is not None and language.name in SCRIPTS


def _single_files(moves: Sequence[tuple[Path, Path]]) -> dict[Path, Path]:
    """The files that move: those of a folder one by one, at most `_MOST_FILES`."""
    found: dict[Path, Path] = {}
    for old, new in moves:
        if not old.is_dir():
            found[old] = new
            continue
        for folder, below, names in os.walk(old):
            below[:] = [each for each in below if each not in _LEFT_OUT and not each.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if len(found) < _MOST_FILES and language_of(path) is not None:
                    found[path] = new / path.relative_to(old)
    return found
