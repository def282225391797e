"""Reading and parsing batches of files: what runs in a thread or a parser process."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections import Counter, deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.retrieval.prepare import PreparedFile, prepare
from devflow.retrieval.walk import Found, IndexSettings, Rules, Skip, judge, look_at, read, walk

log = logging.getLogger(__name__)

MOST_FILES = 200_000
"""A walk ends there: a home folder or `/` opened by mistake must not fill the disk."""
MOST_NAMED = 1_000
"""Paths that are kept of what is left out for one reason."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found, and how much it left out for which reason."""

    found: list[Found]
    skipped: Counter[str]
    left_out: dict[str, list[str]]
    """The paths of `skipped` by reason, at most `MOST_NAMED` each."""
    cut: bool
    """Whether there were more than `MOST_FILES`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Single paths: files to read, paths that are no files of ours any more, whether folders were named."""

    found: list[Found]
    gone: list[str]
    folders: bool


@dataclass(slots=True)
class Prepared:
    """A batch that is ready to be written."""

    files: list[PreparedFile]
    unchanged: list[tuple[int, int, str]]
    """`(size, mtime_ns, path)` of files whose content is known."""
    skips: list[tuple[str, str]]
    """`(path, reason)`."""

    def add(self, other: Prepared) -> None:
        """Take over what `other` has."""
        self.files += other.files
        self.unchanged += other.unchanged
        self.skips += other.skips

    def without(self, paths: Container[str]) -> Prepared:
        """What is about other paths."""
        return Prepared(
            [file for file in self.files if file.path not in paths],
            [stamp for stamp in self.unchanged if stamp[2] not in paths],
            [skip for skip in self.skips if skip[0] not in paths],
        )


def list_files(root: Path, settings: IndexSettings, rules: Rules) -> Walked:
    """The whole walk."""
    found: list[Found] = []
    skipped: Counter[str] = Counter()
    left_out: dict[str, list[str]] = {}
    for item in walk(root, settings, rules):
        if isinstance(item, Found):
            if len(found) == MOST_FILES:
                return Walked(found, skipped, left_out, cut=True)
            found.append(item)
        else:
            skipped[item.reason] += 1
            named = left_out.setdefault(item.reason, [])
            if len(named) < MOST_NAMED:
                named.append(item.path.relative_to(root).as_posix())
    return Walked(found, skipped, left_out, cut=False)


def too_many_files(root: Path) -> str:
    """The sentence for a walk that was cut."""
    return (
        f"{root} holds more than {MOST_FILES:,} source files; only these are indexed. Open a "
        "smaller folder, or leave folders out with a .devflowignore file."
    )


def look_at_all(root: Path, paths: Sequence[str], rules: Rules) -> Looked:
    """Judge single paths as the walk would."""
    looked = Looked([], [], any(path == "" or _is_folder(root / path) for path in paths))
    for path in paths:
        if not path:
            continue
        item = look_at(root, path, rules)
        if isinstance(item, Found):
            looked.found.append(item)
        elif isinstance(item, Skip) or not _is_folder(root / path):
            looked.gone.append(path)
    return looked


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # below a folder of somebody else's
        return False


def prepare_files(
    queue: deque[Found], settings: IndexSettings, digests: Mapping[str, bytes], seconds: float = math.inf
) -> Prepared:
    """Read and parse from the front of the queue for about `seconds`; at least one file. `digests` are of
    the content that is stored already."""
    done = Prepared([], [], [])
    end = time.monotonic() + seconds
    while queue and time.monotonic() < end:
        found = queue.popleft()
        source = read(found, settings)
        if isinstance(source, Skip):
            done.skips.append((found.relative, source.reason))
        elif digests.get(found.relative) == source.digest:
            done.unchanged.append((found.size, found.mtime_ns, found.relative))
        else:
            try:
                done.files.append(prepare(found.relative, source, found.size, found.mtime_ns))
            except Exception:  # one bad file costs itself only
                log.exception("a file could not be indexed: %s", found.relative)
                done.skips.append((found.relative, "failed"))
    return done


def prepare_texts(root: Path, texts: dict[str, str], settings: IndexSettings, rules: Rules) -> Prepared:
    """Parse open documents; ignored and secret ones are left out as on disk."""
    done = Prepared([], [], [])
    for path, text in texts.items():
        parents = path.split("/")[:-1]
        outside = any(rules.skips_folder("/".join(parents[: n + 1])) for n in range(len(parents)))
        reason = "ignored" if outside else rules.reason_against(path, len(text))
        source = Skip(root / path, reason) if reason else judge(root / path, text, settings)
        if isinstance(source, Skip):
            done.skips.append((path, source.reason))
            continue
        try:
            done.files.append(prepare(path, source, len(text), 0))
        except Exception:
            log.exception("an open document could not be indexed: %s", path)
    return done


def lower_priority() -> None:
    """On Linux this is the thread's own niceness: answering stays at the normal one."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)
