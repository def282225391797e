"""What calls of models cost and how long they took: a SQLite file of the user's own.

All processes of a user write to the same file. Before a call its highest possible price is reserved in the
same transaction that sums what is spent and reserved, so that calls side by side cannot overspend together;
after it the reservation becomes what was really used. A process that dies with a reservation leaves it
behind: it counts as spent once it has expired, since the provider may have been paid.

Windows of time have a beginning and no end: who sets the clock back sees calls of "the future" still counted,
so that wrong clocks never free money.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from devflow.models.database import opened, with_column
from devflow.models.errors import OverBudget
from devflow.models.guard.audit import BEGINNING, Written
from devflow.models.guard.books import Budget, start_of_day
from devflow.models.guard.prices import money

SCHEMA = 1
_LOST = "spent before is not known"
RESERVED_FOR = 900.0
"""Seconds after which a reservation counts as spent: longer than any call."""


FAILED = frozenset({"failed", "stalled"})
"""Outcomes of calls that were made and gave no whole answer, by no wish of the user's."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model, or an answer from the cache in its place. Times in seconds."""

    id: str
    at: float
    """Seconds since 1970, when it was asked for."""
    feature: str
    model: str
    host: str = ""
    """Where it went; "" for this machine."""
    language: str = ""
    workspace: str = ""
    user: str = ""
    read: int = 0
    """Tokens of the prompt."""
    cached: int = 0
    """Of those, from the provider's cache."""
    written: int = 0
    counted: bool = False
    """Whether the provider counted the tokens; else they are estimated."""
    cost: float = 0.0
    queued: float = 0.0
    """From the request to the call: redaction, budget, waiting."""
    first: float = 0.0
    """From the call to the first piece of its answer, 0 without one."""
    total: float = 0.0
    """From the request to the end."""
    hit: str = ""
    """`exact` or `semantic`: the answer was kept from an earlier call."""
    saved: float = 0.0
    """What the call would have cost, when it was a hit."""
    outcome: str = "answered"
    """`answered`, `overran` (wrote more than was asked for, and was stopped), `cancelled` (nobody waits for
    it any more), `stalled` (it stopped in the middle for too long, and was left), `refused` (policy,
    budget, limit) or `failed`."""
    experiment: str = ""
    """The experiment that gave the unit to this model, …"""
    unit: str = ""
    """… and a digest of that: of a file, or of a conversation's first words. "" outside experiments."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for a call that runs."""

    id: int
    amount: float
    warning: str = ""
    """A sentence for the user when a limit is nearly reached."""
    news: tuple[str, ...] = ()
    """Of such sentences those that no process has told in this period yet."""


class Busy(Exception):
    """There is money, but calls that run have it reserved: try again when one has ended."""


class LedgerUnusable(Exception):
    """The file cannot be read or written; the message is a sentence for the user."""


class Ledger:
    """The open file. Synchronous, takes about a tenth of a millisecond: call it in a thread. Any thread
    may."""

    def __init__(self, path: Path) -> None:
        """Makes the file, for its owner alone, when it is not there. A file that is no ledger is put aside.
        Raises LedgerUnusable."""
        self.path = path
        self._lock = threading.Lock()
        try:
            # A new file does not free the money: it holds when what was spent before was lost, and no budget
            # of that time covers a call.
            lost = f"INSERT OR REPLACE INTO notes VALUES ('{_LOST}', '{time.time()}');"
            self._db = opened(path, _TABLES, keep_damaged=True, anew=lost)
            with_column(self._db, "calls", "experiment")
            with_column(self._db, "calls", "unit")
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnusable(f"The ledger {path} cannot be used ({error}).") from error
        self._db.isolation_level = None  # transactions are begun by hand

    def reserve(
        self, amount: float, budget: Budget, workspace: str, now: float, *, tells: bool = False
    ) -> Reservation:
        """Set `amount` aside for a call. `tells`: the user is told the `news`, which nobody is told again.
        Raises OverBudget when a limit would be passed even without the calls that run, Busy when only they
        stand in the way."""
        with self._transaction() as db:
            self._expire(db, now)
            unknown = self._unknown_until(db)
            warning, news = "", []
            for name, limit, (since, own) in budget.windows(now):
                if limit is None:
                    continue
                if since <= unknown:
                    raise LedgerUnusable(
                        f"The ledger {self.path} was damaged, and what was spent {name} is not known; delete "
                        "that file to begin at nothing, or wait for the next period."
                    )
                spent, reserved = self._in_window(db, since, workspace if own else None)
                if spent + amount > limit:
                    raise OverBudget(
                        f"The budget for {name} ({money(limit)}) does not cover this call: {money(spent)} is "
                        f"spent and it could cost {money(amount)}; raise models.budget, or wait.",
                        final=budget.when_spent == "stop",
                    )
                if spent + reserved + amount > limit:
                    raise Busy
                if spent >= budget.warn_at * limit:
                    warning = f"{budget.warn_at:.0%} of the budget for {name} ({money(limit)}) is spent."
                    period = f"{since:.0f} {limit}"
                    if tells and _noted(db, key := f"warned {name} {workspace if own else ''}") != period:
                        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, period))
                        news.append(warning)
            cursor = db.execute(
                "INSERT INTO reservations (at, expires, amount, workspace) VALUES (?, ?, ?, ?)",
                (now, now + RESERVED_FOR, amount, workspace),
            )
            return Reservation(cursor.lastrowid or 0, amount, warning, tuple(news))

    def settle(self, reservation: Reservation | None, call: Call, audited: Written | None = None) -> None:
        """Write down what a call used in place of what was reserved for it. `audited`: its line in the audit
        log."""
        with self._transaction() as db:
            if reservation is not None:
                db.execute("DELETE FROM reservations WHERE id = ?", (reservation.id,))
            _write(db, call)
            if audited is not None:
                _note_line(db, audited)

    def release(self, reservation: Reservation) -> None:
        """Give back what was reserved for a call that was not made."""
        with self._transaction() as db:
            db.execute("DELETE FROM reservations WHERE id = ?", (reservation.id,))

    def spent(self, since: float, workspace: str | None = None) -> float:
        """The money spent since the beginning of a day, in one workspace or all."""
        with self._transaction() as db:
            return self._in_window(db, since, workspace)[0]

    def calls(self, since: float = 0.0, workspace: str | None = None) -> list[Call]:
        """The calls since a time, in order of time."""
        where, values = ("", ()) if workspace is None else (" AND workspace = ?", (workspace,))
        with self._lock:
            try:
                rows = self._db.execute(
                    f"SELECT {_COLUMNS} FROM calls WHERE at >= ?{where} ORDER BY at, rowid", (since, *values)
                ).fetchall()
            except sqlite3.Error as error:
                raise self._unusable("read", error) from error
        return [_call(row) for row in rows]

    def audited(self) -> tuple[str, ...]:
        """The hashes that the audit log must hold: of its last line, and of one that was the last when a
        line was written in its place; none before the first."""
        with self._transaction() as db:
            known = (_noted(db, _AUDITED), _noted(db, _CUT))
        return tuple(each.split()[-1] for each in known if each)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _unusable(self, done: str, error: sqlite3.Error) -> LedgerUnusable:
        hint = "" if isinstance(error, sqlite3.OperationalError) else " Delete that file to begin a new one."
        return LedgerUnusable(f"The ledger {self.path} cannot be {done} ({error}).{hint}")

    def _unknown_until(self, db: sqlite3.Connection) -> float:
        return float(_noted(db, _LOST) or -math.inf)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._unusable("written", error) from error

    def _expire(self, db: sqlite3.Connection, now: float) -> None:
        """Calls whose process died count as spent."""
        expired = db.execute(
            "DELETE FROM reservations WHERE expires < ? RETURNING at, amount, workspace", (now,)
        ).fetchall()
        for at, amount, workspace in expired:
            lost = Call("lost", at, "", "", workspace=workspace, cost=amount, outcome="failed")
            _write(db, lost)

    def _in_window(self, db: sqlite3.Connection, since: float, workspace: str | None) -> tuple[float, float]:
        where, values = ("", ()) if workspace is None else (" AND workspace = ?", (workspace,))
        [spent] = db.execute(
            f"SELECT TOTAL(cost) FROM days WHERE day >= ?{where}", (start_of_day(since), *values)
        ).fetchone()
        [reserved] = db.execute(
            f"SELECT TOTAL(amount) FROM reservations WHERE at >= ?{where}", (since, *values)
        ).fetchone()
        return spent, reserved


def _noted(db: sqlite3.Connection, key: str) -> str:
    row = db.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def _note_line(db: sqlite3.Connection, line: Written) -> None:
    """Remember the line that ends the audit log. Processes settle in any order, so an older one changes
    nothing. Lines never overlap: one that is written over the end that is known, or behind it after another
    line, was written after lines had been taken out; then that end is remembered for good."""
    known = _noted(db, _AUDITED)
    end, head = (int(known.split()[0]), known.split()[1]) if " " in known else (0, BEGINNING)
    over = line.start < end <= line.end and line.head != head
    if (over or (line.start == end and line.before != head)) and not _noted(db, _CUT):
        db.execute("INSERT INTO notes VALUES (?, ?)", (_CUT, head))
    if line.end > end:
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_AUDITED, f"{line.end} {line.head}"))


_AUDITED, _CUT = "audit", "audit was cut behind"


def _write(db: sqlite3.Connection, call: Call) -> None:
    """One call, and its money added to that of its day: windows begin with a day, and a month of calls is
    not summed before each."""
    db.execute(_INSERT, _VALUES(call))
    if call.cost:
        db.execute(
            "INSERT INTO days VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cost = cost + excluded.cost",
            (start_of_day(call.at), call.workspace, call.cost),
        )


def _call(row: Sequence[Any]) -> Call:
    values = dict(zip((each.name for each in fields(Call)), row, strict=True))
    return Call(**{**values, "counted": bool(values["counted"])})


_COLUMNS = ", ".join(each.name for each in fields(Call))
_VALUES = attrgetter(*(each.name for each in fields(Call)))
_INSERT = f"INSERT INTO calls ({_COLUMNS}) VALUES ({', '.join('?' for _ in fields(Call))})"
_TABLES = f"""
CREATE TABLE IF NOT EXISTS calls ({_COLUMNS});
CREATE INDEX IF NOT EXISTS calls_at ON calls (at);
CREATE TABLE IF NOT EXISTS days (day, workspace, cost, PRIMARY KEY (day, workspace));
CREATE TABLE IF NOT EXISTS reservations (id INTEGER PRIMARY KEY, at, expires, amount, workspace);
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value);
PRAGMA user_version = {SCHEMA};
"""
