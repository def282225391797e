"""The sources of a Java development kit: the `src.zip` that it brings along, read in place. A file that is
asked for is laid into the cache, read-only, as no editor opens what is inside of an archive.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from devflow.analysis.toolchains import told

_PLACES = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "/opt/java", "/usr/java")
_PUBLIC = re.compile(r"(?:[\w.]+/)?((?:java|javax)/[\w/]+)\.java")
_LARGEST = 2_000_000
_MOST_CLASSES = 12_000
_LOCAL_HEADER = 30


@lru_cache(1)
def archive() -> Path | None:
    """The `src.zip` of the kit that `JAVA_HOME` names, else that the `java` on the path belongs to, else of
    the newest one that is installed; None where no kit has its sources."""
    for home in _homes():
        for inner in ("lib/src.zip", "src.zip"):
            if (home / inner).is_file():
                return (home / inner).resolve()
    return None


def _homes() -> Iterator[Path]:
    if home := told("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java"):
        yield from Path(program).resolve().parents[1:3]
    for place in map(Path, _PLACES):
        with contextlib.suppress(OSError):
            for each in sorted(place.iterdir(), key=_version, reverse=True):
                yield from (each, each / "Contents" / "Home")


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", folder.name))[:3]


@lru_cache(2)
def classes(sources: Path) -> MappingProxyType[str, tuple[int, int, int]]:
    """The public classes of an archive by their path (`java/util/List`): where each begins in the archive,
    how long it is there, how it is packed."""
    found: dict[str, tuple[int, int, int]] = {}
    with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(sources) as opened:
        for each in opened.infolist():
            name = _PUBLIC.fullmatch(each.filename)
            if name is not None and each.file_size < _LARGEST and len(found) < _MOST_CLASSES:
                found.setdefault(name[1], (each.header_offset, each.compress_size, each.compress_type))
    return MappingProxyType(found)


def source_of(name: str, sources: Path, cache: Path) -> Path | None:
    """The file of a class (`java.util.List`) of an archive, laid into `cache` where it is not yet; None where
    the archive has none, or the cache cannot be written."""
    with contextlib.suppress(OSError):
        return _laid(name, sources, cache)
    return None


def _laid(name: str, sources: Path, cache: Path) -> Path | None:
    place = classes(sources).get(name.replace(".", "/"))
    if place is None:
        return None
    kit = f"{sources.parent.parent.name}-{int(sources.stat().st_mtime)}"
    path = cache / "jdk" / kit / f"{name.replace('.', '/')}.java"
    if not path.is_file():
        text = _unpacked(sources, *place)
        if text is None:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(text)
        part.chmod(0o444)
        part.replace(path)
    return path


def _unpacked(sources: Path, offset: int, length: int, packed: int) -> bytes | None:
    """One file of an archive: opening all of it to read one takes 60 ms."""
    try:
        with sources.open("rb") as opened:
            opened.seek(offset)
            head = opened.read(_LOCAL_HEADER)
            opened.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
            data = opened.read(length)
        if packed == zipfile.ZIP_STORED:
            return data
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _LARGEST)
    except (OSError, zlib.error):
        return None
