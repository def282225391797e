"""`devflow-static`: a bag of sub-words, each with a learned vector; the embedder that ships.

A text's vector is the sum of its sub-words' vectors, each counted `1 + log(times)`, scaled to length 1.
That is the whole model (a neural bag of words, as in Husain et al., CodeSearchNet, 2019, initialised by
distillation as in model2vec); what it knows lies in `static.npz`, which `training/static` makes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING

from devflow.retrieval.words import whole_words

if TYPE_CHECKING:
    import numpy

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_MOST_PIECES = 400
"""A chunk's first words say what it is about; longer ones (tables, data) would only add noise."""
_HEAD = 1.5
"""How much more the words of the first line count: path and name of a chunk. A question has one line."""
_MOST_KNOWN = 100_000
"""Identifiers that are kept; the bound is on memory."""
_LONGEST_PIECE = 40
_KEPT = 96
"""Components of a vector that is given out, of the 256 that the weights have: the principal ones of all
words. With 128 the right code is found as often, with 64 less often."""
_AT_ONCE = 32
"""Texts that are summed together; more of them have more distinct words, which all count for each."""


def pieces(text: str) -> list[str]:
    """The sub-words of `text` as written: `getHTTPResponse_v2` → `get HTTP Response v 2`."""
    return _PIECE.findall(text)


def spelled(word: str, rows: Mapping[str, int], longest: int) -> list[int]:
    """The rows of the longest words that `word`, in lower case, consists of; `longest`: letters of any."""
    found: list[int] = []
    at, end = 0, min(len(word), _LONGEST_PIECE)
    while at < end:
        for stop in range(min(end, at + longest), at + 2, -1):
            row = rows.get(word[at:stop])
            if row is not None:
                found.append(row)
                at = stop
                break
        else:
            at += 1
    return found


def shipped_name() -> str:
    """The name of the model that ships, without loading it."""
    with zipfile.ZipFile(str(files("devflow.retrieval.embedders") / "static.npz")) as archive:
        return _named(archive.read("name.npy").rpartition(b"\n")[2])


def _named(made: bytes) -> str:
    """Vectors of another size are other vectors."""
    return f"{made.decode('ascii')}-{_KEPT}"


class StaticEmbedder:
    """`models.base.Embedder`. Not thread-safe: it keeps the words it has met."""

    def __init__(self, model: bytes | None = None) -> None:
        """`model`: the content of a `.npz` with `words` (UTF-8, one a line), `vectors` (int8, one row a
        word), `scales` (float32) and `name`; the one that ships when None."""
        import numpy as np

        content = (
            model if model is not None else (files("devflow.retrieval.embedders") / "static.npz").read_bytes()
        )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            vocabulary = arrays["words"].tobytes().decode("utf-8").split("\n")
            self._vectors: numpy.ndarray = arrays["vectors"]
            self._scales: numpy.ndarray = arrays["scales"]
            self._name = _named(arrays["name"].tobytes())
        self._words = {word: row for row, word in enumerate(vocabulary)}
        self._longest = max(map(len, vocabulary))
        self._shipped = len(vocabulary)
        self._pieces: dict[str, int] = dict(self._words)
        """Row of every spelling of a sub-word met so far; from `_shipped` on words made of others."""
        self._new: list[numpy.ndarray] = []
        self._known: dict[str, tuple[int, ...]] = {}
        """Rows of every identifier met so far: a codebase says the same ones again and again."""

    @property
    def name(self) -> str:
        """Kept with the vectors: another name embeds everything again. It holds a digest of the weights."""
        return self._name

    @cached_property
    def _principal(self) -> numpy.ndarray:
        """When it is asked for: who compares words alone never needs it."""
        return _principal(self._vectors, self._scales)

    @property
    def dimensions(self) -> int:
        """Of every vector."""
        return int(self._principal.shape[1])

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> numpy.ndarray:
        """A float32 array of shape (len(texts), dimensions)."""
        import numpy as np

        result = np.zeros((len(texts), self.dimensions), np.float32)
        for at in range(0, len(texts), _AT_ONCE):
            some = texts[at : at + _AT_ONCE]
            result[at : at + len(some)] = self._sums(some) @ self._principal
        lengths = np.linalg.norm(result, axis=1, keepdims=True)
        result /= np.where(lengths > 0, lengths, 1.0)
        return result

    def rows(self, text: str) -> tuple[list[int], int]:
        """The vocabulary's row of each sub-word of `text`, and how many of them stand on its first line."""
        first, _, rest = text[: 16 * _MOST_PIECES].partition("\n")
        found = self._rows_of(first)
        head = len(found)
        if rest:
            found += self._rows_of(rest)
        return found[:_MOST_PIECES], min(head, _MOST_PIECES)

    def forget_if_many(self) -> None:
        """Forget the words met when there are too many; rows of before mean nothing afterwards."""
        if len(self._known) > _MOST_KNOWN:
            self._new.clear()
            self._known.clear()
            self._pieces = dict(self._words)

    def _rows_of(self, text: str) -> list[int]:
        found: list[int] = []
        known = self._known
        for word in whole_words(text):
            rows = known.get(word)
            if rows is None:
                rows = known[word] = tuple(self._met(piece) for piece in pieces(word))
            found += rows
        return found

    def _sums(self, texts: Sequence[str]) -> numpy.ndarray:
        """A few texts at once as one product of matrices: texts by words times words by dimensions."""
        import numpy as np

        self.forget_if_many()
        rows: list[int] = []
        places: list[int] = []
        heads: list[int] = []
        for text in texts:
            found, head = self.rows(text)
            rows += found
            places.append(len(found))
            heads.append(head)
        if not rows:
            return np.zeros((len(texts), self._vectors.shape[1]), np.float32)
        distinct, inverse = np.unique(np.asarray(rows), return_inverse=True)
        lengths = np.asarray(places)
        text_of = np.repeat(np.arange(len(texts)), lengths)
        size = len(texts) * len(distinct)
        flat = text_of * len(distinct) + inverse
        counts = np.bincount(flat, minlength=size).astype(np.float32)
        weights = np.zeros(size, np.float32)
        there = counts > 0
        weights[there] = 1.0 + np.log(counts[there])
        # The first line's words count more, in texts that have another line.
        within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        on_head = within < np.repeat(np.where(np.asarray(heads) < lengths, heads, 0), lengths)
        weights[flat[on_head]] *= _HEAD
        sums: numpy.ndarray = weights.reshape(len(texts), len(distinct)) @ self.table(distinct)
        return sums

    def table(self, rows: numpy.ndarray) -> numpy.ndarray:
        """The vectors of sub-words by the rows that `rows` gives; valid until words are forgotten."""
        import numpy as np

        table = np.empty((len(rows), self._vectors.shape[1]), np.float32)
        shipped = rows < self._shipped
        known = rows[shipped]
        table[shipped] = self._vectors[known] * self._scales[known, None]
        for place in np.flatnonzero(~shipped):
            table[place] = self._new[rows[place] - self._shipped]
        return table

    def _met(self, piece: str) -> int:
        """The row of a spelling met for the first time: the word in lower case, or one made of the longest
        words it consists of."""
        import numpy as np

        row = self._pieces.get(piece)
        if row is not None:
            return row
        lower = piece.lower()
        row = self._pieces.get(lower)
        if row is None:
            parts = spelled(lower, self._words, self._longest)
            row = self._shipped + len(self._new)
            table = self._vectors[parts].astype(np.float32) * self._scales[parts, None]
            self._new.append(table.sum(axis=0) if parts else np.zeros(self._vectors.shape[1], np.float32))
            self._pieces[lower] = row
        self._pieces[piece] = row
        return row


def _principal(vectors: numpy.ndarray, scales: numpy.ndarray) -> numpy.ndarray:
    """The `_KEPT` directions in which the words of a vocabulary differ most, as columns: of the weights
    alone, so whoever has these has the same ones. 40 ms."""
    import numpy as np

    size = vectors.shape[1]
    products = np.zeros((size, size))
    for at in range(0, len(vectors), 2_048):
        some = vectors[at : at + 2_048] * scales[at : at + 2_048, None].astype(np.float64)
        products += some.T @ some
    _, directions = np.linalg.eigh(products)
    kept = directions[:, ::-1][:, :_KEPT]
    # A direction and its opposite are both right: the one whose largest component is positive.
    signs = np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    found: numpy.ndarray = np.ascontiguousarray(kept * signs, np.float32)
    return found
