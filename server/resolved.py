"""The settings as every module is given them, made of what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from devflow.models.base import ModelsConfig, ModelSpec
from devflow.models.guard.books import Books, Budget, Keeping, Price, Rates
from devflow.models.guard.egress import leaves_machine
from devflow.server.settings import KeptAnswers, Model, Models, Options, Settings

if TYPE_CHECKING:
    from devflow.models.families import Profile


def resolved(options: Options) -> Settings:
    """What the options mean: one value for every consumer."""
    routing = _routing(options.models)
    families = routing.get("families", ())
    specs = tuple(
        ModelSpec(**{**vars(model), "context": _context(model, families)}) for model in options.models.models
    )
    models = ModelsConfig(
        # Naming a remote model is the user's permission; without one the switch stays closed.
        local_only=_local_only(options, specs),
        models=specs,
        never_send=options.models.never_send,
        timeout=options.models.timeout_s,
        personal=options.models.redact_personal,
        books=_books(options.models, families),
        keeping=_keeping(options.models.answers),
        learn=options.models.learn,
        hedge=options.models.hedge,
        **routing,
    )
    return Settings(
        features=options.features,
        index=options.index,
        retrieval=options.retrieval,
        python=options.python,
        completion=options.completion,
        inline=options.inline,
        next_edit=options.next_edit,
        feedback=options.feedback,
        hover=options.hover,
        review=options.review,
        models=models,
        log_level=options.log_level,
        log_format=options.log_format,
    )


def _routing(models: Models) -> dict[str, Any]:
    """What few write, so that starting without it imports none of it."""
    if not (models.rules or models.experiments or models.families):
        return {}
    from devflow.models.profiles import profile_from
    from devflow.models.routing.experiments import Experiment
    from devflow.models.routing.rules import Rule

    return {
        "rules": tuple(Rule(**vars(rule)) for rule in models.rules),
        "experiments": tuple(Experiment(**vars(trial)) for trial in models.experiments),
        "families": tuple(profile_from(**vars(family)) for family in models.families),
    }


def _context(model: Model, families: Sequence[Profile]) -> int:
    if model.context is not None:
        return model.context
    from devflow.models.profiles import usual_context

    return usual_context(model.engine, model.family, model.model, model.tasks, families)


def _books(models: Models, families: Sequence[Profile]) -> Books:
    prices = {model.name: price for model in models.models if (price := _price(model, families)) is not None}
    return Books(
        kept=models.ledger,
        budget=Budget(**vars(models.budget)),
        rates=Rates(**vars(models.limits)),
        prices=prices,
        keep_content=models.audit_content,
        metrics_file=models.metrics_file,
        traces_endpoint=models.traces_endpoint,
    )


def _price(model: Model, families: Sequence[Profile]) -> Price | None:
    """The user's price with what is missing of it taken from that of a family of the user's own, or from the
    list; None when nothing is given or part of it is not known."""
    own = _family_price(model, families)
    if model.input_price is None and model.output_price is None and model.cached_price is None:
        return own
    from devflow.models.guard.prices import list_price

    listed = own or list_price(model.model)
    read, written, cached = model.input_price, model.output_price, model.cached_price
    if listed is not None:
        if cached is None and read is None:
            cached = listed.cached
        read = listed.read if read is None else read
        written = listed.written if written is None else written
    return None if read is None or written is None else Price(read, written, cached)


def _family_price(model: Model, families: Sequence[Profile]) -> Price | None:
    if not families:
        return None
    from devflow.models.profiles import profile_of

    profile = profile_of(model.family, model.model, families)
    return Price(*profile.price) if profile in families and profile.price is not None else None


def _keeping(answers: KeptAnswers) -> Keeping | None:
    if not answers.enabled:
        return None
    return Keeping(ttl=answers.hours * 3_600, threshold=answers.threshold, checked=answers.checked)


def _local_only(options: Options, specs: Sequence[ModelSpec]) -> bool:
    """Unless it is said: until something is named that is not on this machine."""
    if options.models.local_only is not None:
        return options.models.local_only
    servers = (spec for spec in specs if spec.engine in ("openai", "anthropic"))
    if any(not spec.base_url or leaves_machine(spec.base_url, forwards=spec.forwards) for spec in servers):
        return False
    others = (options.retrieval.chroma.url, options.models.traces_endpoint)
    return not any(leaves_machine(url) for url in others if url)
