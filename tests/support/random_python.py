"""Random whole Python files with few names in many scopes, for property tests."""

from __future__ import annotations

import symtable
import warnings

from hypothesis import strategies as st

NAMES = ["a", "b", "c", "é"]
_EXPRESSIONS = [
    "{0}",
    "{0} + {1}",
    "[{0} for {0} in {1} if {2}]",
    "{{{0}: {1} for {2} in {0}}}",
    "lambda {0}, *, {1}={2}: {0}",
    "f'😀{{{0}!r:>{{{1}}}}}'",
    "{0}({1}, {2}=1)",
    "({0} := {1})",
    "sum({0} for {1} in {2} for {0} in {1})",
    "{0}.{1}[{2}]",
]
_LINES = [
    "{0} = {e}",
    "{0}, *{1} = {e}",
    "{0} += {e}",
    "{0}: {1} = {e}",
    "print({e})",
    "del {0}",
    "import {0}.{1}, {1} as {2}",
    "from m import {0} as {1}, {2}",
    "global {0}",
    "nonlocal {0}",
]
_BLOCKS = [
    ["def {0}({1}, {2}={e}, *, k: {0} = 1):", "return {e}"],
    ["async def {0}(*{1}, **{2}):", "return [{1} async for {1} in {2}]"],
    ["@{1}\nclass {0}({2}):", "{1} = 1"],
    ["for {0}, ({1}, k) in {e}:", "print({0}, k)"],
    ["with {e} as {0}, {1} as ({2}, k):", "{0}"],
    ["try:\n    {1}\nexcept {2} as {0}:", "{0}"],
    ["match {e}:\n    case [{0}, *{1}] | {{'k': {0}, **{1}}} if {2}:\n        {0}\nif {0}:", "{1}"],
    ["while {e}:", "{0}"],
]


@st.composite
def _filled(draw: st.DrawFn, template: str) -> str:
    names = draw(st.permutations(NAMES))
    return template.replace("{e}", "\0").format(*names).replace("\0", draw(_expressions()))


def _expressions() -> st.SearchStrategy[str]:
    return st.sampled_from(_EXPRESSIONS).flatmap(_plainly)


@st.composite
def _plainly(draw: st.DrawFn, template: str) -> str:
    return template.format(*draw(st.permutations(NAMES)))


@st.composite
def _block(draw: st.DrawFn, depth: int = 0) -> str:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        if depth < 3 and draw(st.booleans()):
            head, last = draw(st.sampled_from(_BLOCKS))
            inner = draw(_block(depth + 1)) + "\n" + draw(_filled(last))
            lines.append(draw(_filled(head)) + "\n" + "\n".join("    " + line for line in inner.split("\n")))
        else:
            lines.append(draw(_filled(draw(st.sampled_from(_LINES)))))
    return "\n".join(lines)


def compiles(source: str) -> bool:
    """Whether the compiler makes tables of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(source, "a.py", "exec")
    except SyntaxError:
        return False
    return True


def modules() -> st.SearchStrategy[str]:
    """Files that Python compiles."""
    return _block().map(lambda source: source + "\n").filter(compiles)
