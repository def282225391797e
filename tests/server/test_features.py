"""What the table of features says is so: in every language it names, a question is answered."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from lsprotocol.converters import get_converter

from devflow.models.fake import FakeModel
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.handlers import execute_command
from devflow.server.routes import COLUMNS, COMMANDS, NOTIFICATIONS, REQUESTS, Route, capabilities
from support.editor import CAPABILITIES, Editor, editor
from support.samples import SAMPLES
from support.services import Scripted


@dataclass(frozen=True)
class Asked:
    """A sample open in an editor."""

    editor: Editor
    uri: str
    text: str

    def at(self, marked: str, nth: int = 0) -> dict[str, Any]:
        """The position of `|` in the nth place of the text that reads `marked`."""
        before, after = marked.split("|")
        start = -1
        for _ in range(nth + 1):
            start = self.text.index(before + after, start + 1)
        return self.position(start + len(before))

    def position(self, offset: int) -> dict[str, Any]:
        line = self.text.count("\n", 0, offset)
        place = {"line": line, "character": offset - (self.text.rfind("\n", 0, offset) + 1)}
        return {**self.document(), "position": place}

    def document(self) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri}}

    def whole(self) -> dict[str, Any]:
        end = {"line": self.text.count("\n"), "character": 0}
        return {**self.document(), "range": {"start": {"line": 0, "character": 0}, "end": end}}

    async def ask(self, method: str, params: Any) -> Any:
        return await self.editor.request(method, params)


@asynccontextmanager
async def sample(root: Path, language: str, *, off: bool = False) -> AsyncIterator[Asked]:
    name, text = SAMPLES[language]
    path = root / name
    path.write_text(text)
    await build(root, settings.Index(vectors=False))
    index = await Index.open([root])
    scripted = Scripted(FakeModel("total(3, 4)"))
    async with editor(scripted.services) as client:
        switches = {field.name: not off for field in dataclasses.fields(settings.Features)}
        client.settings = {"features": switches}
        await client.initialize(root, initializationOptions={"devflow": client.settings})
        await client.until(lambda: scripted.indexes and scripted.indexes[0].calls)
        scripted.index.reader = index
        client.open(path.as_uri(), text, language)
        yield Asked(client, path.as_uri(), text)
    await index.close()


async def hierarchy(asked: Asked, kind: str, then: str, marked: str, nth: int = 0) -> Any:
    items = await asked.ask(f"textDocument/prepare{kind}Hierarchy", asked.at(marked, nth))
    return items and await asked.ask(f"{kind.lower()}Hierarchy/{then}", {"item": items[0]})


async def typed(asked: Asked, method: str, addition: str, more: dict[str, Any]) -> Any:
    """Ask behind `addition`, written on a line of its own before the line `result … total(1, 2)`."""
    at = asked.text.rindex("\n", 0, asked.text.index("total(1, 2)")) + 1
    indent = asked.text[at:][: len(asked.text[at:]) - len(asked.text[at:].lstrip())]
    text = asked.text[:at] + indent + addition + "\n" + asked.text[at:]
    asked.editor.change(asked.uri, 2, {"text": text})
    place = Asked(asked.editor, asked.uri, text).position(at + len(indent + addition))
    answer = await asked.ask(method, {**place, **more})
    asked.editor.change(asked.uri, 3, {"text": asked.text})
    return answer


def begun(asked: Asked) -> str:
    """The line `result … total(1, 2)` up to the call."""
    line = next(line for line in asked.text.splitlines() if "total(1, 2)" in line)
    return line.partition("total")[0].lstrip()


def defined(asked: Asked) -> str:
    """Where `total` is defined, marked."""
    found = re.search(r"total\((?:int )?first", asked.text)
    assert found
    return "to|" + found[0][2:]


async def renamed(asked: Asked) -> Any:
    """What comes next once `total` has another name where it is defined."""
    place = asked.at(defined(asked))
    at = asked.text.index(defined(asked).replace("|", ""))
    range_ = {"start": asked.position(at)["position"], "end": asked.position(at + len("total"))["position"]}
    asked.editor.change(asked.uri, 2, {"range": range_, "text": "summed"})
    answer = await asked.ask("textDocument/copilotInlineEdit", place)
    asked.editor.change(asked.uri, 3, {"text": asked.text})
    return answer["edits"]


CALL = "to|tal(1, 2)"
ROWS = [route for route in REQUESTS if route.title]
QUESTIONS: dict[str, Callable[[Asked], Any]] = {
    "textDocument/completion": lambda a: typed(a, "textDocument/completion", "tot", {}),
    "textDocument/hover": lambda a: a.ask("textDocument/hover", a.at(CALL)),
    "textDocument/signatureHelp": lambda a: a.ask("textDocument/signatureHelp", a.at("total(1, |2)")),
    "textDocument/definition": lambda a: a.ask("textDocument/definition", a.at(CALL)),
    "textDocument/declaration": lambda a: a.ask("textDocument/declaration", a.at(CALL)),
    "textDocument/typeDefinition": lambda a: a.ask("textDocument/typeDefinition", a.at("val|ue", 0)),
    "textDocument/implementation": lambda a: a.ask("textDocument/implementation", a.at("Sha|pe", 0)),
    "textDocument/references": lambda a: a.ask(
        "textDocument/references", {**a.at(CALL), "context": {"includeDeclaration": True}}
    ),
    "textDocument/documentHighlight": lambda a: a.ask("textDocument/documentHighlight", a.at(CALL)),
    "textDocument/prepareCallHierarchy": lambda a: hierarchy(a, "Call", "incomingCalls", defined(a)),
    "textDocument/prepareTypeHierarchy": lambda a: hierarchy(a, "Type", "subtypes", "Sha|pe"),
    "textDocument/codeLens": lambda a: a.ask("textDocument/codeLens", a.document()),
    "textDocument/documentLink": lambda a: a.ask("textDocument/documentLink", a.document()),
    "textDocument/documentSymbol": lambda a: a.ask("textDocument/documentSymbol", a.document()),
    "textDocument/foldingRange": lambda a: a.ask("textDocument/foldingRange", a.document()),
    "textDocument/selectionRange": lambda a: a.ask(
        "textDocument/selectionRange", {**a.document(), "positions": [a.at(CALL)["position"]]}
    ),
    "textDocument/semanticTokens/full": lambda a: a.ask("textDocument/semanticTokens/full", a.document()),
    "textDocument/inlayHint": lambda a: a.ask("textDocument/inlayHint", a.whole()),
    "workspace/symbol": lambda a: a.ask("workspace/symbol", {"query": "tot"}),
    "textDocument/rename": lambda a: a.ask("textDocument/rename", {**a.at(CALL), "newName": "summed"}),
    "textDocument/codeAction": lambda a: a.ask(
        "textDocument/codeAction", {**a.whole(), "context": {"diagnostics": []}}
    ),
    "textDocument/diagnostic": lambda a: typed(a, "textDocument/diagnostic", "f(1", {}),
    "textDocument/copilotInlineEdit": renamed,
    "textDocument/inlineCompletion": lambda a: typed(
        a, "textDocument/inlineCompletion", begun(a), {"context": {"triggerKind": 1}}
    ),
}


def said(answer: Any) -> bool:
    """Whether an answer tells something."""
    if isinstance(answer, dict):
        for key in ("items", "data", "signatures"):
            if key in answer:
                return bool(answer[key])
    return bool(answer)


@pytest.mark.parametrize("language", SAMPLES)
async def test_a_language_is_answered_as_the_table_says(tmp_path: Path, language: str) -> None:
    async with sample(tmp_path, language) as asked:
        answered = {method for method, question in QUESTIONS.items() if said(await question(asked))}
    promised = {route.method for route in ROWS if language in route.languages}
    assert answered == promised


def test_every_row_of_the_table_has_a_question() -> None:
    assert {route.method for route in ROWS} == QUESTIONS.keys()
    assert SAMPLES.keys() == COLUMNS.keys()


def test_every_switch_is_a_row_or_belongs_to_one() -> None:
    switches = {field.name for field in dataclasses.fields(settings.Features)}
    assert {route.feature for route in REQUESTS if route.feature} == switches
    assert {route.feature for route in ROWS} == switches


@pytest.mark.parametrize("feature", sorted({route.feature for route in REQUESTS if route.feature}))
def test_a_feature_that_is_off_is_not_announced(feature: str) -> None:
    client = get_converter().structure(CAPABILITIES, types.ClientCapabilities)
    every = {field.name: True for field in dataclasses.fields(settings.Features)}
    on = capabilities(client, settings.Features(**every), "utf-16")
    off = capabilities(client, settings.Features(**{**every, feature: False}), "utf-16")
    fields = {route.capability for route in REQUESTS if route.capability}
    gone = {name for name in fields if getattr(on, name) is not None and getattr(off, name) is None}
    assert gone == {route.capability for route in REQUESTS if route.feature == feature and route.capability}


async def test_features_that_are_off_answer_nothing(tmp_path: Path) -> None:
    async with sample(tmp_path, "python", off=True) as asked:
        answered = {method for method, question in QUESTIONS.items() if said(await question(asked))}
    assert answered == set()


@pytest.mark.parametrize("route", [*NOTIFICATIONS, *REQUESTS], ids=lambda route: route.method)
def test_every_route_names_a_handler(route: Route) -> None:
    assert callable(route.load())


def test_every_command_that_is_announced_exists_and_no_other() -> None:
    assert set(COMMANDS) == execute_command.COMMANDS.keys()


def test_no_handler_is_imported_before_the_editor_asks_for_it() -> None:
    code = "import sys; from devflow.server import app; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "devflow.server.app" in said.split()
    assert not [
        name
        for name in said.split()
        if name.startswith(("devflow.server.handlers.", "devflow.server.workers"))
    ]
