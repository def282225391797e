"""`syntax-error`: text that its language does not allow, told from the tree in every language.

Python has a compiler at hand, which sees more and says it better: see `python_syntax`. In C and C++ only
brackets are judged, for macros may hold anything else; elsewhere the places where the parser had to skip
text or to make up a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import tree_sitter

from devflow.analysis.facts import Finding
from devflow.analysis.languages import SCRIPTS

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import Span, SyntaxTree

CODE = "syntax-error"

MOST = 20
"""Findings of one file; who has more has another problem."""
_MOST_IN_C = 2
"""Macros unbalance whole files; a bracket forgotten is one or two."""
_LONGEST = 40
_MOST_TOKENS = 400_000
_PREPROCESSED = frozenset({"c", "cpp"})
_PAIRS = {")": "(", "]": "[", "}": "{", "]]": "[["}
_OPENING = {"#{": "{", "${": "{", "(": "(", "[": "[", "{": "{", "[[": "[["}
_OPAQUE = (
    "comment",
    "string",
    "char_literal",
    "character_literal",
    "regex",
    "heredoc_body",
    "template_string",
)
_WORDS = {
    "identifier": "a name",
    "field_identifier": "a name",
    "type_identifier": "a type",
    "property_identifier": "a name",
    "string_literal": "a string",
}


def syntax_errors(tree: SyntaxTree) -> list[Finding]:
    """What cannot be parsed, at most MOST, in the order of the text. For every language; Python's own
    compiler is asked elsewhere."""
    if not tree.has_error():
        return []
    unpaired = list(_unpaired(tree))
    if tree.language in _PREPROCESSED:
        branches = any(line.lstrip().startswith("#el") for line in tree.text.source.splitlines())
        return unpaired if not branches and len(unpaired) <= _MOST_IN_C else []
    if unpaired:
        # What comes after an open bracket is read wrongly: the rest of the complaints follow from it.
        first = unpaired[0].start
        return [*_complaints(tree, first), *unpaired][:MOST]
    return list(_complaints(tree, len(tree.text) + 1))[:MOST]


def _complaints(tree: SyntaxTree, before: int) -> Iterator[Finding]:
    """About the errors that end before `before`: one that goes on behind it is not about its first line."""
    source = tree.text.source
    for span in tree.errors():
        if span.end >= before:
            continue
        if tree.language in SCRIPTS and _is_unknown_to_the_grammar(source, span):
            continue
        if span.kind != "ERROR":
            at = len(source[: span.start].rstrip())
            start = max(at - 1, 0)
            yield _finding(start, max(at, start), f"{_named(span.kind)} is missing here.")
            continue
        text = source[span.start : span.end]
        start = span.start + len(text) - len(text.lstrip())
        line_end = tree.text.line_end(tree.text.line_at(start))
        end = min(span.end, line_end) if line_end > start else span.end
        shown = source[start:end].strip()
        shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
        message = f"`{shown}` cannot stand here." if shown else "Something is missing here."
        yield _finding(start, end, message)


def _is_unknown_to_the_grammar(source: str, span: Span) -> bool:
    """What TypeScript allows and tree-sitter's grammar does not: `interface Box<in out T>`, and in a file of
    declarations `export default function (): void;`."""
    text = source[span.start : span.end]
    begin = max(source.rfind(mark, 0, span.start) + len(mark) for mark in ("<", ",", "*/"))
    if _VARIANCE.fullmatch(source, begin, span.end):
        return True
    return text.startswith("default function") and source[span.end : span.end + 1] == ";"


_VARIANCE = re.compile(r"\s*(?:in|out|in\s+out)(?:\s+\w+)?")


def _unpaired(tree: SyntaxTree) -> Iterator[Finding]:
    """Brackets without a partner, strings and comments left out."""
    open_: list[tuple[str, tree_sitter.Node]] = []
    stray: list[tree_sitter.Node] = []
    for number, node in enumerate(_tokens(tree)):
        if number > _MOST_TOKENS:
            return
        if node.type in _OPENING:
            open_.append((_OPENING[node.type], node))
        elif node.type in _PAIRS:
            wanted = _PAIRS[node.type]
            if open_ and open_[-1][0] == wanted:
                open_.pop()
            elif any(kind == wanted for kind, _ in open_[-8:]):
                while open_[-1][0] != wanted:
                    stray.append(open_.pop()[1])
                open_.pop()
            else:
                stray.append(node)
    for node in sorted([*stray, *(node for _, node in open_)], key=lambda node: node.start_byte)[:MOST]:
        span = tree.span(node)
        opened = node.type in _OPENING
        message = "is never closed." if opened else "closes nothing."
        yield _finding(span.start, span.end, f"`{node.type}` {message}")


def _tokens(tree: SyntaxTree) -> Iterator[tree_sitter.Node]:
    """The leaves that are there, in order, without descending into strings and comments."""
    cursor = tree.root.walk()
    while True:
        node = cursor.node
        assert node is not None
        opaque = node.type.endswith(_OPAQUE) and "interpol" not in node.type and node.child_count < 3
        if not opaque and cursor.goto_first_child():
            continue
        if not node.is_missing and node.child_count == 0:
            yield node
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _named(kind: str) -> str:
    if kind in _WORDS:
        return _WORDS[kind].capitalize()
    return f"`{kind}`" if not kind.replace("_", "").isalpha() else kind.replace("_", " ").capitalize()


def _finding(start: int, end: int, message: str) -> Finding:
    return Finding(start, end, CODE, message, "error")
