"""`devflow.why`: what the last ghost text was made of, and why there was none the last time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devflow.server.assist.inline.report import Report
    from devflow.server.session import Session
    from devflow.server.suggestions import Shown


def why(session: Session) -> dict[str, Any]:
    """`{markdown, suggestion, silence}`; the last two null where there was none."""
    from devflow.server.assist.inline.ghost import mood_of  # not before anybody asks

    mood = mood_of(session.codebase().memory)
    suggestion, silence = mood.suggestion, mood.silence
    shown = session.suggestions.last("inline", "item")
    parts = [
        _of_suggestion(suggestion, shown)
        if suggestion is not None
        else "No ghost text has been shown in this session.",
        _of_silence(silence) if silence is not None else "It has not been silent yet.",
    ]
    return {
        "markdown": "\n\n".join(parts),
        "suggestion": _suggestion(suggestion, shown) if suggestion is not None else None,
        "silence": _silence(silence) if silence is not None else None,
    }


def _suggestion(report: Report, shown: Shown | None) -> dict[str, Any]:
    return {
        **_asked(report),
        "engine": report.engine,
        "source": report.source,
        "characters": len(report.text),
        "confidence": round(report.confidence, 3),
        "chance": round(report.chance, 3),
        "outcome": shown.ended.value if shown is not None and shown.ended is not None else "",
    }


def _silence(report: Report) -> dict[str, Any]:
    reason = report.silence
    return {
        **_asked(report),
        "reason": reason.name.lower() if reason is not None else "",
        "sentence": reason.value if reason is not None else "",
        "problem": report.problem,
    }


def _asked(report: Report) -> dict[str, Any]:
    """What every request leaves behind."""
    return {
        "uri": report.uri,
        "version": report.version,
        "tokens": report.tokens,
        "context": [
            {
                "kind": each.kind,
                "name": each.name,
                "score": round(each.score, 3),
                "characters": each.characters,
            }
            for each in report.context
        ],
        "search": report.search.value if report.search is not None else "",
        "names": list(report.names),
        "stages": {stage: round(spent, 1) for stage, spent in report.milliseconds.items()},
    }


def _of_suggestion(report: Report, shown: Shown | None) -> str:
    told = _suggestion(report, shown)
    outcome = f" It was {told['outcome'].replace('-', ' ')}." if told["outcome"] else ""
    maker, source = told["engine"] or "the code", told["source"] or "code"
    lines = [
        f"**The last ghost text** ({told['characters']} characters) came from {maker}, by {source}. "
        f"As far as is known it is accepted with a probability of {told['chance']:.2f}.{outcome}",
        report.problem,
        *_made_of(told),
    ]
    return "\n\n".join(line for line in lines if line)


def _of_silence(report: Report) -> str:
    told = _silence(report)
    lines = [
        f"**The last silence** (`{told['reason']}`): {told['sentence']}.",
        told["problem"],
        *_made_of(told),
    ]
    return "\n\n".join(line for line in lines if line)


def _made_of(told: Mapping[str, Any]) -> list[str]:
    """The prompt's context, whether it was searched for, the stages' times, and what became of names."""
    search = told["search"]
    return [
        _table(told["context"]),
        f"{search[0].upper()}{search[1:]}." if search else "",
        _times(told["stages"], told["tokens"]),
        "; ".join(told["names"]),
    ]


def _table(context: list[dict[str, Any]]) -> str:
    if not context:
        return ""
    rows = [
        f"| {each['kind']} | {each['name'].replace('|', '&#124;')} "
        f"| {each['score']:.2f} | {each['characters']} |"
        for each in context
    ]
    return "\n".join(["| context | from | score | characters |", "|---|---|---|---|", *rows])


def _times(milliseconds: Mapping[str, float], tokens: int) -> str:
    spent = ", ".join(f"{stage} {time:.1f}" for stage, time in milliseconds.items())
    return (f"Milliseconds: {spent}." if spent else "") + (
        f" The prompt had about {tokens} tokens." if tokens else ""
    )
