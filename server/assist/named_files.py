"""Files that a text names: relative imports of TypeScript, includes of C, paths in strings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.regular_files import content

_LONGEST = 200
_ENDINGS = {
    "typescript": (".ts", ".tsx", ".d.ts", ".js", ".jsx", "/index.ts", "/index.tsx", "/index.js"),
    "javascript": (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", "/index.js", "/index.ts"),
    "ruby": (".rb",),
    "c": (),
    "cpp": (),
}
_PATH = re.compile(r"[\w@~.+-]+(?:/[\w@.+ -]+)*/?")
_STRING = re.compile(r"\"([^\"\n\\]{2,200})\"|'([^'\n\\]{2,200})'|`([^`\n\\$]{2,200})`|<([\w./+-]{2,200})>")


def string_at(doc: Document, at: int) -> tuple[int, int] | None:
    """The inside of the one-line string that holds `at`."""
    line = doc.text.line_at(at)
    begin = doc.text.line_start(line)
    for found in _STRING.finditer(doc.text.line(line)):
        number = found.lastindex or 0
        if begin + found.start(number) <= at <= begin + found.end(number):
            return begin + found.start(number), begin + found.end(number)
    return None


def strings_in(doc: Document) -> Iterator[tuple[int, int]]:
    """The insides of the strings that could name a file, by their look."""
    for found in _STRING.finditer(doc.text.source):
        number = found.lastindex or 0
        written = found[number]
        if ("/" in written or re.search(r"\.\w{1,6}$", written)) and _PATH.fullmatch(written):
            yield found.start(number), found.end(number)


def file_named(written: str, doc: Document, roots: Sequence[Path]) -> Path | None:
    """The file of the workspace that `written` names in `doc`: beside it, under a root, or (an include)
    anywhere by its last parts. Only regular files inside the roots; the disk is looked at."""
    if doc.path is None or len(written) > _LONGEST or not _PATH.fullmatch(written):
        return None
    language = "typescript" if doc.language == "tsx" else doc.language
    endings = ("", *_ENDINGS.get(language, ()))
    bases = [doc.path.parent]
    if not written.startswith("."):
        bases += [*roots, *(root / name for root in roots for name in ("src", "include", "lib"))]
    aliased = _aliased(written, roots) if language in ("typescript", "javascript") else None
    for base, name in [*((base, written) for base in bases), *((aliased,) if aliased else ())]:
        for ending in endings:
            candidate = Path(os.path.normpath(base / (name.rstrip("/") + ending)))
            inside = any(candidate.is_relative_to(root) for root in roots) or (
                candidate.parent.is_relative_to(doc.path.parent)
            )
            if inside and candidate != doc.path and candidate.is_file():
                return candidate
    return None


def _aliased(written: str, roots: Sequence[Path]) -> tuple[Path, str] | None:
    """A path by the `paths` of a root's tsconfig.json, the simple ones: `"@/*": ["./src/*"]`."""
    for root in roots:
        config = content(root / "tsconfig.json")
        if config is None:
            continue
        source = config.decode("utf-8", "replace")
        base = re.search(r'"baseUrl"\s*:\s*"([^"]*)"', source)
        folder = root / (base[1] if base else ".")
        for pattern, target in re.findall(r'"([^"*]*)\*"\s*:\s*\[\s*"([^"*]*)\*"', source):
            if pattern and written.startswith(pattern):
                return folder, target + written[len(pattern) :]
        if base and not written.startswith("."):
            return folder, written
    return None
