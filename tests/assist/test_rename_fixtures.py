"""Fixtures of pytest, which tests ask for by name: no rename may take one from its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.rename import RenameRefused, rename
from support.codebase import workspace

FIXTURES = """
#- conftest.py
import pytest

@pytest.fixture
def box(): ...

@pytest.fixture(name="crate")
def make_crate(): ...
"""


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("test_a.py", "def test_a(bo<|>x): ...\n"),
        ("test_a.py", "def test_a(box):\n    print(bo<|>x)\n"),
        ("test_a.py", "def test_a(cra<|>te): ...\n"),
        ("test_a.py", "import pytest\n@pytest.fixture\ndef ca<|>p(): ...\ndef test_a(cap): ...\n"),
    ],
)
async def test_a_fixture_is_not_renamed_without_who_asks_for_it(tmp_path: Path, file: str, code: str) -> None:
    async with workspace(tmp_path, f"{FIXTURES}#- {file}\n{code}", file, indexed=True) as space:
        with pytest.raises(RenameRefused, match="is a fixture of pytest"):
            await rename(space.doc, space.at, "other", space.code)


@pytest.mark.parametrize(
    "code",
    [
        "def test_a(box):\n    siz<|>e = 1\n    print(size)\n",
        "def helper(bo<|>x): ...\n",
        'import pytest\n@pytest.fixture(name="cap")\ndef make<|>_cap(): ...\ndef test_a(cap): ...\n',
        'import pytest\n@pytest.mark.parametrize("box", [1])\ndef test_a(bo<|>x): ...\n',
    ],
)
async def test_other_names_in_tests_are_renamed(tmp_path: Path, code: str) -> None:
    async with workspace(tmp_path, f"{FIXTURES}#- test_a.py\n{code}", "test_a.py", indexed=True) as space:
        assert (await rename(space.doc, space.at, "other", space.code)).edits
