"""What a Python function without an annotation gives, as the expressions behind its `return`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter

from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

_NESTED = frozenset({"function_definition", "class_definition", "lambda"})
_MOST = 4
_LONGEST = 20_000
_WIDEST = 400
"""Code points of a line: patterns go over a line from each of its words."""


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a function."""

    text: str

    def returned(self) -> list[str]:
        """The expressions it gives itself, not a function inside it; [] of a generator."""
        if "return" not in self.text or not self._is_readable():
            return []
        return list(_returned(self.text))

    def assigned(self, name: str) -> str | None:
        """The value that the local `name` is given first; "" where it is bound in another way or the body is
        not looked at, None where it is not bound."""
        if not self._is_readable():
            return ""
        word = re.escape(name)
        found = re.search(rf"^[ \t]+{word}[ \t]*(?::[^=\n]+)?=(?!=)[ \t]*([^\n]+)", self.text, re.MULTILINE)
        if found is not None:
            return found[1].strip()
        bound = re.search(
            rf"[(,*]\s*{word}\s*[,:)=]|\b(?:for|as)\b[^\n:]*\b{word}\b"
            rf"|^[ \t]++[\w., *()]*\b{word}\b[\w., *()]*+=(?!=)",
            self.text,
            re.MULTILINE,
        )
        return "" if bound is not None else None

    def _is_readable(self) -> bool:
        return len(self.text) <= _LONGEST and all(len(line) <= _WIDEST for line in self.text.split("\n"))


@lru_cache(128)
def _returned(text: str) -> tuple[str, ...]:
    """The expressions; one question may ask for those of a function again and again."""
    tree = parse(Text(text), "python")
    found: dict[str, None] = {}
    for node in _own(tree.root) if tree is not None else ():
        if node.type == "yield":
            return ()
        if tree is not None and node.type == "return_statement" and node.named_children:
            found[tree.slice(node.named_children[0])] = None
    return tuple(each for each in found if each not in ("None", "NotImplemented"))[:_MOST]


def _own(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The statements and expressions of the first function under `node`, in their order."""
    pending = [node]
    entered = False
    while pending:
        each = pending.pop()
        if each.type in _NESTED:
            if entered:
                continue
            entered = True
        yield each
        pending += reversed(each.named_children)
