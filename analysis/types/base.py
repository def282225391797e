"""What a Python type engine can tell: the protocol that jedi (and later others) stand behind.

Everything here is evidence for rankers and cards, not an answer. An engine that is slow, dead or
absent raises nothing: it returns empty results.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devflow.analysis.facts import Location, SymbolKind


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name the engine thinks can stand at the offset."""

    name: str
    kind: SymbolKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a name is."""

    name: str
    kind: SymbolKind
    qualified_name: str
    """e.g. `django.db.models.query.QuerySet.filter`."""
    signature: str
    doc: str
    location: Location | None
    """None for builtins and compiled modules."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`kind` is one of `positional-only positional-or-keyword var-positional keyword-only var-keyword`."""

    name: str
    kind: str
    label: str
    """As written in the signature: `timeout: float = 30`."""
    has_default: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """One callable signature; bound parameters (`self`, `cls`) are left out."""

    label: str
    parameters: tuple[Parameter, ...]
    active: int | None
    """Index of the parameter the cursor is in."""
    doc: str = ""


class TypeEngine(Protocol):
    """`path` names the module even when `source` is newer than the disk; `at` is a code-point offset."""

    async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
        """Names that can stand at `at`; what is typed of one before `at` filters them."""
        ...

    async def define(self, path: Path | None, source: str, at: int) -> list[Definition]:
        """Definitions of the name at `at`, imports followed to where the name is made."""
        ...

    async def references(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at` in the project, its definition included."""
        ...

    async def signatures(self, path: Path | None, source: str, at: int) -> list[Signature]:
        """Signatures of the call whose parentheses hold `at`."""
        ...

    async def document(self, path: Path | None, source: str, at: int, name: str) -> str:
        """Signature and docstring of the completion `name` at `at`, Markdown; "" when unknown."""
        ...
