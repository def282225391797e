"""Unresolved imports: true findings only, whatever the environment."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from devflow.analysis.checks.unresolved_imports import Surroundings, unresolved_imports
from devflow.analysis.python_environment import environment, modules_below
from devflow.analysis.python_names import python_names
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from support import fixture

INSTALLED = """
#- .venv/pyvenv.cfg
home = /usr
#- .venv/lib/python3.11/site-packages/requests/__init__.py
x = 1
#- .venv/lib/python3.11/site-packages/fast.cpython-311-x86_64-linux-gnu.so
x
#- .venv/lib/python3.11/site-packages/spaces/inner/__init__.py
x = 1
#- .venv/lib/python3.11/site-packages/_editable.pth
../../../../elsewhere
import __editable___one_1_0_finder; __editable___one_1_0_finder.install()
#- .venv/lib/python3.11/site-packages/__editable___one_1_0_finder.py
MAPPING: dict[str, str] = {'mapped': '/somewhere/mapped'}
#- elsewhere/linked.py
x = 1
"""


def unresolved(root: Path, snippet: str, files: str = "") -> list[str]:
    case = fixture.parse(textwrap.dedent(files) + "\n#- pkg/main.py\n" + textwrap.dedent(snippet), "main.py")
    for name, content in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    path = root / "pkg" / "main.py"
    text = Text(case.files["pkg/main.py"])
    tree = parse(text, "python")
    assert tree is not None
    around = Surroundings((root,), environment([root], path), modules_below([root]))
    found = unresolved_imports(python_names(tree), path, around)
    return [f"{f.severity} {text.source[f.start : f.end]}" for f in found]


@pytest.mark.parametrize(
    "source",
    [
        "import pandas\n",
        "import pandas.io as p\n",
        "from pandas import *\n",
        "from pandas import (\n    a,\n    b,\n)\n",
    ],
)
def test_a_package_that_is_not_installed_is_found(tmp_path: Path, source: str) -> None:
    [found] = unresolved(tmp_path, source, INSTALLED)
    assert found.startswith("warning pandas")


def test_without_an_environment_nobody_knows_what_is_installed(tmp_path: Path) -> None:
    assert unresolved(tmp_path, "import pandas\nfrom pandas.io import x\n") == []


def test_an_environment_that_is_seen_through_is_none(tmp_path: Path) -> None:
    shared = INSTALLED.replace("home = /usr", "include-system-site-packages = true")
    assert unresolved(tmp_path, "import pandas\n", shared) == []


@pytest.mark.parametrize(
    "source",
    [
        "import requests, fast, spaces.inner\n",
        "import linked, mapped.anything\n",
        "import os.path, sys, tomllib, _typeshed, distutils.core, asyncio.tasks\n",
        "from . import anything\n",
        "import pkg.main\nfrom pkg import main\n",
    ],
)
def test_what_is_there_is_not_reported(tmp_path: Path, source: str) -> None:
    assert unresolved(tmp_path, source, INSTALLED) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from .gone import x\n", ["warning .gone"]),
        ("from ..gone.deeper import x\n", ["warning ..gone.deeper"]),
        ("import pkg.gone\n", ["warning pkg.gone"]),
        ("from pkg.gone import a, b\n", ["warning pkg.gone"]),
        ("def f():\n    from .gone import x\n", ["information .gone"]),
    ],
)
def test_a_module_of_the_workspace_that_is_gone_is_found(
    tmp_path: Path, source: str, found: list[str]
) -> None:
    assert unresolved(tmp_path, source, "#- pkg/__init__.py\n") == found


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import gone\nexcept ImportError:\n    import also_gone as gone\n",
        "try:\n    import gone\nexcept Exception:\n    gone = None\n",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import gone\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gone import x\n",
        "import sys\nif sys.platform == 'win32':\n    import gone\nelse:\n    import gone2\n",
        "import sys\nsys.path.insert(0, 'x')\nimport gone\n",
        "import requests as pytest\ngone = pytest.importorskip('gone')\nimport gone.inner\n",
        "import gone  # type: ignore\n",
        "from gone import (  # noqa\n    x,\n)\n",
        "from .thing_pb2 import x\nfrom ._version import version\n",
        "from pkg.native import x\nfrom . import native\nfrom .native import y\n",
        "import gone.\n",
        "from pkg.open.anything import x\n",
        "import tool\n",
    ],
)
def test_an_import_that_may_fail_or_appear_is_passed_over(tmp_path: Path, source: str) -> None:
    files = (
        INSTALLED + "#- pkg/__init__.py\n\n#- pkg/native.pyx\nx\n#- pkg/open/__init__.py\n"
        "__path__ = []\n#- tools/scripts/tool.py\nx\n"
    )
    assert unresolved(tmp_path, source, files) == []


def test_the_innermost_environment_counts(tmp_path: Path) -> None:
    inner = (
        "#- pkg/.venv/pyvenv.cfg\nhome = x\n#- pkg/.venv/lib/python3.11/site-packages/pandas/__init__.py\nx\n"
    )
    assert unresolved(tmp_path, "import pandas\nimport requests\n", INSTALLED + inner) == ["warning requests"]
