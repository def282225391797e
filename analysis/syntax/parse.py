"""Syntax trees of one immutable `Text`, re-parsed from edits. Bytes and tree-sitter's points stay here.

tree-sitter parses UTF-8 and counts rows at LF only; all offsets given out are code points.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import tree_sitter

from devflow.analysis.facts import SymbolKind
from devflow.analysis.syntax.grammars import grammar, queries, query
from devflow.analysis.text import Edit, Text, encode

_CONTINUATION = re.compile(rb"[\x80-\xbf]")
_DEEPEST = 2_000
"""Levels below the root at which patterns still begin: a sum of 100,000 terms is as deep as it is long."""

_MOST_PIECES = 4_000
_MOST_ERRORS = 2_000
_WHOLE = 16_384
"""Bytes up to which a text is handed to the parser in one piece, which keeps the interpreter for at most
5 ms. In pieces, py-tree-sitter 0.26 never lets go of what it was handed: every parse cost its text."""
_PIECE = 1_024
"""Bytes of a longer text handed over at a time: between two pieces other threads, above all the one with
the event loop, get their turn; small, because a parse with an old tree asks for little, and keeps it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A syntax node in code points; `kind` is the grammar's name for it."""

    kind: str
    start: int
    end: int


_Match = tuple[int, dict[str, list[tree_sitter.Node]]]


class SyntaxTree:
    """The tree of one `Text`. It never changes; `edited` gives a new one."""

    def __init__(self, tree: tree_sitter.Tree, text: Text, language: str) -> None:
        self.language = language
        self.text = text
        self._tree = tree
        self.kept_names: Mapping[bytes, tuple[tuple[str, SymbolKind, int], ...]] = {}
        """What each top-level statement binds, by its text: for `scope`, and handed on by `edited`."""
        self._found: dict[str, list[_Match]] = {}
        """What `look_up` found and nobody has asked for yet."""

    @property
    def root(self) -> tree_sitter.Node:
        """The root node, for this package only."""
        return self._tree.root_node

    def edited(self, edits: Sequence[Edit], text: Text) -> SyntaxTree:
        """The tree of `text`, which this tree's text became by `edits`.

        The edits come in the order of application, each in the coordinates of the text it was
        applied to. Only what they touch is parsed again; edits that do not lead to `text` cost a
        full parse and no error.
        """
        after = self._reparsed(edits, text)
        after.kept_names = self.kept_names
        if len(edits) == 1 and not text.is_ascii and "_continuations" in vars(self):
            after._continuations = self._continuations_after(edits[0], text)
        return after

    def _reparsed(self, edits: Sequence[Edit], text: Text) -> SyntaxTree:
        old = self._tree.copy()
        before = self.text
        for edit in edits:
            if len(edits) == 1 and _leads_to(before, edit, text):
                after = text  # its lines and bytes are needed once, not twice
            else:
                try:
                    after = before.replaced([edit])
                except ValueError:
                    return _parsed(text, self.language)
            start = before.byte_offset(edit.start)
            replaced = before.source[edit.start : edit.end]
            old_end = start + (len(encode(replaced)) if replaced else 0)
            new_end = start + len(encode(edit.new))
            old.edit(
                start,
                old_end,
                new_end,
                _point(before.encoded, start),
                _point(before.encoded, old_end),
                _point(after.encoded, new_end),
            )
            before = after
        if before is not text and before != text:
            return _parsed(text, self.language)
        return _parsed(text, self.language, old)

    def has_error(self) -> bool:
        """Whether any of the text could not be parsed."""
        return self.root.has_error

    def errors(self) -> Iterator[Span]:
        """The outermost pieces that could not be parsed, and places where a token is missing."""
        pending = [self.root] if self.root.has_error else []
        while pending:
            node = pending.pop()
            if node.is_error or node.is_missing:
                yield self.span(node)
            else:
                pending += [child for child in reversed(node.children) if child.has_error]

    def is_deeper_than(self, levels: int) -> bool:
        """Whether there are more than so many levels of nodes. Only what is long enough to be so deep is
        looked at: a level has a character."""
        pending = [(self.root, 1)]
        while pending:
            node, level = pending.pop()
            if level > levels:
                return True
            if node.end_byte - node.start_byte >= levels - level:
                pending += [(child, level + 1) for child in node.children]
        return False

    def path_to(self, at: int) -> list[tree_sitter.Node]:
        """The nodes that hold `at` (or end there), outermost first; for this package only."""
        byte = self.byte(at)
        cursor = self.root.walk()
        path = [self.root]
        while cursor.goto_first_child_for_byte(byte) is not None or _last_child(cursor, byte):
            node = cursor.node
            if node is None or node.start_byte > byte:
                break
            path.append(node)
        return path

    def smallest(self, start: int, end: int) -> tree_sitter.Node:
        """The smallest named node that holds `start:end`; for this package only."""
        found = self.root.named_descendant_for_byte_range(self.byte(start), self.byte(end))
        return found if found is not None else self.root

    def look_up(self, *sections: str) -> None:
        """Go through the tree once for the queries of several sections, which is most of their time; the next
        `matches` of each takes what was found."""
        wanted, section_of = queries(self.language, sections)
        self._found = {section: [] for section in sections}
        if wanted is None or self._is_rubble:
            return
        cursor = tree_sitter.QueryCursor(wanted)
        cursor.set_max_start_depth(_DEEPEST)
        lists = [self._found[section] for section in section_of]
        for match in cursor.matches(self.root):
            lists[match[0]].append(match)

    def captures(
        self, section: str, node: tree_sitter.Node | None = None, depth: int | None = None
    ) -> dict[str, list[tree_sitter.Node]]:
        """What the language's `section` query captures under `node` by patterns that begin at most
        `depth` levels below it, by capture name; for this package only."""
        wanted = query(self.language, section)
        if wanted is None or self._is_rubble:
            return {}
        cursor = tree_sitter.QueryCursor(wanted)
        cursor.set_max_start_depth(_DEEPEST if depth is None else depth)
        return cursor.captures(node or self.root)

    def matches(self, section: str) -> list[_Match]:
        """What the language's `section` query matches; for this package only."""
        if (found := self._found.pop(section, None)) is not None:
            return found
        wanted = query(self.language, section)
        if wanted is None or self._is_rubble:
            return []
        cursor = tree_sitter.QueryCursor(wanted)
        cursor.set_max_start_depth(_DEEPEST)
        return cursor.matches(self.root)

    def byte(self, offset: int) -> int:
        """The byte at which the code point `offset` begins."""
        return self.text.byte_offset(offset)

    def offset(self, byte: int) -> int:
        """The code point that begins at `byte`."""
        if self.text.is_ascii:
            return byte
        return byte - bisect_left(self._continuations, byte)

    def span(self, node: tree_sitter.Node) -> Span:
        """`node` in code points."""
        return Span(node.type, self.offset(node.start_byte), self.offset(node.end_byte))

    def slice(self, node: tree_sitter.Node) -> str:
        """The text of `node`."""
        return self.text.source[self.offset(node.start_byte) : self.offset(node.end_byte)]

    def _continuations_after(self, edit: Edit, text: Text) -> list[int]:
        """Those of `text`, which this tree's text became by `edit`."""
        start = self.text.byte_offset(edit.start)
        old_end = start + len(encode(self.text.source[edit.start : edit.end]))
        known = self._continuations
        moved = len(text.encoded) - len(self.text.encoded)
        fresh = [found.start() for found in _CONTINUATION.finditer(text.encoded, start, old_end + moved)]
        behind = known[bisect_left(known, old_end) :]
        return known[: bisect_left(known, start)] + fresh + [at + moved for at in behind]

    @cached_property
    def _is_rubble(self) -> bool:
        """Whether there is an error of so many pieces that a query, which tries them with each other, would
        take minutes: no code looks like that (100,000 brackets took 34 s)."""
        pending = [self.root] if self.root.has_error else []
        for _ in range(_MOST_ERRORS):
            if not pending:
                return False
            node = pending.pop()
            if node.child_count > _MOST_PIECES:
                if node.is_error:
                    return True
                continue
            pending += [child for child in node.children if child.has_error]
        return False

    @cached_property
    def _continuations(self) -> list[int]:
        return [found.start() for found in _CONTINUATION.finditer(self.text.encoded)]


def _leads_to(before: Text, edit: Edit, after: Text) -> bool:
    source = before.source
    if not 0 <= edit.start <= edit.end <= len(source):
        return False
    return f"{source[: edit.start]}{edit.new}{source[edit.end :]}" == after.source


def parse(text: Text, language: str) -> SyntaxTree | None:
    """The tree of `text`, whole even when the code is broken; None when the language has no grammar."""
    return _parsed(text, language) if grammar(language) else None


def _parsed(text: Text, language: str, old: tree_sitter.Tree | None = None) -> SyntaxTree:
    parser = tree_sitter.Parser(grammar(language))
    source = text.encoded

    def piece(at: int, _: object) -> bytes:
        return source[at : at + _PIECE]

    read = source if len(source) <= _WHOLE else piece
    tree = parser.parse(read, old) if old else parser.parse(read)
    return SyntaxTree(tree, text, language)


def _point(encoded: bytes, byte: int) -> tuple[int, int]:
    """tree-sitter's point of `byte`: rows end at LF only, columns are bytes."""
    return encoded.count(b"\n", 0, byte), byte - (encoded.rfind(b"\n", 0, byte) + 1)


def _last_child(cursor: tree_sitter.TreeCursor, byte: int) -> bool:
    """Step into the last child when it ends exactly at `byte`."""
    if not cursor.goto_last_child():
        return False
    node = cursor.node
    if node is not None and node.end_byte == byte:
        return True
    cursor.goto_parent()
    return False
