"""The server on loopback that the engines ask, and which of the two kinds of engine asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.loopback_api import Api, serve
from support.remote_models import Kind


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serve() as api:
        yield api


@pytest.fixture(params=["openai", "anthropic"])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind
