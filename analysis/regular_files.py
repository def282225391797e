"""Reading files that a repository brought along: what has a file's name may be a pipe that nobody writes
to, or a link to a device without an end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

LARGEST = 1_000_000
"""Bytes; no settings of a project are larger."""


class NotRegular(OSError):
    """A folder, a pipe or a device."""


@contextmanager
def opened(path: Path, flags: int = 0) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """A regular file to read, with what is known of it; `flags` as for `os.open`. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotRegular(f"{path} is not a file")
        yield file, found


def content(path: Path, most: int = LARGEST, flags: int = 0) -> bytes | None:
    """What a regular file holds; None when it cannot be read or is larger than `most` bytes."""
    try:
        with opened(path, flags) as (file, found):
            return file.read(most) if found.st_size <= most else None
    except OSError:
        return None
