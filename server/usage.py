"""The usage model as a session asks it: what is stored, with the open documents as they are now."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from devflow.analysis.languages import language_of
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.live import Live, LiveFile, lexed
from devflow.analysis.usage.vocabulary import Numbering


class OpenDocuments:
    """The newest text of each open document. `put` and `drop` only note down: for the event loop."""

    def __init__(self) -> None:
        self._texts: dict[Path, str] = {}

    def put(self, path: Path, text: str) -> None:
        """A document was opened or edited."""
        self._texts[path] = text

    def drop(self, path: Path) -> None:
        """A document was closed: the disk counts again."""
        self._texts.pop(path, None)

    def texts(self) -> dict[Path, str]:
        """As they are now."""
        return self._texts.copy()


class Usage:
    """One stored model and the documents lexed with its vocabulary. Threads may share it."""

    def __init__(self, root: Path, language: str, stored: UsageModel) -> None:
        self.root = root
        self.stored = stored
        self._language = language
        self._numbering = Numbering(stored.vocabulary)
        self._names: dict[Path, str] = {}
        self._files: dict[str, LiveFile] = {}
        self._last: tuple[tuple[LiveFile, ...], str, UsageModel] | None = None
        self._lock = Lock()

    def model(self, documents: OpenDocuments, besides: Path | None) -> UsageModel:
        """The stored model with `documents` in place of their files, and without the file `besides`,
        whose text the asker knows better. What was typed since the last call is lexed now."""
        left_out = self._name_of(besides) if besides is not None else ""
        with self._lock:
            files: dict[str, LiveFile] = {}
            for path, text in documents.texts().items():
                name = self._name_of(path)
                if not name or name == left_out:
                    continue
                files[name] = lexed(text, self._language, self._numbering, self._files.get(name))
            self._files |= files
            for name in self._files.keys() - files.keys() - {left_out}:
                del self._files[name]
            versions = tuple(files.values())
            last = self._last
            if last is not None and last[1] == left_out and _same(last[0], versions):
                return last[2]
            model = self.stored.now(Live.of(files) if files else None, (left_out,) if left_out else ())
            self._last = (versions, left_out, model)
            return model

    def _name_of(self, path: Path) -> str:
        """As the stored model calls a file of its language; "" for any other. Kept: it is asked of every open
        document at every key."""
        name = self._names.get(path)
        if name is None:
            language = language_of(path)
            ours = language is not None and language.name == self._language
            inside = ours and path.is_relative_to(self.root)
            name = self._names[path] = path.relative_to(self.root).as_posix() if inside else ""
        return name


def _same(one: tuple[LiveFile, ...], other: tuple[LiveFile, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
