"""Vectors for the other windows on a workspace: only one process may open a Chroma directory, so the index
worker that has it answers those of the others, over a socket in the index's own folder (0600 in 0700).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

Nearest = Callable[[str, int], Awaitable[list[tuple[int, float]]]]

_NAME = "vectors.sock"
_LONGEST_PATH = 100
"""Bytes a socket's address may have. Linux has shorter names for deeper folders; elsewhere the other windows
search without vectors there."""
_LONGEST_QUERY = 100_000
_MOST = 1_000
_TIMEOUT = 2.0


@contextlib.asynccontextmanager
async def answering(directory: Path, nearest: Nearest) -> AsyncIterator[None]:
    """Answer others' questions with `nearest` while the block runs; the caller holds the writer's lock."""
    address = directory / _NAME

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(2 * _TIMEOUT):
                query, limit = json.loads(await reader.readline())
                if isinstance(query, str) and isinstance(limit, int):
                    found = await nearest(query, max(1, min(limit, _MOST)))
                    writer.write(json.dumps(found).encode() + b"\n")
                    await writer.drain()
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            log.info("another window's question for vectors was not answered: %r", error)
        finally:
            writer.close()

    server = None
    try:
        address.unlink(missing_ok=True)  # of a worker that was killed
        with _short(directory) as folder:
            server = await asyncio.start_unix_server(answer, folder / _NAME, limit=_LONGEST_QUERY)
        address.chmod(0o600)
    except (OSError, AttributeError) as error:
        log.info("other windows on this workspace search without vectors: %s", error)
    try:
        yield
    finally:
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                address.unlink(missing_ok=True)


async def asked(directory: Path, query: str, limit: int) -> list[tuple[int, float]]:
    """What the process that has the vectors answers; [] when there is none, or it is too slow."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            with _short(directory) as folder:
                reader, writer = await asyncio.open_unix_connection(folder / _NAME, limit=_LONGEST_QUERY)
            try:
                writer.write(json.dumps([query[: _LONGEST_QUERY // 8], limit]).encode() + b"\n")
                await writer.drain()
                answer = json.loads(await reader.readline())
                return [(int(number), float(similarity)) for number, similarity in answer]
            finally:
                writer.close()
    except (OSError, AttributeError, ValueError, TypeError, TimeoutError) as error:
        log.info("the other window's vectors did not answer: %r", error)
        return []


@contextlib.contextmanager
def _short(directory: Path) -> Iterator[Path]:
    """A name of the folder that is short enough to be part of a socket's address, where there is one."""
    if len(os.fsencode(directory / _NAME)) <= _LONGEST_PATH:
        yield directory
        return
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{opened}")
    finally:
        os.close(opened)
