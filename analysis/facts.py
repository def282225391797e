"""What one file says, as plain values: the vocabulary every layer above shares.

All offsets are code points into the `Text` the facts were taken from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class SymbolKind(StrEnum):
    """What a name stands for; the values are stored in the index."""

    MODULE = "module"
    CLASS = "class"
    INTERFACE = "interface"
    ENUM = "enum"
    STRUCT = "struct"
    FUNCTION = "function"
    METHOD = "method"
    CONSTRUCTOR = "constructor"
    PROPERTY = "property"
    FIELD = "field"
    VARIABLE = "variable"
    CONSTANT = "constant"
    PARAMETER = "parameter"
    TYPE = "type"
    KEYWORD = "keyword"
    FILE = "file"
    FOLDER = "folder"


class ReferenceKind(StrEnum):
    """How a name is used."""

    CALL = "call"
    ATTRIBUTE = "attribute"
    NAME = "name"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. `start:end` spans the whole definition, `name_start:name_end` its name."""

    name: str
    kind: SymbolKind
    start: int
    end: int
    name_start: int
    name_end: int
    container: str = ""
    """Dotted names of the enclosing definitions, `""` at module level."""
    signature: str = ""
    """The definition's head on one line, e.g. `def area(w, h=1) -> float`."""
    doc: str = ""
    """Docstring or leading comment, dedented, without quotes or comment signs."""

    @property
    def qualified_name(self) -> str:
        """`container.name` within the file."""
        return f"{self.container}.{self.name}" if self.container else self.name

    @property
    def owner(self) -> str:
        """The name of the definition it is directly in, `""` at module level."""
        return self.container.rpartition(".")[2]


class Reference(NamedTuple):
    """A use of a name that is not its definition."""

    name: str
    kind: ReferenceKind
    start: int
    end: int
    receiver: str = ""
    """The text before the dot when it is a plain dotted name (`self.client` in `self.client.get`)."""
    container: str = ""
    """Qualified name of the symbol the use stands in."""


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `import a.b as c` is `Import("a.b", "", "c")`, `from a import b` is
    `Import("a", "b", "b")`."""

    module: str
    name: str
    alias: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file that retrieval returns whole: a symbol, part of a large one, or the code between."""

    start: int
    end: int
    symbol: str = ""
    """Qualified name within the file, `""` for code outside any definition."""
    kind: str = "code"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Everything the index keeps of one file."""

    language: str
    symbols: tuple[Symbol, ...]
    references: tuple[Reference, ...]
    imports: tuple[Import, ...]
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """A range in a file on disk or open in the editor."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a check or a review has to say about a range of one document."""

    start: int
    end: int
    code: str
    """Stable kebab-case id, e.g. `call-does-not-fit`."""
    message: str
    severity: str = "warning"
    """`error`, `warning`, `information` or `hint`."""
    related: tuple[tuple[Location, str], ...] = ()
