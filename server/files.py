"""Texts of files on disk, read in a thread and kept while the file stays as it is."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from pathlib import Path

from devflow.analysis.regular_files import opened
from devflow.analysis.text import Text

log = logging.getLogger(__name__)

LARGEST = 5_000_000
"""Code points; a larger document is set aside: its text is not kept and every answer is empty."""
KEPT = 64
"""Files whose text is kept."""


class FileTexts:
    """A small cache of file texts, valid as long as size and modification time are the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[tuple[int, int], Text]] = OrderedDict()
        self._foreign: set[Path] = set()

    async def text_of(self, path: Path) -> Text | None:
        """The text, without a byte-order mark as editors show it; None (and a line in the log) when
        it cannot be read, is in no encoding that the index knows or is over the size limit."""
        kept = self._kept.get(path)
        found = await asyncio.to_thread(_read, path, kept[0] if kept else None)
        if found is None:
            self._kept.pop(path, None)
            return None
        stamp, text, is_utf8 = found
        if text is None:
            assert kept is not None
            text = kept[1]
        elif is_utf8:
            self._foreign.discard(path)
        else:
            self._foreign.add(path)
        self._kept[path] = (stamp, text)
        self._kept.move_to_end(path)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return text

    def is_utf8(self, path: Path) -> bool:
        """Whether the text that was read last is encoded so: another an editor may not write as it was."""
        return path not in self._foreign


def _read(path: Path, known: tuple[int, int] | None) -> tuple[tuple[int, int], Text | None, bool] | None:
    """Stamp, text and whether it is UTF-8; the text is None when the stamp is the `known` one."""
    try:
        with opened(path) as (file, found):
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == known:
                return stamp, None, True
            if found.st_size > 4 * LARGEST:
                log.info("%s is too large to be read", path)
                return None
            data = file.read()
        try:
            return stamp, Text(data.decode("utf-8-sig")), True
        except UnicodeDecodeError:
            # What the index reads can be told of: else it would name places that nothing leads to.
            from devflow.retrieval.walk import decode

            text = decode(data, python=path.suffix in (".py", ".pyi"))
            if text is not None:
                return stamp, Text(text), False
            log.info("%s is in no encoding that is known", path)
    except OSError as error:
        log.info("%s cannot be read: %s", path, error)
    return None
