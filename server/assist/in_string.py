"""Completions where names are strings or new: keys of a mapping, files of a path, `__all__`, fixtures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.pytest_fixtures import asks_by_name
from devflow.analysis.tokens import lex
from devflow.server.assist.base import Codebase
from devflow.server.assist.live import live
from devflow.server.assist.outline import recent_imports, recent_symbols
from devflow.server.assist.receivers import classes_of
from devflow.server.assist.static_names import fixture_names, keys_of

_OF_MAPPING = re.compile(r"([\w.]*[\w)\]])\s*(?:\[|\.(?:get|pop|setdefault|has|getItem|fetch)\()\s*\Z")
_OF_PATH = re.compile(r"\b(?:open|Path|PurePath|readFile(?:Sync)?|join|joinpath|ReadFile|File)\s*\(\s*\Z")
_OF_MODULE = re.compile(r"(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*\Z")
_OF_EXPORTS = re.compile(r"^__all__(?:\s*:[^=\n]*)?\s*\+?=\s*[\[(][^\])]*\Z", re.MULTILINE)
_OF_TYPED = re.compile(r"[\w.]+\s*:\s*([\w.]+)\s*=\s*\{(?:[^{}]*,)?\s*\Z")
_TEST_HEAD = re.compile(
    r"^((?:[ \t]*@[^\n]*\n)*)[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)\s*\(([^()]*)\Z", re.MULTILINE
)
_HEAD = 1_000
_QUOTES = "\"'`"
_KEY = r"""(?:\[|\.(?:get|pop|setdefault|has|getItem|fetch)\()\s*(["'])([^"'\\\n]{1,80})\1"""
_PAIR = re.compile(r"""(["'])([^"'\\\n]{1,80})\1\s*:""")
_LITERAL = 4_000
_MOST_ENTRIES = 2_000


@dataclass(frozen=True, slots=True)
class Inside:
    """A place inside a string that begins on the same line."""

    start: int
    """Behind the opening quote."""
    typed: str
    """From there to the cursor."""
    before: str
    """What stands before the string on its line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can stand there: `text` from `start` up to the cursor."""

    start: int
    text: str
    kind: SymbolKind


def inside(doc: Document, at: int) -> Inside | None:
    """The string that `at` is in; None where it is in none, or the string spans lines."""
    text = doc.text
    begin = text.line_start(text.line_at(at))
    line = text.source[begin:at]
    tokens = lex(line, doc.language)
    last = tokens[-1] if tokens else None
    if last is None or last.end != len(line):
        return None
    prefix = len(last.text) - len(last.text.lstrip("rRbBuUfF"))
    body = last.text[prefix:]
    if not body or body[0] not in _QUOTES or body[:3] in ('"""', "'''"):
        return None
    if len(body) > 1 and body[-1] == body[0]:
        return None  # closed before the cursor
    start = begin + last.start + prefix + 1
    return Inside(start, text.source[start:at], line[: last.start])


def entries(doc: Document, at: int, string: Inside, code: Codebase) -> list[Entry]:
    """What can stand in `string`, best first; [] where it is prose. Looks at folders: for a thread."""
    python = doc.language == "python"
    if python and _OF_EXPORTS.search(doc.text.source, max(0, string.start - _LITERAL), string.start):
        return _exported(doc, string, code)
    if python and asks_by_name(string.before):
        found = fixture_names(doc, at, code)
        return [
            Entry(string.start, name, SymbolKind.FUNCTION) for name in found if name.startswith(string.typed)
        ]
    if python and (literal := _OF_TYPED.search(string.before)) is not None:
        keys = keys_of(doc, string.start, literal[1], code)
        written = set(re.findall(r"[\"'](\w+)[\"']\s*:", string.before))
        left = [key for key in keys if key.startswith(string.typed) and key not in written]
        return [Entry(string.start, key, SymbolKind.FIELD) for key in left]
    if (mapping := _OF_MAPPING.search(string.before)) is not None:
        return [
            Entry(string.start, key, SymbolKind.FIELD)
            for key in _keys(doc, at, string, mapping[1], code)
            if key.startswith(string.typed)
        ]
    of_module = doc.language in SCRIPTS and _OF_MODULE.search(string.before) is not None
    if of_module and not string.typed.startswith("."):
        return []
    if of_module or "/" in string.typed or _OF_PATH.search(string.before):
        return _paths(doc, string, code.roots, of_module=of_module)
    return []


def fixtures_asked_for(doc: Document, at: int, code: Codebase) -> list[Entry]:
    """The fixtures that the parameter begun at `at` of a test, or of a fixture, may name. For a thread."""
    source = doc.text.source
    start = doc.text.word_at(at)[0] if doc.text.word_at(at)[1] >= at else at
    head = _TEST_HEAD.search(source, max(0, start - _HEAD), start) if doc.language == "python" else None
    if head is None or not (head[2].startswith("test") or "fixture" in head[1]):
        return []
    *given, last = head[3].split(",")
    if last.strip():
        return []
    there = {each.partition(":")[0].strip() for each in given} | {head[2]}
    found = [name for name in fixture_names(doc, at, code) if name.startswith(source[start:at])]
    return [Entry(start, name, SymbolKind.FUNCTION) for name in found if name not in there]


def _exported(doc: Document, string: Inside, code: Codebase) -> list[Entry]:
    """The names of the module for `__all__`, those that are there already left out: what is public first."""
    made = [each for each in recent_symbols(doc, code.memory) if not each.container]
    names = {each.name: each.kind for each in made}
    for brought in recent_imports(doc, code.memory):
        bound = brought.alias or brought.name
        if bound and bound != "*":
            names.setdefault(bound, SymbolKind.VARIABLE)
    listed = set(re.findall(r"[\"'](\w+)[\"']", doc.text.source[: string.start - 1].rpartition("__all__")[2]))
    left = [name for name in names if name.startswith(string.typed) and name not in listed | {"__all__"}]
    left.sort(key=lambda name: name.startswith("_"))
    return [Entry(string.start, name, names[name]) for name in left][:200]


def _keys(doc: Document, at: int, string: Inside, mapping: str, code: Codebase) -> list[str]:
    """Keys of `mapping`: those its literal or class has, those it is asked for here, those that mappings of
    its name are asked for elsewhere; then all that any mapping of the document is asked for."""
    source = doc.text.source
    name = re.split(r"\W+", mapping)[-1]
    found = Counter[str]()
    for key in _own_keys(doc, at, name, code):
        found[key] += 1_000
    if doc.language == "python":
        found |= Counter(dict.fromkeys(keys_of(doc, string.start, mapping, code), 1_000))
    elsewhere = (source[: string.start], source[at:])
    for piece in elsewhere:
        if name:
            found.update({key: 100 for _, key in re.findall(rf"\b{re.escape(name)}\s*{_KEY}", piece)})
        found.update(key for _, key in re.findall(_KEY, piece))
    for token, chance in _usual(doc, string, code):
        key = token[1:-1]
        if token[:1] in ("'", '"') and token[-1:] == token[:1] and key and "\\" not in key:
            found[key] += 1 + round(90 * chance)
    return [key for key, _ in sorted(found.items(), key=lambda each: (-each[1], each[0]))][:200]


def _own_keys(doc: Document, at: int, name: str, code: Codebase) -> Iterator[str]:
    """Keys of the literals that `name` is given, and the fields of the class it is of (a TypedDict)."""
    if not name:
        return
    source = doc.text.source
    for given in re.finditer(rf"\b{re.escape(name)}\s*(?::[^=\n]+)?=\s*\{{", source):
        end = _closing(source, given.end())
        for pair in _PAIR.finditer(source, given.end(), end):
            between = source[given.end() : pair.start()]
            if between.count("{") == between.count("}"):
                yield pair[2]
    symbols = recent_symbols(doc, code.memory)
    for owner in classes_of(doc, at, name, symbols):
        for symbol in symbols:
            if symbol.owner == owner and symbol.kind is not SymbolKind.METHOD:
                yield symbol.name


def _closing(source: str, at: int) -> int:
    depth = 1
    for place in range(at, min(len(source), at + _LITERAL)):
        depth += (source[place] == "{") - (source[place] == "}")
        if depth == 0:
            return place
    return min(len(source), at + _LITERAL)


def _usual(doc: Document, string: Inside, code: Codebase) -> Sequence[tuple[str, float]]:
    """The strings that usually follow what stands before this one."""
    tokens = live(doc, string.start - 1, doc.text.line_end(doc.text.line_at(string.start)), code.memory)
    context = tokens.context()
    found = list(tokens.next_tokens(context).items())
    model = code.usage.usage_of(doc.language, doc.path) if code.usage is not None else None
    return [*found, *(model.next_tokens(context, 100).tokens if model is not None else ())]


def _paths(doc: Document, string: Inside, roots: Sequence[Path], *, of_module: bool) -> list[Entry]:
    """Files and folders beside the document, then of the roots, that go on from what is typed."""
    folder, slash, begun = string.typed.rpartition("/")
    start = string.start + len(folder) + len(slash)
    here = [doc.path.parent] if doc.path is not None else []
    bases = here if of_module else [Path("/")] if folder.startswith("/") or (slash and not folder) else []
    found: dict[str, Entry] = {}
    for base in bases or [*here, *roots]:
        try:
            listed = sorted((base / folder.lstrip("/")).iterdir())[:_MOST_ENTRIES]
        except (OSError, ValueError):
            continue
        for each in listed:
            name = each.name
            if not name.startswith(begun) or (name.startswith((".", "__pycache__")) and not begun):
                continue
            is_folder = each.is_dir()
            if of_module and not is_folder:
                name = re.sub(r"(?:\.d)?\.(?:[cm]?[jt]sx?)\Z", "", name)
                if name == each.name or each == doc.path:
                    continue
            text = name + ("/" if is_folder and not of_module else "")
            found.setdefault(text, Entry(start, text, SymbolKind.FOLDER if is_folder else SymbolKind.FILE))
    return list(found.values())[:200]
