"""The values retrieval exchanges with the layers above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from devflow.analysis.facts import Symbol


@dataclass(frozen=True, slots=True)
class IndexedSymbol:
    """A symbol with the file it stands in."""

    path: Path
    language: str
    line: int
    """0-based line of the name when it was indexed."""
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class IndexedReference:
    """A use of a name with the file it stands in."""

    path: Path
    name: str
    kind: str
    start: int
    end: int
    line: int
    receiver: str
    container: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers a query."""

    path: Path
    start: int
    end: int
    first_line: int
    """0-based, inclusive."""
    last_line: int
    symbol: str
    text: str
    score: float
    sources: tuple[str, ...]
    """What found it: `text`, `vectors`, `symbols`, `paths`; `graph` where a better hit uses it."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """The state of one workspace root's index."""

    root: Path
    directory: Path
    state: str
    """`empty`, `indexing`, `ready`, `failed` or `elsewhere` (another process writes it)."""
    generation: int = 0
    files: int = 0
    symbols: int = 0
    references: int = 0
    chunks: int = 0
    vectors: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason → number of files not indexed."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Reason → the paths of these, below the root; a thousand each at most."""
    problem: str = ""
    """One sentence about the last failure."""
    embedder: str = ""
    found: int = 0
    """Files that the last walk wants in the index."""
    walked: float = 0.0
    """When the last walk ended, in seconds since the epoch; 0: never."""
    seconds: float = 0.0
    """What the last walk took."""
    last_error: str = ""
    """When and why the index could not be written last; "" when it always could."""

    @property
    def percent(self) -> int:
        """How much of what the last walk found is in the index."""
        return 100 if self.state == "ready" else min(99, 100 * self.files // self.found) if self.found else 0


@dataclass(frozen=True, slots=True)
class VectorOptions:
    """What makes the vectors and where they are kept. As a dict it travels to the vectors' process."""

    embedder: str = "devflow-static"
    """`devflow-static`, `devflow-hashed`, or a folder that holds a model."""
    endpoint: Mapping[str, Any] | None = None
    """Instead, an embedder at a server: what `process` makes it of."""
    process: str = "devflow.retrieval.vector_process"
    """The module run as the vectors' process."""
    root: str = ""
    """The folder that paths of chunks are below, …"""
    roots: tuple[str, ...] = ()
    """… and every root of the workspace: for an embedder at a server, path rules look at a file from each."""
    chroma_url: str = ""
    """A Chroma server; "" for Chroma in the process, on a folder of the index."""
    tenant: str = "default_tenant"
    database: str = "default_database"
    token: str = field(default="", repr=False)
    """The Chroma server's, from the environment."""
    problem: str = ""
    """One sentence: what was configured and cannot be followed."""


class VectorSearch(Protocol):
    """Nearest chunks; answered by whoever owns the Chroma directory. Returns [] when there is no owner."""

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        """`(chunk id, cosine similarity)`, best first."""
        ...
