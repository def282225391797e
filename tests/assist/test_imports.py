from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.imports import imports
from devflow.server.assist.imports import import_edit, module_name, module_of
from support.codebase import document

CASES = {
    "into an empty file": ("", "from pkg.mod import Name\n"),
    "before the first code": ("x = 1\n", "from pkg.mod import Name\nx = 1\n"),
    "behind the docstring": ('"""Doc."""\nx = 1\n', '"""Doc."""\nfrom pkg.mod import Name\nx = 1\n'),
    "behind a long docstring": (
        '"""Doc.\n\nMore.\n"""\nx = 1\n',
        '"""Doc.\n\nMore.\n"""\nfrom pkg.mod import Name\nx = 1\n',
    ),
    "behind a shebang and comments": (
        "#!/bin/python\n# hi\n",
        "#!/bin/python\n# hi\nfrom pkg.mod import Name\n",
    ),
    "behind the last import that sorts before it": (
        "import os\nfrom abc import ABC\nfrom zoo import Lion\n",
        "import os\nfrom abc import ABC\nfrom pkg.mod import Name\nfrom zoo import Lion\n",
    ),
    "behind __future__": (
        "from __future__ import annotations\n\nx = 1\n",
        "from __future__ import annotations\n\nfrom pkg.mod import Name\n\nx = 1\n",
    ),
    "into the import from the same module": (
        "from pkg.mod import Other\n",
        "from pkg.mod import Other, Name\n",
    ),
    "behind an import in parentheses": (
        "from pkg.mod import (\n    A,\n    B,\n)\nx = 1\n",
        "from pkg.mod import (\n    A,\n    B,\n)\nfrom pkg.mod import Name\nx = 1\n",
    ),
    "not into an import with a comment": (
        "from pkg.mod import Other  # noqa\n",
        "from pkg.mod import Other  # noqa\nfrom pkg.mod import Name\n",
    ),
    "a last line without an end gets one": ("import os", "import os\n\nfrom pkg.mod import Name\n"),
    "with the line ends of the file": ("import os\r\n", "import os\r\n\r\nfrom pkg.mod import Name\r\n"),
    "behind the standard library, a line apart": (
        "from __future__ import annotations\n\nimport sys\n\nx = 1\n",
        "from __future__ import annotations\n\nimport sys\n\nfrom pkg.mod import Name\n\nx = 1\n",
    ),
    "beside others that are not of the standard library": (
        "import sys\nimport attrs\n",
        "import sys\nimport attrs\nfrom pkg.mod import Name\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_import_goes(name: str, tmp_path: Path) -> None:
    before, after = CASES[name]
    doc = document(before, tmp_path / "main.py")
    assert doc.text.replaced([import_edit(doc, "pkg.mod", "Name")]).source == after


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("src/a/b.py", "a.b"),
        ("b.py", "b"),
        ("a-b/c.py", ""),
        ("a/b.pyi", ""),
    ],
)
def test_a_file_s_module_name(path: str, module: str, tmp_path: Path) -> None:
    assert module_name(tmp_path / path, (tmp_path,)) == module


def test_a_file_outside_the_roots_has_no_module_name(tmp_path: Path) -> None:
    assert module_name(Path("/elsewhere/a.py"), (tmp_path,)) == ""


@pytest.mark.parametrize(
    ("statement", "receiver", "module"),
    [
        ("import os", "os", "os"),
        ("import os", "os.path", "os.path"),
        ("import os.path", "os", "os"),
        ("import numpy as np", "np", "numpy"),
        ("import numpy as np", "np.linalg", "numpy.linalg"),
        ("import a.b as c", "c", "a.b"),
        ("import a.b as c", "a", ""),
        ("from a import b", "b", "a.b"),
        ("from a import b as c", "b", ""),
        ("from . import b", "b", ".b"),
        ("from .. import b", "b", "..b"),
        ("from .a import b", "b", ".a.b"),
        ("from a import *", "b", ""),
        ("from a import *", "", ""),
    ],
)
def test_the_module_behind_a_name_is_the_one_its_import_says(
    statement: str, receiver: str, module: str
) -> None:
    tree = document(statement + "\n", Path("/a.py")).tree
    assert tree is not None
    assert module_of(receiver, imports(tree)) == module
