"""`workspace/didChangeConfiguration`."""

from lsprotocol import types

from devflow.server.session import Session


async def did_change_configuration(session: Session, params: types.DidChangeConfigurationParams) -> None:
    """The editor's settings changed: they are asked for, or come along where that is not possible."""
    await session.reload(params.settings)
