"""Static models in model2vec's layout: a folder with `tokenizer.json` and `model.safetensors`.

A text's vector is the mean of its tokens' rows, as https://github.com/MinishLab/model2vec describes; files of
its newer form hold a weight and a row number for every token as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.retrieval.embedders.tensors import read_tensors
from devflow.retrieval.embedders.tokens import read_tokenizer

if TYPE_CHECKING:
    import numpy

_MOST_TOKENS = 512
_MOST_CHARACTERS = 8 * _MOST_TOKENS


class Model2VecEmbedder:
    """`models.base.Embedder` of a folder. Needs the library `tokenizers`."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, ValueError, ImportError."""
        import numpy as np

        tensors = read_tensors(folder / "model.safetensors")
        if "embeddings" not in tensors or tensors["embeddings"].ndim != 2:
            raise ValueError("model.safetensors holds no table `embeddings`")
        self._rows = np.asarray(tensors["embeddings"])
        self._mapping = tensors.get("mapping")
        self._weights = tensors.get("weights")
        self._tokenizer = read_tokenizer(folder / "tokenizer.json", _MOST_TOKENS)
        tokens = self._tokenizer.get_vocab_size()
        for rows in (self._mapping, self._weights, None if self._mapping is not None else self._rows):
            if rows is not None and len(rows) < tokens:
                raise ValueError("tokenizer.json has more tokens than model.safetensors has rows")
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        self._unknown = self._tokenizer.token_to_id(unknown) if isinstance(unknown, str) else None
        digest = hashlib.blake2b((folder / "tokenizer.json").read_bytes(), digest_size=4)
        digest.update(np.ascontiguousarray(self._rows[:: max(1, len(self._rows) // 1_000)]).tobytes())
        self._name = f"model2vec-{folder.name}-{digest.hexdigest()}"

    @property
    def name(self) -> str:
        """Folder and digest: other weights in the same folder are another embedder."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Of every vector."""
        return int(self._rows.shape[1])

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> numpy.ndarray:
        """A float32 array of shape (len(texts), dimensions)."""
        import numpy as np

        encoded = self._tokenizer.encode_batch(
            [text[:_MOST_CHARACTERS] for text in texts], add_special_tokens=False
        )
        result = np.zeros((len(texts), self.dimensions), np.float32)
        for row, each in enumerate(encoded):
            ids = np.array([token for token in each.ids if token != self._unknown], np.int64)
            if not len(ids):
                continue
            vectors = self._rows[ids if self._mapping is None else self._mapping[ids]].astype(np.float32)
            if self._weights is not None:
                vectors = vectors * self._weights[ids, None].astype(np.float32)
            result[row] = vectors.mean(axis=0)
        lengths = np.linalg.norm(result, axis=1, keepdims=True)
        return result / np.where(lengths > 0, lengths, np.float32(1.0))


def is_model2vec(folder: Path) -> bool:
    """Whether the weights are one table of rows."""
    path = folder / "model.safetensors"
    return path.is_file() and set(read_tensors(path)) <= {"embeddings", "weights", "mapping"}
