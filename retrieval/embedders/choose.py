"""From the name of an embedder, as settings write it, to the embedder."""

from __future__ import annotations

from pathlib import Path

from devflow.models.base import Embedder
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.embedders.static import StaticEmbedder, shipped_name

STATIC, HASHED = "devflow-static", "devflow-hashed"


class EmbedderUnusable(Exception):
    """What was named is not there or cannot be read; the message is a sentence for the user."""


def load_embedder(choice: str) -> Embedder:
    """`devflow-static`, `devflow-hashed`, or the model in a folder: model2vec's, sentence-transformers', or
    Chroma's ONNX MiniLM. Imports what that needs. Raises EmbedderUnusable."""
    if choice in ("", STATIC):
        return StaticEmbedder()
    if choice == HASHED:
        from devflow.retrieval.embedders.hashed import HashedEmbedder

        return HashedEmbedder()
    folder = Path(choice).expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        raise EmbedderUnusable(
            f"retrieval.embedder is {choice!r}, which is neither {STATIC}, the name of a model with the task "
            f"`embed`, nor the full path of a folder; {STATIC} is used."
        )
    try:
        return _in_folder(folder)
    except ImportError as error:
        reason = f"needs the library {error.name}: pip install 'devflow-lsp[embedders]'"
    except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"cannot be used: {' '.join(str(error).split())[:200] or type(error).__name__}"
    raise EmbedderUnusable(f"The embedder in {folder} {reason}; {STATIC} is used.")


def made_by(options: VectorOptions) -> str:
    """What changes when another embedder is configured, or another one ships; told without loading it."""
    if options.endpoint is not None:
        server = options.endpoint.get("server", {})
        return f"{server.get('model')} at {server.get('base_url')}"
    return shipped_name() if options.embedder in ("", STATIC) else options.embedder


def _in_folder(folder: Path) -> Embedder:
    from devflow.retrieval.embedders.model2vec import Model2VecEmbedder, is_model2vec
    from devflow.retrieval.embedders.transformer import TransformerEmbedder

    return Model2VecEmbedder(folder) if is_model2vec(folder) else TransformerEmbedder(folder)
