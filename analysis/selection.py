"""What a growing selection takes in, step by step: the word, the expression, what brackets hold, the
statement, the block, the definition."""

from __future__ import annotations

from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Text

_CLOSING = {"{": "}", "(": ")", "[": "]"}
_STRINGS = frozenset({"string", "string_literal", "template_string", "interpreted_string_literal"})


def selections(text: Text, tree: SyntaxTree | None, at: int) -> list[tuple[int, int]]:
    """Ranges that hold `at`, each strictly inside the next, smallest first; the last is the whole text."""
    found: set[tuple[int, int]] = {(0, len(text)), text.word_at(at)}
    line = text.line_at(at)
    start, end = text.line_start(line), text.line_end(line)
    stripped = text.source[start:end]
    content = start + len(stripped) - len(stripped.lstrip()), start + len(stripped.rstrip())
    found |= {content} if tree is not None else {content, (start, end)}
    for node in tree.path_to(at) if tree is not None else ():
        span = tree.span(node) if tree is not None else None
        if span is None or node.is_missing:
            continue
        found.add((span.start, span.end))
        children = node.children
        if len(children) > 1 and _CLOSING.get(children[0].type) == children[-1].type:
            found.add((span.start + 1, span.end - 1))
        elif node.type in _STRINGS and tree is not None and len(children) > 1:
            # Between the quotes, whatever they are made of.
            inner = tree.offset(children[0].end_byte), tree.offset(children[-1].start_byte)
            found.add(inner)
    return _nested([each for each in found if each[0] <= at <= each[1] and each[0] < each[1]], len(text))


def _nested(ranges: list[tuple[int, int]], whole: int) -> list[tuple[int, int]]:
    """The ranges by size; one that does not hold the one before it is left out."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(ranges, key=lambda each: each[1] - each[0]):
        if not result or (start <= result[-1][0] and end >= result[-1][1] and (start, end) != result[-1]):
            result.append((start, end))
    return result or [(0, whole)]
