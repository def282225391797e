"""What models said, kept in a file: a measurement can be repeated where the model is not."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal, Protocol

from devflow.models.base import FillRequest, ModelStatus
from devflow.models.cassettes import digest_of
from devflow.models.errors import NotConfigured
from devflow.models.streams import Answer, Said

FORMAT = 1
Task = Literal["fill", "chat"]


class Fills(Protocol):
    """What is needed of a router."""

    def has(self, task: Task) -> bool: ...
    def statuses(self) -> Sequence[ModelStatus]: ...
    def fill(self, request: FillRequest) -> Answer: ...


class Cassette:
    """Stands in for a router: what `live` says is recorded, and without it what was recorded is said again,
    the same request by the same answer. `save` writes the file."""

    def __init__(self, path: Path, live: Fills | None = None) -> None:
        """Raises ValueError for a file that is no cassette."""
        self._path = path
        self._live = live
        self._said: dict[str, dict[str, object]] = {}
        self.engine = ""
        if path.is_file():
            read = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(read, dict) or read.get("format") != FORMAT:
                raise ValueError(f"{path.name} is no recording of a model's answers.")
            self._said = read["answers"]
            self.engine = str(read["engine"])

    def has(self, task: Task) -> bool:
        """It fills what was recorded."""
        return task == "fill"

    def statuses(self) -> Sequence[ModelStatus]:
        """Of the live one."""
        return self._live.statuses() if self._live is not None else ()

    def fill(self, request: FillRequest) -> Answer:
        """Raises NotConfigured for a request that was not recorded."""
        return Answer(self._filled(request))

    async def _filled(self, request: FillRequest) -> AsyncGenerator[Said]:
        key = digest_of(request)
        known = self._said.get(key)
        if known is not None:
            yield self.engine, str(known["text"])
            return
        if self._live is None:
            raise NotConfigured("This request is not in the recording.")
        begun = time.monotonic()
        text = ""
        pieces = self._live.fill(request)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    text += piece
                    yield pieces.model, piece
        except GeneratorExit:
            pass  # as much as was wanted of it
        self.engine = pieces.model or self.engine
        self._said[key] = {"text": text, "seconds": round(time.monotonic() - begun, 3)}

    def save(self) -> None:
        """Write what was said."""
        told = {"format": FORMAT, "engine": self.engine, "answers": self._said}
        self._path.write_text(json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True), "utf-8")
