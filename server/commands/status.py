"""How the commands print the state of an index."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devflow.retrieval.base import IndexStatus


def index_line(status: IndexStatus) -> str:
    """One line for people, a second one when there is a problem."""
    if status.state == "elsewhere":
        return f"{status.root}: {status.problem} So far: {status.files} files, {status.symbols} symbols."
    skipped = ", ".join(f"{number} {reason}" for reason, number in sorted(status.skipped.items()))
    line = (
        f"{status.root}: {status.state}, {status.files} files, {status.symbols} symbols, "
        f"{status.references} references, {status.chunks} chunks, {status.vectors} vectors"
    )
    if skipped:
        line += f"; left out: {skipped}"
    return f"{line}\n{status.problem}" if status.problem else line


def index_json(status: IndexStatus) -> str:
    """All fields as one JSON object."""
    return json.dumps(dataclasses.asdict(status), default=str, indent=2)
