"""The requests an exllamav2 generator is answering: one thread steps it, and each step moves all of them
on.

A fill never waits for a conversation: where there is no place for it, one steps aside, and goes on behind
what it has written as soon as there is a place again.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devflow.models.errors import WorkerDied

log = logging.getLogger(__name__)

_LOOK = 0.01
"""Seconds between two looks at whether a request that is waiting was cancelled."""


@dataclass(eq=False, slots=True)
class _Asked:
    make: Callable[[Sequence[int]], Any]
    language: str
    fill: bool
    job: Any = None
    written: list[int] = field(default_factory=list)
    """Tokens of what was said so far."""
    said: queue.SimpleQueue[dict[str, Any] | Exception] = field(default_factory=queue.SimpleQueue)
    gone: bool = False
    """Nobody wants its answer any more."""


class Jobs:
    """Used from any number of threads. `most` are begun at a time. `adapters` are LoRA adapters by language
    ("" for the others): who needs another one than is in use waits until the generator has nothing to do."""

    def __init__(self, generator: Any, adapters: Mapping[str, Any], most: int) -> None:
        self._generator = generator  # untyped library
        self._adapters = adapters
        self._most = most
        self._adapter: Any = None
        self._waiting: list[_Asked] = []
        self._active: list[_Asked] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._broken: WorkerDied | None = None

    def run(
        self,
        make: Callable[[Sequence[int]], Any],
        language: str,
        cancelled: Callable[[], bool],
        *,
        fill: bool = True,
    ) -> Generator[str]:
        """The pieces of the text of a job, none after `cancelled()`. `make` gives the library's job that goes
        on behind these tokens of its answer. Raises what the library raised, WorkerDied when it is beyond
        use."""
        asked = _Asked(make, language, fill)
        with self._changed:
            if self._broken is not None:
                raise self._broken
            self._waiting.append(asked)
            if self._thread is None:
                self._thread = threading.Thread(target=self._step_for_ever, name="exl2", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            while not cancelled():
                try:
                    said = asked.said.get(timeout=_LOOK)
                except queue.Empty:
                    continue
                if isinstance(said, Exception):
                    raise said
                if said["stage"] == "streaming" and not cancelled():
                    yield str(said.get("text", ""))
                if said["eos"]:
                    # What might have become a stop string, and now will not.
                    if said.get("eos_reason") == "stop_token" and not cancelled():
                        yield str(said.get("held", {}).get("text", ""))
                    return
        finally:
            with self._changed:
                asked.gone = True
                self._changed.notify()

    def _step_for_ever(self) -> None:
        while self._broken is None:
            with self._changed:
                while not self._waiting and not self._active:
                    self._changed.wait()
            try:
                self._begin_and_end()
                results = self._generator.iterate() if self._active else []
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and judges it
                log.warning("exllamav2 failed: %s", error)
                self._give_up(error)
                continue
            by_job = {id(asked.job): asked for asked in self._active}
            for result in results:
                whose = by_job.get(id(result["job"]))
                if whose is None:
                    continue
                if not whose.fill and (tokens := result.get("token_ids")) is not None:
                    whose.written += tokens.tolist()[0]
                whose.said.put(result)
                if result["eos"]:
                    self._active.remove(whose)
                    del by_job[id(whose.job)]

    def _give_up(self, error: Exception) -> None:
        """Those that were being answered fail; with a library that cannot forget them, all do."""
        failed, self._active = self._active, []
        for asked in failed:
            asked.said.put(error)
        try:
            self._generator.clear_queue()
        except Exception as worse:  # noqa: BLE001 - a thread that ended would leave the others waiting for ever
            log.warning("exllamav2 cannot go on: %s", worse)
            with self._changed:
                self._broken = WorkerDied(
                    f"exllamav2 cannot go on after an error ({error}); the model is being loaded again."
                )
                for asked in self._waiting:
                    asked.said.put(self._broken)

    def _begin_and_end(self) -> None:
        """Cancel the jobs nobody wants, begin those that may, fills first."""
        with self._changed:
            for asked in [each for each in self._active if each.gone]:
                self._end(asked)
            self._waiting = [each for each in self._waiting if not each.gone]
            while self._waiting:
                # Among those of a kind the order is kept: else the others could hold one up for ever.
                asked = next((each for each in self._waiting if each.fill), self._waiting[0])
                adapter = self._adapters.get(asked.language, self._adapters.get(""))
                if asked.fill:
                    self._step_aside(other_adapter=adapter is not self._adapter)
                if len(self._active) >= self._most or (adapter is not self._adapter and self._active):
                    return
                self._waiting.remove(asked)
                try:
                    if adapter is not self._adapter:
                        self._generator.set_loras([adapter] if adapter is not None else None)
                        self._generator.reset_page_table()  # what was read was read with the other one
                        self._adapter = adapter
                    asked.job = asked.make(asked.written)
                    self._generator.enqueue(asked.job)
                except Exception as error:  # noqa: BLE001 - this one alone; nobody else knows of it
                    asked.said.put(error)
                    continue
                self._active.append(asked)

    def _step_aside(self, *, other_adapter: bool) -> None:
        """Take as many conversations back as keep a fill from being begun, the latest first; none where fills
        keep it from that."""
        chats = [each for each in reversed(self._active) if not each.fill]
        fills = len(self._active) - len(chats)
        if other_adapter and fills:
            return
        while chats and (other_adapter or len(self._active) >= self._most > fills):
            chat = chats.pop(0)
            self._end(chat)
            self._waiting.insert(0, chat)

    def _end(self, asked: _Asked) -> None:
        self._generator.cancel(asked.job)
        self._active.remove(asked)
