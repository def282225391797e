"""Calls: the one the cursor is in, and all of a file with their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import tree_sitter

from devflow.analysis.references import receiver_before, sigils_of
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.tokens import NEWLINE, Token, lexed


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as written; `start:end` spans all of it, the keyword included."""

    start: int
    end: int
    keyword: str | None = None
    starred: bool = False
    """`*args`, `**options` or another spread: how many it stands for is not known."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call. `start:end` spans callee and arguments."""

    name: str
    """The last part of the callee; `""` when it is not a name (`f()()`)."""
    receiver: str | None
    """The plain dotted name before the dot, None where there is none or it is no plain name."""
    start: int
    end: int
    arguments: tuple[Argument, ...]
    active: int = -1
    """Index of the argument the cursor is in (it may be one past the last); -1 without a cursor."""
    name_start: int = -1
    plain: bool = True
    """False when the callee is read from something that is no plain dotted name (`f().name()`)."""


_REACH = 2_500
_OPEN = frozenset("([{")
_CLOSE = frozenset(")]}")
_DEFINING = frozenset({"def", "class", "function", "fn", "func", "interface", "struct", "enum", "record"})
_NOT_CALLED_TEXT = """
if elif while for switch catch return and or not in is with match case lambda yield await
else del assert raise throw typeof sizeof import from unless until synchronized using
lock
"""
_NOT_CALLED = frozenset(_NOT_CALLED_TEXT.split())
_WORD = re.compile(r"[^\W\d][\w$]*[?!]?")
_STARRED_TEXT = """
list_splat dictionary_splat spread_element splat_argument hash_splat_argument variadic_argument
parenthesized_list_splat block_argument
"""
_STARRED = frozenset(_STARRED_TEXT.split())
_NAMED = frozenset({"keyword_argument", "pair"})


def call_at(tree: SyntaxTree, at: int) -> CallSite | None:
    """The innermost call whose parentheses hold `at`, also in code that is not finished yet."""
    source = tree.text.source
    begin = safe_start(tree, at)
    following = lexed(source[begin : at + _REACH], tree.language)
    tokens: list[Token] = []
    opened: list[int] = []
    for number, token in enumerate(following):
        tokens.append(token)
        if begin + token.start >= at:
            break
        if token.text in _OPEN:
            opened.append(number)
        elif token.text in _CLOSE and opened:
            opened.pop()
        elif begin + token.end > at and token.text[:1] in "\"'`" and len(token.text) > 1:
            break  # inside a string: still in the call around it
    for number in reversed(opened):
        name = tokens[number - 1] if number else None
        if tokens[number].text != "(" or name is None or name.text == NEWLINE:
            continue
        if not _WORD.fullmatch(name.text):
            if name.text in (")", "]"):
                return _site("", None, tokens, following, number, begin, at)
            continue
        if name.text in _NOT_CALLED or (number > 1 and tokens[number - 2].text in _DEFINING):
            continue
        receiver = receiver_before(source, begin + name.start, sigils_of(tree.language))
        return _site(name.text, receiver or None, tokens, following, number, begin, at)
    return None


def calls(tree: SyntaxTree) -> tuple[CallSite, ...]:
    """Every call in the file, in the order of the text; broken ones are left out."""
    result: list[CallSite] = []
    source = tree.text.source
    for _, captured in tree.matches("calls"):
        function, arguments = captured["function"][0], captured["arguments"][0]
        if arguments.has_error:
            continue
        end = tree.offset(function.end_byte)
        found = _last_word(source, tree.offset(function.start_byte), end)
        receiver = receiver_before(source, found[1], sigils_of(tree.language)) if found else ""
        start = tree.offset(function.start_byte)
        if found and receiver:
            start = min(start, found[1] - len(receiver) - 1)
        result.append(
            CallSite(
                found[0] if found else "",
                receiver or None,
                start,
                tree.offset(arguments.end_byte),
                _arguments(tree, arguments),
                name_start=found[1] if found else -1,
                plain=found is not None
                and (bool(receiver) or source[found[1] - 1 : found[1]] not in (".", ":", ">")),
            )
        )
    return tuple(sorted(result, key=lambda site: (site.start, -site.end)))


def _last_word(source: str, start: int, end: int) -> tuple[str, int] | None:
    """The name the callee `source[start:end]` ends with and its offset; type arguments are left out."""
    callee = source[start:end]
    if callee.endswith(">") and "<" in callee:
        callee = callee[: callee.index("<")].rstrip().removesuffix("::")
    found = re.search(r"[^\W\d][\w$]*[?!]?$", callee)
    return (found[0], start + found.start()) if found else None


def _arguments(tree: SyntaxTree, node: tree_sitter.Node) -> tuple[Argument, ...]:
    if node.type == "generator_expression":
        return (Argument(tree.offset(node.start_byte), tree.offset(node.end_byte)),)
    result: list[Argument] = []
    for child in node.named_children:
        if "comment" in child.type:
            continue
        inner = (
            child.named_children[0] if child.type == "argument" and child.named_child_count == 1 else child
        )
        keyword = None
        if inner.type in _NAMED and inner.named_child_count:
            keyword = tree.slice(inner.named_children[0]).strip(":\"'")
        result.append(
            Argument(
                tree.offset(child.start_byte),
                tree.offset(child.end_byte),
                keyword,
                inner.type in _STARRED,
            )
        )
    return tuple(result)


def safe_start(tree: SyntaxTree, at: int) -> int:
    """A place before `at` from which lexing meets no string half-way: the statement around it, or the
    beginning of a line some way up that lies in no string."""
    text = tree.text
    low = max(0, at - _REACH)
    line = text.line_at(low)
    start = text.line_start(line) if low else 0
    for node in tree.path_to(start):
        inside = node.start_byte < tree.byte(start)
        if inside and node.is_named and ("string" in node.type or "comment" in node.type):
            return min(tree.offset(node.end_byte), at)
    return start


def _site(
    name: str,
    receiver: str | None,
    tokens: list[Token],
    following: Iterator[Token],
    opening: int,
    begin: int,
    at: int,
) -> CallSite:
    """The call that `tokens[opening]` opens; `following`: the tokens behind those read so far."""
    arguments: list[Argument] = []
    piece: list[Token] = []
    depth, active, commas = 0, 0, 0
    end = begin + tokens[opening].end
    unfinished = False

    def close() -> None:
        words = [token for token in piece if token.text != NEWLINE]
        if not words:
            return
        keyword = (
            words[0].text
            if len(words) > 1 and words[1].text == "=" and _WORD.fullmatch(words[0].text)
            else None
        )
        if len(words) > 1 and words[1].text == ":" and _WORD.fullmatch(words[0].text):
            keyword = words[0].text
        starred = words[0].text in ("*", "**", "...")
        arguments.append(Argument(begin + words[0].start, begin + words[-1].end, keyword, starred))

    for token in chain(tokens[opening + 1 :], following):
        if begin + token.start >= at and _breaks_off(token, piece, depth):
            unfinished = True
            break
        if depth == 0 and token.text == "," and _in_lambda(piece):
            piece.append(token)
            continue
        if depth == 0 and token.text in (")", ","):
            close()
            piece = []
            end = begin + token.end
            if token.text == ")":
                break
            commas += 1
            if begin + token.end <= at:
                active = commas
            continue
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if depth < 0:
            unfinished = True
            break
        piece.append(token)
        end = begin + token.end
    else:
        unfinished = True
    if unfinished:
        close()
        end = max(end, at)
    start = begin + tokens[opening - 1].start
    return CallSite(
        name,
        receiver,
        start - len(receiver) - 1 if receiver else start,
        end,
        tuple(arguments),
        active,
        name_start=start if name else -1,
        plain=bool(receiver) or opening < 2 or tokens[opening - 2].text not in (".", "?.", "->", "::"),
    )


def _in_lambda(piece: list[Token]) -> bool:
    """Whether `piece` ends among the parameters of a lambda: their commas part no arguments."""
    depth = 0
    for token in reversed(piece):
        depth += (token.text in _CLOSE) - (token.text in _OPEN)
        if depth == 0 and token.text in (":", "lambda"):
            return token.text == "lambda"
    return False


def _breaks_off(token: Token, piece: list[Token], depth: int) -> bool:
    """Whether the call breaks off here: a statement's keyword begins a line behind the cursor."""
    return bool(piece) and piece[-1].text == NEWLINE and depth == 0 and token.text in _STATEMENTS


_STATEMENTS = frozenset(
    {"def", "class", "return", "import", "from", "if", "for", "while", "with", "try", "raise"}
)
