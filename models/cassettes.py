"""Recorded answers with their timing, played again: for tests, demonstrations and evaluations of what a
model really said.

A cassette is a file of JSON lines, an answer each, in the order they were given:

    {"request": "5f2c…", "model": "qwen", "pieces": [[0.21, "return "], [0.02, "x"]], "problem": null}

`request` is a digest of all that the model was told, `model` who answered, `pieces` each text with the
seconds before it, `problem` null or `{"kind", "message"}` of the ModelError that ended it. A cassette holds
what the model said and nothing of what it was asked. Files can be joined end to end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol, cast

from devflow.models import errors
from devflow.models.base import ChatRequest, FillRequest, Health, ModelStatus
from devflow.models.errors import ModelError, NotConfigured
from devflow.models.streams import Answer, Said, closing

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


class Fills(Protocol):
    """Who can be recorded: a model, or a router. One that answers conversations as well has `chat`."""

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream the pieces."""
        ...


class Cassette:
    """A FillModel and ChatModel that says again what was recorded. The same request asked again gets the next
    recording of it, the last one for ever."""

    remote = False

    def __init__(
        self, path: Path, *, name: str = "cassette", speed: float = 1.0, live: Fills | None = None
    ) -> None:
        """`speed` times as fast as it was; 0: at once. `live` is asked for what the file holds no answer to,
        and that is added to the file. The file is read at the first request."""
        self.name = name
        self._path = path
        self._speed = speed
        self._live = live
        self._answers: dict[str, list[dict[str, Any]]] | None = None

    def status(self) -> ModelStatus:
        """Whether the file is there, where nobody else can answer."""
        if self._live is None and self._answers is None and not self._path.is_file():
            detail = f"The cassette {self._path} does not exist; correct `options.cassette`."
            return ModelStatus(self.name, "fake", Health.UNAVAILABLE, detail)
        return ModelStatus(self.name, "fake", Health.READY, f"Recorded answers of {self._path}.")

    def fill(self, request: FillRequest) -> Answer:
        """Stream what was recorded, by the name of who said it. Raises NotConfigured for a request that was
        not, and what `live` raises."""
        return Answer(self._said(request))

    def chat(self, request: ChatRequest) -> Answer:
        """The same for a conversation."""
        return Answer(self._said(request))

    async def close(self) -> None:
        """Nothing is held."""

    async def _said(self, request: FillRequest | ChatRequest) -> AsyncGenerator[Said]:
        if self._answers is None:
            self._answers = await asyncio.to_thread(_read, self._path)
        known = self._answers.setdefault(digest_of(request), [])
        if self._live is not None and all(each.get("problem") for each in known):
            said = self._recorded(request, self._live, known)
        elif not known:
            raise NotConfigured(f"{self.name} holds no recording of this request.")
        else:
            said = self._again(known.pop(0) if len(known) > 1 else known[0])
        async with aclosing(said):
            async for each in said:
                yield each

    async def _recorded(
        self, request: FillRequest | ChatRequest, live: Fills, known: list[dict[str, Any]]
    ) -> AsyncGenerator[Said]:
        """What `live` says, written down up to where it ends, fails or is left."""
        pieces = live.fill(request) if isinstance(request, FillRequest) else cast(Any, live).chat(request)
        heard: list[tuple[float, str]] = []
        problem: dict[str, str] | None = None
        own = str(getattr(live, "name", ""))
        before = time.monotonic()
        try:
            async with closing(pieces):
                async for piece in pieces:
                    now = time.monotonic()
                    heard.append((round(now - before, 4), piece))
                    before = now
                    yield getattr(pieces, "model", own), piece
        except ModelError as error:
            problem = {"kind": type(error).__name__, "message": str(error)}
            raise
        finally:
            line = {
                "request": digest_of(request),
                "model": getattr(pieces, "model", own),
                "pieces": heard,
                "problem": problem,
            }
            known.append(line)
            await asyncio.shield(asyncio.to_thread(self._write, json.dumps(line)))

    async def _again(self, answer: dict[str, Any]) -> AsyncGenerator[Said]:
        model = str(answer.get("model") or self.name)
        for wait, text in answer["pieces"]:
            if self._speed:
                await asyncio.sleep(wait / self._speed)
            yield model, text
        if problem := answer.get("problem"):
            kind = getattr(errors, str(problem.get("kind")), ModelError)
            known_kind = isinstance(kind, type) and issubclass(kind, ModelError)
            raise (kind if known_kind else ModelError)(str(problem.get("message", "")))

    def _write(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The answers by the digest of their request; none where there is no file yet."""
    answers: dict[str, list[dict[str, Any]]] = {}
    try:
        for line in path.read_text("utf-8").splitlines():
            answer = json.loads(line)
            answer["pieces"] = [(float(wait), str(text)) for wait, text in answer["pieces"]]
            answers.setdefault(str(answer["request"]), []).append(answer)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotConfigured(f"The cassette {path} cannot be read ({type(error).__name__}).") from error
    return answers
