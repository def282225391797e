"""Secrets and personal data out of a text, and back into the answer.

Finds secrets by the formats their issuers gave them (`secret_formats`), by the names they stand beside and by
how random they look (`secret_names`), and by the detectors of the detect-secrets library; personal data by
`pii`. Each is replaced by a placeholder that a model can copy like a name (`DEVFLOW_SECRET_1_`,
`DEVFLOW_EMAIL_2_`) and that no text of the request holds; in the answer the placeholder becomes the value
again, so code that mentions a key still does. All in memory: nothing is written or verified over the network.
CPU-bound (about 4 MB/s): call it in a thread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json import dumps
from typing import Protocol, cast, get_args

from devflow.models.guard.joined import encoded, readings
from devflow.models.guard.pii import Kind, personal_data
from devflow.models.guard.secret_formats import formatted, long_runs, places
from devflow.models.guard.secret_names import can_be_secret, named, random_strings
from devflow.models.guard.secret_settings import of_manifests, settings
from devflow.models.streams import closing

LONGEST_LINE = 4_000
"""Longer lines are looked at in pieces of this many characters, overlapping by 200."""


def secrets_in(text: str) -> list[tuple[int, int]]:
    """The ranges of the secrets in `text`, in order, none touching another."""
    found = [*_as_it_stands(text), *_keys(text), *_by_library(text)]
    for reading in readings(text):
        found += [reading.written(*place) for place in _as_it_stands(reading.text)]
    return _merged(found)


def _as_it_stands(text: str, *, decoded: bool = True) -> Iterator[tuple[int, int]]:
    runs = long_runs(text)
    if decoded:
        for written, plain in encoded(runs):
            if any(True for _ in _as_it_stands(plain, decoded=False)):
                yield from places(text, written)
    yield from formatted(text, runs)
    yield from random_strings(text, runs)
    yield from named(text)
    yield from settings(text)


@dataclass(frozen=True, slots=True)
class Redactions:
    """What was taken out of one request, by kind: what may be told of it."""

    kinds: Mapping[str, int]

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items())) or "nothing"


class Vault:
    """The secrets and personal data taken out of one request. The same value gets the same placeholder
    everywhere in it."""

    def __init__(self, texts: Sequence[str], *, hole: bool = False, personal: bool = True) -> None:
        """Takes the secrets out of `texts`, with `personal` also personal data; `.texts` are the results.
        With `hole`, the first two texts are the sides of one hole: what the cursor stands in is seen whole,
        and taken out on both sides."""
        self._mark = "DEVFLOW"
        named = [plain for text in texts if self._mark in (plain := text.upper().replace("\\", ""))]
        while any(f"{self._mark}_{kind}_" in text for text in named for kind in _KINDS):
            self._mark += "X"
        self._placeholders: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        ranges = [_found(text, personal) for text in texts]
        if hole:
            left, right = texts[0][-_ROUND_CURSOR:], texts[1][:_ROUND_CURSOR]
            at, before = len(left), len(texts[0]) - len(left)
            for start, end, kind in _found(left + right, personal):
                if start < at < end:
                    if not _is_word(left[start:]):
                        ranges[0] = _without_overlaps([(before + start, len(texts[0]), kind), *ranges[0]])
                    if not _is_word(right[: end - at]):
                        ranges[1] = _without_overlaps([(0, end - at, kind), *ranges[1]])
        self.texts = tuple(self._hide(text, found) for text, found in zip(texts, ranges, strict=True))
        self._back = {placeholder: value for value, placeholder in self._placeholders.items()}

    def __len__(self) -> int:
        return len(self._placeholders)

    def __repr__(self) -> str:
        return f"<Vault of {self.redactions}>"

    @property
    def redactions(self) -> Redactions:
        """How many values of each kind were taken out."""
        return Redactions(dict(self._counts))

    def hidden(self, text: str) -> str:
        """`text` with the secrets already known taken out (for stop strings)."""
        for secret, placeholder in self._placeholders.items():
            text = text.replace(secret, placeholder)
        return text

    def restored(self, text: str) -> str:
        """`text` with the placeholders turned back: in any letter case, escaped as Markdown is or not, with
        their last sign or without."""
        if not self._placeholders:
            return text
        return _patterns(self._mark)[0].sub(lambda found: self._meant(found[0]), text)

    async def restore(
        self, pieces: AsyncIterator[str], *, shown: bool = False, json: bool = False
    ) -> AsyncIterator[str]:
        """The stream with the placeholders turned back, also those split over pieces.

        With `json` it is JSON, and what comes back is escaped as its strings are. With `shown` it is
        Markdown that is shown: outside of code blocks, addresses keep their placeholders, as following a link
        would send the secret to whom the model names."""
        async with closing(pieces):
            if not self._placeholders:
                async for piece in pieces:
                    yield piece
                return
            place = _Shown()
            begun = _patterns(self._mark)[1]
            held = ""
            async for piece in pieces:
                text = held + piece
                beginning = begun.search(text, max(0, len(text) - len(self._mark) - _BEHIND_MARK))
                whole = beginning.start() if beginning else len(text)
                held = text[whole:]
                if out := self._back_in(text[:whole], place if shown else None, json=json):
                    yield out
            if held:
                yield self._back_in(held, place if shown else None, json=json)

    def _back_in(self, text: str, place: _Shown | None, *, json: bool) -> str:
        if json:
            return _patterns(self._mark)[0].sub(lambda found: self._meant(found[0], json=True), text)
        if place is None:
            return self.restored(text)
        out: list[str] = []
        at = 0
        for found in _patterns(self._mark)[0].finditer(text):
            place.passed(text[at : found.start()])
            out += [text[at : found.start()], found[0] if place.is_address() else self._meant(found[0])]
            place.passed(found[0])
            at = found.end()
        place.passed(text[at:])
        return "".join((*out, text[at:]))

    def _meant(self, written: str, *, json: bool = False) -> str:
        """The value of a placeholder as a model wrote it; what is none stays."""
        plain = written.replace("\\", "").upper()
        value = self._back.get(plain if plain.endswith("_") else f"{plain}_")
        return written if value is None else dumps(value)[1:-1] if json else value

    def _hide(self, text: str, ranges: Iterable[_Range]) -> str:
        parts: list[str] = []
        at = 0
        for start, end, kind in ranges:
            value = text[start:end]
            if value not in self._placeholders:
                self._counts[kind] += 1
                # Ends in a sign no digit can follow, so that number 1 is not the start of number 10.
                self._placeholders[value] = f"{self._mark}_{kind}_{self._counts[kind]}_"
            parts += [text[at:start], self._placeholders[value]]
            at = end
        return "".join((*parts, text[at:]))


class _Shown:
    """Where in a Markdown text a stream has come to: in a code block, in an address, in words."""

    def __init__(self) -> None:
        self._before = self._line = self._fence = ""

    def passed(self, text: str) -> None:
        *whole, rest = text.split("\n")
        for each in whole:
            self._end(self._line + each)
            self._line = ""
        self._line += rest

    def is_address(self) -> bool:
        """Whether what comes next is part of where a link leads."""
        if self._fence and not self._leaves_block(self._line):
            return False
        return _ADDRESS.search(f"{self._before}\n{self._line}") is not None

    def _leaves_block(self, line: str) -> bool:
        # A block in a list item ends with the item, at the first line that is not indented as it is.
        indent = len(self._fence) - len(self._fence.lstrip())
        return bool(line.strip()) and len(line) - len(line.lstrip()) < indent

    def _end(self, line: str) -> None:
        if self._fence and self._leaves_block(line):
            self._fence = ""
        mark = _FENCE.match(line)
        if self._fence:
            if mark and mark[2].startswith(self._fence.strip()) and not line.strip(" `~\r"):
                self._fence = ""
        elif mark:
            self._fence = mark[1] + mark[2]
        self._before = line


_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.\-]*:\\?/|www\.|(?:mailto|data|javascript|command|tel|xmpp):)\S*\Z"  # bare, or <…>
    r"|\]\(\s*(?:<[^>\n]*|\S*)\Z|^[ >]*\[[^\]\n]+\]:\s*(?:<[^>\n]*|\S*)\Z",  # of [text](…) and of [name]: …
    re.IGNORECASE | re.MULTILINE,
)


@lru_cache(maxsize=8)
def _patterns(mark: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Of placeholders as models write them, and of the beginning of one at the end of a text."""
    kinds, begun = "|".join(_KINDS), "|".join(mark[:size] for size in range(len(mark) - 1, 0, -1))
    return (
        re.compile(rf"{mark}\\?_(?:{kinds})\\?_\d{{1,6}}(?:\\?_)?", re.IGNORECASE),
        re.compile(rf"(?:{mark}\\?(?:_[A-Z]{{0,8}}\\?(?:_\d{{0,6}}\\?)?)?|{begun})\Z", re.IGNORECASE),
    )


_BEHIND_MARK = 20
"""Characters of a placeholder behind its mark, signs that escape with them."""
_Range = tuple[int, int, str]


def _is_word(side: str) -> bool:
    """Whether the part of a secret on one side of the cursor is a word, which somebody may be typing there,
    and tells nothing."""
    return side.isalpha() and len(side) <= 12


_KINDS = ("SECRET", *get_args(Kind))
_ROUND_CURSOR = 600
"""Characters on each side of a hole that are looked at together."""


def _found(text: str, personal: bool) -> list[_Range]:
    """Block by block: of what is sent while somebody types, nearly all was sent a moment ago."""
    text, places = _plain(text)
    ranges = [(start, end, "SECRET") for start, end in (*_keys(text), *of_manifests(text))]
    at = 0
    for end in (*(gap.end() for gap in _BETWEEN_BLOCKS.finditer(text)), len(text)):
        if found := _in_block(text[at:end], personal):
            ranges += [(at + start, at + stop, kind) for start, stop, kind in found]
        at = end
    if places:
        ranges = [(places[start], places[end - 1] + 1, kind) for start, end, kind in ranges]
    return _without_overlaps(ranges) if ranges else ranges


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """`text` as the patterns read it: lines that end in a line feed, plain letters and blanks for wide ones,
    and nothing that is not seen, as what is copied from a page may hold. Where its characters stand in
    `text`, unless each stands where it stood."""
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if text.isascii() or not _DRESSED.search(text):
        return text, ()
    text = text.translate(_WIDE)
    if not _UNSEEN.search(text):
        return text, ()
    places = [at for at, character in enumerate(text) if not _UNSEEN.match(character)]
    return _UNSEEN.sub("", text), places


_WIDE = {code + 0xFEE0: code for code in range(0x21, 0x7F)} | {
    0xA0: 0x20,
    0x3000: 0x20,
    0x85: 0x0A,
    0x2028: 0x0A,
    0x2029: 0x0A,
}
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_DRESSED = re.compile(_UNSEEN.pattern[:-1] + "\u0085\u00a0\u2028\u2029\u3000\uff01-\uff5e]")
_BETWEEN_BLOCKS = re.compile(r"\n ?\n(?=[^\s)\]}])")
"""Where a definition ends and the next begins. A line decides it with the one before it, so that blocks stay
the same while the text around them moves."""


@lru_cache(maxsize=2_048)
def _in_block(block: str, personal: bool) -> tuple[_Range, ...]:
    ranges = [(start, end, "SECRET") for start, end in secrets_in(block)]
    if personal:
        ranges += [(place.start, place.end, place.kind) for place in personal_data(block)]
    return tuple(_without_overlaps(ranges))


def _without_overlaps(ranges: Iterable[_Range]) -> list[_Range]:
    """In order; of those that overlap one, with the kind of the first."""
    apart: list[_Range] = []
    for start, end, kind in sorted(ranges):
        if apart and start < apart[-1][1]:
            before = apart[-1]
            apart[-1] = (before[0], max(end, before[1]), "SECRET" if "SECRET" in (kind, before[2]) else kind)
        elif start < end:
            apart.append((start, end, kind))
    return apart


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[\s\"'+\\n,]*[A-Za-z0-9+/=]{16,}[\s\"'+\\n,]*$")


def _keys(text: str) -> Iterator[tuple[int, int]]:
    """Private keys, also those whose beginning or end was cut off with the text round the cursor."""
    if "-----" not in text:
        return
    begin = _BEGIN.search(text)
    while begin:
        end = _END.search(text, begin.end())
        if end is None:
            break
        yield begin.start(), end.end()
        begin = _BEGIN.search(text, end.end())
    last_begin = max((match.end() for match in _BEGIN.finditer(text)), default=-1)
    if last_begin >= 0 and not _END.search(text, last_begin):
        yield last_begin, _key_lines(text, last_begin, forward=True)
    first_end = _END.search(text)
    if first_end and not _BEGIN.search(text, 0, first_end.start()):
        yield _key_lines(text, first_end.start(), forward=False), first_end.start()


def _key_lines(text: str, at: int, *, forward: bool) -> int:
    """How far the base64 lines of a key reach from `at`."""
    if forward:
        for line in re.finditer(r"[^\n]*\n?", text[at:]):
            if line[0].strip() and not _KEY_LINE.match(line[0]) and line.start() > 0:
                return at + line.start()
        return len(text)
    edge = at
    for line in reversed(list(re.finditer(r"[^\n]*\n|[^\n]+$", text[:at]))):
        if line[0].strip() and not _KEY_LINE.match(line[0]):
            break
        edge = line.start()
    return edge


_WORTH_A_LOOK = re.compile(
    r"passw|pwd|secret|(?:api|auth|service|account|priv|private|client)_?key|(?:db|database)_?(?:key|pass)|key_?pass|contrase",
    re.IGNORECASE,
)
"""Lines without any of these have nothing for the library's keyword detector, which is slow."""
_ISSUERS = ("cloudant", "softlayer", "ibm", "cos_")
"""What the lines hold that the library's detectors of issuers find something in."""


class _Plugin(Protocol):
    def analyze_string(self, string: str) -> Iterable[str]: ...


def _by_library(text: str) -> Iterator[tuple[int, int]]:
    keywords, issuers = _plugins()
    for start, line in _lines_with(text, ("pass", "pwd", "secret", "key", "contrase"), text.lower()):
        if ('"' in line or "'" in line) and _WORTH_A_LOOK.search(line):
            for secret in keywords.analyze_string(line):
                if secret and can_be_secret(secret, outright=True, quoted=True):
                    yield from places(line, secret, start)
    for start, line in _lines_with(text, _ISSUERS, text):
        for plugin in issuers:
            for secret in plugin.analyze_string(line):
                if secret and len(secret) >= 12:
                    yield from places(line, secret, start)


def _lines_with(text: str, words: Iterable[str], searched: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` (parts of long ones) with one of `words` in `searched`, and where they start."""
    if len(searched) != len(text):  # a few letters have longer small forms
        searched = text
    starts: set[int] = set()
    for word in words:
        at = searched.find(word)
        while at >= 0:
            line = text.rfind("\n", 0, at) + 1
            starts.add(max(line, line + (at - line) // (LONGEST_LINE - 200) * (LONGEST_LINE - 200)))
            at = searched.find(word, at + len(word))
    for start in sorted(starts):
        end = text.find("\n", start, start + LONGEST_LINE)
        yield start, text[start : end if end >= 0 else start + LONGEST_LINE]


@lru_cache(maxsize=1)
def _plugins() -> tuple[_Plugin, tuple[_Plugin, ...]]:
    """The library's detector of telling names, and those of issuers that `secret_formats` has not in full.
    Importing them takes 0.1-0.2 s, so it happens at the first use."""
    from detect_secrets.plugins.cloudant import CloudantDetector
    from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
    from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
    from detect_secrets.plugins.keyword import KeywordDetector
    from detect_secrets.plugins.softlayer import SoftlayerDetector

    issuers = (
        CloudantDetector,
        IbmCloudIamDetector,
        IbmCosHmacDetector,
        SoftlayerDetector,
    )
    return cast("_Plugin", KeywordDetector()), cast(
        "tuple[_Plugin, ...]", tuple(plugin() for plugin in issuers)
    )
