"""The formats that issuers gave their tokens, from their public documentation: `secret_formats.txt`.

A format has a literal that every token of it holds. Looking for the literals first costs microseconds; its
pattern is tried only where one stands, so a hundred and fifty formats take less time than ten patterns would.
Formats without anything of their own (32 hexadecimal digits of any issuer) are found by the names they stand
beside: `models.secret_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.models.guard.letters import AnyOf, names_in


@dataclass(frozen=True, slots=True)
class Format:
    """How the tokens of one issuer look."""

    issuer: str
    literal: str
    pattern: re.Pattern[str]
    """Matches from `back` characters before the literal; the secret is group 1 where there is one."""
    back: int = 0
    alone: bool = False
    """Whether it is looked for in the whole text and not in its long words only."""


def formatted(text: str, runs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The ranges of `text`, whose `long_runs` are `runs`, in the format of some issuer; they may overlap."""
    dense = " ".join(runs)
    yield from _of(text, (form for literal in _LITERALS.within(dense) for form in _BY_LITERAL[literal]))
    for run in runs:
        if len(run) >= _SHORTEST_SHAPE and (shape := _SHAPES.search(run)):
            yield from places(text, shape[0])


def spaced(text: str) -> Iterator[tuple[int, int]]:
    """The same for formats that are no single word, as those of commands."""
    names = names_in(text)
    yield from _of(text, [form for name, forms in _ALONE if name in names for form in forms])


def _of(text: str, formats: Iterable[Format]) -> Iterator[tuple[int, int]]:
    for form in formats:
        at = text.find(form.literal)
        while at >= 0:
            start = at - form.back
            if start >= 0 and _begins(text, start) and (found := form.pattern.match(text, start)):
                yield found.span(found.re.groups)
                at = text.find(form.literal, max(found.end(), at + 1))
            else:
                at = text.find(form.literal, at + len(form.literal))


def long_runs(text: str) -> list[str]:
    """The long words of `text` by spaces, quotes and brackets, which every token is one of: a tenth of a
    program, so that the rest is not searched. Characters beyond ASCII are `?`."""
    words = text.encode("ascii", "replace").translate(_SPACES).decode("ascii").split()
    return [word for word in words if len(word) >= _SHORTEST]


def places(text: str, part: str, base: int = 0) -> Iterator[tuple[int, int]]:
    """Where `part` stands in `text`, which begins at `base`."""
    at = text.find(part)
    while at >= 0:
        yield base + at, base + at + len(part)
        at = text.find(part, at + len(part))


_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}|"  # Mailgun
    r"[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}|"  # Discord
    r"\d{15,20}-[A-Za-z0-9]{30,45}"  # X (Twitter)
    r")(?![A-Za-z0-9])"
)
_SHORTEST_SHAPE = 46
_SHORTEST = 12
_SPACES = bytes(32 if chr(code) in "\"'`(){}[]<>,;|\\" else code for code in range(256))


def _begins(text: str, at: int) -> bool:
    """Whether a token can begin at `at`: no letter or digit before it, but for escapes such as `\\n`."""
    return (
        at == 0
        or not text[at - 1].isalnum()
        or not text[at].isalnum()
        or (at > 1 and text[at - 2] == "\\" and text[at - 1] in "nrt")
    )


def _formats(table: str) -> Iterator[Format]:
    """`issuer | literal | pattern [| back]` a line."""
    for line in table.strip().splitlines():
        if line and not line.startswith("#"):
            issuer, literal, pattern, *back = (part.strip() for part in line.split(" | "))
            compiled = re.compile(pattern)
            yield Format(issuer, literal, compiled, int(back[0]) if back else 0, _is_alone(literal, pattern))


def _is_alone(literal: str, pattern: str) -> bool:
    """Whether a word of the text can end behind the literal, or in its middle: what is read on is no part of
    it then."""
    return re.search(r"\\s[+*]", pattern) is not None or literal == "://" or not _WORD.fullmatch(literal)


def _name_of(form: Format) -> str:
    names: list[str] = re.findall(r"[a-z0-9_]*", form.literal.lower())
    return max(names, key=len)


_WORD = re.compile(r"[^\s\"'`(){}\[\]<>,;|\\]+")
FORMATS: tuple[Format, ...] = tuple(_formats(Path(__file__).with_suffix(".txt").read_text("utf-8")))
_ALONE = tuple(
    (name, [form for form in FORMATS if form.alone and _name_of(form) == name])
    for name in dict.fromkeys(_name_of(form) for form in FORMATS if form.alone)
)
"""By the longest name in their literals."""
_BY_LITERAL = {
    literal: [form for form in FORMATS if form.literal == literal and not form.alone]
    for literal in dict.fromkeys(form.literal for form in FORMATS if not form.alone)
}
_LITERALS = AnyOf(_BY_LITERAL)
