"""Questions: citations that hold, and an extractive answer without a model."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import devflow.server.assist.ask
from devflow.models.base import ModelsConfig, ModelSpec
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.retrieval.context import Citation
from devflow.retrieval.index import Index
from devflow.server.assist.ask import ask, cited_only
from devflow.server.models import build_router
from support.codebase import workspace
from support.patience import HANGS

SNIPPET = """
    #- net/retry.py
    def retry_delay(attempt: int) -> float:
        '''Seconds to wait before the next attempt.'''
        return min(2 ** attempt, 60)
    #- net/parse.py
    def parse_header(line: str) -> tuple[str, str]:
        '''Split a header line.'''
        name, _, value = line.partition(":")
        return name, value
    #- main.py
    x = 1<|>
"""
QUESTION = "how long do we wait before the next retry attempt"


async def test_without_a_model_the_best_code_is_shown(tmp_path: Path) -> None:
    async with workspace(tmp_path, SNIPPET, indexed=True) as made:
        answer = await ask(QUESTION, made.code, 3)
    assert answer.engine == "index"
    assert answer.hits[0].symbol == "retry_delay"
    first = answer.markdown.split("\n\n")[0]
    assert first.startswith(
        "**[1]** net/retry.py:1-3 `retry_delay`  \nSeconds to wait before the next attempt.\n```"
    )
    assert "return min(2 ** attempt, 60)" in first
    assert "no model can answer in words: add one under" in answer.markdown.splitlines()[-1]


async def test_when_nothing_is_found_the_answer_says_why(tmp_path: Path) -> None:
    async with workspace(tmp_path, SNIPPET, indexed=True) as made:
        assert (await ask("qqzzx wwvvk", made.code, 3)).markdown == (
            "Nothing in the index matches 'qqzzx wwvvk'. Nothing in the index has any of its words."
        )


async def test_a_model_that_cannot_be_asked_says_why_in_place_of_how_to_add_one(tmp_path: Path) -> None:
    keyless = ModelsConfig(False, (ModelSpec("gpt", "openai", "gpt-4.1"),))
    models = build_router(keyless, {})
    async with workspace(tmp_path, SNIPPET, indexed=True, models=models) as made:
        answer = await ask(QUESTION, made.code, 3)
    assert answer.markdown.splitlines()[-1] == (
        "*These are the best matches; no model can answer in words: "
        "gpt has no API key; set the environment variable OPENAI_API_KEY and restart the editor.*"
    )
    await models.close()


@pytest.mark.usefixtures("hurried")
async def test_vectors_that_never_come_do_not_keep_a_question_from_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck:
        async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr(devflow.server.assist.ask, "SEARCH_SECONDS", 3.0)
    async with workspace(tmp_path, SNIPPET, indexed=True) as made:
        index = await Index.open([tmp_path], Stuck())
        answer = await asyncio.wait_for(ask(QUESTION, replace(made.code, index=index), 3), HANGS)
        await index.close()
    assert answer.hits[0].symbol == "retry_delay"


async def test_a_model_answers_from_numbered_pieces_and_its_sources_are_listed(tmp_path: Path) -> None:
    model = FakeModel("At most 60 s [1], see `items[7]` and [9].", name="oracle")
    async with workspace(tmp_path, SNIPPET, indexed=True, models=Router([], [model])) as made:
        answer = await ask(QUESTION, made.code, 3)
    text, sources = answer.markdown.split("\n\n")
    assert text == "At most 60 s [1], see `items[7]` and."
    assert sources == "[1] net/retry.py:1-3 `retry_delay`"
    assert [hit.symbol for hit in answer.hits] == ["retry_delay"]
    assert answer.engine == "oracle"
    assert "net/retry.py" in model.requests[0].paths  # type: ignore[union-attr]  # a ChatRequest


async def test_an_answer_without_sources_says_so(tmp_path: Path) -> None:
    models = Router([], [FakeModel("Certainly 60 s.")])
    async with workspace(tmp_path, SNIPPET, indexed=True, models=models) as made:
        answer = await ask(QUESTION, made.code, 3)
    assert answer.markdown.endswith("*The answer names no source; check it against the code.*")
    assert answer.hits == ()


async def test_an_empty_answer_falls_back_to_the_code(tmp_path: Path) -> None:
    models = Router([], [FakeModel("  ")])
    async with workspace(tmp_path, SNIPPET, indexed=True, models=models) as made:
        assert (await ask(QUESTION, made.code, 3)).engine == "index"


async def test_no_index_no_match_and_no_question_are_one_sentence(tmp_path: Path) -> None:
    async with workspace(tmp_path, SNIPPET, indexed=True) as made:
        assert "Ask a question" in (await ask("  ", made.code, 3)).markdown
    async with workspace(tmp_path, SNIPPET) as made:
        assert "no index yet" in (await ask(QUESTION, made.code, 3)).markdown


def test_only_numbers_that_were_shown_stay() -> None:
    shown = [Citation(number, Path("a.py"), 0, 1, "") for number in (1, 2)]
    assert cited_only("A [1, 2, 3]. B [4]. [x](y) [1](z)", shown) == ("A [1][2]. B. [x](y) [1](z)", {1, 2})
    assert cited_only("```\na[1]\n```", shown)[1] == frozenset()


async def test_a_model_sees_what_the_best_code_uses_though_search_does_not_find_it(tmp_path: Path) -> None:
    files = """
        #- net/retry.py
        from net.limits import clamp

        def retry_delay(attempt: int) -> float:
            '''Seconds to wait before the next attempt.'''
            return clamp(2 ** attempt)
        #- net/limits.py
        def clamp(value: float, ceiling: float = 60.0) -> float:
            return value if value < ceiling else ceiling

        def unrelated(): ...
        #- main.py
        x = 1<|>
    """
    model = FakeModel("Up to the ceiling [1] [2].", name="oracle")
    async with workspace(tmp_path, files, indexed=True, models=Router([], [model])) as made:
        answer = await ask(QUESTION, made.code, 1)
    [request] = model.requests
    shown = "".join(message.content for message in request.messages)  # type: ignore[union-attr]
    assert "[2] net/limits.py:1-1 clamp\ndef clamp(value: float, ceiling: float = 60.0) -> float" in shown
    assert "unrelated" not in shown
    assert [(hit.symbol, hit.sources) for hit in answer.hits][1] == ("clamp", ("graph",))
    assert "net/limits.py" in request.paths  # type: ignore[union-attr]
    assert answer.markdown.endswith("[2] net/limits.py:1-1 `clamp`")
