"""`analysis.python_resolver` for one session: what Python's text alone tells, with today's texts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, Symbol, SymbolKind
from devflow.analysis.python_resolver import PythonResolver, Target
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.tokens import subtokens
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import Found, located, within_roots
from devflow.server.assist.memory import PerSession
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
    return (await placed(*told[0], doc, code), told[0][0].sure) if told else None


async def static_callables(doc: Document, at: int, code: Codebase) -> list[Symbol]:
    """The functions a call of the name at `at` runs, overloads one by one; [] where it is not certain."""
    told = _told(doc, code, lambda names, path, tree: names.callables_at(path, tree, at))
    return [symbol for _, symbol in await within(told, SECONDS) or ()]


async def static_type(doc: Document, at: int, code: Codebase) -> Found | None:
    """The class of what the name at `at` holds, as far as the text tells."""
    told = await _told(doc, code, lambda names, path, tree: [names.type_at(path, tree, at)])
    return await placed(*told[0], doc, code) if told else None


async def static_dotted(doc: Document, at: int, parts: Sequence[str], code: Codebase) -> Found | None:
    """What `a.b.c`, written in prose at `at`, stands for."""
    asked = _told(doc, code, lambda names, path, tree: [names.dotted(path, tree, at, parts)])
    told = await within(asked, SECONDS)
    return await placed(*told[0], doc, code) if told else None


async def public_names(doc: Document, module: str, code: Codebase) -> dict[str, SymbolKind]:
    """What `module`, as an import in `doc` names it, offers; {} when it cannot be found."""

    def look() -> dict[str, SymbolKind]:
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
