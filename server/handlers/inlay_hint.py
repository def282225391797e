"""`textDocument/inlayHint`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import convert
from devflow.server.assist.inlay_hints import inlay_hints
from devflow.server.session import Session

_KINDS = {"parameter": types.InlayHintKind.Parameter, "type": types.InlayHintKind.Type}


async def inlay_hint(session: Session, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """Parameter names and types in the part of the document the editor shows."""
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return None
    found = await inlay_hints(
        doc, *convert.span(doc.text, params.range, session.encoding), session.codebase()
    )
    return [
        types.InlayHint(
            position=convert.position(doc.text, hint.at, session.encoding),
            label=hint.label,
            kind=_KINDS[hint.kind],
            padding_right=hint.label.endswith(":") or None,
        )
        for hint in found
    ]
