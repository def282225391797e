"""What the assistant's functions are given: the codebase as seen at one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devflow.server.assist.memory import Memory

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.analysis.text import Text
    from devflow.analysis.types.base import TypeEngine
    from devflow.analysis.usage import UsageModel
    from devflow.models.router import Router
    from devflow.retrieval.index import Index


class Texts(Protocol):
    """Reads documents: the open version where there is one, else the disk."""

    async def text_of(self, path: Path) -> Text | None:
        """The text of `path`; None when it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Codebase:
    """Everything `assist` may use besides the document itself. Parts that are not there are None:
    the assistant must still answer."""

    roots: tuple[Path, ...]
    texts: Texts
    python: TypeEngine | None = None
    index: Index | None = None
    models: Router | None = None
    usage: UsageSource | None = None
    memory: Memory = field(default_factory=Memory)
    types_are_fast: bool = False
    """The type engine mostly answers within some milliseconds, and what it does not know it says at once."""
    seen: Callable[[], Sequence[Document]] = tuple
    """The documents the user has lately looked at or worked in, the last one last."""

    def near(self, doc: Document | None = None) -> tuple[Path, ...]:
        """The files the user is at work in, for a search: `doc` first, then the last one looked at."""
        documents = [*([doc] if doc is not None else []), *reversed(self.seen())]
        return tuple(dict.fromkeys(each.path for each in documents if each.path is not None))


class UsageSource(Protocol):
    """Hands out the newest usage model of a language, or None while there is none."""

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel | None:
        """With the open documents as they are now, but without the file `besides`, whose text the asker
        has before it: what it says there is evidence of its own. For threads; never waits."""
        ...
