"""A real server process and three editors' capabilities; every conversation is watched by the checker."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

from support.profiles import CheckedProtocol, capabilities

ROOT = Path(__file__).parents[2]
SERVER = [sys.executable, "-P", str(ROOT / "tests/support/patient_server.py")]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server and its workers find the package as it is in the working tree."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT / "src"), os.environ.get("PYTHONPATH", ""))))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small Python project."""
    root = tmp_path / "project with space"
    root.mkdir()
    (root / "shapes.py").write_text(
        '"""Shapes."""\n\n\nclass Square:\n    """Four equal sides."""\n\n'
        "    def __init__(self, side):\n        self.side = side\n\n    def area(self):\n"
        '        """The area of the square."""\n        return self.side * self.side\n\n\n'
        'def area_of(shape, scale=1):\n    """The area of a shape."""\n    return shape.area() * scale\n',
        "utf-8",
    )
    (root / "main.py").write_text(
        "from shapes import Square, area_of\n\nname = '😋é'; square = Square(2)\n"
        "print(area_of(square))\nprint(area_of(square, 1, 2, 3))\n",
        "utf-8",
    )
    return root


@pytest_asyncio.fixture
async def start(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Starts servers: `await start(profile, root)` is an initialised client. Afterwards each server must
    have shut down, and said nothing that is not LSP."""
    clients: list[LanguageClient] = []

    async def started(profile: str, root: Path | None, **more: Any) -> LanguageClient:
        client = LanguageClient(protocol_cls=CheckedProtocol, converter_factory=default_converter)
        register_lsp_features(client)
        for method, answer in (
            (types.CLIENT_REGISTER_CAPABILITY, lambda params: None),
            (types.WORKSPACE_APPLY_EDIT, lambda params: types.ApplyWorkspaceEditResult(applied=True)),
        ):
            client.feature(method)(answer)
        clients.append(client)
        await client.start_io(*SERVER)
        folders = [types.WorkspaceFolder(root.as_uri(), root.name)] if root else None
        await client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities(profile),
                root_uri=root.as_uri() if root else None,
                workspace_folders=folders,
                **more,
            )
        )
        return client

    yield started
    for client in clients:
        if client._server is not None and client._server.returncode is None:
            await client.shutdown_session()
        await client.stop()
        assert client.protocol.checker.faults() == []  # type: ignore[attr-defined]
        assert client.protocol.checker.checked > 0  # type: ignore[attr-defined]
