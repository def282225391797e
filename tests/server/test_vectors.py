"""Embedders at a server, through the vectors' process that is started for them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from devflow.retrieval.base import VectorOptions
from devflow.retrieval.build import build
from devflow.retrieval.chroma import VectorsUnavailable
from devflow.retrieval.vector_process import VectorProcess
from devflow.retrieval.walk import IndexOptions
from devflow.server.sources import Source, resolve
from devflow.server.vectors import vector_options

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@dataclass
class Provider:
    """An embeddings API on loopback: a text's vector tells its length."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    seen: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    about = Provider()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            about.seen += asked["input"]
            about.keys.append(self.headers.get("authorization", ""))
            data = [
                {"object": "embedding", "index": at, "embedding": [float(len(text)), 10.0]}
                for at, text in enumerate(asked["input"])
            ]
            body = about.body or json.dumps({"object": "list", "data": data[::-1], "model": "m"}).encode()
            self.send_response(about.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    about.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield about
    server.shutdown()
    thread.join()
    server.server_close()


def configured(provider: Provider, **options: str) -> VectorOptions:
    model = {"name": "mine", "engine": "openai", "model": "m", "base_url": provider.url, "tasks": ["embed"]}
    values = {
        "retrieval": {"embedder": "mine"},
        "models": {
            "list": [{**model, "api_key_env": "MY_KEY", "options": options}],
            "never_send": ["private/"],
        },
    }
    settings, problems = resolve(Source("the editor's settings", values))
    assert not problems
    return vector_options(settings, {"MY_KEY": "secret-key"})


def opened(
    folder: Path, provider: Provider, root: Path | None = None, roots: Sequence[Path] = (), **options: str
) -> VectorProcess:
    made = configured(provider, **options)
    made = replace(made, root=str(root or folder), roots=tuple(map(str, roots)))
    return VectorProcess(folder / "chroma", "s", made)


def test_an_embedder_at_a_server_makes_the_vectors(tmp_path: Path, provider: Provider) -> None:
    vectors = opened(tmp_path, provider)
    vectors.add([1, 2], ["x" * 10, "x" * 200], ["a.py", "b.py"])
    assert vectors.embedder == f"m at {provider.url}"
    [(first, similarity), _] = vectors.nearest("y" * 10, 2)
    assert (first, round(similarity, 3)) == (1, 1.0)
    assert set(provider.keys) == {"Bearer secret-key"}
    vectors.close()


def test_secrets_and_files_that_are_kept_back_are_not_sent(tmp_path: Path, provider: Provider) -> None:
    vectors = opened(tmp_path, provider, forwards="true")
    texts = [f"key = '{TOKEN}'", "confidential text", "from the environment"]
    vectors.add([1, 2, 3], texts, ["a.py", "private/b.py", ".env"])
    said = "\n".join(provider.seen)
    assert "key = " in said
    assert TOKEN not in said
    assert "confidential" not in said
    assert "environment" not in said
    assert vectors.count() == 3
    vectors.close()


def test_a_file_is_judged_by_the_rules_of_every_root_that_holds_it(
    tmp_path: Path, provider: Provider
) -> None:
    outer, inner = tmp_path / "work", tmp_path / "work" / "private" / "app"
    inner.mkdir(parents=True)
    vectors = opened(tmp_path, provider, inner, (outer, inner), forwards="true")
    vectors.add([1], ["confidential text"], ["a.py"])  # private/app/a.py, seen from the outer root
    assert "confidential" not in "\n".join(provider.seen)
    vectors.close()


async def test_an_index_tells_its_embedder_of_every_root(tmp_path: Path, provider: Provider) -> None:
    outer, inner = tmp_path / "work", tmp_path / "work" / "private" / "app"
    inner.mkdir(parents=True)
    (inner / "a.py").write_text("confidential = 1\n")
    options = configured(provider, forwards="true")
    await build(inner, IndexOptions(), vectors=replace(options, roots=(str(outer), str(inner))))
    assert provider.seen
    assert "confidential" not in "\n".join(provider.seen)
    await build(inner, IndexOptions(), vectors=options, rebuild=True)
    assert "confidential" in "\n".join(provider.seen)


def test_a_link_into_a_folder_that_is_kept_back_is_not_followed_to_a_server(
    tmp_path: Path, provider: Provider
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "b.py").write_text("confidential text")
    (tmp_path / "b.py").symlink_to(tmp_path / "private" / "b.py")
    vectors = opened(tmp_path, provider, tmp_path, (tmp_path,), forwards="true")
    vectors.add([1], ["confidential text"], ["b.py"])
    assert "confidential" not in "\n".join(provider.seen)
    vectors.close()


def test_a_refused_key_is_said_and_the_static_model_used(tmp_path: Path, provider: Provider) -> None:
    provider.status, provider.body = 401, b'{"error": {"message": "no"}}'
    vectors = opened(tmp_path, provider)
    assert "refused the API key" in vectors.problem
    assert vectors.embedder.startswith("devflow-static")
    vectors.close()


@pytest.mark.parametrize(
    "body", [b"{}", b'{"data": []}', b"not json", b'{"data": [{"index": 0, "embedding": []}]}']
)
def test_an_answer_that_is_no_vector_leaves_the_old_ones(
    tmp_path: Path, provider: Provider, body: bytes
) -> None:
    provider.body = body
    with pytest.raises(VectorsUnavailable, match=r"earching text and names only\."):
        opened(tmp_path, provider)


def test_a_server_that_is_away_is_a_sentence(tmp_path: Path, provider: Provider) -> None:
    vectors = opened(tmp_path, provider)
    provider.status, provider.body = 500, b"{}"
    with pytest.raises(VectorsUnavailable, match="has a problem of its own"):
        vectors.nearest("anything", 1)
    provider.status, provider.body = 200, b""
    assert vectors.nearest("anything", 1) == []
    vectors.close()


def test_under_local_only_no_server_elsewhere_is_used() -> None:
    values = {
        "retrieval": {"embedder": "mine", "chroma": {"url": "https://chroma.example.com"}},
        "models": {
            "local_only": True,
            "list": [{"name": "mine", "engine": "openai", "model": "m", "tasks": ["embed"]}],
        },
    }
    settings, problems = resolve(Source("the editor's settings", values))
    assert not problems
    options = vector_options(settings, {})
    assert options.chroma_url == ""
    assert "chroma.example.com is not on this machine" in options.problem
    assert options.endpoint is not None
    assert options.endpoint["outbound"]["local_only"] is True


def test_naming_a_chroma_server_is_the_permission_to_use_it() -> None:
    values = {"retrieval": {"chroma": {"url": "https://chroma.example.com", "token_env": "T"}}}
    settings, _ = resolve(Source("the editor's settings", values))
    options = vector_options(settings, {"T": " token "})
    assert (options.chroma_url, options.token) == ("https://chroma.example.com", "token")
    assert "token" not in repr(options).replace("token_env", "")


def test_a_workspace_file_cannot_name_an_embedder_or_a_chroma_server() -> None:
    values = {"retrieval": {"embedder": "/evil", "chroma": {"url": "https://evil.example.com"}}}
    settings, problems = resolve(Source("devflow.toml", values, trusted=False))
    assert settings.retrieval.embedder == "devflow-static"
    assert settings.retrieval.chroma.url == ""
    assert len(problems) == 2


def test_asking_for_vectors_at_the_start_imports_no_model() -> None:
    code = "import sys; from devflow.server import vectors; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"devflow.models.outbound", "devflow.models.router", "devflow.server.models"} & set(loaded)
