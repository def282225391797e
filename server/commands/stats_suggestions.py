"""What became of suggestions, for `devflow stats`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from devflow.server.commands.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_KINDS = {"inline": "ghost text", "item": "ghost text in a list", "next-edit": "next edit"}


@dataclass(frozen=True, slots=True)
class Fate:
    """The suggestions of one model, or rule, of one kind, over all languages. Counts of suggestions."""

    kind: str
    model: str
    shown: int
    accepted: int
    """Whole or in part."""
    rejected: int
    looked_at: int
    """Accepted, and looked at again 30 s later; …"""
    kept: int
    """… of those, unchanged."""


def fates(path: Path, since: float) -> list[Fate]:
    """What the store of feedback at `path` says of suggestions since a time in seconds, the most shown of
    each kind first. Reads the disk."""
    from devflow.models.feedback import Feedback, Kind

    if not path.is_file():
        return []
    kinds: tuple[Kind, ...] = get_args(Kind)
    store = Feedback(path)
    found: list[Fate] = []
    try:
        for kind in kinds:
            counts: dict[str, list[int]] = {}
            for (model, _), each in store.by_model(kind, since=since).items():
                of = (each.shown, each.accepted, each.rejected, each.looked_at, each.kept_after_30s)
                counts[model] = [sum(pair) for pair in zip(counts.get(model, [0] * 5), of, strict=True)]
            found += sorted(
                (Fate(kind, model, *numbers) for model, numbers in counts.items()),
                key=lambda fate: -fate.shown,
            )
    finally:
        store.close()
    return found


def print_fates(out: Console, found: Sequence[Fate]) -> None:
    """Print them as a table; nothing where there are none."""
    from rich.table import Table

    if not found:
        return
    table = Table(title="suggestions", title_justify="left", pad_edge=False, box=None)
    table.add_column("kind")
    table.add_column("by")
    for heading in ("shown", "accepted", "rejected", "kept 30 s"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(
            _KINDS[each.kind],
            visible(each.model or "the code"),
            str(each.shown),
            f"{each.accepted} {_percent(each.accepted, each.shown)}",
            str(each.rejected),
            f"{each.kept} {_percent(each.kept, each.looked_at)}",
        )
    out.print(table)
    out.print()


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:4.0%}" if whole else "    "
