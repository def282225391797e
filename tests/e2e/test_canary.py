"""With `local_only` nothing leaves: in a network without routes, and beside a proxy that counts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from support.patience import HANGS

CANARY = "ghp_" + "C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ry"
ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, json, sys

reached = []
sys.addaudithook(
    lambda event, arguments: reached.append(event)
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg")
    else None
)

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message, ModelSpec, ModelsConfig
from devflow.models.guard.books import Books
from devflow.models.errors import ModelError
from devflow.server.models import build_router

canary, local_only, *addresses = sys.argv[1], sys.argv[2] == "local", *sys.argv[3:]
options = {} if local_only else {"forwards": "true"}
models = tuple(
    ModelSpec(f"{engine}-{n}", engine, "m", base_url=address, api_key_env="KEY", options=options)
    for n, address in enumerate(addresses)
    for engine in ("openai", "anthropic")
)

async def main():
    refused = 0
    router = build_router(ModelsConfig(local_only, models, timeout=5.0, books=Books()), {"KEY": "k" * 30})
    for ask in (
        lambda: router.fill(FillRequest(canary, canary, context=(Excerpt(canary, canary),))),
        lambda: router.chat(ChatRequest((Message("user", canary),))),
    ):
        try:
            [piece async for piece in ask()]
        except ModelError as error:
            refused += 1
    await router.close()
    print(json.dumps({"refused": refused, "reached": len(reached)}))

asyncio.run(main())
"""


class Counting(ThreadingTCPServer):
    """Takes every connection, answers none, and remembers what it was told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        server = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(2.0)
                try:
                    while read := self.request.recv(65536):
                        server.heard.append(read)
                        if read.endswith((b"}", b"\r\n0\r\n\r\n")):
                            return
                except OSError:
                    server.heard.append(b"")

        super().__init__(("127.0.0.1", 0), Handler)


@contextmanager
def counting() -> Iterator[tuple[Counting, str]]:
    with Counting() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def asked(
    tmp_path: Path, *arguments: str, before: tuple[str, ...] = (), **environment: str
) -> dict[str, int]:
    answer = subprocess.run(
        [*before, sys.executable, "-c", PROGRAM, CANARY, *arguments],
        capture_output=True,
        text=True,
        timeout=HANGS,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT / "src"),
            **environment,
        },
        cwd=tmp_path,
    )
    assert answer.returncode == 0, answer.stderr
    assert CANARY not in answer.stdout + answer.stderr
    found: dict[str, int] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_under_local_only_a_proxy_hears_nothing(tmp_path: Path) -> None:
    with counting() as (proxy, address):
        names = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"), address)
        found = asked(tmp_path, "local", "https://api.openai.com/v1", "http://10.255.255.1/v1", **names)
        assert found == {"refused": 2, "reached": 0}
        assert proxy.heard == []


def test_with_permission_the_same_program_is_heard_without_its_secret(tmp_path: Path) -> None:
    with counting() as (server, address):
        found = asked(tmp_path, "remote", f"{address}/v1")
        assert found["reached"] > 0
        sent = b"".join(server.heard)
        assert b"DEVFLOW_SECRET_1_" in sent
        assert CANARY.encode() not in sent


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, of util-linux")
def test_in_a_network_without_routes_nothing_is_missed(tmp_path: Path) -> None:
    able = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True)
    if able.returncode:
        pytest.skip(f"this machine allows no network namespace: {able.stderr.strip()}")
    found = asked(tmp_path, "local", "https://api.openai.com/v1", before=("unshare", "-rn"))
    assert found == {"refused": 2, "reached": 0}
