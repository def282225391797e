"""Which files of a workspace are worth indexing, and why the others are not.

Honours `.gitignore` at every level (and those above the root inside the same repository),
`.git/info/exclude`, `.devflowignore` and the settings' own patterns. Symbolic links are never followed:
a target inside the root is met in its own place, one outside is not the workspace.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from pathspec import GitIgnoreSpec

from devflow.analysis.notebook_text import notebook_text
from devflow.analysis.regular_files import content, opened
from devflow.retrieval.filters import (
    GENERATED_MARK,
    holds_secret,
    is_output,
    is_skipped_folder,
    is_vendored,
    reason_by_name,
)

IGNORE_FILES = (".gitignore", ".devflowignore")

_HEAD = 8_192
_LARGEST_IGNORE_FILE = 1_000_000
_HIGH = re.compile(rb"[\x80-\xff]")
_NOT_WESTERN = re.compile(rb"[\x80-\xff]{3}|[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class IndexSettings(Protocol):
    """What indexing needs of the settings; `server.settings.Index` is one."""

    @property
    def exclude(self) -> tuple[str, ...]: ...
    @property
    def max_file_bytes(self) -> int: ...
    @property
    def max_line_length(self) -> int: ...
    @property
    def vectors(self) -> bool: ...
    @property
    def max_disk_mib(self) -> int: ...


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """The settings as a value for callers that have no settings file."""

    exclude: tuple[str, ...] = ()
    max_file_bytes: int = 1_000_000
    max_line_length: int = 5_000
    vectors: bool = True
    max_disk_mib: int = 4_000


@dataclass(frozen=True, slots=True)
class Skip:
    """A path that is not indexed."""

    path: Path
    reason: str
    """Short and fit for counting: `binary`, `too large`, `ignored` …"""


@dataclass(frozen=True, slots=True)
class Found:
    """A file worth reading. `relative` uses `/` on every system."""

    path: Path
    relative: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0
    """When content or attributes last changed, which nobody can set back; on Windows when it was made."""


@dataclass(frozen=True, slots=True)
class Source:
    """The decoded text of a file, without a byte order mark; line ends as they are on disk."""

    text: str
    digest: bytes
    """Of the text, so that an open document and its saved file compare equal."""


def walk(
    root: Path, settings: IndexSettings | None = None, rules: Rules | None = None
) -> Iterator[Found | Skip]:
    """Every file under `root` in a stable order, as found or skipped. Ignored folders are not entered
    and not counted. Never raises: what cannot be read is a `Skip`."""
    rules = rules or Rules(root, settings or IndexOptions())
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield Skip(root / folder, "unreadable")
            continue
        folders: list[str] = []
        for entry in listed:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            path = root / relative
            try:
                if entry.is_symlink():
                    yield Skip(path, "symbolic link")
                elif entry.is_dir():
                    if not rules.skips_folder(relative):
                        folders.append(relative)
                    elif is_vendored(path):
                        yield Skip(path, "vendored folder")
                    elif is_output(path):
                        yield Skip(path, "build output")
                elif entry.is_file():
                    info = entry.stat()
                    reason = rules.reason_against(relative, info.st_size)
                    if reason:
                        yield Skip(path, reason)
                    else:
                        yield Found(path, relative, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
                else:
                    yield Skip(path, "not a regular file")
            except OSError:
                yield Skip(path, "unreadable")
        pending += reversed(folders)


def look_at(root: Path, relative: str, rules: Rules) -> Found | Skip | None:
    """The single file `relative`, judged as `walk` would; None when there is no such file."""
    path = root / relative
    try:
        for parent in list(PurePosixPath(relative).parents)[-2::-1]:
            if rules.skips_folder(str(parent)) or (root / parent).is_symlink():
                return Skip(path, "ignored")
        if path.is_symlink():
            return Skip(path, "symbolic link")
        if not path.is_file():
            return None
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return Skip(path, "unreadable")
    reason = rules.reason_against(relative, info.st_size)
    return Skip(path, reason) if reason else Found(path, relative, info.st_size, info.st_mtime_ns)


def read(found: Found, settings: IndexSettings) -> Source | Skip:
    """Read and decode a file that `walk` found; binary, generated and undecodable ones are skipped."""
    try:
        with opened(found.path) as (file, _):
            data = file.read(settings.max_file_bytes + 1)
    except (OSError, ValueError):
        return Skip(found.path, "unreadable")
    if len(data) > settings.max_file_bytes:
        return Skip(found.path, "too large")
    text = decode(data, python=found.relative.endswith((".py", ".pyi")))
    if text is None:
        return Skip(found.path, "binary" if b"\0" in data[:_HEAD] else "unknown encoding")
    return judge(found.path, text, settings)


def judge(path: Path, text: str, settings: IndexSettings) -> Source | Skip:
    """The text as a source, or why its content is not indexed. Of a notebook only the cells count."""
    notebook = path.suffix.lower() == ".ipynb"
    if notebook:
        text = notebook_text(text)
    if holds_secret(text):
        return Skip(path, "secret")
    # A picture in a notebook is a blank of its length.
    longest = max(len(line.rstrip()) for line in text.split("\n")) if notebook else _longest_line(text)
    if longest > settings.max_line_length:
        return Skip(path, "line too long")
    if GENERATED_MARK.search(text[:2_000]):
        return Skip(path, "generated")
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return Source(text, digest)


def decode(data: bytes, *, python: bool = False) -> str | None:
    """UTF-8, UTF-16 with a mark, the encoding a Python file declares, or Windows-1252 (which covers Latin-1)
    where a Western letter stands here and there in ASCII; None for anything else."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in data[:_HEAD]:
        return None
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        pass
    if python:
        try:
            declared, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            return data.decode(declared)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            pass
    # Three such letters in a row are of another alphabet, or of no text.
    if encoding == "utf-16" or _NOT_WESTERN.search(data) or len(_HIGH.findall(data)) * 4 > len(data):
        return None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return None


def relative_to_root(root: Path, real: Path, path: Path) -> str | None:
    """The path under the root with `/`, None when it is elsewhere; `real` is the root without links."""
    for base, candidate in ((root, path), (real, path), (real, Path(os.path.realpath(path)))):
        if candidate.is_relative_to(base) and ".." not in candidate.parts:
            inside = candidate.relative_to(base).as_posix()
            return "" if inside == "." else inside
    return None


class Rules:
    """The ignore rules of one root. They are read once per folder: make a new one when an ignore file
    changes."""

    def __init__(self, root: Path, settings: IndexSettings) -> None:
        self._root = root
        self._settings = settings
        self._exclude = _spec(settings.exclude)
        self._specs: dict[str, list[GitIgnoreSpec]] = {}
        self._folders: dict[str, bool] = {"": False, ".": False}
        self._above = _rules_above(root)

    def skips_folder(self, relative: str) -> bool:
        """Whether `walk` stays out of the folder."""
        known = self._folders.get(relative)
        if known is None:
            folder = self._root / relative
            try:
                known = (
                    is_skipped_folder(folder)
                    or is_vendored(folder)
                    or is_output(folder)
                    or self.ignores(relative + "/")
                )
            except OSError:
                known = False  # who may not look into it finds that out on entering
            self._folders[relative] = known
        return known

    def reason_against(self, relative: str, size: int) -> str:
        """Why the file is left out before it is read; "" when it is not."""
        reason = reason_by_name(relative)
        if reason == "secret":
            return reason
        if self.ignores(relative):
            return "ignored"
        if not _encodable(relative):
            return "name not UTF-8"
        if reason:
            return reason
        return "too large" if size > self._settings.max_file_bytes else ""

    def ignores(self, relative: str) -> bool:
        """Whether a pattern covers the path (folders end in `/`). The deepest file decides, its last
        matching line first, as git does it."""
        excluded = self._exclude.check_file(relative).include
        if excluded is not None:
            return excluded
        folder = relative.rstrip("/")
        while folder:
            folder = folder.rpartition("/")[0]
            inner = relative[len(folder) + 1 :] if folder else relative
            for spec in self._specs_in(folder):
                verdict = spec.check_file(inner).include
                if verdict is not None:
                    return verdict
        for prefix, spec in self._above:
            verdict = spec.check_file(prefix + relative).include
            if verdict is not None:
                return verdict
        return False

    def _specs_in(self, folder: str) -> list[GitIgnoreSpec]:
        known = self._specs.get(folder)
        if known is None:
            names = [".devflowignore", ".gitignore"]
            if not folder:
                names.append(".git/info/exclude")
            specs = (_read_spec(self._root / folder / name) for name in names)
            known = self._specs[folder] = [spec for spec in specs if spec is not None]
        return known


def _rules_above(root: Path) -> list[tuple[str, GitIgnoreSpec]]:
    """`.gitignore` files above the root up to the repository's top, nearest first, each with the root's
    path below it. None of them counts when they ignore the root itself: it was opened on purpose."""
    above: list[tuple[str, GitIgnoreSpec]] = []
    if _is_repository(root):
        return above
    for parent in list(root.parents)[:30]:
        prefix = root.relative_to(parent).as_posix() + "/"
        spec = _read_spec(parent / ".gitignore")
        if spec is not None:
            above.append((prefix, spec))
        if _is_repository(parent):
            ignored = any(spec.check_file(start).include for start, spec in above)
            return [] if ignored else above
    return []


def _is_repository(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()
    except OSError:  # it is somebody else's
        return False


def _read_spec(path: Path) -> GitIgnoreSpec | None:
    """The patterns of an ignore file. It comes with a cloned repository: as git does, no link is
    followed, and neither a device without an end nor a giant file is read."""
    data = content(path, _LARGEST_IGNORE_FILE, os.O_NOFOLLOW)
    return _spec(data.decode("utf-8", errors="replace").splitlines()) if data is not None else None


def _spec(lines: list[str] | tuple[str, ...]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:  # one broken pattern must not switch the others off
        good: list[str] = []
        for line in lines:
            try:
                GitIgnoreSpec.from_lines([line])
            except ValueError:
                continue
            good.append(line)
        return GitIgnoreSpec.from_lines(good)


def _encodable(relative: str) -> bool:
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        return False  # a file name that is not UTF-8 has no URI an editor could send
    return True


def _longest_line(text: str) -> int:
    lines = text.replace("\r", "\n") if "\r" in text else text
    return max(map(len, lines.split("\n")))
