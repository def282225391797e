"""Transformers on disk: Chroma's ONNX copy of all-MiniLM-L6-v2, or a folder of sentence-transformers.

A folder with `model.onnx` (or `onnx/model.onnx`) runs in onnxruntime; one with a BERT in
`model.safetensors` is computed with numpy, exactly and slowly: some twenty texts a second.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.retrieval.embedders.tensors import read_tensors
from devflow.retrieval.embedders.tokens import read_tokenizer

if TYPE_CHECKING:
    import numpy

_MOST_TOKENS = 256
_AT_ONCE = 16
_MOST_CHARACTERS = 8 * _MOST_TOKENS

Forward = Callable[["numpy.ndarray", "numpy.ndarray"], "numpy.ndarray"]
"""(token ids, mask), both (texts, tokens) → (texts, tokens, dimensions)."""


class TransformerEmbedder:
    """`models.base.Embedder` of a folder. Needs the library `tokenizers`, and `onnxruntime` for ONNX."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, ValueError, ImportError."""
        onnx = next((path for path in onnx_files(folder) if path.is_file()), None)
        weights = onnx or folder / "model.safetensors"
        tokenizer = next(
            (
                path / "tokenizer.json"
                for path in (weights.parent, folder)
                if (path / "tokenizer.json").is_file()
            ),
            folder / "tokenizer.json",
        )
        self._tokenizer = read_tokenizer(tokenizer, _MOST_TOKENS)
        self._forward = _by_onnx(onnx) if onnx else _by_numpy(folder)
        self._first_token = _pools_by_first_token(folder)
        self._dimensions = int(self._encoded(["a"]).shape[1])
        with weights.open("rb") as file:
            digest = hashlib.blake2b(file.read(4_000_000), digest_size=4).hexdigest()
        self._name = f"transformer-{folder.name}-{digest}"

    @property
    def name(self) -> str:
        """Folder and digest: other weights in the same folder are another embedder."""
        return self._name

    @property
    def dimensions(self) -> int:
        """Of every vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> numpy.ndarray:
        """A float32 array of shape (len(texts), dimensions)."""
        import numpy as np

        result = np.zeros((len(texts), self._dimensions), np.float32)
        # Texts of one length together: what is padded is computed for nothing.
        order = sorted((at for at, text in enumerate(texts) if text.strip()), key=lambda at: len(texts[at]))
        for at in range(0, len(order), _AT_ONCE):
            some = order[at : at + _AT_ONCE]
            result[some] = self._encoded([texts[each][:_MOST_CHARACTERS] for each in some])
        return result

    def _encoded(self, texts: Sequence[str]) -> numpy.ndarray:
        import numpy as np

        encoded = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        ids = np.zeros((len(encoded), max(map(len, encoded))), np.int64)
        mask = np.zeros_like(ids)
        for row, each in enumerate(encoded):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        tokens = self._forward(ids, mask)
        if self._first_token:
            pooled = tokens[:, 0]
        else:
            pooled = (tokens * mask[..., None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        return (pooled / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def onnx_files(folder: Path) -> tuple[Path, ...]:
    """Where a folder may hold its ONNX graph."""
    return folder / "model.onnx", folder / "onnx" / "model.onnx"


def _pools_by_first_token(folder: Path) -> bool:
    try:
        about = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("pooling_mode_cls_token") is True


def _by_onnx(path: Path) -> Forward:
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # it runs beside somebody's editor
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class of their own
        raise ValueError(
            f"{path.name} is no model that onnxruntime can load ({type(error).__name__})"
        ) from error
    wanted = {each.name for each in session.get_inputs()}

    def forward(ids: numpy.ndarray, mask: numpy.ndarray) -> numpy.ndarray:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        [tokens, *_] = session.run(None, {name: value for name, value in given.items() if name in wanted})
        return np.asarray(tokens)

    return forward


def _by_numpy(folder: Path) -> Forward:
    """BERT (Devlin et al. 2019) as its paper has it, without dropout."""
    import numpy as np

    about = json.loads((folder / "config.json").read_text("utf-8"))
    if not isinstance(about, dict) or about.get("model_type") != "bert":
        raise ValueError("config.json names no BERT; other transformers are read from model.onnx")
    weights = {
        name.removeprefix("bert."): np.asarray(value, np.float32)
        for name, value in read_tensors(folder / "model.safetensors").items()
        if value.dtype.kind == "f"
    }
    layers, heads = int(about["num_hidden_layers"]), int(about["num_attention_heads"])
    epsilon = float(about.get("layer_norm_eps", 1e-12))

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def forward(ids: numpy.ndarray, mask: numpy.ndarray) -> numpy.ndarray:
        texts, length = ids.shape
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][:length]
        x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        size = x.shape[-1] // heads
        hidden = np.where(mask[:, None, None, :] > 0, 0.0, -1e9).astype(np.float32)

        def split(x: Any) -> Any:
            return x.reshape(texts, length, heads, size).transpose(0, 2, 1, 3)

        for layer in range(layers):
            at = f"encoder.layer.{layer}"
            query, key, value = (
                split(linear(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(size) + hidden
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            seen = (scores / scores.sum(axis=-1, keepdims=True)) @ value
            seen = seen.transpose(0, 2, 1, 3).reshape(texts, length, -1)
            x = norm(x + linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            inner = _gelu(linear(x, f"{at}.intermediate.dense"))
            x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return np.asarray(x)

    return forward


def _gelu(x: Any) -> Any:
    """x · Φ(x), with erf by Abramowitz and Stegun 7.1.26: off by less than 1.5e-7, a float32's rounding."""
    import numpy as np

    z = np.abs(x) / math.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return x * 0.5 * (1.0 + np.sign(x) * (1.0 - series * np.exp(-z * z)))
