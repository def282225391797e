"""Packing hits into the text a model is given, within a budget, each piece with where it comes from.

The best hits come whole. What does not fit is shown by its skeleton, the head of the definition and the first
line of what is said about it, so that a model knows that it is there and can ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.paths import told_path
from devflow.retrieval.base import Hit

_SKELETONS = 0.2
"""Share of the budget that is kept for skeletons where not everything fits."""
_MOST_HEAD_LINES = 6
_TOKEN = re.compile(r"\w{1,8}|[^\w\s]|\n")
_OPENS, _CLOSES = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Citation:
    """Lines that are in the packed text. `number` is what it calls them: `[1]`."""

    number: int
    path: Path
    first_line: int
    """0-based, inclusive."""
    last_line: int
    symbol: str
    skeleton: bool = False
    """Only the head of what stands there is in the text."""


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
    """The best hits first, whole while they fit, then skeletons of the others. A best hit that is larger than
    the budget is cut at a line end. A hit that overlaps one already taken is skipped."""
    taken: list[Hit] = []
    citations: list[Citation] = []
    pieces: list[str] = []
    left = characters
    # Where all of them fit, nothing need be kept back.
    everything = sum(len(hit.text) + len(_head(1, hit, roots)) + 3 for hit in hits)
    kept_back = int(characters * _SKELETONS) if everything > characters and len(hits) > 1 else 0
    for hit in hits:
        if any(one.path == hit.path and one.start < hit.end and hit.start < one.end for one in taken):
            continue
        number = len(citations) + 1
        head = _head(number, hit, roots)
        body = hit.text.rstrip("\n")
        skeleton = False
        if len(head) + len(body) + 2 > left - kept_back:
            room = left - len(head) - 2
            body, skeleton = (
                (skeleton_of(hit.text), True) if citations else (_cut(body, room - kept_back), False)
            )
            if len(body) > room:
                continue
        if not body.strip():
            continue
        pieces.append(f"{head}{body}\n")
        taken.append(hit)
        last = hit.last_line if skeleton else hit.first_line + body.count("\n")
        citations.append(Citation(number, hit.path, hit.first_line, last, hit.symbol, skeleton))
        left -= len(head) + len(body) + 2
    return Packed("\n".join(pieces), tuple(citations))


def pack_tokens(hits: Sequence[Hit], roots: Sequence[Path], tokens: int) -> Packed:
    """As `pack`, for a budget in tokens as `tokens_in` counts them."""
    characters = tokens * 4
    while True:
        packed = pack(hits, roots, characters)
        over = tokens_in(packed.text) - tokens
        if over <= 0 or characters <= 0:
            return packed
        characters = min(int(characters * tokens / (tokens + over)), characters - 1)


def tokens_in(text: str) -> int:
    """About how many tokens a model makes of `text`: pieces of words of up to eight letters, signs and line
    ends. Models' own counts differ; on code this one is seldom below them."""
    return len(_TOKEN.findall(text))


def skeleton_of(text: str) -> str:
    """The head of a definition and the first line of its documentation; the rest is `...`."""
    lines = text.rstrip("\n").split("\n")
    depth = 0
    for number, line in enumerate(lines[:_MOST_HEAD_LINES]):
        code = line.strip()
        depth += sum(code.count(sign) for sign in _OPENS[:2]) - sum(code.count(sign) for sign in _CLOSES[:2])
        if code.startswith(("@", "#", "//", "/*", "*", "[")) or depth > 0:
            continue
        shown = lines[: number + 1]
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if following.startswith(('"""', "'''", 'r"""')) and len(following) > 3:
            shown.append(lines[number + 1])
        if len(shown) < len(lines):
            shown.append(re.match(r"\s*", lines[number])[0] + "    ...")  # type: ignore[index]  # matches
        return "\n".join(shown)
    return "\n".join(lines[:1])


def _head(number: int, hit: Hit, roots: Sequence[Path]) -> str:
    place = f"[{number}] {told_path(hit.path, roots)}:{hit.first_line + 1}-{hit.last_line + 1}"
    return f"{place} {hit.symbol}\n" if hit.symbol else f"{place}\n"


def _cut(text: str, characters: int) -> str:
    text = text.rstrip("\n")
    if len(text) <= characters:
        return text
    end = text.rfind("\n", 0, max(characters, 0) + 1)
    return text[:end] if end > 0 else ""
