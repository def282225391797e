"""What one request leaves for the next, in slots that carry the type of what is in them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from devflow.analysis.document import Document
    from devflow.analysis.text import Text

T = TypeVar("T")


class Slot(Generic[T]):
    """A kind of thing that is kept, or that a task is to find. The module whose it is declares it once and
    hands it out, or not: a slot is equal to itself alone, so that nobody gets at it by spelling its name."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.what!r})"


class Key(NamedTuple, Generic[T]):
    """One place in the memory."""

    slot: Slot[Any]
    uri: str
    """The document it is about, with which it goes; "" for the session's."""
    of: tuple[Hashable, ...]
    """What else it is about, where a slot has several."""


class PerSession(Slot[T]):
    """Kept for all documents. Without `of` it stays as long as the session."""

    def key(self, *of: Hashable) -> Key[T]:
        return Key(self, "", of)


class PerDocument(Slot[T]):
    """Kept until the document is closed."""

    def key(self, uri: str, *of: Hashable) -> Key[T]:
        return Key(self, uri, of)


class PerVersion(Slot[T]):
    """Kept until the document's text is another: see `Memory.value`."""


class Memory:
    """Answers that came too late for their deadline, and what was worked out of a document's version.
    Bounded; everything in it can be made again.

    A session keeps one and hands it to every `Codebase` it makes.
    """

    def __init__(self, tasks: int = 16, values: int = 128) -> None:
        self._tasks: OrderedDict[Key[Any], asyncio.Task[Any]] = OrderedDict()
        self._values: OrderedDict[Key[Any], object] = OrderedDict()
        self._lasting: dict[Key[Any], object] = {}
        """What there is one of in a session: what many documents leave does not push it out."""
        self._lock = Lock()
        self._most_tasks = tasks
        self._most_values = values

    def task(self, key: Key[T], start: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """The task started under `key`, running or done; `start` makes it when there is none or when
        the one there failed. The oldest unfinished ones are cancelled when there are too many."""
        task = self._tasks.get(key)
        if task is not None and (not task.done() or not (task.cancelled() or task.exception())):
            self._tasks.move_to_end(key)
            return cast("asyncio.Task[T]", task)
        return self.again(key, start)

    def again(self, key: Key[T], start: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """A new task under `key`; one that is there is not cancelled, but found no more."""
        self._tasks.pop(key, None)
        task = asyncio.create_task(start())
        # Its exception is read even when nobody comes back for the answer.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks[key] = task
        while len(self._tasks) > self._most_tasks:
            self._tasks.popitem(last=False)[1].cancel()
        return task

    def value(self, slot: PerVersion[T], doc: Document, make: Callable[[], T]) -> T:
        """`make()`, made once per version of `doc`. Safe to call from a thread: at worst it is made twice."""
        key: Key[tuple[Text, T]] = Key(slot, doc.uri, ())
        kept = self.last(key)
        if kept is not None and kept[0] is doc.text:
            return kept[1]
        made = make()
        self.keep(key, (doc.text, made))
        return made

    def kept(self, key: Key[T], make: Callable[[], T]) -> T:
        """The value kept under `key`, made by `make` the first time. Safe to call from a thread."""
        found = self.last(key)
        if found is None:
            found = make()
            self.keep(key, found)
        return found

    def keep(self, key: Key[T], value: T) -> None:
        """Keep `value` under `key` in place of what was there."""
        with self._lock:
            if not key.uri and not key.of:
                self._lasting[key] = value
                return
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most_values:
                self._values.popitem(last=False)

    def last(self, key: Key[T]) -> T | None:
        """The value kept under `key`, None when there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return cast("T", self._values[key])
            return cast("T | None", self._lasting.get(key))

    def release(self, uri: str) -> None:
        """Drop what is kept of the document `uri`, values and tasks. Who waits for a task still gets its
        answer. Called on the event loop."""
        with self._lock:
            for key in [key for key in self._values if key.uri == uri]:
                del self._values[key]
        for key in [key for key in self._tasks if key.uri == uri]:
            del self._tasks[key]

    def close(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
        with self._lock:
            self._values.clear()
            self._lasting.clear()
