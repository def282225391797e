"""What next edits pass in calls for a parameter that is new: only what certainly has its value there."""

from __future__ import annotations

import pytest

from devflow.analysis.calls import calls
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.server.assist.next_edit.values import value_for


def value(source: str, language: str = "python") -> str | None:
    """What the only call of `send` in `source` passes for `flag`."""
    tree = parse(Text(source), language)
    assert tree is not None
    [site] = [each for each in calls(tree) if each.name == "send"]
    return value_for(tree, site, "flag")


@pytest.mark.parametrize(
    "source",
    [
        "def go(flag):\n    return send(1, 2)\n",
        "def go(flag: bool = True):\n    flag = send(1, 2)\n",
        "def go():\n    flag = 3\n    if flag:\n        send(1, 2)\n",
        "def go(xs):\n    for flag in xs:\n        send(1, 2)\n",
        "def go(path):\n    with open(path) as flag:\n        send(1, 2)\n",
        "def go():\n    try:\n        pass\n    except OSError as flag:\n        send(1, 2)\n",
        "def go(flag):\n    return lambda: send(1, 2)\n",
        "def go(flag):\n    def inner():\n        return send(1, 2)\n    return inner\n",
        "class A:\n    @classmethod\n    def m(cls, flag):\n        return send(1, 2)\n",
    ],
)
def test_what_the_function_has_bound_is_passed(source: str) -> None:
    assert value(source) == "flag"


@pytest.mark.parametrize(
    "source",
    [
        "flag = send(1, 2)\n",
        "flag = 1\n\n\ndef go():\n    return send(1, 2)\n",
        "send(1, 2)\nflag = 3\n",
        "import flag\n\nsend(1, 2)\n",
        "def go():\n    import flag\n    send(1, 2)\n",
        "def flag():\n    return send(1, 2)\n",
        "def go():\n    def flag():\n        return send(1, 2)\n    return flag\n",
        "def go():\n    flag = send(1, 2)\n    return flag\n",
        "def go():\n    send(1, 2)\n    flag = 3\n",
        "def go():\n    for flag in send(1, 2):\n        print(flag)\n",
        "def go():\n    with send(1, 2) as flag:\n        print(flag)\n",
        "def go():\n    return [flag for flag in send(1, 2)]\n",
        "def go(x):\n    if x:\n        flag = 1\n    send(1, 2)\n",
        "def go(x):\n    try:\n        flag = x()\n    except OSError:\n        send(1, 2)\n",
        "def go(flag):\n    del flag\n    send(1, 2)\n",
        "def go():\n    flag: int\n    send(1, 2)\n",
        "def go(*flag):\n    send(1, 2)\n",
        "def go(flag, x=send(1, 2)):\n    return x\n",
        "class A:\n    def flag(self):\n        return send(1, 2)\n",
        "class A:\n    flag = 1\n    kind = send(1, 2)\n",
    ],
)
def test_what_may_be_something_else_or_nothing_yet_is_not_passed(source: str) -> None:
    assert value(source) is None


INIT = "class A:\n    def __init__(self, flag):\n        self.flag = flag\n\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (INIT + "    def m(self):\n        return send(1, 2)\n", "self.flag"),
        (INIT + "    @cached\n    def m(self):\n        return [send(1, x) for x in self.xs]\n", "self.flag"),
        (INIT + "    @staticmethod\n    def m():\n        return send(1, 2)\n", None),
        (INIT + "    @staticmethod\n    def m(self):\n        return send(1, 2)\n", None),
        (INIT + "    @classmethod\n    def m(cls):\n        return send(1, 2)\n", None),
        (INIT + "    kind = send(1, 2)\n", None),
        (
            INIT
            + "    def m(self):\n        def inner():\n            return send(1, 2)\n        return inner\n",
            None,
        ),
        (
            INIT.replace("self.flag = flag", "if self.flag == 1: pass")
            + "    def m(self):\n        send(1, 2)\n",
            None,
        ),
        ("class A:\n    def __init__(self):\n        self.flag = send(1, 2)\n", None),
        ("class A:\n    def __init__(self):\n        send(1, 2)\n        self.flag = 1\n", None),
        ("class A:\n    def __init__(self):\n        self.flag = 1\n        send(1, 2)\n", "self.flag"),
    ],
)
def test_an_attribute_is_passed_by_a_method_whose_object_has_it(source: str, expected: str | None) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("const flag = send(3);\n", None),
        ("const flag = 1;\nsend(3);\n", None),
        ("function go(flag: number) { return send(3); }\n", "flag"),
        ("const go = (flag: number) => send(3);\n", "flag"),
        ("function go() { const flag = 1; return [1].map(x => send(x)); }\n", "flag"),
        ("function go() { const flag = send(3); return flag; }\n", None),
        ("function go() { { const flag = 1; } return send(3); }\n", None),
        ("function go() { for (const flag of send(3)) { log(flag); } }\n", None),
        ("function go() { for (const flag of xs) { send(flag); } }\n", "flag"),
        ("class B { flag = 1; static s() { return send(1); } }\n", None),
        ("class B { flag = 1; m() { return send(1); } }\n", "this.flag"),
        ("class B { constructor(f: number) { this.flag = f; } m() { return send(1); } }\n", "this.flag"),
        ("class B { constructor() { this.flag = send(1); } }\n", None),
    ],
)
def test_it_is_the_same_in_typescript(source: str, expected: str | None) -> None:
    assert value(source, "typescript") == expected
