"""Imported names of one file."""

from __future__ import annotations

from devflow.analysis.facts import Import
from devflow.analysis.syntax.parse import SyntaxTree

# Languages whose imports are calls: the query captures every call of that shape.
_IMPORTING_CALLS = frozenset({"require", "require_relative", "load", "autoload"})


def imports(tree: SyntaxTree) -> tuple[Import, ...]:
    """One `Import` for each name a file brings in, in the order of the text.

    `start:end` spans the imported name as written (the module, when the module itself is imported).
    A name imported under its own name has itself as alias; a whole module without `as` has none, nor
    has `*`. A default export is called `default`.
    """
    found: dict[int, Import] = {}
    for _, captured in tree.matches("imports"):
        if "module" not in captured:
            continue
        if "require" in captured and tree.slice(captured["require"][0]) not in _IMPORTING_CALLS:
            continue
        module_node = captured["module"][0]
        module = "".join(tree.slice(module_node).strip("\"'`<>").split())
        alias = tree.slice(captured["alias"][0]) if "alias" in captured else ""
        if "default" in captured:
            named = [("default", captured["default"][0])]
            alias = tree.slice(captured["default"][0])
        elif "name" in captured:
            named = [(tree.slice(node), node) for node in captured["name"]]
        else:
            named = [("", captured["alias"][0] if "require" in captured and alias else module_node)]
        for name, node in named:
            name = "*" if name.endswith("*") or name == "." else name
            span = tree.span(node)
            new = Import(module, name, alias or ("" if name == "*" else name), span.start, span.end)
            known = found.get(span.start)
            # A pattern without an alias also matches the import that has one: keep the fuller match.
            if known is None or new.alias not in ("", new.name):
                found[span.start] = new
    return tuple(found[start] for start in sorted(found))
