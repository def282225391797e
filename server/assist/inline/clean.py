"""From what a model wrote to what may be shown as ghost text.

`clean` runs `STEPS` in their order; each step is a pure function of the text so far and the `Site` it
would be put into, and "" means that nothing is worth showing. What needs a syntax tree comes after it, in
`check`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise

from devflow.server.assist.inline.brackets import CLOSES, unclosed
from devflow.server.assist.inline.closing import balance, cut_at_suffix
from devflow.server.assist.inline.likeness import alike, over_and_over, repeats
from devflow.server.assist.inline.site import Site, indent_of, width

_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)(?:\n?[ \t]*```.*)?\Z", re.DOTALL)
_TOLD = re.compile(r"\A[^`=(){}\[\]]{0,200}:?\s*\n+```[^\n]*\n(.*?)(?:\n?[ \t]*```.*)?\Z", re.DOTALL)
_SPECIAL = re.compile(
    r"<\|[^|\n<>]{1,40}\|>|<｜[^｜\n<>]{1,40}｜>|</?s>|\[/?INST\]"
    r"|<(?:fim_\w+|file_sep|repo_name|issue_\w+|EOT|PRE|SUF|MID|END|eos|bos|end_of_turn|start_of_turn)>"
)
_PATH_LINE = re.compile(r"\A(?:(?:#|//|--)[ \t]*(?:Path:[ \t]*)?|\++[ \t])[\w./\\-]+\.\w{1,5}[ \t]*\n")
_LAST_WORD = re.compile(r"\w{3,}\Z")
_EMPTY_COMMENT = re.compile(r"\A(?:#|//|--|/\*+|\*)[ \t]*(?:TODO|FIXME|XXX)?[: \t]*\Z", re.IGNORECASE)
_LOOK_BACK = 4_000
"""Code points before the cursor that show how the file is indented."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing, though Unicode counts them as printable."""
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: text can be hidden in them."""

_PICTURE = (
    "[\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
    "\ufe0f?[\U0001f3fb-\U0001f3ff]?"
)
_EMOJI = re.compile(rf"{_PICTURE}(?:\u200d{_PICTURE})*")


def clean(raw: str, site: Site, *, goes_on: bool = False) -> str:
    """`raw` as it may be inserted at `site`, or "". `goes_on`: its beginning was typed as it was shown; the
    rest is shown however short it is, and may end a string that was typed."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    for step in STEPS:
        if goes_on and step in (whole_strings, enough):
            continue
        text = step(text, site)
        if not text:
            return ""
    return text


def strip_fence(text: str, _: Site) -> str:
    """A chat model's Markdown fence is not code, nor is the sentence before it."""
    found = _FENCE.match(text) or _TOLD.match(text)
    if found:
        return found[1]
    return re.sub(r"\n[ \t]*```[ \t]*\Z", "", text)


def cut_at_special_token(text: str, site: Site) -> str:
    """A model's control token ends its answer, also when its template did not say so; but for one that stands
    in the code around, which is written about models."""
    for found in _SPECIAL.finditer(text):
        if found[0] not in site.before and found[0] not in site.after:
            return text[: found.start()]
    return text


def drop_path_line(text: str, _: Site) -> str:
    """A first line that only names a file is the prompt's form, not code."""
    return _PATH_LINE.sub("", text)


def drop_typed(text: str, site: Site) -> str:
    """Some models begin again at the start of the line, of the line above or of the word: what stands there
    already is dropped."""
    lines = text.lstrip("\n").split("\n", 1)
    above = site.last_lines[0].strip() if site.last_lines else ""
    if len(lines) == 2 and len(above) >= 8 and lines[0].strip() == above and site.line_before.strip():
        text = lines[1]
    typed = site.line_before.lstrip()
    if len(typed) >= 3 and text.lstrip().startswith(typed):
        return text.lstrip()[len(typed) :]
    word = _LAST_WORD.search(site.line_before)
    if word and re.match(rf"{re.escape(word[0])}(?!\w)", text):
        return text[len(word[0]) :]
    return text


def cut_at_suffix_start(text: str, site: Site) -> str:
    """What follows the cursor begins where the fill ends: text that has reached it is done."""
    if site.line_after.strip() or not site.next_lines:
        return text
    lines = text.split("\n")
    following = [line.strip() for line in site.next_lines]
    for number in range(1, len(lines)):
        here = [line.strip() for line in lines[number:] if line.strip()][: len(following)]
        if len(here) >= 2 and here == following[: len(here)]:
            return "\n".join(lines[:number])
    return text


def keep_first_line(text: str, site: Site) -> str:
    """Outside the start of a block only the current line is filled."""
    if site.multiline:
        return text
    return text.lstrip("\n").split("\n", 1)[0] if not site.line_before.strip() else text.split("\n", 1)[0]


def begin_at_the_cursor(text: str, site: Site) -> str:
    """At the start of a line the indentation already there is not repeated. A block that was indented from
    another column is moved as a whole."""
    indent = site.line_before
    if indent.strip() or not indent or text.startswith("\n"):
        return text
    first = indent_of(text)
    if text.startswith(indent) and first == indent:
        return text[len(indent) :]
    if not first:
        return text
    moved = width(indent) - width(first)
    lines = text.lstrip(" \t").split("\n")
    if moved == 0 or any(line.strip() and width(indent_of(line)) < width(first) for line in lines[1:]):
        return "\n".join(lines)
    return "\n".join([lines[0], *(_moved(line, moved) for line in lines[1:])])


def stop_at_dedent(text: str, site: Site) -> str:
    """A filled block ends where the code falls back to the left of the line it began on, or at two
    blank lines. A line of closing brackets still belongs to it."""
    lines = re.sub(r"\A\n{2,}", "\n", text).split("\n")
    base = width(indent_of(site.line_before))
    opens_block = site.line_before.rstrip().endswith((":", "{"))
    kept = lines[:1]
    for line in lines[1:]:
        if not line.strip():
            if not kept[-1].strip() and len(kept) > 1:
                break
            kept.append(line)
            continue
        column = width(indent_of(line))
        closing = line.strip()[0] in CLOSES
        if column < base or (opens_block and column == base and not closing):
            break
        kept.append(line)
    return "\n".join(kept)


def stop_repeating(text: str, site: Site) -> str:
    """Text that says one thing over and over is cut before it does so again; a line that never stops
    doing so is nothing."""
    lines = text.split("\n")
    lines = lines[: over_and_over(lines)]
    for number, line in enumerate(lines):
        if repeats(line):
            lines = lines[:number]
            break
    above = site.last_lines[0] if site.last_lines else ""
    if (
        lines
        and len(above.strip()) >= 4
        and not site.line_before.strip()
        and lines[0].strip() == above.strip()
    ):
        return ""
    return "\n".join(lines)


def cut_repeated_lines(text: str, site: Site) -> str:
    """Stop before the line that already stands below the cursor, or nearly does."""
    following = site.next_lines
    if not following:
        return text
    lines = text.split("\n")
    first = (site.line_before + lines[0]).strip()
    if first and not site.line_after.strip():
        if first == following[0].strip() or (len(first) >= 12 and alike(first, following[0])):
            return ""
        if site.line_before.strip() == "" and len(first) >= 8 and first in (x.strip() for x in following[1:]):
            return ""
    for number, line in enumerate(lines[1:], 1):
        trivial = not any(char.isalnum() for char in line)
        if not line.strip():
            continue
        if trivial:
            same = line.rstrip() == following[0].rstrip()
        else:
            same = line.strip() == following[0].strip() or (
                len(line.strip()) >= 12 and alike(line, following[0])
            )
        if same:
            return "\n".join(lines[:number])
    return text


def whole_strings(text: str, site: Site) -> str:
    """A string or comment without its end would take in the code that follows: the lines before its own."""
    start = unclosed(text, site.language, site.line_before)
    return text if start is None else text[:start].rpartition("\n")[0]


def reindent(text: str, site: Site) -> str:
    """The lines below the first are indented as the file is: with its tabs, or by its number of spaces."""
    lines = text.split("\n")
    if len(lines) < 2:
        return text
    before = site.before[-_LOOK_BACK:]
    base = indent_of(site.line_before)
    if re.search(r"^\t", before, re.MULTILINE):
        return "\n".join([lines[0], *(_with_tabs(line) for line in lines[1:])])
    unit = _unit(before)
    columns = [width(indent_of(line)) - width(base) for line in lines[1:] if line.strip()]
    own = math.gcd(*columns) if columns and min(columns) >= 0 else 0
    if "\t" in "".join(indent_of(line) for line in lines[1:]):
        lines[1:] = [" " * width(indent_of(line)) + line.lstrip(" \t") for line in lines[1:]]
    if unit and own and own != unit and own in (2, 4, 8) and unit in (2, 4, 8) and own < unit:
        lines[1:] = [
            line and base + " " * ((width(indent_of(line)) - width(base)) // own * unit) + line.lstrip(" \t")
            for line in lines[1:]
        ]
    return "\n".join(lines)


def trim(text: str, _: Site) -> str:
    """No blanks at the end, no blank lines at all at the start beyond one."""
    return re.sub(r"\A\n{2,}", "\n", text).rstrip()


def visible(text: str, site: Site) -> str:
    """Signs that are not seen, or that turn the order of others round (CVE-2021-42574), make code mean
    something else than it shows: such a suggestion is none, unless the code around has that sign too. An
    emoji is seen as one, whatever it is joined of."""
    hidden = {
        char
        for char in _EMOJI.sub("", text)
        if (not char.isprintable() and char not in "\n\t") or char in _BLANK or _SELECTOR.match(char)
    }
    return text if all(char in site.before or char in site.after for char in hidden) else ""


def enough(text: str, site: Site) -> str:
    """A suggestion of less than two signs, of nothing but punctuation that closes nothing, or of an empty
    comment is noise."""
    bare = text.strip()
    if _EMPTY_COMMENT.match(bare) and not site.line_before.strip():
        return ""
    if len(bare) >= 2 and (any(char.isalnum() for char in bare) or bare[-1] in ")]}:'\""):
        return text
    return ""


STEPS: tuple[Callable[[str, Site], str], ...] = (
    strip_fence,
    cut_at_special_token,
    drop_path_line,
    drop_typed,
    cut_at_suffix_start,
    begin_at_the_cursor,
    keep_first_line,
    stop_at_dedent,
    stop_repeating,
    cut_repeated_lines,
    cut_at_suffix,
    whole_strings,
    balance,
    reindent,
    trim,
    visible,
    enough,
)


def _unit(text: str) -> int:
    """Spaces of one step of indentation in `text`; 0 when it shows none."""
    columns = [width(indent_of(line)) for line in text.splitlines() if line.strip()]
    steps = [b - a for a, b in pairwise(columns) if b - a in (2, 4, 8)]
    return max(set(steps), key=steps.count) if steps else 0


def _with_tabs(line: str) -> str:
    indent = indent_of(line)
    columns = width(indent)
    return "\t" * (columns // 4) + " " * (columns % 4) + line[len(indent) :]


def _moved(line: str, columns: int) -> str:
    if not line.strip():
        return line
    indent = indent_of(line)
    if "\t" in indent:
        return "\t" * max(0, (width(indent) + columns) // 4) + line[len(indent) :]
    return " " * max(0, len(indent) + columns) + line[len(indent) :]
