"""`textDocument/codeLens` and `codeLens/resolve`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist import code_lens as lens
from devflow.server.session import Session


async def code_lens(session: Session, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """Where lenses stand; they are counted when they are shown."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return None
    found = await lens.lenses(doc, session.codebase())
    return [
        types.CodeLens(
            convert.range_of(doc.text, each.symbol.name_start, each.symbol.name_end, session.encoding),
            data={"uri": doc.uri, "of": each.of},
        )
        for each in found
    ] or None


async def resolve(session: Session, asked: types.CodeLens) -> types.CodeLens:
    """The lens with what it says. Its command does nothing: editors that can count the uses themselves
    show them by their own means."""
    data = asked.data if isinstance(asked.data, dict) else {}
    doc = await session.snapshot(str(data.get("uri", "")))
    if doc is None:
        return asked
    at = convert.offset(doc.text, asked.range.start, session.encoding)
    asked.command = types.Command(
        await lens.counted(doc, at, str(data.get("of", "")), session.codebase()), ""
    )
    return asked
