"""What was done for the last request: shown by `devflow.why`, stored with its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from devflow.server.assist.inline.trigger import Silence


class Search(StrEnum):
    """Whether the workspace was searched for the context, and why, as `devflow.why` tells it."""

    IMPORTED = "the workspace was searched, as a name near the cursor is imported"
    ONCE = "the workspace was searched, as a name near the cursor stands nowhere else in the document"
    LATE = "the workspace was searched, but what was found came too late"
    KNOWN = "the workspace was not searched, as the document says what the names near the cursor are"
    NO_INDEX = "the workspace was not searched, as there is no index of it"


@dataclass(frozen=True, slots=True)
class Used:
    """One piece of context the model was given."""

    kind: str
    """`definition`, `import`, `edit`, `recent file`, `focal file`, `search` or `problem`."""
    name: str
    """A path relative to the workspace, with a symbol where it is about one."""
    score: float
    characters: int


@dataclass(frozen=True, slots=True)
class Report:
    """`silence` says why nothing was shown; None when `text` was."""

    uri: str
    version: int
    at: int
    silence: Silence | None = None
    problem: str = ""
    """What kept the model from answering, as a sentence."""
    text: str = ""
    engine: str = ""
    source: str = ""
    """`cache`, `stream` (a generation that was under way), `model` or `code`."""
    confidence: float = 0.0
    chance: float = 0.0
    """Of being accepted."""
    values: Mapping[str, float] = field(default_factory=dict)
    """What `chance` was told from."""
    context: tuple[Used, ...] = ()
    search: Search | None = None
    """None where no context was gathered."""
    tokens: int = 0
    """Of the prompt, estimated."""
    names: tuple[str, ...] = ()
    """What the check of names did: `repaired a to b`, `dropped a`, …"""
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    """By stage."""
