"""What jedi has worked out, kept from one question to the next. Run only in the python worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST_QUESTIONS = 300
"""Questions answered from what is kept before jedi begins anew: it grows by about 0.1 MiB each."""


class Kept:
    """What jedi has worked out about a project, kept from one question to the next.

    jedi forgets all it inferred with each `Script`; keeping it halves the time of a question. It is
    dropped when a file it has read changes on the disk, when another project is asked about, and after
    `_MOST_QUESTIONS`, so that it cannot grow.
    """

    def __init__(self) -> None:
        self._script: Any = None
        self._place: tuple[Path | None, Path] | None = None
        self._path: Path | None = None
        self._source = ""
        self._questions = 0
        self._read: dict[Path, float] = {}

    def forget(self) -> None:
        """Begin anew with the next question."""
        self._script = self._place = None
        self._read = {}

    def script(self, root: Path | None, path: Path, source: str, make: Callable[[], Any]) -> Any:
        """A script for `source` that knows what the scripts before it found; `make` gives a new one."""
        place = (root, _package_top(path))
        self._questions += 1
        if place != self._place or self._questions > _MOST_QUESTIONS or self._changed():
            self.forget()
            self._questions = 0
        if self._script is None or (path, source) != (self._path, self._source):
            script = make()
            if self._script is not None:
                script._inference_state = self._script._inference_state
                script._inference_state.script_path = path
            self._script = script
        self._place, self._path, self._source = place, path, source
        # What jedi does per script to end recursions and long searches.
        self._script._inference_state.inferred_element_counts = {}
        self._script._inference_state.reset_recursion_limitations()
        return self._script

    def note_files(self) -> None:
        """Remember the age of the project's files that jedi has read; called after each question."""
        if self._script is None or self._place is None:
            return
        root, top = self._place
        if root is None:
            return
        for names, modules in list(self._script._inference_state.module_cache._name_cache.items()):
            paths = [module.py__file__() for module in modules]
            if not paths:  # could not be imported: it may be there later
                paths = [top.joinpath(*names[:-1], f"{names[-1]}.py"), top.joinpath(*names)]
            for path in paths:
                if path is not None and path not in self._read and path.is_relative_to(root):
                    self._read[path] = _age(path)

    def _changed(self) -> bool:
        return any(_age(path) != age for path, age in self._read.items() if path != self._path)


def _package_top(path: Path) -> Path:
    """The folder that holds the outermost package of `path`: what it imports is looked for from there."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
