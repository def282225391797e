"""Where to ask: names in real code that are taken out again, so that the server has to find them.

Everything here is worked out with Python's own `ast` and `tokenize`, so no server under test has a say in
what is asked. A position is in code: never in a string, a comment or an import.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import random
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PLAIN = 4
"""Shortest plain name asked for: two letters are typed, two are left to win."""
_MEMBER = 3
_SKIPPED = {"node_modules", "third_party", "vendor", "_vendor", "migrations", "locale"}


@dataclass(frozen=True, slots=True)
class Place:
    """One name in one file. `line` counts from 0; `column` and `at` are code points."""

    path: Path
    name: str
    line: int
    column: int
    at: int


def sources(root: Path, tests: bool = False) -> list[Path]:
    """The Python files below `root` that people write and read, sorted."""

    def wanted(path: Path) -> bool:
        parts = path.relative_to(root).parts
        if any(part.startswith(".") or part in _SKIPPED for part in parts):
            return False
        return tests or not any(part.startswith("test") or part in ("docs", "examples") for part in parts)

    return sorted(path for path in root.rglob("*.py") if wanted(path))


def askable(root: Path) -> list[Path]:
    """Files of a middling size: 2 to 60 kB, as an editor mostly holds them."""
    return [path for path in sources(root) if 2_000 < path.stat().st_size < 60_000]


def members(path: Path, text: str) -> list[Place]:
    """Every attribute: the name after a dot, whether it is read, called or assigned."""
    found = []
    before: tokenize.TokenInfo | None = None
    importing = False
    starts = line_starts(text)
    for token in _tokens(text):
        if token.type in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            continue
        if before is None or before.type == tokenize.NEWLINE:
            importing = token.string in ("import", "from")
        name = token.string
        dotted = before is not None and before.string == "."
        if token.type == tokenize.NAME and dotted and not importing and len(name) >= _MEMBER:
            found.append(_place(path, name, token.start, starts))
        before = token
    return found


def plain_names(path: Path, text: str) -> list[Place]:
    """Every plain name that is read (`ast.Name`, loaded), four letters or longer."""
    starts = line_starts(text)
    lines = text.split("\n")
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and len(node.id) >= _PLAIN:
            line = lines[node.lineno - 1]
            column = len(line.encode()[: node.col_offset].decode(errors="replace"))
            if line[column : column + len(node.id)] == node.id and not _in_f_string(line, column):
                found.append(_place(path, node.id, (node.lineno, column), starts))
    return sorted(set(found), key=lambda place: place.at)


def defined_names(text: str) -> set[str]:
    """Names a file defines: functions, classes, assigned names and assigned attributes."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def cross_file(place: Place, definitions: Mapping[Path, set[str]], out: Iterable[Path] = ()) -> bool:
    """Whether the name at `place` is defined in another file, none of `out`, and not in its own.

    Names that builtins have too (`append`, `get`, `len`) do not count: who put them there is unknown.
    """
    if place.name in _EVERYWHERE or place.name in definitions.get(place.path, ()):
        return False
    closed = {place.path, *out}
    return any(place.name in names for path, names in definitions.items() if path not in closed)


def spread(places: Sequence[Place], n: int, rnd: random.Random) -> list[Place]:
    """At most `n` of `places`, drawn evenly over their files, in the order of the text."""
    files: dict[Path, list[Place]] = {}
    for place in places:
        files.setdefault(place.path, []).append(place)
    for each in files.values():
        rnd.shuffle(each)
    chosen: list[Place] = []
    while len(chosen) < n and any(files.values()):
        for path in sorted(files):
            if files[path] and len(chosen) < n:
                chosen.append(files[path].pop())
    return sorted(chosen, key=lambda place: (place.path, place.at))


def held_out(files: Sequence[Path], rnd: random.Random, most: int = 6) -> list[Path]:
    """Files that are taken away before a server sees the workspace: a tenth of it, one to `most`."""
    chosen = rnd.sample(list(files), min(len(files), most, max(1, len(files) // 10)))
    return sorted(chosen)


def line_starts(text: str) -> list[int]:
    """Offset of the start of each line of `text`, in code points."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def utf16(text: str, at: int) -> dict[str, int]:
    """The LSP position (line, UTF-16 units) of the offset `at` in a text whose lines end in \\n."""
    begin = text.rfind("\n", 0, at) + 1
    return {"line": text.count("\n", 0, at), "character": len(text[begin:at].encode("utf-16-le")) // 2}


def _place(path: Path, name: str, start: tuple[int, int], starts: list[int]) -> Place:
    line, column = start
    return Place(path, name, line - 1, column, starts[line - 1] + column)


def _tokens(text: str) -> Iterable[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _in_f_string(line: str, column: int) -> bool:
    """Names in f-strings have no reliable column before Python 3.12; a quote before them gives them away."""
    return line[:column].count("'") % 2 == 1 or line[:column].count('"') % 2 == 1


_EVERYWHERE = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist}.union(
        *(
            dir(kind)
            for kind in (str, bytes, int, float, list, dict, set, tuple, Exception, io.StringIO, Path)
        ),
        dir(object),
    )
)
