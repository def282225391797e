"""What the assistant's functions are given: the codebase as seen at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devflow.analysis.usage import UsageModel
    from devflow.models.router import Router
    from devflow.retrieval.index import Index

    from devflow.analysis.python import PythonEngine
    from devflow.analysis.text import Text


class Texts(Protocol):
    """Reads documents: the open version where there is one, else the disk."""

    async def text_of(self, path: Path) -> Text | None: ...


@dataclass(frozen=True, slots=True)
class Codebase:
    """Everything `assist` may use besides the document itself. Parts that are not there are None:
    the assistant must still answer."""

    roots: tuple[Path, ...]
    texts: Texts
    python: PythonEngine | None = None
    index: Index | None = None
    models: Router | None = None
    usage: UsageSource | None = None


class UsageSource(Protocol):
    """Hands out the newest usage model of a language, or None while there is none."""

    def usage_of(self, language: str) -> UsageModel | None: ...
