"""What settings say about vectors, as the vectors' process takes it.

Every start of the server asks, so what only some settings need is imported for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.guard.egress import host_of, leaves_machine
from devflow.retrieval.base import VectorOptions
from devflow.server.settings import Settings

PROCESS = "devflow.server.workers.vectors"


def vector_options(settings: Settings, environment: Mapping[str, str]) -> VectorOptions:
    """The embedder and the Chroma server that are configured. What `models.local_only` forbids is left out,
    with a sentence."""
    retrieval, models = settings.retrieval, settings.models
    chroma, problem = retrieval.chroma, ""
    url = chroma.url
    if url and models.local_only and leaves_machine(url):
        problem = (
            f"The Chroma server at {host_of(url)} is not on this machine and models.local_only is on; "
            "the vectors are kept here."
        )
        url = ""
    named = next(
        (spec for spec in models.models if spec.name == retrieval.embedder and "embed" in spec.tasks), None
    )
    return VectorOptions(
        embedder=retrieval.embedder,
        endpoint=_endpoint(named, settings, environment) if named else None,
        process=PROCESS if named else VectorOptions().process,
        chroma_url=url,
        tenant=chroma.tenant,
        database=chroma.database,
        token=environment.get(chroma.token_env, "").strip() if chroma.token_env else "",
        problem=problem,
    )


def problem_of_embedder(options: VectorOptions) -> str:
    """One sentence when the configured embedder or Chroma server cannot be used, as far as can be told
    without asking a server; else ""."""
    from devflow.retrieval.embedders.choose import STATIC, EmbedderUnusable, load_embedder

    if options.problem or options.endpoint is None:
        try:
            load_embedder(options.embedder if options.endpoint is None else STATIC)
        except EmbedderUnusable as error:
            return str(error)
        return options.problem
    if "problem" in options.endpoint:
        return str(options.endpoint["problem"])
    from devflow.models.engines.embeddings import endpoint_of
    from devflow.models.engines.remote import problem_with

    problem = problem_with(*endpoint_of(options.endpoint), "openai")
    return f"{problem} {STATIC} is used." if problem else ""


def _endpoint(spec: ModelSpec, settings: Settings, environment: Mapping[str, str]) -> Mapping[str, Any]:
    from devflow.server.models import outbound_of, server_of

    models = settings.models
    outbound = outbound_of(models, environment)
    if spec.engine != "openai":
        return {
            "problem": f"{spec.name} runs on {spec.engine}, which makes no vectors; use the engine `openai`."
        }
    return {"server": asdict(server_of(spec, models, environment)), "outbound": asdict(outbound)}
