"""What must hold of every place before another language's name is renamed over files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.occurrences import Occurrence, occurrences
from devflow.analysis.refactor.member_places import told_apart
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit
from devflow.server.assist.base import Codebase
from devflow.server.assist.found import same_family
from devflow.server.assist.other_files import tree_of
from devflow.server.assist.waiting import within

_SECONDS = 2.0


async def check_callers(doc: Document, tree: SyntaxTree, start: int, old: str, code: Codebase) -> None:
    """C# calls may name a parameter (`Run(n: 3)`): then it is not only its method's. Raises Refused."""
    if doc.language != "csharp":
        return
    here = next((each for each in occurrences(tree, old) if each.start == start), None)
    if here is None or here.region is None or here.region.kind != "parameter":
        return
    trees = {doc.path: tree} | await _others(doc, old, code)
    for each in trees.values():
        if any(place.role == "key" for place in occurrences(each, old)):
            raise Refused(f"Calls name the argument {old}, so it is not renamed.")


async def checked(
    doc: Document, start: int, old: str, new: str, edits: Mapping[Path, Sequence[Edit]], code: Codebase
) -> dict[Path, list[Edit]]:
    """The edits without those that a nearer local takes the name from. Raises Refused where a place's role
    is not sure, where a member shares its name with anything else, and where `new` is taken."""
    assert doc.tree is not None
    assert doc.path is not None
    trees = await _others(doc, old, code, list(edits)) | {doc.path: doc.tree}
    here = next((each for each in occurrences(doc.tree, old) if each.start == start), None)
    if here is None:
        raise Refused(f"{old} stands where its meaning is not sure, so it is not renamed.")
    result: dict[Path, list[Edit]] = {}
    roles: list[Occurrence] = []
    edited: set[int] = set()
    for path, tree in trees.items():
        places = occurrences(tree, old)
        if path not in edits and all(each.region is not None or each.role == "unsure" for each in places):
            continue
        roles += places
        starts = {each.start for each in edits.get(path, ())}
        kept = [each for each in places if each.region is None and each.start in starts]
        free = [each for each in places if each.region is None and each.role != "member"]
        # A place that the index does not count as a use, and a use that the tree does not know.
        if any(each.start not in starts for each in free) or starts - {each.start for each in places}:
            raise Refused(f"{old} stands in {path.name} where it may mean something else; it is not renamed.")
        if any(each.role in ("unsure", "key", "short", "short_bind") for each in free):
            raise Refused(
                f"{path.name} uses {old} in a way that cannot be renamed for sure, so it is not renamed."
            )
        if any(each.role != "member" for each in occurrences(tree, new)):
            raise Refused(f"{new} already means something else in {path.name}; choose another name.")
        edited |= {id(each) for each in kept}
        if kept:
            result[path] = [Edit(each.start, each.end, new) for each in kept]
    if not told_apart(old, doc.language, list(trees.values()), roles, edited):
        raise Refused(
            f"{old} is a member or shares its name with one; without types its uses cannot be told apart, "
            "so it is not renamed."
        )
    return result


async def _others(
    doc: Document, name: str, code: Codebase, besides: Sequence[Path] = ()
) -> dict[Path, SyntaxTree]:
    """The trees of the other files of the language that have the name. Raises Refused without an index."""
    if code.index is None:
        raise Refused(f"The workspace is not indexed yet, so the uses of {name} are not known; try again.")
    uses = await within(code.index.references_to(name, 20_000), _SECONDS)
    made = await within(code.index.symbols_named(name, 20_000), _SECONDS)
    if uses is None or made is None:
        raise Refused(f"The index did not answer in time, so {name} is left as it is; try again.")
    result: dict[Path, SyntaxTree] = {}
    for path in sorted({each.path for each in uses} | {each.path for each in made} | set(besides)):
        language = language_of(path)
        if path == doc.path or language is None or not same_family(language.name, doc.language):
            continue
        tree = await within(tree_of(path, code), _SECONDS)
        if tree is None:
            raise Refused(f"{path.name} cannot be read, so {name} is left as it is.")
        result[path] = tree
    return result
