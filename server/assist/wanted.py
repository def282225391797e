"""A position that asks for a name, with what the document says about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.calls import CallSite, call_at
from devflow.analysis.document import Document
from devflow.analysis.facts import Import, Symbol
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.scope import VisibleName, Word, visible_names
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.server.assist.base import Codebase
from devflow.server.assist.expected import binds
from devflow.server.assist.features import Around, words_of
from devflow.server.assist.live import Live, live
from devflow.server.assist.outline import recent_imports, recent_symbols
from devflow.server.assist.receivers import SELF, Hints, bases_of, classes_of, hints_of, last_name

if TYPE_CHECKING:
    from devflow.analysis.usage import Following

_IMPORT = re.compile(r"\s*(?:from\s+[\w.]*|import\b|from\s+[\w.]+\s+import\b)[^#;]*$")
_NEW_NAME = re.compile(r"(?<![\w.])(?:def|class|fn|func|function|interface|struct|enum|trait)[ \t]+\Z")
"""A definition's keyword: what follows is a name that does not exist yet."""
_MODEL_LIMIT = 150
_MOST_EXPECTED = 500
_TARGET = re.compile(r"(?:^|[(,]|\bfor\b)\s*([\w.,\s]+?)(?:\s*:[^=]+)?(?:=(?!=)|\bin\b)[^=]*\Z")
_CONTINUED = re.compile(r"[\s.)\]}]*\Z")


class Place(Enum):
    """What kind of name the cursor is at."""

    MEMBER = "member"
    NAME = "name"
    IMPORT = "import"
    NOTHING = "nothing"
    """A number, a word of prose, or where a new name is made: no known name can stand here."""


def place_of(doc: Document, word: Word, quoted: bool) -> Place:
    """What `word` can be. In a string or a comment (`quoted`) only a member of something known."""
    source = doc.text.source
    if quoted:
        return Place.MEMBER if word.receiver else Place.NOTHING
    if doc.language == "python":
        line = doc.text.line_before(word.start)
        if _IMPORT.match(line):
            return Place.NOTHING if binds(source, word.start) else Place.IMPORT
    if word.after_dot:
        return Place.MEMBER
    before = source[max(0, word.start - 12) : word.start]
    ends = before.rstrip(" \t")
    spread = ends.endswith("...") and doc.language in SCRIPTS
    if (ends.endswith(".") and not spread) or word.prefix[:1].isdigit() or _NEW_NAME.search(before):
        return Place.NOTHING
    if doc.language == "python" and binds(source, word.start):
        return Place.NOTHING
    return Place.NAME


@dataclass(frozen=True, slots=True)
class Wanted:
    """The document around a position, read once for all sources of candidates."""

    doc: Document
    start: int
    """Where the word begins."""
    cursor: int
    prefix: str
    receiver: str
    place: Place
    quoted: bool
    live: Live
    symbols: tuple[Symbol, ...]
    classes: tuple[str, ...]
    """Classes the receiver may be of, with their bases as far as the document knows them."""
    hints: Hints
    likely: Mapping[str, float]
    """P(name) by the document's own tokens."""
    following: Following | None
    """What the usage model knows to follow here."""
    proposed: Mapping[str, float]
    """The likeliest of it, with its probability."""
    expected: tuple[str, ...]
    """The members that the document and the usage model know of, those they expect here first."""
    call: CallSite | None
    roots: tuple[Path, ...]
    imports: tuple[Import, ...]
    visible: tuple[VisibleName, ...]
    """Of plain names, and in quotes of what the receiver may begin with."""
    line: Line

    @staticmethod
    def at(doc: Document, cursor: int, word: Word, place: Place, quoted: bool, code: Codebase) -> Wanted:
        """Read the document around `word`, which ends at `cursor`."""
        start, receiver, tree = word.start, word.receiver or "", doc.tree
        tokens = live(doc, start, max(cursor, doc.text.word_at(cursor)[1]), code.memory)
        context = [*re.split(r"(\W+)", receiver), "."] if quoted else tokens.context()
        found = recent_symbols(doc, code.memory)
        imported = recent_imports(doc, code.memory)
        classes: list[str] = []
        hints = Hints()
        if place is Place.MEMBER:
            if receiver:
                classes = classes_of(doc, start, receiver, found)
                classes += [
                    each.name for each in imported if receiver in (each.alias, each.name) and each.name
                ]
            for symbol in found:
                if symbol.name in classes and symbol.name not in classes[:-4]:
                    classes += [base for base in bases_of(symbol) if base not in classes]
            hints = hints_of(doc, start, receiver)
        model = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
        likely = tokens.next_tokens(context)
        following = model.following(context) if model is not None else None
        proposed = dict(following.most_likely(_MODEL_LIMIT).tokens) if following is not None else {}
        expected: dict[str, None] = {}
        if place is Place.MEMBER:
            expected = dict.fromkeys(name for name in (*likely, *proposed) if name.isidentifier())
            expected |= dict.fromkeys(tokens.attributes)
        scoped = tree is not None and (place is Place.NAME or quoted)
        return Wanted(
            doc,
            start,
            cursor,
            word.prefix,
            receiver,
            place,
            quoted,
            tokens,
            found,
            tuple(classes),
            hints,
            likely,
            following,
            proposed,
            tuple(expected)[:_MOST_EXPECTED],
            call_at(tree, start) if tree is not None and place is Place.NAME else None,
            code.roots,
            imported,
            tuple(visible_names(tree, start)) if scoped and tree is not None else (),
            Line.read(doc, start, cursor, receiver, found, place is Place.MEMBER),
        )

    def shared(self, *, typed: bool = False, known: bool = False) -> Around:
        """What the ranker needs to know about the place itself."""
        tail = last_name(self.receiver)
        return Around(
            next=self.line.next,
            own=self.receiver in SELF,
            typed=typed,
            known=known,
            quoted=self.quoted,
            typing=len(self.prefix),
            upper=tail[:1].isupper(),
            tail=tail,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on the cursor's line and around it."""

    plain: frozenset[str]
    words: tuple[frozenset[str], ...]
    """The sub-words of each of `plain`."""
    every: frozenset[str]
    members: frozenset[str]
    target: frozenset[str]
    """Sub-words of what is assigned to, looped over with, or of the keyword given."""
    around: frozenset[str]
    """Sub-words of the names of the function and the class around."""
    body: tuple[int, int]
    """The function around, up to the cursor."""
    next: str
    """The sign behind the word, "" at the end of the line."""

    @staticmethod
    def read(
        doc: Document, start: int, cursor: int, receiver: str, found: Sequence[Symbol], member: bool
    ) -> Line:
        """The line of the word `start:cursor`."""
        text = doc.text
        number = text.line_at(start)
        end = text.word_at(cursor)[1]
        before = text.line_before(start)
        after = text.source[end : text.line_end(number)]
        if number and _CONTINUED.match(before) and member:  # a chain of calls goes on
            before = text.line(number - 1)
        members = frozenset(re.findall(r"\.([^\W\d]\w*)", f"{before} {after}"))
        plain = frozenset(re.findall(r"(?<!\.)\b[^\W\d]\w*", f"{before} {after}"))
        plain -= set(re.split(r"\W+", receiver))
        target = _TARGET.search(before[-200:])
        function = _function_around(found, start)
        holders = [function.name, *function.container.split(".")] if function else []
        words = tuple(frozenset(words_of(name)) for name in plain)
        return Line(
            plain,
            words,
            frozenset().union(*words),
            members,
            _words(re.findall(r"\w+", target[1])) if target else frozenset(),
            _words(holders),
            (function.start, start) if function else (max(0, start - 600), start),
            after.lstrip()[:1],
        )

    def agrees(self, name: str, callable_: bool, seen: bool) -> float:
        """1: called here and elsewhere; -1: called here or elsewhere only; 0: not known."""
        if not self.next:
            return 0.0
        if self.next == "(":
            return 1.0 if callable_ else -1.0 if seen else 0.0
        return -1.0 if callable_ else 0.0

    def echo(self, name: str) -> float:
        """How much of `name` stands on the line as a plain name."""
        if name in self.plain:
            return 1.0
        words = words_of(name)
        if self.every.isdisjoint(words):
            return 0.0
        shared = max((len(other.intersection(words)) for other in self.words), default=0)
        return 0.5 * shared / max(len(words), 1)


def _function_around(found: Sequence[Symbol], at: int) -> Symbol | None:
    """The innermost function that holds `at`."""
    holding = [each for each in found if each.kind in FUNCTION_LIKE and each.start <= at <= each.end]
    return max(holding, key=lambda each: each.start, default=None)


def share(words: frozenset[str], name: str) -> float:
    """How much of `name` and `words` are the same sub-words, 0 to 1."""
    if not words:
        return 0.0
    own = words_of(name)
    common = len(words.intersection(own))
    return 2 * common / (len(words) + len(own)) if common else 0.0


def _words(names: Sequence[str]) -> frozenset[str]:
    return frozenset(word for name in names if name not in SELF for word in words_of(name))
