"""A cassette in place of a router: a measurement can be repeated where the model is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from devflow.models.base import FillRequest, ModelStatus
from devflow.models.cassettes import Cassette
from devflow.models.streams import Answer

Task = Literal["fill", "chat"]


class Fills(Protocol):
    """What is needed of a router."""

    def has(self, task: Task) -> bool: ...
    def statuses(self) -> Sequence[ModelStatus]: ...
    def fill(self, request: FillRequest) -> Answer: ...


class Recorded:
    """What the cassette at `path` holds is said again, as slowly as it was; what it does not hold `live` is
    asked, and recorded."""

    def __init__(self, path: Path, live: Fills | None = None) -> None:
        self._cassette = Cassette(path, live=live)
        self._live = live

    def has(self, task: Task) -> bool:
        """It fills what was recorded."""
        return task == "fill"

    def statuses(self) -> Sequence[ModelStatus]:
        """Of the live one, else of the file."""
        return self._live.statuses() if self._live is not None else (self._cassette.status(),)

    def fill(self, request: FillRequest) -> Answer:
        """Raises NotConfigured for a request that was not recorded, and what the live one raises."""
        return self._cassette.fill(request)
