"""Tokenizers on disk, by the library `tokenizers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def read_tokenizer(path: Path, most: int) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, cutting texts at `most` tokens. Raises OSError, ValueError,
    ImportError."""
    from tokenizers import Tokenizer

    content = path.read_text("utf-8")
    try:
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:  # the library raises plain Exception
        raise ValueError(f"{path.name} is no tokenizer") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    return tokenizer
