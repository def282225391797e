"""Text as a program reads it: strings put together from their parts, escapes as what they stand for.

`"AKIA" + "IOSF…"`, strings on lines below each other, `['AKIA', 'IOSF…'].join('')`, `\\x41KIA`, `%41KIA`: no
part looks like the token that the program has; nor does a list of its characters or of their codes, or a line
of one that is wrapped. What is found in the reading is taken out where it was written, from its first part to
its last.
"""

from __future__ import annotations

import base64
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from devflow.models.guard.letters import found_at

_PART = r"[^\s\"'`(){}\[\],;<>]"
_GAP = r"\s{0,80}+(?:(?:\#|//)[^\n\"'`]{0,80}+\n\s{0,80}+)?"
_DENSE = r"[A-Za-z0-9+/_.\-]"
_HEX = r"[2-7][0-9A-Fa-f]"
_JOINT = re.compile(
    rf"""["'`\\%&](?:
      (?<={_PART}["'`])(?:
          {_GAP}(?:(?:\+\+?|\.\.?|&|<>|~|\|\||\\|\.concat\()[)]?{_GAP}[(]?)?[BFRbfru]{{0,2}}["'`]
        | \}}(?:\$?\{{["'`])?                                          # `${{'AKIA'}}${{'IOSF'}}`
      )(?={_PART})
    | (?<=["'`])\$?\{{(?P<opened>["'`])(?={_PART})
    | (?<=[^\s(){{}}\[\],;]\\)\n[ \t]{{0,80}}+(?={_PART})
    | (?<={_PART}["'`]);?\s{{0,80}}+\$?[A-Za-z_][\w.]{{0,60}}\s{{0,8}}[+.]=\s{{0,8}}["'`](?={_PART})  # +=
    | (?<=\\)(?:(?:x|u00)(?P<escaped>{_HEX})|u\{{(?P<braced>{_HEX})\}}|(?=/))
    | (?<=%)(?P<percent>{_HEX})
    | (?<=&)\#(?:x(?P<entity>{_HEX})|(?P<decimal>\d{{2,3}}));
    )""",
    re.VERBOSE,
)
"""What stands between two parts of a string, or for one character of it."""
_WRAPPED = re.compile(
    rf"""\n(?<={_DENSE}{{32}}\n)[ \t]{{0,40}}+(?={_DENSE}{{2,}}={{0,2}}(?:[ \t]*\n|["'`]|\Z))"""
)
"""Between the lines of what is too long for one."""
_CALLED = re.compile(r"(?:concat!?|Concat|CONCAT|paste0)\(\s{0,80}(?P<parts>[^()]{0,4000})")
_JOINS = re.compile(r"""(?<=''\.|""\.|``\.)join\(\s{0,80}[\[(]\s{0,80}(?P<parts>[^\[\]()]{0,4000})""")
_JOINED = re.compile(r"""join\(\s{0,8}(?:''|""|``)\s{0,8}\)""")
_LONGEST_LIST = 4_000
_FEWEST_ITEMS = 12
_ITEM = r"""(?:0x[2-7][0-9A-Fa-f]|\d{2,3}|'[^'\\\n]'|"[^"\\\n]")"""
_SPELT = re.compile(
    rf"[\[({{]\s{{0,80}}+(?P<items>{_ITEM}(?:\s{{0,80}}+,\s{{0,80}}+{_ITEM}){{{_FEWEST_ITEMS - 1},2000}}+)"
)
"""A list of characters, or of their codes."""
_AN_ITEM = re.compile(rf"{_ITEM}\s*,?\s*")
_WRAPPER = re.compile(r"(?:new\s{1,4})?[\w.\[\]<>]{0,40}\(?\s{0,8}\Z")
_COMMA = re.compile(rf"""["'`](?<={_PART}["'`])\s{{0,80}}+,\s{{0,80}}+[BFRbfru]{{0,2}}["'`](?={_PART})""")
_AROUND = 400
"""Characters of the lines around that the reading holds, as a name may stand there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Some lines of a text as a program reads them."""

    text: str
    _at: tuple[int, ...]
    """Where each piece begins in the reading: text as it is written, or one character that is escaped, …"""
    _from: tuple[tuple[int, int], ...]
    """… and from where to where it is written."""

    def written(self, start: int, end: int) -> tuple[int, int]:
        """Where the text holds a range of the reading."""
        first, last = bisect_right(self._at, start) - 1, bisect_right(self._at, end - 1) - 1
        begin, stop = self._from[first][0], self._from[last][1]
        if not self._is_escaped(first):
            begin += start - self._at[first]
        if not self._is_escaped(last):
            stop = self._from[last][0] + end - self._at[last]
        return begin, stop

    def _is_escaped(self, piece: int) -> bool:
        end = self._at[piece + 1] if piece + 1 < len(self._at) else len(self.text)
        return end - self._at[piece] != self._from[piece][1] - self._from[piece][0]


def readings(text: str) -> Iterator[Reading]:
    """The lines of `text` that are read otherwise than they are written, neighbours together."""
    joints = sorted({*_joints(text)})
    apart = [0, *(at for at in range(1, len(joints)) if _are_apart(text, joints[at - 1][1], joints[at][0]))]
    for first, last in pairwise((*apart, len(joints))):
        if first < last:
            yield _reading(text, joints[first:last])


def encoded(runs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Of the `long_runs` of a text what is base64 or hexadecimal of ASCII, and what it stands for."""
    for run in runs:
        if len(run) < _SHORTEST_ENCODED or (run.islower() and not _SOME_HEXADECIMAL.search(run)):
            continue
        for found in _ENCODED.finditer(run):
            plain = _decoded(found[0])
            if not plain.translate(None, _PRINTED):
                yield found[0], plain.decode("ascii")


def _decoded(written: str) -> bytes:
    """What it stands for, unpacked; where it is no code for anything, bytes that are no text."""
    plain = written.rstrip("=").translate(_STANDARD)
    try:
        if _HEXADECIMAL.fullmatch(written):
            data = bytes.fromhex(written)
        elif _BASE32.fullmatch(written):
            data = base64.b32decode(plain + "=" * (-len(plain) % 8))
        else:
            data = base64.b64decode(plain + "=" * (-len(plain) % 4))
        if data.startswith((b"\x1f\x8b", b"x")) and not data.isascii():
            return zlib.decompressobj(_ANY_HEADER).decompress(data, _MOST_TIMES * len(data))
    except (ValueError, zlib.error):
        return b"\0"
    return data[::2] if len(data) > 1 and not any(data[1::2]) else data  # UTF-16, as PowerShell is given


_STANDARD = str.maketrans({"-": "+", "_": "/"})
_ANY_HEADER = zlib.MAX_WBITS | 32
_MOST_TIMES = 8
"""Times its size that what is packed is unpacked to: of text hardly any is more, and what is made to be is
looked at up to there."""
_BASE32 = re.compile(r"[A-Z2-7]{24,}={0,6}")
_PRINTED = bytes([*range(32, 127), *b"\t\n\r"])
_SHORTEST_ENCODED = 20
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{20,8192}={0,6}")
_SOME_HEXADECIMAL = re.compile(r"[2-7][0-9a-f]{19}")
_HEXADECIMAL = re.compile(r"(?:[2-7][0-9a-fA-F]|0[9aAdD])+")


def _joints(text: str) -> Iterator[tuple[int, int, str]]:
    """Where parts are joined, and where one character is escaped and which."""
    for found in _JOINT.finditer(text):
        if hexadecimal := next(filter(None, found.group("escaped", "braced", "percent", "entity")), None):
            yield *found.span(), chr(int(hexadecimal, 16))
        elif found["decimal"]:
            if 32 < int(found["decimal"]) < 127:
                yield *found.span(), chr(int(found["decimal"]))
        elif found["opened"]:
            yield *found.span(), found["opened"]
        else:
            yield *found.span(), ""
    for found in _WRAPPED.finditer(text):
        yield *found.span(), ""
    if text.count(",") >= _FEWEST_ITEMS - 1:
        for found in _SPELT.finditer(text):
            yield from _spelt(text, found)
    for start, begin, end in _lists(text):
        if commas := [*_COMMA.finditer(text, begin, end)]:
            yield start, begin, ""
            yield from ((*comma.span(), "") for comma in commas)


def _spelt(text: str, found: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """A list of characters read as the string of them; what is no text is left."""
    items = [*_AN_ITEM.finditer(text, *found.span("items"))]
    codes = [_code(item[0].rstrip(", \t\r\n")) for item in items]
    if not all(32 <= code < 127 for code in codes):
        return
    begin = _WRAPPER.search(text, max(0, found.start() - 60), found.start())
    yield begin.start() if begin else found.start(), found.start("items"), '"'
    yield from ((*item.span(), chr(code)) for item, code in zip(items, codes, strict=True))
    yield items[-1].end(), items[-1].end() + 1, '"'


def _code(item: str) -> int:
    if item[0] in "\"'":
        return ord(item[1])
    return int(item, 16) if item.startswith("0x") else int(item)


def _lists(text: str) -> Iterator[tuple[int, int, int]]:
    """Where the strings of lists that are put together begin and end; before them, where the expression
    begins."""
    for at in found_at(text, "join("):
        if found := _JOINS.match(text, at):
            yield at - len("''."), *found.span("parts")
        elif _JOINED.match(text, at):
            end = text.rfind("]", max(0, at - 80), at)
            begin = text.rfind("[", max(0, end - _LONGEST_LIST), end) if end >= 0 else -1
            if begin >= 0 and text[end + 1 : at].strip() == ".":
                yield begin, begin + 1, end
    for word in ("concat", "Concat", "CONCAT", "paste0"):
        for at in found_at(text, word):
            if found := _CALLED.match(text, at):
                yield at, *found.span("parts")


def _are_apart(text: str, end: int, start: int) -> bool:
    return start - end > _AROUND or text.count("\n", end, start) > 1


def _reading(text: str, joints: list[tuple[int, int, str]]) -> Reading:
    first = text.rfind("\n", max(0, joints[0][0] - _AROUND), joints[0][0])
    at = text.rfind("\n", max(0, first - _AROUND), first) + 1 if first > 0 else 0
    at = max(at, joints[0][0] - 2 * _AROUND)
    line = text.find("\n", joints[-1][1], joints[-1][1] + _AROUND)
    end = line if line >= 0 else min(len(text), joints[-1][1] + _AROUND)
    read, size = [], 0
    begins: list[int] = []
    written: list[tuple[int, int]] = []
    for start, stop, character in (*joints, (end, end, "")):
        if start < at:  # inside the one before
            continue
        for part, span in ((text[at:start], (at, start)), (character, (start, stop))):
            if part:
                read.append(part)
                begins.append(size)
                written.append(span)
                size += len(part)
        at = stop
    return Reading("".join(read), tuple(begins), tuple(written))
