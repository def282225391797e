"""A notebook's file as text to read: its cells in the percent format, each line where its JSON has it."""

from __future__ import annotations

import json
import re

CELL = "# %%"
MARKDOWN_CELL = "# %% [markdown]"
_KIND = re.compile(r'^\s*"cell_type"\s*:\s*"(\w+)"')
_SOURCE = re.compile(r'^\s*"source"\s*:\s*\[\s*$')
_SOURCE_LINE = re.compile(_SOURCE.pattern, re.MULTILINE)


def notebook_text(source: str) -> str:
    """The code and markdown cells of a notebook (Jupyter's nbformat 4, as tools write it: `"source"` with a
    string on each line), each line where it stands in the file and as long as there, so that lines and
    places stay true; outputs, which may hold pictures and secrets, and all other JSON are blank.

    What is no such notebook comes out blank. One that is written without line ends is read as it would be
    with them: an editor that saves it writes it so.
    """
    written: list[str] = []
    if not _SOURCE_LINE.search(source):
        source = _laid_out(source)
    kind, inside = "", False
    for line in re.split(r"(?<=\n)", source):
        body = line.rstrip("\r\n")
        end = line[len(body) :]
        text = ""
        if inside:
            inside = not body.lstrip().startswith("]")
            text = _string(body) if inside and kind in ("code", "markdown") else ""
        elif told := _KIND.match(body):
            kind = told[1]
            text = {"code": CELL, "markdown": MARKDOWN_CELL}.get(kind, "")
        elif _SOURCE.match(body):
            inside = True
        written.append(text[: len(body)].ljust(len(body)) + end)
    return "".join(written)


def _laid_out(source: str) -> str:
    try:
        notebook = json.loads(source)
        for cell in notebook["cells"]:
            if isinstance(cell["source"], str):
                cell["source"] = cell["source"].splitlines(keepends=True)
        return json.dumps(notebook, indent=1, ensure_ascii=False)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return source


def _string(line: str) -> str:
    try:
        value = json.loads(line.strip().removesuffix(","))
    except ValueError:
        return ""
    return value.rstrip("\r\n").replace("\n", " ").replace("\r", " ") if isinstance(value, str) else ""
