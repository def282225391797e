"""The sections of documents: headings of Markdown, reStructuredText, HTML and plain text, cells of notebooks.

A section is called by its headings, the outer ones before: `Install > Linux`. Every line lies in exactly
one section.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devflow.analysis.notebook_text import CELL, MARKDOWN_CELL
from devflow.analysis.text import Text

DOCUMENTS = frozenset({"markdown", "restructuredtext", "plaintext", "html", "jupyter"})
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_RULE = re.compile(r"([=\-~^\"'`#*+.:_<>!$%&(),/;?@\[\\\]{|}])\1{2,}\s*$")
_HTML_HEADING = re.compile(r"<(h[1-6]|title)\b[^<>]{0,400}>(.{0,600}?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_DEEPEST_SHOWN = 3
_LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True)
class Section:
    """Lines `first` to `last`, both included, under `title` (`""` before the first heading)."""

    first: int
    last: int
    title: str


def sections(text: Text, language: str) -> list[Section]:
    """The sections of a document in one of `DOCUMENTS`, in order; a notebook as `notebook_text` writes it."""
    headings = {"markdown": _markdown, "html": _html, "jupyter": _cells}.get(language, _underlined)
    found: list[Section] = []
    first, titles = 0, list[tuple[int, str]]()

    def close(end: int) -> None:
        if end >= first:
            title = _joined([title for _, title in titles])
            found.append(Section(first, end, title))

    for line, level, title in headings(text):
        close(line - 1)
        first = line
        titles = [each for each in titles if each[0] < level] + [(level, title[:_LONGEST_TITLE])]
    close(text.line_count - 1)
    return found


def _joined(titles: Sequence[str]) -> str:
    return " > ".join(titles[-_DEEPEST_SHOWN:])


def _markdown(text: Text) -> Iterator[tuple[int, int, str]]:
    """`(line, level, title)` of `# …` and underlined headings outside fenced code and front matter."""
    fence = ""
    front = text.line(0).strip() == "---" if text.line_count else False
    before = ""
    for number in range(text.line_count):
        line = text.line(number)
        if front:
            front = number == 0 or line.strip() not in ("---", "...")
            continue
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not line.strip(" \t\r\n`~"))):
            fence = "" if fence else mark[1]
            before = ""
            continue
        if fence:
            continue
        if found := _ATX.match(line):
            yield number, len(found[1]), found[2]
            before = ""
        elif before and re.fullmatch(r" {0,3}(=+|-+)\s*", line) and number:
            yield number - 1, 1 if "=" in line else 2, before
            before = ""
        else:
            plain = line.strip()
            before = plain if plain and not plain.startswith((">", "-", "*", "+", "|", "    ")) else ""


def _underlined(text: Text) -> Iterator[tuple[int, int, str]]:
    """`(line, level, title)` of titles that a line of signs underlines, the same above it or not: their
    order of appearance gives the levels (reStructuredText's rule)."""
    levels: list[str] = []
    number = 0
    while number + 1 < text.line_count:
        line = text.line(number)
        title = line.strip()
        over = bool(_RULE.fullmatch(title)) and number + 2 < text.line_count
        if over:
            title = text.line(number + 1).strip()
        under = text.line(number + 2 if over else number + 1).rstrip()
        style = ("over" if over else "") + under[:1]
        fits = (
            bool(title)
            and bool(_RULE.fullmatch(under))
            and len(under) >= len(title)
            and title[:1] != under[:1]
        )
        if fits and (over or not line[:1].isspace()) and (not over or line.rstrip()[:1] == under[:1]):
            if style not in levels:
                levels.append(style)
            yield number, levels.index(style), title
            number += 3 if over else 2
        else:
            number += 1


def _html(text: Text) -> Iterator[tuple[int, int, str]]:
    """`(line, level, title)` of a page's title and headings, the first of each line."""
    taken = -1
    for found in _HTML_HEADING.finditer(text.source):
        line = text.line_at(found.start())
        title = " ".join(html.unescape(_TAG.sub("", found[2])).split())
        if title and line > taken:
            taken = line
            yield line, 0 if found[1].lower() == "title" else int(found[1][1]), title


def _cells(text: Text) -> Iterator[tuple[int, int, str]]:
    """`(line, level, title)` of the cells of a notebook as `notebook_text` writes it, cells of Markdown by
    their headings: what has no heading of its own goes by those above it."""
    titles: list[tuple[int, str]] = []
    starts = [number for number in range(text.line_count) if text.line(number).startswith(CELL)]
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else text.line_count
        at = start
        if text.line(start).startswith(MARKDOWN_CELL):
            # From the end of the cell's mark, so that its lines are counted from there.
            source = text.source[text.line_end(start) : text.line_end(end - 1)]
            for line, level, title in _markdown(Text(source)):
                above = "".join(text.line(number) for number in range(at + 1, start + line))
                if at > start or above.strip():
                    yield at, 0, _joined([each for _, each in titles])
                    at = start + line
                titles = [each for each in titles if each[0] < level] + [(level, title[:_LONGEST_TITLE])]
        yield at, 0, _joined([each for _, each in titles])
