"""Explanations: from the index without a model, kept once a model made one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest
from devflow.models.errors import ModelError, NotAllowed, Rejected, WorkerDied
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.explain import Explained, cached_explanation, explain
from devflow.server.assist.hover import hover
from devflow.server.assist.refused import ActionRefused
from devflow.server.settings import Hover
from support.codebase import Workspace, document, workspace

SNIPPET = """
    #- tests/test_shapes.py
    from shapes import area
    def test_area():
        assert area(1) == 1
    #- user.py
    from shapes import area
    def room():
        return area(3)
    #- maths.py
    def square(x):
        '''Multiply it by itself.'''
        return x * x
    #- shapes.py
    from maths import square
    def area(w: int) -> int:
        '''The area of a square.'''
        print(w)
        return squ<|>are(w)
"""


async def markdown(made: Workspace) -> str:
    return (await explain(made.doc, made.at, made.at, made.code)).markdown


async def test_without_a_model_the_index_explains(tmp_path: Path) -> None:
    async with workspace(tmp_path, SNIPPET, indexed=True) as made:
        said = await markdown(made)
    head, rest = said.split("\n\n", 1)
    assert head == "```python\ndef area(w: int) -> int\n```"
    assert rest.startswith("The area of a square.\n\nA function, 4 lines long.")
    assert "Calls:\n- `square` (maths.py:1): Multiply it by itself.\n- `print`" in said
    assert "Used by:\n- `room` (user.py:3)" in said
    assert "Tested in:\n- `test_area` (tests/test_shapes.py:3)" in said
    assert said.endswith(
        "add one under [[models.list]] in your own devflow.toml (`devflow doctor` shows where).*"
    )


async def test_without_an_index_the_code_itself_explains(tmp_path: Path) -> None:
    async with workspace(tmp_path, "def area(w):\n    return squ<|>are(w)\n") as made:
        said = await markdown(made)
    assert "def area(w)" in said
    assert "Calls:\n- `square`" in said
    assert "Used by" not in said


async def test_a_model_explains_with_what_is_around(tmp_path: Path) -> None:
    model = FakeModel("It ", "computes.")
    async with workspace(tmp_path, SNIPPET, indexed=True, models=Router([], [model])) as made:
        said = await explain(made.doc, made.at, made.at, made.code)
    assert said == Explained("It computes.", "fake")
    [request] = model.requests
    prompt = request.messages[1].content  # type: ignore[union-attr]  # a ChatRequest
    assert "return square(w)" in prompt
    assert "def square(x)" in prompt
    assert "return area(3)" in prompt
    assert set(request.paths) == {"shapes.py", "maths.py", "user.py", "tests/test_shapes.py"}  # type: ignore[union-attr]


async def test_an_explanation_is_asked_for_once_and_found_by_hover(tmp_path: Path) -> None:
    model = FakeModel("It computes.")
    async with workspace(tmp_path, SNIPPET, models=Router([], [model])) as made:
        source = made.doc.text.source[made.doc.text.source.index("def area") :].rstrip("\n")
        assert cached_explanation(source, "python", made.code.memory) is None
        for _ in range(2):
            assert await markdown(made) == "It computes."
        assert len(model.requests) == 1
        assert cached_explanation(source, "python", made.code.memory) == "It computes."
        assert cached_explanation(source + " ", "python", made.code.memory) is None


async def test_what_one_model_broke_off_another_explains_and_is_named(tmp_path: Path) -> None:
    first = FakeModel("It ", "computes.", name="first", failures=[WorkerDied("cut")] * 9, fail_after=1)
    models = Router([], [first, FakeModel("It squares.", name="second")])
    async with workspace(tmp_path, SNIPPET, models=models) as made:
        said = await explain(made.doc, made.at, made.at, made.code)
    assert said == Explained("It squares.", "second")


async def test_half_an_explanation_is_not_kept(tmp_path: Path) -> None:
    model = FakeModel("It ", "computes.", failures=[Rejected("cut")], fail_after=1)
    async with workspace(tmp_path, SNIPPET, models=Router([], [model])) as made:
        with pytest.raises(ModelError, match="cut"):
            await explain(made.doc, made.at, made.at, made.code)
        assert await markdown(made) == "It computes."


async def test_cancelling_stops_the_model(tmp_path: Path) -> None:
    model = FakeModel("a", "b", delay=30)
    async with workspace(tmp_path, SNIPPET, models=Router([], [model])) as made:
        pending = asyncio.create_task(explain(made.doc, made.at, made.at, made.code))
        while not model.opened:  # noqa: ASYNC110 - the fake has no event to wait for
            await asyncio.sleep(0)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
    assert model.closed == 1


async def test_where_there_is_nothing_to_explain(tmp_path: Path) -> None:
    async with workspace(tmp_path, "x = 1\n\n<|>\n") as made:
        with pytest.raises(ActionRefused, match="nothing to explain"):
            await explain(made.doc, made.at, made.at, made.code)


async def test_a_selection_in_any_language_is_explained(tmp_path: Path) -> None:
    model = FakeModel("Text.")
    async with workspace(
        tmp_path, "some words\nand more<|>\n", path="a.txt", models=Router([], [model])
    ) as made:
        assert (await explain(made.doc, 0, made.at, made.code)).markdown == "Text."


async def test_hover_shows_the_explanation_until_the_code_changes(tmp_path: Path) -> None:
    models = Router([], [FakeModel("It computes.")])
    async with workspace(tmp_path, "def area(w):\n    return w\n\nar<|>ea(1)\n", models=models) as made:
        before = await hover(made.doc, made.at, made.code, Hover())
        await explain(made.doc, 5, 5, made.code)
        after = await hover(made.doc, made.at, made.code, Hover())
        off = await hover(made.doc, made.at, made.code, Hover(explain="off"))
        changed = document(made.doc.text.source.replace("return w", "return 2"), tmp_path / "main.py", 2)
        stale = await hover(changed, made.at, made.code, Hover())
    cards = [card.markdown if card else "" for card in (before, after, off, stale)]
    assert ["It computes." in card for card in cards] == [False, True, False, False]


async def test_a_path_rule_costs_the_context_only(tmp_path: Path) -> None:
    """The model refuses what holds `user.py`; the function itself may be sent."""

    class Guarded(FakeModel):
        def chat(self, request: ChatRequest) -> AsyncIterator[str]:
            self.failures = [NotAllowed("user.py is never sent.")] if "user.py" in request.paths else []
            return super().chat(request)

    model = Guarded("It computes.")
    async with workspace(tmp_path, SNIPPET, indexed=True, models=Router([], [model])) as made:
        assert await markdown(made) == "It computes."
    assert [request.paths for request in model.requests][1] == ("shapes.py",)  # type: ignore[union-attr]


async def test_a_path_rule_on_the_file_itself_is_said(tmp_path: Path) -> None:
    model = FakeModel("x", failures=[NotAllowed("main.py is never sent.")])
    async with workspace(tmp_path, "def f(): <|>...\n", models=Router([], [model])) as made:
        with pytest.raises(NotAllowed, match=r"main\.py is never sent"):
            await explain(made.doc, made.at, made.at, made.code)


async def test_the_request_names_what_a_linked_file_leads_to_for_path_rules(tmp_path: Path) -> None:
    model = FakeModel("It computes.")
    (tmp_path / ".env").write_text("A=1")
    async with workspace(tmp_path, SNIPPET, models=Router([], [model])) as made:
        assert made.doc.path is not None
        made.doc.path.unlink()
        made.doc.path.symlink_to(tmp_path / ".env")
        await explain(made.doc, made.at, made.at, made.code)
    assert {"shapes.py", ".env"} <= set(model.requests[0].paths)  # type: ignore[union-attr]
