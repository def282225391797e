"""Where completion's candidates come from. Synchronous: run in a thread, with what the index answered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.types.base import Candidate, Parameter
from devflow.retrieval.base import IndexedSymbol
from devflow.retrieval.graph.named import Offered
from devflow.server.assist.expected import expected, is_exception
from devflow.server.assist.features import CALLABLE, Evidence
from devflow.server.assist.found import same_family
from devflow.server.assist.frequency import Frequent
from devflow.server.assist.imports import module_name, module_of, workspace_packages
from devflow.server.assist.keywords import builtin_names, keywords
from devflow.server.assist.rank import match_quality
from devflow.server.assist.receivers import last_name, members_in
from devflow.server.assist.stdlib import members_of_module, members_of_type
from devflow.server.assist.wanted import Place, Wanted, share

_SOFT = frozenset({"match", "case", "type"})
"""Keywords of Python that name members as well."""
_SMALL = 60
"""Tokens of a document that says too little to be trusted by half."""
_ASKED_FOR = 6.0
_MUST_FOLLOW = 15.0
"""Over what is learned: a keyword has next to no chance where nothing is typed."""
_OF_MODULE = re.compile(r"from\s+(\S+)\s+import\b")
_MODULE_NAMED = re.compile(r"\s*from\s+[\w.]+\s+\Z")
_OF_ANY = frozenset({"equals", "hashCode", "toString", "getClass", "hasOwnProperty", "class", "this"})
"""What every object or class of Java or JavaScript has besides."""
_MOST = 220
"""Members scored; names only known to be frequent in the workspace fill what others leave."""


@dataclass(slots=True)
class Found:
    """What the index answered in time."""

    members: dict[str, int] = field(default_factory=dict)
    """Seen on the receiver, with counts."""
    tail: dict[str, int] = field(default_factory=dict)
    """Seen on the receiver's last name."""
    counts: dict[str, int] = field(default_factory=dict)
    """How often names are seen behind any dot."""
    frequent: Frequent = field(default_factory=Frequent)
    """The names most often behind a dot in the workspace."""
    methods: list[tuple[IndexedSymbol, int]] = field(default_factory=list)
    """Members of the receiver's class or module, with the steps up to the base they are from."""
    told: Offered = Offered()
    """What the receiver's type offers, where the code graph knows it."""
    module: list[tuple[IndexedSymbol, int]] = field(default_factory=list)
    """What the receiver defines when it is a module of the workspace."""
    offered: Mapping[str, SymbolKind] = field(default_factory=dict)
    """What the receiver offers when it is a module of a library."""
    told_by_text: tuple[Mapping[str, tuple[SymbolKind, int]], bool] = ({}, False)
    """What the receiver offers as far as Python's text tells, with the steps up to the base each is from, and
    whether that is certain."""
    whole: bool = False
    """Whether these are all there can be: the receiver is a module of the workspace."""
    alike: list[tuple[IndexedSymbol, int]] = field(default_factory=list)
    """Members of classes the receiver is named like."""
    workspace: list[IndexedSymbol] = field(default_factory=list)
    """Symbols of other files that fit what is typed or expected."""
    parameters: list[Parameter] = field(default_factory=list)
    """Of the call around."""
    keywords: list[str] = field(default_factory=list)
    """Names of modules, where one is imported."""


def members(wanted: Wanted, found: Found, typed: Sequence[Candidate]) -> list[Evidence]:
    """What can stand behind the dot."""
    pool = _Pool()
    if folder := _next_folder(wanted):
        pool.get(folder, "files", SymbolKind.MODULE)
        return pool.fitting(wanted.prefix)
    tokens = wanted.live
    language = wanted.doc.language
    everywhere = tokens.attributes
    here: Counter[str] = tokens.members(wanted.receiver) if wanted.receiver else Counter()
    for candidate in typed:
        each = pool.get(candidate.name, "jedi", candidate.kind)
        each.typed = True
        each.detail = candidate.detail
    for name, symbol in members_in(wanted.doc, wanted.classes, wanted.symbols).items():
        _described(pool.get(name, "document", symbol.kind, symbol.signature), symbol).own = True
    for definition, depth in found.told.members:
        each = pool.get(definition.name, "index", definition.kind, definition.signature)
        each.typed = each.own = True
        each.inherited = depth
    for indexed, depth in found.methods:
        new = indexed.symbol.name not in pool
        each = _described(pool.of(indexed), indexed.symbol)
        if new or not each.own:
            each.inherited = depth
        each.own = True
    for name, kind in {**python_members(wanted), **found.offered}.items():
        pool.get(name, "builtin", kind).own = True
    by_text, certain = found.told_by_text
    for name, (kind, depth) in by_text.items():
        new = name not in pool
        each = pool.get(name, "document", kind)
        if not certain:
            each.guessed = True
            continue
        if new or not each.own:
            each.inherited = depth
        each.own = True
    for indexed, _ in found.alike:
        _described(pool.of(indexed), indexed.symbol).guessed = True
    tail = tail_of(wanted.receiver)
    for name, count in (tokens.members(tail, tail=True) if tail else Counter[str]()).items():
        pool.get(name, "document").tail_here = count
    for name, count in found.tail.items():
        pool.get(name, "index").tail_known = count
    for name, count in here.items():
        pool.get(name, "document").receiver_here = count
    for name, count in found.members.items():
        pool.get(name, "index").receiver_known = count
    reserved = frozenset(keywords(language)) - _SOFT
    # The parts of a module's name stand behind dots and are no members of anything.
    modules = Counter(part for one in {each.module for each in wanted.imports} for part in one.split(".")[1:])
    reserved |= {name for name, count in modules.items() if everywhere[name] <= count}
    for name in everywhere:
        if name not in reserved:
            pool.get(name, "document")
    for source, likely in (("usage", wanted.proposed), ("document", wanted.likely)):
        for name in likely:
            if name not in reserved and name.isidentifier():
                pool.get(name, source)
    if wanted.quoted:
        for symbol in wanted.symbols:
            pool.get(symbol.name, "document", symbol.kind, symbol.signature)
        for visible in wanted.visible:
            pool.get(visible.name, "document", visible.kind)
    if not found.whole or wanted.quoted:
        words = wanted.line.every | wanted.line.target | wanted.line.around
        for name in found.frequent.fitting(wanted.prefix, words):
            if len(pool) >= _MOST:
                break
            if name not in reserved:
                pool.get(name, "index")
    fitting = pool.fitting(wanted.prefix)
    if found.told.whole and found.told.members and not wanted.quoted:
        fitting = [each for each in fitting if each.own or each.receiver_here or each.name in _OF_ANY]
    called = tokens.called()
    line = wanted.line
    nearby = _nearby(wanted, member=True)
    for each in fitting:
        name = each.name
        each.here = everywhere.get(name, 0)
        each.known = found.counts.get(name, 0)
        each.frequent = found.frequent.counts.get(name, 0)
        each.called = line.agrees(name, name in called or each.kind in CALLABLE, bool(each.here))
        each.echo = line.echo(name)
        each.repeated = name in line.members
        each.target = share(line.target, name)
        each.around = share(line.around, name)
        each.nearby = nearby.get(name, 0)
    _add_likelihood(fitting, wanted)
    return _without_begun(fitting) if wanted.prefix else fitting


def _next_folder(wanted: Wanted) -> str:
    """The next part of the name behind Java's `package`, which follows the file's folders; "" elsewhere."""
    path = wanted.doc.path
    if (
        wanted.doc.language != "java"
        or path is None
        or not wanted.doc.text.line_before(wanted.start).startswith("package ")
    ):
        return ""
    folders, written = path.parent.parts, tuple(wanted.receiver.split("."))
    for at in range(len(folders) - len(written) - 1, -1, -1):
        if folders[at : at + len(written)] == written:
            return folders[at + len(written)]
    return ""


def _without_begun(fitting: list[Evidence]) -> list[Evidence]:
    """Without names that are only the beginning of another and were seen once: the index has read the
    document while it was typed."""
    names = sorted(each.name for each in fitting)
    begun = {one for one, other in pairwise(names) if other.startswith(one)}

    def is_real(each: Evidence) -> bool:
        known = each.typed or each.own or each.guessed or each.here
        return bool(known or each.known > 1 or each.receiver_known > 1 or each.name not in begun)

    return [each for each in fitting if is_real(each)]


def python_members(wanted: Wanted) -> Mapping[str, SymbolKind]:
    """What the receiver offers when it is a module of the standard library or of a built-in type."""
    if wanted.doc.language != "python":
        return {}
    if (module := module_of(wanted.receiver, wanted.imports)) and (found := members_of_module(module)):
        return found
    return members_of_type(wanted.hints.builtin) if wanted.hints.builtin else {}


def tail_of(receiver: str) -> str:
    """The last name of a receiver, where that alone says something."""
    tail = last_name(receiver)
    return "" if tail in ("self", "cls", "this", "") else tail


def names(wanted: Wanted, found: Found, typed: Sequence[Candidate]) -> list[Evidence]:
    """What can stand where a plain name is wanted."""
    pool = _Pool()
    doc = wanted.doc
    python = doc.language == "python"
    used = wanted.live.names()
    if wanted.place is Place.IMPORT:
        line_before = wanted.doc.text.line_before(wanted.start)
        if python and _MODULE_NAMED.match(line_before):
            only = pool.get("import", "keyword", SymbolKind.KEYWORD)
            only.place, only.asked = "keyword", _MUST_FOLLOW
            return pool.fitting(wanted.prefix)
        for candidate in typed:
            pool.get(candidate.name, "jedi", candidate.kind).typed = True
        for indexed in found.workspace:
            _described(pool.of(indexed), indexed.symbol).place = "import"
        for name, kind in found.offered.items():
            pool.get(name, "files", kind).place = "import"
        source = _OF_MODULE.search(line_before)
        for name, kind in members_of_module(source[1]).items() if source is not None and python else ():
            pool.get(name, "files", kind).place = "import"
        for name in found.keywords:
            pool.get(name, "index", SymbolKind.MODULE).place = "import"
        if source is None:
            used = Counter()  # a module's name, and not one of this document's words
        elif len(pool):
            used = Counter({name: used[name] for name in used if name in pool})
    else:
        _scope(pool, wanted)
        for candidate in typed:
            if candidate.name.endswith("="):
                continue  # `keyword_arguments` has it
            each = pool.get(candidate.name, "jedi", candidate.kind)
            each.typed = True
            each.place = each.place or "module"
        for word in keywords(doc.language):
            each = pool.get(word, "keyword", SymbolKind.KEYWORD)
            each.place = "keyword"
        for name, kind in builtin_names(doc.language).items():
            each = pool.get(name, "builtin", kind)
            each.place = each.place or "builtin"
        for indexed in found.workspace:
            _unimported(pool, wanted, indexed)
    reserved = frozenset(keywords(doc.language)) if wanted.place is Place.IMPORT else frozenset()
    for name in used.keys() - reserved:
        each = pool.get(name, "document")
        each.place = each.place or "word"
    fitting = pool.fitting(wanted.prefix)
    line = wanted.line
    callee = frozenset(re.split(r"_", wanted.call.name.lower())) if wanted.call is not None else frozenset()
    nearby = _nearby(wanted, member=False)
    for each in fitting:
        name = each.name
        each.place = each.place or "module"
        each.here = used.get(name, 0)
        each.called = line.agrees(name, each.kind in CALLABLE, each.kind is SymbolKind.PARAMETER)
        each.echo = line.echo(name) if name not in line.plain else 0.0
        each.repeated = name in line.plain
        each.target = share(line.target, name)
        each.around = max(share(line.around, name), share(callee, name))
        each.nearby = nearby.get(name, 0)
    _add_likelihood(fitting, wanted)
    return _asked_for(fitting, wanted) if python and wanted.place is Place.NAME else fitting


def _asked_for(fitting: list[Evidence], wanted: Wanted) -> list[Evidence]:
    """What the syntax before the cursor asks for, raised over the rest."""
    asked = expected(wanted.doc.text.source, wanted.start)
    for each in fitting:
        if each.name in asked.words:
            each.asked = _MUST_FOLLOW
        elif asked.exception:
            each.asked = _ASKED_FOR if is_exception(each.name, each.detail) else -_ASKED_FOR
    return [each for each in fitting if each.name in asked.words] if asked.only else fitting


def keyword_arguments(
    wanted: Wanted, parameters: Iterable[Parameter], typed: Sequence[Candidate] = ()
) -> list[Evidence]:
    """The call's parameters that can still be given by name; those the type engine names where nobody else
    knows them."""
    call = wanted.call
    before = wanted.doc.text.source[max(0, wanted.start - 200) : wanted.start].rstrip()
    if call is None or wanted.doc.language != "python" or not before.endswith(("(", ",")):
        return []
    given = {argument.keyword for argument in call.arguments}
    positional = sum(1 for argument in call.arguments[: call.active] if argument.keyword is None)
    result: dict[str, Evidence] = {}
    named = [
        Parameter(n, "keyword-only", n, False) for each in typed if (n := each.name.rstrip("=")) != each.name
    ]
    for number, parameter in enumerate(list(parameters) or named):
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
            result.setdefault(parameter.name, each)  # overloads have the same ones
    found = list(result.values())
    _add_likelihood(found, wanted)
    return found


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

    def of(self, indexed: IndexedSymbol) -> Evidence:
        return self.get(indexed.symbol.name, "index", indexed.symbol.kind, indexed.symbol.signature)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._by_name)

    def fitting(self, prefix: str) -> list[Evidence]:
        every = [each for name, each in self._by_name.items() if name]  # an engine may name nothing at all
        return [each for each in every if match_quality(prefix, each.name)] if prefix else every


def _described(each: Evidence, symbol: Symbol) -> Evidence:
    each.documentation = each.documentation or symbol.doc
    return each


def _scope(pool: _Pool, wanted: Wanted) -> None:
    packages = workspace_packages(wanted.roots) if wanted.doc.language == "python" else frozenset()
    modules = {each.alias or each.name: each.module for each in wanted.imports}
    for name in wanted.visible:
        if name.name in pool:
            continue
        each = pool.get(name.name, "document", name.kind)
        each.scope_distance = name.distance
        each.place = "local" if name.distance == 0 or name.kind is SymbolKind.PARAMETER else "module"
        each.bound = min(1.0, abs(wanted.start - name.start) / 4000)
        module = modules.get(name.name)
        if module is not None:
            each.place = "import"
            each.from_workspace = module.startswith(".") or module.partition(".")[0] in packages
    for symbol in wanted.symbols:
        if symbol.name in pool and not symbol.container:
            each = pool.get(symbol.name, "document", symbol.kind, symbol.signature)
            each.documentation = each.documentation or symbol.doc


def _unimported(pool: _Pool, wanted: Wanted, indexed: IndexedSymbol) -> None:
    symbol = indexed.symbol
    if not match_quality(wanted.prefix, symbol.name):  # of what the index finds by its letters, half
        return
    if symbol.container or symbol.name in pool or not same_family(indexed.language, wanted.doc.language):
        return
    if wanted.doc.path is not None and indexed.path == wanted.doc.path:
        return
    module = ""
    if wanted.doc.language == "python":
        module = "" if symbol.name.startswith("_") else module_name(indexed.path, wanted.roots)
        if not module:
            return
    each = pool.get(symbol.name, "index", symbol.kind, symbol.signature)
    each.place = "workspace"
    each.module = module
    each.documentation = symbol.doc


_MEMBERS = re.compile(r"(?:\.|->|::)\s*([^\W\d]\w*)")
_PLAIN = re.compile(r"(?<![\w.])([^\W\d]\w*)")


def _nearby(wanted: Wanted, *, member: bool) -> Counter[str]:
    """Names of the function around, up to the cursor."""
    start, end = wanted.line.body
    body = wanted.doc.text.source[max(start, end - 6000) : end]
    return Counter((_MEMBERS if member else _PLAIN).findall(body))


def _add_likelihood(fitting: Sequence[Evidence], wanted: Wanted) -> None:
    names = [each.name for each in fitting]
    distances = wanted.live.distances()
    floor = min(0.05, max(1e-4, 5 / (1 + wanted.live.size)))
    size = wanted.live.size
    trusted = size / (size + _SMALL)
    model = wanted.following.probabilities(names) if wanted.following is not None else {}
    for each in fitting:
        each.model = model.get(each.name, 0.0)
        each.live = trusted * wanted.likely.get(each.name, 0.0)
        each.live_floor = floor
        each.distance = distances.get(each.name, 1.0)
