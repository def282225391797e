"""Keys in the operating system's key store."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from devflow.models.base import Health
from devflow.models.errors import NotConfigured
from support.loopback_api import Api
from support.patience import HANGS
from support.remote_models import KEY, QUESTION, Kind, made, text


async def test_a_key_in_the_key_store_is_read_when_it_is_needed(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def get_password(service: str, user: str) -> str | None:
        asked.append((service, user))
        return KEY if user == "me" else None

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/main/me")
    assert model.status().health is Health.READY
    assert asked == []
    await text(model.chat(QUESTION))
    assert asked == [("devflow/main", "me")]
    assert KEY in str(api.requests[0]["headers"])
    await model.close()
    model = made(kind, api, api_key="", key_store="devflow/other")
    with pytest.raises(NotConfigured, match="holds no key 'devflow/other' for main; `keyring set devflow"):
        await text(model.chat(QUESTION))
    await model.close()


async def test_a_key_store_that_waits_for_its_user_is_asked_once_and_holds_one_thread(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    unlocked = threading.Event()

    def get_password(service: str, user: str) -> str:
        asked.append(user)
        unlocked.wait(HANGS)
        return KEY

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/me")
    try:
        for _ in range(40):  # more than there are threads
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await text(model.chat(QUESTION))
    finally:
        unlocked.set()
    assert await text(model.chat(QUESTION))
    assert asked == ["me"]
    await model.close()


async def test_a_key_store_that_fails_in_a_way_of_its_own_is_a_sentence(
    kind: Kind, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_password(service: str, user: str) -> str:
        raise RuntimeError("the bus is gone")

    key_store(monkeypatch, get_password)
    model = made(kind, api, api_key="", key_store="devflow/me")
    with pytest.raises(NotConfigured, match=r"could not be read for main \(RuntimeError\)"):
        await text(model.chat(QUESTION))
    await model.close()


def key_store(monkeypatch: pytest.MonkeyPatch, get_password: Callable[[str, str], str | None]) -> None:
    """A stand-in for the library that reads the operating system's."""
    keyring = ModuleType("keyring")
    keyring.get_password = get_password  # type: ignore[attr-defined]  # a stand-in
    keyring.__spec__ = ModuleSpec("keyring", None)
    monkeypatch.setitem(sys.modules, "keyring", keyring)
