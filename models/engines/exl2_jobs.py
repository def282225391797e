"""The requests an exllamav2 generator is answering: one thread steps it, and each step moves all of them
on."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

_LOOK = 0.01
"""Seconds between two looks at whether a request that is waiting was cancelled."""


@dataclass(eq=False, slots=True)
class _Asked:
    job: Any
    language: str
    said: queue.SimpleQueue[dict[str, Any] | Exception] = field(default_factory=queue.SimpleQueue)
    gone: bool = False
    """Nobody wants its answer any more."""


class Jobs:
    """Used from any number of threads. `adapters` are LoRA adapters by language, "" for the others: those who
    need another one than is in use wait until the generator has nothing to do."""

    def __init__(self, generator: Any, adapters: Mapping[str, Any]) -> None:
        self._generator = generator  # untyped library
        self._adapters = adapters
        self._adapter: Any = None
        self._waiting: deque[_Asked] = deque()
        self._active: list[_Asked] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def run(self, job: Any, language: str, cancelled: Callable[[], bool]) -> Generator[str]:
        """The pieces of the job's text, none after `cancelled()`. Raises what the library raised."""
        asked = _Asked(job, language)
        with self._changed:
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
                    return
        finally:
            with self._changed:
                asked.gone = True
                self._changed.notify()

    def _step_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._active:
                    self._changed.wait()
            try:
                self._begin_and_end()
                results = self._generator.iterate() if self._active else []
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and judges it
                log.warning("exllamav2 failed: %s", error)
                for asked in self._active:
                    asked.said.put(error)
                self._active.clear()
                self._generator.clear_queue()
                continue
            by_job = {id(asked.job): asked for asked in self._active}
            for result in results:
                whose = by_job.get(id(result["job"]))
                if whose is None:
                    continue
                whose.said.put(result)
                if result["eos"]:
                    self._active.remove(whose)
                    del by_job[id(whose.job)]

    def _begin_and_end(self) -> None:
        """Cancel the jobs nobody wants, begin those that may."""
        with self._changed:
            for asked in [each for each in self._active if each.gone]:
                self._generator.cancel(asked.job)
                self._active.remove(asked)
            while self._waiting:
                asked = self._waiting[0]
                adapter = self._adapters.get(asked.language, self._adapters.get(""))
                if adapter is not self._adapter and self._active and not asked.gone:
                    return  # the order is kept: else the others could hold it up for ever
                self._waiting.popleft()
                if asked.gone:
                    continue
                try:
                    if adapter is not self._adapter:
                        self._generator.set_loras([adapter] if adapter is not None else None)
                        self._generator.reset_page_table()  # what was read was read with the other one
                        self._adapter = adapter
                    self._generator.enqueue(asked.job)
                except Exception as error:  # noqa: BLE001 - this one alone; nobody else knows of it
                    asked.said.put(error)
                    continue
                self._active.append(asked)
