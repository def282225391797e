"""`devflow route`: which models would be asked for a request, in order, and why. Nobody is asked."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devflow.server.commands.arguments import folder_given
from devflow.server.commands.terminal import console

if TYPE_CHECKING:
    from devflow.models.routing.rules import Asked, Candidate

_TASKS = ("fill", "explain", "edit", "review", "chat")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--explain",
        metavar="TEXT",
        default="",
        help="what is asked (with --task fill: the code before the cursor), or the name of a file with it",
    )
    parser.add_argument("--task", choices=_TASKS, default="chat", help="what for (default: chat)")
    parser.add_argument("--language", default="", help="of the code; else told by the file's name")
    parser.add_argument("--path", type=Path, help="the file it is about, for path rules and experiments")
    parser.add_argument("--root", type=folder_given, default=".", help="workspace (default: this folder)")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the candidates; 1 when nobody could answer."""
    asked, candidates = asyncio.run(_candidates(arguments))
    if arguments.json:
        print(json.dumps(as_json(asked, candidates), indent=2))
    else:
        _print(asked, candidates)
        _print_budgets(str(arguments.root.resolve()))
    return 0 if any(not each.left_out for each in candidates) else 1


def as_json(asked: Asked, candidates: list[Candidate]) -> dict[str, Any]:
    """The answer as the command prints it with `--json`."""
    return {
        "task": asked.task,
        "language": asked.language,
        "tokens": asked.tokens,
        "difficulty": round(asked.difficulty, 3),
        "private": asked.private,
        "candidates": [
            {
                "model": each.facts.name,
                "remote": each.facts.remote,
                "asked": not each.left_out,
                "reasons": list(each.reasons),
                **({"left_out": each.left_out} if each.left_out else {}),
            }
            for each in candidates
        ],
    }


def budgets_spent(workspace: str) -> str:
    """What is spent of the user's budgets, in words; "" where none is set. Raises LedgerUnusable: then no
    call that costs is made."""
    from devflow.models.guard.accounting import LEDGER
    from devflow.models.guard.ledger import Ledger
    from devflow.models.guard.spending import allowances
    from devflow.server.models import state_folder
    from devflow.server.sources import load

    budget = load([])[0].models.books.budget
    path = state_folder() / LEDGER
    ledger = None
    try:
        ledger = Ledger(path) if budget.any and path.exists() else None
        return "; ".join(map(str, allowances(ledger, budget, workspace, time.time())))
    finally:
        if ledger is not None:
            ledger.close()


def _print_budgets(workspace: str) -> None:
    from devflow.models.guard.ledger import LedgerUnusable

    try:
        if spent := budgets_spent(workspace):
            console().print(f"Budgets: {spent}; a call that could cost more than is left is not made.")
    except LedgerUnusable as error:
        console(stderr=True).print(str(error))


async def _candidates(arguments: argparse.Namespace) -> tuple[Asked, list[Candidate]]:
    from dataclasses import replace

    from devflow.analysis.languages import language_of
    from devflow.models.base import ChatRequest, FillRequest, Message
    from devflow.models.guard.egress import rule_paths
    from devflow.models.outbound import Outbound
    from devflow.models.router import asked_by
    from devflow.server.learned import drawn_now
    from devflow.server.models import build_router
    from devflow.server.sources import load

    root = arguments.root.resolve()
    settings, _ = load([root])
    text, path = arguments.explain, arguments.path
    if text and len(text) < 1_000 and "\n" not in text and (root / text).is_file():
        path = path or Path(text)
        text = (root / text).read_text("utf-8", "replace")
    found = language_of(path) if path is not None else None
    language = arguments.language or (found.name if found else "")
    request: FillRequest | ChatRequest
    if arguments.task == "fill":
        request = FillRequest(text, "", language, str(path or ""))
    else:
        request = ChatRequest((Message("user", text),), task=arguments.task, language=language)
    asked = asked_by(arguments.task, request)
    models = settings.models
    if path is not None:
        kept_back = Outbound(models.local_only, models.never_send).kept_back
        asked = replace(asked, private=any(map(kept_back, rule_paths(root / path, "", [root]))))
    router = build_router(models.within(str(root)), os.environ, drawn_now())
    try:
        candidates = router.explain(asked, request.unit)
        refused = router.refusals(asked.task, request)
    finally:
        await router.close()
    told = [replace(each, left_out=each.left_out or refused.get(each.facts.name, "")) for each in candidates]
    return asked, sorted(told, key=lambda each: bool(each.left_out))


def _print(asked: Asked, candidates: list[Candidate]) -> None:
    screen = console()
    about = f"{asked.task}, about {asked.tokens:,} tokens, difficulty {asked.difficulty:.2f}"
    about += f", {asked.language}" if asked.language else ""
    about += ", must stay on this machine" if asked.private else ""
    screen.print(about, style="bold")
    if not candidates:
        screen.print(
            "No model is configured for that; add one under [[models.list]] in your own devflow.toml."
        )
    for number, each in enumerate(candidates, 1):
        if each.left_out:
            screen.print(f"   {each.facts.name}: not asked: {each.left_out}", style="dim")
        else:
            screen.print(f"{number}. {each.facts.name}: {'; '.join(each.reasons)}")
