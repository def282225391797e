"""The values of the code graph: definitions and the links between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from devflow.analysis.facts import Symbol, SymbolKind

SURE = 0.5
"""Links below are guesses by name alone: shown only when asked for."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol of the index; two are equal when they are the same place of the same file. The code of a
    file outside its definitions is one of kind `module`."""

    root: int
    """Which of the roots that were opened."""
    file: int
    start: int
    name: str
    path: Path = field(compare=False)
    language: str = field(compare=False)
    kind: SymbolKind = field(compare=False)
    container: str = field(compare=False)
    end: int = field(compare=False)
    name_start: int = field(compare=False)
    line: int = field(compare=False)
    """0-based line of the name."""
    signature: str = field(compare=False)

    @property
    def qualified_name(self) -> str:
        """`container.name` within the file."""
        return f"{self.container}.{self.name}" if self.container else self.name

    @property
    def owner(self) -> str:
        """The name of the definition it is directly in, `""` at module level."""
        return self.container.rpartition(".")[2]

    @property
    def symbol(self) -> Symbol:
        """It as its file defines it, without documentation."""
        name_end = self.name_start + len(self.name)
        place = self.start, self.end, self.name_start, name_end
        return Symbol(self.name, self.kind, *place, self.container, self.signature)


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a name as the index has it; what it means is not told here."""

    root: int
    file: int
    start: int
    end: int
    kind: str
    line: int
    name: str
    receiver: str
    container: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a use stands for, and how sure that is: 1 as written, 0 unknown."""

    definition: Definition
    confidence: float
    why: str
    """`same file`, `import`, `self`, `type`, `override`, `name` …: by what it was told."""


@dataclass(frozen=True, slots=True)
class Link:
    """`source` uses `target` at `start:end` of its file."""

    source: Definition
    target: Definition
    kind: str
    """`call`, `use`, `type`, `import`, `extends`, `overrides`."""
    line: int
    start: int
    end: int
    confidence: float
    why: str
