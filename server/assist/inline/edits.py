"""What the user did to a document between two requests, told from the two texts."""

from __future__ import annotations

from devflow.analysis.changes import change_between

_KEYSTROKE = 4
"""Code points one key may add (with a bracket that the editor closes); more was pasted or undone."""


def fate(text: str, start: int, old: str, new: str) -> str:
    """What became of a suggestion `text` shown at `start` of `old`, now that the document is `new`:
    `accepted`, `typing` (as suggested, so far; also where a word or a line of it was accepted), `typed over`,
    or "" when something else was done."""
    if new[:start] != old[:start]:
        return ""
    if new.startswith(text, start):
        return "accepted"
    change = change_between(old, new)
    if change is None:
        return "typing"
    if change.start < start or not change.new or change.old:
        return ""
    if not text.startswith(new[start : change.start]):
        return ""  # at another place
    said = new[start : change.new_end]
    if text.startswith(said):
        return "typing"
    if len(change.new) > _KEYSTROKE:
        return ""
    # An editor may have closed a bracket by itself behind what was typed.
    bare = said.rstrip(")]}\"'")
    return "typing" if bare and text.startswith(bare) else "typed over"


def undoes(text: str, removed: str) -> bool:
    """Whether `text`, suggested where `removed` was just deleted, brings that back."""
    gone, back = removed.strip(), text.strip()
    if len(gone) < 2 or not back:
        return False
    return back.startswith(gone) or (len(back) >= 3 and gone.startswith(back))
