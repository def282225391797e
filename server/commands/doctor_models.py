"""`devflow doctor --models`: each configured model, what it is for, what is known of it and what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.report import BAD, GOOD, NOTE, Check
from devflow.server.commands.route import budgets_spent

if TYPE_CHECKING:
    from devflow.models.base import ModelsConfig, ModelSpec

_ENOUGH = 60.0
"""Seconds to load, and to answer a few words, with `--ask`."""


def models(root: Path, *, ask: bool) -> Iterator[Check]:
    """The checks. Nothing is loaded or asked but with `ask`, and then only what is ready."""
    from devflow.models.base import Health
    from devflow.models.engines.native import problem_inside
    from devflow.server.models import build_router
    from devflow.server.sources import load, user_file

    config = load([root])[0].models
    statuses = build_router(config, os.environ).statuses()
    away = [] if config.local_only else [status.name for status in statuses if status.remote]
    switch = (
        f"may be called beyond this machine: {', '.join(away)}" if away else "nothing leaves this machine"
    )
    yield Check("models", "egress", GOOD, switch)
    if not statuses:
        yield Check(
            "models",
            "none",
            NOTE,
            "completion, ghost text, navigation and review work without; "
            f"to add one, write a [[models.list]] table into {user_file()}",
        )
    yield from _budgets(root)
    for spec, status in zip(config.models, statuses, strict=False):
        state = {Health.READY: GOOD, Health.LOADING: NOTE}.get(status.health, BAD)
        where = "remote" if status.remote else "local"
        said = status.detail or status.health
        if state == GOOD and (problem := problem_inside(spec)) is not None:
            state, said = BAD, str(problem)
        yield Check("models", status.name, state, f"{status.engine}, {where}: {said}")
        yield Check("models", "", GOOD, _about(spec, config))
        if ask and state == GOOD:
            yield asyncio.run(_asked(spec, config))
    yield from _routing(config)


def _budgets(root: Path) -> Iterator[Check]:
    from devflow.models.guard.ledger import LedgerUnusable

    try:
        if spent := budgets_spent(str(root.resolve())):
            yield Check("models", "budgets", GOOD, spent)
    except LedgerUnusable as error:
        yield Check("models", "budgets", BAD, str(error))


def _about(spec: ModelSpec, config: ModelsConfig) -> str:
    """What it is for and what is taken for granted of it."""
    from devflow.models.profiles import profile_named, profile_of

    profile = profile_of(spec.family, spec.model, config.families)
    parts = [f"for {', '.join(spec.tasks)}"]
    if spec.languages:
        parts.append(f"expert in {', '.join(spec.languages)}")
    if spec.family and profile_named(spec.family, config.families) is None:
        parts.append(f"the family {spec.family!r} is not known, {profile.name} is guessed")
    else:
        parts.append(f"family {profile.name} ({'as configured' if spec.family else 'guessed'})")
    if profile.fim:
        parts.append("fills holes by its own marks")
    else:
        at_server = spec.engine in ("openai", "anthropic")
        parts.append("fills holes by being asked" if at_server else "goes on where a hole begins")
    parts.append(f"reads {spec.context:,} tokens")
    if spec.context > profile.context:
        parts.append(f"but was trained on {profile.context:,}")
    path = Path(spec.model).expanduser()
    if spec.engine in ("ctransformers", "llama") and path.is_file():
        parts.append(f"a file of {path.stat().st_size / 2**30:.2f} GiB")
    return "; ".join(parts)


async def _asked(spec: ModelSpec, config: ModelsConfig) -> Check:
    """What it says to a few words, and how long that takes."""
    from dataclasses import replace

    from devflow.models.base import ChatRequest, FillRequest, Message
    from devflow.models.errors import ModelError
    from devflow.server.models import build_router

    router = build_router(replace(config, models=(spec,), rules=(), experiments=()), os.environ)
    hole = FillRequest("def add(a, b):\n    return ", "\n", "python", max_tokens=16, deadline=_ENOUGH)
    question = ChatRequest((Message("user", "Say OK."),), max_tokens=16, deadline=_ENOUGH)
    fills = "fill" in spec.tasks
    began = time.monotonic()
    first = 0.0
    pieces = 0
    try:
        with contextlib.suppress(TimeoutError):  # what fails here does so again below, and is told
            async with asyncio.timeout(_ENOUGH):
                await router.warm()
        started = time.monotonic()
        async for _ in router.fill(hole) if fills else router.chat(question):
            first = first or time.monotonic() - started
            pieces += 1
    except ModelError as error:
        return Check("models", "", BAD, f"asked: {str(error).removeprefix('No model could answer: ')}")
    finally:
        await router.close()
    seconds = time.monotonic() - started
    ready = "loaded" if spec.engine not in ("openai", "anthropic") else "ready"
    return Check(
        "models",
        "",
        GOOD,
        f"asked: {ready} after {started - began:.2f} s, then the first piece after {first:.2f} s, "
        f"all {pieces} in {seconds:.2f} s",
    )


def _routing(config: ModelsConfig) -> Iterator[Check]:
    """Rules that name models which are not configured, and what is wrong with experiments."""
    known = {spec.name for spec in config.models} | {"local", "remote", "expert"}
    for rule in config.rules:
        unknown = [name for name in (*rule.prefer, *rule.avoid, *rule.only) if name not in known]
        if unknown:
            yield Check(
                "models",
                "rules",
                BAD,
                f"the rule {rule.name!r} names {', '.join(unknown)}, which is no model",
            )
    if config.experiments:
        from devflow.models.routing.experiments import faults

        tasks = {spec.name: spec.tasks for spec in config.models}
        for trial in config.experiments:
            for fault in faults(trial, tasks, ledger=config.books.kept):
                yield Check("models", "experiments", BAD, f"{trial.name!r}: {fault}")
