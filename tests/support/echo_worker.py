"""A worker for the tests of `server.workers.rpc`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from devflow.server.workers import rpc


def methods(server: rpc.Server) -> Mapping[str, rpc.Handler]:
    """Handlers that echo, count, fail, print, die and wait to be cancelled."""
    cancelled: list[str] = []

    async def echo(params: dict[str, Any]) -> Any:
        return params

    async def count(params: dict[str, Any]) -> int:
        for number in range(params["to"]):
            server.notify("number", {"value": number})
        return int(params["to"])

    async def fail(params: dict[str, Any]) -> None:
        raise ValueError(params["message"])

    async def noise(params: dict[str, Any]) -> str:
        print("a library prints to stdout", flush=True)
        os.write(1, b"and a native one too\n")
        return "heard"

    async def die(params: dict[str, Any]) -> None:
        os._exit(3)

    async def wait(params: dict[str, Any]) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(params["name"])
            raise

    async def was_cancelled(params: dict[str, Any]) -> list[str]:
        return cancelled

    return {
        "echo": echo,
        "count": count,
        "fail": fail,
        "noise": noise,
        "die": die,
        "wait": wait,
        "was_cancelled": was_cancelled,
    }


async def run() -> None:
    """Serve until stdin closes."""
    await rpc.serve(methods)


if __name__ == "__main__":
    rpc.main(run)
