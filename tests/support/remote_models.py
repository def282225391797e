"""The engines that ask a server, with the real SDKs, against one on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from devflow.models.base import ChatRequest, Message
from devflow.models.engines.anthropic import AnthropicModel
from devflow.models.engines.openai import OpenAIModel
from devflow.models.engines.remote import Server
from devflow.models.outbound import Outbound
from support.loopback_api import Api

KEY = "sk-test-" + "0123456789abcdefghijklmnop"
QUESTION = ChatRequest((Message("system", "Be brief."), Message("user", "Who?")), max_tokens=50)
Engine = OpenAIModel | AnthropicModel
Kind = Literal["openai", "anthropic"]


def made(kind: Kind, api: Api, *, guard: Outbound | None = None, **options: Any) -> Engine:
    values: dict[str, Any] = {
        "name": "main",
        "model": "m-1",
        "base_url": api.openai if kind == "openai" else api.anthropic,
        "api_key": KEY,
        "api_key_env": "TEST_KEY",
        "timeout": 20.0,
        **options,
    }
    guard = guard or Outbound(timeout=values["timeout"])
    return (OpenAIModel if kind == "openai" else AnthropicModel)(Server(**values), guard)


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])
