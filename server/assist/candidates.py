"""Where completion's candidates come from. Synchronous: run in a thread, with what the index answered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.calls import CallSite, call_at
from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.scope import VisibleName, Word, place_at, visible_names
from devflow.analysis.types.base import Candidate, Parameter
from devflow.retrieval.base import IndexedSymbol
from devflow.server.assist.base import Codebase
from devflow.server.assist.imports import module_name
from devflow.server.assist.keywords import builtin_names, keywords
from devflow.server.assist.live import Live, live
from devflow.server.assist.outline import recent_symbols
from devflow.server.assist.rank import Evidence, match_quality, words_of
from devflow.server.assist.receivers import bases_of, classes_of, members_in

if TYPE_CHECKING:
    from devflow.analysis.usage import UsageModel

_IMPORT = re.compile(r"\s*(?:from\s+[\w.]*|import\b|from\s+[\w.]+\s+import\b)[^#;]*$")
_NEW_NAME = re.compile(r"(?<![\w.])(?:def|class|fn|func|function|interface|struct|enum|trait)[ \t]+\Z")
"""A definition's keyword: what follows is a name that does not exist yet."""
_NAME = re.compile(r"[^\W\d]\w*\Z")
_MODEL_LIMIT = 100


class Place(Enum):
    """What kind of name the cursor is at."""

    MEMBER = "member"
    NAME = "name"
    IMPORT = "import"
    NOTHING = "nothing"
    """In a string, a comment or a number, or where a new name is made: no known name can stand here."""


def place_of(doc: Document, word: Word) -> Place:
    """What `word` can be."""
    if in_quotes(doc, word.start):
        return Place.NOTHING
    source = doc.text.source
    if doc.language == "python":
        line = source[doc.text.line_start(doc.text.line_at(word.start)) : word.start]
        if _IMPORT.match(line):
            return Place.IMPORT
    if word.after_dot:
        return Place.MEMBER
    before = source[max(0, word.start - 12) : word.start]
    if before.rstrip(" \t").endswith(".") or word.prefix[:1].isdigit() or _NEW_NAME.search(before):
        return Place.NOTHING
    return Place.NAME


def in_quotes(doc: Document, at: int) -> bool:
    """Whether `at` is inside a string or a comment (and not in the code a string interpolates)."""
    tree = doc.tree
    return tree is not None and place_at(tree, at) != "code"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A position that asks for a name, with what the document says about it."""

    doc: Document
    start: int
    """Where the word begins."""
    cursor: int
    prefix: str
    receiver: str
    place: Place
    live: Live
    symbols: tuple[Symbol, ...]
    classes: tuple[str, ...]
    """Classes the receiver may be of, with their bases as far as the document knows them."""
    likely: Mapping[str, float]
    """P(name) by the document's own tokens."""
    usage: UsageModel | None
    context: Sequence[str]
    """The last tokens before the word."""
    proposed: tuple[str, ...]
    """What the usage model expects."""
    call: CallSite | None
    roots: tuple[Path, ...]

    @staticmethod
    def at(doc: Document, cursor: int, word: Word, place: Place, code: Codebase) -> Wanted:
        """Read the document around `word`, which ends at `cursor`."""
        start, receiver = word.start, word.receiver or ""
        tokens = live(doc, start, max(cursor, doc.text.word_at(cursor)[1]), code.memory)
        context = tokens.context()
        found = recent_symbols(doc, code.memory)
        classes: list[str] = []
        if place is Place.MEMBER and receiver:
            classes = classes_of(doc, start, receiver, found)
            for symbol in found:
                if symbol.name in classes and symbol.name not in classes[:-4]:
                    classes += [base for base in bases_of(symbol) if base not in classes]
        model = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
        tree = doc.tree
        return Wanted(
            doc,
            start,
            cursor,
            word.prefix,
            receiver,
            place,
            tokens,
            found,
            tuple(classes),
            tokens.next_tokens(context),
            model,
            context,
            tuple(name for name, _ in model.next_tokens(context, _MODEL_LIMIT).tokens) if model else (),
            call_at(tree, start) if tree is not None and place is Place.NAME else None,
            code.roots,
        )

    def seen_members(self) -> list[str]:
        """Names to ask the index about: what the document and the model propose."""
        proposed = [name for name in (*self.likely, *self.proposed) if _NAME.match(name)]
        return list(dict.fromkeys((*proposed, *self.live.attributes())))[:500]


def members(
    wanted: Wanted,
    on_receiver: Mapping[str, int],
    on_tail: Mapping[str, int],
    counts: Mapping[str, int],
    methods: Sequence[IndexedSymbol],
    typed: Sequence[Candidate],
) -> list[Evidence]:
    """What can stand behind the dot."""
    pool = _Pool()
    tokens = wanted.live
    everywhere = tokens.attributes()
    here: Counter[str] = tokens.members(wanted.receiver) if wanted.receiver else Counter()
    for candidate in typed:
        each = pool.get(candidate.name, "jedi", candidate.kind)
        each.typed = True
        each.detail = candidate.detail
    for name, symbol in members_in(wanted.doc, wanted.classes, wanted.symbols).items():
        each = pool.get(name, "document", symbol.kind, symbol.signature)
        each.own = True
        each.documentation = each.documentation or symbol.doc
    for indexed in methods:
        each = pool.get(indexed.symbol.name, "index", indexed.symbol.kind, indexed.symbol.signature)
        each.own = True
        each.documentation = each.documentation or indexed.symbol.doc
    tail = tail_of(wanted.receiver)
    for name, count in (tokens.members(tail, tail=True) if tail else Counter[str]()).items():
        pool.get(name, "document").tail_here = count
    for name, count in on_tail.items():
        pool.get(name, "index").tail_known = count
    for name, count in here.items():
        pool.get(name, "document").receiver_here = count
    for name, count in on_receiver.items():
        pool.get(name, "index").receiver_known = count
    for name in everywhere:
        pool.get(name, "document")
    for source, likely in (("usage", wanted.proposed), ("document", wanted.likely)):
        for name in likely:
            if _NAME.match(name) and name not in keywords(wanted.doc.language):
                pool.get(name, source)
    fitting = pool.fitting(wanted.prefix)
    called = tokens.called()
    line = _Line.around(wanted)
    for each in fitting:
        each.here = everywhere.get(each.name, 0)
        each.known = counts.get(each.name, 0)
        each.called = line.agrees(each, called)
        each.echo = line.echo(each.name)
        each.repeated = each.name in line.members
    _add_likelihood(fitting, wanted)
    return fitting


def tail_of(receiver: str) -> str:
    """The last name of a receiver, where that alone says something."""
    tail = re.split(r"\.|::|->", receiver)[-1]
    return "" if tail in ("self", "cls", "this", "") else tail


@dataclass(frozen=True, slots=True)
class _Line:
    """What stands on the cursor's line around the word."""

    plain: frozenset[str]
    words: tuple[frozenset[str], ...]
    """The sub-words of each of `plain`."""
    members: frozenset[str]
    next: str
    """The sign behind the word, "" at the end of the line."""

    @staticmethod
    def around(wanted: Wanted) -> _Line:
        text = wanted.doc.text
        number = text.line_at(wanted.start)
        end = text.word_at(wanted.cursor)[1]
        before = text.source[text.line_start(number) : wanted.start]
        after = text.source[end : text.line_end(number)]
        if not before.strip(" \t.") and number:  # a chain of calls goes on
            before = text.line(number - 1)
        members = frozenset(re.findall(r"\.([^\W\d]\w*)", f"{before} {after}"))
        plain = frozenset(re.findall(r"(?<!\.)\b[^\W\d]\w*", f"{before} {after}"))
        plain -= set(re.split(r"\W+", wanted.receiver))
        words = tuple(frozenset(words_of(name)) for name in plain)
        return _Line(plain, words, members, after.lstrip()[:1])

    def agrees(self, each: Evidence, called: set[str]) -> float:
        if not self.next:
            return 0.0
        callable_ = each.name in called or each.kind in _CALLABLE
        if self.next == "(":
            return 1.0 if callable_ else -1.0 if each.here else 0.0
        return -1.0 if callable_ else 0.0

    def echo(self, name: str) -> float:
        if name in self.plain:
            return 1.0
        words = words_of(name)
        shared = max((len(other.intersection(words)) for other in self.words), default=0)
        return 0.5 * shared / max(len(words), 1)


_CALLABLE = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.CLASS})


def names(wanted: Wanted, workspace: Sequence[IndexedSymbol], typed: Sequence[Candidate]) -> list[Evidence]:
    """What can stand where a plain name is wanted."""
    pool = _Pool()
    doc = wanted.doc
    used = wanted.live.names()
    if wanted.place is Place.IMPORT:
        for candidate in typed:
            pool.get(candidate.name, "jedi", candidate.kind).typed = True
    else:
        _scope(pool, wanted, _visible(wanted))
        for candidate in typed:
            each = pool.get(candidate.name, "jedi", candidate.kind)
            each.typed = True
            each.place = each.place or "module"
        for word in keywords(doc.language):
            each = pool.get(word, "keyword", SymbolKind.KEYWORD)
            each.place = "keyword"
        for name, kind in builtin_names(doc.language).items():
            each = pool.get(name, "builtin", kind)
            each.place = each.place or "builtin"
        for indexed in workspace:
            _unimported(pool, wanted, indexed)
    for name in used:
        each = pool.get(name, "document")
        each.place = each.place or "word"
    fitting = pool.fitting(wanted.prefix)
    for each in fitting:
        each.place = each.place or "module"
        each.here = used.get(each.name, 0)
    _add_likelihood(fitting, wanted)
    return fitting


def keyword_arguments(wanted: Wanted, parameters: Iterable[Parameter]) -> list[Evidence]:
    """The call's parameters that can still be given by name."""
    call = wanted.call
    before = wanted.doc.text.source[max(0, wanted.start - 200) : wanted.start].rstrip()
    if call is None or wanted.doc.language != "python" or not before.endswith(("(", ",")):
        return []
    given = {argument.keyword for argument in call.arguments}
    positional = sum(1 for argument in call.arguments[: call.active] if argument.keyword is None)
    result: list[Evidence] = []
    for number, parameter in enumerate(parameters):
        usable = parameter.kind in ("positional-or-keyword", "keyword-only")
        if (
            not usable
            or parameter.name in given
            or (number < positional and parameter.kind != "keyword-only")
        ):
            continue
        each = Evidence(
            parameter.name, SymbolKind.PARAMETER, parameter.label, source="signature", place="argument"
        )
        each.insert = f"{parameter.name}="
        if match_quality(wanted.prefix, parameter.name):
            result.append(each)
    _add_likelihood(result, wanted)
    return result


class _Pool:
    """Candidates by name; the first source to name one gives its kind and detail."""

    def __init__(self) -> None:
        self._by_name: dict[str, Evidence] = {}

    def get(
        self, name: str, source: str, kind: SymbolKind = SymbolKind.VARIABLE, detail: str = ""
    ) -> Evidence:
        known = self._by_name.get(name)
        if known is None:
            known = self._by_name[name] = Evidence(name, kind, detail, source=source)
        elif known.kind is SymbolKind.VARIABLE and kind is not SymbolKind.VARIABLE:
            known.kind = kind
        known.detail = known.detail or detail
        return known

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def fitting(self, prefix: str) -> list[Evidence]:
        return [each for each in self._by_name.values() if match_quality(prefix, each.name)]


def _visible(wanted: Wanted) -> list[VisibleName]:
    tree = wanted.doc.tree
    return visible_names(tree, wanted.start) if tree is not None else []


def _scope(pool: _Pool, wanted: Wanted, visible: Iterable[VisibleName]) -> None:
    for name in visible:
        if name.name in pool:
            continue
        each = pool.get(name.name, "document", name.kind)
        each.scope_distance = name.distance
        each.place = "local" if name.distance == 0 or name.kind is SymbolKind.PARAMETER else "module"
    for symbol in wanted.symbols:
        if symbol.name in pool and not symbol.container:
            each = pool.get(symbol.name, "document", symbol.kind, symbol.signature)
            each.documentation = each.documentation or symbol.doc


def _unimported(pool: _Pool, wanted: Wanted, indexed: IndexedSymbol) -> None:
    symbol = indexed.symbol
    if symbol.container or symbol.name in pool or indexed.language != wanted.doc.language:
        return
    if wanted.doc.path is not None and indexed.path == wanted.doc.path:
        return
    module = ""
    if wanted.doc.language == "python":
        module = module_name(indexed.path, wanted.roots)
        if not module or symbol.name.startswith("_"):
            return
    each = pool.get(symbol.name, "index", symbol.kind, symbol.signature)
    each.place = "workspace"
    each.module = module
    each.documentation = symbol.doc


def _add_likelihood(fitting: Sequence[Evidence], wanted: Wanted) -> None:
    names = [each.name for each in fitting]
    distances = wanted.live.distances()
    floor = min(0.05, max(1e-4, 5 / (1 + len(wanted.live.spaced))))
    model = wanted.usage.probabilities(wanted.context, names) if wanted.usage is not None else {}
    for each in fitting:
        each.model = model.get(each.name, 0.0)
        each.live = wanted.likely.get(each.name, 0.0)
        each.live_floor = floor
        each.distance = distances.get(each.name, 1.0)
