"""The modules of the workspace that a check of Python asks for, read as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from devflow.analysis.checks.python_module import Module, read_module
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.server.assist.memory import PerSession
from devflow.server.assist.other_files import readable

if TYPE_CHECKING:
    from devflow.analysis.text import Text
    from devflow.server.assist.base import Codebase

T = TypeVar("T")

_MOST_ROUNDS = 12
_MOST_MODULES = 256
_MODULES = PerSession["dict[Path, tuple[Text, Module]]"]("modules that reviews have read")


async def judged(
    judge: Callable[[Mapping[Path, Module | None]], tuple[T, frozenset[Path]]], code: Codebase
) -> T:
    """What `judge` says once it is given the modules it asks for: its answer, and the paths of files that it
    would have to know (None: does not exist) to say more."""
    known: dict[Path, Module | None] = {}
    said, wanted = await asyncio.to_thread(judge, known)
    for _ in range(_MOST_ROUNDS):
        if not wanted:
            break
        # Most of what is wanted are the places an import could be found at: look before reading.
        there = await asyncio.to_thread(_existing, wanted)
        for path in wanted:
            known[path] = await _module(path, code) if path in there else None
        said, wanted = await asyncio.to_thread(judge, known)
    return said


def _existing(paths: Iterable[Path]) -> set[Path]:
    return {path for path in paths if path.is_file()}


async def _module(path: Path, code: Codebase) -> Module | None:
    text = await readable(path, code)
    if text is None:
        return None
    kept = code.memory.kept(_MODULES.key(), dict)
    before = kept.get(path)
    if before is not None and before[0] == text:
        return before[1]
    module = await asyncio.to_thread(_read, text, path)
    if len(kept) >= _MOST_MODULES:
        kept.pop(next(iter(kept)))
    kept[path] = (text, module)
    return module


def _read(text: Text, path: Path) -> Module:
    tree = parse(text, "python")
    assert isinstance(tree, SyntaxTree)
    return read_module(tree, path)
