"""Of which type the literal is whose key stands at a place."""

from __future__ import annotations

import re

from devflow.analysis.syntax.parse import SyntaxTree

_ELEMENT = re.compile(r"^(?:\[[^\]]*\]|[*&])+")


def literal_type(tree: SyntaxTree, start: int) -> str:
    """`T` where a Go literal `T{name: …}` or `[]*T{{name: …}}` has the key at `start`; "" elsewhere."""
    if tree.language != "go":
        return ""
    path = tree.path_to(start)
    key = next((each for each in reversed(path) if each.type == "keyed_element"), None)
    literal = next((each for each in reversed(path) if each.type == "composite_literal"), None)
    if key is None or literal is None or tree.offset(key.start_byte) != start:
        return ""
    written = literal.child_by_field_name("type")
    return _ELEMENT.sub("", tree.slice(written)) if written is not None else ""
