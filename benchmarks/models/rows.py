"""One figure beside its goal, and the table of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """`met` is None where nothing could be measured; `note` then says why."""

    what: str
    measured: str
    goal: str
    met: bool | None = None
    note: str = ""


def at_most(what: str, value: float, most: float, unit: str, note: str = "") -> Row:
    """A figure that should be small."""
    return Row(what, shown(value, unit), f"≤ {shown(most, unit)}", value <= most, note)


def shown(value: float, unit: str) -> str:
    """A number with as many digits as mean something."""
    digits = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"
    return f"{text} {unit}".strip()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed; 0.0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def natives() -> list[Literal["ctransformers", "llama"]]:
    """The engines for GGUF models whose library is installed."""
    found: list[Literal["ctransformers", "llama"]] = ["ctransformers"]
    return [*found, "llama"] if importlib.util.find_spec("llama_cpp") is not None else found


def as_markdown(rows: Sequence[Row]) -> str:
    """The table."""
    marks = {True: "yes", False: "**no**", None: "not measured"}
    lines = ["| | measured | goal | met | |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | {row.measured} | {row.goal} | {marks[row.met]} | {row.note} |" for row in rows]
    return "\n".join(lines) + "\n"
