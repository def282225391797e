"""Rename a parameter or local of another language than Python within the scope that binds it."""

from __future__ import annotations

from devflow.analysis.binders import BLOCKS
from devflow.analysis.occurrences import Occurrence, bindings_in_doubt, occurrences, stands_at_most
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

MOST = 2_000
"""Places of one name in a file, beyond which it is not read by scopes: each costs a way up its tree, which
made text can have 20,000 levels of."""


def local_places(tree: SyntaxTree, start: int, name: str) -> list[Occurrence] | None:
    """All places of the local binding that the name at `start` belongs to; None where it is none."""
    if tree.language not in BLOCKS or name[:1].isdigit() or not stands_at_most(tree, name, MOST):
        return None
    places = occurrences(tree, name)
    here = next((each for each in places if each.start == start), None)
    if here is None or here.region is None or here.role in ("unsure", "key"):
        return None
    return [each for each in places if each.region == here.region]


def rename_local(tree: SyntaxTree, start: int, old: str, new: str) -> list[Edit] | None:
    """The edits that rename the local at `start`; None when it is no local. Raises Refused."""
    if not stands_at_most(tree, old, MOST):
        raise Refused(f"{old} stands in this file more than {MOST:,} times; it is not renamed.")
    places = occurrences(tree, old)
    here = next((each for each in places if each.start == start), None)
    if here is None or here.region is None:
        return None
    region = here.region
    reach = (region.function_start, region.function_end)
    around = [each for each in places if reach[0] <= each.node.start_byte < reach[1]]
    mine = [each for each in places if each.region == region]
    if tree.has_error():
        raise Refused(f"The file has a syntax error, so the uses of {old} are not sure; it is not renamed.")
    if bindings_in_doubt(places, region):
        raise Refused(
            f"{old} is bound more than once here and its uses cannot be told apart, so it is not renamed."
        )
    misread = tree.language in ("c", "cpp") and any(each.role == "type" for each in around)
    macros = [each for each in places if each.node.type.startswith("preproc")]
    if misread or macros or any(each.role in ("unsure", "key") for each in mine):
        raise Refused(
            f"{old} stands where it cannot be told whether this {region.kind} is meant, so it is not renamed."
        )
    if any(each.role == "bind" and is_property(each) for each in mine):
        raise Refused(f"{old} is a parameter and a property at once, so it is not renamed.")
    for each in occurrences(tree, new):
        inside = reach[0] <= each.node.start_byte < reach[1]
        if (inside and each.role != "member") or each.node.type.startswith("preproc"):
            raise Refused(f"{new} already means something else here; choose another name.")
    return [_edit(each, old, new, tree.language) for each in mine]


def _edit(place: Occurrence, old: str, new: str, language: str) -> Edit:
    """A shorthand keeps its key: `{ total }` becomes `{ total: sum }`."""
    if place.role not in ("short", "short_bind"):
        return Edit(place.start, place.end, new)
    return Edit(place.start, place.end, f"{old} = {new}" if language == "csharp" else f"{old}: {new}")


def is_property(place: Occurrence) -> bool:
    """TypeScript: `constructor(private total: number)` makes a field too; Java's record components do."""
    parent = place.node.parent
    if parent is None:
        return False
    if parent.parent is not None and parent.parent.parent is not None:
        record = parent.parent.parent.type in ("record_declaration", "class_declaration")
        if record:
            return True
    return any(
        each.type in ("accessibility_modifier", "readonly", "override_modifier") for each in parent.children
    )
