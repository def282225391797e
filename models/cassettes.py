"""Recorded answers with their timing, played again: for tests and demonstrations of what a model really said.

A cassette is a file of JSON lines, one answer each: a digest of the request, its pieces with the seconds
before each, and how it ended. It holds what the model said and nothing of what it was asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast

from devflow.models import errors
from devflow.models.base import ChatModel, ChatRequest, FillModel, FillRequest, Health, ModelStatus
from devflow.models.errors import ModelError, NotConfigured
from devflow.models.streams import closing

_NOT_ASKED = frozenset({"deadline", "paths", "context_paths", "repository"})
"""What is no part of the question: a folder may be called otherwise elsewhere."""


def digest_of(request: FillRequest | ChatRequest) -> str:
    """What a request is known by: everything the model is told. Fields that were left at their defaults do
    not count, so that recordings outlive a field that is new."""
    usual = {each.name: each.default for each in fields(request)}
    told = {
        key: value for key, value in asdict(request).items() if key not in _NOT_ASKED and value != usual[key]
    }
    told["kind"] = type(request).__name__
    text = json.dumps(told, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Recorder:
    """A model that answers as another one does, and writes down what that says."""

    def __init__(self, model: FillModel | ChatModel, path: Path) -> None:
        """Answers are added to the file `path`."""
        self._model = model
        self._path = path
        self.name = model.name
        self.remote = model.remote

    def status(self) -> ModelStatus:
        """That of the other model."""
        return self._model.status()

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what the other one says."""
        return self._recorded(request, cast("FillModel", self._model).fill(request))

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream what the other one says."""
        return self._recorded(request, cast("ChatModel", self._model).chat(request))

    async def close(self) -> None:
        """Close the other one."""
        await self._model.close()

    async def _recorded(
        self, request: FillRequest | ChatRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[str]:
        heard: list[tuple[float, str]] = []
        problem: dict[str, Any] | None = None
        before = time.monotonic()
        try:
            async with closing(pieces):
                async for piece in pieces:
                    now = time.monotonic()
                    heard.append((round(now - before, 4), piece))
                    before = now
                    yield piece
        except ModelError as error:
            problem = {"kind": type(error).__name__, "message": str(error)}
            raise
        finally:
            line = {"request": digest_of(request), "pieces": heard, "problem": problem}
            await asyncio.shield(asyncio.to_thread(self._write, json.dumps(line)))

    def _write(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Cassette:
    """A FillModel and ChatModel that says again what was recorded. The same request asked again gets the next
    recording of it, the last one for ever."""

    remote = False

    def __init__(self, path: Path, *, name: str = "cassette", speed: float = 1.0) -> None:
        """`speed` times as fast as it was; 0: at once. The file is read at the first request."""
        self.name = name
        self._path = path
        self._speed = speed
        self._answers: dict[str, list[dict[str, Any]]] | None = None

    def status(self) -> ModelStatus:
        """Whether the file is there."""
        if self._answers is None and not self._path.is_file():
            detail = f"The cassette {self._path} does not exist; correct `options.cassette`."
            return ModelStatus(self.name, "fake", Health.UNAVAILABLE, detail)
        return ModelStatus(self.name, "fake", Health.READY, f"Recorded answers of {self._path}.")

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what was recorded. Raises NotConfigured for a request that was not."""
        return self._again(request)

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream what was recorded. Raises NotConfigured for a request that was not."""
        return self._again(request)

    async def close(self) -> None:
        """Nothing is held."""

    async def _again(self, request: FillRequest | ChatRequest) -> AsyncIterator[str]:
        if self._answers is None:
            self._answers = await asyncio.to_thread(_read, self._path)
        known = self._answers.get(digest_of(request))
        if not known:
            raise NotConfigured(f"{self.name} holds no recording of this request.")
        answer = known.pop(0) if len(known) > 1 else known[0]
        for wait, text in answer["pieces"]:
            if self._speed:
                await asyncio.sleep(wait / self._speed)
            yield text
        if problem := answer.get("problem"):
            kind = getattr(errors, str(problem.get("kind")), ModelError)
            known_kind = isinstance(kind, type) and issubclass(kind, ModelError)
            raise (kind if known_kind else ModelError)(str(problem.get("message", "")))


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    answers: dict[str, list[dict[str, Any]]] = {}
    try:
        for line in path.read_text("utf-8").splitlines():
            answer = json.loads(line)
            answer["pieces"] = [(float(wait), str(text)) for wait, text in answer["pieces"]]
            answers.setdefault(str(answer["request"]), []).append(answer)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotConfigured(f"The cassette {path} cannot be read ({type(error).__name__}).") from error
    return answers
