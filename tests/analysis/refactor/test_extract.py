# ruff: noqa: E501
"""Extracting and inlining: the text, what is refused, and that programs do afterwards what they did before."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable

import pytest

from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.extract_function import extract_function
from devflow.analysis.refactor.extract_variable import extract_variable
from devflow.analysis.refactor.inline import inline_variable
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import walk
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text
from support import fixture
from support.programs import Writer, outcome


def read(source: str) -> PythonNames:
    tree = parse(Text(source), "python")
    assert tree is not None
    return python_names(tree)


def run(snippet: str, refactoring: Callable[[PythonNames, int, int], list[Edit]]) -> str:
    """The text after a refactoring of what stands between two cursors."""
    case = fixture.parse(snippet)
    _, start, end = case.selection
    result = Text(case.text()).replaced(refactoring(read(case.text()), start, end)).source
    ast.parse(result)
    return result


VARIABLES = {
    "an argument": ("f(<|>a + b<|>)\n", "value = a + b\nf(value)\n"),
    "a call": ("x = <|>get_user_name(1)<|> + 1\n", "user_name = get_user_name(1)\nx = user_name + 1\n"),
    "an attribute": ("print(<|>self.size<|>)\n", "size = self.size\nprint(size)\n"),
    "a whole statement": ("<|>f(x)<|>\n", "f_2 = f(x)\n"),
    "white space is left out": ("f(<|> a.b <|>)\n", "b = a.b\nf( b )\n"),
    "a condition": ("if <|>a == b<|>:\n    pass\n", "condition = a == b\nif condition:\n    pass\n"),
    "in a function": (
        "def f(x):\n    return <|>x * 2<|> + 1\n",
        "def f(x):\n    value = x * 2\n    return value + 1\n",
    ),
    "behind a colon": ("if a: return_(<|>b + 1<|>)\n", "if a: value = b + 1; return_(value)\n"),
    "over several lines": ("x = f(<|>a +\n      b<|>)\n", "value = (a +\n      b)\nx = f(value)\n"),
    "an only generator": ("sum<|>(x for x in y)<|>\n", "items = (x for x in y)\nsum(items)\n"),
    "a name that is taken": ("value = 1\nf(<|>a + b<|>)\n", "value = 1\nvalue_2 = a + b\nf(value_2)\n"),
    "in an f-string": ("f'{<|>a + b<|>}'\n", "value = a + b\nf'{value}'\n"),
    "what a for goes over": ("for x in <|>f(y)<|>:\n    pass\n", "f_2 = f(y)\nfor x in f_2:\n    pass\n"),
    "a string": ("print(<|>'ä😋'<|>)\n", "text = 'ä😋'\nprint(text)\n"),
    "a constant in a loop": ("while x < <|>10<|>:\n    pass\n", "value = 10\nwhile x < value:\n    pass\n"),
    "in a decorated function's default": ("@d\ndef f(a=<|>g(1)<|>): ...\n", None),
    "the first iterable": ("[i for i in <|>f()<|>]\n", "f_2 = f()\n[i for i in f_2]\n"),
    "an await": (
        "async def f():\n    return <|>await g()<|>\n",
        "async def f():\n    g_2 = await g()\n    return g_2\n",
    ),
    "with tabs": ("if a:\n\tf(<|>b + 1<|>)\n", "if a:\n\tvalue = b + 1\n\tf(value)\n"),
    "with CRLF": ("f(<|>a + b<|>)\r\n", "value = a + b\r\nf(value)\r\n"),
    "half an expression": ("x = a * <|>b + c<|>\n", None),
    "a name": ("f(<|>a<|>)\n", None),
    "a target": ("<|>a.b<|> = 1\n", None),
    "a parameter's annotation": ("def f(x: <|>a.b<|>): ...\n", None),
    "a loop's variable": ("[<|>i + 1<|> for i in x]\n", None),
    "a lambda's body": ("lambda x: <|>x + 1<|>\n", None),
    "the end of an and": ("a and <|>a.b<|>\n", None),
    "a branch of a conditional": ("<|>a.b<|> if a else c\n", None),
    "a while's condition": ("while <|>f()<|>: pass\n", None),
    "an elif's condition": ("if a: pass\nelif <|>f()<|>: pass\n", None),
    "a pattern": ("match a:\n    case <|>B.c<|>: pass\n", None),
    "a statement": ("<|>x = 1<|>\n", None),
    "a name bound in the statement": ("f(a := 1, <|>a + 1<|>)\n", None),
    "part of a joined string": ("x = 'a' <|>'b'<|>\n", None),
    "an import's name": ("import <|>a.b<|>\n", None),
    "a call behind another": ("print(g(), <|>f()<|>)\n", None),
    "a call before another": ("print(<|>g()<|>, f())\n", "g_2 = g()\nprint(g_2, f())\n"),
    "an argument of a call's result": ("a().b(<|>f()<|>)\n", None),
    "a target's index": ("d[<|>f()<|>] = g()\n", None),
    "a value behind a call": ("print(g(), <|>a + 1<|>)\n", "value = a + 1\nprint(g(), value)\n"),
    "a member of an enum": ("class E(Enum):\n    A = <|>1 + 2<|>\n", None),
    "in a method": (
        "class A:\n    def f(self):\n        g(<|>a + 1<|>)\n",
        "class A:\n    def f(self):\n        value = a + 1\n        g(value)\n",
    ),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_extracting_a_variable(name: str) -> None:
    before, after = VARIABLES[name]
    if after is None:
        with pytest.raises(Refused, match=r"\.$"):
            run(before, extract_variable)
    else:
        assert run(before, extract_variable) == after


FUNCTIONS = {
    "an expression": (
        "def f(a, b):\n    return g(<|>a + b<|>)\n",
        "def f(a, b):\n    return g(extracted(a, b))\n\n\ndef extracted(a, b):\n    return a + b\n",
    ),
    "statements": (
        "def f(a):\n    <|>b = a + 1\n    print(b)<|>\n    return a\n",
        "def f(a):\n    extracted(a)\n    return a\n\n\ndef extracted(a):\n    b = a + 1\n    print(b)\n",
    ),
    "a result": (
        "def f(a):\n    <|>b = a + 1<|>\n    return b\n",
        "def f(a):\n    b = extracted(a)\n    return b\n\n\ndef extracted(a):\n    b = a + 1\n    return b\n",
    ),
    "two results": (
        "def f():\n    <|>a = 1\n    b = 2<|>\n    return a + b\n",
        "def f():\n    a, b = extracted()\n    return a + b\n\n\ndef extracted():\n    a = 1\n    b = 2\n    return a, b\n",
    ),
    "a changed parameter": (
        "def f(a):\n    <|>a += 1<|>\n    return a\n",
        "def f(a):\n    a = extracted(a)\n    return a\n\n\ndef extracted(a):\n    a += 1\n    return a\n",
    ),
    "a return at the end": (
        "def f(a):\n    <|>if a:\n        return 1\n    return 2<|>\n",
        "def f(a):\n    return extracted(a)\n\n\ndef extracted(a):\n    if a:\n        return 1\n    return 2\n",
    ),
    "a method": (
        "class A:\n    def f(self, a):\n        <|>print(self.x, a)<|>\n",
        "class A:\n    def f(self, a):\n        self.extracted(a)\n\n    def extracted(self, a):\n        print(self.x, a)\n",
    ),
    "a class method": (
        "class A:\n    @classmethod\n    def f(cls):\n        <|>print(cls)<|>\n",
        "class A:\n    @classmethod\n    def f(cls):\n        cls.extracted()\n\n    @classmethod\n    def extracted(cls):\n        print(cls)\n",
    ),
    "a static method": (
        "class A:\n    @staticmethod\n    def f(a):\n        <|>print(a)<|>\n",
        "class A:\n    @staticmethod\n    def f(a):\n        extracted(a)\n\n\ndef extracted(a):\n    print(a)\n",
    ),
    "an awaiting one": (
        "async def f(a):\n    <|>b = await a<|>\n    return b\n",
        "async def f(a):\n    b = await extracted(a)\n    return b\n\n\nasync def extracted(a):\n    b = await a\n    return b\n",
    ),
    "annotations": (
        "def f(a: int):\n    <|>print(a)<|>\n",
        "def f(a: int):\n    extracted(a)\n\n\ndef extracted(a: int):\n    print(a)\n",
    ),
    "a comprehension's variable": (
        "def f(r):\n    return [<|>i + 1<|> for i in r]\n",
        "def f(r):\n    return [extracted(i) for i in r]\n\n\ndef extracted(i):\n    return i + 1\n",
    ),
    "a closure": (
        "def f(a):\n    def g():\n        <|>print(a)<|>\n    return g\n",
        "def f(a):\n    def g():\n        extracted()\n\n    def extracted():\n        print(a)\n    return g\n",
    ),
    "a whole loop": (
        "def f(r):\n    <|>for i in r:\n        if i: break<|>\n",
        "def f(r):\n    extracted(r)\n\n\ndef extracted(r):\n    for i in r:\n        if i: break\n",
    ),
    "code of the file itself": (
        "a = 1\n<|>print(a)<|>\n",
        "a = 1\ndef extracted():\n    print(a)\n\n\nextracted()\n",
    ),
    "comments and long strings": (
        'def f():\n    if x:\n        <|># why\n        print("""a\n  b""")<|>  # that\n',
        'def f():\n    if x:\n        # why\n        extracted()\n\n\ndef extracted():\n    print("""a\n  b""")  # that\n',
    ),
    "a loop's accumulator": (
        "def f(r):\n    s = 0\n    for i in r:\n        <|>s = s + i<|>\n    return s\n",
        "def f(r):\n    s = 0\n    for i in r:\n        s = extracted(s, i)\n    return s\n\n\ndef extracted(s, i):\n    s = s + i\n    return s\n",
    ),
    "a return on some paths": ("def f(a):\n    <|>if a:\n        return 1<|>\n    return 2\n", None),
    "a break": ("for i in r:\n    <|>break<|>\n", None),
    "a continue in an if": ("for i in r:\n    <|>if i:\n        continue<|>\n    f(i)\n", None),
    "a yield": ("def f():\n    <|>yield 1<|>\n", None),
    "a class's body": ("class A:\n    <|>x = 1<|>\n", None),
    "half a statement": ("def f(a):\n    if <|>a:\n        b = 1<|>\n", None),
    "statements of two blocks": ("if a:\n    <|>b = 1\nc = 2<|>\n", None),
    "one that may not be set": ("def f(a):\n    <|>if a:\n        b = 1<|>\n    return b\n", None),
    "locals()": ("def f(a):\n    <|>print(locals())<|>\n", None),
    "a nonlocal": ("def f():\n    x = 1\n    def g():\n        nonlocal x\n        <|>x = 2<|>\n", None),
    "a global": ("def f():\n    global x\n    <|>x = 2<|>\nx = 1\n", None),
    "a deleted one": ("def f(a):\n    <|>del a<|>\n", None),
    "a line with other code": ("def f(a):\n    b = 1; <|>c = 2<|>\n", None),
    "what the round before has set": (
        "def f(r):\n    for i in r:\n        <|>s = i if i == 0 else s + i<|>\n    return s\n",
        None,
    ),
    "a type parameter": ("def f[T](a: T):\n    <|>b: T = a<|>\n    return b\n", None),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_extracting_a_function(name: str) -> None:
    before, after = FUNCTIONS[name]
    if after is None:
        with pytest.raises(Refused, match=r"\.$"):
            run(before, extract_function)
    else:
        assert run(before, extract_function) == after


INLINED = {
    "a value that sets another": ("<|>x = (n := 3)\nprint(n, x)\n", None),
    "a value": ("<|>x = a + b\nprint(x)\n", "print(a + b)\n"),
    "with parentheses where they are needed": ("<|>x = a + b\nprint(x * 2)\n", "print((a + b) * 2)\n"),
    "an attribute twice": ("<|>x = a.b\nprint(x, x)\n", "print(a.b, a.b)\n"),
    "a call once": ("<|>x = f()\nreturn_(x)\n", "return_(f())\n"),
    "from its use": ("x = a\nprint(<|>x)\n", "print(a)\n"),
    "a tuple": ("<|>x = 1, 2\nprint(x)\n", "print((1, 2))\n"),
    "a number's attribute": ("<|>x = 1\nx.real\n", "(1).real\n"),
    "a constant in a function": (
        "def f():\n    <|>x = 1\n    return lambda: x\n",
        "def f():\n    return lambda: 1\n",
    ),
    "in an f-string": ("<|>x = a + b\nf'{x}'\n", "f'{(a + b)}'\n"),
    "in a comprehension": ("<|>x = a\n[x for i in r]\n", "[a for i in r]\n"),
    "a call twice": ("<|>x = f()\nprint(x, x)\n", None),
    "a call under a condition": ("<|>x = f()\nif a:\n    print(x)\n", None),
    "a call in a loop": ("<|>x = f()\nfor i in r:\n    print(x)\n", None),
    "a new list twice": ("<|>x = []\nx.append(1)\nprint(x)\n", None),
    "two assignments": ("<|>x = 1\nx = 2\nprint(x)\n", None),
    "a loop's variable": ("for <|>x in r:\n    print(x)\n", None),
    "a changed name": ("<|>x = a\na = 2\nprint(x)\n", None),
    "a changed attribute": ("<|>x = a.b\na.b = 2\nprint(x)\n", None),
    "what a call may change": ("<|>x = a.b\nf()\nprint(x)\n", None),
    "a name that means something else": ("<|>x = i\n[x for i in r]\n", None),
    "in a function": ("<|>x = a\ndef f(): return x\n", None),
    "exported": ("<|>x = 1\n__all__ = ['x']\nprint(x)\n", None),
    "unused": ("<|>x = 1\n", None),
    "a quote in an f-string": ("<|>x = 'a'\nf'{x}'\n", None),
    "a class's attribute": ("class A:\n    <|>x = 1\n    y = x\n", None),
    "a comment behind it": ("<|>x = 1  # why\nprint(x)\n", None),
    "a parameter": ("def f(<|>x): return x\n", None),
    "an augmented one": ("<|>x = 1\nx += 1\nprint(x)\n", None),
}


@pytest.mark.parametrize("name", INLINED)
def test_inlining_a_variable(name: str) -> None:
    before, after = INLINED[name]
    case = fixture.parse(before)
    _, at = case.cursor
    if after is None:
        with pytest.raises(Refused, match=r"\.$"):
            inline_variable(read(case.text()), at)
    else:
        assert Text(case.text()).replaced(inline_variable(read(case.text()), at)).source == after


SEEDS = range(250)


def test_extracted_functions_leave_what_programs_do() -> None:
    done = 0
    for seed in SEEDS:
        source = Writer(seed).program()
        names, picker = read(source), random.Random(seed)
        blocks = [node for node in walk(names.tree.root) if node.type == "block"]
        expected = outcome(source)
        for _ in range(3):
            nodes = picker.choice(blocks).named_children
            first = picker.randrange(len(nodes))
            last = picker.randrange(first, len(nodes))
            start, end = names.tree.span(nodes[first]).start, names.tree.span(nodes[last]).end
            try:
                edits = extract_function(names, start, end)
            except Refused:
                continue
            done += 1
            assert outcome(names.tree.text.replaced(edits).source) == expected, source
    assert done > len(SEEDS)


@pytest.mark.parametrize("refactoring", [extract_function, extract_variable])
def test_extracted_expressions_leave_what_programs_do(
    refactoring: Callable[[PythonNames, int, int], list[Edit]],
) -> None:
    done = 0
    for seed in SEEDS:
        source = Writer(seed).program()
        names, picker = read(source), random.Random(seed)
        kinds = ("binary_operator", "call", "conditional_expression", "subscript", "integer")
        span = names.tree.span(picker.choice([n for n in walk(names.tree.root) if n.type in kinds]))
        expected = outcome(source)
        try:
            edits = refactoring(names, span.start, span.end)
        except Refused:
            continue
        found = outcome(names.tree.text.replaced(edits).source)
        done += 1
        for (result, effects), (other, after) in zip(expected, found, strict=True):
            assert other == result, source
            if not isinstance(result, type):  # one that fails may fail before or behind an effect
                assert effects == after, source
    assert done > len(SEEDS) / 2


def test_inlining_what_was_extracted_restores_what_programs_do() -> None:
    done = 0
    for seed in SEEDS:
        source = Writer(seed).program()
        names, picker = read(source), random.Random(seed)
        kinds = ("binary_operator", "call", "subscript")
        choices = [n for n in walk(names.tree.root) if n.type in kinds]
        if not choices:
            continue
        span = names.tree.span(picker.choice(choices))
        try:
            edits = extract_variable(names, span.start, span.end)
            changed = read(names.tree.text.replaced(edits).source)
            at = changed.tree.text.word_at(edits[0].start)[0]
            back = changed.tree.text.replaced(inline_variable(changed, at)).source
        except Refused:
            continue
        done += 1
        for (result, effects), (other, after) in zip(outcome(source), outcome(back), strict=True):
            assert (other, after) == (result, effects) or isinstance(result, type), source
    assert done > 20
