"""A code graph over the files of a snippet: real files, a real index."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from devflow.retrieval.build import build
from devflow.retrieval.graph.base import Definition, Link
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import definitions_named
from devflow.retrieval.graph.stored import Stored
from devflow.retrieval.packed import register
from devflow.retrieval.store import DATABASE, index_directory
from devflow.retrieval.walk import IndexOptions
from support import fixture

SERVICE = """
    #- app/__init__.py
    #- app/db.py
    class Store:
        def load(self, key):
            return read(key)

    def read(key):
        return key
    #- app/logic.py
    from app.db import Store

    def price(key):
        return Store().load(key)

    def unrelated(): ...
    #- app/api.py
    from fastapi import APIRouter
    from app.logic import price, unrelated

    router = APIRouter(prefix="/v1")

    @router.get("/price/{key}")
    async def show(key):
        return price(key)

    @router.post("/other")
    async def other():
        return unrelated()
    #- tests/test_logic.py
    from app.logic import price

    def test_price():
        assert price(1)
"""
"""A small service with tests: `read` is reached by `Store.load`, `price`, an endpoint and a test."""


def put(root: Path, snippet: str) -> None:
    """Write the snippet's files below `root`."""
    for name, text in fixture.parse(snippet).files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


async def index(root: Path, snippet: str = "") -> None:
    """Bring the index of `root` up to date, with the snippet's files in it."""
    if snippet:
        put(root, snippet)
    status = await build(root, IndexOptions(vectors=False))
    assert (status.state, status.problem) == ("ready", "")


@asynccontextmanager
async def graph_of(root: Path, snippet: str = "", more: Sequence[Path] = ()) -> AsyncIterator[Graph]:
    """The graph of `root` and of `more` roots that have an index, inside a question."""
    await index(root, snippet)
    roots = [root, *more]
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(
                contextlib.closing(sqlite3.connect(index_directory(each) / DATABASE, isolation_level=None))
            )
            for each in roots
        ]
        for connection in connections:
            register(connection)
        graph = Graph(Stored(roots, connections))
        graph.begin()
        yield graph
        graph.end()


def one(graph: Graph, name: str) -> Definition:
    """The first definition that a name means."""
    return definitions_named(graph, name)[0]


def callers(graph: Graph, name: str, least: float = 0.5) -> list[str]:
    """Who calls a definition, by qualified name."""
    return names(link for link in graph.incoming(one(graph, name), least, ["call"]))


def callees(graph: Graph, name: str) -> list[str]:
    """Whom a definition calls."""
    found = (link.target.qualified_name for link in graph.outgoing(one(graph, name)) if link.kind == "call")
    return list(dict.fromkeys(found))


def names(links: object) -> list[str]:
    """The sources of links, each once."""
    assert hasattr(links, "__iter__")
    found: list[str] = []
    for link in links:
        assert isinstance(link, Link)
        if link.source.qualified_name not in found:
            found.append(link.source.qualified_name)
    return found
