"""Requests and notifications in process: real documents and trees, scripted models."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.document import Document
from devflow.analysis.facts import Finding
from devflow.models.errors import Unreachable
from devflow.models.fake import FakeModel
from devflow.server import findings
from devflow.server.assist.base import Codebase
from devflow.server.documents import LARGEST
from devflow.server.routes import REQUESTS
from devflow.server.settings import Review
from support.editor import CAPABILITIES, ErrorAnswer, editor
from support.patience import HANGS, quickest
from support.services import HeldModel, Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = 'def area(width, height):\n    """The area."""\n    return width * height\n\n\nprint(area(2, 3))\n'


def at(line: int, character: int, uri: str = URI, **more: Any) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, **more}


def whole(new: str) -> dict[str, Any]:
    return {"text": new}


GHOST = {"context": {"triggerKind": 2}}


async def test_cancelling_a_request_stops_the_model_within_50_ms() -> None:
    model = FakeModel("x", delay=HANGS)
    async with editor(Scripted(model).services) as client:
        await client.initialize()
        client.open(URI, "total = 1\nprint(to\n")
        await client.wait_for("workspace/configuration")
        await client.settle()
        await client.until(lambda: client.server.session.models)

        async def stopping() -> float:
            model.begun.clear()
            asked = client.ask("textDocument/inlineCompletion", at(1, 8, **GHOST), msg_id="ghost")
            await asyncio.wait_for(model.begun.wait(), HANGS)
            started = time.perf_counter()
            client.notify("$/cancelRequest", {"id": "ghost"})
            with pytest.raises(ErrorAnswer) as error:
                await asyncio.wait_for(asked, HANGS)
            assert error.value.code == -32800
            assert model.closed == model.opened
            return time.perf_counter() - started

        assert await quickest(stopping, 0.05) <= 0.05


async def test_an_edit_while_the_model_answers_makes_the_answer_stale() -> None:
    model = HeldModel("tal)")
    async with editor(Scripted(model).services) as client:
        await client.initialize()
        client.open(URI, "total = 1\nprint(to\n")
        await client.until(lambda: client.server.session.models)
        asked = client.ask("textDocument/inlineCompletion", at(1, 8, **GHOST))
        await asyncio.wait_for(model.begun.wait(), HANGS)
        client.change(URI, 2, whole("total = 2\nprint(to\n"))
        await client.settle()
        model.go.set()
        with pytest.raises(ErrorAnswer) as error:
            await asyncio.wait_for(asked, HANGS)
        assert error.value.code == -32801


async def test_a_request_sees_the_document_as_it_was_when_it_was_sent() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE)
        asked = client.ask("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
        client.change(URI, 2, whole("x = 1\n"))
        assert [each["name"] for each in await asyncio.wait_for(asked, HANGS)] == ["area"]


async def test_a_models_failure_is_one_sentence_and_an_empty_answer() -> None:
    sentence = "The model 'fake' cannot be reached; is it running?"
    model = FakeModel("x", failures=[Unreachable(sentence)] * 9)
    async with editor(Scripted(model).services) as client:
        await client.initialize()
        client.open(URI, SOURCE)
        await client.until(lambda: client.server.session.models)
        argument = {
            "uri": URI,
            "range": {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 4}},
        }
        for _ in range(2):
            answer = await client.request(
                "workspace/executeCommand", {"command": "devflow.explain", "arguments": [argument]}
            )
            assert answer is None
        assert [said for said in client.shown() if sentence in said] == client.shown()
        assert len(client.shown()) == 1


async def test_what_is_asked_while_the_models_are_put_together_is_asked_of_them() -> None:
    scripted = Scripted(FakeModel("It computes an area."))
    go, called = threading.Event(), threading.Event()

    def held() -> None:
        called.set()
        go.wait(HANGS)

    services = dataclasses.replace(scripted.services, prepare_models=held)
    async with editor(services) as client:
        await client.initialize()
        client.open(URI, SOURCE)
        span = {"start": {"line": 0, "character": 0}, "end": {"line": 3, "character": 0}}
        asking = client.ask(
            "workspace/executeCommand",
            {"command": "devflow.explain", "arguments": [{"uri": URI, "range": span}]},
        )
        await asyncio.to_thread(called.wait, HANGS)
        await client.request("textDocument/hover", at(0, 5))
        go.set()
        assert (await asking)["markdown"] == "It computes an area."


async def test_a_bug_is_an_error_and_a_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeModel):
        def chat(self, request: Any) -> Any:
            raise ZeroDivisionError("a bug")

    async with editor(Scripted(Broken()).services) as client:
        await client.initialize()
        client.open(URI, SOURCE)
        await client.until(lambda: client.server.session.models)
        start = {"line": 0, "character": 4}
        argument = {"uri": URI, "range": {"start": start, "end": start}}
        with pytest.raises(ErrorAnswer) as error:
            await client.request(
                "workspace/executeCommand", {"command": "devflow.explain", "arguments": [argument]}
            )
        assert error.value.code == -32603
        assert "ZeroDivisionError" in error.value.message
        assert "a bug" in caplog.text
        assert "width" not in caplog.text  # the log holds no code of the user's
        assert await client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})


async def test_the_guard_against_blocking_is_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    import devflow.server.session as module

    blocking = "def roots_of(params):\n    import time\n    time.sleep(0.001)\n    return ()\n"
    names: dict[str, Any] = {}
    exec(compile(blocking, module.__file__, "exec"), vars(module) | names, names)
    monkeypatch.setattr(module, "roots_of", names["roots_of"])
    async with editor() as client:
        with pytest.raises(ErrorAnswer) as error:
            await client.initialize()
        assert error.value.code == -32603


async def test_a_feature_that_is_off_is_not_announced_and_answers_nothing() -> None:
    async with editor() as client:
        options = {"devflow": {"features": {"documentSymbol": False}}}
        result = await client.initialize(initializationOptions=options)
        assert "documentSymbolProvider" not in result["capabilities"]
        client.open(URI, SOURCE)
        params = {"textDocument": {"uri": URI}}
        assert await client.request("textDocument/documentSymbol", params) is None


async def test_a_question_without_a_folder_is_told_that_there_is_none() -> None:
    async with editor() as client:
        await client.initialize()
        for command, key in (("devflow.ask", "markdown"), ("devflow.search", "reason")):
            asked = {"command": command, "arguments": ["where are areas computed?"]}
            answer = await client.request("workspace/executeCommand", asked)
            assert "opened a file and no folder" in answer[key]


async def test_a_typed_quote_that_closes_a_string_opens_no_list_of_names() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE + "x = 'it'")
        by_sign = {"context": {"triggerKind": 2, "triggerCharacter": "'"}}
        assert (await client.request("textDocument/completion", at(6, 8) | by_sign))["items"] == []
        asked = {"context": {"triggerKind": 1}}
        assert (await client.request("textDocument/completion", at(6, 8) | asked))["items"]


async def test_positions_are_in_the_negotiated_encoding() -> None:
    async with editor() as client:
        await client.initialize(capabilities={"general": {"positionEncodings": ["utf-8"]}})
        client.open(URI, "x = '😋'; total = 1\nprint(total)\n")
        [found] = await client.request("textDocument/definition", at(1, 8))
        assert found["range"]["start"] == {"line": 0, "character": 12}


async def test_actions_are_commands_for_clients_without_literals() -> None:
    model = FakeModel('"""Multiply."""')
    async with editor(Scripted(model).services) as client:
        await client.initialize(capabilities={"workspace": {"applyEdit": True}})
        client.open(URI, "def product(a, b):\n    return a * b\n")
        await client.until(lambda: client.server.session.models)
        place = {"start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 5}}
        actions = await client.request(
            "textDocument/codeAction",
            {"textDocument": {"uri": URI}, "range": place, "context": {"diagnostics": []}},
        )
        [document] = [action for action in actions if action["title"].startswith("Document")]
        assert document["command"] == "devflow.apply"
        await client.request(
            "workspace/executeCommand",
            {"command": document["command"], "arguments": document["arguments"]},
        )
        applied = await client.wait_for("workspace/applyEdit")
        assert "Multiply" in str(applied["edit"]["changes"][URI])


async def test_an_action_is_resolved_for_the_version_it_was_offered_for() -> None:
    async with editor(Scripted(FakeModel('"""Multiply."""')).services) as client:
        await client.initialize()
        client.open(URI, "def product(a, b):\n    return a * b\n")
        await client.until(lambda: client.server.session.models)
        place = {"start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 5}}
        params = {"textDocument": {"uri": URI}, "range": place, "context": {"diagnostics": []}}
        actions = await client.request("textDocument/codeAction", params)
        [document] = [action for action in actions if action["title"].startswith("Document")]
        resolved = await client.request("codeAction/resolve", document)
        [change] = resolved["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": URI, "version": 1}
        client.change(URI, 2, whole("def product(a, b):\n    return b * a\n"))
        with pytest.raises(ErrorAnswer) as error:
            await client.request("codeAction/resolve", document)
        assert error.value.code == -32801


async def test_findings_are_pushed_to_clients_that_do_not_pull_and_taken_back() -> None:
    async with editor() as client:
        await client.initialize(capabilities={})
        client.open(URI, "def area(w, h):\n    return w * h\n\n\nprint(area(1, 2, 3))\n")

        def about(count: int) -> Any:
            return lambda params: len(params["diagnostics"]) == count

        shown = await client.wait_for("textDocument/publishDiagnostics", about(1))
        assert shown["diagnostics"][0]["code"] == "call-does-not-fit"
        client.change(URI, 2, whole("x = 1\n"))
        await client.wait_for("textDocument/publishDiagnostics", about(0))


async def test_a_pulled_report_that_is_the_same_is_called_unchanged() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE)
        params = {"textDocument": {"uri": URI}}
        report = await client.request("textDocument/diagnostic", params)
        assert report["kind"] == "full"
        again = await client.request(
            "textDocument/diagnostic", {**params, "previousResultId": report["resultId"]}
        )
        assert again == {"kind": "unchanged", "resultId": report["resultId"]}


async def test_a_document_is_checked_when_typing_pauses_and_not_at_every_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []

    async def counted(doc: Document, code: Codebase, config: Review) -> list[Finding]:
        looked.append(doc.text.source)
        return []

    monkeypatch.setattr(findings, "_reviewed", counted)
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE)
        params = {"textDocument": {"uri": URI}}
        await client.request("textDocument/diagnostic", params)
        assert looked == [SOURCE]
        monkeypatch.setattr(findings, "PAUSE", HANGS)
        for version in range(2, 8):
            client.change(URI, version, whole(SOURCE + "x" * version))
            asked = client.ask("textDocument/diagnostic", params, msg_id=f"pull {version}")
            client.notify("$/cancelRequest", {"id": f"pull {version}"})
            with pytest.raises(ErrorAnswer):
                await asked
        assert looked == [SOURCE]
        monkeypatch.setattr(findings, "PAUSE", 0.0)
        await client.request("textDocument/diagnostic", params)
        assert looked == [SOURCE, SOURCE + "x" * 7]


async def test_typing_in_one_document_puts_off_the_checks_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "PAUSE", HANGS)
    async with editor() as client:
        await client.initialize(capabilities={})
        session = client.server.session
        other = URI.replace("a.py", "b.py")
        client.open(URI, SOURCE)
        client.open(other, SOURCE)
        await client.until(lambda: other in session.documents)
        before = session.pushed._timers[URI].when()
        client.change(other, 2, whole("x = 1\n"))
        await client.until(lambda: session.documents.version_of(Path("/nowhere/b.py")) == 2)
        assert session.pushed._timers[URI].when() > before


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("devflow.nothing", []),
        ("devflow.explain", []),
        ("devflow.explain", [{"uri": URI}]),
        ("devflow.explain", ["text"]),
        ("devflow.ask", [5]),
        ("devflow.ask", [" "]),
        ("devflow.search", []),
        ("devflow.apply", [{}]),
    ],
)
async def test_a_command_with_wrong_arguments_is_refused(command: str, arguments: list[Any]) -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, SOURCE)
        with pytest.raises(ErrorAnswer):
            await client.request("workspace/executeCommand", {"command": command, "arguments": arguments})


async def test_the_status_names_what_is_there(tmp_path: Path) -> None:
    async with editor(Scripted(FakeModel("x", name="little")).services) as client:
        await client.initialize(tmp_path)
        await client.until(lambda: client.server.session.models)
        status = await client.request("workspace/executeCommand", {"command": "devflow.status"})
        assert [model["name"] for model in status["models"]] == ["little"]
        assert status["state"] in ("starting", "ready")


async def test_an_unknown_language_gets_one_note_and_empty_answers() -> None:
    async with editor() as client:
        await client.initialize()
        client.open("untitled:1", "whatever", language="klingon")
        client.open("untitled:2", "whatever", language="klingon")
        assert await client.request("textDocument/hover", at(0, 1, "untitled:1")) is None
        notes = [m for m in client.received if m["method"] == "window/logMessage"]
        assert len(notes) == 1
        assert "'klingon'" in notes[0]["params"]["message"]


async def test_a_huge_document_gets_one_sentence_and_empty_answers() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "x = 1\n" * (LARGEST // 5))
        client.change(
            URI, 2, {"range": {"start": at(0, 0)["position"], "end": at(0, 1)["position"]}, "text": "y"}
        )
        assert await client.request("textDocument/completion", at(0, 1)) is None
        assert await client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}}) is None
        assert len(client.shown()) == 1
        assert client.shown()[0].startswith("a.py is longer than 5,000,000 characters")


async def test_a_single_line_of_two_megabytes_is_answered() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "x = [" + "1, " * 700_000 + "]\n")
        assert await client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}}) is None
        await client.request("textDocument/hover", at(0, 1))


@pytest.mark.parametrize(("source", "index"), [("def f(a, b): ...\nf(1, ", 1), ("def f(): ...\nf(    ", 0)])
async def test_a_signature_never_says_that_no_parameter_is_active(source: str, index: int) -> None:
    """`null` in a signature stands over what is said of all of them."""
    async with editor() as client:
        await client.initialize()
        client.open(URI, source)
        told = await client.request("textDocument/signatureHelp", at(1, 5))
    assert told["activeParameter"] == index
    assert [each["activeParameter"] for each in told["signatures"]] == [index]


async def test_broken_syntax_is_answered() -> None:
    async with editor() as client:
        await client.initialize()
        client.open(URI, "def area(w, h:\n  retrun w *\n\x00 class (((\nar")
        completions = await client.request("textDocument/completion", at(3, 2))
        assert "area" in [item["label"] for item in completions["items"]]
        await client.request("textDocument/signatureHelp", at(0, 9))
        listed = await client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
        assert isinstance(listed, list)


async def test_requests_about_documents_that_are_not_there_are_empty(tmp_path: Path) -> None:
    (tmp_path / "noise.py").write_bytes(b"name = '\xe9\xff\xfe'\n")
    async with editor() as client:
        await client.initialize(tmp_path)
        for uri in (
            "untitled:gone",
            "file:///nowhere/at/all.py",
            (tmp_path / "noise.py").as_uri(),
            tmp_path.as_uri(),
            "file:///dev/zero",
            "http://[broken",
            "",
        ):
            assert await client.request("textDocument/hover", at(0, 0, uri)) is None


async def test_a_closed_file_is_read_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("\ufeff" + SOURCE, "utf-8")
    async with editor() as client:
        await client.initialize(tmp_path)
        listed = await client.request("textDocument/documentSymbol", {"textDocument": {"uri": path.as_uri()}})
        assert listed[0]["selectionRange"]["start"] == {"line": 0, "character": 4}


async def test_the_capabilities_of_the_test_editor_switch_everything_on() -> None:
    async with editor() as client:
        options = {"devflow": {"features": {"inlayHint": True}}}
        result = await client.initialize(capabilities=CAPABILITIES, initializationOptions=options)
        providers = {name for name in result["capabilities"] if name.endswith("Provider")}
        announced = {route.capability for route in REQUESTS if (route.capability or "").endswith("provider")}
        assert len(providers) == len(announced)
        assert result["capabilities"]["experimental"] == {"copilotInlineEdit": True}


async def test_a_jump_in_the_first_moment_waits_for_the_engines() -> None:
    go = threading.Event()
    scripted = Scripted().services

    def prepare() -> None:
        go.wait(HANGS)

    services = dataclasses.replace(scripted, prepare=prepare)
    async with editor(services) as client:
        await client.initialize()
        client.open(URI, "def area():\n    return 1\n\n\narea()\n")
        asking = asyncio.create_task(client.request("textDocument/definition", at(4, 1)))
        await client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
        assert not asking.done()
        go.set()
        assert await asking
