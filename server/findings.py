"""Review findings as diagnostics: pulled by clients that ask, pushed to those that do not."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from devflow.analysis.document import Document
from devflow.analysis.facts import Finding
from devflow.analysis.text import Text
from devflow.server import convert
from devflow.server.errors import ContentModified

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase
    from devflow.server.session import Session
    from devflow.server.settings import Review

log = logging.getLogger(__name__)

PAUSE = 0.4
"""Seconds without an edit before a document is checked: checking 5,000 lines takes half a second of a core or
more, and the keys that are typed meanwhile wait for it."""


async def resting(session: Session, uri: str) -> None:
    """Wait until nobody has typed in the document for `PAUSE`. Raises ContentModified when somebody does: a
    client that pulls asks again after each edit."""
    doc = session.documents.current(uri)
    left = PAUSE - session.documents.unchanged_for(uri)
    if doc is not None and left > 0:
        await asyncio.sleep(left)
        session.check_current(doc)


async def found(session: Session, doc: Document) -> list[Finding]:
    """What the checks find in `doc`."""
    if not session.settings.features.diagnostics:
        return []
    place = session.notebooks.place_of(doc.uri)
    whole = await session.snapshot(place[0]) if place is not None else None
    if place is None or whole is None:
        return await _reviewed(doc, session.codebase(), session.settings.review)
    # A cell means what the cells before it say: the notebook is looked at, and the cell's part told.
    start = whole.text.line_start(place[1])
    end = start + len(doc.text)
    return [
        dataclasses.replace(each, start=each.start - start, end=min(each.end, end) - start, related=())
        for each in await _reviewed(whole, session.codebase(), session.settings.review)
        if start <= each.start <= end
    ]


async def _reviewed(doc: Document, code: Codebase, config: Review) -> list[Finding]:
    review = await asyncio.to_thread(_review)
    return await review(doc, code, config)


def _review() -> Callable[[Document, Codebase, Review], Awaitable[list[Finding]]]:
    from devflow.server.assist.review import review  # not needed for the first answer

    return review


async def diagnostics(session: Session, doc: Document, findings: Sequence[Finding]) -> list[types.Diagnostic]:
    """Findings in `doc` as the editor shows them, related places where it can show those."""
    shown = []
    for finding in findings:
        related: list[types.DiagnosticRelatedInformation] = []
        if finding.related and _shows_related(session):
            for place, message in finding.related:
                for location in await session.locations([place]):
                    related.append(types.DiagnosticRelatedInformation(location, message))
        shown.append(convert.diagnostic(doc.text, finding, related, session.encoding))
    return shown


def result_id(findings: Sequence[Finding], text: Text) -> str:
    """Names a result: the same findings in the same text have the same."""
    digest = hashlib.blake2b(digest_size=12)
    digest.update(text.encoded)
    digest.update(repr(findings).encode("utf-8", "replace"))
    return digest.hexdigest()


def pulls(session: Session) -> bool:
    """Whether the client asks for diagnostics by itself."""
    text_document = session.capabilities.text_document
    return bool(text_document and text_document.diagnostic)


class Pushed:
    """The diagnostics this session has sent without being asked: the checks' findings for clients that do
    not pull, and a model's findings, which last until the document changes, for all."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._by_model: dict[str, tuple[Text, tuple[Finding, ...]]] = {}
        self._shown: set[str] = set()
        session.on_change.append(self._changed)
        session.on_close.append(self._closed)
        session.on_ready.append(self._ready)

    def show(self, doc: Document, findings: Sequence[Finding]) -> None:
        """Show what a model found in `doc`."""
        self._by_model[doc.uri] = (doc.text, tuple(findings))
        self._start(doc.uri)

    def _changed(self, uri: str) -> None:
        if pulls(self._session) and uri not in self._by_model:
            return
        loop = asyncio.get_running_loop()
        # Others that are due or under way wait as well: it is the same person who would wait for them.
        under_way = [each for each, task in self._tasks.items() if not task.done()]
        for each in {uri, *self._timers, *under_way}:
            self._cancel(each)
            self._timers[each] = loop.call_later(PAUSE, self._start, each)

    def _closed(self, uri: str) -> None:
        self._cancel(uri)
        self._by_model.pop(uri, None)
        if uri in self._shown:
            self._publish(uri, None, [])

    def _ready(self) -> None:
        if pulls(self._session):
            self._refresh()
        else:
            for uri in self._session.documents:
                self._changed(uri)

    def _cancel(self, uri: str) -> None:
        if (timer := self._timers.pop(uri, None)) is not None:
            timer.cancel()
        if (task := self._tasks.pop(uri, None)) is not None:
            task.cancel()

    def _start(self, uri: str) -> None:
        self._cancel(uri)
        self._tasks[uri] = self._session.run(self._push(uri), "push diagnostics")

    async def _push(self, uri: str) -> None:
        session = self._session
        try:
            doc = await session.snapshot(uri)
        except ContentModified:
            return  # the change that caused this has started the next round
        if doc is None or uri not in session.documents:
            return
        findings = [] if pulls(session) else await found(session, doc)
        text, by_model = self._by_model.get(uri, (None, ()))
        if text is not None and text is not doc.text:
            del self._by_model[uri]
        else:
            findings += by_model
        shown = await diagnostics(session, doc, findings)
        if not session.is_stale(doc) and (shown or uri in self._shown):
            self._publish(uri, doc.version, shown)

    def _publish(self, uri: str, version: int | None, shown: list[types.Diagnostic]) -> None:
        (self._shown.add if shown else self._shown.discard)(uri)
        session = self._session
        text_document = session.capabilities.text_document
        client = text_document.publish_diagnostics if text_document else None
        if not (client and client.version_support):
            version = None
        session.client.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, shown, version))

    def _refresh(self) -> None:
        workspace = self._session.capabilities.workspace
        if workspace and workspace.diagnostics and workspace.diagnostics.refresh_support:
            self._session.run(
                self._session.client.workspace_diagnostic_refresh_async(None), "refresh diagnostics"
            )


def _shows_related(session: Session) -> bool:
    text_document = session.capabilities.text_document
    if text_document is None:
        return False
    pull, push = text_document.diagnostic, text_document.publish_diagnostics
    return bool((pull and pull.related_information) or (push and push.related_information))
