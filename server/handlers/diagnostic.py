"""`textDocument/diagnostic`."""

from __future__ import annotations

from lsprotocol import types

from devflow.server import findings
from devflow.server.session import Session


async def diagnostic(
    session: Session, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    """What the review checks find in one document."""
    await findings.resting(session, params.text_document.uri)
    doc = await session.snapshot(params.text_document.uri)
    if doc is None:
        return types.RelatedFullDocumentDiagnosticReport([])
    found = await findings.found(session, doc)
    session.check_current(doc)
    session.answered(types.TEXT_DOCUMENT_DIAGNOSTIC, "checks")
    name = findings.result_id(found, doc.text)
    if name == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(name)
    return types.RelatedFullDocumentDiagnosticReport(
        await findings.diagnostics(session, doc, found), result_id=name
    )
