"""What the server can do right now, as `devflow.status` and the editors' status lines show it."""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
from typing import TYPE_CHECKING, Any

from devflow.models.base import Health, ModelStatus
from devflow.retrieval.base import IndexStatus

if TYPE_CHECKING:
    from devflow.server.session import Session

METHOD = "devflow/status"
NO_FOLDER = (
    "No folder is open: the open files and installed Python modules are known; "
    "open a project's folder for search, review of callers and what other files say."
)
_EVERY = 0.3
"""Seconds between two notifications."""


async def status(session: Session) -> dict[str, Any]:
    """State, one sentence, details in Markdown; and the same as data: `index` (one per root), `models`,
    `python`, `answers` (method → engine, count, p50 and p95 in ms)."""
    indexes = await session.index.statuses() if session.index is not None else []
    models = session.models.statuses() if session.models is not None else []
    state, text = summary(session, indexes, models)
    answers = {
        method: {
            "engine": session.engines.get(method, ""),
            "count": len(times),
            "p50": round(statistics.median(times), 1),
            "p95": round(sorted(times)[int(len(times) * 0.95)], 1),
        }
        for method, times in session.timings.items()
        if times
    }
    return {
        "state": state,
        "text": text,
        "details": _details(session, indexes, models, answers),
        "index": [
            dataclasses.asdict(index) | {"root": str(index.root), "directory": str(index.directory)}
            for index in indexes
        ],
        "models": [dataclasses.asdict(model) for model in models],
        "python": session.python is not None,
        "python_engine": session.python.engine if session.python is not None else "",
        "answers": answers,
    }


def summary(session: Session, indexes: list[IndexStatus], models: list[ModelStatus]) -> tuple[str, str]:
    """`starting`, `indexing`, `ready`, `limited` or `failed`, and one sentence."""
    states = {index.state for index in indexes} or set(session.index_states.values())
    if "failed" in states:
        problem = next((index.problem for index in indexes if index.problem), "")
        return "failed", problem or "The index failed; answers come from the open documents."
    if session.starting:
        return "starting", "DevFlow is starting."
    if not session.roots:
        return "limited", " ".join(session.left_out) or NO_FOLDER
    if states & {"indexing", "empty"} or (session.index is not None and session.roots and not states):
        return "indexing", "The workspace is being indexed; answers get better as it goes."
    if "elsewhere" in states:
        return "limited", "Another DevFlow process writes the index of this workspace; this one reads it."
    if session.index is None:
        return "limited", "There is no index; answers come from the open documents."
    ready = [model for model in models if model.health is Health.READY and not model.refused]
    if not models:
        return "ready", "Ready, without a language model."
    if not ready:
        first = next((model for model in models if model.refused), models[0])
        return "limited", f"No model can answer: {first.detail or first.health.value}"
    return "ready", f"Ready, with {ready[0].name}."


class StatusLine:
    """Tells clients that asked for it when the state changes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sent: tuple[str, str] = ("", "")
        self._timer: asyncio.TimerHandle | None = None
        session.on_state.append(self._soon)

    def _soon(self) -> None:
        if self._session.shows_status and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_EVERY, self._start)

    def _start(self) -> None:
        self._timer = None
        self._session.run(self._send(), "tell the status")

    async def _send(self) -> None:
        now = await status(self._session)
        if (now["state"], now["text"]) != self._sent:
            self._sent = (now["state"], now["text"])
            self._session.client.protocol.notify(
                METHOD, {key: now[key] for key in ("state", "text", "details")}
            )


def _details(
    session: Session, indexes: list[IndexStatus], models: list[ModelStatus], answers: dict[str, Any]
) -> str:
    lines = ["### Index", ""]
    for index in indexes:
        lines.append(
            f"- `{index.root}`: {index.state}, {index.files:,} files, {index.symbols:,} symbols, "
            f"{index.chunks:,} chunks, {index.vectors:,} vectors{_more(index.problem)}"
        )
    if not indexes:
        lines.append("- none")
    lines += ["", "### Models", ""]
    lines += [
        f"- {model.name} ({model.engine}): {model.health.value}{_more(model.detail)}" for model in models
    ] or ["- none configured"]
    lines += ["", "### Answers", ""]
    lines += [
        f"- `{method}`: {answer['count']}, p50 {answer['p50']} ms, p95 {answer['p95']} ms"
        + (f", last by {answer['engine']}" if answer["engine"] else "")
        for method, answer in sorted(answers.items())
    ] or ["- none yet"]
    python = session.python
    engine = f"{python.engine} ({python.why})" if python is not None else "not running"
    lines += ["", f"Python engine: {engine}"]
    return "\n".join(lines)


def _more(sentence: str) -> str:
    return f". {sentence}" if sentence else ""
