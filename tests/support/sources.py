"""A Python project in memory, for refactorings: files, and no type engine unless one is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devflow.analysis.facts import Location
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.text import Text

ROOT = Path("/project")


class MemorySources:
    """`refactor.project.Sources` over a dictionary of texts."""

    def __init__(self, files: Mapping[Path, str], roots: Sequence[Path] = (ROOT,)) -> None:
        self.roots = roots
        self.texts = {path: Text(text) for path, text in files.items()}
        self.define: Callable[[Path, int], Sequence[Location]] | None = None
        self.known_members: Mapping[str, Sequence[str]] = {}

    def read(self, path: Path) -> Text | None:
        return self.texts.get(path)

    def exists(self, path: Path) -> bool:
        return path in self.texts

    def files_with(self, name: str) -> Sequence[Path]:
        word = re.compile(rf"\b{re.escape(name)}\b")
        return [path for path, text in self.texts.items() if name in text.source and word.search(text.source)]

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        return self.define(path, at) if self.define is not None else None

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        return None

    def members(self, path: Path, expression: str) -> Sequence[str] | None:
        return self.known_members.get(expression)


def project(files: Mapping[str, str]) -> PythonProject:
    """A project of files by their path below its root."""
    return PythonProject(MemorySources({ROOT / name: text for name, text in files.items()}))
