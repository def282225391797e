"""Reading the head of a GGUF file: is it whole, what is it, which control tokens does it have.

Needs no library. A damaged file must be told from a good one before native code sees it: that code
aborts the process on some. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.models.errors import NotConfigured

_MOST = 4_000_000
"""No key count, tensor count or array of a real file is longer."""
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    24: (1, 1), 25: (1, 2), 26: (1, 4),
}  # fmt: skip
"""Tensor type → (values, bytes) of a block, for the types of 2023 that ctransformers knows."""
_CONTROL_TYPES = (3, 4)
"""`tokenizer.ggml.token_type`: control, user-defined."""


@dataclass(frozen=True, slots=True)
class GgufHead:
    """What the head says."""

    architecture: str
    context: int
    tokens: dict[str, int]
    """The control tokens, text → id."""
    layers: int = 0
    """0: not said."""


def head_of(path: Path, *, known_only: bool = True) -> GgufHead:
    """As `read_head`, also where the file cannot be opened. Raises NotConfigured."""
    try:
        return read_head(path, known_only=known_only)
    except (OSError, ValueError) as error:
        raise NotConfigured(f"The model file {path} cannot be read: {error}.") from error


def read_head(path: Path, *, known_only: bool = True) -> GgufHead:
    """Read and check the head. Raises NotConfigured with a sentence that names the file and what to do.
    `known_only`: refuse quantisations that ctransformers does not know."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            reader = _Reader(path, data)
            values, tensors = reader.keys(), reader.tensors()
        except (struct.error, IndexError, UnicodeDecodeError, OverflowError, MemoryError):
            raise _damaged(path, "its head cannot be read") from None
        end = _end(path, tensors, reader.at, values.get("general.alignment", 32), known_only=known_only)
        if end > len(data):
            raise _damaged(path, f"{end - len(data):,} bytes are missing at its end")
    architecture = str(values.get("general.architecture", ""))
    texts, kinds = values.get("tokenizer.ggml.tokens", []), values.get("tokenizer.ggml.token_type", [])
    if not isinstance(texts, list) or not isinstance(kinds, list) or not texts:
        raise _damaged(path, "it has no vocabulary")
    tokens = {
        text: number
        for number, text in enumerate(texts)
        if isinstance(text, str) and (not kinds or (number < len(kinds) and kinds[number] in _CONTROL_TYPES))
    }
    # CodeLlama's infill marks are ordinary tokens in some conversions.
    tokens |= {
        text: number for number, text in enumerate(texts) if text in ("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>")
    }
    context, layers = (values.get(f"{architecture}.{key}", 0) for key in ("context_length", "block_count"))
    return GgufHead(
        architecture,
        context if isinstance(context, int) else 0,
        tokens,
        layers if isinstance(layers, int) else 0,
    )


_NEWEST_EVER = 1_000
"""A version above it is no version: the file is damaged, or of a machine that writes bytes the other way."""


def problem_with(path: Path) -> NotConfigured | None:
    """What is wrong with the file, as far as a few bytes can tell (under a millisecond); None: nothing."""
    try:
        if path.is_dir():
            return NotConfigured(f"{path} is a folder; name the .gguf file in it.")
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        if not path.is_absolute():
            return NotConfigured(f"There is no model file {path}; write its whole path as `model`.")
        return NotConfigured(
            f"The model file {path} does not exist; correct `model`, or download the file there."
        )
    except OSError as error:
        return NotConfigured(f"The model file {path} cannot be read: {error.strerror or error}.")
    if not start:
        return _damaged(path, "it is empty")
    if start[:4] in (b"lmgg", b"tjgg", b"fmgg", b"ggml", b"ggjt"):
        return NotConfigured(f"{path} is in the old GGML format; use a GGUF file of the same model.")
    if start[:4] != b"GGUF":
        if start.startswith(b"version "):
            return _damaged(path, "it is a Git LFS pointer, not the model itself")
        return NotConfigured(
            f"{path} is not a GGUF file, whatever its name says; correct `model`, or download it again."
        )
    if len(start) < 8:
        return _damaged(path, "it ends after its first bytes")
    version = int.from_bytes(start[4:8], "little")
    if version > _NEWEST_EVER:
        return _damaged(path, "its head cannot be read")
    if version not in (2, 3):
        return NotConfigured(
            f"{path} is GGUF version {version}, and only 2 and 3 can be read; convert the model anew."
        )
    return None


def _damaged(path: Path, why: str) -> NotConfigured:
    return NotConfigured(f"The model file {path} is damaged ({why}); download it again.")


class _Reader:
    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path, self.data, self.at = path, data, 8
        self.tensor_count, self.key_count = self.value(10), self.value(10)
        if self.tensor_count > _MOST or self.key_count > _MOST:
            raise _damaged(path, "its counts are impossible")

    def keys(self) -> dict[str, Any]:
        return {self.string(): self.value(self.value(4)) for _ in range(self.key_count)}

    def tensors(self) -> list[tuple[int, int, int]]:
        """`(number of values, type, offset)` of each tensor."""
        found: list[tuple[int, int, int]] = []
        for _ in range(self.tensor_count):
            self.string()
            size = 1
            for _ in range(min(self.value(4), 8)):
                size *= self.value(10)
            found.append((size, self.value(4), self.value(10)))
        return found

    def string(self) -> str:
        size = self.value(10)
        if size > len(self.data) - self.at:
            raise IndexError
        raw = self.data[self.at : self.at + size]
        self.at += size
        return raw.decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            inner, count = self.value(4), self.value(10)
            if count > _MOST:
                raise IndexError
            if inner in _SCALARS:  # at once: merges and scores have 100,000s
                code = _SCALARS[inner][1]
                values = struct.unpack_from(f"<{count}{code}", self.data, self.at)
                self.at += struct.calcsize(f"<{count}{code}")
                return list(values)
            return [self.value(inner) for _ in range(count)]
        form = _SCALARS.get(kind)
        if form is None:
            raise IndexError
        [value] = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value


def _end(
    path: Path, tensors: list[tuple[int, int, int]], at: int, alignment: object, *, known_only: bool
) -> int:
    """Where the last tensor ends in the file, of those whose size is known."""
    step = alignment if isinstance(alignment, int) and 0 < alignment <= 4096 else 32
    start = -(-at // step) * step
    end = start
    for size, kind, offset in tensors:
        if kind not in _BLOCKS:
            if not known_only:
                end = max(end, start + offset)
                continue
            raise NotConfigured(
                f"{path} uses a quantisation that ctransformers does not know; "
                'take the Q4_K_M or Q8_0 file of the model, or engine = "llama".'
            )
        values, width = _BLOCKS[kind]
        end = max(end, start + offset + -(-size // values) * width)
    return end
