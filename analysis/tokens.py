"""A lexer for every language at once, by regular expressions: fast, never fails, knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from devflow.analysis.languages import language_named

NEWLINE = "\n"
"""The text of the token that ends a line (blank lines add none)."""


class Token(NamedTuple):
    """A token; `source[start:end]` is its text, but for `NEWLINE`, whose text is always `"\\n"`."""

    text: str
    space: bool
    """Whether white space or a comment stands before it on its line."""
    start: int
    end: int


_OPERATORS = (
    r"\.\.\.|<<=|>>=|\*\*=|//=|===|!==|\?\?=|<=>|\|\|=|&&=|->|=>|::|:=|\.\.|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^="
    r"|@=|==|!=|<=|>=|<<|>>|&&|\|\||\?\.|\?\?|\*\*|//"
)
_TRIPLE = r"(?i:[rbuft]{0,2})(?:\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z)|'''(?:\\.|[^\\])*?(?:'''|\Z))"
_PYTHON_STRING = (
    r"(?i:[rbuft]{0,2})(?:\"(?:\\.|[^\\\"\r\n])*(?:\"|(?=[\r\n])|\Z)|'(?:\\.|[^\\'\r\n])*(?:'|(?=[\r\n])|\Z))"
)
_DOUBLE = r"\"(?:\\.|[^\\\"\r\n])*(?:\"|(?=[\r\n])|\Z)"
_SINGLE = r"'(?:\\.|[^\\'\r\n])*(?:'|(?=[\r\n])|\Z)"
_BACKTICK = r"`(?:\\.|[^\\`])*(?:`|\Z)"
_CHARACTER = r"'(?:\\[^\r\n][^\r\n']*|[^\\'\r\n])'"
_REGEX = (
    r"(?:(?<=[(,=:\[!&|?{;])|(?<=[(,=:\[&|?{;]\s)|(?<==>\s)|(?<=return\s)|(?<=typeof\s)|(?<=case\s))"
    r"/(?![*/])(?:\\[^\r\n]|\[(?:\\[^\r\n]|[^\]\\\r\n])*\]|[^/\\\[\r\n])+/[a-z]*"
)
"""A regular expression, where no operand stands before its slash, which then would divide. Not behind `}`,
where JSX has its `/>`."""
_RAW_RUST = "|".join(rf"b?r{hashes}\".*?(?:\"{hashes}|\Z)" for hashes in (r"\#" * many for many in range(5)))

_STRINGS = {
    "python": f"{_TRIPLE}|{_PYTHON_STRING}",
    "javascript": f"{_DOUBLE}|{_SINGLE}|{_BACKTICK}|{_REGEX}",
    "typescript": f"{_DOUBLE}|{_SINGLE}|{_BACKTICK}|{_REGEX}",
    "tsx": f"{_DOUBLE}|{_SINGLE}|{_BACKTICK}|{_REGEX}",
    "go": f"{_DOUBLE}|{_CHARACTER}|`[^`]*(?:`|\\Z)",
    "rust": f"{_RAW_RUST}|b?{_DOUBLE}|{_CHARACTER}|'[^\\W\\d]\\w*",
    "java": f'""".*?(?:"""|\\Z)|{_DOUBLE}|{_CHARACTER}',
    "c": f"{_DOUBLE}|{_CHARACTER}",
    "cpp": f"{_DOUBLE}|{_CHARACTER}",
    "csharp": f"[$@]*{_DOUBLE}|{_CHARACTER}",
}


def lex(source: str, language: str) -> list[Token]:
    """The tokens of `source` in order: names, numbers, operators, strings whole, line ends.

    Comments are left out. A string that is not closed ends with its line (a triple-quoted one with the
    text). `language` may be unknown: `#` and `//` are then ordinary operators.
    """
    return list(lexed(source, language))


def lexed(source: str, language: str) -> Iterator[Token]:
    """`lex`, for who may not need all of them."""
    space = False
    line_ended = True
    for found in _lexer(language).finditer(source):
        kind = found.lastgroup
        if kind == "space":
            space = True
        elif kind == "newline":
            if not line_ended:
                yield Token(NEWLINE, space, found.start(), found.end())
                line_ended = True
            space = False
        else:
            yield Token(found.group(), space, found.start(), found.end())
            space = line_ended = False


def knows_strings(language: str) -> bool:
    """Whether the strings and comments of `language` are told from its code for certain."""
    entry = language_named(language)
    return entry is not None and entry.name in _STRINGS


def comments(source: str, language: str) -> list[tuple[int, int]]:
    """Where the comments of `source` begin and end."""
    entry = language_named(language)
    if entry is None or not entry.comment:
        return []
    found: list[tuple[int, int]] = []
    for each in _lexer(language).finditer(source):
        if each.lastgroup == "space" and each.group().startswith((entry.comment, "/*")):
            found.append((each.start(), each.end()))
    return found


def scan(source: str, language: str) -> tuple[list[str], bytes]:
    """The texts of `lex(source, language)` and their `space` flags (0 or 1 each), twice as fast."""
    found = _scanner(language).findall(source)
    found.pop()  # the empty match at the end
    if found and found[-1][2]:
        found.pop()
    if found and not found[0][1]:
        del found[0]
    return [text or NEWLINE for _, text, _ in found], bytes([space != "" for space, _, _ in found])


def scan_from(source: str, language: str, at: int) -> Iterator[tuple[str, bool, int, int]]:
    """`(text, space, start, end)` from offset `at` on, which must be the end of a token or 0. `start` is
    where what belongs to the token begins (its white space), `end` where the next one's does: between
    two such places nothing but the text there decides how it is read, save at an end of line."""
    for found in _scanner(language).finditer(source, at):
        if found[3] is not None:
            return
        yield found[2] or NEWLINE, found[1] != "", found.start(), found.end()


@cache
def _scanner(language: str) -> re.Pattern[str]:
    """White space (1) with the token behind it (2): an end of line, with the blank lines below it, has no
    text. What is blank at the end is a match of its own (3), and so is the end."""
    spaces, comments, token = _parts(language)
    blank = rf"{spaces}*+(?:(?:{comments}){spaces}*+)*+"
    line = r"(?:\r\n|\r|\n)"
    return re.compile(rf"({blank})(?:({token}|[^\r\n])|{line}(?:{blank}{line})*+)|({blank})\Z", re.DOTALL)


@cache
def _lexer(language: str) -> re.Pattern[str]:
    spaces, comments, token = _parts(language)
    return re.compile(
        rf"(?P<space>{spaces}+|{comments})|(?P<newline>\r\n|\r|\n)|(?P<token>{token}|.)", re.DOTALL
    )


@cache
def _parts(language: str) -> tuple[str, str, str]:
    """Expressions for one white space, for what else stands between tokens, and for a token that is not an
    end of line."""
    entry = language_named(language)
    name = entry.name if entry else ""
    sign = entry.comment if entry else ""
    comments = [r"\\(?:\r\n|\r|\n)", *([rf"{re.escape(sign)}[^\r\n]*"] if sign else [])]
    if sign == "//":
        comments.append(r"/\*.*?(?:\*/|\Z)")
    strings = _STRINGS.get(name, f"{_DOUBLE}|{_SINGLE}")
    names = r"[@$]{0,2}[^\W\d]\w*[?!]?(?!=)|[@$]{0,2}[^\W\d]\w*" if name == "ruby" else r"[^\W\d][\w$]*"
    number = r"\d(?:[eE][+-]\d|[\w]|\.(?=\d))*"
    # What is most frequent first; it must not be the beginning of something else.
    usual = r"[()\[\]{},;]" if name == "ruby" else r"[A-Za-z_][\w$]*+(?![\"'#`])|[()\[\]{},;]"
    return r"[ \t\f\v\ufeff\u2028]", "|".join(comments), f"{usual}|{strings}|{names}|{number}|{_OPERATORS}"


_SUBTOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")


def subtokens(name: str) -> list[str]:
    """The words a name is made of, lower case: `parseHTTPHeader_v2` → parse, http, header, v, 2."""
    return [found.lower() for found in _SUBTOKEN.findall(name)]
