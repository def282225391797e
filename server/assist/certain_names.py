"""Python names by scopes, imports and classes (`analysis.refactor.uses`), with the files of a session.

Added to what a type engine says; no engine is asked."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.named_strings import CLASS_MAKERS
from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.refused import NotIndexed, Refused
from devflow.analysis.refactor.uses import certain_uses, made_at
from devflow.analysis.text import Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.project import WorkspaceSources, names_in, worked_out
from devflow.server.assist.waiting import due

SECONDS = 2.0
"""Files that are not read by then are left out."""
_MOST_FILES = 200
_SPECIAL = r"[\"'][\w, ]*\bNAME\b[\w, ]*[\"']|[(,\s]NAME=(?!=)|#\s*type:[^\n]*\bNAME\b"
_MADE = rf"\b(?:{'|'.join(sorted(CLASS_MAKERS))})\([^)]*\bNAME\b"


class _Sources(WorkspaceSources):
    """Files alone, as many as can be read in time; `here`: no file is looked through but the document's."""

    def __init__(self, doc: Document, code: Codebase, here: bool) -> None:
        super().__init__(doc, code)
        self._own: list[Path] = [doc.path] if doc.path is not None else []
        self._here = here
        self._over = due(SECONDS)
        self._typed = code.python is not None and code.types_are_fast

    def read(self, path: Path) -> Text | None:
        """The present text of a file, in time."""
        return super().read(path) if path in self._own or time.monotonic() < self._over else None

    def files_with(self, name: str) -> Sequence[Path]:
        """Those the index knows, the document's first."""
        if self._here:
            return self._own
        try:
            known = super().files_with(name)
        except (NotIndexed, Refused):
            return self._own
        others = [each for each in known if each not in self._own][:_MOST_FILES]
        return [*self._own, *(self._untyped(name, others) if self._typed else others)]

    def _untyped(self, name: str, files: Sequence[Path]) -> Sequence[Path]:
        """Those in which the name stands in a way that a type engine does not see: in a string or a comment,
        as a keyword. All of them for the fields of a class that a call makes: it does not know these."""
        special = re.compile(_SPECIAL.replace("NAME", re.escape(name)))
        made = re.compile(_MADE.replace("NAME", re.escape(name)))
        left: list[Path] = []
        for path in self._own + list(files):
            text = self.read(path)
            if text is not None and made.search(text.source):
                return files
            if text is not None and path in files and special.search(text.source):
                left.append(path)
        return left

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        """Not asked."""
        return None

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        """Not asked."""
        return None


async def uses(doc: Document, start: int, code: Codebase, here: bool = False) -> list[Location]:
    """Where the name that begins at `start` stands for certain, what makes it among it. `here`: in the
    document alone."""
    if doc.path is None or doc.tree is None or doc.language != "python":
        return []
    found = await worked_out(
        _Sources(doc, code, here), doc, code, lambda project, path: certain_uses(project, path, start)
    )
    return [Location(each.path, each.start, each.end) for each in found if not here or each.path == doc.path]


async def made(doc: Document, start: int, code: Codebase) -> Location | None:
    """Where what the name that begins at `start` stands for is made; None where it cannot be told."""
    if doc.path is None or doc.tree is None or doc.language != "python":
        return None
    return await worked_out(
        _Sources(doc, code, True), doc, code, lambda project, path: _location(project, path, start)
    )


def is_another(names: PythonNames, start: int, other: int) -> bool:
    """Whether the plain names that begin at `start` and `other` belong to different scopes, and neither is an
    import, which may bring one and the same thing into both."""
    here, there = names.at(start), names.at(other)
    if here is None or there is None or here.name != there.name or names.home(here) == names.home(there):
        return False
    made = [names.first_binding(each.name, names.home(each)) for each in (here, there)]
    return all(each is not None and each.how not in ("import", "parameter") for each in made)


def _location(project: PythonProject, path: Path, start: int) -> Location | None:
    place = made_at(project, path, start)
    return Location(place.path, place.start, place.end) if place is not None else None


async def is_name_in_string(doc: Document, at: int, code: Codebase) -> bool:
    """Whether the word at `at`, in quotes or a comment, is a name to Python: of an annotation, `__all__`."""
    if doc.language != "python" or doc.tree is None:
        return False
    names = await asyncio.to_thread(names_in, doc, code)
    return names.is_in_string(doc.text.word_at(at)[0])
