"""Packing hits into the text a model is given, within a budget, each piece with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.retrieval.base import Hit


@dataclass(frozen=True, slots=True)
class Citation:
    """Lines that are in the packed text. `number` is what it calls them: `[1]`."""

    number: int
    path: Path
    first_line: int
    """0-based, inclusive."""
    last_line: int
    symbol: str


@dataclass(frozen=True, slots=True)
class Packed:
    """Text for a model and where its pieces come from."""

    text: str
    citations: tuple[Citation, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files whose text is inside, for the rules on what may be sent."""
        return tuple(dict.fromkeys(citation.path for citation in self.citations))


def pack(hits: Sequence[Hit], roots: Sequence[Path], characters: int) -> Packed:
    """The best hits first, whole where they fit; the first that does not is cut at a line end, and what
    comes after it is left out. A hit that overlaps one already taken is skipped."""
    taken: list[Hit] = []
    citations: list[Citation] = []
    pieces: list[str] = []
    left = characters
    for hit in hits:
        if any(one.path == hit.path and one.start < hit.end and hit.start < one.end for one in taken):
            continue
        number = len(citations) + 1
        head = f"[{number}] {shown(hit.path, roots)}:{hit.first_line + 1}"
        head += f" {hit.symbol}\n" if hit.symbol else "\n"
        body = _cut(hit.text, left - len(head) - 2)
        if not body.strip():
            break
        pieces.append(f"{head}{body}\n")
        taken.append(hit)
        citations.append(
            Citation(number, hit.path, hit.first_line, hit.first_line + body.count("\n"), hit.symbol)
        )
        left -= len(head) + len(body) + 2
        if len(body) < len(hit.text.rstrip("\n")):
            break
    return Packed("\n".join(pieces), tuple(citations))


def shown(path: Path, roots: Sequence[Path]) -> str:
    """The path below its root, with `/`."""
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.as_posix()


def _cut(text: str, characters: int) -> str:
    text = text.rstrip("\n")
    if len(text) <= characters:
        return text
    end = text.rfind("\n", 0, max(characters, 0) + 1)
    return text[:end] if end > 0 else ""
