"""Many clients at once against two providers on loopback that fail now and then, and what each of them
got."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from devflow.models.base import ChatRequest, Message
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.errors import ModelError
from devflow.models.outbound import Outbound
from devflow.models.router import Router, Routing
from devflow.models.routing.rules import Facts
from support.loopback_api import Answer, serve

PIECES = 8
KINDS = ("429", "500", "stall", "cut")


@dataclass
class Got:
    """What the clients got: seconds for each answer, and the failures."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    asked: int = 0
    """Requests the providers saw."""
    faults: int = 0

    @property
    def p95(self) -> float:
        """Seconds."""
        return sorted(self.seconds)[int(0.95 * (len(self.seconds) - 1))] if self.seconds else 0.0


async def run(
    *,
    clients: int,
    requests: int,
    share: float,
    wait: float,
    pause: float = 0.0,
    whole: Callable[[int], bool] = lambda number: True,
    seed: int = 1,
) -> Got:
    """`clients` ask `requests` questions, each of its own; `share` of what the providers answer is a fault of
    one of `KINDS`. `wait` is the median of the seconds to the first piece, which are spread as those of
    providers are, log-normally (σ = .45, three times the median at most); `pause` is between two pieces."""
    chance = random.Random(seed)
    got = Got()

    def answer(body: dict[str, Any]) -> Answer:
        got.asked += 1
        name = body["messages"][-1]["content"]
        pieces = tuple(f"{name}.{number} " for number in range(PIECES))
        seconds = wait * min(chance.lognormvariate(0, 0.45), 3.0)
        common: dict[str, Any] = {"pieces": pieces, "wait": seconds, "pause": pause}
        if chance.random() >= share:
            return Answer(**common)
        got.faults += 1
        match chance.choice(KINDS):
            case "429":
                return Answer(status=429, headers=(("retry-after", "1"),))
            case "500":
                return Answer(status=500)
            case "stall":
                return Answer(**common, stall_after=chance.randrange(PIECES))
            case _:
                return Answer(**common, cut_after=chance.randrange(PIECES))

    async with _router(answer) as router:
        numbers = iter(range(requests))
        await asyncio.gather(*(_client(router, numbers, got, whole) for _ in range(clients)))
    return got


async def _client(router: Router, numbers: Any, got: Got, whole: Callable[[int], bool]) -> None:
    for number in numbers:
        request = ChatRequest((Message("user", f"q{number}"),), max_tokens=64)
        expected = "".join(f"q{number}.{piece} " for piece in range(PIECES))
        started = time.perf_counter()
        try:
            if whole(number):
                said = (await router.whole(request)).text
            else:
                said = "".join([piece async for piece in router.chat(request)])
        except ModelError as error:
            got.failed.append(str(error))
            continue
        got.seconds.append(time.perf_counter() - started)
        if said != expected:
            got.wrong.append(said)


@asynccontextmanager
async def _router(answer: Callable[[dict[str, Any]], Answer]) -> AsyncIterator[Router]:
    async with serve() as one, serve() as two:
        one.choose = two.choose = answer
        guard = Outbound()
        models = [
            OpenAIModel(Server("one", "m", one.openai, "k"), guard),
            AnthropicModel(Server("two", "m", two.anthropic, "k"), guard),
        ]
        facts = {"one": Facts("one", provider=one.openai), "two": Facts("two", provider=two.anthropic)}
        router = Router([], models, routing=Routing(facts=facts))
        await asyncio.gather(*(model.warm() for model in models))
        try:
            yield router
        finally:
            await router.close()
