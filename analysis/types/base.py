"""What a Python type engine can tell: the protocol that jedi and the type servers stand behind.

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
    """What a list shows beside the name: a callable's parameters and result, else the type."""
    type: str = ""
    """As the engine writes it; "" when it does not say."""
    owner: str = ""
    """The class through which a method was found; "" when the engine does not say."""
    engine: str = "jedi"


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
    engine: str = "jedi"
    """Who says so."""


@dataclass(frozen=True, slots=True)
class Hint:
    """The inferred type of the name that ends at `at`, e.g. `: list[int]`."""

    at: int
    label: str


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

    async def type_definition(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Where the class of the value at `at` is made."""
        ...

    async def hints(self, path: Path | None, source: str, start: int, end: int) -> list[Hint]:
        """Inferred types of the names bound between `start` and `end` without an annotation."""
        ...

    async def references(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at` in the project, its definition included."""
        ...

    async def highlights(self, path: Path | None, source: str, at: int) -> list[Location]:
        """Uses of the name at `at` in `source` itself, its definition included; [] where the engine is too
        slow to be asked whenever a cursor moves."""
        ...

    async def signatures(self, path: Path | None, source: str, at: int) -> list[Signature]:
        """Signatures of the call whose parentheses hold `at`."""
        ...

    async def document(self, path: Path | None, source: str, at: int, name: str) -> str:
        """Signature and docstring of the completion `name` at `at`, Markdown; "" when unknown."""
        ...
