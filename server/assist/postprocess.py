"""From what a model wrote to what may be shown as ghost text.

`clean` runs `STEPS` in their order; each step is a pure function of the text so far and the `Site` it
would be put into, and "" means that nothing is worth showing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)(?:\n[ \t]*```.*)?\Z", re.DOTALL)
_SPECIAL = re.compile(
    r"<\|[^|\n<>]{1,40}\|>|<｜[^｜\n<>]{1,40}｜>|</?s>|<(?:fim_\w+|file_sep|EOT|PRE|SUF|MID|END|eos|bos)>"
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_LOOK_BACK = 4_000
"""Code points before the cursor searched for brackets that are still open."""
_TAB = 4


@dataclass(frozen=True, slots=True)
class Site:
    """Where a suggestion would go: between `before` and `after`, the document's text around it."""

    before: str
    after: str
    multiline: bool = False
    """Whether more than the current line may be filled (the cursor is at the start of a block)."""

    @property
    def line_before(self) -> str:
        """What stands on the cursor's line before it."""
        return self.before[_last_break(self.before) :]

    @property
    def line_after(self) -> str:
        """What stands on the cursor's line behind it."""
        return re.split(r"\r\n|\n|\r", self.after, maxsplit=1)[0]

    @property
    def next_lines(self) -> list[str]:
        """The non-blank lines below the cursor's, at most three, as they stand."""
        below = self.after[len(self.line_after) : len(self.line_after) + 2_000]
        return [line for line in below.splitlines() if line.strip()][:3]


def clean(raw: str, site: Site) -> str:
    """`raw` as it may be inserted at `site`, or ""."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    for step in STEPS:
        text = step(text, site)
        if not text:
            return ""
    return text


def strip_fence(text: str, _: Site) -> str:
    """A chat model's Markdown fence is not code."""
    found = _FENCE.match(text)
    return found[1] if found else text


def cut_at_special_token(text: str, _: Site) -> str:
    """A model's control token ends its answer, also when its template did not say so."""
    return _SPECIAL.split(text, maxsplit=1)[0]


def drop_typed(text: str, site: Site) -> str:
    """Some models begin again at the start of the line: what is typed already is dropped."""
    typed = site.line_before.lstrip()
    if len(typed) >= 3 and text.lstrip().startswith(typed):
        return text.lstrip()[len(typed) :]
    return text


def fit_indentation(text: str, site: Site) -> str:
    """At the start of a line the indentation already there is not repeated, and spaces become tabs
    where the file is indented with tabs."""
    indent = site.line_before
    if indent and not indent.strip():
        text = text[len(indent) :] if text.startswith(indent) else text.lstrip(" \t")
    if re.search(r"^\t", site.before[-_LOOK_BACK:], re.MULTILINE):
        text = re.sub(r"(?<=\n)(?: {4})+", lambda m: "\t" * (len(m[0]) // _TAB), text)
    return text


def keep_first_line(text: str, site: Site) -> str:
    """Outside the start of a block only the current line is filled."""
    return text if site.multiline else text.split("\n", 1)[0]


def stop_at_dedent(text: str, site: Site) -> str:
    """A filled block ends where the code falls back to the left of the line it began on, or at two
    blank lines. A line of closing brackets still belongs to it."""
    lines = text.split("\n")
    base = _width(re.match(r"[ \t]*", site.line_before)[0])  # type: ignore[index]
    opens_block = site.line_before.rstrip().endswith((":", "{"))
    kept = lines[:1]
    for line in lines[1:]:
        if not line.strip():
            if not kept[-1].strip():
                break
            kept.append(line)
            continue
        width = _width(line[: len(line) - len(line.lstrip())])
        closing = line.strip()[0] in _CLOSES
        if width < base or (opens_block and width == base and not closing):
            break
        kept.append(line)
    return "\n".join(kept)


def cut_repeated_lines(text: str, site: Site) -> str:
    """Stop before the line that already stands below the cursor."""
    following = site.next_lines
    if not following:
        return text
    lines = text.split("\n")
    first = (site.line_before + lines[0]).strip()
    if first and first == following[0].strip() and not site.line_after.strip():
        return ""
    for number, line in enumerate(lines[1:], 1):
        trivial = not any(char.isalnum() for char in line)
        same = line.rstrip() == following[0].rstrip() if trivial else line.strip() == following[0].strip()
        if line.strip() and same:
            return "\n".join(lines[:number])
    return text


def cut_at_suffix(text: str, site: Site) -> str:
    """What the text ends with and the rest of the line begins with is there already."""
    rest = site.line_after.strip()
    if not rest:
        return text
    text = text.split("\n", 1)[0]
    for size in range(min(len(rest), len(text)), 0, -1):
        if text.endswith(rest[:size]):
            return text[: len(text) - size]
    return text


def balance(text: str, site: Site) -> str:
    """Cut before a closing bracket that neither the text nor the code before it opened, or whose
    partner is closed by the rest of the line."""
    waiting = _open_brackets(site.before[-_LOOK_BACK:])
    for char in site.line_after:
        if char in _CLOSES and waiting and waiting[-1] == _CLOSES[char]:
            waiting.pop()
    stack: list[str] = []
    for at, char in _code(text):
        if char in "([{":
            stack.append(char)
        elif char in _CLOSES:
            source = stack or waiting
            if not source or source[-1] != _CLOSES[char]:
                return text[:at]
            source.pop()
    return text


def trim(text: str, _: Site) -> str:
    """No blanks at the end, no blank lines at all at the start beyond one."""
    return re.sub(r"\A\n{2,}", "\n", text).rstrip()


def enough(text: str, _: Site) -> str:
    """A suggestion of less than two signs, or of nothing but punctuation that closes nothing, is noise."""
    bare = text.strip()
    if len(bare) >= 2 and (any(char.isalnum() for char in bare) or bare[-1] in ")]}:'\""):
        return text
    return ""


STEPS: tuple[Callable[[str, Site], str], ...] = (
    strip_fence,
    cut_at_special_token,
    drop_typed,
    fit_indentation,
    keep_first_line,
    stop_at_dedent,
    cut_repeated_lines,
    cut_at_suffix,
    balance,
    trim,
    enough,
)


def _code(text: str) -> list[tuple[int, str]]:
    """The code points outside quoted strings, as well as can be told without a grammar."""
    found: list[tuple[int, str]] = []
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote or (char == "\n" and quote != "`"):
                quote = ""
        elif char in '"`' or (char == "'" and not (at and text[at - 1].isalnum())):
            quote = char
        else:
            found.append((at, char))
        at += 1
    return found


def _open_brackets(text: str) -> list[str]:
    stack: list[str] = []
    for _, char in _code(text):
        if char in "([{":
            stack.append(char)
        elif char in _CLOSES and stack and stack[-1] == _CLOSES[char]:
            stack.pop()
    return stack


def _last_break(text: str) -> int:
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def _width(indent: str) -> int:
    return len(indent.expandtabs(_TAB))
