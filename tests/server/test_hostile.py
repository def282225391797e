"""Text that nobody writes: every request is answered, and soon."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from devflow.server.routes import REQUESTS
from support.editor import Editor, ErrorAnswer, editor
from support.patience import HANGS
from support.questions import params

LENGTH = 100_000
INTERNAL = -32603
SOON = 10.0
"""Seconds of the processor: ten times what the slowest takes, a fraction of what anything unbounded does."""
TEXTS = {
    "braces": "{" * LENGTH,
    "parentheses": "(" * LENGTH,
    "brackets in lines": "[\n" * (LENGTH // 2),
    "quotes": '"""' * (LENGTH // 3),
    "nested": "(" * 10_000 + ")" * 10_000,
    "nested calls": "f(" * 2_000 + "1" + ")" * 2_000,
    "nested blocks": "".join(f"{' ' * n}if x:\n" for n in range(400)) + " " * 400 + "pass\n",
    "sums": "x = " + "1 + " * 20_000 + "1\n",
    "dots": "x" + ".a" * (LENGTH // 2),
    "lambdas": "lambda: " * 12_000 + "0",
    "unary": "x = " + "-" * (LENGTH - 10) + "1",
}
METHODS = [route.method for route in REQUESTS if not route.method.endswith("resolve")]


async def took(client: Editor, method: str, uri: str) -> float:
    begun = time.process_time()
    asked: dict[str, Any] = params(method, uri)
    for place in (asked.get("position"), *asked.get("positions", ())):
        if place:
            place.update(line=0, character=1_000)
    answer = client.ask(method, asked)
    await asyncio.wait([answer], timeout=HANGS)
    assert answer.done(), method
    error = answer.exception()
    assert not isinstance(error, ErrorAnswer) or error.code != INTERNAL, error
    return time.process_time() - begun


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("language", ["python", "typescript"])
@pytest.mark.parametrize("what", TEXTS)
async def test_every_request_is_answered_soon(tmp_path: Path, what: str, language: str) -> None:
    uri = (tmp_path / ("a.py" if language == "python" else "a.ts")).as_uri()
    async with editor() as client:
        await client.initialize(
            tmp_path, initializationOptions={"devflow": {"features": {"inlayHint": True}}}
        )
        client.open(uri, TEXTS[what], language)
        slow = {method: seconds for method in METHODS if (seconds := await took(client, method, uri)) > SOON}
    assert slow == {}
