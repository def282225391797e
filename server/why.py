"""`devflow.why`: what the last suggestion was made of, and why there was none the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devflow.server.assist.inline.report import Report
    from devflow.server.session import Session
    from devflow.server.suggestions import Shown


def why(session: Session) -> dict[str, Any]:
    """`{markdown, suggestion, silence}`; the last two null where there was none."""
    from devflow.server.assist.inline.ghost import mood_of

    shown = session.suggestions.last("inline")
    report = mood_of(session.codebase().memory).report
    suggestion = _suggestion(shown) if shown is not None else None
    parts = [_told(shown)] if shown is not None else ["No suggestion has been shown yet."]
    silence = None
    if report is not None:
        made = _made(report)
        if report.silence is None:
            parts.append(_as_markdown(report))
            suggestion = suggestion and {**suggestion, **made}
        else:
            silence = {"reason": report.silence.name.lower(), "sentence": str(report.silence), **made}
            parts.append(f"**The last time there was none**: {report.silence}.{_as_markdown(report)}")
    return {"markdown": "\n\n".join(parts), "suggestion": suggestion, "silence": silence}


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


def _made(report: Report) -> dict[str, Any]:
    """What the last request was answered from, as JSON: no text of a document."""
    return {
        "chance": round(report.chance, 3),
        "tokens": report.tokens,
        "context": [
            {"kind": each.kind, "name": each.name, "score": each.score, "characters": each.characters}
            for each in report.context
        ],
        "names": list(report.names),
        "stages": {stage: round(spent, 1) for stage, spent in report.milliseconds.items()},
    }


def _as_markdown(report: Report) -> str:
    lines = []
    if report.silence is None:
        lines.append(f"It is accepted with a probability of {report.chance:.0%}, as far as is known.")
    if report.tokens:
        lines.append(f"The model read about {report.tokens} tokens.")
    if report.context:
        lines.append("| context | of | score | characters |\n|---|---|---|---|")
        lines += [
            f"| {each.kind} | {each.name} | {each.score} | {each.characters} |" for each in report.context
        ]
    if report.names:
        lines.append("Names: " + "; ".join(report.names) + ".")
    spent = ", ".join(f"{stage} {value:.0f}" for stage, value in report.milliseconds.items() if value >= 0.5)
    if spent:
        lines.append(f"Milliseconds: {spent}.")
    return "\n\n" + "\n".join(lines) if lines else ""
