"""The books of the guard: what a call may cost before it is made, what it did cost after it.

`Accounts.begin` reserves money (budget), then asks for room (rate limits); `Accounts.end` writes the audit
log, then the ledger, which remembers how far the log goes. Both are synchronous and take well under a
millisecond: the guard calls them in a thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devflow.models.base import Meter
from devflow.models.errors import NotAllowed, OverBudget, RateLimited
from devflow.models.guard import metrics
from devflow.models.guard.audit import AuditLog, Written, stamp
from devflow.models.guard.books import Books, Price
from devflow.models.guard.ledger import Busy, Call, Ledger, LedgerUnusable, Reservation
from devflow.models.guard.limits import Limiter
from devflow.models.guard.prices import list_price, money
from devflow.models.guard.tokens import Tokens
from devflow.models.guard.traces import Traces

log = logging.getLogger(__name__)

LONGEST_WAIT = 10.0
"""Seconds a request waits for money that running calls have reserved."""

REOPENED_AFTER = 30.0
"""Seconds until a ledger that could not be opened is tried again."""

METRICS_EVERY = 15.0
"""Seconds between two writings of the metrics file."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a call is about to send: what the books are told of it."""

    feature: str
    name: str
    """Of the model in the settings."""
    model: str
    """At its provider."""
    host: str
    characters: int
    bytes: int
    turns: int
    max_tokens: int
    language: str = ""
    files: tuple[str, ...] = ()
    unit: str = ""
    """What experiments assign: the request's."""
    redacted: Mapping[str, int] = field(default_factory=dict)
    content: str = field(default="", repr=False)


@dataclass(slots=True)
class Entry:
    """One call from its request to its line in the books."""

    sent: Sent
    id: str
    at: float
    asked: float
    """By the clock that only goes forward, as the next two."""
    called: float = 0.0
    first: float = 0.0
    written: int = 0
    """Characters of the answer."""
    overran: bool = False
    """The server wrote more than was asked for, and was stopped."""
    meter: Meter = field(default_factory=Meter)
    reservation: Reservation | None = None
    news: tuple[str, ...] = ()
    """What the user is to be told, whether or not the call is made."""

    def heard(self, characters: int) -> None:
        """A piece of the answer came."""
        if not self.first:
            self.first = time.monotonic()
        self.written += characters


class Accounts:
    """Ledger, audit log and limits of one process, opened at the first call."""

    def __init__(self, books: Books, *, wall: Callable[[], float] = time.time) -> None:
        self._books = books
        self._wall = wall
        self._limiter = Limiter(books.rates)
        self._opening = threading.Lock()
        self._ledger: Ledger | None = None
        self._opens_again = 0.0
        self._unusable = "No ledger is kept (models.ledger = false)."
        self._audit: AuditLog | None = None
        self._said: set[str] = set()
        self._room = asyncio.Condition()
        self.warning = ""
        """What the user is to know of the budget, after the last call."""
        self.tell: Callable[[str], None] | None = None
        """Tells the user that a budget is nearly spent, once in its period, or that the audit log cannot be
        written; called on the event loop. None: nobody here can be told, and another process may."""
        self.refusals: dict[str, str] = {}
        """By the model's name, why the budget let its last call not be made; without those it let."""
        self.experiment_of: Callable[[str, str, str, str], str] = lambda feature, language, unit, name: ""
        """The experiment that gave a unit (of a language, for a feature) to the model `name`."""
        self._traces = Traces(books.traces_endpoint) if books.traces_endpoint else None
        self._tokens = Tokens()
        self._measured = 0.0

    def entry(self, sent: Sent) -> Entry:
        """A new entry, with an id that the logs name it by."""
        return Entry(sent, f"c-{secrets.token_hex(5)}", self._wall(), time.monotonic())

    async def admit(self, entry: Entry, prepare: Callable[[], None] | None = None) -> None:
        """Reserve the money and take room for a call; waits a while for money that running calls may give
        back. `prepare` is called before, in the same thread. A call that is refused is written down. Raises
        OverBudget, RateLimited, and what `prepare` raises."""
        try:
            await self._admitted(entry, prepare)
        except (NotAllowed, RateLimited) as error:
            await self.settle(entry, "refused", str(error))
            raise

    async def _admitted(self, entry: Entry, prepare: Callable[[], None] | None) -> None:
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            try:
                return await self._begun(entry, prepare)
            except Busy:
                prepare = None
                left = deadline - time.monotonic()
                if left <= 0:
                    raise OverBudget(
                        "The budget is reserved by calls that still run; try again when they have ended.",
                        final=self._books.budget.when_spent == "stop",
                    ) from None
            async with self._room:  # other processes do not wake us: look again now and then
                try:
                    await asyncio.wait_for(self._room.wait(), min(left, 0.25))
                except TimeoutError:
                    pass

    async def _begun(self, entry: Entry, prepare: Callable[[], None] | None) -> None:
        def begin() -> None:
            if prepare is not None:
                prepare()
            self.begin(entry)

        try:
            await asyncio.to_thread(begin)
        finally:
            self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        news, entry.news = entry.news, ()
        if self.tell is not None:
            for sentence in news:
                self.tell(sentence)

    async def settle(self, entry: Entry, outcome: str, why: str = "") -> None:
        """Write a call down, and wake those who wait for its money."""
        await asyncio.to_thread(self.end, entry, outcome, why)
        self._tell(entry)
        async with self._room:
            self._room.notify_all()

    def begin(self, entry: Entry) -> None:
        """Reserve the money, then take room. Raises OverBudget, Busy, RateLimited."""
        asked = self._reserve(entry)
        sent = entry.sent
        if not sent.host:
            return
        try:
            self._limiter.take(sent.host, self._books.user, asked + sent.max_tokens)
        except BaseException:
            self._give_back(entry)
            raise

    def _reserve(self, entry: Entry) -> int:
        """Reserve the money; how many tokens the call is expected to send. Raises OverBudget, Busy."""
        sent, budget = entry.sent, self._books.budget
        price = self.price(sent)
        if price is None and budget.any and sent.host:
            self.refusals[sent.name] = (
                f"{sent.name} has no price, so the budget cannot be kept; set input_price and output_price "
                "for it."
            )
            raise NotAllowed(self.refusals[sent.name])
        price = price or _FREE
        # No token is shorter than a byte, and no answer longer than was asked for.
        most = price.of(sent.bytes + 8 * sent.turns + 64, sent.max_tokens)
        asked = self._tokens.of(sent.name, sent.characters)
        expected = price.of(asked, sent.max_tokens)
        if budget.request is not None and expected > budget.request:
            raise OverBudget(
                f"This call to {sent.name} could cost {money(expected)}, more than the "
                f"{money(budget.request)} that models.budget.request allows.",
                final=budget.when_spent == "stop",
            )
        ledger = self.ledger()
        if ledger is not None:
            try:
                tells = self.tell is not None
                workspace = self._books.workspace
                entry.reservation = ledger.reserve(most, budget, workspace, entry.at, tells=tells)
                entry.news = entry.reservation.news
            except OverBudget as error:
                self.refusals[sent.name] = str(error)
                raise
            except LedgerUnusable as error:
                self._without_ledger(error)
        elif budget.any:
            raise NotAllowed(f"{self._unusable} A budget is set, so nothing is sent.")
        self.refusals.pop(sent.name, None)
        self.warning = entry.reservation.warning if entry.reservation is not None else ""
        if self.warning:
            self._say(self.warning)
        return asked

    def _give_back(self, entry: Entry) -> None:
        if entry.reservation is not None and (ledger := self.ledger()) is not None:
            ledger.release(entry.reservation)
            entry.reservation = None

    def refusal(self, sent: Sent) -> str:
        """Why the budget would not let a call be made just now, "" where it would. What it reserves is given
        back, and none of the room that rate limits leave is taken."""
        if not self._books.budget.any or (not sent.host and self.price(sent) is None):
            return ""
        entry = self.entry(sent)
        try:
            self._reserve(entry)
        except Busy:  # it would wait
            return ""
        except NotAllowed as error:
            return str(error)
        self._give_back(entry)
        return ""

    def end(self, entry: Entry, outcome: str, why: str = "") -> None:
        """Write the ledger, and the audit log where the call left this machine."""
        call = self._call(entry, outcome)
        self.write(call, entry.reservation, self._audited(entry, call, why) if call.host else None)

    def _call(self, entry: Entry, outcome: str) -> Call:
        sent, meter, now = entry.sent, entry.meter, time.monotonic()
        spoke = bool(entry.written) or meter.written is not None
        billed = entry.called > 0 and (spoke or outcome in ("answered", "cancelled", "stalled"))
        counted = _believed(meter.read)
        if counted is not None:
            read = counted
            self._tokens.learn(sent.name, sent.characters, read)
        else:
            read = self._tokens.of(sent.name, sent.characters) if billed else 0
        written = _believed(meter.written)
        if written is None:
            written = self._tokens.of(sent.name, entry.written)
        price = self.price(sent) or _FREE
        experiment = self.experiment_of(sent.feature, sent.language, sent.unit, sent.name)
        return Call(
            entry.id,
            entry.at,
            sent.feature,
            sent.name,
            sent.host,
            sent.language,
            self._books.workspace,
            self._books.user,
            read,
            min(max(meter.cached, 0), read),
            written,
            counted is not None,
            price.of(read, written, meter.cached) if billed else 0.0,
            max(0.0, (entry.called or now) - entry.asked),
            entry.first - entry.called if entry.first else 0.0,
            now - entry.asked,
            outcome=outcome,
            experiment=experiment,
            unit=unit_digest(sent.unit) if experiment else "",
        )

    def write(
        self, call: Call, reservation: Reservation | None = None, audited: Written | None = None
    ) -> None:
        """Write one call into the ledger: a call that left the machine, a local one, an answer that was
        kept. `audited`: as in `Ledger.settle`."""
        call = replace(
            call, workspace=call.workspace or self._books.workspace, user=call.user or self._books.user
        )
        if self._traces is not None:
            self._traces.record(call)
        ledger = self.ledger()
        if ledger is None:
            return
        try:
            ledger.settle(reservation, call, audited)
            if self._books.metrics_file and time.monotonic() - self._measured > METRICS_EVERY:
                self._measured = time.monotonic()
                metrics.write(Path(self._books.metrics_file), ledger.calls())
        except LedgerUnusable as error:
            self._say(str(error))
        except OSError as error:
            self._say(f"The metrics cannot be written to {self._books.metrics_file} ({error.strerror}).")

    def estimated(self, sent: Sent, written: int) -> float:
        """About what a call costs whose answer has so many characters; 0.0 where nobody knows its price."""
        price = self.price(sent) or _FREE
        return price.of(self._tokens.of(sent.name, sent.characters), self._tokens.of(sent.name, written))

    def price(self, sent: Sent) -> Price | None:
        """What the model of a call costs, None when nobody says. On this machine it costs what the user says
        it does, whatever a provider asks for a model of that name."""
        return self._books.prices.get(sent.name) or (list_price(sent.model) if sent.host else None)

    def ledger(self) -> Ledger | None:
        """The ledger, None where none is kept or it cannot be. One that could not be opened is tried again
        later: another program may have had it, or the disk was full."""
        with self._opening:
            if self._ledger is None and self._books.folder and time.monotonic() >= self._opens_again:
                try:
                    self._ledger = Ledger(Path(self._books.folder) / LEDGER)
                except (LedgerUnusable, OSError, sqlite3.Error) as error:
                    self._opens_again = time.monotonic() + REOPENED_AFTER
                    self._unusable = str(error)
                    self._say(f"{error} Calls are not written down.")
            return self._ledger

    def close(self) -> None:
        """Close the files."""
        with self._opening:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
            if self._traces is not None:
                self._traces.close()

    def _audited(self, entry: Entry, call: Call, why: str) -> Written | None:
        """Write a call into the audit log; None where it could not be."""
        if not self._books.folder:
            return None
        from devflow.models.guard.redact import Vault

        sent = entry.sent
        why, *files = Vault((why or sent.feature, *sent.files), personal=False).texts
        line: dict[str, Any] = {
            "time": stamp(entry.at),
            "id": entry.id,
            "outcome": call.outcome,
            "why": why,
            "to": sent.host,
            "model": f"{sent.name} ({sent.model})" if sent.model not in ("", sent.name) else sent.name,
            "workspace": call.workspace,
            "user": call.user,
            "files": files,
            "characters": sent.characters if entry.called else 0,
            "redacted": dict(sent.redacted),
            "read": call.read,
            "written": call.written,
            "cost": round(call.cost, 8),
        }
        if self._books.keep_content and entry.called:
            line["content"] = sent.content
        path = Path(self._books.folder) / AUDIT
        try:
            if self._audit is None:
                self._audit = AuditLog(path)
            return self._audit.append(line)
        except OSError as error:
            sentence = (
                f"The audit log {path} cannot be written ({error.strerror}); what leaves is not written down."
            )
            if self._say(sentence):
                entry.news = (*entry.news, sentence)
            return None

    def _without_ledger(self, error: LedgerUnusable) -> None:
        if self._books.budget.any:
            raise NotAllowed(f"{error} A budget is set, so nothing is sent.") from error
        self._say(str(error))

    def _say(self, sentence: str) -> bool:
        """A warning, each once; whether this was the time."""
        if sentence in self._said:
            return False
        self._said.add(sentence)
        log.warning("%s", sentence)
        return True


def unit_digest(unit: str) -> str:
    """What the books know a unit of an experiment by: calls of the same one have the same."""
    return hashlib.blake2b(unit.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _believed(tokens: int | None) -> int | None:
    """What a provider counted; None where it did not, or what it says is no number of tokens."""
    return tokens if tokens is not None and 0 <= tokens <= _MOST_TOKENS else None


_MOST_TOKENS = 100_000_000
"""Of one call: ten times what any model reads."""
_FREE = Price(0.0, 0.0)
LEDGER, AUDIT = "ledger.sqlite", "audit.jsonl"
