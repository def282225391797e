"""What the code graph says of a name in languages that write their types down, by declared types, imports
and packages: for one that stands in the document as for one that stands anywhere else, in Go also in the
sources of a library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, ReferenceKind
from devflow.analysis.imports import imports
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.dialects import DIALECTS
from devflow.retrieval.graph.named import library_name, read_library, told_at
from devflow.retrieval.graph.values import VALUED
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import INDEX_SECONDS, Found
from devflow.server.assist.waiting import within

_SCORE = 95


async def declared_names(
    doc: Document, start: int, end: int, receiver: str, candidates: Sequence[Found], code: Codebase
) -> list[Found] | None:
    """What the name at `start:end` stands for, as one of `candidates` where it is among them; [] when it
    is nothing of the workspace, None when the code does not say."""
    if code.index is None or doc.path is None or doc.language not in DIALECTS:
        return None
    source = doc.text.source
    called = source[end : end + 1] == "("
    kind = ReferenceKind.CALL if called else ReferenceKind.NAME
    told = await within(
        code.index.graph.ask(told_at, doc.path, start, source[start:end], receiver, kind), INDEX_SECONDS
    )
    if not told:
        asked = code.index.graph.ask(library_name, doc.path, start, source[start:end], receiver)
        if (library := await within(asked, INDEX_SECONDS)) is not None:
            path, symbol = library
            return [Found(symbol, Location(path, symbol.name_start, symbol.name_end), _SCORE, "files")]
    return None if told is None else [_found(each, candidates) for each in told]


async def warm_libraries(doc: Document, code: Codebase) -> None:
    """Read what the imports of a document name outside the workspace, and its language's own types, one
    package a question: others are not kept waiting."""
    if code.index is None or doc.path is None or doc.language not in VALUED:
        return
    modules: list[str] = [""] if doc.language != "go" else []
    modules += [made.module for made in imports(doc.tree)] if doc.tree is not None else []
    for module in dict.fromkeys(modules):
        await code.index.graph.ask(read_library, doc.path, module)


def _found(told: Definition, candidates: Sequence[Found]) -> Found:
    """`told` as it stands in the document or in the index, which know its documentation."""
    for each in candidates:
        place = each.location
        same = place is not None and place.path == told.path
        same = same and each.symbol.qualified_name == told.qualified_name
        if same and (each.source == "document" or each.symbol.start == told.start):
            return replace(each, score=_SCORE)
    symbol = told.symbol
    return Found(symbol, Location(told.path, symbol.name_start, symbol.name_end), _SCORE, "index")
