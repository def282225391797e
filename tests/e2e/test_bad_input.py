"""Broken surroundings cost one sentence each, and the server goes on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

from support.patience import HANGS


async def symbols(client: LanguageClient, path: Path) -> list[str]:
    """The symbols of a document that only the editor has."""
    item = types.TextDocumentItem(path.as_uri(), "python", 1, "def area():\n    return 1\n")
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    named = types.TextDocumentIdentifier(path.as_uri())
    found = await client.text_document_document_symbol_async(types.DocumentSymbolParams(named))
    return [symbol.name for symbol in found]


async def told(client: LanguageClient) -> list[str]:
    """What was shown to the user, once there is something."""
    async with asyncio.timeout(HANGS):
        while not client.messages:  # noqa: ASYNC110 - pytest-lsp only collects them
            await asyncio.sleep(0.05)
    return [message.message for message in client.messages]


async def test_a_workspace_folder_that_is_not_there(start: Any, tmp_path: Path) -> None:
    client = await start("neovim", tmp_path / "gone")
    assert await symbols(client, tmp_path / "gone" / "a.py") == ["area"]


async def test_a_workspace_folder_that_is_deleted_meanwhile(start: Any, workspace: Path) -> None:
    client = await start("visual-studio-code", workspace)
    await asyncio.to_thread(shutil.rmtree, workspace)
    change = types.FileEvent(workspace.as_uri(), types.FileChangeType.Deleted)
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
    assert await symbols(client, workspace / "a.py") == ["area"]


async def test_a_home_that_cannot_be_written_to(
    start: Any, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file where the folder should be: root, too, cannot write there.
    (tmp_path / "home").write_text("")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / "below"))
    client = await start("visual-studio-code", workspace)
    assert await symbols(client, workspace / "main.py") == ["area"]
    sentences = await told(client)
    assert len(sentences) == 1
    assert str(tmp_path / "home") in sentences[0]


async def test_a_broken_settings_file(start: Any, workspace: Path) -> None:
    (workspace / "devflow.toml").write_text("[completion\nmax_items = 5")
    client = await start("emacs", workspace)
    assert await symbols(client, workspace / "main.py") == ["area"]
    [sentence] = await told(client)
    assert sentence.startswith(f"{workspace / 'devflow.toml'} is not valid TOML")
