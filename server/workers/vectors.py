"""The vectors' process where the embedder is at a server: `python -m devflow.server.workers.vectors`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from devflow.models.base import Embedder
from devflow.models.errors import ModelError, RateLimited, Unreachable
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.chroma import VectorsUnavailable
from devflow.retrieval.embedders.choose import STATIC, EmbedderUnusable, load_embedder
from devflow.retrieval.vector_process import serve


def embedder_of(options: VectorOptions) -> Embedder:
    """The configured embedder. Raises EmbedderUnusable, and VectorsUnavailable while its server is away."""
    if options.endpoint is None:
        return load_embedder(options.embedder)
    if "problem" in options.endpoint:
        raise EmbedderUnusable(f"{options.endpoint['problem']} {STATIC} is used.")
    from devflow.models.engines.embeddings import EndpointEmbedder, endpoint_of

    try:
        named = partial(_named, Path(options.root), [Path(root) for root in options.roots])
        return _Explained(EndpointEmbedder(*endpoint_of(options.endpoint), named))
    except (Unreachable, RateLimited) as error:
        raise VectorsUnavailable(f"{error} Searching text and names only.") from error
    except ModelError as error:
        raise EmbedderUnusable(f"{error} Meanwhile {STATIC} is used.") from error


def _named(root: Path, roots: Sequence[Path], path: str) -> tuple[str, ...]:
    """The names that path rules look at, of a file below `root`."""
    from devflow.models.guard.egress import rule_paths

    return rule_paths(root / path, "", roots) if roots else (path,)


class _Explained:
    """An embedder whose failures are those of vectors."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimensions = embedder.dimensions

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> Any:
        try:
            return self._embedder.embed(texts, paths)
        except ModelError as error:
            raise VectorsUnavailable(f"{error} Searching text and names only.") from error


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(embedder_of)
    os._exit(0)
