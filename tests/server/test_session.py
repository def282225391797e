"""What is behind a session follows its folders and settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devflow.models.base import ModelsConfig
from devflow.models.router import Router
from devflow.server.services import Services
from support.editor import editor
from support.patience import HANGS

pytestmark = pytest.mark.usefixtures("nothing_blocks")


async def test_a_folder_that_joins_brings_its_rules_of_what_is_never_sent(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    (other / "devflow.toml").write_text("[models]\nnever_send = ['private/']\n")
    made: list[ModelsConfig] = []

    def models(config: ModelsConfig, tell: Callable[[str], None]) -> Router:
        made.append(config)
        return Router([], [])

    async with editor(Services(models=models)) as client:
        await client.initialize(one)
        await client.until(lambda: made)
        event = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.until(lambda: len(made) == 2)
        event = {"added": [], "removed": [{"uri": one.as_uri(), "name": "one"}]}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.until(lambda: len(made) == 3)
    assert [config.never_send for config in made] == [(), ("private/",), ("private/",)]
    assert [config.books.workspace for config in made] == [str(one), str(one), str(other)]


async def test_the_models_are_put_together_away_from_the_event_loop(tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    def models(config: ModelsConfig, tell: Callable[[str], None]) -> Router:
        threads.append(threading.current_thread())
        return Router([], [])

    async with editor(Services(models=models)) as client:
        await client.initialize(tmp_path)
        await client.until(lambda: client.server.session.models)
    assert threading.main_thread() not in threads


async def test_settings_that_change_while_the_server_starts_are_those_it_works_with(tmp_path: Path) -> None:
    made: list[ModelsConfig] = []
    begun, changed = threading.Event(), threading.Event()

    def prepare() -> None:
        begun.set()
        changed.wait(HANGS)

    def models(config: ModelsConfig, tell: Callable[[str], None]) -> Router:
        made.append(config)
        return Router([], [])

    async with editor(Services(prepare_models=prepare, models=models)) as client:
        await client.initialize(tmp_path, capabilities={})
        await client.until(begun.is_set)
        settings = {"devflow": {"models": {"timeout_s": 30}}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        await client.settle()
        changed.set()
        await client.until(lambda: not client.server.session.starting and len(made) == 2)
    assert made[-1].timeout == 30
