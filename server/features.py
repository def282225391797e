"""The README's table of features and languages, made from the table of methods."""

from __future__ import annotations

from devflow.server.routes import COLUMNS, REQUESTS


def features_table() -> str:
    """One row for each feature: its switch, the languages it answers in, and what it does not do."""
    rows = [
        f"| feature | switch | {' | '.join(COLUMNS.values())} | limits |",
        f"|---|---|{':-:|' * len(COLUMNS)}---|",
    ]
    for route in REQUESTS:
        if route.title:
            marks = " | ".join("✓" if language in route.languages else "–" for language in COLUMNS)
            rows.append(f"| {route.title} | `{route.feature}` | {marks} | {route.limits} |")
    return "\n".join(rows) + "\n"
