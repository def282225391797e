"""`devflow stats`: what models were asked, how long they took and what they cost; the month's end; what
could be cheaper; what became of suggestions."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from devflow.server.commands.arguments import days
from devflow.server.commands.stats_suggestions import Fate, fates, print_fates
from devflow.server.commands.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console

    from devflow.models.guard.ledger import Call, Ledger
    from devflow.models.guard.spending import Alternative, Forecast, Line

_BARS = " ▁▂▃▄▅▆▇█"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--days", type=days, default=30.0, help="how far back (default: 30)")
    parser.add_argument(
        "--by",
        action="append",
        choices=("feature", "model", "language", "workspace", "user", "host", "day", "outcome"),
        help="what to sum by, once or more (default: feature, model)",
    )
    parser.add_argument("--workspace", type=Path, help="only calls of this workspace")
    parser.add_argument("--folder", type=Path, help="where ledger and audit log lie (default: your own)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--json", action="store_true", help="print the sums and every call as JSON")
    kind.add_argument("--csv", action="store_true", help="print every call as CSV")
    kind.add_argument(
        "--prometheus", action="store_true", help="print all of the ledger in Prometheus's text format"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print; 1 when nothing was written down yet, 2 when it cannot be read."""
    from devflow.models.feedback import feedback_file
    from devflow.models.guard.accounting import LEDGER
    from devflow.models.guard.ledger import Ledger, LedgerUnusable
    from devflow.server.models import state_folder

    notes = console(stderr=True)
    folder = arguments.folder or state_folder()
    path = folder / LEDGER
    now = time.time()
    suggested = fates(folder / feedback_file().name, now - arguments.days * 86_400)
    if not path.exists():
        if suggested and arguments.json:
            print(json.dumps({"days": arguments.days, "suggestions": [asdict(each) for each in suggested]}))
        elif suggested and not (arguments.csv or arguments.prometheus):
            print_fates(console(), suggested)
        else:
            notes.print(f"No call of a model has been written down yet ({path} does not exist).")
            return 1
        return 0
    workspace = str(arguments.workspace.resolve()) if arguments.workspace else None
    try:
        ledger = Ledger(path)
    except LedgerUnusable as error:
        notes.print(str(error))
        return 2
    try:
        since = 0.0 if arguments.prometheus else now - arguments.days * 86_400
        calls = ledger.calls(since, workspace)
        if arguments.prometheus:
            from devflow.models.guard.metrics import exposition

            print(exposition(calls), end="")
        elif arguments.csv:
            _print_csv(calls)
        else:
            _report(ledger, calls, arguments, now, workspace, suggested)
    except LedgerUnusable as error:
        notes.print(str(error))
        return 2
    finally:
        ledger.close()
    return 0


def _report(
    ledger: Ledger,
    calls: Sequence[Call],
    arguments: argparse.Namespace,
    now: float,
    workspace: str | None,
    suggested: Sequence[Fate],
) -> None:
    from devflow.models.base import serves
    from devflow.models.guard.prices import money
    from devflow.models.guard.spending import (
        By,
        allowances,
        by_day,
        forecast,
        recommendations,
        summed,
        total,
    )
    from devflow.server.sources import load

    today = datetime.fromtimestamp(now, UTC).date()
    past = by_day(ledger.calls(now - 62 * 86_400, workspace))
    end = forecast(past, today)
    wanted = [each for each in get_args(By) if each in (arguments.by or ("feature", "model"))]
    sums = {by: summed(calls, by) for by in wanted}
    hints = recommendations(calls, _alternatives())
    checked, wrong = _checks(now - arguments.days * 86_400)
    budgets = allowances(ledger, load([])[0].models.books.budget, workspace, now)
    hits = [call for call in calls if call.hit]
    # What is never kept has no miss either: ghost text, vectors, models on this machine; nor a call that was
    # not made, for the question went to the next model.
    missed = sum(
        not call.hit and call.host != "" and call.outcome != "refused" and serves(("chat",), call.feature)
        for call in calls
    )
    if arguments.json:
        answer = {
            "days": arguments.days,
            "total": asdict(total(calls)),
            **{f"by_{by}": [asdict(line) for line in lines] for by, lines in sums.items()},
            "forecast": asdict(end),
            "budgets": [asdict(budget) for budget in budgets],
            "recommendations": hints,
            "cache": {
                "hits": len(hits),
                "semantic_hits": sum(call.hit == "semantic" for call in hits),
                "misses": missed,
                "saved": sum(call.saved for call in calls),
                "checked": checked,
                "false": wrong,
            },
            "suggestions": [asdict(each) for each in suggested],
            "calls": [asdict(call) for call in calls],
        }
        print(json.dumps(answer, indent=2))
        return
    out = console()
    for by, lines in sums.items():
        _table(out, by, lines, total(calls))
    print_fates(out, suggested)
    _days(out, past, today, end)
    if budgets:
        out.print(f"budget       {'; '.join(map(str, budgets))}")
    if hits or missed:
        reworded = sum(call.hit == "semantic" for call in hits)
        audit = f"; of {checked} checked, {wrong} were wrong" if checked else ""
        out.print(
            f"{len(hits)} of {len(hits) + missed} questions were answered from kept answers ({reworded} in "
            f"other words), which saved {money(sum(call.saved for call in hits))}{audit}."
        )
    for hint in hints:
        out.print(f"• {visible(hint)}")


def _table(out: Console, by: str, lines: Sequence[Line], everything: Line) -> None:
    from rich.table import Table

    from devflow.models.guard.prices import money

    table = Table(title=f"by {by}", title_justify="left", pad_edge=False, collapse_padding=True, box=None)
    table.add_column(by, overflow="fold")
    # A terminal may have 80 columns, and amounts below a cent take eight.
    refusals = ("refused",) if everything.refused else ()
    wide = out.width >= _WIDE
    numbers = (
        "calls",
        "read",
        "written",
        "cost",
        "share",
        "kept",
        "failed",
        *refusals,
        "first",
        "p50",
        "p95",
    )
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    for line in (*lines, everything):
        share = line.cost / everything.cost if everything.cost else 0.0
        table.add_row(
            visible(line.name),
            str(line.calls),
            _short(line.read),
            _short(line.written),
            money(line.cost),
            f"{_bar(share) if wide else ''} {share:4.0%}".lstrip() if everything.cost else "",
            str(line.hits),
            str(line.failed),
            *(str(line.refused) for _ in refusals),
            _seconds(line.first_p50),
            _seconds(line.total_p50),
            _seconds(line.total_p95),
        )
    out.print(table)
    out.print()


def _days(out: Console, past: dict[date, float], today: date, end: Forecast) -> None:
    from devflow.models.guard.prices import money

    shown = [today - timedelta(days=each) for each in range(41, -1, -1)]
    costs = [past.get(day, 0.0) for day in shown]
    most = max(costs)
    if most > 0:
        bars = "".join(_BARS[min(8, -(-int(cost / most * 800) // 100))] for cost in costs)
        out.print(f"cost by day  {shown[0]:%d %b} {bars} {today:%d %b}   (highest {money(most)})")
    days = f"from {end.days} day{'' if end.days == 1 else 's'} with calls"
    if end.low is None or end.high is None:
        sure = f"{days}: too few to say how sure that is"
    else:
        sure = f"{money(end.low)} to {money(end.high)} with a probability of 80 %, {days}"
    out.print(f"this month   {money(end.spent)} so far; at its end about {money(end.expected)} ({sure})")


def _print_csv(calls: Sequence[Call]) -> None:
    from devflow.models.guard.ledger import Call

    writer = csv.writer(sys.stdout)
    names = [each.name for each in fields(Call)]
    writer.writerow(names)
    writer.writerows([_cell(getattr(call, name)) for name in names] for call in calls)


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def _alternatives() -> list[Alternative]:
    """The models of the user's settings, with their prices."""
    from devflow.models.guard.books import Price
    from devflow.models.guard.prices import list_price
    from devflow.models.guard.spending import Alternative
    from devflow.server.sources import load

    models = load([])[0].models
    found = []
    for spec in models.models:
        local = spec.engine not in ("openai", "anthropic")
        price = Price(0.0, 0.0) if local else models.books.prices.get(spec.name) or list_price(spec.model)
        if price is not None:
            found.append(Alternative(spec.name, price, spec.context, local, spec.tasks))
    return found


def _checks(since: float) -> tuple[int, int]:
    """How many answers to a question in other words were checked since a time, and how many were wrong."""
    from sqlite3 import Error

    from devflow.models.guard.answers import FILE, Answers
    from devflow.models.guard.books import Keeping
    from devflow.server.models import answers_folder

    if not (answers_folder() / FILE).exists():
        return 0, 0
    try:
        answers = Answers(Keeping(folder=str(answers_folder())), None)
    except (OSError, Error):
        return 0, 0
    try:
        return answers.checks(since)
    finally:
        answers.close()


def _bar(share: float) -> str:
    eighths = round(share * 8 * _BAR)
    return ("█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")).ljust(_BAR)


_BLOCKS = " ▏▎▍▌▋▊▉"
_BAR = 10
_WIDE = 100
"""Columns of a terminal from which there is room for bars."""


def _short(number: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return str(number)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value else "-"
