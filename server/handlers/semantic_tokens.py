"""`textDocument/semanticTokens`: full, delta and range."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.semantic_tokens import difference, encoded, semantic_tokens
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server import convert
from devflow.server.assist.memory import PerDocument
from devflow.server.session import Session

_TOLD = PerDocument[tuple[str, list[int]]]("semantic tokens, by the id the client has for them")


async def full(session: Session, params: types.SemanticTokensParams) -> types.SemanticTokens | None:
    """All names of the document."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None or doc.tree is None:
        return None
    return _remembered(session, doc, await asyncio.to_thread(_data, session, doc, doc.tree))


async def delta(
    session: Session, params: types.SemanticTokensDeltaParams
) -> types.SemanticTokens | types.SemanticTokensDelta | None:
    """What has changed since the answer the client names; all names when that one is not kept."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None or doc.tree is None:
        return None
    kept = session.codebase().memory.last(_TOLD.key(doc.uri))
    data = await asyncio.to_thread(_data, session, doc, doc.tree)
    made = _remembered(session, doc, data)
    if kept is None or kept[0] != params.previous_result_id:
        return made
    changed = await asyncio.to_thread(difference, kept[1], data)
    return types.SemanticTokensDelta(
        [types.SemanticTokensEdit(start, deleted, inserted) for start, deleted, inserted in changed],
        made.result_id,
    )


async def ranged(session: Session, params: types.SemanticTokensRangeParams) -> types.SemanticTokens | None:
    """The names of one part of the document."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None or doc.tree is None:
        return None
    start, end = convert.span(doc.text, params.range, session.encoding)
    return types.SemanticTokens(await asyncio.to_thread(_data, session, doc, doc.tree, start, end))


def _remembered(session: Session, doc: Document, data: list[int]) -> types.SemanticTokens:
    result_id = str(doc.version)
    session.codebase().memory.keep(_TOLD.key(doc.uri), (result_id, data))
    return types.SemanticTokens(data, result_id)


def _data(
    session: Session, doc: Document, tree: SyntaxTree, start: int = 0, end: int | None = None
) -> list[int]:
    last = len(doc.text) if end is None else end
    tokens = [each for each in semantic_tokens(tree) if each.end > start and each.start < last]
    positions = [doc.text.position(each.start, session.encoding) for each in tokens]
    lengths = [
        doc.text.position(each.end, session.encoding)[1] - position[1]
        for each, position in zip(tokens, positions, strict=True)
    ]
    return encoded(tokens, positions, lengths)
