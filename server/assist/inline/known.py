"""Whether names are real: what the document, the files it imports, the type engine, the index and the
workspace's own words say of each, the certain ones first."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE
from devflow.analysis.scope import visible_names
from devflow.analysis.text import Edit, Text
from devflow.analysis.undefined import names_bound
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.around import tokens_around
from devflow.server.assist.inline.brackets import open_in
from devflow.server.assist.inline.modules import Missing, missing_modules
from devflow.server.assist.inline.names import Name, Role
from devflow.server.assist.keywords import builtin_names
from devflow.server.assist.offered import names_offered
from devflow.server.assist.outline import recent_imports
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.static_names import names_of, symbol_of
from devflow.server.assist.stdlib import members_of_module, members_of_type
from devflow.server.assist.waiting import allowed

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

_ENOUGH_WORDS = 1_000
"""From this many words on, one that is none of them is taken for invented where nobody can judge it."""
_IMPLICIT = frozenset({"super", "__class__", "__name__", "__file__", "__doc__", "_", "__all__"})
_SELVES = frozenset({"self", "cls"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a name is there: True, False, or None where nobody can say. `others`: what could stand in
    its place, when it is not."""

    exists: bool | None
    others: frozenset[str] = frozenset()


UNSURE = Verdict(None)
THERE = Verdict(True)


@dataclass(frozen=True, slots=True)
class Asked:
    """The document with the suggestion in it."""

    doc: Document
    start: int
    stop: int
    """Where the suggestion ends."""
    names: Sequence[Name]
    code: Codebase
    seen: Mapping[str, bool] = field(default_factory=dict)
    """Which of the names occur elsewhere in the document or the workspace."""
    words: int = 0
    """How many different words those hold."""
    as_it_is: bool = False
    """Whether plain names must be bound in the document as it is: no import will be added for them."""


async def verdicts(asked: Asked, seconds: float) -> list[Verdict]:
    """What is known of each name within `seconds`."""
    texts = await asyncio.to_thread(_by_text, asked)
    open_ = [n for n, verdict in enumerate(texts) if verdict.exists is None]
    python = asked.code.python
    if asked.doc.language == "python" and python is not None and open_:
        tasks = {n: asyncio.ensure_future(_by_engine(asked, asked.names[n])) for n in open_[:8]}
        try:
            await asyncio.wait(tasks.values(), timeout=allowed(seconds))
            for n, task in tasks.items():
                if task.done() and not task.cancelled() and task.exception() is None:
                    texts[n] = _joined(texts[n], task.result())
        finally:
            for task in tasks.values():
                task.cancel()
    return [_last_word(verdict, name, asked) for verdict, name in zip(texts, asked.names, strict=True)]


def seen_elsewhere(doc: Document, names: Iterable[str], code: Codebase) -> tuple[dict[str, bool], int]:
    """Which of `names` are words of `doc`, the document without the suggestion, or of the workspace; and how
    many words those have."""
    around = tokens_around(doc, 0, code)
    usage = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
    words = usage.vocabulary if usage is not None else None
    seen = {
        name: around.knows(name) or (words is not None and words.number(name) is not None) for name in names
    }
    return seen, len(around.words) + (len(words) if words is not None else 0)


def _joined(before: Verdict, engine: Verdict) -> Verdict:
    if engine.exists is None:
        return Verdict(None, before.others | engine.others)
    return engine


def _last_word(verdict: Verdict, name: Name, asked: Asked) -> Verdict:
    """Where nobody could say: a name that occurs nowhere else is taken for invented."""
    if verdict.exists is not None:
        return verdict
    if (
        asked.words < _ENOUGH_WORDS
        or asked.seen.get(name.text)
        or (name.role is not Role.PLAIN and name.text in _library_words())
    ):
        return verdict
    return Verdict(False, verdict.others)


def _by_text(asked: Asked) -> list[Verdict]:
    """What the texts of the document and of the files behind its imports say. For a thread."""
    tree = asked.doc.tree
    if asked.doc.language != "python" or tree is None:
        return [_by_words(name, asked) for name in asked.names]
    imports = [name for name in asked.names if name.role is Role.IMPORT]
    missing = (
        missing_modules(asked.doc, imports[0].start, imports[-1].end, asked.code, asked.seen)
        if imports
        else []
    )
    return [_python(name, asked, tree, missing) for name in asked.names]


def _by_words(name: Name, asked: Asked) -> Verdict:
    if name.role is Role.PLAIN and name.text in builtin_names(asked.doc.language):
        return THERE
    return THERE if asked.seen.get(name.text) else UNSURE


def _python(name: Name, asked: Asked, tree: SyntaxTree, missing: Sequence[Missing]) -> Verdict:
    match name.role:
        case Role.PLAIN:
            return _plain(name, asked, tree)
        case Role.ATTRIBUTE:
            return _attribute(name, asked, tree)
        case Role.KEYWORD:
            return _keyword(name, asked, tree)
        case Role.IMPORT:
            return _import(name, asked, tree, missing)


def _plain(name: Name, asked: Asked, tree: SyntaxTree) -> Verdict:
    if name.text in _IMPLICIT or (name.text.startswith("__") and name.text.endswith("__")):
        return THERE
    visible = {each.name: each.start for each in visible_names(tree, name.start)}
    if name.text in visible and _is_own_value(name, visible[name.text], tree):
        return Verdict(False, frozenset(visible) - {name.text})
    if name.text in visible or name.text in builtin_names("python"):
        return THERE
    if tree.has_error() and (asked.seen.get(name.text) or name.text in _SELVES):
        return UNSURE  # a broken tree hides names
    path = asked.doc.path
    if path is not None and names_of(asked.code).at(path, tree, name.start) is not None:
        return THERE  # by a star import
    if asked.seen.get(name.text) and name.text not in names_bound(tree):
        if asked.as_it_is and not _is_read_besides(asked, name, tree):
            return Verdict(False, frozenset(visible))
        return UNSURE  # the document uses it too and binds it nowhere: it is from somewhere else
    if name.text in names_bound(tree) and _is_bound(name, tree):
        return THERE  # deep within a statement of the file itself, where `visible_names` does not look
    return Verdict(False, frozenset(visible))


def _is_own_value(name: Name, bound_at: int, tree: SyntaxTree) -> bool:
    """Whether the plain name is read in the assignment that binds it first: `node = node.parent`."""
    between = tree.text.source[bound_at + len(name.text) : name.start]
    if "\n" in between or not _ASSIGNED.match(between):
        return False
    names = python_names(tree)
    used = names.at(name.start)
    if used is None or names.scopes[used.scope].kind == "class" or names.has_star():
        return False
    first = names.first_binding(name.text, names.home(used))
    here = first is not None and names.home(used) == used.scope and first.start == bound_at
    return here and not (used.scope == MODULE and name.text in builtin_names("python"))


_ASSIGNED = re.compile(r"[ \t]*(?::[^=]*)?=(?!=)")


def _is_read_besides(asked: Asked, name: Name, tree: SyntaxTree) -> bool:
    """Whether the document uses the plain name elsewhere than in the suggestion."""
    end = max(each.end for each in asked.names)
    same = (each.start for each in python_names(tree).occurrences if each.name == name.text)
    return any(not asked.start <= start < end for start in same)


def _is_bound(name: Name, tree: SyntaxTree) -> bool:
    """Whether something before it, or around its function, binds the plain name."""
    names = python_names(tree)
    used = names.at(name.start)
    if used is None:
        return False
    home = names.home(used)
    first = names.first_binding(name.text, home)
    return first is not None and (home != used.scope or first.start < name.start)


def _attribute(name: Name, asked: Asked, tree: SyntaxTree) -> Verdict:
    path = asked.doc.path
    if name.receiver and _is_used(asked, f"{name.receiver}.{name.text}"):
        return THERE
    if path is None:
        return UNSURE
    names = names_of(asked.code)
    if names.at(path, tree, name.start) is not None:
        return THERE
    for each in recent_imports(asked.doc, asked.code.memory):
        if name.receiver and name.receiver == (each.alias or each.name or each.module):
            module = f"{each.module}.{each.name}" if each.name else each.module
            told = _standard_module(module)
            if told is not None:
                return THERE if name.text in told else Verdict(False, told)
            if name.text in members_of_module(module):
                return THERE
    offered, complete = names.offered_at(path, tree, name.start)
    if name.text in offered:
        return THERE
    if complete and offered:
        return Verdict(False, offered)
    if _is_literal(asked.doc.text.source, name.start):
        known = members_of_type("str")
        return THERE if name.text in known else Verdict(False, frozenset(known))
    return Verdict(None, offered)


def _keyword(name: Name, asked: Asked, tree: SyntaxTree) -> Verdict:
    path = asked.doc.path
    if path is None or name.callee < 0:
        return UNSURE
    names = names_of(asked.code)
    targets = names.callables_at(path, tree, name.callee)
    if not targets:
        found = names.at(path, tree, name.callee)
        if found is not None and found.binding is not None and found.binding.kind == "class":
            offered, _ = names.offered(found)
            return THERE if name.text in offered else UNSURE
        return UNSURE
    told: set[str] = set()
    for target in targets:
        symbol = symbol_of(names, target)
        parameters = parameters_of(symbol.signature, symbol.name)
        many = parameters is None or any(each.kind == "var-keyword" for each in parameters)
        if parameters is None or many or open_in(symbol.signature):
            return THERE if asked.seen.get(name.text) else UNSURE
        told |= {each.name for each in parameters if each.kind != "positional-only"}
    return THERE if name.text in told else Verdict(False, frozenset(told))


def _import(name: Name, asked: Asked, tree: SyntaxTree, missing: Sequence[Missing]) -> Verdict:
    path = asked.doc.path
    if path is None:
        return UNSURE
    for each in missing:
        if each.start <= name.start < each.end:
            return Verdict(False, each.others)
    names = names_of(asked.code)
    source = asked.doc.text.source
    line = source[source.rfind("\n", 0, name.start) + 1 : name.start]
    parts = line.split()
    is_module = name.text in sys.stdlib_module_names and "import" not in parts[1:]
    if names.at(path, tree, name.start) is not None or is_module:
        return THERE
    if line.endswith(".") and parts[-1].partition(".")[0] in sys.stdlib_module_names:
        return UNSURE if f"{parts[-1]}{name.text}" in sys.modules else Verdict(False)
    if parts[:1] == ["from"] and len(parts) >= 3 and "import" in parts:
        told = _standard_module(parts[1])
        if told is not None:
            return THERE if name.text in told else Verdict(False, told)
        if name.text in members_of_module(parts[1]):
            return THERE
        module = names.module(parts[1], path)
        if module is None:
            return Verdict(False) if parts[1].startswith(".") else UNSURE
        return Verdict(False, frozenset(names.public_names(module)))
    return UNSURE


async def _by_engine(asked: Asked, name: Name) -> Verdict:
    """What the type engine offers in the name's place."""
    python = asked.code.python
    assert python is not None
    source, path = asked.doc.text.source, asked.doc.path
    if name.role is Role.KEYWORD:
        told = await python.signatures(path, source[: name.start] + source[name.end :], name.start)
        open_ended = any(
            p.kind == "var-keyword" or p.label.lstrip().startswith(("**", "..."))
            for each in told
            for p in each.parameters
        )
        if not told or open_ended or any("**" in each.label or "..." in each.label for each in told):
            return UNSURE
        known = frozenset(p.name for each in told for p in each.parameters)
        return THERE if name.text in known else Verdict(False, known)
    if name.role is Role.PLAIN:
        return UNSURE
    # At the cursor the list of completions asks the same, of the document without the suggestion.
    listed = (
        names_offered(asked.doc, name.start, asked.stop, asked.code) if name.start <= asked.start else None
    )
    found = await asyncio.shield(listed) if listed is not None else []
    alone = "\n" not in source[name.end : asked.stop]  # else a later line of it may define the name
    if listed is None or not (alone or any(each.name == name.text for each in found)):
        found = await python.complete(path, source[: name.start] + source[name.end :], name.start)
    names = frozenset(each.name.rstrip("=") for each in found)
    if name.text in names:
        return THERE
    if "__getattr__" in names or all(other.startswith("__") for other in names):
        return UNSURE  # made when it is asked for; or what every object has: nothing is known of this one
    # jedi's lists may lack what it could not infer: its silence about a word in use proves nothing.
    if not asked.code.types_are_fast and asked.seen.get(name.text):
        return Verdict(None, names)
    return Verdict(False, names)


def _is_used(asked: Asked, dotted: str) -> bool:
    """Whether `dotted` stands in the document outside the suggestion."""
    source = asked.doc.text.source
    last = max((name.end for name in asked.names), default=asked.start)
    whole = re.compile(rf"(?<![\w.]){re.escape(dotted)}(?!\w)")
    first = asked.names[0].start if asked.names else asked.start
    return (
        whole.search(source, 0, min(first, asked.start)) is not None or whole.search(source, last) is not None
    )


@lru_cache(64)
def _standard_module(module: str) -> frozenset[str] | None:
    """All that a module of the standard library offers; None where only reading it could tell, which does
    not see its star imports."""
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    loaded = sys.modules.get(module)
    if loaded is None or hasattr(loaded, "__getattr__"):
        return None
    return frozenset(vars(loaded)) | frozenset(members_of_module(module))


def _is_literal(source: str, start: int) -> bool:
    return source[max(0, start - 2) : start] in ('".', "'.")


@cache
def _library_words() -> frozenset[str]:
    """The members of built-in types: what may stand behind any dot."""
    types = (
        "str",
        "bytes",
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "int",
        "float",
        "BaseException",
        "type",
    )
    return frozenset(name for each in types for name in members_of_type(each))


def with_suggestion(doc: Document, at: int, text: str, end: int | None = None) -> Document:
    """The document with `text` at `at` (in place of `at:end`)."""
    edit = Edit(at, at if end is None else end, text)
    new: Text = doc.text.replaced([edit])
    tree = doc.tree.edited([edit], new) if doc.tree is not None else None
    return Document(doc.uri, doc.path, doc.language, -1, new, tree)
