"""How many callers and tests the definitions of a document have."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from devflow.analysis.document import Document
from devflow.analysis.facts import ReferenceKind, Symbol
from devflow.analysis.paths import shown_path
from devflow.analysis.roles import is_test
from devflow.analysis.symbols import CLASS_LIKE, FUNCTIONS
from devflow.server.assist.base import Codebase
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.uses import Use, uses_of

_SHOWN = CLASS_LIKE | FUNCTIONS
_USES = PerDocument[list[Use]]("uses of a definition")


@dataclass(frozen=True, slots=True)
class Lens:
    """One lens over a definition, not counted yet."""

    symbol: Symbol
    of: Literal["callers", "tests"]


async def lenses(doc: Document, code: Codebase) -> list[Lens]:
    """The lenses of a document: nothing is counted here. None without an index, for definitions inside
    functions and for methods that Python calls itself; tests are not counted in tests."""
    if code.index is None or doc.path is None:
        return []
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    functions = {each.qualified_name for each in here if each.kind in FUNCTIONS}
    result: list[Lens] = []
    for symbol in here:
        special = symbol.name.startswith("__") and symbol.name.endswith("__")
        if symbol.kind not in _SHOWN or special or symbol.container in functions:
            continue
        result.append(Lens(symbol, "callers"))
        if not _in_test(doc.path, code):
            result.append(Lens(symbol, "tests"))
    return result


async def counted(doc: Document, at: int, of: str, code: Codebase) -> str:
    """What a lens over the definition whose name is at `at` says: `3 callers`, `1 test`."""
    key = _USES.key(doc.uri, hash(doc.text.source), at)
    uses = await code.memory.task(key, lambda: uses_of(doc, at, code))
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    own = next((each for each in here if each.name_start == at), None)
    called = own is not None and own.kind in FUNCTIONS
    tests = {_holder(use) for use in uses if _in_test(use.path, code) and use.inside is not None}
    if of == "tests":
        return _number(len(tests), "test")
    others = [use for use in uses if not _in_test(use.path, code)]
    if called:
        return _number(len({_holder(use) for use in others if use.kind is ReferenceKind.CALL}), "caller")
    return _number(len(others), "use")


def _holder(use: Use) -> tuple[object, int]:
    return use.path, use.inside.start if use.inside is not None else -1


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _in_test(path: Path | None, code: Codebase) -> bool:
    return path is not None and is_test(PurePath(shown_path(path, code.roots)))
