"""A session and what is behind it follow folders, settings, documents and files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devflow.models.base import ModelsConfig
from devflow.models.router import Router
from devflow.server.services import Services
from support.editor import editor
from support.patience import HANGS
from support.services import Scripted

pytestmark = pytest.mark.usefixtures("nothing_blocks")

URI = "file:///nowhere/a.py"
SOURCE = "def area(width, height): ...\n"


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


async def test_settings_of_the_editor_are_asked_for_and_followed() -> None:
    async with editor() as client:
        client.settings = {"features": {"documentSymbol": False}}
        await client.initialize()
        client.open(URI, SOURCE)
        await client.wait_for("workspace/configuration")
        params = {"textDocument": {"uri": URI}}
        async with asyncio.timeout(HANGS):
            while await client.request("textDocument/documentSymbol", params) is not None:
                pass
        client.settings = {}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        async with asyncio.timeout(HANGS):
            while await client.request("textDocument/documentSymbol", params) is None:
                pass


async def test_a_client_without_workspace_configuration_sends_its_settings_along() -> None:
    async with editor() as client:
        await client.initialize(capabilities={})
        client.open(URI, SOURCE)
        client.notify(
            "workspace/didChangeConfiguration",
            {"settings": {"devflow": {"features": {"documentSymbol": False}}}},
        )
        params = {"textDocument": {"uri": URI}}
        async with asyncio.timeout(HANGS):
            while await client.request("textDocument/documentSymbol", params) is not None:
                pass


async def test_a_wrong_setting_is_told_with_file_line_and_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "devflow.toml").write_text("[completion]\nmax_itmes = 5\n")
    async with editor() as client:
        await client.initialize(tmp_path)
        told = await client.wait_for("window/showMessage")
        assert told["message"].startswith(f"{tmp_path / 'devflow.toml'}, line 2: ")
        assert "'max_items'" in told["message"]
        await client.settle()
        assert len(client.shown()) == 1


async def test_a_broken_settings_file_is_told_and_the_server_goes_on(tmp_path: Path) -> None:
    (tmp_path / "devflow.toml").write_text("[[[")
    async with editor() as client:
        await client.initialize(tmp_path)
        assert "is not valid TOML" in (await client.wait_for("window/showMessage"))["message"]
        (tmp_path / "devflow.toml").write_text("[features]\ndocument_symbol = false\n")
        uri = (tmp_path / "devflow.toml").as_uri()
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]})
        client.open(URI, SOURCE)
        params = {"textDocument": {"uri": URI}}
        async with asyncio.timeout(HANGS):
            while await client.request("textDocument/documentSymbol", params) is not None:
                pass


async def test_the_index_follows_documents_files_and_folders(tmp_path: Path) -> None:
    scripted = Scripted()
    one, other = tmp_path / "one", tmp_path / "other"
    async with editor(scripted.services) as client:
        await client.initialize(one)
        await client.until(
            lambda: scripted.indexes and any(call[0] == "open" for call in scripted.index.calls)
        )
        path = one / "a b.py"
        client.open(path.as_uri(), "x = 1\n")
        client.change(path.as_uri(), 2, {"text": "x = 2\n"})
        client.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        client.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})
        client.notify(
            "workspace/didChangeWatchedFiles",
            {"changes": [{"uri": (one / "b.py").as_uri(), "type": 1}, {"uri": "untitled:x", "type": 1}]},
        )
        client.notify(
            "workspace/didRenameFiles",
            {"files": [{"oldUri": (one / "c.py").as_uri(), "newUri": (one / "d.py").as_uri()}]},
        )
        client.notify(
            "workspace/didChangeWorkspaceFolders",
            {
                "event": {
                    "added": [{"uri": other.as_uri(), "name": "other"}],
                    "removed": [{"uri": one.as_uri(), "name": "one"}],
                }
            },
        )
        await client.until(lambda: sum(call[0] == "open" for call in scripted.index.calls) == 2)
    calls = [call[:2] for call in scripted.index.calls]
    assert calls == [
        ("start",),
        ("open", (one,)),
        ("document", path),
        ("document", path),
        ("update", (path,)),
        ("release", path),
        ("update", (one / "b.py",)),
        ("update", (one / "c.py", one / "d.py")),
        ("open", (other,)),
    ]
    assert scripted.index.closed


@pytest.mark.parametrize("where", ["home", "disk", "link"])
async def test_a_home_or_a_whole_disk_is_not_worked_for_and_told_once(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setattr(Path, "home", lambda: home)
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize({"home": home, "disk": Path("/"), "link": tmp_path / "link"}[where])
        await client.until(lambda: not client.server.session.starting)
        assert [call[1] for call in scripted.index.calls if call[0] == "open"] == [()]
        [told] = client.shown()
        assert "is not indexed: open the folder of a project" in told
        status = await client.request("workspace/executeCommand", {"command": "devflow.status"})
        assert (status["state"], status["text"]) == ("limited", told)
        event = {"added": [{"uri": project.as_uri(), "name": "project"}], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.until(lambda: scripted.index.calls[-1][1] == (project,))
        status = await client.request("workspace/executeCommand", {"command": "devflow.status"})
        assert (status["state"], client.shown()) == ("ready", [told])


async def test_a_home_with_settings_of_its_own_is_a_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / "devflow.toml").write_text("")
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize(tmp_path)
        await client.until(lambda: scripted.indexes and scripted.index.calls)
        assert [call[1] for call in scripted.index.calls if call[0] == "open"] == [(tmp_path,)]
        assert client.shown() == []


async def test_an_index_that_works_again_is_told(tmp_path: Path) -> None:
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize(tmp_path)
        await client.until(lambda: scripted.indexes)
        for state in ("indexing", "ready", "failed", "indexing", "failed", "indexing"):
            scripted.index.host.index_state(tmp_path, state)
        assert client.shown() == []
        scripted.index.host.index_state(tmp_path, "ready")
        scripted.index.host.index_state(tmp_path, "indexing")
        scripted.index.host.index_state(tmp_path, "ready")
        await client.settle()
        assert client.shown() == [f"The index of {tmp_path.name} works again and is up to date."]


async def test_another_embedder_in_the_settings_reaches_the_index(tmp_path: Path) -> None:
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize(tmp_path, capabilities={})
        await client.until(
            lambda: scripted.indexes and any(call[0] == "open" for call in scripted.index.calls)
        )
        settings = {"devflow": {"retrieval": {"embedder": "devflow-hashed"}}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        await client.until(lambda: sum(call[0] == "open" for call in scripted.index.calls) == 2)
    assert scripted.index.calls[-1][2].retrieval.embedder == "devflow-hashed"


@pytest.mark.parametrize("dynamic", [True, False])
async def test_who_watches_the_files_depends_on_the_client(dynamic: bool) -> None:
    scripted = Scripted()
    watched = {"didChangeWatchedFiles": {"dynamicRegistration": dynamic}}
    async with editor(scripted.services) as client:
        await client.initialize(capabilities={"workspace": watched})
        if dynamic:
            registered = await client.wait_for("client/registerCapability")
            assert registered["registrations"][0]["method"] == "workspace/didChangeWatchedFiles"
        await client.until(lambda: scripted.indexes)
        assert scripted.index.watch is not dynamic


async def test_indexing_shows_progress_to_clients_that_can_show_it() -> None:
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize()
        await client.until(lambda: scripted.indexes)
        scripted.index.host.progress("project", 1, 10)
        await client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
        scripted.index.host.progress("project", 10, 10)
        await client.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")


async def test_progress_is_not_sent_to_clients_that_cannot_show_it() -> None:
    scripted = Scripted()
    async with editor(scripted.services) as client:
        await client.initialize(capabilities={})
        await client.until(lambda: scripted.indexes)
        scripted.index.host.progress("project", 1, 10)
        scripted.index.host.progress("project", 10, 10)
        await client.settle()
        assert client.received == []
