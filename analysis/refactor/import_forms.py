"""`import m` ↔ `from m import a`, with the uses."""

from __future__ import annotations

import tree_sitter

from devflow.analysis.python_scopes import MODULE, ImportedName, PythonNames
from devflow.analysis.refactor.project import node_of
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.text import Edit


def import_to_from_import(names: PythonNames, at: int, _: int = 0) -> list[Edit]:
    """`import m`, `m.a` → `from m import a`, `a`."""
    each = _import_at(names, at)
    if each.name:
        raise Refused("There is no import of a module here.")
    if len([other for other in names.imports if other.statement == each.statement]) > 1:
        raise Refused("The statement imports several modules.")
    wanted = each.bound.split(".") if each.has_alias else each.module.split(".")
    home = names.lookup(each.bound, each.scope)
    edits: list[Edit] = []
    found: list[str] = []
    for use in names.of(each.bound, home):
        if use.role == "bind" and use.start == _bound_at(names, each):
            continue
        node: tree_sitter.Node | None = node_of(names, use)
        for part in wanted[1:]:
            node = _read_from(names, node, part)
        attribute = node.parent.child_by_field_name("attribute") if node is not None and node.parent else None
        if use.role != "read" or node is None or node.parent is None or attribute is None:
            raise Refused(f"{each.bound} is used for more than to read names from it.")
        if node.parent.child_by_field_name("object") != node:
            raise Refused(f"{each.bound} is used for more than to read names from it.")
        member = next(m for m in names.members if m.start == names.tree.span(attribute).start)
        if member.bound:
            raise Refused(f"{each.module}.{member.name} is assigned to.")
        found.append(member.name)
        edits.append(Edit(use.start, member.start, ""))
    if not found:
        raise Refused(f"{each.bound} is not used.")
    _check_free(names, set(found))
    span = names.tree.span(each.statement)
    listed = ", ".join(sorted(set(found)))
    return [Edit(span.start, span.end, f"from {each.module} import {listed}"), *edits]


def from_import_to_import(names: PythonNames, at: int, _: int = 0) -> list[Edit]:
    """`from m import a`, `a` → `import m`, `m.a`."""
    first = _import_at(names, at)
    brought = [other for other in names.imports if other.statement == first.statement]
    if not first.name or first.level or first.module == "__future__" or any(e.name == "*" for e in brought):
        raise Refused("There is no import from a module by its full name here.")
    top = first.module.partition(".")[0]
    if any(use.name == top for use in names.occurrences):
        raise Refused(f"{top} already means something in this file.")
    edits: list[Edit] = []
    for each in brought:
        home = names.lookup(each.bound, each.scope)
        if home != MODULE or any(text == each.bound for text, _, _ in names.exported):
            raise Refused(f"{each.bound} may be used by other files.")
        for use in names.of(each.bound, home):
            if use.start == _bound_at(names, each):
                continue
            if use.role != "read":
                raise Refused(f"{each.bound} is bound again.")
            edits.append(Edit(use.start, use.end, f"{first.module}.{each.name}"))
    span = names.tree.span(first.statement)
    return sorted([Edit(span.start, span.end, f"import {first.module}"), *edits], key=lambda edit: edit.start)


def _import_at(names: PythonNames, at: int) -> ImportedName:
    for each in names.imports:
        span = names.tree.span(each.statement)
        if span.start <= at <= span.end:
            return each
    raise Refused("There is no import here.")


def _bound_at(names: PythonNames, each: ImportedName) -> int:
    """Where the import binds its name."""
    span = names.tree.span(each.statement)
    return next(
        (
            use.start
            for use in names.occurrences
            if use.how == "import" and use.name == each.bound and each.start <= use.start < span.end
        ),
        -1,
    )


def _read_from(names: PythonNames, node: tree_sitter.Node | None, part: str) -> tree_sitter.Node | None:
    above = node.parent if node is not None else None
    if above is None or above.type != "attribute" or above.child_by_field_name("object") != node:
        return None
    attribute = above.child_by_field_name("attribute")
    return above if attribute is not None and names.tree.slice(attribute) == part else None


def _check_free(names: PythonNames, wanted: set[str]) -> None:
    for use in names.occurrences:
        if use.name in wanted:
            raise Refused(f"{use.name} already means something in this file.")
