"""What JavaScript and TypeScript modules give under a name, over those that hand it on."""

from __future__ import annotations

from devflow.analysis.facts import SymbolKind
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.modules import Modules
from devflow.retrieval.graph.stored import File, Stored

_DEEPEST = 8


def taken(
    stored: Stored, modules: Modules, file: File, module: str, name: str, alias: str, depth: int = 0
) -> list[Definition]:
    """What a file that imports `name` of `module` gets; [] when it is not of the workspace. `alias` is what
    it calls a default."""
    target = modules.script(file.root, file.relative, module)
    return exported(stored, modules, stored.file(*target), name, alias, depth) if target else []


def exported(
    stored: Stored, modules: Modules, other: File, name: str, alias: str, depth: int = 0
) -> list[Definition]:
    """What a module gives under `name`."""
    own = other.named("", alias if name == "default" else name)
    if own:
        types = [each for each in own if each.kind in (SymbolKind.INTERFACE, SymbolKind.TYPE)]
        values = [each for each in own if each not in types]
        return values[-1:] + types[-1:]  # a type and a value may share a name
    for made in other.imports:  # handed on: `export { a } from "./b"`
        if depth < _DEEPEST and (made.alias == name or made.name == "*"):
            inner = name if made.name == "*" else made.name
            if found := taken(stored, modules, other, made.module, inner, alias, depth + 1):
                return found
    if name == "default":
        public = [
            each
            for each in other.definitions
            if not each.container and each.kind in FUNCTION_LIKE | CLASS_LIKE
        ]
        return public[:1] if len(public) == 1 else []
    return []


def namespace(stored: Stored, modules: Modules, file: File, name: str, depth: int = 0) -> File | None:
    """The module that a name stands for: `import * as name`, also where others hand it on
    (`export * as name`)."""
    if depth > _DEEPEST:
        return None
    barrels = [made for made in file.imports if made.name == "*"] if depth else []
    for made in (*(made for made, _ in file.imported_as(name)), *barrels):
        target = modules.script(file.root, file.relative, made.module)
        if target is None:
            continue
        other = stored.file(*target)
        if made.name == "" or (made.name == "*" and made.alias == name):
            return other
        passed = name if made.name == "*" else made.name
        if (inner := namespace(stored, modules, other, passed, depth + 1)) is not None:
            return inner
    return None
