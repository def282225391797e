# ruff: noqa: E501
"""TypeScript and JavaScript: imports in order and without what nothing uses, expressions with a name."""

from __future__ import annotations

import textwrap

import pytest

from devflow.analysis.refactor.extract_constant import extract_constant
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.script_imports import organised_script, without_unused
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text
from support import fixture


def tree_of(source: str, language: str = "tsx") -> SyntaxTree:
    tree = parse(Text(source), language)
    assert tree is not None
    return tree


def organised(source: str) -> str:
    return Text(source).replaced(organised_script(tree_of(source))).source


def cleaned(source: str) -> str:
    return Text(source).replaced(without_unused(tree_of(source))).source


def extracted(snippet: str) -> str:
    case = fixture.parse(textwrap.dedent(snippet), "main.tsx")
    _, start, end = case.selection
    made = Text(case.text()).replaced(extract_constant(tree_of(case.text()), start, end)).source
    assert not tree_of(made).has_error()
    return made


def test_imports_are_sorted_packages_first_and_so_are_their_names() -> None:
    source = 'import { b, a as z, type C } from "./x";\nimport y from "../y";\nimport * as q from "B";\nimport d from "a";\n'
    assert organised(source) == (
        'import d from "a";\nimport * as q from "B";\nimport y from "../y";\nimport { a as z, b, type C } from "./x";\n'
    )


@pytest.mark.parametrize(
    "source",
    [
        'import b from "b";\n\nimport a from "a";\n',
        'import b from "b";\nimport "effects";\nimport a from "a";\n',
        'import b from "b"; // why\nimport a from "a";\n',
        'import b from "b";\nf();\nimport a from "a";\n',
        'import a from "a"; import b from "b";\n',
        "const x = 1;\n",
    ],
)
def test_imports_that_are_apart_stay_apart(source: str) -> None:
    assert organised(source) == source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('import a from "a";\nimport b from "b";\nb();\n', 'import b from "b";\nb();\n'),
        ('import a, { b, c } from "a";\nc;\n', 'import { c } from "a";\nc;\n'),
        ('import a, { b } from "a";\na;\n', 'import a from "a";\na;\n'),
        ('import * as n from "a";\nn.x;\n', 'import * as n from "a";\nn.x;\n'),
        ('import * as n from "a";\n', ""),
        ('import { a as b } from "a";\na;\n', "a;\n"),
        ('import "effects";\n', 'import "effects";\n'),
        ('import type { T, U } from "a";\nlet x: T;\n', 'import type { T } from "a";\nlet x: T;\n'),
        ('import {\n  a,\n  b,\n  c,\n} from "a";\na, c;\n', 'import {\n  a,\n  c,\n} from "a";\na, c;\n'),
        ('import React from "react";\nconst x = <b/>;\n', 'import React from "react";\nconst x = <b/>;\n'),
        ('import { A } from "a";\nconst x = <A/>;\n', 'import { A } from "a";\nconst x = <A/>;\n'),
        ('import { a } from "a";\nexport { a };\n', 'import { a } from "a";\nexport { a };\n'),
        ('import { a } from "a";\nconst x = { a };\n', 'import { a } from "a";\nconst x = { a };\n'),
        ('import { a } from "a";\n/** {@link a} */\n', 'import { a } from "a";\n/** {@link a} */\n'),
        ('import { a } from "a";\nconst x = `${a}`;\n', 'import { a } from "a";\nconst x = `${a}`;\n'),
        ('import { a } from "a";\nconst x = "a";\n', 'const x = "a";\n'),
        ('import { a /* why */ } from "a";\n', 'import { a /* why */ } from "a";\n'),
    ],
)
def test_names_that_nothing_uses_are_taken_out(source: str, expected: str) -> None:
    assert cleaned(source) == expected


@pytest.mark.parametrize("work", [organised_script, without_unused])
def test_imports_of_broken_code_are_left_alone(work: object) -> None:
    assert callable(work)
    with pytest.raises(Refused, match="syntax error"):
        work(tree_of('import a from "a"\nconst = (\n'))


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ("f(<|>a + 1<|>);\n", "const value = a + 1;\nf(value);\n"),
        (
            "function g() {\n  return <|>getUser(1)<|>.name;\n}\n",
            "function g() {\n  const user = getUser(1);\n  return user.name;\n}\n",
        ),
        ("const x = { y: <|>a.length<|> };\n", "const length = a.length;\nconst x = { y: length };\n"),
        ("if (<|>a > b<|>) { c(); }\n", "const value = a > b;\nif (value) { c(); }\n"),
        ("if <|>(a > b)<|> c();\n", "const value = a > b;\nif (value) c();\n"),
        ("x = <|>Symbol.for(1)<|>;\n", "const value = Symbol.for(1);\nx = value;\n"),
        ("<|>f()<|>;\n", "const value = f();\n"),
        ("export const x = <|>1 + 2<|> + 3;\n", "const value = 1 + 2;\nexport const x = value + 3;\n"),
        ("const x = <B c={<|>d.ee<|>} />;\n", "const ee = d.ee;\nconst x = <B c={ee} />;\n"),
        ("const x = `${<|>a + b<|>}`;\n", "const value = a + b;\nconst x = `${value}`;\n"),
        (
            "xs.map((x) => {\n  return <|>x + 1<|>;\n});\n",
            "xs.map((x) => {\n  const value = x + 1;\n  return value;\n});\n",
        ),
        (
            "async function f() {\n  return (<|>await g()<|>).x;\n}\n",
            "async function f() {\n  const value = await g();\n  return (value).x;\n}\n",
        ),
    ],
)
def test_an_expression_gets_a_name(snippet: str, expected: str) -> None:
    assert extracted(snippet) == expected


@pytest.mark.parametrize(
    "snippet",
    [
        "xs.map((x) => <|>x + 1<|>);\n",
        "a && <|>f()<|>;\n",
        "const y = a ? <|>f()<|> : 1;\n",
        "while (<|>f()<|>) {}\n",
        "for (let i = 0; i < <|>f()<|>; i++) {}\n",
        "if (a) return_(<|>f()<|>);\n",
        "if (a) {} else if (<|>b > 1<|>) {}\n",
        "<|>a.b<|>();\n",
        "a?.b(<|>f()<|>);\n",
        "f(g(), <|>h()<|>);\n",
        "i++, f(<|>i + 1<|>);\n",
        "const a = 1, b = <|>a + 1<|>;\n",
        "function f(x = <|>g()<|>) {}\n",
        "class A { x = <|>g()<|>; }\n",
        "<|>a.b<|> = 1;\n",
        "delete <|>a.b<|>;\n",
        "'use strict';\n<|>x<|>;\n",
        "<|>'use strict'<|>;\n",
        "import a from <|>'a'<|>;\n",
        "let x: <|>'a'<|> | 'b';\n",
        "const x = { <|>'a'<|>: 1 };\n",
        "const x = <a><|><b/><|></a>;\n",
        "f(<|>a + 1, b<|>);\n",
        "<|>(0, a.b)<|>(1);\n",
        "switch (a) { case <|>b + 1<|>: break; }\n",
        "function* f() { g(<|>(yield 1)<|>); }\n",
    ],
)
def test_an_expression_is_left_where_a_name_would_change_what_happens(snippet: str) -> None:
    with pytest.raises(Refused):
        extracted(snippet)
