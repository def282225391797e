"""What an editor tells of suggestions: `textDocument/didShowCompletion`, `didPartiallyAcceptCompletion` and
`didShowInlineEdit` as Copilot's language server takes them. None of it needs an answer, so what cannot be
read is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devflow.server.session import Session


def did_show_completion(session: Session, params: Any) -> None:
    """{item}: the item is on the screen. A client that says so once is taken to say it always."""
    session.suggestions.tells_shown = True
    session.suggestions.told_shown(_id_in(params))


def did_show_inline_edit(session: Session, params: Any) -> None:
    """{item}: the next edit is on the screen."""
    session.suggestions.told_shown(_id_in(params))


def did_partially_accept_completion(session: Session, params: Any) -> None:
    """{item, acceptedLength}: so many UTF-16 units from the start of the item's text were accepted."""
    length = params.get("acceptedLength") if isinstance(params, Mapping) else None
    if isinstance(length, int) and not isinstance(length, bool):
        session.suggestions.told_partly(_id_in(params), length)


def report_cached_inline_edit(session: Session, params: Any) -> None:
    """{opportunityId, acceptance, isShown}: what became of an edit that the client kept."""
    told = params if isinstance(params, Mapping) else {}
    suggestion = told.get("opportunityId")
    if isinstance(suggestion, str) and told.get("acceptance") == "notAccepted" and told.get("isShown"):
        session.suggestions.told_rejected(suggestion)


def _id_in(params: Any) -> str:
    """The first argument of the item's command, which is the id of the suggestion; "" where there is none."""
    at = params
    for key in ("item", "command", "arguments"):
        at = at.get(key) if isinstance(at, Mapping) else None
    return at[0] if isinstance(at, list | tuple) and at and isinstance(at[0], str) else ""
