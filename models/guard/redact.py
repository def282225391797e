"""Secrets and personal data out of a text, and back into the answer.

Finds secrets by the formats their issuers gave them (`secret_formats`), by the names they stand beside and by
how random they look (`secret_names`, `secret_settings`), by the columns and the manifests they stand in
(`secret_columns`, `secret_manifests`), and by the detectors of the detect-secrets library
(`secret_plugins`); personal data by `pii`. Each is replaced by a placeholder that a model
can copy like a name (`DEVFLOW_SECRET_1_`, `DEVFLOW_EMAIL_2_`) and that no text of the request holds; in the
answer the placeholder becomes the value again, so code that mentions a key still does. All in memory: nothing
is written or verified over the network. CPU-bound (about 4 MB/s): call it in a thread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from json import dumps
from typing import get_args

from devflow.models.guard.assembled import assembled
from devflow.models.guard.joined import encoded, readings
from devflow.models.guard.pii import Kind, personal_data
from devflow.models.guard.secret_columns import in_columns
from devflow.models.guard.secret_formats import formatted, long_runs, places, spaced
from devflow.models.guard.secret_manifests import of_manifests
from devflow.models.guard.secret_names import LONGEST_VALUE, named, random_strings
from devflow.models.guard.secret_plugins import by_plugins
from devflow.models.guard.secret_settings import settings
from devflow.models.streams import closing


def secrets_in(text: str) -> list[tuple[int, int]]:
    """The ranges of the secrets in `text`, in order, none touching another."""
    found = [*_as_it_stands(text), *_keys(text), *by_plugins(text)]
    for reading in readings(text):
        found += [reading.written(*place) for place in _as_it_stands(reading.text)]
    return _merged(found)


def _as_it_stands(text: str, *, decoded: bool = True) -> Iterator[tuple[int, int]]:
    runs = long_runs(text)
    prose: set[str] = set()
    if decoded:
        for written, plain in encoded(runs):
            if _ACCOUNT.fullmatch(plain) or any(True for _ in _as_it_stands(plain, decoded=False)):
                yield from places(text, written)
            elif " " in plain:
                prose.add(written)
    yield from formatted(text, runs)
    yield from spaced(text)
    yield from random_strings(text, runs, prose)
    yield from named(text)
    yield from settings(text)
    yield from in_columns(text)


_ACCOUNT = re.compile(r"[\w.@\-]{1,64}:(?=.{0,60}[A-Za-z])(?!//)[^\s{}\[\]\"',]{5,128}")
"""`user:password`, as headers and the settings of programs have it in base64."""


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
        again = _unmistakable(texts, ranges)
        ranges = [_and_again(text, found, again) for text, found in zip(texts, ranges, strict=True)]
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


def _unmistakable(texts: Sequence[str], ranges: Sequence[Sequence[_Range]]) -> list[str]:
    """The secrets that are no word, which are taken out wherever they stand: a password beside its name in
    one place is an argument without one in the next."""
    found = {
        text[start:end]
        for text, places in zip(texts, ranges, strict=True)
        for start, end, kind in places
        if kind == "SECRET"
    }
    values = (
        value
        for value in sorted(found)
        if 8 <= len(value) <= LONGEST_VALUE and re.search(r"\d", value) and re.search(r"[^\W\d]", value)
    )
    return list(islice(values, _MOST_AGAIN))


_MOST_AGAIN = 200
"""Values that are looked for again; more of them are a list of tokens, each where it was found."""


def _and_again(text: str, ranges: list[_Range], values: Iterable[str]) -> list[_Range]:
    more = [
        (*place, "SECRET")
        for value in values
        for place in places(text, value)
        if not text[place[0] - 1 : place[0]].isalnum() and not text[place[1] : place[1] + 1].isalnum()
    ]
    return _without_overlaps([*ranges, *more]) if more else ranges


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
    ranges = [(start, end, "SECRET") for start, end in (*_keys(text), *of_manifests(text), *_in_parts(text))]
    at = 0
    for end in (*(gap.end() for gap in _BETWEEN_BLOCKS.finditer(text)), len(text)):
        if found := _in_block(text[at:end], personal):
            ranges += [(at + start, at + stop, kind) for start, stop, kind in found]
        at = end
    if places:
        ranges = [(places[start], places[end - 1] + 1, kind) for start, end, kind in ranges]
    return _without_overlaps(ranges) if ranges else ranges


def _in_parts(text: str) -> Iterator[tuple[int, int]]:
    """The parts of secrets that are put together from names of strings."""
    for each in assembled(text):
        if any(end > each.begin for _, end in _as_it_stands(each.text)):
            yield from each.parts


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """`text` as the patterns read it: lines that end in a line feed, plain letters and blanks for wide ones,
    and nothing that is not seen, as what is copied from a page may hold. Where its characters stand in
    `text`, unless each stands where it stood."""
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if text.isascii() or not _DRESSED.search(text):
        return text, ()
    text = _LOOKS_LATIN.sub(_in_latin, text).translate(_WIDE)
    if not _UNSEEN.search(text):
        return text, ()
    places = [at for at, character in enumerate(text) if not _UNSEEN.match(character)]
    return _UNSEEN.sub("", text), places


def _in_latin(letters: re.Match[str]) -> str:
    """Letters in a word that has Latin ones beside them as what they look like."""
    text, (start, end) = letters.string, letters.span()
    beside = text[max(0, start - 1) : start] + text[end : end + 1]
    return letters[0].translate(_LOOK_ALIKE) if re.search("[A-Za-z]", beside) else letters[0]


_WIDE = (
    {code + 0xFEE0: code for code in range(0x21, 0x7F)}
    | dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x3000), 0x20)
    | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), 0x2D)
    | dict.fromkeys((0x85, 0x2028, 0x2029), 0x0A)
)
"""Wide letters, blanks of other widths, dashes of print, other ends of lines: as what they stand for."""
_LOOK_ALIKE = str.maketrans("асеорхуіѕАВСЕНІКМОРТХοΑΒΕΗΙΚΜΝΟΡΤΧ", "aceopxyisABCEHIKMOPTXoABEHIKMNOPTX")
_LOOKS_LATIN = re.compile(f"[{''.join(map(chr, _LOOK_ALIKE))}]+")
"""Cyrillic's and Greek's letters that look as Latin's do."""
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_DRESSED = re.compile(f"[{_UNSEEN.pattern[1:-1]}{_LOOKS_LATIN.pattern[1:-2]}{''.join(map(chr, _WIDE))}]")
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
