"""What a document's strings and comments link to: addresses, files, Sphinx roles, dotted paths."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.document import Document
from devflow.server.assist.base import Codebase
from devflow.server.assist.named_files import file_named, strings_in
from devflow.server.assist.static_names import names_of
from devflow.server.assist.waiting import due

_SECONDS = 0.2
_MOST = 500
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"'`{}|\\^]+")
_ROLE = re.compile(r":(?:py:)?(?:mod|class|func|meth|attr|data|exc|obj):`[~!.]?(?:[^`<]*<)?([\w.]+)>?`")
_DOTTED = re.compile(r"[\"'](\w+(?:\.\w+)+(?::\w+(?:\.\w+)*)?)[\"']")


@dataclass(frozen=True, slots=True)
class Link:
    """`start:end` leads to a file (and a place in it) or to an address."""

    start: int
    end: int
    path: Path | None = None
    at: int = 0
    """Offset in the file."""
    address: str = ""


async def links(doc: Document, code: Codebase) -> list[Link]:
    """The links of a document in the order of its text, each place once."""
    found = await asyncio.to_thread(_links, doc, code)
    result: list[Link] = []
    for link in sorted(found, key=lambda each: (each.start, -each.end)):
        if not result or link.start >= result[-1].end:
            result.append(link)
    return result[:_MOST]


def _links(doc: Document, code: Codebase) -> list[Link]:
    until = due(_SECONDS)
    source = doc.text.source
    result: list[Link] = []
    for found in _ADDRESS.finditer(source):
        address = found[0].rstrip(".,;:!?*")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?")
        if len(address) > len("https://") + 2:
            result.append(Link(found.start(), found.start() + len(address), address=address))
    for start, end in strings_in(doc):
        path = file_named(source[start:end], doc, code.roots)
        if path is not None:
            result.append(Link(start, end, path))
        if time.monotonic() > until or len(result) > _MOST:
            return result
    if doc.language == "python" and doc.tree is not None and doc.path is not None:
        names = names_of(code)
        for found in (*_ROLE.finditer(source), *_DOTTED.finditer(source)):
            parts = [part for part in re.split(r"[.:]", found[1]) if part]
            target = names.dotted(doc.path, doc.tree, found.start(1), parts) if parts else None
            if target is not None and target.path.suffix:
                at = target.binding.name_start if target.binding is not None else 0
                result.append(Link(found.start(1), found.end(1), target.path, at))
            if time.monotonic() > until or len(result) > _MOST:
                break
    return result
