"""What a model writes as Markdown, so that showing it does nothing: no picture is fetched (its address could
carry text of the workspace out), no link runs a command, no HTML is live. Code stays as it is."""

from __future__ import annotations

import re

_CODE = re.compile(r"(`+[^`\n]*`+)")
_IMAGE = re.compile(r"!\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])?")
_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(\s*<?([^)\s>\n]*)[^)\n]*\)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*\S+.*$")
_TAG = re.compile(r"<(?=[A-Za-z/!?])(?!https?://[^\s<>]*>)")
_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_SAFE = re.compile(r"(?:https?://|#|[^:/?#]*(?:[/?#]|$))", re.IGNORECASE)


def inert(markdown: str) -> str:
    """`markdown` with pictures, links to anything but pages and files, and HTML as plain text."""
    fence = ""
    lines = []
    for line in markdown.split("\n"):
        text, fence = _line(line, fence)
        lines.append(text)
    return "\n".join(lines)


def _line(line: str, fence: str) -> tuple[str, str]:
    """One line made inert, and the fence that is open behind it."""
    mark = _FENCE.match(line)
    if fence:
        closes = mark is not None and mark[1].startswith(fence) and not line.strip(" `~")
        return line, "" if closes else fence
    if mark is not None:
        return line, mark[1]
    if _DEFINITION.match(line):
        return f"{line[: len(line) - len(line.lstrip())]}`{line.strip()}`", ""
    parts = _CODE.split(line)
    return "".join(part if at % 2 else _text(part) for at, part in enumerate(parts)), ""


def _text(text: str) -> str:
    text = _IMAGE.sub(lambda found: f"(picture: {found[1]})", text)
    text = _LINK.sub(lambda found: found[0] if _SAFE.match(found[2]) else found[1], text)
    return _TAG.sub("&lt;", text)
