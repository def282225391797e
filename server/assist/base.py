"""What the assistant's functions are given: the codebase as seen at one moment."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.analysis.text import Text
    from devflow.analysis.types.base import TypeEngine
    from devflow.analysis.usage import UsageModel
    from devflow.models.router import Router
    from devflow.retrieval.index import Index

T = TypeVar("T")


class Texts(Protocol):
    """Reads documents: the open version where there is one, else the disk."""

    async def text_of(self, path: Path) -> Text | None:
        """The text of `path`; None when it cannot be read."""
        ...


class Memory:
    """What one request leaves for the next: answers that came too late for their deadline, and what
    was worked out of a document's version. Bounded; everything in it can be made again.

    A session keeps one and hands it to every `Codebase` it makes.
    """

    def __init__(self, tasks: int = 16, values: int = 128) -> None:
        self._tasks: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()
        self._most_tasks = tasks
        self._most_values = values

    def task(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """The task started under `key`, running or done; `start` makes it when there is none or when
        the one there failed. The oldest unfinished ones are cancelled when there are too many."""
        task = self._tasks.get(key)
        if task is not None and (not task.done() or not (task.cancelled() or task.exception())):
            self._tasks.move_to_end(key)
            return cast("asyncio.Task[T]", task)
        task = asyncio.create_task(start())
        # Its exception is read even when nobody comes back for the answer.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks[key] = task
        while len(self._tasks) > self._most_tasks:
            self._tasks.popitem(last=False)[1].cancel()
        return cast("asyncio.Task[T]", task)

    def forget(self, key: Hashable) -> None:
        """Drop the task under `key`; it is not cancelled."""
        self._tasks.pop(key, None)

    def value(self, name: str, doc: Document, make: Callable[[], T]) -> T:
        """`make()`, made once per version of `doc`. Safe to call from a thread: at worst it is made twice."""
        key = (name, doc.uri)
        kept = cast("tuple[object, T] | None", self._get(key))
        if kept is not None and kept[0] is doc.text:
            return kept[1]
        made = make()
        self.keep(key, (doc.text, made))
        return made

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value kept under `key`, made by `make` the first time. Safe to call from a thread."""
        found = self._get(key)
        if found is None:
            found = make()
            self.keep(key, found)
        return cast("T", found)

    def keep(self, key: Hashable, value: object) -> None:
        """Keep `value` under `key` in place of what was there."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most_values:
                self._values.popitem(last=False)

    def last(self, key: Hashable) -> object:
        """The value kept under `key`, None when there is none."""
        return self._get(key)

    def _get(self, key: Hashable) -> object:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def release(self, uri: str) -> None:
        """Drop what is kept of the document `uri`: the values and tasks that have it in their key. Who waits
        for a task still gets its answer. Called on the event loop."""
        with self._lock:
            for key in [key for key in self._values if isinstance(key, tuple) and uri in key]:
                del self._values[key]
        for key in [key for key in self._tasks if isinstance(key, tuple) and uri in key]:
            del self._tasks[key]

    def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        with self._lock:
            self._values.clear()


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
