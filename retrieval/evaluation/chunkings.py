"""Three ways of cutting files into pieces, compared by what BM25 makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from devflow.analysis.chunks import chunks
from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.retrieval.evaluation.baselines import BM25
from devflow.retrieval.evaluation.functions import parsed_files

_LINES = 40
Span = tuple[int, int]


class Chunked:
    """The pieces of a corpus under BM25; an answer is the function that a piece holds most of."""

    def __init__(self, root: Path, cut: Callable[[SyntaxTree, Sequence[Symbol]], list[Span]]) -> None:
        texts: list[str] = []
        self._answers: list[tuple[str, str]] = []
        for path, tree, symbols in parsed_files(root):
            functions = [symbol for symbol in symbols if symbol.kind in FUNCTION_LIKE]
            for start, end in cut(tree, symbols):
                name = _most_of(functions, start, end)
                texts.append(f"{path} {name}\n{tree.text.source[start:end]}")
                self._answers.append((path, name))
        self._bm25 = BM25(texts)

    def ranked(self, query: str) -> list[tuple[str, str]]:
        """Path and qualified name of what answers, best first."""
        return [self._answers[number] for number in self._bm25.ranked(query)]


def by_symbol(tree: SyntaxTree, symbols: Sequence[Symbol]) -> list[Span]:
    """As the index cuts: functions by themselves, large ones at statements, small neighbours joined."""
    return [(chunk.start, chunk.end) for chunk in chunks(tree, symbols)]


def by_lines(tree: SyntaxTree, symbols: Sequence[Symbol]) -> list[Span]:
    """So many lines, wherever they end."""
    text = tree.text
    return [
        (text.line_start(first), text.line_end(min(first + _LINES, text.line_count) - 1))
        for first in range(0, text.line_count, _LINES)
    ]


def by_whole_symbol(tree: SyntaxTree, symbols: Sequence[Symbol]) -> list[Span]:
    """Each top-level definition whole, however large, and nothing between them."""
    spans: list[Span] = []
    for symbol in symbols:
        if not spans or symbol.start >= spans[-1][1]:
            spans.append((symbol.start, symbol.end))
    return spans


CHUNKINGS = {
    "BM25, pieces by symbol": by_symbol,
    f"BM25, pieces of {_LINES} lines": by_lines,
    "BM25, whole top-level symbols": by_whole_symbol,
}


def _most_of(functions: Sequence[Symbol], start: int, end: int) -> str:
    held = [(min(each.end, end) - max(each.start, start), -each.start, each) for each in functions]
    best = max((each for each in held if each[0] > 0), default=None, key=lambda each: each[:2])
    return best[2].qualified_name if best else ""
