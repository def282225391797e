"""What an undefined Python name could be imported as: what other files import under it, the workspace's own
definitions, and the standard library."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.python_scopes import MODULE, PythonNames
from devflow.analysis.text import Edit
from devflow.analysis.undefined import is_undefined, names_bound
from devflow.server.assist.imports import import_edit, module_name
from devflow.server.assist.memory import PerSession, PerVersion
from devflow.server.assist.refactorings import names_of
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.waiting import within

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

_MOST = 5
_MOST_NAMES = 60
_INDEX_SECONDS = 1.0
_BOUND = PerVersion[frozenset[str]]("names bound")
_OF_STANDARD = PerSession[Mapping[str, str]]("public names of the standard library, and their modules")
_IMPORTABLE = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.ENUM,
        SymbolKind.FUNCTION,
        SymbolKind.CONSTANT,
        SymbolKind.VARIABLE,
        SymbolKind.TYPE,
    }
)
_STANDARD_TEXT = """
abc argparse asyncio base64 collections collections.abc contextlib copy dataclasses datetime decimal
enum fractions functools hashlib io itertools json logging operator os.path pathlib random re shutil
subprocess tempfile textwrap threading time traceback types typing unittest urllib.parse uuid
warnings weakref zoneinfo
"""
_STANDARD = tuple(_STANDARD_TEXT.split())
"""Modules whose public names are offered; small, and most of them loaded in any case."""
_PREFERRED = {"Callable": "collections.abc", "Iterable": "collections.abc", "Iterator": "collections.abc"}
_KNOWN_ALIASES = {
    "np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "tf": "tensorflow", "sns": "seaborn",
    "nn": "torch.nn", "F": "torch.nn.functional", "sa": "sqlalchemy", "ET": "xml.etree.ElementTree",
    "dt": "datetime", "mp": "multiprocessing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Importable:
    """An import that would bind a name."""

    module: str
    name: str = ""
    """"" for the module itself."""
    alias: str = ""

    @property
    def title(self) -> str:
        """How menus call it."""
        if self.name:
            return f"Import {self.name} from {self.module}"
        return f"Import {self.module}" + (f" as {self.alias}" if self.alias else "")

    @property
    def argument(self) -> str:
        """It as one string; `told` reads it back."""
        return f"{self.module} {self.name or '-'} {self.alias}".strip()

    @staticmethod
    def told(argument: str) -> Importable:
        """The import that `argument` stands for. Raises ActionRefused when it is none."""
        module, name, alias, *rest = [*argument.split(" "), "", ""]
        names = [part for part in (*module.split("."), name, alias) if part not in ("-", "")]
        if not module or not name or any(rest) or not all(part.isidentifier() for part in names):
            raise ActionRefused("That is no import.")
        return Importable(module, "" if name == "-" else name, alias)

    def edit(self, doc: Document) -> Edit:
        """The edit that adds it to the document."""
        return import_edit(doc, self.module, self.name, self.alias)


async def imports_for(
    doc: Document, at: int, code: Codebase
) -> tuple[tuple[int, int], tuple[Importable, ...]]:
    """The range of the undefined name at `at` and the imports that would bind it, likeliest first; none when
    it is defined, or nobody knows it."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    tree = doc.tree
    if doc.language != "python" or tree is None or not name.isidentifier() or hasattr(builtins, name):
        return (start, end), ()
    # Editors ask at every move of the cursor: the names of a version are collected once.
    bound = await asyncio.to_thread(code.memory.value, _BOUND, doc, lambda: names_bound(tree))
    if not is_undefined(tree, start, bound):
        return (start, end), ()
    found, _ = await _candidates(doc, name, code)
    return (start, end), found[:_MOST]


async def all_missing(doc: Document, code: Codebase) -> tuple[Edit, ...]:
    """The edits that import every undefined name of the document for which one import is clearly the
    likeliest. Raises ActionRefused when there is none."""
    names = await asyncio.to_thread(names_of, doc, code)
    if names is None:
        raise ActionRefused("This is done in Python files only.")
    modules: dict[str, list[str]] = {}
    plain: list[Importable] = []
    for name in undefined_in(names):
        best = await likeliest(doc, name, code)
        if best is None:
            continue
        if best.name:
            modules.setdefault(best.module, []).append(best.name)
        else:
            plain.append(best)
    edits = [each.edit(doc) for each in plain]
    edits += [
        import_edit(doc, module, ", ".join(sorted(wanted))) for module, wanted in sorted(modules.items())
    ]
    if not edits:
        raise ActionRefused("No undefined name is known from elsewhere.")
    return tuple(edits)


async def likeliest(doc: Document, name: str, code: Codebase) -> Importable | None:
    """The one import of an undefined name that is clearly the likeliest; None where there is none."""
    found, in_use = await _candidates(doc, name, code)
    return found[0] if found and (len(found) == 1 or in_use) else None


def undefined_in(names: PythonNames) -> list[str]:
    """Names of the file that nothing binds, in order of their letters; none where a star import may."""
    if names.has_star():
        return []
    found = {
        each.name
        for each in names.occurrences
        if each.role == "read"
        and names.home(each) == MODULE
        and not names.is_bound(each.name, MODULE)
        and not hasattr(builtins, each.name)
    }
    return sorted(found)[:_MOST_NAMES]


async def _candidates(doc: Document, name: str, code: Codebase) -> tuple[tuple[Importable, ...], bool]:
    """Imports that bind `name`: as often as other files use them, then the workspace's definitions by how
    near they are, then the standard library and well-known aliases. And whether other files use the first."""
    found: dict[Importable, None] = {}
    if code.index is not None:
        for module, brought, _ in await within(code.index.imports_called(name), _INDEX_SECONDS) or ():
            if module.startswith((".", "__")) or not all(part.isidentifier() for part in module.split(".")):
                continue
            if brought in ("", name):  # an import under another name of its own is that file's affair
                found[Importable(module, brought, "" if brought or module == name else name)] = None
    in_use = bool(found)
    standard = await asyncio.to_thread(code.memory.kept, _OF_STANDARD.key(), _standard_names)
    own: dict[str, int] = {}
    for each in (await within(code.index.symbols_named(name), _INDEX_SECONDS) or ()) if code.index else ():
        if each.symbol.container or each.symbol.kind not in _IMPORTABLE or each.path == doc.path:
            continue
        module = module_name(each.path, code.roots) if each.path.suffix == ".py" else ""
        if module:
            own[module] = _distance(doc, each.path.parts)
    for module in sorted(own, key=lambda module: (own[module], module.count("."), module)):
        found.setdefault(Importable(module, name))
    if name in standard:
        found.setdefault(Importable(standard[name], name))
    if name in sys.stdlib_module_names and not name.startswith("_"):
        found.setdefault(Importable(name))
    if name in _KNOWN_ALIASES:
        found.setdefault(Importable(_KNOWN_ALIASES[name], "", name))
    here = module_name(doc.path, code.roots) if doc.path is not None else ""
    kept = tuple(each for each in found if each.module != here)
    return kept, in_use and next(iter(found)) in kept[:1]


def _standard_names() -> Mapping[str, str]:
    """Public names of the standard library, with the module to import them from."""
    names: dict[str, str] = {}
    for module in _STANDARD:
        for name in getattr(importlib.import_module(module), "__all__", ()):
            names.setdefault(name, module)
    return {**names, **_PREFERRED}


def _distance(doc: Document, parts: tuple[str, ...]) -> int:
    """Folders between the document and another file."""
    own = doc.path.parts if doc.path is not None else ()
    shared = 0
    for mine, theirs in zip(own, parts, strict=False):
        if mine != theirs:
            break
        shared += 1
    return len(own) + len(parts) - 2 * shared
