"""Hints inside the code: which parameter an argument fills where the argument does not say it, and of which
class a variable is. Only what is certain: a hint that is wrong is read as code."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.hint_sites import Assigned, Called, hint_sites
from devflow.analysis.python_resolver import PythonResolver, Target
from devflow.analysis.symbols import FUNCTIONS
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.static_names import names_of, symbol_of
from devflow.server.assist.waiting import due

if TYPE_CHECKING:
    from devflow.server.assist.base import Codebase

SECONDS = 0.15
"""What is not known by then has no hint."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Text to be shown at `at`; `kind` is `parameter` (before an argument) or `type` (behind a name)."""

    at: int
    label: str
    kind: str


async def inlay_hints(doc: Document, start: int, end: int, code: Codebase) -> list[Hint]:
    """The hints of `start:end`, in the order of the text."""
    tree = doc.tree
    if tree is None:
        return []
    return await asyncio.to_thread(
        lambda: sorted(_hints(doc, tree, start, end, code), key=lambda hint: hint.at)
    )


def _hints(doc: Document, tree: SyntaxTree, start: int, end: int, code: Codebase) -> Iterator[Hint]:
    until = due(SECONDS)
    names = names_of(code) if doc.language == "python" and doc.path is not None else None
    here: dict[str, list[Symbol]] = {}
    for symbol in symbols_of(doc, code.memory):
        if symbol.kind in FUNCTIONS:
            here.setdefault(symbol.name, []).append(symbol)
    for site in hint_sites(tree, start, end):
        if time.monotonic() > until:
            return
        if isinstance(site, Called):
            yield from _of_call(doc, tree, site, names, here)
        elif names is not None and doc.path is not None:
            yield from _of_assignment(tree, site, names, doc.path)


def _of_call(
    doc: Document,
    tree: SyntaxTree,
    call: Called,
    names: PythonResolver | None,
    here: dict[str, list[Symbol]],
) -> Iterator[Hint]:
    if call.receiver.rpartition(".")[2][:1].isupper():
        return  # `Class.method(value)`: the first argument may be `self`
    symbol = _callee(doc, tree, call, names, here)
    wanted = parameters_of(symbol.signature, symbol.name) if symbol is not None else None
    for (at, argument), parameter in zip(call.arguments, wanted or (), strict=False):
        if parameter.kind != "positional-or-keyword":
            return
        if _tells(parameter.name, argument):
            yield Hint(at, f"{parameter.name}=" if names else f"{parameter.name}:", "parameter")


def _callee(
    doc: Document,
    tree: SyntaxTree,
    call: Called,
    names: PythonResolver | None,
    here: dict[str, list[Symbol]],
) -> Symbol | None:
    if names is None or doc.path is None:
        found = here.get(call.name, [])
        return found[0] if len(found) == 1 else None
    target = names.at(doc.path, tree, call.at)
    binding = target.binding if target is not None else None
    if target is None or binding is None or not (target.sure and target.alone):
        return None
    if binding.kind == "class":
        made = binding.members.get("__init__", [])
        if len(made) != 1:
            return None
        target = Target(target.path, made[0], (*target.owner, binding.name))
    elif binding.kind != "function" or binding.decorators:
        return None
    return symbol_of(names, target)


def _tells(parameter: str, argument: str) -> bool:
    """Whether the parameter's name adds to what the argument says."""
    plain = parameter.lstrip("_*&").replace("_", "").lower()
    if len(plain) < 2 or parameter.startswith("_") or len(argument) > 60 or "\n" in argument:
        return False
    return plain not in re.sub(r"[^\w]|_", "", argument).lower()


def _of_assignment(tree: SyntaxTree, site: Assigned, names: PythonResolver, path: Path) -> Iterator[Hint]:
    target = names.type_at(path, tree, site.start)
    if target is None or target.binding is None or target.binding.kind != "class":
        return
    name = target.binding.name
    if target.sure and target.alone and name != site.name and name not in re.findall(r"\w+", site.value):
        yield Hint(site.start + len(site.name), f": {name}", "type")
