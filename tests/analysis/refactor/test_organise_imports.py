"""Imports in order: the text, idempotence, and the names that are bound."""

from __future__ import annotations

import ast
import random
import sysconfig
from pathlib import Path

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.refactor.organise_imports import ImportStyle, organised
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

FILES = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::5]


def read(source: str) -> SyntaxTree:
    tree = parse(Text(source), "python")
    assert tree is not None
    return tree


def run(source: str, style: ImportStyle | None = None) -> str:
    return Text(source).replaced(organised(read(source), style, lambda module: module == "pkg")).source


CASES = {
    "sections in order": (
        "from . import x\nimport pkg\nimport numpy\nimport os\nfrom __future__ import annotations\n",
        "from __future__ import annotations\n\nimport os\n\nimport numpy\n\nimport pkg\n\nfrom . import x\n",
    ),
    "modules before names": ("from os import path\nimport sys\n", "import sys\nfrom os import path\n"),
    "by the alphabet without case": ("import b\nimport A\nimport c\n", "import A\nimport b\nimport c\n"),
    "one module a line": ("import sys, os\n", "import os\nimport sys\n"),
    "names merged": ("from os import b\nfrom os import a\n", "from os import a, b\n"),
    "names once": ("from os import a, a\n", "from os import a\n"),
    "constants, classes, functions": ("from os import f, C, K_1, d\n", "from os import K_1, C, d, f\n"),
    "numbers count as numbers": ("import a10\nimport a9\n", "import a9\nimport a10\n"),
    "aliases by themselves": ("from os import b as c, a\n", "from os import a\nfrom os import b as c\n"),
    "farther packages first": ("from . import a\nfrom .. import b\n", "from .. import b\nfrom . import a\n"),
    "long lines are wrapped": (
        "from numpy import aaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccc\n",
        "from numpy import (\n    aaaaaaaaaaaaaaaaaaaaaaaa,\n    bbbbbbbbbbbbbbbbbbbbbbbbbbbbb,\n"
        "    cccccccccccccccccccccc,\n)\n",
    ),
    "a trailing comma keeps the lines": (
        "from os import (\n    b,\n    a,\n)\n",
        "from os import (\n    a,\n    b,\n)\n",
    ),
    "parentheses without one go": ("from os import (b,\n    a)\n", "from os import a, b\n"),
    "comments move along": (
        "# of sys\nimport sys  # why\n# of os\nimport os\n",
        "# of sys\n# of os\nimport os\nimport sys  # why\n",
    ),
    "comments above move along": ("import sys\n# of os\nimport os\n", "# of os\nimport os\nimport sys\n"),
    "inner comments keep a statement": (
        "import sys\nfrom os import (\n    b,  # b\n    a,\n)\nimport abc\n",
        "import abc\nimport sys\nfrom os import (\n    b,  # b\n    a,\n)\n",
    ),
    "noqa keeps its line": (
        "from os import b  # noqa\nfrom os import a\n",
        "from os import a\nfrom os import b  # noqa\n",
    ),
    "code in between separates": (
        "import sys\nx = 1\nimport os\nimport abc\n",
        "import sys\nx = 1\nimport abc\nimport os\n",
    ),
    "under TYPE_CHECKING": (
        "if TYPE_CHECKING:\n    import sys\n    import os\n",
        "if TYPE_CHECKING:\n    import os\n    import sys\n",
    ),
    "a semicolon is left": ("import sys; import os\n", None),
    "a name bound twice is left": ("from b import x\nfrom a import x\n", None),
    "skip is left": ("import sys  # isort: skip\nimport os\n", None),
    "a file to skip is left": ("# isort: skip_file\nimport sys\nimport os\n", None),
    "what is in order is left": ("import os\nimport sys\n", None),
    "with the line ends of the file": ("import sys\r\nimport os\r\n", "import os\r\nimport sys\r\n"),
    "the docstring stays first": (
        '"""Doc."""\nimport sys\nimport os\n',
        '"""Doc."""\nimport os\nimport sys\n',
    ),
    "a licence stays first": ("# Licence\n\nimport sys\nimport os\n", "# Licence\n\nimport os\nimport sys\n"),
    "two stars are left": ("from b import *\nfrom a import *\n", None),
}


@pytest.mark.parametrize("name", CASES)
def test_imports_are_put_in_order(name: str) -> None:
    before, after = CASES[name]
    assert run(before) == (before if after is None else after)


def test_the_style_is_respected() -> None:
    style = ImportStyle(
        line_length=20, known_first_party=frozenset({"numpy"}), force_sort_within_sections=True
    )
    assert run("import numpy\nfrom abc import A, BC\nimport sys\n", style) == (
        "from abc import (\n    BC,\n    A,\n)\nimport sys\n\nimport numpy\n"
    )


def bound(source: str) -> set[tuple[str, int, str, str]]:
    return {(each.module, each.level, each.name, each.bound) for each in python_names(read(source)).imports}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_order_is_idempotent_and_binds_the_same(path: Path) -> None:
    source = path.read_text("utf-8")
    lines = source.split("\n")
    imports = [
        node.lineno - 1
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno == node.end_lineno
    ]
    shuffled = list(imports)
    random.Random(path.name).shuffle(shuffled)
    mixed = list(lines)
    for to, at in zip(imports, shuffled, strict=True):
        mixed[to] = lines[at]
    for text in (source, "\n".join(mixed)):
        once = run(text)
        assert run(once) == once
        assert bound(once) == bound(text)
        ast.parse(once)
