"""Invariants about imports that import-linter cannot say."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = {"server", "analysis", "models", "retrieval", "editors"}
HEAVY = {
    "pygls",
    "lsprotocol",
    "chromadb",
    "jedi",
    "numpy",
    "openai",
    "anthropic",
    "ctransformers",
    "exllamav2",
}


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
    )
    return set(answer.stdout.splitlines()[-1].split())


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    loaded = modules_after(
        "from devflow.server.cli import serve\ntry: serve(['--version'])\nexcept SystemExit: pass"
    )
    assert not HEAVY & loaded


def test_help_is_given_without_importing_anything_heavy() -> None:
    loaded = modules_after(
        "from devflow.server.cli import main\ntry: main(['doctor', '--help'])\nexcept SystemExit: pass"
    )
    assert not HEAVY & loaded


def test_every_module_has_one_name() -> None:
    assert not LAYERS & modules_after("import devflow.server.app, devflow.server.commands.demo")


@pytest.mark.parametrize("library", ["openai", "anthropic", "ctransformers", "exllamav2", "chromadb", "jedi"])
def test_the_server_starts_without_importing(library: str) -> None:
    assert library not in modules_after("import devflow.server.app")


def test_nobody_imports_a_bare_layer_name() -> None:
    wrong = []
    for folder in (*LAYERS, "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom) and not node.level
                    else []
                )
                wrong += [f"{path}: {name}" for name in names if name.split(".")[0] in LAYERS]
    assert not wrong


def test_secrets_of_the_environment_are_read_in_few_known_places() -> None:
    """Settings are resolved once: below the composition root nobody reads the environment."""
    readers = {
        str(path.relative_to(ROOT))
        for layer in ("analysis", "models", "retrieval", "server")
        for path in (ROOT / layer).rglob("*.py")
        if "os.environ" in path.read_text("utf-8") or "os.getenv" in path.read_text("utf-8")
    }
    allowed = {
        path for path in readers if path.startswith(("server/commands/", "server/app", "server/session"))
    }
    assert readers - allowed == set()


def test_pyright_reads_every_layer() -> None:
    """It follows no links it was not told of: `include = ["src"]` read two files and found no error."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pyright"]
    assert set(settings["include"]) == {f"src/devflow/{layer}" for layer in LAYERS}
