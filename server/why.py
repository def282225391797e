"""`devflow.why`: what the last suggestion was made of, and why there was none the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devflow.server.session import Session
    from devflow.server.suggestions import Shown


def why(session: Session) -> dict[str, Any]:
    """`{markdown, suggestion, silence}`; the last two null where there was none."""
    shown = session.suggestions.last("inline")
    suggestion = _suggestion(shown) if shown is not None else None
    parts = [_told(shown)] if shown is not None else ["No suggestion has been shown yet."]
    return {"markdown": "\n\n".join(parts), "suggestion": suggestion, "silence": None}


def _suggestion(shown: Shown) -> dict[str, Any]:
    return {
        "id": shown.id,
        "model": shown.model,
        "source": shown.source,
        "characters": len(shown.text),
        "milliseconds": round(shown.milliseconds, 1),
        "outcome": shown.ended.value if shown.ended is not None else "",
    }


def _told(shown: Shown) -> str:
    ended = f" It was {shown.ended.value.replace('-', ' ')}." if shown.ended is not None else ""
    return (
        f"**The last suggestion** came from {shown.model or 'the code'} ({shown.source or 'code'}) after "
        f"{shown.milliseconds:.0f} ms.{ended}"
    )
