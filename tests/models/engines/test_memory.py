"""A model that there is no memory for is told before it is loaded, with who holds it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from devflow.models.base import FillRequest, ModelSpec
from devflow.models.engines import ctransformers, memory
from devflow.models.engines.native import problem_inside
from devflow.models.errors import NoRoom
from devflow.server.workers.model import WorkerModel
from devflow.server.workers.rpc import Worker, WorkerError
from support.patience import HANGS
from support.tiny_gguf import write


@dataclass
class Memory:
    available: int


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return ModelSpec("near", "ctransformers", str(write(tmp_path / "tiny.gguf")))


def free(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(available))


def test_a_file_larger_than_the_free_memory_is_not_loaded(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10)
    with pytest.raises(
        NoRoom, match=r"near needs about 0\.0 GiB of memory for .*tiny\.gguf and 0\.0 are free"
    ):
        ctransformers.load(spec)
    assert isinstance(problem_inside(spec), NoRoom)
    free(monkeypatch, 2**40)
    assert problem_inside(spec) is None


def test_of_a_model_that_is_partly_on_the_gpu_the_rest_needs_memory(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = Path(spec.model).stat().st_size
    free(monkeypatch, size * 3 // 4)
    on_gpu = [problem_inside(replace(spec, options={"gpu_layers": each})) for each in ("0", "1", "2", "99")]
    assert [isinstance(each, NoRoom) for each in on_gpu] == [True, False, False, False], "of two layers"
    free(monkeypatch, size // 4)
    assert isinstance(problem_inside(replace(spec, options={"gpu_layers": "1"})), NoRoom)


def test_another_process_that_holds_a_model_is_named_with_its_size() -> None:
    program = "import sys; print('up', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", program, memory.WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"up"
        assert f", another DevFlow process ({other.pid}) holds a model with 0." in memory.held()
    finally:
        other.communicate(timeout=HANGS)
    assert f"({other.pid})" not in memory.held()


async def test_a_model_that_had_no_room_is_loaded_once_there_is_some(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Worker.request
    full = [WorkerError("near needs more memory than is free.", "NoRoom")]

    async def request(self: Worker, method: str, params: Any = None, timeout: float | None = None) -> Any:
        if method == "load" and full:
            raise full.pop()
        return await asked(self, method, params, timeout)

    monkeypatch.setattr(Worker, "request", request)
    model = WorkerModel(spec)
    try:
        with pytest.raises(NoRoom, match="than is free"):
            await model.warm()
        async with asyncio.timeout(HANGS):
            assert "".join([piece async for piece in model.fill(FillRequest("a = ", "", max_tokens=8))])
    finally:
        await model.close()
