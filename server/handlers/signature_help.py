"""`textDocument/signatureHelp`."""

from __future__ import annotations

from lsprotocol import types

from devflow.analysis.text import Text
from devflow.analysis.types.base import Signature
from devflow.server import convert
from devflow.server.assist.signature_help import signature_help as signatures_at
from devflow.server.session import Session


async def signature_help(session: Session, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
    """The signatures of the call around the cursor."""
    place = await session.place(params)
    if place is None:
        return None
    signatures = await signatures_at(*place, session.codebase())
    if not signatures:
        return None
    text_document = session.capabilities.text_document
    client = text_document.signature_help if text_document else None
    options = client.signature_information if client else None
    return types.SignatureHelp(
        [_information(signature, options) for signature in signatures],
        active_signature=0,
        active_parameter=_active(signatures[0], options),
    )


def _active(signature: Signature, options: types.ClientSignatureInformationOptions | None) -> int | None:
    """None is sent as `null`, which says that no parameter is active, in a signature as over all of them.
    A client that does not know it is told one that there is not."""
    if signature.active is None and not (options and options.no_active_parameter_support):
        return len(signature.parameters)
    return signature.active


def _information(
    signature: Signature, options: types.ClientSignatureInformationOptions | None
) -> types.SignatureInformation:
    by_offset = bool(
        options and options.parameter_information and options.parameter_information.label_offset_support
    )
    label = Text(signature.label)
    parameters = []
    at = signature.label.find("(") + 1
    for parameter in signature.parameters:
        start = signature.label.find(parameter.label, at)
        if by_offset and start >= 0:
            at = start + len(parameter.label)
            # Offsets into a label are UTF-16 units whatever encoding positions have.
            shown: str | tuple[int, int] = (label.position(start)[1], label.position(at)[1])
        else:
            shown = parameter.label
        parameters.append(types.ParameterInformation(shown))
    return types.SignatureInformation(
        signature.label,
        convert.documentation(signature.doc, options and options.documentation_format)
        if signature.doc
        else None,
        parameters,
        _active(signature, options),
    )
