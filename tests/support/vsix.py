"""The VS Code extension, built from a copy of its sources so that nothing is left in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support import editors

SOURCES = editors.ROOT / "editors/vscode"


def build_vsix(root: Path) -> Path:
    """The .vsix, built in `root`; the test is skipped where npm or the extension's packages are missing."""
    libraries = next(
        (
            folder
            for folder in (editors.folder() / "npm/node_modules", SOURCES / "node_modules")
            if folder.is_dir()
        ),
        None,
    )
    if libraries is None or shutil.which("npm") is None:
        pytest.skip("the extension's npm packages are not installed; `make test-editors` installs them")
    copy = root / "editors/vscode"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("node_modules", "out", "*.vsix"))
    shutil.copy(editors.ROOT / "LICENSE", root)
    (copy / "node_modules").symlink_to(libraries.resolve())
    built = subprocess.run(
        ["npm", "run", "package"], cwd=copy, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [file] = copy.glob("*.vsix")
    return file
