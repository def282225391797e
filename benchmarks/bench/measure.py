"""What is asked of one server on one workspace. Each function gives plain data, which `report` sums up."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import figures
from .client import Client, NoAnswer
from .positions import Place, cross_file, defined_names, members, plain_names, spread
from .processes import load, memory

SEED = 20
UNTIL_INDEXED = 0.8
"""Seconds left to a server that indexes open documents, to forget a name that has been taken out of one."""


class Session:
    """A client, and what happened: answers that failed are counted, and count as empty and slow.

    `held`: the files are not on disk, and a document is opened with the name in question gone already; so
    neither an index nor a model of the code can have it from there. Otherwise it is taken out of the open
    document as an editor would, and put back.
    """

    def __init__(
        self, client: Client, texts: Mapping[Path, str], held: bool = False, pause: float = 0.0
    ) -> None:
        self.client = client
        self.texts = texts
        self.held = held
        self.pause = pause
        self.failures: list[str] = []

    def open(self, *places: Place) -> None:
        """Open the documents that `places` are in, unless they are held out, and let the server work."""
        for path in sorted({place.path for place in places}):
            if not self.held:
                self.client.open(path, self.texts[path])
        self.client.settle()

    def ask(self, method: str, path: Path, at: int, **more: Any) -> tuple[Any, float]:
        begun = time.perf_counter()
        try:
            return self.client.ask(method, path, at, **more)
        except NoAnswer as error:
            self.failures.append(str(error))
            return None, (time.perf_counter() - begun) * 1e3

    def completion(self, place: Place, typed: str = "", rest_of_line: bool = False) -> dict[str, Any]:
        """The rank of the name among what is offered where it was, `typed` being there already."""
        member = self.texts[place.path][place.at - 1] == "." and not typed
        context = {"triggerKind": 2, "triggerCharacter": "."} if member else {"triggerKind": 1}
        with self._gone(place, rest_of_line, typed):
            answer, spent = self.ask("completion", place.path, place.at + len(typed), context=context)
        return {"rank": figures.rank_of(place.name, answer, typed), "ms": spent}

    def ghost(self, place: Place) -> dict[str, Any]:
        """Whether the ghost text is what stood on the rest of the line."""
        text = self.texts[place.path]
        with self._gone(place, rest_of_line=True):
            answer, spent = self.ask("inlineCompletion", place.path, place.at, context={"triggerKind": 2})
        items = (answer.get("items") if isinstance(answer, dict) else answer) or []
        inserted = items[0]["insertText"] if items else ""
        line = (inserted["value"] if isinstance(inserted, dict) else inserted).split("\n")[0]
        truth = text[place.at : _end_of_line(text, place.at)]
        return {"shown": bool(items), "exact": bool(items) and line.strip() == truth.strip(), "ms": spent}

    @contextmanager
    def _gone(self, place: Place, rest_of_line: bool, typed: str = "") -> Iterator[None]:
        text = self.texts[place.path]
        end = _end_of_line(text, place.at) if rest_of_line else place.at + len(place.name)
        if self.held:
            self.client.open(place.path, text[: place.at] + typed + text[end:])
            time.sleep(self.pause)
            yield
        else:
            self.client.replace(place.path, place.at, end, typed)
            yield
            self.client.replace(place.path, place.at, place.at + len(typed), text[place.at : end])

    def looked_up(self, place: Place) -> dict[str, Any]:
        """Hover and definition on the name as it stands."""
        hover, hover_ms = self.ask("hover", place.path, place.at + 1)
        defined, definition_ms = self.ask("definition", place.path, place.at + 1)
        return {
            "hover": bool(hover and hover.get("contents")),
            "hover_ms": hover_ms,
            "definition": [[uri, line] for uri, line in figures.targets(defined)],
            "definition_ms": definition_ms,
        }


def draw(texts: Mapping[Path, str], files: Sequence[Path], count: int, *, plain: bool) -> list[Place]:
    """`count` places in `files`, the same ones whoever is asked."""
    rnd = random.Random(SEED)
    find = plain_names if plain else members
    return spread([place for path in files for place in find(path, texts[path])], count, rnd)


def attributes(
    session: Session, places: Sequence[Place], names: Sequence[Place], ghost: bool
) -> dict[str, Any]:
    """Attributes, nothing typed; `names`, two letters typed; hover and definition where they stand."""
    session.open(*places, *names)
    out: dict[str, Any] = {"load": load(), "places": [], "names": [], "ghost": []}
    for place in places:
        looked = {} if session.held else session.looked_up(place)
        out["places"].append(_where(place) | looked | session.completion(place))
        if ghost:
            out["ghost"].append(session.ghost(place))
    for place in names:
        looked = {} if session.held else session.looked_up(place)
        out["names"].append(_where(place) | looked | session.completion(place, place.name[:2]))
    return out | _rest(session)


def across(session: Session, places: Sequence[Place], names: Sequence[Place]) -> dict[str, Any]:
    """Names that another file of the repository defines, nothing typed, the rest of the line deleted."""
    session.open(*places, *names)
    out: dict[str, Any] = {"load": load()}
    out["members"] = [session.completion(place, rest_of_line=True) for place in places]
    out["plain"] = [session.completion(place, rest_of_line=True) for place in names]
    return out | _rest(session)


def cross_places(
    texts: Mapping[Path, str], every: Mapping[Path, str], out: Sequence[Path], count: int
) -> tuple[list[Place], list[Place]]:
    """Member accesses and plain names in the files `out`, at most `count` of each, whose name a file that is
    not among them defines. `every` is all files of the repository."""
    definitions = {path: defined_names(text) for path, text in every.items()}
    found = []
    for find in (members, plain_names):
        places = [place for path in out for place in find(path, texts[path])]
        wanted = [place for place in places if cross_file(place, definitions, out)]
        found.append(spread(wanted, count, random.Random(SEED)))
    return found[0], found[1]


SCIENCE_TEXT = (
    "import numpy as np\nimport pandas as pd\n\n\n"
    "def load(path):\n    frame = pd.read_csv(path)\n    return frame\n\n\n"
    'frame = pd.DataFrame({"a": [1, 2]})\ntotals = np.\n'
)


def science(client: Client, root: Path) -> dict[str, Any]:
    """A file that imports numpy and pandas is opened in an editor that runs, and asked about at once."""
    path = root / "numbers_of_today.py"
    client.settle()
    session = Session(client, {path: SCIENCE_TEXT})
    client.open(path, SCIENCE_TEXT)
    trigger = {"triggerKind": 2, "triggerCharacter": "."}
    answer, first = session.ask("completion", path, len(SCIENCE_TEXT) - 1, context=trigger)
    out = {"first_ms": first, "offers_zeros": figures.rank_of("zeros", answer) > 0}
    client.settle(20)
    again = SCIENCE_TEXT.replace("totals = np.", "totals = frame.")
    client.open(path, again)
    answer, second = session.ask("completion", path, len(again) - 1, context=trigger)
    return (
        out | {"second_ms": second, "offers_groupby": figures.rank_of("groupby", answer) > 0} | _rest(session)
    )


def first_answer(client: Client, place: Place, text: str) -> dict[str, Any]:
    """From the start of the program to the first completion, in milliseconds."""
    session = Session(client, {place.path: text})
    client.open(place.path, text)
    answer = session.completion(place)
    return {"ms": (time.perf_counter() - client.begun) * 1e3, "rank": answer["rank"]} | _rest(session)


def at_work(client: Client, texts: Mapping[Path, str]) -> dict[str, Any]:
    """Memory of the whole process tree after some documents and questions, when it has come to rest."""
    places = draw(texts, sorted(texts)[:5], 20, plain=False)
    session = Session(client, texts)
    session.open(*places)
    for place in places:
        session.looked_up(place)
        session.completion(place)
    client.settle(30)
    return memory(client.process.pid) | _rest(session)


def _rest(session: Session) -> dict[str, Any]:
    return {"failures": len(session.failures), "first_failure": (session.failures or [""])[0]}


def _where(place: Place) -> dict[str, Any]:
    return {"at": f"{'/'.join(place.path.parts[-3:])}:{place.line + 1}:{place.column}", "name": place.name}


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
