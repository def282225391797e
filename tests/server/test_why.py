"""`devflow.why` tells what ghost text was made of and why there was none; the user's answers teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from devflow.models.base import ModelsConfig, ModelSpec
from devflow.models.errors import OverBudget
from devflow.models.fake import FakeModel
from devflow.models.feedback import Action, Event, Feedback
from devflow.models.guard.books import Books
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.assist.inline.acceptance import PRIOR
from devflow.server.assist.inline.ghost import mood_of
from devflow.server.assist.inline.report import Search
from devflow.server.models import build_router
from devflow.server.services import Services
from support.editor import Editor, editor
from support.services import Scripted

URI = "file:///nowhere/a.py"
SOURCE = "def total(rows):\n    return \n"
GHOST = "sum(rows)"


async def ask(client: Editor, character: int) -> Any:
    at = {"line": 1, "character": character}
    asked = {"textDocument": {"uri": URI}, "position": at, "context": {"triggerKind": 2}}
    return (await client.request("textDocument/inlineCompletion", asked))["items"]


async def why(client: Editor) -> dict[str, Any]:
    return dict(await client.request("workspace/executeCommand", {"command": "devflow.why"}))


async def opened(client: Editor) -> None:
    await client.initialize()
    await client.wait_for("workspace/configuration")
    await client.until(lambda: client.server.session.models)
    client.open(URI, SOURCE)


async def test_before_anything_was_asked_there_is_nothing_to_tell() -> None:
    async with editor() as client:
        await client.initialize()
        told = await why(client)
    assert (told["suggestion"], told["silence"]) == (None, None)
    assert told["markdown"]


async def test_the_last_suggestion_and_the_last_silence_are_explained() -> None:
    async with editor(Scripted(FakeModel(GHOST)).services) as client:
        await opened(client)
        assert await ask(client, 7) == []  # inside `return`
        [item] = await ask(client, 11)
        await client.request(
            "workspace/executeCommand",
            {"command": "devflow.accepted", "arguments": item["command"]["arguments"]},
        )
        told = await why(client)
    suggestion, silence = told["suggestion"], told["silence"]
    assert (suggestion["engine"], suggestion["characters"]) == ("fake", len(GHOST))
    assert suggestion["outcome"] == "accepted"
    assert {"trigger", "model", "clean", "names"} <= suggestion["stages"].keys()
    assert suggestion["tokens"] > 0
    assert 0 < suggestion["chance"] < 1
    assert silence["reason"] == "in_word"
    assert silence["sentence"] in told["markdown"]
    assert GHOST not in told["markdown"]


async def test_the_context_is_told_with_its_scores_and_why_the_workspace_was_searched(tmp_path: Path) -> None:
    shapes = "class Circle:\n    def area(self, digits):\n        return digits\n"
    like = "width = height = depth = 1\narea = width * height\n" + "\n" * 8 + "volume = area * depth\n"
    main = "from shapes import Circle\nwidth = height = depth = 1\narea = Circle().area(width) * \n"
    files = {"shapes.py": shapes, "like.py": like, "main.py": main}
    for name, source in files.items():
        (tmp_path / name).write_text(source, "utf-8")
    await build(tmp_path, settings.Index(vectors=False))
    index = await Index.open([tmp_path], None)
    scripted = Scripted(FakeModel("height"))
    async with editor(scripted.services) as client:
        await client.initialize(tmp_path)
        await client.wait_for("workspace/configuration")
        await client.until(lambda: client.server.session.models)
        scripted.index.reader = index
        client.open((tmp_path / "like.py").as_uri(), like)  # only read: nothing is asked there
        client.open((tmp_path / "main.py").as_uri(), main)
        at = {"line": 2, "character": len("area = Circle().area(width) * ")}
        asked = {
            "textDocument": {"uri": (tmp_path / "main.py").as_uri()},
            "position": at,
            "context": {"triggerKind": 2},
        }
        with blockbuster_ctx("devflow") as guard:
            guard.functions["os.stat"].can_block_in("retrieval/store.py", {"_take"})
            [_] = (await client.request("textDocument/inlineCompletion", asked))["items"]
        told = await why(client)
    await index.close()
    context = {(each["kind"], each["name"]): each for each in told["suggestion"]["context"]}
    assert {("import", "shapes.py"), ("recent file", "like.py")} <= context.keys()
    imported = context["import", "shapes.py"]
    assert 0.8 < imported["score"] <= 0.9
    assert imported["characters"] >= len("class Circle:\n    def area(self, digits)")
    row = f"| import | shapes.py | {imported['score']:.2f} | {imported['characters']} |"
    assert row in told["markdown"]
    assert told["suggestion"]["search"] == Search.IMPORTED
    assert "as a name near the cursor is imported." in told["markdown"]
    assert f"The prompt had about {told['suggestion']['tokens']} tokens." in told["markdown"]


async def test_what_kept_the_model_from_answering_is_told() -> None:
    spent = "The budget of this month is spent."
    async with editor(Scripted(FakeModel(GHOST, failures=[OverBudget(spent)])).services) as client:
        await opened(client)
        assert await ask(client, 11) == []
        told = await why(client)
    assert told["silence"]["reason"] == "model"
    assert spent in told["silence"]["problem"]
    assert spent in told["markdown"]


@pytest.mark.parametrize(
    ("spec", "local_only", "said"),
    [
        (ModelSpec("cloud", "openai", "gpt-5-mini"), False, ("cloud", "OPENAI_API_KEY")),
        (ModelSpec("cloud", "openai", "m", "https://api.example/v1"), True, ("cloud", "models.local_only")),
        (ModelSpec("mine", "ctransformers", "{folder}/garbage.gguf"), True, ("mine", "garbage.gguf")),
    ],
)
async def test_a_model_that_cannot_be_asked_at_all_is_named_with_the_reason(
    spec: ModelSpec, local_only: bool, said: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "garbage.gguf").write_bytes(b"garbage" * 100)
    spec = replace(spec, model=spec.model.format(folder=tmp_path))
    config = ModelsConfig(local_only, (spec,), books=Books(kept=False), keeping=None)
    async with editor(Services(models=lambda settings, tell: build_router(config, {}))) as client:
        await opened(client)
        assert await ask(client, 11) == []
        told = await why(client)
    silence = told["silence"]
    assert silence["reason"] == "model"
    assert all(part in silence["problem"] for part in said)
    assert silence["problem"] in told["markdown"]


async def test_without_a_model_nobody_had_a_suggestion() -> None:
    async with editor(Services(models=lambda settings, tell: build_router(ModelsConfig(), {}))) as client:
        await opened(client)
        assert await ask(client, 11) == []
        told = await why(client)
    assert (told["silence"]["reason"], told["silence"]["problem"]) == ("nothing", "")


async def test_the_users_answer_changes_what_is_believed_to_be_accepted() -> None:
    async with editor(Scripted(FakeModel(GHOST)).services) as client:
        await opened(client)
        await ask(client, 11)
        at = {"line": 1, "character": 11}
        client.change(URI, 2, {"range": {"start": at, "end": at}, "text": GHOST})
        await client.settle()
        weights = mood_of(client.server.session.codebase().memory).weights
    assert weights["bias"] > PRIOR["bias"]


async def test_what_earlier_sessions_taught_is_there_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    earlier = Feedback(path)
    for number in range(20):
        earlier.record(Event(f"{number}", Action.SHOWN, features={"bias": 1.0}))
        earlier.record(Event(f"{number}", Action.TYPED_OVER if number else Action.ACCEPTED))
    earlier.close()
    async with editor(Services(feedback=lambda: Feedback(path))) as client:
        await client.initialize()
        memory = client.server.session.codebase().memory
        await client.until(lambda: mood_of(memory).weights["bias"] < PRIOR["bias"] - 0.1)


async def test_snoozed_ghost_text_keeps_quiet_until_it_is_asked_for() -> None:
    async with editor(Scripted(FakeModel(GHOST)).services) as client:
        await opened(client)
        snooze = {"command": "devflow.snooze", "arguments": [5]}
        await client.request("workspace/executeCommand", snooze)
        assert await ask(client, 11) == []
        assert (await why(client))["silence"]["reason"] == "snoozed"
        await client.request("workspace/executeCommand", {**snooze, "arguments": [0]})
        assert await ask(client, 11) != []
