"""A name was changed where it is defined: its uses follow, told apart by scopes and classes.

What counts is the text before the change, where all of it still had one name; the places found there are then
looked up in the text as it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devflow.analysis.binders import BLOCKS
from devflow.analysis.changes import Reverted, reverted
from devflow.analysis.facts import Location
from devflow.analysis.occurrences import Occurrence, occurrences, stands_at_most
from devflow.analysis.python_names import python_names
from devflow.analysis.python_scopes import MODULE, PythonNames
from devflow.analysis.refactor.local_rename import MOST, rename_local
from devflow.analysis.refactor.project import PythonProject
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rename import rename
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Edit, Text
from devflow.server.assist.keywords import builtin_names, keywords
from devflow.server.assist.next_edit.base import LINE, Cause, NextEdit, is_name

NAME = Path("/document.py")
"""What a document that is no file is called here."""


def renames(text: Text, language: str, causes: Sequence[Cause], path: Path | None) -> list[NextEdit] | None:
    """The other places of the name that the newest renaming among `causes` (newest first) began with; none
    left, or None where no edit renames anything."""
    for cause in causes[:4]:
        if cause.renamed is not None:
            same = [each for each in causes if each.renamed == cause.renamed]
            found = renamed_places(text, language, same, path)
            if found or (found is not None and cause is causes[0]):
                return found
    return None


def renamed_places(
    text: Text, language: str, same: Sequence[Cause], path: Path | None
) -> list[NextEdit] | None:
    """The places left of a name that `same`, edits that all put one name in place of another, began to
    rename; None where they do not rename it but use another."""
    assert same[0].renamed is not None
    old, new = same[0].renamed
    if new in keywords(language) or old in keywords(language):
        return None
    if len(same) == 1 and not may_begin(same[0]):
        return None
    before = reverted(text.source, [each.change for each in same])
    tree = parse(Text(before.source), language)
    if tree is None or not stands_at_most(tree, old, MOST):
        return None
    starts = _starts(before, same, old)
    if language == "python":
        edits = _in_python(tree, starts, old, new, path or NAME)
    elif language in BLOCKS:
        edits = _by_blocks(tree, starts, old, new)
    else:
        edits = None
    if edits is None:
        return None
    found: list[NextEdit] = []
    for edit in edits:
        now = before.now(edit.start, edit.end)
        done = now is None or any(each.start < now[1] and now[0] < each.end for each in same)
        if now is not None and not done and text.source[now[0] : now[1]] == old:
            found.append(NextEdit(Edit(*now, edit.new), "rename", f"Rename {old} to {new}"))
    return found


def may_begin(cause: Cause) -> bool:
    """Whether the name can stand where it is defined, by the tokens beside it: most names do not, and their
    scopes need not be looked at."""
    left, right = cause.left[-1:], cause.right[:1]
    if right == ("(",):
        # A method of JavaScript begins its line.
        return is_name(cause.left[-1]) or left in ((LINE,), (">",), ("]",), ("*",), ("&",))
    return left not in _BEFORE_USES or right == ("=",)


_USES_TEXT = "= == != < <= >= + - / % return yield await not if elif while and or"
_BEFORE_USES = frozenset((sign,) for sign in _USES_TEXT.split())


def _starts(before: Reverted, same: Sequence[Cause], old: str) -> list[int]:
    """Where the names that were changed began, in the text before."""
    starts: list[int] = []
    moved = 0
    for each in sorted(same, key=lambda cause: cause.start):
        starts.append(each.start - moved)
        moved += each.change.growth
    return [at for at in starts if before.source[at : at + len(old)] == old]


# -- Python ------------------------------------------------------------------------------------------


class _OneFile:
    """A project of one file: what the document says by itself."""

    def __init__(self, path: Path, text: Text) -> None:
        self.roots: Sequence[Path] = (path.parent,)
        self._path = path
        self._text = text

    def read(self, path: Path) -> Text | None:
        return self._text if path == self._path else None

    def exists(self, path: Path) -> bool:
        return path == self._path

    def files_with(self, name: str) -> Sequence[Path]:
        return (self._path,)

    def defined(self, path: Path, at: int) -> Sequence[Location] | None:
        return None

    def used(self, path: Path, at: int) -> Sequence[Location] | None:
        return None

    def members(self, path: Path, expression: str) -> Sequence[str] | None:
        return None


def _in_python(tree: SyntaxTree, starts: Sequence[int], old: str, new: str, path: Path) -> list[Edit] | None:
    names = python_names(tree)
    begun = next((at for at in starts if _begins(names, at, alone=len(starts) == 1)), None)
    if begun is None and len(starts) > 1 and _is_of_this_file(names, starts, old):
        begun = starts[0]
    if begun is None:
        return None
    brought = next((each for each in names.imports if each.start == begun), None)
    if brought is not None:
        if any(each.name == new for each in names.occurrences):
            return None
        home = names.lookup(old, brought.scope)
        return [Edit(each.start, each.end, new) for each in names.of(old, home) if each.start != begun]
    if names.at(begun) is None and any(each.name == new for each in names.members):
        return None  # a member that is there already: another one is meant
    project = PythonProject(_OneFile(path, tree.text))
    project.put(path, tree, names)
    try:
        done = rename(project, path, begun, new)
    except Refused:
        return None
    return [*done.edits.get(path, ()), *done.doubtful.get(path, ())]


def _begins(names: PythonNames, at: int, *, alone: bool) -> bool:
    """Whether changing the name at `at` renames it: it is defined there, and nowhere before."""
    for brought in names.imports:
        if brought.start == at and brought.name:
            return not brought.has_alias
    for member in names.members:
        if member.start == at:
            others = [each for each in names.members if each.name == member.name and each.bound]
            return member.bound and (not alone or all(each.start >= at for each in others))
    here = names.at(at)
    if here is None or here.role != "bind" or here.how == "augmented":
        return False
    if here.how in ("def", "class", "parameter", "import"):
        return True
    places = names.of(here.name, names.home(here))
    binds = [each for each in places if each.role == "bind"]
    return not alone or all(each.start >= at for each in binds)


def _is_of_this_file(names: PythonNames, starts: Sequence[int], old: str) -> bool:
    """Whether all the names at `starts` are one thing that the file itself defines."""
    here = [names.at(at) for at in starts]
    homes = {names.home(each) if each is not None else -1 for each in here}
    if homes == {-1}:
        return any(each.name == old and each.bound for each in names.members) or any(
            scope.kind == "class" and old in scope.bound for scope in names.scopes
        )
    if len(homes) != 1 or -1 in homes:
        return False
    [home] = homes
    imported = any(each.bound == old for each in names.imports)
    return names.is_bound(old, home) and not (home == MODULE and imported)


# -- other languages ----------------------------------------------------------------------------------


def _by_blocks(tree: SyntaxTree, starts: Sequence[int], old: str, new: str) -> list[Edit] | None:
    places = occurrences(tree, old)
    if not _only_members(occurrences(tree, new)):
        return None
    here = [each for each in places if each.start in starts]
    begun = next((each for each in here if each.role in ("bind", "short_bind", "declaration")), None)
    if begun is None and len(here) > 1 and len({each.region for each in here}) == 1:
        begun = here[0] if here[0].region is not None else None
    if begun is None:
        return _method(places, starts, old, occurrences(tree, new), new)
    if old in builtin_names(tree.language):
        return None
    if begun.region is not None:
        try:
            return rename_local(tree, begun.start, old, new)
        except Refused:
            return None
    declared = [each for each in places if each.role == "declaration"]
    if len(declared) != 1:
        return None
    free = [each for each in places if each.region is None]
    return [
        Edit(each.start, each.end, new)
        for each in free
        if each.role in ("name", "member", "type", "declaration")
    ]


def _method(
    places: Sequence[Occurrence], starts: Sequence[int], old: str, others: Sequence[Occurrence], new: str
) -> list[Edit] | None:
    """JavaScript and TypeScript: the only method of that name in the file, in a class, and its uses."""
    members = [each for each in places if each.node.type == "property_identifier"]
    written = [each for each in members if _parent(each) != "member_expression"]
    if len(written) != 1 or _parent(written[0]) != "method_definition" or written[0].start not in starts:
        return None
    around = written[0].node.parent.parent if written[0].node.parent is not None else None
    if around is None or around.type != "class_body" or others or old in _COMMON or old == "constructor":
        return None
    return [Edit(each.start, each.end, new) for each in members]


def _parent(place: Occurrence) -> str:
    return place.node.parent.type if place.node.parent is not None else ""


_COMMON_TEXT = """
add apply at bind call catch clear concat delete entries every exec fill filter finally find findIndex flat
flatMap forEach get has includes indexOf join keys map match next pop push reduce replace return reverse set
shift slice some sort splice split test then throw toString trim unshift values
"""
_COMMON = frozenset(_COMMON_TEXT.split())
"""Members that objects of the language itself have too."""


def _only_members(places: Sequence[Occurrence]) -> bool:
    return all(each.role == "member" for each in places)
