"""Secrets in columns: of tables in Markdown, of files with separators, of rows that SQL inserts.

The head of a column says what its values are, as a name beside each of them would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devflow.models.guard.letters import found_at, small
from devflow.models.guard.secret_names import can_be_secret, is_mixed, says_secret

_WORDS = ("passw", "pwd", "secret", "token", "apikey", "api key", "api_key", "access key", "access_key")
"""What the head of such a column holds; without one, nothing here is looked at."""
_SEPARATORS = ("|", "\t", ",", ";")
_LONGEST_HEAD = 1_000
_NAME = re.compile(r"[\"'`*]{0,3}(?P<name>\w[\w .\-]{0,40}?)[\"'`*]{0,3}")
_CODE = re.compile(r"[(){}\[\]=<>:#/\\]")
"""What no head holds, and most lines of programs."""
_RULE = re.compile(r"[ \t|:\-+=]+")
_ROW = re.compile(
    r"\s{0,80},?\s{0,80}\((?P<row>(?:[^()'\"]++|'(?:[^'\n]|''){0,1024}+'|\"[^\"\n]{0,1024}+\"){1,400}+)\)"
)
_CELL = re.compile(r"(?:[^,'\"]++|'(?:[^'\n]|'')*+'|\"[^\"\n]*+\")+")


def in_columns(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of the values in `text` that stand in a column of secrets."""
    lower = small(text)
    if not any(word in lower for word in _WORDS):
        return
    heads: dict[int, int] = {}
    for at in (at for word in _WORDS for at in found_at(lower, word)):
        start = text.rfind("\n", max(0, at - _LONGEST_HEAD), at) + 1
        end = text.find("\n", at, at + _LONGEST_HEAD)
        if end > 0:
            heads[start] = end
    done = 0
    for start, end in sorted(heads.items()):
        if start >= done:
            found, done = _below(text, start, end)
            yield from found
    for at in found_at(lower, "values"):
        yield from _inserted(text, at)


def _below(text: str, start: int, end: int) -> tuple[list[tuple[int, int]], int]:
    """The values in the lines below a head, and where these end."""
    head = text[start:end]
    found: list[tuple[int, int]] = []
    if _CODE.search(head):
        return found, end
    for separator in _SEPARATORS:
        names = head.split(separator)
        # Names in a row without a frame are also arguments, on lines of their own that are indented.
        if len(names) < 2 or (separator != "|" and head[:1].isspace()):
            continue
        columns = _secret_columns(name.strip() for name in names)
        if not columns:
            continue
        at = end + 1
        while at < len(text):
            stop = text.find("\n", at)
            row = text[at : stop if stop >= 0 else len(text)]
            cells = row.split(separator)
            if len(cells) != len(names):
                break
            if not _RULE.fullmatch(row):
                for column, outright in columns.items():
                    begin = at + sum(len(cell) + 1 for cell in cells[:column])
                    found += _value(text, begin, begin + len(cells[column]), outright=outright)
            at += len(row) + 1
        return found, at
    return found, end


def _inserted(text: str, at: int) -> Iterator[tuple[int, int]]:
    """The values of `(…, password) VALUES (…, 'x'), (…, 'y')`, `at` being where VALUES stands."""
    head = text[max(0, at - _LONGEST_HEAD) : at].rstrip()
    if not head.endswith(")"):
        return
    columns = _secret_columns(name.strip(' \t\n`"[]') for name in head[head.rfind("(") + 1 : -1].split(","))
    row = _ROW.match(text, at + len("values")) if columns else None
    while row is not None:
        for column, cell in enumerate(_CELL.finditer(text, *row.span("row"))):
            if column in columns:
                yield from _value(text, *cell.span(), outright=columns[column])
        row = _ROW.match(text, row.end())


def _secret_columns(names: Iterable[str]) -> dict[int, bool]:
    """Which columns hold secrets, and of each whether its name says so outright; {} where that is no head."""
    columns: dict[int, bool] = {}
    for column, name in enumerate(names):
        found = _NAME.fullmatch(name)
        if name and found is None:
            return {}
        outright = says_secret(found["name"]) if found else None
        if outright is not None:
            columns[column] = outright
    return columns


def _value(text: str, start: int, end: int, *, outright: bool) -> Iterator[tuple[int, int]]:
    """The cell without its blanks and quotes, where it can be a secret; cells are also words."""
    cell = text[start:end]
    value = cell.strip(" \t\r\n\"'`*")
    if is_mixed(value) and can_be_secret(value, outright=outright, env=True):
        begin = start + cell.index(value)
        yield begin, begin + len(value)
