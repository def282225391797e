"""Fixtures of pytest: which functions are some, and which one a test's parameter names.

By pytest's rules (docs.pytest.org, "Fixture availability"): those of the class, of the module, of each
`conftest.py` up to the root, of the plugins that these name, of pytest itself; the nearest one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import tree_sitter

from devflow.analysis.module_table import Binding, ModuleTable
from devflow.analysis.python_files import PythonFiles, Target
from devflow.analysis.syntax.parse import SyntaxTree

_FIXTURE = re.compile(r"(?:\w+\.)*(?:async_|yield_)?fixture\b(.*)\Z", re.DOTALL)
_NAMED = re.compile(r"\bname\s*=\s*[\"'](\w+)[\"']")
_QUOTED = re.compile(r"[\"']([\w.]+)[\"']")
_TEST_FILE = re.compile(r"(?:test_.*|.*_test|tests?|conftest)\.py\Z")
_BY_NAME = re.compile(r"(?:\.usefixtures|\.getfixturevalue)\s*\((?:[^()]*,)?\s*[\"']?\w*\Z")
_OWN_NAMES = "tmpdir monkeypatch capture recwarn logging cacheprovider fixtures pytester"
_OWN = tuple(f"_pytest.{name}" for name in _OWN_NAMES.split())
"""The modules of pytest that bring its own fixtures."""
_DEEPEST = 40


def is_test_file(path: Path) -> bool:
    """Whether pytest would look for tests or fixtures in a file of that name."""
    return _TEST_FILE.match(path.name) is not None


def asks_by_name(before: str) -> bool:
    """Whether a string that stands behind `before` on its line names a fixture: `usefixtures("`."""
    return _BY_NAME.search(before) is not None


def takes_fixtures(tree: SyntaxTree, function: tree_sitter.Node) -> bool:
    """Whether pytest fills the parameters of a function: it is a test or a fixture."""
    name, above = function.child_by_field_name("name"), function.parent
    if name is not None and tree.slice(name).startswith("test"):
        return True
    decorated = above is not None and above.type == "decorated_definition"
    return decorated and any(
        _FIXTURE.match(tree.slice(each).lstrip("@ "))
        for each in (above.named_children if above is not None else ())
        if each.type == "decorator"
    )


def function_of_parameter(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The function whose parameter without a default `node` names."""
    above = node.parent
    if above is not None and above.type == "typed_parameter" and above.named_children[0] == node:
        above = above.parent
    if above is None or above.type != "parameters" or above.parent is None:
        return None
    return above.parent if above.parent.type == "function_definition" else None


def fixtures(files: PythonFiles, path: Path, tree: SyntaxTree, at: int) -> Iterator[tuple[str, Target]]:
    """The fixtures that code at `at` of the document `path` can ask for, nearest first: their names, and the
    functions that make them. A name may come more than once."""
    own = files.own(path, tree)
    names: Mapping[str, list[Binding]] = own.names
    for node in tree.path_to(at):
        name = node.child_by_field_name("name") if node.type == "class_definition" else None
        for binding in names.get(tree.slice(name), ()) if name is not None else ():
            if binding.kind == "class" and binding.start <= at < binding.end:
                yield from _made_in(files, path, binding.members, (binding.name,))
                names = binding.members
    yield from _of_module(files, path, own)
    for folder in list(path.parents)[:_DEEPEST]:
        conftest = folder / "conftest.py"
        if conftest != path and (table := files.table(conftest)) is not None:
            yield from _of_module(files, conftest, table)
        if folder in files.folders:
            break
    for module in _OWN:
        file = files.module(module, path)
        table = files.table(file) if file is not None and file.suffix else None
        if file is not None and table is not None:
            public = {name: made for name, made in table.names.items() if not name.startswith("_")}
            yield from _made_in(files, file, public, ())


def _of_module(files: PythonFiles, path: Path, table: ModuleTable) -> Iterator[tuple[str, Target]]:
    """Its own, those it imports, and those of the plugins it names."""
    yield from _made_in(files, path, table.names, ())
    plugins = [
        found for binding in table.names.get("pytest_plugins", ()) for found in _QUOTED.findall(binding.value)
    ]
    for module in (*table.stars, *plugins):
        file = files.module(module, path)
        known = files.table(file) if file is not None and file.suffix else None
        if file is not None and known is not None:
            yield from _made_in(files, file, known.names, ())


def _made_in(
    files: PythonFiles, path: Path, names: Mapping[str, list[Binding]], owner: tuple[str, ...]
) -> Iterator[tuple[str, Target]]:
    for bindings in list(names.values()):
        found: Target | None = Target(path, bindings[-1], owner)
        if bindings[-1].kind == "import" and is_test_file(path):
            found = files.followed(Target(path, bindings[-1]))
        if found is not None and found.binding is not None and (name := fixture_name(found.binding)):
            yield name, found


def fixture_name(binding: Binding) -> str:
    """The name that tests ask for what a function makes by; "" where it is no fixture."""
    for each in binding.decorators if binding.kind == "function" else ():
        if (found := _FIXTURE.match(each)) is not None:
            named = _NAMED.search(found[1])
            return named[1] if named is not None else binding.name
    return ""
