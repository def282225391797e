"""Puts the models together: from what is configured, the environment's keys and what was learned to a
Router."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import platformdirs

from devflow.models.base import ChatModel, Embedder, FillModel, ModelsConfig, ModelSpec, Task
from devflow.models.engines.remote import Server
from devflow.models.fake import FakeModel
from devflow.models.guard.counted import Counted
from devflow.models.outbound import Outbound, host_of, leaves_machine
from devflow.models.profiles import profile_of
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Assigned, Facts
from devflow.server.workers.model import WorkerModel

if TYPE_CHECKING:
    from devflow.models.guard.answers import Embed

_DEFAULTS = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_KEY"),
}
_CHATS: tuple[Task, ...] = ("explain", "edit", "review")
Draws = Callable[[Sequence[str], str], dict[str, float]]


def build_router(
    config: ModelsConfig,
    environment: Mapping[str, str],
    draws: Draws | None = None,
    tell: Callable[[str], None] | None = None,
) -> Router:
    """The models in the order of `config`. Imports no engine library, loads and asks nothing. `draws`: what
    is learned of models in a language, where it is. `tell`: tells the user what is not an answer, on the
    event loop."""
    outbound = outbound_of(config, environment, _question_vectors())
    outbound.accounts.tell = tell
    models = [(spec, _model(spec, config, outbound, environment)) for spec in config.models]

    def for_task(*tasks: str) -> list[ChatModel]:
        return [cast("ChatModel", model) for spec, model in models if set(tasks) & set(spec.tasks)]

    routing = Routing(
        facts={spec.name: facts_of(spec, model) for spec, model in models},
        rules=config.rules,
        kept_back=outbound.kept_back,
        draws=draws if draws is not None and config.learn else lambda names, language: {},
        assigned=_assigned(config),
        hedge=config.hedge,
        tell=tell or (lambda sentence: None),
        close=outbound.close,
    )
    outbound.accounts.experiment_of = routing.experiment_of
    return Router(
        [cast("FillModel", model) for spec, model in models if "fill" in spec.tasks],
        for_task("chat"),
        order=[model for _, model in models],
        routing=routing,
        by_task={task: for_task("chat", task) for task in _CHATS},
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


def facts_of(spec: ModelSpec, model: FillModel | ChatModel) -> Facts:
    """What the rules are told of a model."""
    at_server = spec.engine in _DEFAULTS
    # Of a GPU's places conversations leave one free; the other engines give a fill its turn themselves.
    usual = "32" if at_server else "4" if spec.engine == "exllamav2" else "0"
    parallel = spec.options.get("parallel", usual)
    return Facts(
        spec.name,
        model.remote,
        provider=(spec.base_url or _DEFAULTS[spec.engine][0]) if at_server else "",
        context=spec.context,
        languages=spec.languages,
        parallel=int(parallel) if parallel.isdigit() else int(usual),
    )


def _assigned(config: ModelsConfig) -> Callable[[str, str, str], Assigned]:
    if not config.experiments:
        return lambda task, language, unit: Assigned()
    from devflow.models.routing.experiments import assigned

    return partial(assigned, config.experiments)


def _model(
    spec: ModelSpec, config: ModelsConfig, outbound: Outbound, environment: Mapping[str, str]
) -> FillModel | ChatModel:
    match spec.engine:
        case "openai":
            from devflow.models.engines.openai import OpenAIModel

            profile = profile_of(spec.family, spec.model, config.families)
            return OpenAIModel(server_of(spec, config, environment), outbound, profile)
        case "anthropic":
            from devflow.models.engines.anthropic import AnthropicModel

            return AnthropicModel(server_of(spec, config, environment), outbound)
        case "fake":
            if cassette := spec.options.get("cassette"):
                from devflow.models.cassettes import Cassette

                return Cassette(Path(cassette), name=spec.name, speed=_factor(spec, "speed"))
            return FakeModel(spec.options.get("answer", "fake answer"), name=spec.name)
        case "ctransformers" | "llama" | "exllamav2":
            worker = WorkerModel(spec, profile_of(spec.family, spec.model, config.families))
            return Counted(worker, outbound.accounts)


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
        key_store=spec.api_key_store,
        family=spec.family,
        context=spec.context,
        timeout=config.timeout,
        forwards=spec.forwards,
        counts=spec.switched_on("counts"),
        slot=_whole_number(spec, "slot"),
        thinking=_whole_number(spec, "thinking"),
        proxy=spec.options.get("proxy", ""),
        fill=spec.options.get("fill", ""),
        api_version=spec.options.get("api_version", ""),
    )


def _whole_number(spec: ModelSpec, option: str) -> str:
    given = spec.options.get(option, "")
    return given if given.isdecimal() else ""


def _factor(spec: ModelSpec, option: str) -> float:
    try:
        return max(0.0, float(spec.options.get(option, "1")))
    except ValueError:
        return 1.0
