"""Unused imports: which ones, and the text without them."""

from __future__ import annotations

import ast

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.refactor.unused_imports import unused_imports, without
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

CASES = {
    "a module": ("import os\nimport re\nre\n", "import re\nre\n"),
    "one of two modules": ("import os, re\nre\n", "import re\nre\n"),
    "the last of two modules": ("import os, re\nos\n", "import os\nos\n"),
    "a name": ("from a import b, c, d\nb, d\n", "from a import b, d\nb, d\n"),
    "the first and the last name": ("from a import b, c, d\nc\n", "from a import c\nc\n"),
    "all names": ("from a import b, c\nx = 1\n", "x = 1\n"),
    "an alias": ("from a import b as c, d as e\ne\n", "from a import d as e\ne\n"),
    "a line in parentheses": ("from a import (\n    b,\n    c,\n)\nc\n", "from a import (\n    c,\n)\nc\n"),
    "the last line in parentheses": (
        "from a import (\n    b,\n    c,\n)\nb\n",
        "from a import (\n    b,\n)\nb\n",
    ),
    "a name with its comment": (
        "from a import (\n    b,  # why\n    c,\n)\nc\n",
        "from a import (\n    c,\n)\nc\n",
    ),
    "a statement with its comment": ("import os  # why\nx = 1\n", "x = 1\n"),
    "inside a function": ("def f():\n    import os\n    return 1\n", "def f():\n    return 1\n"),
    "the only statement of a function": ("def f():\n    import os\n", "def f():\n    pass\n"),
    "all of a block": ("if T:\n    import os\n    import re\nx = 1\n", "if T:\n    pass\nx = 1\n"),
    "before a semicolon": ("import os; x = 1\n", "x = 1\n"),
    "behind a semicolon": ("x = 1; import os\n", "x = 1\n"),
    "shadowed by a parameter": ("import os\ndef f(os): return os\n", "def f(os): return os\n"),
    "a used module stays": ("import os.path\nos.path\n", None),
    "quoted annotations use it": ("from a import B\ndef f(x: 'B'): ...\n", None),
    "type comments use it": ("from a import B\nx = []  # type: B\n", None),
    "what is exported stays": ("from a import b\n__all__ = ['b']\n", None),
    "noqa stays": ("import os  # noqa\n", None),
    "noqa for it stays": ("import os  # noqa: E402, F401\n", None),
    "noqa for something else does not": ("import os  # noqa: E402\n", ""),
    "explicit re-exports stay": ("import os as os\nfrom a import b as b\n", None),
    "fallbacks stay": ("try:\n    import json\nexcept ImportError:\n    import simplejson\n", None),
    "the future stays": ("from __future__ import annotations\n", None),
    "a star stays": ("from a import *\n", None),
    "used in a comprehension": ("import os\n[os for x in y]\n", None),
    "used as a decorator": ("from a import b\n@b\ndef f(): ...\n", None),
    "used in an f-string": ("import os\nf'{os}'\n", None),
    "used under TYPE_CHECKING": ("if TYPE_CHECKING:\n    from a import B\nx: B\n", None),
    "deleted": ("import os\ndel os\n", None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_unused_goes(name: str) -> None:
    before, after = CASES[name]
    tree = parse(Text(before), "python")
    assert tree is not None
    names = python_names(tree)
    result = tree.text.replaced(without(names, unused_imports(names))).source
    assert result == (before if after is None else after)
    ast.parse(result)
