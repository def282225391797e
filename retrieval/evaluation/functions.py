"""The functions of a corpus as plain texts: what the baselines search, and where truth sets come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.facts import Symbol
from devflow.analysis.languages import language_of
from devflow.analysis.symbols import FUNCTION_LIKE, symbols
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: `name` qualified within the file, `text` its whole source."""

    path: str
    name: str
    text: str


def functions_of(root: Path) -> list[Function]:
    """Every function of every file that can be parsed, in order of path."""
    return [
        Function(path, symbol.qualified_name, tree.text.source[symbol.start : symbol.end])
        for path, tree, found in parsed_files(root)
        for symbol in found
        if symbol.kind in FUNCTION_LIKE
    ]


def parsed_files(root: Path) -> Iterator[tuple[str, SyntaxTree, tuple[Symbol, ...]]]:
    """Path below `root`, tree and symbols of each file of a known language."""
    for path in sorted(root.rglob("*")):
        language = language_of(path)
        if language is None or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        try:
            text = Text(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        tree = parse(text, language.name)
        if tree is not None:
            yield path.relative_to(root).as_posix(), tree, symbols(tree)
