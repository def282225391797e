"""A small run against our own server: the client, the positions and the parts fit together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench import measure
from bench.client import Client, NoAnswer
from bench.servers import Server, start

ROOT = Path(__file__).parents[2]
SHAPES = (
    "class Square:\n    def __init__(self, side):\n        self.side = side\n\n"
    "    def area(self):\n        return self.side * self.side\n\n\n"
    "square = Square(2)\nprint(square.area())\nprint(square.side)\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "shapes.py").write_text(SHAPES)
    return root


def test_our_own_server_is_measured(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-m", "devflow.server.cli")
    server = Server("devflow", command, ours=True)
    path = workspace / "shapes.py"
    texts = {path: SHAPES}
    places = measure.draw(texts, [path], 4, plain=False)
    names = measure.draw(texts, [path], 2, plain=True)
    assert len(places) == 4
    with start(server, workspace, tmp_path / "home") as client:
        found = measure.attributes(measure.Session(client, texts), places, names, ghost=True)
        assert client.capabilities["completionProvider"]
    assert found["first_failure"] == ""
    assert [len(found[part]) for part in ("places", "names", "ghost")] == [4, 2, 4]
    assert all(place["ms"] > 0 and place["hover_ms"] > 0 for place in found["places"])
    assert client.process.returncode == 0


def test_a_server_that_ends_at_once_is_no_answer(workspace: Path) -> None:
    with pytest.raises(NoAnswer):
        Client((sys.executable, "-c", "pass"), workspace, environment=dict(os.environ))


def test_a_server_that_says_nothing_is_given_up(workspace: Path) -> None:
    silent = (
        "import json, sys\n"
        "def read():\n"
        "    length = int(sys.stdin.buffer.readline().split()[1]); sys.stdin.buffer.readline()\n"
        "    return json.loads(sys.stdin.buffer.read(length))\n"
        "body = json.dumps({'jsonrpc': '2.0', 'id': read()['id'], 'result': {'capabilities': {}}}).encode()\n"
        "sys.stdout.buffer.write(b'Content-Length: %d\\r\\n\\r\\n' % len(body) + body); sys.stdout.flush()\n"
        "while read()['method'] != 'shutdown': pass\n"
    )
    path = workspace / "shapes.py"
    with Client((sys.executable, "-c", silent), workspace) as client:
        client._timeout = 0.2
        session = measure.Session(client, {path: SHAPES})
        client.open(path, SHAPES)
        answer, spent = session.ask("hover", path, 0)
    assert answer is None
    assert spent >= 200
    assert session.failures == ["textDocument/hover: nothing in 0.2 s"]
