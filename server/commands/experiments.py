"""`devflow experiments`: models side by side on the user's own work, and whether they differ."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.server.commands.arguments import days
from devflow.server.commands.terminal import console

if TYPE_CHECKING:
    from devflow.models.routing.experiments import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--days", type=days, default=180.0, help="count so many days back (default: 180)")
    parser.add_argument("--root", type=Path, default=Path(), help="workspace (default: this folder)")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what each experiment says so far."""
    import time

    from devflow.models.routing.experiments import faults, result
    from devflow.server.learned import tallies_since
    from devflow.server.sources import load

    settings, _ = load([arguments.root.resolve()])
    tallies = tallies_since(time.time() - arguments.days * 86_400)
    tasks = {spec.name: spec.tasks for spec in settings.models.models}
    results = [(result(trial, tallies), faults(trial, tasks)) for trial in settings.models.experiments]
    if arguments.json:
        print(json.dumps([{**asdict(each), "problems": wrong} for each, wrong in results], indent=2))
    elif results:
        for each, wrong in results:
            _print(each, wrong)
    else:
        print(
            "No experiment is configured; name two models under [[models.experiments]] "
            "in your own devflow.toml."
        )
    return 0


def _print(result: Result, problems: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(result.experiment.name), title_justify="left")
    for head in ("model", "shown", "accepted", "share", "95 % interval", "p"):
        table.add_column(head, justify="left" if head == "model" else "right")
    for arm in result.arms:
        table.add_row(
            Text(arm.model),
            f"{arm.shown:,}",
            f"{arm.accepted:,}",
            f"{arm.acceptance:.1%}",
            f"{arm.low:.1%} to {arm.high:.1%}",
            "" if arm.p_value is None else f"{arm.p_value:.3g}",
        )
    screen = console()
    screen.print(table)
    for problem in problems:
        screen.print(Text(problem, style="yellow"))
    screen.print(Text(result.verdict))
