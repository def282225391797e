"""An index that is there: the first search, later ones, completion while another index is made, memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from bench.client import Client
from bench.figures import times
from bench.positions import askable, members
from devflow.retrieval.index import Index
from devflow.retrieval.store import index_directory

from .content import connected
from .worker import watched

QUERIES = (
    "coordinator update failed",
    "DataUpdateCoordinator",
    "where is the config entry migrated",
    "async_setup_entry",
    "parse device temperature sensor value",
    "retry the connection when the host is not reachable",
    "zigbee light color mode",
    "KeyError: 'entity_id' in state machine",
    "def async_get_or_create_device(self, identifiers):",
    "homeassistant/helpers/entity.py",
    "voluptuous schema for service call",
    "how are websocket commands registered",
    "websocket_api",
    "unit conversion between celsius and fahrenheit",
    "template rendering timeout",
    "bluetooth advertisement callback",
)


async def searches(root: Path, cache: Path, *, rounds: int = 4) -> dict[str, Any]:
    """Hybrid search through the worker's vectors, as the server does it (milliseconds)."""
    async with watched(root, vectors=True, cache=cache, memory=False) as seen:
        await seen.settled()
        index = await Index.open([root], seen.worker)
        try:
            begun = time.perf_counter()
            await index.search(QUERIES[0])
            first = (time.perf_counter() - begun) * 1e3
            for query in QUERIES:
                await index.search(query)
            taken = []
            for _ in range(rounds):
                for query in QUERIES:
                    begun = time.perf_counter()
                    await index.search(query)
                    taken.append((time.perf_counter() - begun) * 1e3)
        finally:
            await index.close()
    return {"first_ms": round(first, 1), "searches": times(taken)}


def warm(root: Path, cache: Path) -> dict[str, Any]:
    """From the start of the program to the answer of the first search, and the server's memory after."""
    started = []
    for _ in range(3):
        begun = time.perf_counter()
        with _server(root, cache) as client:
            answer = _search(client, "async_setup_entry")
            started.append((time.perf_counter() - begun) * 1e3)
            if not answer:
                raise ValueError("the first search found nothing")
            client.settle(60)
            server = psutil.Process(client.process.pid).memory_info().rss >> 20
            below = psutil.Process(client.process.pid).children(recursive=True)
            tree = sum(process.memory_info().rss >> 20 for process in below) + server
    return {"first_search": times(started), "server_after_mib": server, "tree_after_mib": tree}


def typing(root: Path, cache: Path, fresh: Path, count: int = 60) -> dict[str, Any]:
    """Completion at the same places with the index at rest, and in a server that indexes from nothing."""
    places = _places(root, count)
    with _server(root, cache) as client:
        client.settle(60)
        idle = _typed(client, places)
    with _server(root, fresh) as client:
        client.open(places[0][0], places[0][1])
        client.ask("completion", places[0][0], places[0][2])  # the engine's start is not what is measured
        during = _typed(client, places)
        child = [p for p in psutil.Process(client.process.pid).children() if _is_index(p)]
        still = bool(child and child[0].children())
    return {
        "idle": times(idle),
        "indexing": times(during),
        "still_indexing_at_the_end": still,
        "ratio_p95": round(times(during)["p95"] / times(idle)["p95"], 2),
    }


def _typed(client: Client, places: list[tuple[Path, str, int]]) -> list[float]:
    taken = []
    for path, text, at in places:
        client.open(path, text)
        client.replace(path, at, at, "a")
        taken.append(client.ask("completion", path, at + 1)[1])
        client.replace(path, at, at + 1, "")
        time.sleep(0.1)  # nobody types faster
    return taken


def _places(root: Path, count: int) -> list[tuple[Path, str, int]]:
    rnd = random.Random(4)
    files = [path for path in sorted(askable(root)) if 2_000 < path.stat().st_size < 40_000]
    found = []
    for path in rnd.sample(files, min(8, len(files))):
        text = path.read_text("utf-8")
        inside = members(path, text)
        found += [(path, text, place.at) for place in rnd.sample(inside, min(count // 8 + 1, len(inside)))]
    return found[:count]


def _server(root: Path, cache: Path) -> Client:
    command = (str(Path(sys.executable).parent / "devflow-lsp"),)
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):  # an installed server has its bytecode
        environment["PYTHONPYCACHEPREFIX"] = str(cache.parent / "bytecode")
    return Client(command, root, environment=environment, timeout=60)


def _search(client: Client, query: str) -> Any:
    answer, _ = client.request(
        "workspace/executeCommand", {"command": "devflow.search", "arguments": [query]}, timeout=60
    )
    return answer["hits"]


def _is_index(process: psutil.Process) -> bool:
    try:
        return "devflow.server.workers.index" in " ".join(process.cmdline())
    except psutil.Error:
        return False


async def saved(root: Path, cache: Path, count: int = 40) -> dict[str, Any]:
    """From telling of a saved file to finding what is new in it: by name, in the text, by its use, by its
    vector (milliseconds). The file is put back."""
    rnd = random.Random(3)
    taken: dict[str, list[float]] = {"symbols": [], "text": [], "uses": [], "vectors": []}
    async with watched(root, vectors=True, cache=cache, memory=False) as seen:
        await seen.settled()
        index = await Index.open([root], seen.worker)
        files = await asyncio.to_thread(_some_files, root, count)
        await seen.worker.nearest(root, "warm", 1)
        for number, path in enumerate(files):
            old = path.read_text("utf-8")
            name = f"quokka{number}{rnd.randrange(10**6)}"
            added = f"\n\ndef {name}(left):\n    return platypus{name}(left)\n"
            try:
                await asyncio.to_thread(path.write_text, old + added, "utf-8")
                begun = time.perf_counter()
                seen.worker.update([path])
                await _until(seen, index, (root, path), name, begun, taken)
            finally:
                path.write_text(old, "utf-8")
        seen.worker.update(files)
        await seen.settled()
        await index.close()
    return {source: times(values) for source, values in taken.items()}


def _embedded(root: Path, path: Path) -> bool:
    """Whether every chunk of the file has its vector."""
    with contextlib.closing(connected(index_directory(root))) as db:
        [(least,)] = db.execute(
            "SELECT min(p.embedded) FROM pieces p JOIN files f ON f.id = p.file WHERE f.path = ?",
            (path.relative_to(root).as_posix(),),
        )
    return bool(least)


def _some_files(root: Path, count: int) -> list[Path]:
    """Files that are in the index."""
    with contextlib.closing(connected(index_directory(root))) as db:
        rows = db.execute("SELECT path FROM files WHERE language = 'python' AND size BETWEEN 1000 AND 60000")
        files = sorted(root / path for (path,) in rows)
    return random.Random(3).sample(files, count)


async def _until(
    seen: Any, index: Index, place: tuple[Path, Path], name: str, begun: float, taken: dict[str, list[float]]
) -> None:
    root, path = place
    texts = await Index.open([root])  # without vectors

    async def by_vector() -> bool:
        return await by_name() and await asyncio.to_thread(_embedded, root, path)

    async def by_text() -> bool:
        return any(name in hit.text for hit in await texts.search(name, 1))

    async def by_name() -> bool:
        return bool(await index.symbols_named(name))

    async def by_use() -> bool:
        return bool(await index.references_to(f"platypus{name}"))

    waiting = {"symbols": by_name, "uses": by_use, "text": by_text, "vectors": by_vector}
    while waiting and time.perf_counter() - begun < 5.0:
        for source, found in list(waiting.items()):
            if await found():
                taken[source].append((time.perf_counter() - begun) * 1e3)
                del waiting[source]
        if waiting:
            seen.changed.clear()
            try:
                await asyncio.wait_for(seen.changed.wait(), 0.01)
            except TimeoutError:
                continue
    await texts.close()
    for source in waiting:
        taken[source].append(5_000.0)
