"""Vectors at a real Chroma server (`chroma run`), and at ones that are dead or slow."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from psutil import Process

from devflow.retrieval.base import VectorOptions
from devflow.retrieval.build import build
from devflow.retrieval.chroma import VectorsUnavailable, connect
from devflow.retrieval.local import local_vectors
from devflow.retrieval.store import index_directory, open_writer
from devflow.retrieval.vector_process import VectorProcess
from devflow.retrieval.vector_sync import VectorSync
from devflow.retrieval.walk import IndexOptions
from support.patience import HANGS, quickest

TEXTS = ["def parse_ignore_file(path)", "class ColourPicker", "read_ignore_rules from a file path"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    data = tmp_path_factory.mktemp("data")
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", data, "--port", str(port)]
    process = subprocess.Popen(
        [*map(str, command), "--host", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=data,
    )
    try:
        _wait_for(f"{url}/api/v2/heartbeat", process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + HANGS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "chroma run ended"
            assert time.monotonic() < until, "chroma run does not answer"
            time.sleep(0.05)  # until the server listens


def at(url: str) -> VectorOptions:
    return VectorOptions(chroma_url=url)


def test_vectors_at_a_server_are_kept_replaced_and_deleted(tmp_path: Path, server: str) -> None:
    vectors = VectorProcess(tmp_path / "chroma", "s", at(server))
    vectors.add([1, 2, 3], TEXTS)
    vectors.add([2], [TEXTS[0]])
    vectors.delete([3, 99])
    vectors.finish()
    vectors.close()
    again = VectorProcess(tmp_path / "chroma", "s", at(server))
    assert again.count() == 2
    assert {id_ for id_, similarity in again.nearest(TEXTS[0], 5) if similarity > 0.99} == {1, 2}
    again.close()
    assert not (tmp_path / "chroma").exists()


def test_a_proxy_in_the_environment_is_not_used(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setenv("no_proxy", "example.com")
    vectors = VectorProcess(tmp_path / "chroma", "s", at(server))
    assert vectors.count() == 0
    vectors.close()


def test_indexes_that_share_a_server_do_not_see_each_other(tmp_path: Path, server: str) -> None:
    one = VectorProcess(tmp_path / "one", "s", at(server))
    other = VectorProcess(tmp_path / "other", "s", at(server))
    one.add([1], TEXTS[:1])
    assert (one.count(), other.count()) == (1, 0)
    other.close()
    rebuilt = VectorProcess(tmp_path / "one", "t", at(server))
    assert rebuilt.count() == 0
    rebuilt.close()
    one.close()


def test_a_tenant_that_is_not_there_is_a_sentence(tmp_path: Path, server: str) -> None:
    options = VectorOptions(chroma_url=server, tenant="nobody")
    with pytest.raises(VectorsUnavailable, match=r"Chroma server at 127\.0\.0\.1 could not be reached"):
        VectorProcess(tmp_path, "s", options)


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://[", "http://host:port", "localhost:8000"])
def test_an_address_that_is_none_is_a_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(VectorsUnavailable, match="is no address"):
        VectorProcess(tmp_path, "s", at(url))


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_a_silent_server_is_said_and_asked_again_later(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.vector_process._OPENS_WITHIN", 2.0)
    db, _ = await open_writer(tmp_path)
    woken = asyncio.Event()
    sync = VectorSync(tmp_path / "chroma", woken.set, options=at(silent))
    asked = asyncio.create_task(sync.nearest("file", 3))
    for _ in range(2):  # asked for; opened, which fails
        await woken.wait()
        woken.clear()
        assert not await sync.step(db)
    assert "did not answer within 2 s" in sync.problem
    assert await asked == []

    async def asking() -> float:
        started = time.monotonic()
        assert await sync.nearest("file", 3) == []
        return time.monotonic() - started

    assert await quickest(asking, 0.1) <= 0.1, "it is not asked again yet"
    await sync.close()
    await db.close()


def test_a_server_that_stops_is_a_sentence_and_not_a_wait(tmp_path: Path, server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(VectorsUnavailable, match="could not be reached"):
        VectorProcess(tmp_path, "s", at(url))


def test_who_is_closed_leaves_no_connection_and_takes_none_from_others(tmp_path: Path, server: str) -> None:
    port = int(server.rpartition(":")[2])

    def connections() -> int:
        return sum(bool(each.raddr) and each.raddr.port == port for each in Process().net_connections("tcp"))

    before = connections()
    one, other = (connect(tmp_path / name, at(server)) for name in ("one", "other"))
    assert connections() > before
    one.close()
    assert other.client.heartbeat()
    other.close()
    assert connections() <= before


async def test_vectors_that_a_server_has_lost_are_told_and_made_again(tmp_path: Path, server: str) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    await build(tmp_path, IndexOptions(), vectors=at(server))
    chroma = connect(index_directory(tmp_path) / "chroma", at(server))
    for each in chroma.client.list_collections():
        if each.name.startswith(chroma.prefix):
            chroma.client.delete_collection(each.name)
    chroma.close()
    async with local_vectors(tmp_path, at(server)) as (_, problem):
        assert problem == "Of 1 vectors 1 are lost; `devflow index` makes them again."
    await build(tmp_path, IndexOptions(), vectors=at(server), check_vectors=True)
    async with local_vectors(tmp_path, at(server)) as (vectors, problem):
        assert problem == ""
        assert vectors is not None
        assert len(await vectors.nearest(tmp_path, "read the ignore file", 5)) == 1


async def test_an_index_whose_server_is_dead_says_so_although_nothing_is_to_be_embedded(
    tmp_path: Path, server: str
) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    await build(tmp_path, IndexOptions(), vectors=at(server))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    status = await build(tmp_path, IndexOptions(), vectors=at(dead), check_vectors=True)
    assert "could not be reached" in status.problem


def test_a_server_that_hangs_is_given_up_within_seconds(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.chroma._SERVER_ANSWERS_WITHIN", 0.2)
    with pytest.raises(VectorsUnavailable, match=r"could not be reached \(no answer within 0\.2 s\)"):
        connect(tmp_path / "chroma", at(silent))
