"""One line of what `devflow doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, NOTE, BAD = "ok", "note", "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    section: str
    name: str
    state: str
    """`ok`, `note` (works, could be more) or `problem` (does not work)."""
    detail: str
    paths: tuple[str, ...] = ()
    """The files it is about, where there are some."""
