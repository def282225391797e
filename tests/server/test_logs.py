"""What goes to stderr: lines that name the request they are about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devflow.server import logs
from devflow.server.workers.rpc import Worker, WorkerError
from support.editor import ErrorAnswer, editor

TESTS = Path(__file__).parents[1]
URI = "file:///nowhere/a.py"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to stderr, lines from `devflow` loggers of every level."""
    monkeypatch.setenv("DEVFLOW_LOG_FORMAT", "text")
    stream = io.StringIO()
    handler = logs.begin(stream=stream)
    ours = logging.getLogger("devflow")
    level = ours.level
    ours.setLevel(logging.DEBUG)
    yield stream
    logging.getLogger().removeHandler(handler)
    ours.setLevel(level)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_of_text_names_the_request_where_there_is_one(written: io.StringIO) -> None:
    logs.write_as("text")
    log = logging.getLogger("devflow.here")
    log.warning("before")
    token = logs.about.set(("7\n8", "textDocument/hover"))
    log.info("%s of it", "some")
    logs.about.reset(token)
    assert written.getvalue().splitlines() == [
        "WARNING devflow.here: before",
        "INFO devflow.here ['7\\n8' textDocument/hover]: some of it",
    ]


async def test_a_line_of_json_names_it_in_threads_and_tasks_too(written: io.StringIO) -> None:
    logs.write_as("json")
    log = logging.getLogger("devflow.here")
    token = logs.about.set((7, "textDocument/hover"))
    await asyncio.to_thread(log.info, "in a thread\nof two lines \ud800")
    task = asyncio.create_task(asyncio.to_thread(log.info, "later"))
    logs.about.reset(token)
    await task
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed")
    first, second, third = lines(written)
    assert (first["request"], first["method"], first["level"]) == (7, "textDocument/hover", "info")
    assert first["message"] == "in a thread\nof two lines \ud800"
    assert first["logger"] == "devflow.here"
    assert second["request"] == 7
    assert "request" not in third
    assert "ValueError: why" in third["exception"]


async def test_each_request_s_lines_have_its_id_and_others_have_none(written: io.StringIO) -> None:
    logs.write_as("json")  # before the settings are read; they say so too, else it would be text again
    async with editor() as client:
        await client.initialize(initializationOptions={"log_format": "json", "log_level": "debug"})
        await client.wait_for("workspace/configuration")
        client.open(URI, "def f(): pass\n")
        at = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 4}}
        await asyncio.gather(*(client.request("textDocument/hover", at) for _ in range(3)))
        client.server.session.run(_logs("beside"), "log")
        await client.request("textDocument/hover", at)
    told = [line for line in lines(written) if line["logger"].startswith("devflow")]
    hovers = [line["request"] for line in told if line.get("method") == "textDocument/hover"]
    assert len(set(hovers)) == 4
    [beside] = [line for line in told if line["message"] == "beside"]
    assert "request" not in beside
    assert "def f" not in written.getvalue()


async def test_a_request_that_cannot_be_read_is_logged_with_its_id(written: io.StringIO) -> None:
    async with editor() as client:
        await client.initialize(initializationOptions={"log_format": "json", "log_level": "debug"})
        await client.wait_for("workspace/configuration")
        with pytest.raises(ErrorAnswer, match="not what LSP"):
            await client.request("textDocument/hover", {"position": 7})
    [line] = [each for each in lines(written) if each["message"].startswith("cannot read the parameters")]
    assert line["method"] == "textDocument/hover"
    assert line["request"]


async def test_a_worker_s_lines_have_the_id_of_the_request_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")
    monkeypatch.setenv("DEVFLOW_LOG_FORMAT", "json")
    worker = Worker("echo", "support.echo_worker")
    first = logs.about.set((6, "textDocument/definition"))
    await worker.start()
    logs.about.reset(first)
    for request in ((7, "textDocument/hover"), None):
        token = logs.about.set(request)
        with pytest.raises(WorkerError):
            await worker.request("fail", {"message": "no such thing"})
        logs.about.reset(token)
    await worker.close()
    asked, beside = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (asked["request"], asked["method"]) == (7, "textDocument/hover")
    assert asked["process"] != os.getpid()
    assert "request" not in beside


async def _logs(message: str) -> None:
    logging.getLogger("devflow.here").warning(message)
