"""`analysis.python_resolver` for one session: what Python's text alone tells, with today's texts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from devflow.analysis.calls import CallSite
from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Symbol, SymbolKind
from devflow.analysis.pytest_fixtures import asks_by_name
from devflow.analysis.python_resolver import PythonResolver, Target
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.tokens import subtokens
from devflow.analysis.types.base import Parameter
from devflow.server.assist import certain_names
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import Found, located, within_roots
from devflow.server.assist.memory import PerSession
from devflow.server.assist.other_files import tree_of
from devflow.server.assist.project import names_in
from devflow.server.assist.waiting import due, within

SECONDS = 0.03
"""A file that is read for the first time may take longer than this; the next question finds it read."""
SEARCH_SECONDS = 0.012
_RESOLVER = PerSession[PythonResolver]("reader of Python files")


def names_of(code: Codebase) -> PythonResolver:
    """The session's reader of Python files."""
    return code.memory.kept(_RESOLVER.key(code.roots), lambda: PythonResolver(code.roots))


def released(path: Path, code: Codebase) -> None:
    """The document `path` is closed."""
    kept = code.memory.last(_RESOLVER.key(code.roots))
    if kept is not None:
        kept.released(path)


async def static_name(doc: Document, at: int, code: Codebase) -> tuple[Found, bool] | None:
    """What the name at `at` stands for and whether that is certain; None when the text does not tell."""
    told = await _told(doc, code, lambda names, path, tree: [names.at(path, tree, at)])
    if told:
        return await placed(*told[0], doc, code), told[0][0].sure
    found = await named_by_scopes(doc, at, code)
    return (found, True) if found is not None else None


async def named_by_scopes(doc: Document, at: int, code: Codebase) -> Found | None:
    """What a keyword argument, a key, or a name in a string (`__slots__`, `namedtuple`) stands for."""
    start = doc.text.word_at(at)[0]
    if asks_by_name(doc.text.line_before(start)) and (fixture := await _fixture(doc, at, code)) is not None:
        return fixture
    if (
        doc.tree is None
        or doc.language != "python"
        or not await asyncio.to_thread(_is_by_scopes, doc, start, code)
    ):
        return None
    place = await certain_names.made(doc, start, code)
    if place is None or not within_roots(place.path, code.roots):
        return None
    tree = doc.tree if place.path == doc.path else await tree_of(place.path, code)
    if tree is None:
        return None

    def look(names: PythonResolver, path: Path, own: SyntaxTree) -> list[Target | None]:
        return [names.at(place.path, tree, place.start)]

    if told := await _told(doc, code, look):
        return await placed(*told[0], doc, code)
    line = tree.text.line(tree.text.line_at(place.start)).strip()
    name = tree.text.source[place.start : place.end]
    symbol = Symbol(name, SymbolKind.FIELD, place.start, place.end, place.start, place.end, "", line)
    return Found(symbol, place, 100, "document" if place.path == doc.path else "files")


async def _fixture(doc: Document, at: int, code: Codebase) -> Found | None:
    """The fixture of pytest that the string at `at` names."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    told = await _told(doc, code, lambda names, path, tree: [names.fixture(path, tree, at, name)])
    return await placed(*told[0], doc, code) if told else None


def _is_by_scopes(doc: Document, start: int, code: Codebase) -> bool:
    names = names_in(doc, code)
    here = names.at(start)
    if here is not None:
        return here.how in ("slot", "field", "named", "parametrized")
    keywords, keys = names.keywords, names.keys
    return any(each.start == start for each in keywords) or any(each.start == start for each in keys)


async def static_callables(doc: Document, at: int, code: Codebase) -> list[Symbol]:
    """The functions a call of the name at `at` runs, overloads one by one; [] where it is not certain."""
    told = _told(doc, code, lambda names, path, tree: names.callables_at(path, tree, at))
    return [symbol for _, symbol in await within(told, SECONDS) or ()]


async def static_keywords(doc: Document, call: CallSite, code: Codebase) -> list[Parameter]:
    """The fields that keyword arguments of `call` set: of `replace(value, …)`, a data class's constructor."""
    tree, path = doc.tree, doc.path
    if tree is None or path is None or call.name_start < 0:
        return []
    asked = asyncio.to_thread(lambda: names_of(code).keywords_of(path, tree, call))
    return await within(asked, SECONDS) or []


def keys_of(doc: Document, at: int, text: str, code: Codebase) -> list[str]:
    """The keys of the TypedDict that the expression `text` at `at` is, or is a value of. For a thread."""
    tree, path = doc.tree, doc.path
    return names_of(code).keys_of(path, tree, at, text) if tree is not None and path is not None else []


async def members_of(
    doc: Document, at: int, text: str, code: Codebase
) -> tuple[dict[str, tuple[SymbolKind, int]], bool]:
    """What the expression `text` offers behind a dot at `at`, with the steps up to the base that has it, and
    whether that is certain."""
    tree, path = doc.tree, doc.path
    if tree is None or path is None:
        return {}, False
    return await asyncio.to_thread(lambda: names_of(code).members_of(path, tree, at, text))


def fixture_names(doc: Document, at: int, code: Codebase) -> list[str]:
    """The fixtures of pytest that a test at `at` can ask for. For a thread."""
    tree, path = doc.tree, doc.path
    return names_of(code).fixture_names(path, tree, at) if tree is not None and path is not None else []


async def static_type(doc: Document, at: int, code: Codebase) -> Found | None:
    """The class of what the name at `at` holds, as far as the text tells."""
    told = await _told(doc, code, lambda names, path, tree: [names.type_at(path, tree, at)])
    return await placed(*told[0], doc, code) if told else None


async def static_dotted(doc: Document, at: int, parts: Sequence[str], code: Codebase) -> Found | None:
    """What `a.b.c`, written in prose at `at`, stands for."""
    asked = _told(doc, code, lambda names, path, tree: [names.dotted(path, tree, at, parts)])
    told = await within(asked, SECONDS)
    return await placed(*told[0], doc, code) if told else None


async def public_names(doc: Document, module: str, code: Codebase) -> Mapping[str, SymbolKind]:
    """What `module`, as an import in `doc` names it, offers; {} when it cannot be found."""

    def look() -> Mapping[str, SymbolKind]:
        names = names_of(code)
        path = names.module(module, doc.path)
        return names.public_names(path) if path is not None else {}

    return await asyncio.to_thread(look)


def library_modules(module: str, code: Codebase) -> set[str]:
    """Modules directly under the absolute `module`, "" for all. Lists folders: not for the event loop."""
    return names_of(code).modules_in(module)


async def warm(doc: Document, code: Codebase) -> None:
    """Read what the document's imports name."""
    tree, path = doc.tree, doc.path
    if tree is not None and path is not None and doc.language == "python":
        await asyncio.to_thread(lambda: names_of(code).warm(path, tree))


async def members_of_namesakes(doc: Document, receiver: str, name: str, code: Codebase) -> list[Found]:
    """Members called `name` of the classes that a receiver is named after: `request.files` where there
    is a class `Request`."""
    words = subtokens(re.split(r"\W+", receiver)[-1]) if receiver else []
    if not words or doc.path is None or doc.language != "python":
        return []
    wanted = "".join(word.capitalize() for word in words)
    holders: list[tuple[Path, list[str]]] = [(doc.path, [wanted])]
    if code.index is not None:
        named = await within(code.index.symbols_named(wanted, 5), SECONDS) or []
        holders += [
            (each.path, each.symbol.qualified_name.split(".")) for each in named if each.language == "python"
        ]

    def members(names: PythonResolver, path: Path, tree: SyntaxTree) -> Iterable[Target | None]:
        return _once(names.attribute_of(file, classes, name) for file, classes in holders)

    found = await within(_told(doc, code, members), SECONDS)
    return [await placed(target, symbol, doc, code) for target, symbol in found or ()]


async def library_members(doc: Document, name: str, code: Codebase) -> list[Found]:
    """Members called `name` of the classes that a Python document's imports reach outside the workspace, and
    of the built-in types."""

    def members(names: PythonResolver, path: Path, tree: SyntaxTree) -> Iterable[Target | None]:
        reached = _once(names.members_named(path, tree, name, due(SEARCH_SECONDS)))
        return [each for each in reached if not within_roots(each.path, code.roots)]

    found = await within(_told(doc, code, members), SECONDS)
    return [await placed(target, symbol, doc, code) for target, symbol in found or ()]


async def _told(
    doc: Document,
    code: Codebase,
    look: Callable[[PythonResolver, Path, SyntaxTree], Iterable[Target | None]],
) -> list[tuple[Target, Symbol]]:
    """What `look`, in a thread, makes of a Python document, with its symbols; [] of any other document."""
    tree, path = doc.tree, doc.path
    if tree is None or path is None or doc.language != "python":
        return []

    def work() -> list[tuple[Target, Symbol]]:
        names = names_of(code)
        return [(each, symbol_of(names, each)) for each in look(names, path, tree) if each is not None]

    return await asyncio.to_thread(work)


def _once(targets: Iterable[Target | None]) -> list[Target]:
    """Those that are bound somewhere, each place once."""
    found: dict[tuple[Path, int], Target] = {}
    for each in targets:
        if each is not None and each.binding is not None:
            found.setdefault((each.path, each.binding.name_start), each)
    return list(found.values())


def symbol_of(names: PythonResolver, target: Target) -> Symbol:
    """The target as a symbol; a module has its name and docstring."""
    symbol = names.symbol(target)
    if symbol is not None:
        return symbol
    path = target.path
    name = path.parent.name if path.stem == "__init__" else path.stem
    table = names.table(path) if path.suffix else None
    text = table.text.source[:8_000] if table is not None else ""
    opening = re.match(r"(?:\s|#[^\n]*\n)*[rRuU]?(\"\"\"|''')(.*?)\1", text, re.DOTALL)
    doc = opening[2].strip() if opening else ""
    return Symbol(name, SymbolKind.MODULE, 0, 0, 0, 0, "", f"module {name}", doc)


async def placed(target: Target, symbol: Symbol, doc: Document, code: Codebase) -> Found:
    """The target where its name stands now: an open file may differ from the one on disk."""
    here = target.path == doc.path
    place = Location(target.path, symbol.name_start, symbol.name_end)
    if not here and target.binding is not None:
        place = await located(target.path, symbol, code)
    return Found(symbol, place, 100 if target.sure else 50, "document" if here else "files")
