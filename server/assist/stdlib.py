"""What Python's own types and modules offer, told without a type engine.

Types are asked of this interpreter, modules are read as source: nothing is imported that is not there
already, and nothing of a workspace is looked at.
"""

from __future__ import annotations

import builtins
import re
import sys
import sysconfig
from functools import cache, lru_cache
from pathlib import Path

from devflow.analysis.facts import SymbolKind

_DEFINED = re.compile(
    r"^(?:(?P<def>(?:async )?def|class) (?P<name>\w+)|(?P<value>[A-Za-z_]\w*)(?:\s*:[^=\n]+)?\s*=(?!=)"
    r"|from [\w.]+ import (?P<names>\([^)]*\)|[^\n#(]+)|[ \t]*import [\w.]+ as (?P<module>\w+))",
    re.MULTILINE,
)
_LARGEST = 600_000


@cache
def members_of_type(name: str) -> dict[str, SymbolKind]:
    """The members of a built-in type, `{}` when there is none of this name."""
    found = getattr(builtins, name, None)
    if not isinstance(found, type):
        return {}
    return {
        each: SymbolKind.METHOD if callable(getattr(found, each, None)) else SymbolKind.PROPERTY
        for each in dir(found)
    }


@lru_cache(200)
def members_of_module(module: str) -> dict[str, SymbolKind]:
    """The names a module of the standard library defines or imports at its top level."""
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names:
        return {}
    if module in sys.builtin_module_names and module in sys.modules:
        return {name: _kind(value) for name, value in vars(sys.modules[module]).items()}
    if module == "os.path":
        module = "posixpath"
    base = Path(sysconfig.get_paths()["stdlib"], *module.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        try:
            if file.stat().st_size > _LARGEST:
                continue
            source = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = _top_level(source)
        if base.is_dir():
            found.update(
                {each.stem: SymbolKind.MODULE for each in base.glob("*.py") if not each.stem.startswith("_")}
            )
        return found
    loaded = sys.modules.get(module)
    return {name: _kind(value) for name, value in vars(loaded).items()} if loaded is not None else {}


def _top_level(source: str) -> dict[str, SymbolKind]:
    found: dict[str, SymbolKind] = {}
    for match in _DEFINED.finditer(source):
        if match["name"]:
            kind = SymbolKind.CLASS if match["def"] == "class" else SymbolKind.FUNCTION
            found.setdefault(match["name"], kind)
        elif match["value"]:
            found.setdefault(match["value"], SymbolKind.VARIABLE)
        elif match["module"]:
            found.setdefault(match["module"], SymbolKind.MODULE)
        elif match["names"]:
            for name in re.findall(r"(\w+)\s*(?:,|\)|$)", match["names"]):
                found.setdefault(name, SymbolKind.VARIABLE)
    return found


def _kind(value: object) -> SymbolKind:
    if isinstance(value, type):
        return SymbolKind.CLASS
    return SymbolKind.FUNCTION if callable(value) else SymbolKind.VARIABLE
