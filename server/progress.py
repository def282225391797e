"""Work-done progress: the bar of the index, and the one of a request that takes long."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lsprotocol import types

from devflow.server.errors import RequestFailed

if TYPE_CHECKING:
    from devflow.server.app import DevFlowServer
    from devflow.server.session import Session

log = logging.getLogger(__name__)

_EVERY = 0.1
SHOWN_AFTER = 0.5
"""Seconds before a progress bar appears for a request that did not bring one."""

_Value = types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd


class IndexProgress:
    """Shows how far the index is, to clients that can show it."""

    def __init__(self, client: DevFlowServer) -> None:
        self.shown = False
        self._client = client
        self._folders: dict[str, tuple[int, int]] = {}
        self._token = ""
        self._begun = False
        self._last = 0.0
        self._task: asyncio.Task[None] | None = None

    def report(self, name: str, done: int, total: int) -> None:
        """`done` of `total` files of the folder `name`; equal means it is finished."""
        if done >= total:
            self._folders.pop(name, None)
        else:
            self._folders[name] = (done, total)
        if not self.shown:
            return
        if self._folders and not self._token:
            self._token = uuid.uuid4().hex
            # A task of its own: the editor's answer to `create` must find someone who waits for it,
            # whatever request is cancelled meanwhile.
            self._task = self._client.protocol.run(self._begin(self._token), "indexing progress")
        elif self._begun:
            self._update()

    async def _begin(self, token: str) -> None:
        try:
            async with asyncio.timeout(10):
                await self._client.window_work_done_progress_create_async(
                    types.WorkDoneProgressCreateParams(token)
                )
        except (RequestFailed, TimeoutError) as error:
            log.warning("the editor made no progress bar: %s", error)
            self.shown = False
            return
        self._begun = True
        self._send(types.WorkDoneProgressBegin("Indexing", cancellable=False, percentage=0))
        self._update()

    def _update(self) -> None:
        now = time.monotonic()
        if not self._folders:
            self._send(types.WorkDoneProgressEnd(message="Indexed"))
            self._token, self._begun = "", False
        elif now - self._last >= _EVERY:
            self._last = now
            done = sum(pair[0] for pair in self._folders.values())
            total = sum(pair[1] for pair in self._folders.values())
            self._send(
                types.WorkDoneProgressReport(
                    message=f"{done:,} of {total:,} files",
                    percentage=min(100, done * 100 // max(1, total)),
                )
            )

    def _send(self, value: _Value) -> None:
        self._client.protocol.notify(types.PROGRESS, types.ProgressParams(self._token, value))


@asynccontextmanager
async def working(
    session: Session, title: str, token: types.ProgressToken | None = None
) -> AsyncIterator[Callable[[str], None]]:
    """Show that `title` is being worked on; what is yielded reports how far it is. The user can cancel
    it, which cancels the task around. `token` is the client's own, where the request brought one."""
    client = session.client
    window = session.capabilities.window
    task = asyncio.current_task()
    begun = False

    def begin(known: types.ProgressToken) -> None:
        nonlocal begun
        begun = True
        if task is not None:
            session.cancellable[known] = task
        send(types.WorkDoneProgressBegin(title, cancellable=True))

    def send(value: _Value) -> None:
        client.protocol.notify(types.PROGRESS, types.ProgressParams(shown, value))

    async def create() -> None:
        # A task of its own, for the reason `IndexProgress.report` gives.
        await asyncio.sleep(SHOWN_AFTER)
        await client.window_work_done_progress_create_async(types.WorkDoneProgressCreateParams(shown))
        begin(shown)

    shown: types.ProgressToken = uuid.uuid4().hex if token is None else token
    creating: asyncio.Task[None] | None = None
    if token is not None:
        begin(token)
    elif window and window.work_done_progress:
        creating = session.run(create(), "progress")
    last = 0.0

    def report(message: str) -> None:
        nonlocal last
        now = time.monotonic()
        if begun and now - last >= _EVERY:
            last = now
            send(types.WorkDoneProgressReport(message=message))

    try:
        yield report
    finally:
        session.cancellable.pop(shown, None)
        if creating is not None and not begun:
            creating.cancel()
        elif begun:
            send(types.WorkDoneProgressEnd())
