"""The parts of the benchmark: each is one server at one task, and leaves one file behind."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import corpora, measure
from .corpora import Package
from .positions import held_out, sources
from .servers import Server, start

_SCRIPT_SECONDS = 240
_FILES, _SAVED, _HELD, _ACROSS = 8, 40, 20, 20


@dataclass(frozen=True, slots=True)
class Part:
    """`run()` takes the figures; `key` names the file they are kept in."""

    task: str
    subject: str
    server: str
    run: Callable[[], dict[str, Any]]

    @property
    def key(self) -> str:
        return f"{self.task}-{self.subject}-{self.server}"


def parts(servers: list[Server], scratch: Path, quick: bool) -> Iterator[Part]:
    """Every part, in the order they run. Packages never used for tuning come last."""
    packages = corpora.QUICK if quick else corpora.PACKAGES
    scale = 3 if quick else 1
    homes = scratch / "homes"
    for package in packages:
        for server in servers:
            yield Part("saved", package.name, server.name, _saved(package, server, scratch, homes, scale))
    for package in packages:
        for server in servers:
            if server.ours or not package.seen:
                yield Part("held", package.name, server.name, _held(package, server, scratch, homes, scale))
    for package in packages[:1] if quick else corpora.FRESH:
        for server in servers:
            yield Part(
                "across", package.name, server.name, _across(package, server, scratch, homes, scale, False)
            )
        for server in servers:
            if server.ours:
                run = _across(package, server, scratch, homes, scale, True)
                yield Part("across-held", package.name, server.name, run)
    large = next(each for each in packages if quick or each.name == "Django")
    for server in servers:
        if not quick:
            yield Part("science", "numpy-pandas", server.name, _science(server, scratch, homes))
        yield Part("large", large.name, server.name, _large(large, server, scratch, homes))
    for name, arguments in SCRIPTS.items():
        script = Path(__file__).parents[1] / f"{name}.py"
        if script.exists() and not quick:
            yield Part("script", name, "devflow", _script(script, arguments))


SCRIPTS: dict[str, tuple[str, ...]] = {"keystroke": (), "loop": (), "usage": (), "symbols": ()}
"""Measurements inside DevFlow, each a script of its own that prints one JSON object; with their arguments."""


def _saved(
    package: Package, server: Server, scratch: Path, homes: Path, scale: int
) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        root = corpora.workspace(package, scratch)
        texts = corpora.texts(root)
        files = random.Random(measure.SEED).sample(sorted(texts), min(_FILES, len(texts)))
        places = measure.draw(texts, files, _SAVED // scale, plain=False)
        names = measure.draw(texts, files, _SAVED // 2 // scale, plain=True)
        with start(server, root, homes / server.name) as client:
            session = measure.Session(client, texts)
            return measure.attributes(session, places, names, server.ours)

    return run


def _held(
    package: Package, server: Server, scratch: Path, homes: Path, scale: int
) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        root = corpora.workspace(package, scratch)
        texts = corpora.texts(root)
        out = held_out(sorted(texts), random.Random(measure.SEED))
        to = corpora.without(root, out, scratch / "held" / package.name.lower())
        texts = {to / path.relative_to(root): text for path, text in texts.items()}
        out = [to / path.relative_to(root) for path in out]
        places = measure.draw(texts, out, _HELD // scale, plain=False)
        names = measure.draw(texts, out, _HELD // 2 // scale, plain=True)
        with start(server, to, homes / server.name) as client:
            session = measure.Session(client, texts, held=True, pause=measure.UNTIL_INDEXED * server.ours)
            return measure.attributes(session, places, names, server.ours)

    return run


def _across(
    package: Package, server: Server, scratch: Path, homes: Path, scale: int, held: bool
) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        root = corpora.workspace(package, scratch)
        texts = corpora.texts(root)
        every = {path: texts.get(path, "") for path in sources(root)}
        out = held_out(sorted(texts), random.Random(measure.SEED))
        if held:
            to = corpora.without(root, out, scratch / "held" / package.name.lower())
            texts = {to / path.relative_to(root): text for path, text in texts.items()}
            every = {to / path.relative_to(root): text for path, text in every.items()}
            out, root = [to / path.relative_to(root) for path in out], to
        members, names = measure.cross_places(texts, every, out, _ACROSS // scale)
        with start(server, root, homes / server.name) as client:
            session = measure.Session(client, texts, held=held, pause=measure.UNTIL_INDEXED * held)
            return measure.across(session, members, names)

    return run


def _science(server: Server, scratch: Path, homes: Path) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        root = corpora.science(scratch)
        with start(server, root, homes / server.name, venv=root / ".venv") as client:
            return measure.science(client, root)

    return run


def _large(package: Package, server: Server, scratch: Path, homes: Path) -> Callable[[], dict[str, Any]]:
    """Three starts on a workspace that has been indexed before; memory after the last."""

    def run() -> dict[str, Any]:
        root = corpora.workspace(package, scratch)
        texts = corpora.texts(root)
        files = random.Random(measure.SEED).sample(sorted(texts), 4)
        place, *others = measure.draw(texts, files, 4, plain=False)
        home = homes / server.name
        with start(server, root, home) as client:
            client.open(place.path, texts[place.path])
            client.settle()
        starts = []
        for each in others:
            with start(server, root, home, keep=True) as client:
                first = measure.first_answer(client, each, texts[each.path])
                starts.append(first | {"initialize_ms": client.initialize_ms})
                if each is others[-1]:
                    used = measure.at_work(client, texts)
        return {"starts": starts, "memory": used}

    return run


def _script(script: Path, arguments: tuple[str, ...]) -> Callable[[], dict[str, Any]]:
    def run() -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=_SCRIPT_SECONDS,
            check=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        return {"said": last_json(done.stdout)}

    return run


def last_json(text: str) -> Any:
    """The last JSON object that begins a line of `text`; None if there is none."""
    lines = text.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith("{"):
            try:
                return json.loads("\n".join(lines[number:]))
            except json.JSONDecodeError:
                continue
    return None
