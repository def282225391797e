"""Puts the models together: from what is configured and the environment's keys to a Router."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import platformdirs

from devflow.models.base import ChatModel, Embedder, FillModel, ModelsConfig, ModelSpec
from devflow.models.engines.remote import Server
from devflow.models.fake import FakeModel
from devflow.models.outbound import Outbound, host_of, leaves_machine
from devflow.models.router import Router
from devflow.server.workers.model import WorkerModel

if TYPE_CHECKING:
    from devflow.models.answers import Embed

_DEFAULTS = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_KEY"),
}


def build_router(config: ModelsConfig, environment: Mapping[str, str]) -> Router:
    """The models in the order of `config`. Imports no engine library, loads and asks nothing."""
    outbound = outbound_of(config, environment, _question_vectors())
    models = [(spec, _model(spec, config, outbound, environment)) for spec in config.models]
    return Router(
        [cast("FillModel", model) for spec, model in models if "fill" in spec.tasks],
        [cast("ChatModel", model) for spec, model in models if "chat" in spec.tasks],
        order=[model for _, model in models],
    )


def outbound_of(
    config: ModelsConfig, environment: Mapping[str, str], vectors: Embed | None = None
) -> Outbound:
    """The guard that is configured. Opens nothing: the books are, at the first call. Without `vectors` no
    answers are kept: they are those of conversations."""
    books, keeping = config.books, None
    if books.kept:
        user = environment.get("USER") or environment.get("USERNAME") or ""
        books = replace(books, folder=str(state_folder()), user=user)
    if config.local_only and leaves_machine(books.traces_endpoint):
        books = replace(books, traces_endpoint="")
    if config.keeping is not None and vectors is not None:
        keeping = replace(config.keeping, folder=str(answers_folder()))
    return Outbound(
        config.local_only, config.never_send, config.timeout, config.personal, books, keeping, vectors
    )


def state_folder() -> Path:
    """Where ledger and audit log lie."""
    return platformdirs.user_state_path("devflow")


def answers_folder() -> Path:
    """Where answers are kept."""
    return platformdirs.user_cache_path("devflow") / "answers"


def _question_vectors() -> Embed:
    """The embedder that ships, read at the first question."""

    @functools.cache
    def embedder() -> Embedder:
        from devflow.retrieval.embedders.choose import STATIC, load_embedder

        return load_embedder(STATIC)

    return lambda texts: [[float(each) for each in vector] for vector in embedder().embed(texts)]


def _model(
    spec: ModelSpec, config: ModelsConfig, outbound: Outbound, environment: Mapping[str, str]
) -> FillModel | ChatModel:
    match spec.engine:
        case "openai":
            from devflow.models.engines.openai import OpenAIModel

            return OpenAIModel(server_of(spec, config, environment), outbound)
        case "anthropic":
            from devflow.models.engines.anthropic import AnthropicModel

            return AnthropicModel(server_of(spec, config, environment), outbound)
        case "fake":
            return FakeModel(spec.options.get("answer", "fake answer"), name=spec.name)
        case "ctransformers" | "exllamav2":
            return WorkerModel(spec)


def server_of(spec: ModelSpec, config: ModelsConfig, environment: Mapping[str, str]) -> Server:
    """Where the model is. The provider's usual variable is read only for the provider itself: another
    server gets a key only when the user names the variable for it."""
    usual_url, usual_variable = _DEFAULTS[spec.engine]
    base_url = spec.base_url or usual_url
    variable = spec.api_key_env
    if not variable and host_of(base_url) == host_of(usual_url):
        variable = usual_variable
    return Server(
        name=spec.name,
        model=spec.model,
        base_url=base_url,
        api_key=environment.get(variable, "").strip() if variable else "",
        api_key_env=variable,
        family=spec.family,
        context=spec.context,
        timeout=config.timeout,
        forwards=spec.options.get("forwards", "").lower() in ("1", "true", "yes", "on"),
        proxy=spec.options.get("proxy", ""),
        fill=spec.options.get("fill", ""),
    )
