"""`textDocument/references`."""

from lsprotocol import types

from devflow.server.assist.navigate import references as references_to
from devflow.server.session import Session


async def references(session: Session, params: types.ReferenceParams) -> list[types.Location] | None:
    """Uses of the name under the cursor."""
    place = await session.place(params)
    if place is None:
        return None
    await session.settled()
    found = await references_to(*place, session.codebase(), params.context.include_declaration)
    return await session.locations(found) or None
