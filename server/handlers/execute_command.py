"""`workspace/executeCommand`: the commands `devflow.*`."""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from lsprotocol import types

from devflow.analysis.document import Document
from devflow.retrieval.base import Hit
from devflow.server import convert, findings
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.waiting import allowed
from devflow.server.cursor import came_behind
from devflow.server.errors import InvalidParams, RequestFailed
from devflow.server.progress import working
from devflow.server.session import Session
from devflow.server.status import status
from devflow.server.why import why

log = logging.getLogger(__name__)

HITS = 20
SEARCH_SECONDS = 0.6
"""What a search waits for: vectors that are just being opened are left out."""
_STARTING_SECONDS = 10.0
"""A search that was asked for waits so long for a session that is still starting."""
_EXCERPT_LINES = 12


_SNOOZED_MINUTES, _LONGEST_SNOOZE = 30, 24 * 60


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of a command."""

    session: Session
    arguments: Sequence[Any]
    token: types.ProgressToken | None


async def execute_command(session: Session, params: types.ExecuteCommandParams) -> Any:
    """Run one of our commands; its answer is JSON."""
    command = COMMANDS.get(params.command)
    if command is None:
        raise InvalidParams(f"DevFlow has no command {params.command[:60]!r}.")
    if (module := _MODULES.get(params.command)) is not None:
        await asyncio.to_thread(importlib.import_module, module)
    try:
        return await command(Call(session, params.arguments or (), params.work_done_token))
    except ActionRefused as refusal:
        raise RequestFailed(str(refusal)) from refusal


async def _explain(call: Call) -> dict[str, Any]:
    """[{uri, range}] → {markdown}"""
    from devflow.server.assist.explain import explain

    session = call.session
    doc = await _document(call)
    wanted = session.client.protocol.from_json(call.arguments[0].get("range"), types.Range)
    if wanted is None:
        raise InvalidParams("devflow.explain needs a range.")
    start, end = convert.span(doc.text, wanted, session.encoding)
    async with working(session, "Explaining", call.token):
        await session.askable()
        said = await explain(doc, start, end, session.codebase())
    session.answered("devflow.explain", said.engine)
    _present(session, "explanation", said.markdown)
    return {"markdown": said.markdown}


async def _ask(call: Call) -> dict[str, Any]:
    """[question] → {markdown, engine, hits}"""
    from devflow.server.assist.ask import ask

    question = _text(call, "a question")
    async with working(call.session, "Looking for an answer", call.token):
        await call.session.askable()
        answer = await ask(question, call.session.codebase(), 8)
    call.session.answered("devflow.ask", answer.engine)
    _present(call.session, "answer", answer.markdown)
    hits = [await _hit(call.session, hit) for hit in answer.hits]
    return {"markdown": answer.markdown, "engine": answer.engine, "hits": [hit for hit in hits if hit]}


async def _search(call: Call) -> dict[str, Any]:
    """[query] → {hits, reason}; the reason is one sentence when there are none"""
    from devflow.server.assist.ask import NO_FOLDER

    query = _text(call, "something to search for")
    await call.session.searchable(_STARTING_SECONDS)
    code = call.session.codebase()
    if not code.roots:
        return {"hits": [], "reason": NO_FOLDER}
    index = code.index
    if index is None:
        raise RequestFailed("There is no index to search yet; `devflow.status` says why.")
    found = await index.searched(query, HITS, allowed(SEARCH_SECONDS), near=code.near())
    hits = await asyncio.gather(*(_hit(call.session, hit) for hit in found.hits))
    return {"hits": [hit for hit in hits if hit], "reason": found.reason}


async def _review(call: Call) -> dict[str, Any]:
    """[{uri}] → {findings}; the findings themselves arrive as diagnostics"""
    from devflow.server.assist.review import review_with_model

    session = call.session
    doc = await _document(call)
    found = await findings.found(session, doc)
    count = len(found)
    await session.askable()
    models = session.models
    if models is not None and models.has("chat"):
        async with working(session, "Reviewing", call.token) as report:
            more, engine = await review_with_model(doc, session.codebase(), report)
        session.check_current(doc)
        session.answered("devflow.review", engine)
        session.pushed.show(doc, more)
        count += len(more)
    return {"findings": count}


async def _status(call: Call) -> dict[str, Any]:
    """[] → see `server.status`"""
    return await status(call.session)


async def _reindex(call: Call) -> None:
    """[] → null"""
    if call.session.index is None:
        raise RequestFailed("There is no index to make again; `devflow.status` says why.")
    await call.session.index.reindex()


async def _apply(call: Call) -> None:
    """[an action's data] → null; for clients that cannot resolve actions"""
    from devflow.server.handlers import code_action

    session = call.session
    workspace = session.capabilities.workspace
    if not (workspace and workspace.apply_edit):
        raise RequestFailed("Your editor cannot be asked to change text.")
    edit = await code_action.edit_of(session, call.arguments[0] if call.arguments else None, "DevFlow")
    asked = types.ApplyWorkspaceEditParams(edit, "DevFlow")
    # A task of its own: once asked for, the edit is the editor's business and no longer to be cancelled.
    applied = await asyncio.shield(session.run(session.client.workspace_apply_edit_async(asked), "apply"))
    if not applied.applied:
        reason = applied.failure_reason or "it gave no reason"
        raise RequestFailed(f"The editor did not apply the edit: {reason}.")


async def _accepted(call: Call) -> None:
    """[id] → null; the editor has put all of a suggestion into the text"""
    suggestion = _text(call, "the id of a suggestion")
    call.session.offers.accepted(suggestion)
    shown = call.session.suggestions.told_accepted(suggestion)
    if shown is not None and shown.kind in ("inline", "item"):
        await came_behind(call.session, shown)


async def _rejected(call: Call) -> None:
    """[id] → null; the user has sent a suggestion away"""
    suggestion = _text(call, "the id of a suggestion")
    call.session.offers.rejected(suggestion)
    call.session.suggestions.told_rejected(suggestion)


async def _why(call: Call) -> dict[str, Any]:
    """[] → {markdown, suggestion, silence}: why the last suggestion was shown, and why none the last time"""
    told = why(call.session)
    _present(call.session, "why", told["markdown"])
    return told


async def _snooze(call: Call) -> None:
    """[minutes, or nothing: 30] → null; no ghost text unasked for so long, 0 ends it"""
    given = call.arguments[0] if call.arguments else _SNOOZED_MINUTES
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= _LONGEST_SNOOZE:
        raise InvalidParams("The command needs a number of minutes, a day's at most.")
    from devflow.server.assist.inline.ghost import end, mood_of

    memory = call.session.codebase().memory
    mood_of(memory).snoozed_until = time.monotonic() + 60 * given
    if given:
        end(memory, call.session.documents, unasked=True)


COMMANDS: Mapping[str, Callable[[Call], Awaitable[Any]]] = {
    "devflow.explain": _explain,
    "devflow.ask": _ask,
    "devflow.search": _search,
    "devflow.review": _review,
    "devflow.status": _status,
    "devflow.reindex": _reindex,
    "devflow.apply": _apply,
    "devflow.accepted": _accepted,
    "devflow.rejected": _rejected,
    "devflow.why": _why,
    "devflow.snooze": _snooze,
}

_MODULES: Mapping[str, str] = {
    "devflow.explain": "devflow.server.assist.explain",
    "devflow.ask": "devflow.server.assist.ask",
    "devflow.review": "devflow.server.assist.review",
    "devflow.apply": "devflow.server.handlers.code_action",
}
"""What some commands need besides: a first search does not wait for it to be imported."""


def load() -> None:
    """Import what any command needs, in a thread."""
    for module in _MODULES.values():
        importlib.import_module(module)


async def _document(call: Call) -> Document:
    given = call.arguments[0] if call.arguments else None
    if not isinstance(given, Mapping) or not isinstance(given.get("uri"), str):
        raise InvalidParams("The command needs a document: {uri}.")
    doc = await call.session.snapshot(given["uri"])
    if doc is None:
        raise RequestFailed("There is no such document, or it is too large.")
    return doc


def _text(call: Call, what: str) -> str:
    given = call.arguments[0] if call.arguments else None
    if not isinstance(given, str) or not given.strip():
        raise InvalidParams(f"The command needs {what}.")
    return given


async def _hit(session: Session, hit: Hit) -> dict[str, Any] | None:
    text = await session.text_of(hit.path)
    if text is None:
        return None
    start, end = hit.start, min(hit.end, len(text))
    if text.source[start:end] != hit.text:  # the file has changed since: the lines are the best there is
        start, end = text.line_start(hit.first_line), text.line_end(hit.last_line)
    where = types.Location(session.uri_of(hit.path), convert.range_of(text, start, end, session.encoding))
    lines = hit.text.split("\n")[:_EXCERPT_LINES]
    return {
        "location": session.client.protocol.as_json(where),
        "title": hit.symbol or f"{hit.path.name}:{hit.first_line + 1}",
        "excerpt": "\n".join(lines),
    }


def _present(session: Session, title: str, markdown: str) -> None:
    """Show a command's answer in editors that ignore it: as a document where that is possible."""
    if session.shows_status or not markdown:
        return
    window = session.capabilities.window
    if window and window.show_document and window.show_document.support:
        session.run(_show_document(session, title, markdown), f"show the {title}")
    else:
        shown = types.ShowMessageParams(types.MessageType.Info, convert.plain(markdown))
        session.client.window_show_message(shown)


async def _show_document(session: Session, title: str, markdown: str) -> None:
    def write() -> Path:
        folder = platformdirs.user_cache_path("devflow") / "answers"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{title}.md"
        path.write_text(markdown, "utf-8")
        return path

    try:
        path = await asyncio.to_thread(write)
    except OSError as error:
        session.tell(f"The {title} cannot be shown: {error}.")
        return
    await session.client.window_show_document_async(
        types.ShowDocumentParams(convert.uri_of(path), take_focus=False)
    )
