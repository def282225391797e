"""Invariants about imports that import-linter cannot say."""

from __future__ import annotations

import ast
import functools
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
    assert not LAYERS & modules_after("import devflow.server.process, devflow.server.commands.demo")


@pytest.mark.parametrize("library", ["openai", "anthropic", "ctransformers", "exllamav2", "chromadb", "jedi"])
def test_the_server_starts_without_importing(library: str) -> None:
    assert library not in modules_after("import devflow.server.process")


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


@functools.cache
def sources(*layers: str) -> dict[str, ast.Module]:
    """The syntax trees of the modules of `layers`, by their path below the root."""
    found = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for layer in layers
        for path in (ROOT / layer).rglob("*.py")
    }
    assert len(found) >= 10 * len(layers)
    return found


CODE = ("server", "analysis", "models", "retrieval")


def uses(tree: ast.Module, *names: str) -> bool:
    """Whether a module calls or reads one of the dotted `names`."""
    return any(
        ast.unparse(node) in names for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)
    )


def imported(tree: ast.Module) -> set[str]:
    """What a module imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_pyright_is_given_every_layer_by_name() -> None:
    """It follows no link that it comes upon by itself: with `src` alone it checks two files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(project["tool"]["pyright"]["include"]) == {f"src/devflow/{layer}" for layer in LAYERS}


def test_the_environment_is_read_only_where_the_parts_are_put_together() -> None:
    """Settings are resolved once: below the composition root nobody reads the environment. The engine that
    builds kernels puts the builder on the PATH of its own process, Chroma's client is kept from proxies by
    it, and how logs are written is told to the
    processes of a session by it: they are started in many places, and by each other."""
    readers = {
        path
        for path, tree in sources(*CODE).items()
        if uses(tree, "os.environ", "os.environb", "os.getenv")
        or {"os.environ", "os.getenv"} & imported(tree)
    }
    assert {path for path in readers if not path.startswith("server/commands/")} == {
        "server/app.py",
        "server/logs.py",
        "models/engines/exllamav2.py",
        "retrieval/chroma.py",
    }


def test_client_positions_are_made_at_the_border_only() -> None:
    """Besides the border, `edits` names the start of a new file, `completion` reads back a position that it
    gave out, and the demo is itself a client."""
    makers = {
        path
        for path, tree in sources("server").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("types.Position", "types.Range")
    }
    assert makers == {
        "server/convert.py",
        "server/edits.py",
        "server/handlers/completion.py",
        "server/commands/demo_client.py",
    }


def test_byte_offsets_of_trees_and_lines_of_jedi_do_not_leave_analysis() -> None:
    wrong = [
        f"{path}: {ast.unparse(node)}"
        for path, tree in sources("server", "models", "retrieval").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"start_byte", "end_byte", "start_point", "end_point", "byte_offset"}
    ]
    assert wrong == []
    users = {path for path, tree in sources(*CODE).items() if any(n[:4] == "jedi" for n in imported(tree))}
    engine = "analysis/types/jedi_engine.py"
    assert users - {"server/commands/demo_places.py"} == {engine}  # the demo shows jedi's sources


def test_only_the_guarded_engines_can_open_a_connection() -> None:
    """What import-linter cannot say of the standard library. The server listens; it does not call."""
    network = {"socket", "ssl", "http", "ftplib", "smtplib", "imaplib", "poplib", "telnetlib", "xmlrpc"}
    libraries = {"requests", "httpx", "httpx2", "aiohttp", "urllib3", "websocket", "openai", "anthropic"}
    wrong = [
        f"{path}: {name}"
        for path, tree in sources(*CODE, "editors").items()
        for name in imported(tree)
        if name.split(".")[0] in network | libraries or name.startswith("urllib.request")
        if not path.startswith("models/engines/")
    ]
    assert wrong == []
    callers = [path for path, tree in sources(*CODE).items() if uses(tree, "asyncio.open_connection")]
    assert callers == []
    local = [path for path, tree in sources(*CODE).items() if uses(tree, "asyncio.open_unix_connection")]
    assert local == ["retrieval/shared_vectors.py"]  # a file in the index's own folder: nothing leaves by it


def test_nothing_the_repository_or_a_model_says_can_be_run() -> None:
    """No text is evaluated, unpickled or given to a shell. The parsers' pickles are between processes of our
    own, which are started with `-P`: a test of theirs and of the workers' holds that."""
    wrong = []
    for path, tree in sources(*CODE, "editors").items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}:
                wrong.append(f"{path}: {called}")
            if any(
                keyword.arg in ("shell", "allow_pickle") and ast.unparse(keyword.value) != "False"
                for keyword in node.keywords
            ):
                wrong.append(f"{path}: {ast.unparse(node)[:60]}")
        if {"marshal", "shelve", "dill", "joblib"} & imported(tree):
            wrong.append(f"{path}: {imported(tree)}")
        if "pickle" in imported(tree) and path != "retrieval/parsers.py":
            wrong.append(f"{path}: pickle")
    assert wrong == []


def test_every_process_is_started_without_the_workspace_on_its_path() -> None:
    """`-P`: the working folder may be the workspace, and `python -m` would import its modules first."""
    starters = {
        path: [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Tuple | ast.List)]
        for path, tree in sources("server", "analysis", "models", "retrieval").items()
        if uses(tree, "sys.executable") and not path.startswith("server/commands/")
    }
    assert starters
    for path, tuples in starters.items():
        commands = [each for each in tuples if "sys.executable" in each]
        assert commands, path
        assert all("'-P'" in each for each in commands), path


def test_pyright_reads_every_layer() -> None:
    """It follows no links it was not told of: `include = ["src"]` read two files and found no error."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pyright"]
    assert set(settings["include"]) == {f"src/devflow/{layer}" for layer in LAYERS}
