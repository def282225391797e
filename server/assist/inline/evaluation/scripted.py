"""A model that is told the truth and writes it with the faults models have: the filter's examiner.

It is no model: what it is right about says nothing, what of its faults is still shown says what the
stages behind a model are worth.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from devflow.analysis.tokens import lex, subtokens
from devflow.models.base import FillRequest, Health, ModelStatus
from devflow.models.streams import Answer, answer_of
from devflow.server.assist.keywords import builtin_names, keywords

_WORDS_TEXT = """
all async base by cached check config context current data default entry extra final from get
handler id index info internal items key list load make map new next object old parse path raw
resolve safe set source state temp to update value with
"""
_WORDS = tuple(_WORDS_TEXT.split())


@dataclass(frozen=True, slots=True)
class Faulty:
    """What was made of a truth: the text, and which names in it are invented."""

    text: str
    invented: frozenset[str] = frozenset()


def with_invented_names(
    truth: str, share: float, chance: random.Random, real: frozenset[str], used: frozenset[int] | None = None
) -> Faulty:
    """`truth` with `share` of its names in place of which stands one that does not exist: none of `real`.
    `used`: where in it names stand that must exist (None: all); one that is made there may have any name."""
    tokens = lex(truth, "python")
    skipped = set(keywords("python")) | set(builtin_names("python")) | {"self", "cls"}
    edits: list[tuple[int, int, str]] = []
    for token in tokens:
        if not token.text.isidentifier() or token.text in skipped or chance.random() >= share:
            continue
        if used is not None and token.start not in used:
            continue
        invented = invent(token.text, chance, real)
        if invented:
            edits.append((token.start, token.end, invented))
    text = truth
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return Faulty(text, frozenset(new for _, _, new in edits))


def invent(name: str, chance: random.Random, real: frozenset[str]) -> str:
    """A name that looks like `name`'s sibling and is none of `real`; "" when no such comes to mind."""
    for _ in range(20):
        words = subtokens(name.strip("_")) or [name]
        way = chance.randrange(5)
        if way == 0:
            words = [chance.choice(_WORDS), *words]
        elif way == 1:
            words = [*words, chance.choice(_WORDS)]
        elif way == 2:
            words[chance.randrange(len(words))] = chance.choice(_WORDS)
        elif way == 3:
            words = [*words[:-1], words[-1] + ("es" if words[-1].endswith("s") else "s")]
        else:
            words = [chance.choice(_WORDS) for _ in range(chance.randint(1, 3))]
        if name[:1].isupper() and not name.isupper():
            made = "".join(word.capitalize() for word in words)
        elif name.isupper():
            made = "_".join(words).upper()
        else:
            made = "_".join(words)
        made = "_" * (len(name) - len(name.lstrip("_"))) + made
        if made != name and made not in real and made.isidentifier() and made not in keywords("python"):
            return made
    return ""


@dataclass
class ScriptedFill:
    """Stands in for a router with one fill model, which writes `text` in pieces of a few letters."""

    text: str = ""
    name: str = "scripted"
    piece: int = 6
    requests: list[FillRequest] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    """Streams that were open at once."""

    def has(self, task: str) -> bool:
        """It fills."""
        return task == "fill"

    def statuses(self) -> Sequence[ModelStatus]:
        """Always ready; remote, so that nothing is written ahead."""
        return [ModelStatus(self.name, "scripted", Health.READY, remote=True)]

    def fill(self, request: FillRequest) -> Answer:
        """Write the text, whatever is asked."""
        return answer_of(self.name, self._written(request))

    async def _written(self, request: FillRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            for at in range(0, len(self.text), self.piece):
                yield self.text[at : at + self.piece]
        finally:
            self.open -= 1
