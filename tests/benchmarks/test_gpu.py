"""The scripts for a machine with a GPU, as far as they run without one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = ROOT / "benchmarks" / "gpu" / "run.sh"


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(tools: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script, with nothing on PATH but what a system has and `tools`."""
    found = os.pathsep.join((str(tools), "/usr/bin", "/bin"))
    return subprocess.run(
        ["/bin/sh", str(RUN), str(folder)],
        env={"PATH": found, "HOME": str(folder.parent), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    if shutil.which("nvidia-smi", path="/usr/bin:/bin") or not Path("/bin/sh").exists():
        pytest.skip("needs a shell, and no GPU")
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def test_without_a_gpu_the_script_says_what_is_missing(tools: Path, tmp_path: Path) -> None:
    ended = run(tools, tmp_path / "out")
    assert (ended.returncode, ended.stdout) == (1, "No NVIDIA driver: nvidia-smi is not there.\n")


def test_without_network_what_is_missing_comes_from_the_wheels_and_nothing_else(
    tools: Path, tmp_path: Path
) -> None:
    """A torch that is there is used, and only what it lacks is installed, beside it."""
    program(tools, "nvidia-smi", "echo 9.0")
    program(tools, "nvcc", "")
    there = tmp_path / "there"
    packages = "torch tokenizers setuptools safetensors numpy ninja regex PIL rich pygments markdown_it mdurl"
    for name in (*packages.split(), "pandas", "dateutil", "six", "fsspec", "packaging"):
        (there / name).mkdir(parents=True)
        (there / name / "__init__.py").touch()
    asked = tmp_path / "asked"
    program(
        tools,
        "python",
        f'case "$2" in pip) echo "$@" > {asked}; exit 0;; *exllamav2.ext*) exit 3;; esac\n'
        f'exec {shutil.which("python3") or "python3"} "$@"',
    )
    ended = run(
        tools,
        tmp_path / "out",
        PYTHON=str(tools / "python"),
        PYTHONPATH=str(there),
        WHEELS=str(tmp_path / "w"),
    )
    assert ended.returncode == 1
    assert "building the kernels for 9.0" in ended.stdout
    assert ended.stdout.endswith("The kernels did not build; the compiler's words are above.\n")
    told = asked.read_text("utf-8").split()
    assert told[-4:] == ["exllamav2>=0.3.2,<0.4", "fastparquet", "cramjam", "websockets"]
    assert told[told.index("--find-links") + 1] == str(tmp_path / "w")
    assert {"--no-index", "--no-deps"} < set(told)
