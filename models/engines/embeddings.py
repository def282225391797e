"""Embedders at a server that speaks OpenAI's `/embeddings` (vLLM, llama.cpp, Ollama, TEI, OpenAI itself)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from devflow.models.base import FEW_CHARACTERS_PER_TOKEN, EmbedRequest
from devflow.models.engines.openai import client_of, problem_of
from devflow.models.engines.provider_errors import Unreadable
from devflow.models.engines.remote import Server, problem_with
from devflow.models.errors import Unreachable
from devflow.models.guard.books import books_from
from devflow.models.outbound import Outbound, leaves_machine

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse

_AT_ONCE = 32


def endpoint_of(given: Mapping[str, Any]) -> tuple[Server, Outbound]:
    """The server and the guard of an embedder, from what `dataclasses.asdict` and JSON made of them on the
    way to another process: `{"server": …, "outbound": …}`."""
    outbound = given["outbound"]
    never_send, books = tuple(outbound["never_send"]), books_from(outbound["books"])
    return Server(**given["server"]), Outbound(**{**outbound, "never_send": never_send, "books": books})


class EndpointEmbedder:
    """`models.base.Embedder`. Synchronous: it runs an event loop of its own, so it must be used from a thread
    or process that has none. What path rules keep back is not sent and has a vector of zeros."""

    def __init__(
        self,
        server: Server,
        outbound: Outbound,
        named: Callable[[str], tuple[str, ...]] = lambda path: (path,),
    ) -> None:
        """Asks the server once, for the dimensions. `named`: the names by which path rules know a file.
        Raises ModelError."""
        problem = problem_with(server, outbound, "openai")
        if problem is not None:
            raise problem
        self._server = server
        self._outbound = outbound
        self._named = named
        self._leaves = leaves_machine(server.base_url, forwards=server.forwards)
        self._dimensions = 0
        self._dimensions = len(self._asked(["a"], [])[0])

    @property
    def name(self) -> str:
        """Server and model: both decide what the vectors are."""
        return f"{self._server.model} at {self._server.base_url}"

    @property
    def dimensions(self) -> int:
        """Of every vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str], paths: Sequence[str] = ()) -> list[list[float]]:
        """One vector of length 1 per text. Raises ModelError."""
        vectors: list[list[float]] = [[0.0] * self._dimensions for _ in texts]
        names = [self._named(path) for path in paths] if self._leaves else [(path,) for path in paths]
        sent = [
            at
            for at, text in enumerate(texts)
            if text.strip() and not (self._leaves and paths and any(map(self._outbound.kept_back, names[at])))
        ]
        for start in range(0, len(sent), _AT_ONCE):
            some = sent[start : start + _AT_ONCE]
            files = [name for at in some for name in names[at]] if paths else []
            asked = self._asked([texts[at] for at in some], files)
            for at, vector in zip(some, asked, strict=True):
                vectors[at] = _of_length_one(vector)
        return vectors

    def _asked(self, texts: Sequence[str], paths: Sequence[str]) -> list[list[float]]:
        room = self._server.context * FEW_CHARACTERS_PER_TOKEN
        request = EmbedRequest(tuple(text[:room] for text in texts), tuple(paths))
        answer = asyncio.run(
            self._outbound.embed(
                self._server.name,
                self._server.base_url,
                request,
                self._call,
                model=self._server.model,
                forwards=self._server.forwards,
            )
        )
        sizes = {len(vector) for vector in answer}
        if len(answer) != len(texts) or sizes != {self._dimensions or min(sizes, default=0)} or 0 in sizes:
            raise Unreachable(f"{self._server.place} sent an answer that is not one vector for each text.")
        return answer

    async def _call(self, request: EmbedRequest) -> list[list[float]]:
        client = await asyncio.to_thread(client_of, self._server)
        try:
            answer = await client.embeddings.create(
                model=self._server.model, input=list(request.texts), encoding_format="float"
            )
            return _vectors(answer)
        except Exception as error:
            problem = problem_of(self._server, error)
            if problem is None:
                raise
            raise problem from error
        finally:
            await client.close()


def _vectors(answer: CreateEmbeddingResponse) -> list[list[float]]:
    """In the order of the texts. Raises Unreadable: the SDK checks no shape."""
    try:
        ordered = sorted(answer.data, key=lambda each: each.index)
        return [[float(number) for number in each.embedding] for each in ordered]
    except (AttributeError, TypeError, ValueError) as error:
        raise Unreadable("embeddings that are none") from error


def _of_length_one(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(number * number for number in vector))
    return (
        [number / length for number in vector]
        if length > 0 and math.isfinite(length)
        else [0.0] * len(vector)
    )
