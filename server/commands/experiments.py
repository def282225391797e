"""`devflow experiments`: models side by side on the user's own work, and whether they differ."""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from devflow.server.commands.arguments import days, folder_given
from devflow.server.commands.terminal import console

if TYPE_CHECKING:
    from devflow.models.guard.ledger import Call
    from devflow.models.routing.experiments import Experiment, Measure, Result, Seen


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--days", type=days, default=180.0, help="count so many days back (default: 180)")
    parser.add_argument("--root", type=folder_given, default=".", help="workspace (default: this folder)")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what each experiment says so far."""
    import time

    from devflow.models.routing.experiments import faults, result
    from devflow.server.sources import load

    settings, _ = load([arguments.root.resolve()])
    trials = settings.models.experiments
    since = time.time() - arguments.days * 86_400
    seen, refused = _written_down(trials, since) if trials else ({}, {})
    tasks = {spec.name: spec.tasks for spec in settings.models.models}
    kept = {"feedback": settings.feedback.record, "ledger": settings.models.books.kept}
    results = [
        (
            result(trial, seen[trial.name]),
            [*faults(trial, tasks, **kept), *_not_made(refused, trial.name)],
        )
        for trial in trials
    ]
    if arguments.json:
        print(json.dumps([_as_json(each, wrong) for each, wrong in results], indent=2))
    elif results:
        for each, wrong in results:
            _print(each, wrong)
    else:
        print(
            "No experiment is configured; name two models under [[models.experiments]] "
            "in your own devflow.toml."
        )
    return 0


def _not_made(refused: Mapping[tuple[str, str], int], experiment: str) -> list[str]:
    """A sentence for each model that was given calls which were not made: it looks as if nobody asked it."""
    return [
        f"{count:,} {'call' if count == 1 else 'calls'} of {model} "
        f"{'was' if count == 1 else 'were'} not made, because a budget, a rule or a limit was against "
        f"{'it' if count == 1 else 'them'} (`devflow audit show` says which): other models answered, which "
        "is not counted."
        for (name, model), count in refused.items()
        if name == experiment
    ]


def _written_down(
    trials: Sequence[Experiment], since: float
) -> tuple[dict[str, dict[tuple[str, str], list[Seen]]], Mapping[tuple[str, str], int]]:
    """What feedback and ledger hold of each experiment since a time, by task and model, unit by unit; and how
    many calls were not made, by experiment and model. Reads the disk."""
    from devflow.models.feedback import Feedback, feedback_file
    from devflow.models.guard.accounting import LEDGER
    from devflow.models.guard.ledger import FAILED, Ledger, LedgerUnusable
    from devflow.models.routing.experiments import Seen
    from devflow.server.models import state_folder

    found: dict[str, dict[tuple[str, str], list[Seen]]] = {trial.name: {} for trial in trials}
    if (path := feedback_file()).is_file():
        store = Feedback(path)
        for name, by_task in found.items():
            units = store.by_unit("inline", "item", experiment=name, since=since)
            for (model, _), each in units.items():
                seen = Seen(each.shown, each.accepted, each.looked_at, each.kept_after_30s)
                by_task.setdefault(("fill", model), []).append(seen)
        store.close()
    refused: Counter[tuple[str, str]] = Counter()
    path = state_folder() / LEDGER
    if not path.is_file():
        return found, refused
    try:
        ledger = Ledger(path)
        calls = ledger.calls(since)
        ledger.close()
    except LedgerUnusable as error:
        console(stderr=True).print(str(error))
        return found, refused
    made: dict[tuple[str, str, str, str], list[Call]] = {}
    for call in calls:
        if call.experiment in found and call.outcome == "refused":
            refused[call.experiment, call.model] += 1
        if call.experiment in found and call.feature != "fill" and call.outcome in {"answered", *FAILED}:
            made.setdefault((call.experiment, call.feature, call.model, call.unit), []).append(call)
    for (name, feature, model, _), group in made.items():
        answered = [call for call in group if call.outcome == "answered"]
        seen = Seen(
            failed=len(group) - len(answered),
            seconds=tuple(call.total for call in answered),
            costs=tuple(call.cost for call in answered),
        )
        found[name].setdefault((feature, model), []).append(seen)
    return found, refused


def _as_json(result: Result, problems: Sequence[str]) -> dict[str, object]:
    """One experiment as `--json` prints it. JSON has no infinity: an interval without an end has null."""
    told = asdict(result)
    for task in told["tasks"]:
        for arm in task["arms"]:
            for measure in arm["measures"]:
                if math.isinf(measure["high"]):
                    measure["high"] = None
    return {**told, "problems": list(problems)}


def _print(result: Result, problems: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for task in result.tasks:
        table = Table(title=Text(f"{result.experiment.name}: {task.task}"), title_justify="left")
        units = "files" if task.task == "fill" else "conversations"
        for head in ("model", "", "of", units, "", "95 % interval", "p"):
            table.add_column(head, justify="left" if head == "model" else "right")
        for arm in task.arms:
            for number, each in enumerate(arm.measures):
                table.add_row(
                    Text("" if number else arm.model),
                    each.name,
                    f"{each.of:,}",
                    f"{each.units:,}",
                    _figure(each, each.value),
                    _interval(each),
                    "" if each.p_value is None else f"{each.p_value:.3g}",
                )
        screen.print(table)
        screen.print(Text(task.verdict))
    for problem in problems:
        screen.print(Text(problem, style="yellow"))


def _interval(measure: Measure) -> str:
    if not measure.of:
        return ""
    if math.isinf(measure.high):
        return "too few"
    return f"{_figure(measure, measure.low)} to {_figure(measure, measure.high)}"


def _figure(measure: Measure, value: float) -> str:
    """As the measure is: a share, seconds, or money, which may be a thousandth."""
    from devflow.models.guard.prices import money

    if not measure.of:
        return "-"
    return {"seconds": f"{value:.2f} s", "cost": money(value)}.get(measure.name, f"{value:.1%}")
