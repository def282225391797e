"""What left this machine, or was not allowed to: one line of JSON a call, each holding the hash of the one
before.

A line that is changed, taken out or put in breaks the chain at that line. What the chain alone cannot show,
that lines are missing at the end, is shown by the ledger, which keeps the last line's hash and where it ends
(`Written`). The log holds
no secret and no text: names of files, numbers, kinds of redactions; the text as it was sent only where the
user asked for it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

BEGINNING = "0" * 64
"""What stands for the hash before the first line."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading the whole log found."""

    lines: int
    """Good lines from the beginning."""
    broken: int = 0
    """The number of the first line that is not as it was written, from 1; 0: none."""
    why: str = ""
    head: str = BEGINNING
    """The hash of the last good line."""

    @property
    def whole(self) -> bool:
        """Whether every line is as it was written."""
        return not self.broken


@dataclass(frozen=True, slots=True)
class Written:
    """A line as it was appended."""

    start: int
    end: int
    """In bytes of the file: of two lines, what is behind the other was written after it."""
    before: str
    """The hash of the line before, …"""
    head: str
    """… and its own."""


class AuditLog:
    """The open log. Synchronous, takes a tenth of a millisecond: call it in a thread. Several processes may
    append to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._head = BEGINNING
        self._size = -1

    def append(self, entry: Mapping[str, Any]) -> Written:
        """Write one line behind the others. Raises OSError, and then the log is as it was."""
        with self._lock, _alone(self.path) as handle:
            size = os.fstat(handle).st_size
            if size != self._size:  # another process has written
                size = _without_stump(handle, size)
                self._head = _last_hash(handle, size)
            line, head = _line(entry, self._head)
            _write(handle, line, size)
            written = Written(size, size + len(line), self._head, head)
            self._head, self._size = head, written.end
        return written


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[int]:
    """The file, open to be written behind its end, while no other process has it so. The lock is on the file
    itself where the system allows that, which is a tenth of the time of one beside it, and waits without
    looking again and again."""
    if fcntl is None:
        from filelock import FileLock

        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), mode=0o600):
            handle = _open(path)
            try:
                yield handle
            finally:
                os.close(handle)
        return
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)  # which ends the lock


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND  # Python lets no other program inherit it
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def verify(path: Path, known: Iterable[str] = ()) -> Verdict:
    """Read the log from its beginning. `known`: hashes of lines that the ledger remembers. A log that is not
    there is whole when nothing is remembered of it. Raises OSError."""
    head, number = BEGINNING, 0
    heads = {head}
    try:
        with path.open("rb") as file:
            left = _written(file.fileno())
            while raw := file.readline(left):
                left -= len(raw)
                number += 1
                problem, found = _checked(raw, head)
                if problem:
                    return Verdict(number - 1, number, problem, head)
                head = found
                heads.add(head)
    except FileNotFoundError:
        pass
    if not heads.issuperset(known):
        return Verdict(number, number + 1, "lines are missing at the end", head)
    return Verdict(number, head=head)


def _written(handle: int) -> int:
    """The size of the file while nobody is within a line."""
    if fcntl is None:
        return os.fstat(handle).st_size
    fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        return os.fstat(handle).st_size
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def _write(handle: int, line: bytes, size: int) -> None:
    """Write the whole line behind the first `size` bytes or nothing of it. Raises OSError."""
    try:
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(handle, size)
        raise


def _without_stump(handle: int, size: int) -> int:
    """Cut what a writer that died within its line left of it: no hash was handed out for that. Returns the
    size of the whole lines."""
    start = size
    while start:
        begin = max(0, start - (1 << 16))
        newline = os.pread(handle, start - begin, begin).rfind(b"\n")
        if newline >= 0:
            start = begin + newline + 1
            break
        start = begin
    if start != size:
        os.ftruncate(handle, start)
    return start


def _line(entry: Mapping[str, Any], before: str) -> tuple[bytes, str]:
    body = {**entry, "prev": before}
    head = _hash(body)
    return (json.dumps({**body, "hash": head}) + "\n").encode(), head


def _hash(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _checked(raw: bytes, before: str) -> tuple[str, str]:
    """What is wrong with a line, "" when nothing is, and its hash."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return "it is not JSON", ""
    if not isinstance(body, dict) or not isinstance(body.get("hash"), str):
        return "it has no hash", ""
    found = body.pop("hash")
    if body.get("prev") != before:
        return "the line before it is not the one it was written behind", ""
    # The bytes are compared and not the hash alone, which does not see a name given twice or other spaces.
    if _line(body, before)[0] != raw:
        return "it was changed after it was written", ""
    return "", found


def _last_hash(handle: int, size: int) -> str:
    """The hash of the last whole line, read from the end."""
    window = 1 << 16
    while size:
        start = max(0, size - window)
        lines = os.pread(handle, size - start, start).splitlines()
        for raw in reversed(lines if start == 0 else lines[1:]):
            try:
                found = json.loads(raw)["hash"]
            except (ValueError, KeyError, TypeError):
                continue
            return str(found)
        if start == 0:
            break
        window *= 4
    return BEGINNING


def stamp(at: float) -> str:
    """A time for the log, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
