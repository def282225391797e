from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from devflow.retrieval.build import build
from devflow.retrieval.chroma import INSTEAD, VectorsUnavailable
from devflow.retrieval.room import LOCK
from devflow.retrieval.store import index_directory, make_directory
from devflow.retrieval.vector_process import VectorProcess
from devflow.retrieval.walk import IndexOptions
from devflow.server.cli import main


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "shop"
    root.mkdir()
    (root / "devflow.toml").write_text("[index]\nvectors = false\n")
    (root / "basket.py").write_text(
        "class Basket:\n    def total(self):\n        return sum(self.prices)\n\n\ndef load_basket(user):\n"
        "    return read(user)\n"
    )
    await build(root, IndexOptions(vectors=False))
    return root


def test_json_says_file_lines_symbol_and_score(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--json", "--root", str(shop), "load_basket"]) == 0
    first, *_ = json.loads(capsys.readouterr().out)
    assert (first["file"], first["lines"], first["symbol"]) == ("basket.py", [6, 7], "load_basket")
    assert 0 < first["score"] <= 1
    assert {"text", "sources", "path", "firstLine", "lastLine"} <= first.keys()


def test_context_stays_within_its_tokens(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--context", "60", "--root", str(shop), "total of the basket"]) == 0
    packed = capsys.readouterr().out
    assert packed.startswith("[1] basket.py:")
    assert "def total(self):" in packed


def test_of_two_that_fit_the_one_near_a_file_comes_first(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("lamps", "boots"):
        (shop / f"{name}.py").write_text("def prices_of(season):\n    return read(season)\n")
        (shop / f"page_of_{name}.py").write_text(f"import {name}\n\nprint({name}.prices_of(1))\n")
    for name in ("lamps", "boots"):
        near = str(shop / f"page_of_{name}.py")
        assert main(["search", "--json", "--near", near, "--root", str(shop), "the prices of a season"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["file"] == f"{name}.py"


@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_near_file_outside_the_workspace_is_a_sentence(
    shop: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shop.parent / "other.py"
    other.write_text("x = 1\n")
    assert main([command, "--near", str(other), "--root", str(shop), "basket"]) == 2
    assert "is not in" in capsys.readouterr().err


@pytest.mark.parametrize("root", ["/", "~"])
def test_nobody_means_all_that_there_is(
    root: str, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = str(own_folders) if root == "~" else root
    for command in (["index", given], ["search", "x", "--root", given], ["impact", "x", "--root", given]):
        assert main(command) == 2
        assert "name the folder of a project" in capsys.readouterr().err


def test_a_home_that_is_a_workspace_is_one(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_folders / "devflow.toml").write_text("[index]\nvectors = false\n")
    (own_folders / "mine.py").write_text("def mine(): ...\n")
    assert main(["search", "mine", "--root", str(own_folders)]) == 0
    assert "mine.py:1" in capsys.readouterr().out


def test_a_chroma_server_that_hangs_is_waited_for_once(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def refuse(_: VectorProcess, directory: Path, *__: object) -> None:
        asked.append(directory)
        raise VectorsUnavailable(f"The Chroma server could not be reached; {INSTEAD}")

    monkeypatch.setattr(VectorProcess, "__init__", refuse)
    config = shop.parent / "config" / "devflow"
    config.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    (config / "devflow.toml").write_text("[retrieval.chroma]\nurl = 'http://127.0.0.1:9'\n")
    (shop / "devflow.toml").unlink()
    assert main(["search", "--root", str(shop), "load_basket"]) == 0
    told = capsys.readouterr().err
    assert told.count(INSTEAD) == 1
    assert len(asked) == 1


def test_a_near_file_that_is_not_there_is_a_sentence(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["search", "--near", str(shop / "none.py"), "--root", str(shop), "basket"])
    assert "none.py' is no file that can be read" in capsys.readouterr().err


def test_what_is_decorated_is_shown_by_its_definition(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "rates.py").write_text(
        "@cached(\n    seconds=60,\n)\n@logged\ndef exchange_rate(currency):\n    return ask(currency)\n"
    )
    assert main(["search", "--root", str(shop), "exchange_rate"]) == 0
    assert "\n    def exchange_rate(currency):\n" in capsys.readouterr().out


def test_a_few_files_are_searched_with_vectors_and_without_chroma(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def read_ignore_file(path):\n    return path.read_text()\n")
    asyncio.run(build(tmp_path, IndexOptions()))
    program = (
        "import sys; from devflow.server.cli import main; "
        f"main(['search', '--json', '--root', {str(tmp_path)!r}, 'load excluded paths']); "
        "print(*sorted(name for name in ('chromadb', 'lsprotocol') if name in sys.modules), file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    [hit] = json.loads(said.stdout)
    assert (hit["symbol"], said.stderr.strip()) == ("read_ignore_file", "")
    assert "vectors" in hit["sources"]


@pytest.mark.parametrize("option", ["--limit=0", "--limit=-3", "--limit=x", "--per-file=0", "--context=-1"])
def test_how_much_is_shown_is_a_positive_number(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["search", option, "load_basket"])
    assert "write one such as 10" in capsys.readouterr().err


def test_a_name_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one\nreads\u202eyp.py").write_text("def unusual(): ...\n")
    assert main(["search", "unusual", "--root", str(tmp_path)]) == 0
    assert "one\ufffdreads\ufffdyp.py:1" in capsys.readouterr().out


@pytest.fixture
def written_elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A root whose index another process writes."""
    (tmp_path / "a.py").write_text("def one(): ...\n")
    directory = index_directory(tmp_path)
    make_directory(directory)
    with FileLock(directory / LOCK, mode=0o600):
        yield tmp_path


def test_a_second_command_on_an_index_says_who_is_at_it(
    written_elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", str(written_elsewhere)]) == 0
    said = capsys.readouterr().out
    assert "Another DevFlow process is indexing" in said
    assert "So far: 0 files, 0 symbols." in said


def test_a_rebuild_beside_another_process_is_said_not_to_have_happened(
    written_elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "--rebuild", str(written_elsewhere)]) == 1
    assert "the index was not rebuilt. Rebuild it there, or close that process first." in (
        " ".join(capsys.readouterr().out.split())
    )
