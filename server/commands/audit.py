"""`devflow audit`: what left this machine, and whether the log of it is as it was written."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from devflow.server.commands.arguments import count
from devflow.server.commands.terminal import console, visible


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=("verify", "show"), help="check the chain, or print the last lines")
    parser.add_argument("--folder", type=Path, help="where ledger and audit log lie (default: your own)")
    parser.add_argument("--limit", type=count, default=20, help="lines to show (default: 20)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Verify: 1 when a line is not as it was written. Show: 1 when the log is gone."""
    from devflow.models.guard.accounting import AUDIT
    from devflow.server.models import state_folder

    folder = arguments.folder or state_folder()
    return (_verify if arguments.action == "verify" else _show)(folder / AUDIT, arguments)


def _verify(path: Path, arguments: argparse.Namespace) -> int:
    from devflow.models.guard.audit import verify

    try:
        known = _known(path.parent)
        verdict = verify(path, known)
    except OSError as error:
        console(stderr=True).print(f"The audit log {path} cannot be read ({error.strerror}).")
        return 2
    if arguments.json:
        answer = {"lines": verdict.lines, "broken": verdict.broken or None, "why": verdict.why}
        print(json.dumps(answer | {"head": verdict.head}))
    elif verdict.whole and not path.exists():
        console().print(f"There is no log yet: {path} does not exist, and no ledger knows of a line of one.")
    elif verdict.whole:
        console().print(f"{path}: {_lines(verdict.lines)}, the chain is whole, its head is {verdict.head}.")
    else:
        console().print(
            f"{path}: line {verdict.broken} is broken: {verdict.why}."
            + (f" The {_lines(verdict.lines)} before it: as written." if verdict.lines else "")
        )
    if verdict.whole and verdict.lines and not known:
        console(stderr=True).print(
            "The ledger that remembers the newest line is gone or cannot be read: that no line is missing at "
            "the end cannot be told."
        )
    return 0 if verdict.whole else 1


def _lines(count: int) -> str:
    """`1 line`, `2 lines`."""
    return f"{count} line{'' if count == 1 else 's'}"


def _known(folder: Path) -> tuple[str, ...]:
    """The hashes the ledger remembers; none where it remembers none or cannot be read."""
    from devflow.models.guard.accounting import LEDGER
    from devflow.models.guard.ledger import Ledger, LedgerUnusable

    if not (folder / LEDGER).exists():
        return ()
    try:
        with contextlib.closing(Ledger(folder / LEDGER)) as ledger:
            return ledger.audited()
    except LedgerUnusable:
        return ()


def _show(path: Path, arguments: argparse.Namespace) -> int:
    from devflow.models.guard.prices import money

    try:
        text = path.read_text("utf-8", errors="replace") if path.exists() else ""
        lines = text.splitlines()[-arguments.limit :]
    except OSError as error:
        console(stderr=True).print(f"The audit log {path} cannot be read ({error.strerror}).")
        return 2
    out = console()
    for line in lines:
        if arguments.json:
            print(visible(line))
            continue
        try:
            each = json.loads(line)
            kinds = ", ".join(f"{count} {kind}" for kind, count in each["redacted"].items())
            about = f"of {', '.join(each['files']) or 'no file'}"
            if each["outcome"] == "refused":
                out.print(
                    visible(
                        f"{each['time']}  refused  nothing was sent to {each['to']} ({each['model']}), "
                        f"{about}: {each['why']}"
                    )
                )
                continue
            out.print(
                visible(
                    f"{each['time']}  {each['outcome']}  {each['characters']} characters to {each['to']} "
                    f"({each['model']}), {each['read']}+{each['written']} tokens, {money(each['cost'])}, "
                    f"for {each['why']}, {about}, "
                    f"taken out: {kinds or 'nothing'}"
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            out.print("a line that cannot be read; `devflow audit verify` says which")
    if not path.exists() and _known(path.parent):
        console(stderr=True).print(
            f"Lines are missing: {path} does not exist, and the ledger knows of a line."
        )
        return 1
    if not lines and not arguments.json:
        out.print(f"Nothing has left this machine ({path} does not exist).")
    return 0
