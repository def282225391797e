"""Each case is a model's raw answer at a cursor and the ghost text it may become."""

from __future__ import annotations

import pytest

from devflow.server.assist.inline.clean import clean
from devflow.server.assist.inline.site import Site

CASES = {
    "a plain rest of a line stays": ("return <|>\n", "a + b", "a + b"),
    "a fence is stripped": ("return <|>\n", "```python\na + b\n```\n", "a + b"),
    "an unclosed fence is stripped": ("return <|>\n", "```\na + b", "a + b"),
    "a control token ends the answer": ("return <|>\n", "a + b<|endoftext|>x", "a + b"),
    "one of the user's own code does not": (
        'END = "<|endoftext|>"\nparts = text.<|>\n',
        'split("<|endoftext|>")<|im_end|>',
        'split("<|endoftext|>")',
    ),
    "a fim token ends the answer": ("return <|>\n", "a + b<fim_suffix>x", "a + b"),
    "a sentence end ends the answer": ("return <|>\n", "a + b</s>", "a + b"),
    "a shift is not a control token": ("return <|>\n", "a << b | c >> d", "a << b | c >> d"),
    "only the first line outside a block": ("return <|>\n", "a + b\nx = 1", "a + b"),
    "the repeated start of the line goes": ("    return <|>\n", "return a + b", "a + b"),
    "a closing bracket that is there is not repeated": ("f(<|>)\n", "a, b)", "a, b"),
    "several closing signs that are there are not repeated": ('f(["<|>"])\n', 'ab"])', "ab"),
    "a bracket opened before may be closed": ("f(a, <|>\n", "b)", "b)"),
    "a bracket nobody opened is cut": ("x = <|>\n", "a + b) * c", "a + b"),
    "a bracket that the rest closes is not closed twice": ("f(g(<|>))\n", "xy)) * ", "xy"),
    "brackets inside strings do not count": ("x = <|>\n", "')' + b", "')' + b"),
    "an apostrophe in a word is no string": ("# it isn<|>\nf(", "'t (so)", "'t (so)"),
    "the following line is not repeated": ("<|>\nreturn total\n", "return total", ""),
    "a started line that repeats the following one goes": ("ret<|>\nreturn total\n", "urn total", ""),
    "blanks at the end go": ("return <|>\n", "a + b   ", "a + b"),
    "nothing is nothing": ("return <|>\n", "", ""),
    "one sign is too little": ("return <|>\n", "a", ""),
    "carriage returns become line feeds": ("return <|>\n", "ab\r\nc", "ab"),
    "a short call's end is worth it": ("f(x<|>\n", "())", "())"),
    "the rest of the line is one line": ("f(<|>)\n", "a,\nb", "a,"),
}

BLOCKS = {
    "a block is filled": ("def f(a):\n    <|>\n", "b = a\n    return b", "b = a\n    return b"),
    "indentation that is there is not repeated": ("def f(a):\n    <|>\n", "    return a", "return a"),
    "the block ends at a dedent": ("def f(a):\n    <|>\n", "return a\n\ndef g(): pass", "return a"),
    "the block ends at two blank lines": ("def f(a):\n    <|>\n", "b = 1\n\n\n    c = 2", "b = 1"),
    "after a colon the body comes on its own line": (
        "def f(a):<|>\n",
        "\n    return a\nx = 1",
        "\n    return a",
    ),
    "a closing brace belongs to the block": ("if (a) {<|>\n", "\n  b();\n}\nc();", "\n  b();\n}"),
    "it stops before the line that follows": (
        "def f(a):\n    <|>\n    return a\n",
        "a += 1\n    return a\n",
        "a += 1",
    ),
    "a lone brace below stops it too": ("{\n  <|>\n}\n", "go();\n}\n}", "go();"),
    "spaces become tabs in a file with tabs": (
        "def g():\n\tpass\ndef f(a):\n\t<|>\n",
        "if a:\n        return a",
        "if a:\n\t\treturn a",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_line_is_cleaned_of_what_does_not_belong(name: str) -> None:
    code, raw, expected = CASES[name]
    before, after = code.split("<|>")
    assert clean(raw, Site(before, after)) == expected


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_cleaned_of_what_does_not_belong(name: str) -> None:
    code, raw, expected = BLOCKS[name]
    before, after = code.split("<|>")
    assert clean(raw, Site(before, after, multiline=True)) == expected


@pytest.mark.parametrize("name", CASES)
def test_cleaning_twice_changes_nothing(name: str) -> None:
    code, _, expected = CASES[name]
    before, after = code.split("<|>")
    assert clean(expected, Site(before, after)) == expected
