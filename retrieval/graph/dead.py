"""Definitions that nothing uses, with what spares the others."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.facts import SymbolKind
from devflow.analysis.regular_files import content
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition, Use
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.named import BUILT
from devflow.retrieval.graph.stored import File
from devflow.retrieval.words import words

OFFERED = 0.3
"""How sure it is that a public name of a package that others install is dead."""
_ENTRY_POINTS = frozenset(
    """main Main init setup teardown setUp tearDown setUpClass tearDownClass setUpModule tearDownModule
    handler lambda_handler application app create_app upgrade downgrade ready""".split()  # noqa: SIM905
)
_HOOKS = ("visit_", "test_", "pytest_", "do_", "handle_", "on_", "depart_", "generic_", "clean_", "validate_")
"""Beginnings of names that frameworks put together and call."""
_CANDIDATES = (
    "SELECT s.id, s.file, s.start FROM symbols s JOIN files f ON f.id = s.file "
    "WHERE s.kind IN ('function', 'method', 'class', 'property') "
    "AND f.language IN ('python', 'typescript', 'tsx', 'javascript', 'go', 'java', 'csharp', 'rust', 'ruby', "
    "'c', 'cpp') "
    "AND NOT EXISTS (SELECT 1 FROM uses u WHERE u.name = s.name AND u.file <> s.file) LIMIT ?"
)
_MOST_MATCHES = 2_000
"""Chunks with a word of the same stem that are looked at."""
_BEGUN = re.compile(r"f[\"']([A-Za-z_]{3,})\{|[\"']([A-Za-z_]{3,})[\"']\s*\+|[\"']([A-Za-z_]{3,})%s")
_ENDED = re.compile(
    r"f[\"'][^\"'\n]*\}([A-Za-z_]{3,})[\"']|\+\s*[\"']([A-Za-z_]{3,})[\"']|[\"']%s([A-Za-z_]{3,})[\"']"
)
_MARKING = re.compile(r"@(?!(?:\w+\.)?(?:dataclass|attrs|define|frozen|mutable|final|total_ordering)\b)")
"""Decorators of a class that may hand it to what calls its methods: `@implementer(IBody)`."""
_DISTRIBUTED = re.compile(r"^\s*\[(?:project|tool\.poetry|tool\.flit\.metadata|metadata)\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dead:
    """A definition nobody uses."""

    definition: Definition
    confidence: float
    """.9 for a name that is private by its form, .6 for one that code outside the roots could use, .3 for a
    public one of a package that is made to be installed: most likely others use it."""


@dataclass(frozen=True, slots=True)
class DeadCode:
    """What nobody uses, and how many unused definitions were spared for which reason."""

    dead: tuple[Dead, ...]
    spared: dict[str, int]


def dead_code(graph: Graph, most: int = 20_000) -> DeadCode:
    """Definitions whose name stands nowhere in the code of any root but in themselves.

    Spared are: entry points and hooks, decorated and annotated definitions, public members of decorated
    classes, what was built or copied from elsewhere, what overrides a member of a base or has a base nobody
    knows, classes that a framework or a container finds by their base, names that strings, documents or
    settings mention, tests, what `__all__` or an `__init__` offers.
    """
    dead: list[Dead] = []
    spared: dict[str, int] = {}
    distributed: dict[Path, bool] = {}
    for definition in _unused(graph, most):
        reason = _spared(graph, definition)
        if reason:
            spared[reason] = spared.get(reason, 0) + 1
        else:
            private = definition.name.startswith("_") or definition.signature.startswith(
                ("private ", "static ")
            )
            offered = not private and _is_offered(graph, definition, distributed)
            dead.append(Dead(definition, 0.9 if private else OFFERED if offered else 0.6))
    dead.sort(key=lambda each: (-each.confidence, each.definition.path, each.definition.start))
    return DeadCode(tuple(dead), dict(sorted(spared.items())))


def _unused(graph: Graph, most: int) -> Iterator[Definition]:
    for root in range(len(graph.stored.roots)):
        rows = graph.stored.rows(root, _CANDIDATES, (most,))
        graph.stored.load(root, [int(str(row[1])) for row in rows[:3_000]])
        for _, id_, start in rows:
            file = graph.stored.file(root, int(str(id_)))
            for each in file.definitions:
                if each.start == start and each.kind in FUNCTION_LIKE | CLASS_LIKE:
                    if not _used_elsewhere(graph, each):
                        yield each
                    break


def _used_elsewhere(graph: Graph, definition: Definition) -> bool:
    """Whether code outside the definition, in any root, uses the name."""
    return any(
        use.root != definition.root or not definition.start <= use.start < definition.end
        for use in graph.stored.uses(definition.name, 200)
    )


def _spared(graph: Graph, definition: Definition) -> str:
    name = definition.name
    if graph.stored.is_test(definition):
        return "test"
    if name.startswith("__") and name.endswith("__"):
        return "special method"
    if name in _ENTRY_POINTS or definition.kind is SymbolKind.CONSTRUCTOR:
        return "entry point"
    if name.startswith(_HOOKS):
        return "hook"
    folders = definition.path.relative_to(graph.stored.roots[definition.root]).parts[:-1]
    if not BUILT.isdisjoint(folders):
        return "built or copied from elsewhere"
    file = graph.stored.file(definition.root, definition.file)
    source = graph.stored.source(file)
    head = source[definition.start : definition.name_start]
    if "@" in head or head.lstrip().startswith(("[", "#[")) or _export(definition, head):
        return "decorated or exported"
    owner = graph.owner(definition)
    handed = owner is not None and not name.startswith("_")
    if handed and owner and _MARKING.search(source, owner.start, owner.name_start):
        return "of a decorated class"
    if graph.overridden(definition) or _has_unknown_base(graph, definition):
        return "override"
    if _is_interface(graph, definition):
        return "interface"
    if definition.kind in CLASS_LIKE and _is_found_by_its_bases(graph, definition):
        return "found by its base"
    if _put_together(name, source):
        return "name put together"
    return _mentioned(graph, definition, file)


def _put_together(name: str, source: str) -> bool:
    """Whether the file makes names that begin or end as this one does: `getattr(self, f"_set_{what}")`."""
    return any(name.startswith(part) for parts in _BEGUN.findall(source) for part in parts if part) or (
        "getattr" in source
        and any(name.endswith(part) for parts in _ENDED.findall(source) for part in parts if part)
    )


def _is_offered(graph: Graph, definition: Definition, known: dict[Path, bool]) -> bool:
    """Whether a Python definition is public, by every name on the way to it, in a package that is made to be
    installed: its folder, or one above, says how it is distributed."""
    if definition.language != "python":
        return False
    root = graph.stored.roots[definition.root]
    inside = definition.path.relative_to(root)
    named = [*inside.parts[:-1], inside.stem.removeprefix("__init__"), *definition.container.split(".")]
    if any(part.startswith("_") for part in named):
        return False
    file = graph.stored.file(definition.root, definition.file)
    container = definition.container
    if container and not all(each.kind in CLASS_LIKE for each in file.named("", container.partition(".")[0])):
        return False  # inside a function
    package = root / inside.parts[0] if len(inside.parts) > 1 else root
    for folder in definition.path.parents:
        if folder not in known:
            known[folder] = _says_how_it_is_distributed(folder, package.name)
        if known[folder]:
            return True
        if folder == root:
            break
    return False


def _says_how_it_is_distributed(folder: Path, package: str) -> bool:
    if (folder / "setup.py").is_file():
        return True
    for name in ("pyproject.toml", "setup.cfg"):
        if _DISTRIBUTED.search((content(folder / name) or b"").decode("utf-8", "replace")):
            return True
    with contextlib.suppress(OSError):
        named = package.lower() + "-"
        return any(
            each.name.lower().startswith(named) and each.suffix == ".dist-info" for each in folder.iterdir()
        )
    return False


def _export(definition: Definition, head: str) -> bool:
    if definition.language == "go":
        return definition.name[:1].isupper()
    return "export" in head.split() or "pub" in head or "public" in head.split()


def _is_interface(graph: Graph, definition: Definition) -> bool:
    owner = graph.owner(definition)
    return owner is not None and (
        owner.kind is SymbolKind.INTERFACE or "Protocol" in owner.signature or "TypedDict" in owner.signature
    )


def _is_found_by_its_bases(graph: Graph, definition: Definition) -> bool:
    """Whether something else may make the class for what it is: a framework whose class it extends (Django's
    `AppConfig`), a container for an interface that is used."""
    if definition.language == "python":
        return any(_extends_framework(graph, each) for each in (definition, *graph.bases(definition)))
    return any(
        base.kind is SymbolKind.INTERFACE
        and any(
            not _holds(definition, use) and not _holds(base, use) for use in graph.stored.uses(base.name, 200)
        )
        for base in graph.bases(definition)
    )


def _holds(definition: Definition, use: Use) -> bool:
    same = (use.root, use.file) == (definition.root, definition.file)
    return same and definition.start <= use.start < definition.end


def _extends_framework(graph: Graph, definition: Definition) -> bool:
    """Whether a Python class names a base that neither the roots nor Python's own modules define."""
    file = graph.stored.file(definition.root, definition.file)
    for base in re.findall(r"[(,]\s*([A-Za-z_]\w*)(?=[\w.]*\s*[,)\[])", definition.signature):
        for made, _ in file.imported_as(base):
            module = made.module
            if (
                not module.startswith(".")
                and module.partition(".")[0] not in sys.stdlib_module_names
                and graph.modules.python(file.root, file.relative, module) is None
            ):
                return True
    return False


def _has_unknown_base(graph: Graph, definition: Definition) -> bool:
    owner = definition if definition.kind in CLASS_LIKE else graph.owner(definition)
    if definition.kind in CLASS_LIKE or owner is None:
        return (
            definition.container != ""
            and owner is None
            and definition.kind in FUNCTION_LIKE - {SymbolKind.FUNCTION}
        )
    pending, seen = [owner], {owner}
    while pending:
        at = pending.pop()
        if at.language == "python":
            if any(base.what not in ("class",) for base in graph.python.bases(at)):
                return True
        elif (
            "extends" in at.signature or "implements" in at.signature or ":" in at.signature
        ) and not graph.bases(at):
            return True
        for base in graph.bases(at):
            if base not in seen:
                seen.add(base)
                pending.append(base)
    return False


def _mentioned(graph: Graph, definition: Definition, file: File) -> str:
    """Whether the name stands in a string, a document or a setting: the full-text table knows every word."""
    word = next(iter(words(definition.name)), "")
    if not word:
        return ""
    for root in range(len(graph.stored.roots)):
        rows = graph.stored.rows(
            root,
            "SELECT c.file, c.text, c.start FROM (SELECT rowid FROM fts WHERE fts MATCH ? LIMIT ?) m "
            "JOIN chunks c ON c.id = m.rowid WHERE instr(c.text, ?) > 0 LIMIT 50",
            (f'text : "{word}"', _MOST_MATCHES, definition.name),
        )
        for id_, text, start in rows:
            assert isinstance(text, str)
            assert isinstance(start, int)
            at = text.find(definition.name)
            while at >= 0:
                same = root == definition.root and id_ == file.id
                inside = same and definition.start <= start + at < definition.end
                whole = not _is_word(text[at - 1 : at]) and not _is_word(
                    text[at + len(definition.name) :][:1]
                )
                if whole and not inside:
                    return "mentioned in text or a string"
                at = text.find(definition.name, at + 1)
    return ""


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"
