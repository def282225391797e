"""The values of Kubernetes's Secrets, in YAML and in JSON: every one counts, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MANIFEST = re.compile(
    r"^[ \t]*(?:-[ \t]+)?[\"']?kind[\"']?:[ \t]{1,8}[\"']?Secret[\"']?,?[ \t]*(?:#[^\n]*)?$"
    r"|[\"']kind[\"']:[ ]?[\"']Secret[\"']",
    re.MULTILINE,
)
_DOCUMENT = re.compile(r"^(?:---|[ \t]*-[ \t]+(?:apiVersion|kind):)", re.MULTILINE)
"""Where one begins, of a stream or of a list."""
_DATA = re.compile(
    r"^(?P<own>[ \t]*)(?:data|stringData):[ \t]*\n"
    r"(?P<lines>(?:(?P=own)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n){1,20000})",
    re.MULTILINE,
)
_LINE = re.compile(
    r"^(?P<indent>[ \t]++)(?P<key>[\w.\-\"']{1,253}+:(?=\s)[ \t]*+)?(?P<values>[^\n]*)", re.MULTILINE
)
_BLOCK = re.compile(r"[|>][+\-\d]{0,2}(?:[ \t]+#[^\n]*)?")
_JSON = re.compile(r"""["'](?:data|stringData)["']\s{0,8}:\s{0,8}\{(?P<lines>[^{}]{0,100000})\}""")
_JSON_VALUE = re.compile(r""":\s{0,8}"((?:[^"\\\n]|\\.){4,})\"""")


def of_manifests(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of those values in `text`."""
    if "Secret" not in text:
        return
    begin = 0
    for end in (*(found.start() for found in _DOCUMENT.finditer(text)), len(text)):
        if _MANIFEST.search(text, begin, end):
            for data in _DATA.finditer(text, begin, end):
                yield from _of_data(text, *data.span("lines"))
            for data in _JSON.finditer(text, begin, end):
                yield from (value.span(1) for value in _JSON_VALUE.finditer(text, *data.span("lines")))
        begin = end


def _of_data(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The values of one mapping; what stands deeper than its keys is a value's next line."""
    indent = ""
    for line in _LINE.finditer(text, begin, end):
        indent = indent or line["indent"]
        is_key = line["key"] is not None and line["indent"] == indent
        start = line.start("values") if is_key else line.end("indent")
        value = text[start : line.end()].rstrip()
        stop = start + len(value)
        if is_key and value[:1] == value[-1:] and value[:1] in ("'", '"'):
            start, stop = start + 1, stop - 1
        is_header = is_key and _BLOCK.fullmatch(value) is not None
        if stop - start >= 4 and not (is_header or value[0] == "#" or "{{" in value or "${" in value):
            yield start, stop
