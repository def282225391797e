"""Answers of chat models, kept for when the same is asked again. Ghost text is never kept.

An answer is given again to the same request (exact), or to a question in other words about the very same
material (semantic): the hash of everything else in the request, each cited piece of code with it, must be
equal, the embeddings of the questions nearly so, and names, numbers and negations in them the same. When a
cited piece changes, the hash does, so a stale answer cannot be given; it goes with its time.

Now and then a semantic hit is checked: the model is asked after all, its answer given, and both compared.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.models.base import ChatRequest
from devflow.models.database import opened
from devflow.models.guard.books import Keeping

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Unit vectors of texts; synchronous."""

SAME_MEANING = 0.8
"""Cosine of two answers from which on they count as saying the same."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer from before."""

    answer: str
    how: str
    """`exact` or `semantic`."""
    cost: float
    """What it cost then."""
    check: bool = False
    """Whether to ask the model all the same and tell `compared`."""


class Answers:
    """The open file. Synchronous: call it in a thread. Any thread may."""

    def __init__(self, keeping: Keeping, embed: Embed | None, clock: Callable[[], float] = time.time) -> None:
        self._keeping = keeping
        self._embed = embed
        self._clock = clock
        self._lock = threading.Lock()
        self._db = opened(Path(keeping.folder) / FILE, _TABLES)  # damaged: what it held can be asked again

    def find(self, model: str, request: ChatRequest) -> Kept | None:
        """The answer kept for `request` to `model`, None when there is none."""
        asked = _asked(model, request)
        oldest = self._clock() - self._keeping.ttl
        with self._lock, self._db as db:
            row = db.execute(
                "SELECT answer, cost FROM answers WHERE key = ? AND at > ?", (asked.key, oldest)
            ).fetchone()
            if row is not None:
                return Kept(row[0], "exact", row[1])
            others = db.execute(
                "SELECT question, vector, answer, cost FROM answers WHERE inputs = ? AND at > ?",
                (asked.inputs, oldest),
            ).fetchall()
        if not others or not asked.question or self._embed is None or self._keeping.threshold >= 1:
            return None
        own = list(self._embed([asked.question])[0])
        terms = _terms(asked.question)
        best = max(
            (
                (_cosine(own, array("f", vector)), answer, cost)
                for question, vector, answer, cost in others
                if vector and _terms(question) == terms
            ),
            default=(0.0, "", 0.0),
        )
        if best[0] < self._keeping.threshold:
            return None
        every = round(1 / self._keeping.checked) if self._keeping.checked > 0 else 0
        return Kept(best[1], "semantic", best[2], check=bool(every) and self._counted() % every == 1 % every)

    def _counted(self) -> int:
        """How many semantic hits there were with this one, whatever process had them."""
        with self._lock, self._db as db:
            [count] = db.execute(
                "INSERT INTO counts VALUES ('semantic', 1) ON CONFLICT DO UPDATE SET count = count + 1 "
                "RETURNING count"
            ).fetchone()
        return int(count)

    def keep(self, model: str, request: ChatRequest, answer: str, cost: float) -> None:
        """Keep a whole answer."""
        asked = _asked(model, request)
        vector = b""
        if asked.question and self._embed is not None and self._keeping.threshold < 1:
            vector = array("f", self._embed([asked.question])[0]).tobytes()
        now = self._clock()
        with self._lock, self._db as db:
            db.execute("DELETE FROM answers WHERE at <= ?", (now - self._keeping.ttl,))
            db.execute(
                "INSERT OR REPLACE INTO answers (key, at, inputs, question, vector, answer, cost) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (asked.key, now, asked.inputs, asked.question, vector, answer, cost),
            )

    def compared(self, kept: str, fresh: str) -> bool:
        """Write down whether a checked hit would have been right; that."""
        if self._embed is None:
            return True
        one, other = self._embed([kept, fresh])
        cosine = _cosine(one, other)
        with self._lock, self._db as db:
            db.execute("INSERT INTO checks VALUES (?, ?)", (self._clock(), cosine))
        return cosine >= SAME_MEANING

    def checks(self, since: float = 0.0) -> tuple[int, int]:
        """How many semantic hits were checked since a time, and how many of those were false."""
        with self._lock, self._db as db:
            [checked, wrong] = db.execute(
                "SELECT COUNT(*), TOTAL(cosine < ?) FROM checks WHERE at >= ?", (SAME_MEANING, since)
            ).fetchone()
        return checked, int(wrong)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


FILE = "answers.sqlite"


@dataclass(frozen=True, slots=True)
class _Asked:
    key: str
    inputs: str
    """The hash of everything but the question."""
    question: str


def _asked(model: str, request: ChatRequest) -> _Asked:
    question = request.question
    messages = [(message.role, message.content) for message in request.messages]
    rest = [(role, content.replace(question, "", 1) if question else content) for role, content in messages]
    how = [model, request.max_tokens, request.stop, request.temperature, request.schema]
    return _Asked(_hash([how, messages]), _hash([how, rest]), question)


def _hash(value: object) -> str:
    # The mark round the material of a prompt is made of its text, the question with it.
    text = re.sub(r"material-[0-9a-f]{16}", "material", json.dumps(value))
    return hashlib.sha256(text.encode()).hexdigest()


_TERM = re.compile(r"[A-Za-z_]*[_.\d][\w.]*|\b[a-z]+[A-Z]\w*|\b[A-Z]{2,}\b|`[^`]+`|\d+")
_TURNS = re.compile(
    r"\b(?:not?|never|without|un\w+|dis\w+|except|before|after|first|last|min\w*|max\w*|add\w*|remov\w*|delet\w*|"
    r"creat\w*|read\w*|writ\w*|open\w*|clos\w*|start\w*|stop\w*|enabl\w*|disabl\w*|encod\w*|decod\w*|load\w*|sav\w*|"
    r"why|where|when|who|how many)\b|n't\b"
)


def _terms(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """What two questions must share whatever their vectors say: names and numbers, and words that turn the
    meaning round."""
    turns = (each[:4] for each in _TURNS.findall(question.lower()))
    return frozenset(_TERM.findall(question)), frozenset(turns)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else 0.0


_TABLES = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, at, inputs, question, vector, answer, cost);
CREATE INDEX IF NOT EXISTS answers_inputs ON answers (inputs);
CREATE TABLE IF NOT EXISTS checks (at, cosine);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count);
"""
