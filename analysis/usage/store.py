"""A usage model in a folder: segments in folders of their own, and one file that names those that count.

`manifest.json` is replaced in one step when all it names is written, so a kill at any moment leaves the
old model or the new one. What it does not name is rubbish, removed at the next change; readers that
have it mapped keep it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.analysis.usage.model import UsageModel
from devflow.analysis.usage.narrow import Narrow
from devflow.analysis.usage.segment import Entry, Gathered, Numbered, Segment, compacted, merged
from devflow.analysis.usage.vocabulary import ARRAYS, FIRST, Numbering, Vocabulary, Words, mapped

FORMAT = 3
MANIFEST = "manifest.json"
MOST_TOKENS = 16_000_000
"""In one model, a border behind each file counted; files that would exceed it are left out. A build needs
about 15 bytes for each. Places in them must be below `narrow.LIMIT`."""
_MAPPED_FROM = 65_536
"""Bytes; smaller arrays are read into memory."""


@dataclass(frozen=True, slots=True)
class Lexed:
    """A file as it is read: its tokens' `texts`, their `spaces` (0 or 1 each), and its `digest`."""

    texts: Sequence[str]
    spaces: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a stored model without opening it."""

    generation: int
    files: int


def state(directory: Path) -> State | None:
    """Of the model in `directory`; None when there is none that can be used."""
    try:
        manifest = _manifest(directory)
        return State(int(manifest["generation"]), int(manifest["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load(directory: Path, before: UsageModel | None = None) -> UsageModel:
    """The model in `directory`, memory-mapped; segments that `before` has are taken from there.

    Raises FileNotFoundError when there is none, ValueError when it is damaged.
    """
    for attempt in (1, 2):
        manifest = _manifest(directory)
        try:
            return _loaded(directory, manifest, before)
        except FileNotFoundError as missing:
            if attempt == 2:  # the first time, a merge may have replaced it meanwhile
                raise ValueError(_damaged(directory)) from missing
    raise AssertionError("unreachable")


def update(
    directory: Path, files: Mapping[str, str], read: Callable[[str], Lexed | None], generation: int = 0
) -> UsageModel:
    """Make the model in `directory` one of exactly `files` (path → digest), and return it.

    Only files whose digest differs from what the model has are `read`; None leaves a file out. New
    tokens become a segment; a segment less than twice as large as all behind it, or half of it
    forgotten, is merged with those. A damaged model is made again. One process at a time. Raises OSError.
    """
    try:
        model = load(directory)
    except (FileNotFoundError, ValueError):
        model = UsageModel(Vocabulary())
    segments, parts = list(model.segments), list(model.vocabulary.parts)
    del model
    held = {
        entry.path: (number, at)
        for number, segment in enumerate(segments)
        for at, entry in enumerate(segment.files)
        if at not in segment.dead
    }
    dead = [set(segment.dead) for segment in segments]
    for path, (number, at) in held.items():
        if path not in files:
            dead[number].add(at)
    fresh = Gathered()
    vocabulary = Vocabulary(parts)
    numbering = Numbering(vocabulary)
    room = MOST_TOKENS - sum(segments[n].files[at].size + 1 for p, (n, at) in held.items() if p in files)
    for path, digest in files.items():
        known = held.get(path)
        if known is not None and segments[known[0]].files[known[1]].digest == digest:
            continue
        lexed = read(path)
        if known is not None:
            if lexed is not None and segments[known[0]].files[known[1]].digest == lexed.digest:
                continue
            dead[known[0]].add(known[1])
        if lexed is not None and len(lexed.texts) < room:
            room -= len(lexed.texts) + 1
            fresh.add(_numbered(path, lexed, numbering))
    segments = [each.without(frozenset(gone)) for each, gone in zip(segments, dead, strict=True)]
    if fresh:
        parts.append(vocabulary.added())
        del vocabulary, numbering  # their dicts give room to sorting
        segments.append(fresh.segment())
    return _written(directory, UsageModel(Vocabulary(parts), segments), generation)


def _numbered(path: str, lexed: Lexed, numbering: Numbering) -> Numbered:
    from array import array

    import numpy as np

    numbers = np.frombuffer(array("i", map(numbering.__getitem__, lexed.texts)), np.int32)
    return Numbered(path, lexed.digest, numbers, np.frombuffer(lexed.spaces, np.uint8))


def _written(directory: Path, model: UsageModel, generation: int) -> UsageModel:
    """Merge what should be merged, write what is not there yet, and name it all."""
    segments, parts = list(model.segments), list(model.vocabulary.parts)
    begin = _merge_from(segments)
    if begin is not None:
        whole = merged(segments[begin:])
        first = parts[begin].first
        words = Words.of(first, (text for part in parts[begin:] for text in part.texts()))
        del segments[begin:], parts[begin:]
        if len(whole):
            if begin == 0:
                whole, vocabulary = compacted(whole, Vocabulary([words]))
                words = vocabulary.parts[0]
            segments.append(whole)
            parts.append(words)
    directory.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    made: list[Path] = []
    try:
        for segment, words in zip(segments, parts, strict=True):
            if not segment.name:
                segment.name = f"segment-{secrets.token_hex(8)}"
                made.append(directory / segment.name)
                _write_segment(directory / segment.name, segment, words)
            entries.append({"name": segment.name, "first": words.first, "dead": sorted(segment.dead)})
        files = sum(len(segment.files) - len(segment.dead) for segment in segments)
        manifest = {"format": FORMAT, "generation": generation, "files": files, "segments": entries}
        fresh = directory / f"{MANIFEST}.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(manifest, file)
            _flush(file)
        fresh.replace(directory / MANIFEST)
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    named = {segment.name for segment in segments} | {MANIFEST}
    for old in directory.iterdir():
        if old.name not in named:
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.unlink(missing_ok=True)
    return UsageModel(Vocabulary(parts), segments)


def _merge_from(segments: Sequence[Segment]) -> int | None:
    """The first segment that should be merged with all behind it."""
    alive = [segment.alive for segment in segments]
    for at, segment in enumerate(segments):
        if 2 * alive[at] < len(segment) or (at + 1 < len(segments) and alive[at] < 2 * sum(alive[at + 1 :])):
            return at
    return None


def _write_segment(folder: Path, segment: Segment, words: Words) -> None:
    import numpy as np

    folder.mkdir()
    arrays: dict[str, Any] = {
        "tokens": segment.written.low,
        "tokens-high": segment.written.high,
        "suffixes": segment.suffixes.low,
        "suffixes-high": segment.suffixes.high,
    }
    arrays |= dict(zip(ARRAYS, words.arrays, strict=True))
    for name, values in arrays.items():
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, values, allow_pickle=False)
            _flush(file)
    with (folder / "files.json").open("w", encoding="utf-8") as listed:
        json.dump([[each.path, each.digest, each.size] for each in segment.files], listed)
        _flush(listed)


def _manifest(directory: Path) -> dict[str, Any]:
    with (directory / MANIFEST).open(encoding="utf-8") as file:
        try:
            manifest = json.load(file)
        except (ValueError, RecursionError) as problem:
            raise ValueError(_damaged(directory)) from problem
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(_damaged(directory))
    return manifest


def _loaded(directory: Path, manifest: dict[str, Any], before: UsageModel | None) -> UsageModel:
    known = (
        {
            each.name: (each, words)
            for each, words in zip(before.segments, before.vocabulary.parts, strict=True)
        }
        if before is not None
        else {}
    )
    segments: list[Segment] = []
    parts: list[Words] = []
    first = FIRST
    try:
        for entry in manifest["segments"]:
            name, dead = entry["name"], frozenset(entry["dead"])
            if entry["first"] != first or Path(name).name != name or not name.startswith("segment-"):
                raise ValueError(name)
            segment, words = known.get(name) or _read_segment(directory / name, first)
            if words.first != first or not all(
                isinstance(at, int) and 0 <= at < len(segment.files) for at in dead
            ):
                raise ValueError(name)
            segments.append(segment.without(dead))
            parts.append(words)
            first += len(words)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError, KeyError, TypeError, RecursionError) as problem:
        raise ValueError(_damaged(directory)) from problem
    return UsageModel(Vocabulary(parts), segments)


def _read_segment(folder: Path, first: int) -> tuple[Segment, Words]:
    written, suffixes = (_narrow(folder, name) for name in ("tokens", "suffixes"))
    words = mapped(folder, first, _array)
    listed = json.loads((folder / "files.json").read_text(encoding="utf-8"))
    files = [Entry(path, digest, size) for path, digest, size in listed]
    sound = (
        0 < len(written) == len(suffixes) == sum(each.size + 1 for each in files)
        and all(isinstance(each.path, str) and each.size >= 0 for each in files)
        and written.largest() >> 1 < first + len(words)
        and int(written.low[0]) | int(written.high[0]) == 0
        and suffixes.largest() < len(written)
    )
    if not sound:
        raise ValueError("segment")
    segment = Segment(files, written, suffixes)
    segment.name = folder.name
    return segment, words


def _narrow(folder: Path, name: str) -> Narrow:
    import numpy as np

    low, high = _array(folder, name), _array(folder, f"{name}-high")
    if (low.dtype, high.dtype) != (np.uint16, np.uint8) or not low.ndim == high.ndim == 1:
        raise ValueError(name)
    if len(low) != len(high):
        raise ValueError(name)
    return Narrow(low, high)


def _array(folder: Path, name: str) -> Any:
    import numpy as np

    path = folder / f"{name}.npy"
    large = path.stat().st_size >= _MAPPED_FROM
    return np.load(path, mmap_mode="r" if large else None, allow_pickle=False)


def _damaged(directory: Path) -> str:
    return f"the usage model in {str(directory)!r} is damaged; delete it to rebuild it"


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
