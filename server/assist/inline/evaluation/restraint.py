"""Restraint: how often silence is kept where it is right, and a good suggestion shown where one is."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.evaluation.scripted import ScriptedFill
from devflow.server.assist.inline.suggest import inline
from devflow.server.assist.memory import Memory
from devflow.server.settings import Inline

FILE = Path(__file__).with_name("restraint.toml")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A document's states with a cursor, and what a model writes at each."""

    name: str
    quiet: bool
    states: tuple[str, ...]
    wrote: str
    least: str = ""
    """What has to be shown, where something has."""
    path: str = "main.py"
    model: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was shown at the end of a scenario, "" for silence."""

    scenario: Scenario
    shown: str

    @property
    def is_right(self) -> bool:
        """Silence where it is right, the suggestion where one is."""
        return not self.shown if self.scenario.quiet else self.shown == self.scenario.least


def scenarios(file: Path = FILE) -> list[Scenario]:
    """The scenarios of a file."""
    read = tomllib.loads(file.read_text(encoding="utf-8"))["scenario"]
    return [
        Scenario(
            each["name"],
            each["kind"] == "quiet",
            tuple(each["states"]),
            each["wrote"],
            each.get("least", ""),
            each.get("path", "main.py"),
            each.get("model", True),
        )
        for each in read
    ]


async def played(scenario: Scenario, root: Path, config: Inline | None = None) -> Outcome:
    """The scenario from its first state to its last, in a workspace with nothing else in it."""
    model = ScriptedFill(scenario.wrote)
    code = Codebase(
        (root,), cast(Any, _Nothing()), models=cast(Any, model if scenario.model else None), memory=Memory()
    )
    config = config or Inline(context=False)
    shown = ""
    for number, state in enumerate(scenario.states):
        doc, at = _document(state, root / scenario.path, number)
        found = await inline(doc, at, code, config)
        shown = found.edit.new if found is not None else ""
    code.memory.close()
    return Outcome(scenario, shown)


def rates(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """The quiet rate and the show rate, as cursortab counts them: silence kept where it is right, and the
    right thing shown where something is to be."""
    quiet = [each.is_right for each in outcomes if each.scenario.quiet]
    show = [each.is_right for each in outcomes if not each.scenario.quiet]
    return sum(quiet) / max(1, len(quiet)), sum(show) / max(1, len(show))


class _Nothing:
    async def text_of(self, path: Path) -> None:
        return None


def _document(state: str, path: Path, version: int) -> tuple[Document, int]:
    before, after = state.split("<|>")
    known = language_of(path)
    language = known.name if known is not None else ""
    text = Text(before + after)
    return Document(path.as_uri(), path, language, version, text, parse(text, language)), len(before)
