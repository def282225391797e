"""Reads `.safetensors` files with numpy alone.

The format: the length of a JSON header as a little-endian uint64, the header with dtype, shape and byte
range of every tensor, then the bytes (https://github.com/huggingface/safetensors#format). Nothing in it is
executed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}
_LONGEST_HEADER = 50_000_000


def read_tensors(path: Path) -> dict[str, numpy.ndarray]:
    """Every tensor of the file, mapped, not read; BF16 becomes float32. Raises OSError, and ValueError for a
    file that is none or is cut off."""
    import numpy as np

    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 1 < size < _LONGEST_HEADER:
            raise ValueError(f"{path.name} is not a safetensors file")
        written = file.read(size)
        try:
            header = json.loads(written) if len(written) == size else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise ValueError(f"{path.name} is not a safetensors file")
    content = np.memmap(path, np.uint8, "r", offset=8 + size)
    tensors: dict[str, numpy.ndarray] = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        try:
            start, end = about["data_offsets"]
            piece, shape = content[start:end], tuple(about["shape"])
            if about["dtype"] == "BF16":  # the upper half of a float32
                wide = np.zeros((piece.size // 2, 2), "<u2")
                wide[:, 1] = piece.view("<u2")
                tensors[name] = wide.view("<f4").reshape(shape)
            else:
                tensors[name] = piece.view(_DTYPES[about["dtype"]]).reshape(shape)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name} holds a tensor that cannot be read ({name})") from error
    return tensors
