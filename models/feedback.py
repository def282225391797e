"""What became of the suggestions: a store on this machine, for the router, the trigger and `devflow stats`.

It holds no text: of a suggestion its size, a keyed digest, its language, the model that made it and the
times. Nothing in it leaves the machine; deleting the file forgets everything. Every function may be called
from any thread and waits for the disk, so never from an event loop, but `record` and `digest`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import platformdirs

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

MOST_EVENTS = 50_000
"""About 10 MB; the oldest go first."""
MOST_DAYS = 180
_WAITING = 2_000
"""Events that are kept in memory until somebody calls `write`."""
_PRUNE_EVERY = 1_000
_LONGEST = 200

Kind = Literal["inline", "item", "next-edit"]
"""Ghost text behind the cursor, ghost text as an item of the completion list, an edit elsewhere."""


class Action(StrEnum):
    """What happened; the values are stored."""

    SHOWN = "shown"
    ACCEPTED = "accepted"
    """All of it."""
    ACCEPTED_WORD = "accepted-word"
    """Part of it, less than a line."""
    ACCEPTED_LINE = "accepted-line"
    """Part of it, whole lines."""
    REJECTED = "rejected"
    """Left without typing anything in its place."""
    TYPED_OVER = "typed-over"
    """Something else was typed in its place."""
    IGNORED = "ignored"
    """Gone with an edit elsewhere, with the line it was shown on, or with a list: nobody has judged it."""
    EDITED = "edited"
    """Looked at again 30 s after it was accepted: `distance` is 0 where it stands as it was."""


TAKEN = frozenset({Action.ACCEPTED, Action.ACCEPTED_WORD, Action.ACCEPTED_LINE})
REFUSED = frozenset({Action.REJECTED, Action.TYPED_OVER})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one suggestion."""

    suggestion: str
    """The same for everything that happened to it."""
    action: Action
    kind: Kind = "inline"
    language: str = ""
    model: str = ""
    """What made it: a model's name, `usage`, or the rule behind a next edit."""
    source: str = ""
    """Where it came from: `model`, `cache`, `code` …"""
    size: int = 0
    """Code points suggested."""
    taken: int = 0
    """Code points accepted."""
    distance: int = 0
    """Edit distance, in code points, between what was accepted and what stands there now."""
    milliseconds: float = 0.0
    """For SHOWN from the request to the answer, for the others since it was shown."""
    digest: str = ""
    """`Feedback.digest` of the suggested text and its place."""
    features: Mapping[str, float] = field(default_factory=dict)
    """What the trigger knew when it was shown: numbers by name."""
    experiment: str = ""
    """The experiment that gave the file to `model`, which did answer."""
    unit: str = ""
    """`Feedback.digest` of that file, in an experiment: its suggestions are no independent trials."""
    at: float = 0.0
    """Seconds since 1970; 0: now."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of a group of suggestions, each counted once in each field."""

    shown: int = 0
    accepted: int = 0
    """Whole or in part."""
    whole: int = 0
    rejected: int = 0
    """Rejected or typed over, and not accepted in part before."""
    looked_at: int = 0
    """Accepted ones that were looked at again after 30 s."""
    kept_after_30s: int = 0
    """Those of them that stood unchanged."""
    distance: int = 0
    """Code points by which the others were changed, summed."""
    kept: float = 0.0
    """Of those that were looked at, the shares of what was accepted that stood 30 s later, summed: 1 less the
    edit distance for each code point accepted, 0 at least."""

    @property
    def worth(self) -> float:
        """Accepted suggestions, each counted by the share of it that is kept; those nobody looked at again
        by the mean share of those that were."""
        return self.accepted * (self.kept / self.looked_at if self.looked_at else 1.0)

    @property
    def acceptance(self) -> float:
        """The share of shown suggestions that was accepted; 0.0 where none was shown."""
        return self.accepted / self.shown if self.shown else 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One suggestion that was shown and has ended: what an accept-probability is learned from."""

    features: Mapping[str, float]
    language: str
    model: str
    accepted: bool
    at: float


class Feedback:
    """The events of one user. A store that cannot be written or read is told of once in the log and then
    behaves as an empty one: feedback is never a reason to fail."""

    def __init__(
        self, path: Path | None, *, most: int = MOST_EVENTS, clock: Callable[[], float] = time.time
    ) -> None:
        """`path` is the database's file; None keeps nothing."""
        self._path = path
        self._most = most
        self._clock = clock
        self._waiting: deque[Event] = deque(maxlen=_WAITING)
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None
        self._key = os.urandom(32)
        self._written = 0
        self._broken = False

    @property
    def path(self) -> Path | None:
        """Where it is kept; None where it is not."""
        return self._path

    def record(self, event: Event) -> None:
        """Take note of an event. Touches no disk: `write` does."""
        self._waiting.append(event)

    def take_over(self, other: Feedback) -> None:
        """Record what `other` was told and has not written: it was there before the disk was."""
        self._waiting.extend(other._waiting)
        other._waiting.clear()

    def open(self) -> None:
        """Open the store, which the first use would do."""
        with self._opened():
            pass

    def write(self) -> None:
        """Put what was recorded into the store."""
        with self._opened() as db:
            if db is not None:
                self._write(db)

    def digest(self, text: str) -> str:
        """A name for `text` that means something in this store only: 16 hexadecimal digits, keyed. Touches no
        disk: the key is there once `open`, or anything that reads or writes, has been called."""
        return hashlib.blake2b(text.encode("utf-8", "replace"), key=self._key, digest_size=8).hexdigest()

    def by_model(
        self, *kinds: Kind, since: float = 0.0, experiment: str = ""
    ) -> dict[tuple[str, str], Outcomes]:
        """What became of the suggestions of every `(model, language)` there is, of these kinds (none named:
        of any), since a time in seconds. `experiment`: only of suggestions that were made in it."""
        return self._grouped("language", kinds, since, experiment)

    def by_unit(self, *kinds: Kind, experiment: str, since: float = 0.0) -> dict[tuple[str, str], Outcomes]:
        """The same for every `(model, unit)` of an experiment."""
        return self._grouped("unit", kinds, since, experiment)

    def _grouped(
        self, by: Literal["language", "unit"], kinds: Sequence[Kind], since: float, experiment: str
    ) -> dict[tuple[str, str], Outcomes]:
        sql = (
            f"SELECT model, {by}, sum(shown), sum(accepted OR word), sum(accepted), "
            "sum(refused AND NOT (accepted OR word)), sum(seen), sum(seen AND distance = 0), sum(distance), "
            "total(CASE WHEN seen THEN max(0.0, 1.0 - 1.0 * changed / max(taken, 1)) END) "
            "FROM (SELECT suggestion, max(model) AS model, "
            f"max({by}) AS {by}, "
            "max(action = 'shown') AS shown, max(action = 'accepted') AS accepted, "
            "max(action IN ('accepted-word', 'accepted-line')) AS word, "
            "max(action IN ('rejected', 'typed-over')) AS refused, max(action = 'edited') AS seen, "
            "max(distance) AS distance, sum(CASE action WHEN 'edited' THEN distance END) AS changed, "
            "sum(CASE action WHEN 'edited' THEN taken END) AS taken "
            "FROM events WHERE at >= ? AND (? = '[]' OR kind IN (SELECT value FROM json_each(?))) "
            "AND ? IN ('', experiment) "
            "GROUP BY suggestion) "
            f"GROUP BY model, {by}"
        )
        rows = self._rows(sql, (since, *[json.dumps(kinds)] * 2, experiment))
        return {
            (str(model), str(group)): replace(Outcomes(*map(int, counts)), kept=float(kept))
            for model, group, *counts, kept in rows
        }

    def trials(self, limit: int = 5_000) -> list[Trial]:
        """The newest suggestions that were shown and accepted or refused since, oldest first."""
        sql = (
            "SELECT s.features, s.language, s.model, "
            "max(e.action IN ('accepted', 'accepted-word', 'accepted-line')), s.at "
            "FROM events s JOIN events e ON e.suggestion = s.suggestion "
            "AND e.action NOT IN ('shown', 'edited', 'ignored') "
            "WHERE s.action = 'shown' AND s.kind = 'inline' "
            "GROUP BY s.suggestion ORDER BY s.at DESC LIMIT ?"
        )
        return [
            Trial(_numbers(features), str(language), str(model), bool(accepted), float(at))
            for features, language, model, accepted, at in reversed(self._rows(sql, (limit,)))
        ]

    def refused(self, since: float = 0.0, limit: int = 500) -> set[str]:
        """Digests of suggestions that were rejected or typed over and never accepted."""
        sql = (
            "SELECT digest FROM events WHERE digest <> '' AND at >= ? GROUP BY digest "
            "HAVING max(action IN ('rejected', 'typed-over')) AND NOT max(action IN "
            "('accepted', 'accepted-word', 'accepted-line')) ORDER BY max(at) DESC LIMIT ?"
        )
        return {str(digest) for (digest,) in self._rows(sql, (since, limit))}

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._waiting:
            self.write()
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    # -- the database --------------------------------------------------------------------------------

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with self._opened() as db:
            if db is not None:
                self._write(db)
                found = db.execute(sql, values).fetchall()
        return found

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """The database, under the lock; None where there is none. What goes wrong with it ends here."""
        import sqlite3

        with self._lock:
            if self._db is None and self._path is not None and not self._broken:
                try:
                    self._db = self._open(self._path)
                except (sqlite3.Error, OSError) as error:
                    self._give_up(error)
            try:
                yield self._db
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        log.warning("feedback is not kept: %s", error)
        self._broken = True
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self, path: Path) -> sqlite3.Connection:
        from devflow.models.database import opened, with_column

        db = opened(path, _TABLES, timeout=2.0)
        with db:
            db.execute("BEGIN IMMEDIATE")
            with_column(db, "events", "experiment")
            with_column(db, "events", "unit")
            db.execute("INSERT OR IGNORE INTO key VALUES (1, ?)", (os.urandom(32),))
        (self._key,) = db.execute("SELECT bytes FROM key").fetchone()
        return db

    def _write(self, db: sqlite3.Connection) -> None:
        rows = []
        while self._waiting:
            rows.append(self._row(self._waiting.popleft()))
        if not rows:
            return
        with db:
            db.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 15)})", rows)
            if self._written % _PRUNE_EVERY + len(rows) >= _PRUNE_EVERY or not self._written:
                self._prune(db)
        self._written += len(rows)

    def _row(self, event: Event) -> tuple[object, ...]:
        numbers = {name[:_LONGEST]: float(value) for name, value in event.features.items()}
        return (
            event.suggestion[:_LONGEST],
            event.at or self._clock(),
            event.action.value,
            event.kind,
            event.language[:_LONGEST],
            event.model[:_LONGEST],
            event.source[:_LONGEST],
            event.size,
            event.taken,
            event.distance,
            event.milliseconds,
            event.digest,
            json.dumps(numbers) if numbers else "",
            event.experiment[:_LONGEST],
            event.unit[:_LONGEST],
        )

    def _prune(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM events WHERE at < ?", (self._clock() - MOST_DAYS * 86_400,))
        db.execute(
            "DELETE FROM events WHERE rowid <= "
            "(SELECT rowid FROM events ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
            (self._most,),
        )


_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    suggestion TEXT NOT NULL, at REAL NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL,
    language TEXT NOT NULL, model TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    taken INTEGER NOT NULL, distance INTEGER NOT NULL, milliseconds REAL NOT NULL,
    digest TEXT NOT NULL, features TEXT NOT NULL, experiment TEXT NOT NULL DEFAULT '',
    unit TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_suggestion ON events (suggestion);
CREATE INDEX IF NOT EXISTS by_time ON events (at);
CREATE TABLE IF NOT EXISTS key (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL);
"""


def feedback_file() -> Path:
    """Where the user's feedback is kept."""
    return platformdirs.user_state_path("devflow") / "feedback.sqlite3"


def _numbers(stored: object) -> dict[str, float]:
    try:
        read = json.loads(str(stored) or "{}")
    except ValueError:
        return {}
    return {str(name): float(value) for name, value in read.items() if isinstance(value, int | float)}
