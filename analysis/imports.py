"""Imported names of one file."""

from __future__ import annotations

from devflow.analysis.facts import Import
from devflow.analysis.syntax.parse import SyntaxTree


def imports(tree: SyntaxTree) -> tuple[Import, ...]:
    """One `Import` for each name a file brings in, in the order of the text.

    `start:end` spans the imported name as written (the module, when the module itself is imported).
    A name imported under its own name has itself as alias; a whole module without `as` has none.
    """
    result: set[Import] = set()
    for _, captured in tree.matches("imports"):
        module_nodes = captured.get("module")
        if not module_nodes:
            continue
        module = tree.slice(module_nodes[0]).strip("\"'`<>").replace(" ", "")
        name_nodes = captured.get("name", [])
        alias = tree.slice(captured["alias"][0]) if "alias" in captured else ""
        for node in name_nodes or module_nodes[:1]:
            name = tree.slice(node) if name_nodes else ""
            span = tree.span(node)
            result.add(Import(module, name, alias or (name if name != "*" else ""), span.start, span.end))
    # A pattern without an alias also matches the import that has one: keep the fuller match.
    aliased = {(found.start, found.name) for found in result if found.alias not in ("", found.name)}
    return tuple(
        sorted(
            (
                found
                for found in result
                if found.alias not in ("", found.name) or (found.start, found.name) not in aliased
            ),
            key=lambda found: (found.start, found.end),
        )
    )
