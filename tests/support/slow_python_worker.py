"""A python worker whose answers take as long as the source says: `sleep 0.5`; `die` ends the process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from devflow.server.workers.rpc import Handler, Server, main, serve


async def _complete(params: dict[str, Any]) -> list[dict[str, str]]:
    word, _, seconds = params["source"].partition(" ")
    if word == "die":
        os._exit(3)
    await asyncio.sleep(float(seconds))
    return [{"name": params["source"], "kind": "variable", "detail": str(os.getpid())}]


async def _warm(params: dict[str, Any]) -> None:
    return None


def _methods(server: Server) -> Mapping[str, Handler]:
    return {"complete": _complete, "warm": _warm}


async def _run() -> None:
    await serve(_methods)


if __name__ == "__main__":
    main(_run)
