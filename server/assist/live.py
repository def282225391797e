"""What the open document itself says about what comes next: its tokens as one searchable string.

Until the index has seen an edit, and where there is no index at all, the best evidence is the
document. Its lines are lexed one by one and kept, so a keystroke costs one line; matching is plain
string search over the joined tokens, so it needs no table per version (40,000 tokens: about 1 ms).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from devflow.analysis.document import Document
from devflow.analysis.tokens import lex
from devflow.server.assist.memory import Memory, PerSession

_BREAK = "\0"
_FENCES = re.compile('"""|' + "'''")
_WINDOW = 300_000
"""Code points of the document looked at, around the cursor."""
_ORDERS = (1, 2, 3, 4, 5, 6, 8)
_RECENT = 20_000
_MOST_LINES = 60_000
_LINES = PerSession[dict[str, tuple[str, int]]]("lines of a language and their tokens")


@dataclass(frozen=True)
class Live:
    """The tokens before and behind the cursor, each ended and begun by a zero byte."""

    before: str
    after: str
    size: int
    """How many tokens both have."""

    def context(self, limit: int = 32) -> list[str]:
        """The last `limit` tokens before the cursor."""
        parts = self.before[-limit * 40 :].strip(_BREAK).split(_BREAK)
        return [part for part in parts[-limit:] if part]

    def next_tokens(self, context: Sequence[str]) -> dict[str, float]:
        """P(next token | context) over the document, text behind the cursor included.

        What follows the last 1-8 tokens elsewhere, interpolated from short to long (Witten-Bell): P(w) =
        (c(w) + T·P'(w)) / (C + T), with C places, T different followers and P' the next shorter context.
        """
        shares: dict[str, float] = {}
        if not context:
            return shares
        # Where the last token stands (a pattern that is kept, for a dot) and what follows it; each longer
        # context keeps some of these places.
        first = re.compile(re.escape(_BREAK + context[-1]) + "(?=\0([^\0]+)\0)")
        places = [
            (text, match.start(), match[1])
            for text in (self.before, self.after)
            for match in first.finditer(text)
        ]
        for order in _ORDERS:
            if order > len(context):
                break
            if order > 1:
                tail = _BREAK + _BREAK.join(context[-order:-1])
                size = len(tail)
                places = [
                    place
                    for place in places
                    if place[1] >= size and place[0].startswith(tail, place[1] - size)
                ]
            if not places:
                break
            counts = Counter(follower for _, _, follower in places)
            whole, kinds = counts.total(), len(counts)
            shares = {token: kinds * share / (whole + kinds) for token, share in shares.items()}
            for token, count in counts.items():
                shares[token] = shares.get(token, 0.0) + count / (whole + kinds)
        return shares

    def members(self, receiver: str, *, tail: bool = False) -> Counter[str]:
        """Names seen behind `receiver` and a dot, with their counts; with `tail` also behind anything
        that ends in it."""
        parts = [part for part in _OPERATOR.split(receiver) if part]
        chain = _BREAK + _BREAK.join(parts) + _BREAK
        found: Counter[str] = Counter()
        # Searched as a string: a pattern would have to be compiled for each receiver.
        for text in (self.before, self.after):
            at = text.find(chain)
            while at >= 0:
                behind = at + len(chain)
                match = _MEMBER.match(text, behind - 1)
                if match is not None and (tail or not text.endswith(_OPERATORS, 0, at)):
                    found[match[1]] += 1
                at = text.find(chain, behind - 1)
        return found

    def called(self) -> set[str]:
        """Members that are called somewhere."""
        return set(_CALLED.findall(self.before)) | set(_CALLED.findall(self.after))

    @cached_property
    def attributes(self) -> Counter[str]:
        """Names seen behind any dot (or `->`, `::`, `?.`), with their counts."""
        return Counter(_ATTRIBUTE.findall(self.before)) + Counter(_ATTRIBUTE.findall(self.after))

    def names(self) -> Counter[str]:
        """All identifiers, with their counts."""
        return Counter(_NAME.findall(self.before)) + Counter(_NAME.findall(self.after))

    def distances(self) -> dict[str, float]:
        """How far back each name of the last 5,000 tokens or so was last used: 0 here, 1 there."""
        start = max(0, len(self.before) - _RECENT)
        size = len(self.before)
        return {m[1]: (size - m.start()) / _RECENT for m in _NAME.finditer(self.before, start)}


_OPERATOR = re.compile(r"(\?\.|->|::|\.)")
_OPERATORS = ("\0.", "\0->", "\0::")
_MEMBER = re.compile("\0(?:\\.|->|::|\\?\\.)\0([^\\W\\d]\\w*)\0")
_ATTRIBUTE = re.compile("\0(?:\\.|->|::|\\?\\.)(?=\0([^\\W\\d]\\w*)\0)")
_CALLED = re.compile("\0(?:\\.|->|::|\\?\\.)\0([^\\W\\d]\\w*)\0\\(")
_NAME = re.compile("(?<=\0)([^\\W\\d]\\w*)(?=\0)")


def live(doc: Document, start: int, end: int, memory: Memory) -> Live:
    """The document's tokens around `start:end`, the word being typed, which is none of them."""
    source = doc.text.source
    cache = memory.kept(_LINES.key(doc.language), dict)
    if len(cache) > _MOST_LINES:
        cache.clear()
    before = source[max(0, start - _WINDOW) : start].split("\n")
    after = source[end : end + _WINDOW // 2].split("\n")
    reader = _Reader(doc.language, cache)
    for line in before[:-1]:
        reader.read(line)
    reader.read(before[-1], ended=False)
    head = reader.taken()
    reader.read(after[0])
    for line in after[1:]:
        reader.read(line)
    return Live(head, reader.taken(), reader.size)


class _Reader:
    """Lexes line after line; what is inside triple-quoted strings is left out."""

    def __init__(self, language: str, cache: dict[str, tuple[str, int]]) -> None:
        self.size = 0
        self._parts: list[str] = []
        self._language = language
        self._cache = cache
        self._quotes = language == "python"
        self._inside = ""

    def read(self, line: str, *, ended: bool = True) -> None:
        if self._inside:
            close = line.find(self._inside)
            if close < 0:
                return
            line = line[close + 3 :]
            self._inside = ""
        if self._quotes and ('"""' in line or "'''" in line):
            opened = ""
            for fence in _FENCES.findall(line):
                opened = "" if fence == opened else opened or fence
            if opened:
                self._inside = opened
                line = line[: line.rfind(opened)]
        known = self._cache.get(line) if ended else None
        if known is None:
            tokens = [token for token in lex(line + "\n", self._language) if _BREAK not in token.text]
            if not ended and tokens and tokens[-1].text == "\n":
                tokens.pop()
            known = (_BREAK.join(token.text for token in tokens), len(tokens))
            if ended:
                self._cache[line] = known
        if known[0]:
            self._parts.append(known[0])
            self.size += known[1]

    def taken(self) -> str:
        joined = _BREAK + _BREAK.join(self._parts) + _BREAK if self._parts else _BREAK
        self._parts = []
        return joined
