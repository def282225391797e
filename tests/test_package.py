"""What is shipped: the wheel and the sdist, installed into an environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from devflow import __version__

ROOT = Path(__file__).parents[1]
LAYERS = {"server", "analysis", "models", "retrieval", "editors"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel; the dependencies are borrowed, so that
    no network is needed, but not the editable installation beside them (a path file is not read for
    further path files)."""
    home = tmp_path_factory.mktemp("clean venv")
    venv.create(home, with_pip=True, symlinks=True)
    [wheel] = built.glob("*.whl")
    subprocess.run(
        [home / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)],
        check=True,
        capture_output=True,
    )
    [site] = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return home / "bin"


def test_the_wheel_holds_every_module_of_every_layer_under_the_package_name(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in shipped} == {"devflow"}
    ours = {
        f"devflow/{path.relative_to(ROOT)}"
        for layer in LAYERS
        for pattern in ("*.py", "*.scm", "*.lua", "*.el", "*.toml")
        for path in (ROOT / layer).rglob(pattern)
        if "node_modules" not in path.parts
    }
    assert ours <= shipped
    assert not [name for name in shipped if "node_modules" in name or "__pycache__" in name]


def test_the_installed_commands_answer(installed: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for command in ("devflow", "devflow-lsp"):
        answer = subprocess.run(
            [installed / command, "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=clean,
        )
        assert answer.stdout.strip() == f"{command} {__version__}"
    where = subprocess.run(
        [installed / "python", "-c", "import devflow, devflow.server.app as app; print(app.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=clean,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)


def test_the_sdist_holds_the_tests_and_no_leavings(built: Path) -> None:
    import tarfile

    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "tests/test_package.py"} <= names
    assert not [name for name in names if ".venv" in name or "node_modules" in name]
