"""Which modules an undefined Python name could be imported from."""

from __future__ import annotations

import asyncio
import builtins
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.undefined import is_undefined, names_bound
from devflow.server.assist.imports import module_name

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_MOST = 3
_IMPORTABLE = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.ENUM,
        SymbolKind.FUNCTION,
        SymbolKind.CONSTANT,
        SymbolKind.VARIABLE,
        SymbolKind.TYPE,
    }
)


async def modules_to_import(
    doc: Document, at: int, code: Codebase
) -> tuple[str, tuple[int, int], tuple[str, ...]]:
    """The undefined name at `at`, its range, and the modules that define it at their top level, the
    nearest first; no modules when it is defined, or nobody knows it."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    nothing = (name, (start, end), ())
    tree, index = doc.tree, code.index
    if doc.language != "python" or tree is None or index is None or not name.isidentifier():
        return nothing
    if hasattr(builtins, name):
        return nothing
    # Editors ask at every move of the cursor: the names of a version are collected once.
    bound = await asyncio.to_thread(code.memory.value, "names bound", doc, lambda: names_bound(tree))
    if not is_undefined(tree, start, bound):
        return nothing
    modules: dict[str, int] = {}
    for found in await index.symbols_named(name):
        if found.symbol.container or found.symbol.kind not in _IMPORTABLE or found.path == doc.path:
            continue
        module = module_name(found.path, code.roots)
        if module:
            modules[module] = _distance(doc, found.path.parts)
    ranked = sorted(modules, key=lambda module: (modules[module], module.count("."), module))
    return name, (start, end), tuple(ranked[:_MOST])


def _distance(doc: Document, parts: tuple[str, ...]) -> int:
    """Folders between the document and another file."""
    own = doc.path.parts if doc.path is not None else ()
    shared = 0
    for mine, theirs in zip(own, parts, strict=False):
        if mine != theirs:
            break
        shared += 1
    return len(own) + len(parts) - 2 * shared
