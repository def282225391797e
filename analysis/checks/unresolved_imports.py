"""`unresolved-import`: a Python module that is neither in the workspace nor in its environment.

What is installed is known only where the workspace has an environment of its own; without one, only modules
of packages that are there are judged. Passed over in silence: imports that may fail (`try`, `TYPE_CHECKING`,
asked for Python's version), paths made at run time, what a build will compile or generate.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

from devflow.analysis.checks.undefined_names import is_caught, is_meant
from devflow.analysis.facts import Finding
from devflow.analysis.python_environment import Environment
from devflow.analysis.python_modules import module_file, relative_module
from devflow.analysis.python_scopes import ImportedName, PythonNames
from devflow.analysis.regular_files import content
from devflow.analysis.syntax.parse import SyntaxTree

CODE = "unresolved-import"

_LIBRARY = sys.stdlib_module_names | frozenset(
    {"_typeshed", "asynchat", "asyncore", "imp", "smtpd", "distutils", "compression", "annotationlib"}
    | {"aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "mailcap", "msilib", "nis", "nntplib"}
    | {
        "ossaudiodev",
        "pipes",
        "sndhdr",
        "spwd",
        "sunau",
        "telnetlib",
        "uu",
        "xdrlib",
        "lib2to3",
        "concurrent",
    }
)
_MADE = re.compile(
    r"\bsys\s*\.\s*path\s*(?:\[|\.\s*(?:insert|append|extend)|\+?=(?!=))|\baddsitedir\b|\bsyspath_\w+\("
)
_SKIPS = re.compile(r"importorskip\(\s*[\"']([\w.]+)")
_CATCHES = re.compile(r"\b(?:ImportError|ModuleNotFoundError|Exception|BaseException)\b")
_CONDITION = re.compile(
    r"TYPE_CHECKING|version_info|platform|os\.name|hexversion|find_spec|implementation|HAS_|HAVE_|\bPY[23]|_available",
    re.IGNORECASE,
)
_FOR_TYPES = re.compile(r"\A(?:\w+\.)?TYPE_CHECKING\Z")
_GENERATED = re.compile(
    r"_pb2(?:_grpc)?$|^_?version$|^__version__$|^_version\w*$|_generated$|^_?build_?\w*$|^ui_"
)
_DYNAMIC = re.compile(
    r"\b__path__\b|\bsys\.modules\b|\b__getattr__\b|\bLazy\w*|\blazy_\w+|\bsys\.meta_path\b"
)
_COMPILED = (".so", ".pyd", ".pyx", ".c", ".cpp", ".cc", ".rs", ".cu", ".dylib")
_BUILDS = ("Cargo.toml", "meson.build", "CMakeLists.txt")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where modules can come from."""

    roots: tuple[Path, ...]
    environment: Environment | None
    below: frozenset[str]
    """See `python_environment.modules_below`."""


def unresolved_imports(
    names: PythonNames, path: Path, around: Surroundings, for_types: bool = False
) -> list[Finding]:
    """The imports of modules that do not exist, in the order of the text; `for_types`: those under
    `TYPE_CHECKING` too. Looks at folders: not for the event loop."""
    tree = names.tree
    source = tree.text.source
    made = _MADE.search(source) is not None
    skipped = {each.partition(".")[0] for each in _SKIPS.findall(source)}
    judged: dict[tuple[str, int], bool] = {}
    found: list[Finding] = []
    folders = _folders(path, around)
    for each in names.imports:
        if each.module == "__future__" or each.statement.has_error:
            continue
        top = each.module.partition(".")[0]
        if each.level == 0 and (made or top in skipped or top in _LIBRARY):
            continue
        key = (each.module, each.level)
        if key not in judged:
            judged[key] = _is_missing(each.module, each.level, path, folders, around)
        if judged[key] and not may_fail(names, each, for_types):
            found.append(_finding(names, each, around))
    unique = {(each.start, each.end): each for each in found}
    return [unique[key] for key in sorted(unique)]


def _finding(names: PythonNames, each: ImportedName, around: Surroundings) -> Finding:
    source = each.statement.child_by_field_name("module_name")
    start, end = each.start, each.end
    if source is not None:
        span = names.tree.span(source)
        start, end = span.start, span.end
    written = "." * each.level + each.module
    where = "the workspace"
    if around.environment is not None and around.environment.whole:
        where += " or its environment"
    lazy = names.scopes[each.scope].kind != "module"
    severity = "information" if lazy else "warning"
    return Finding(start, end, CODE, f"The module `{written}` is not in {where}.", severity)


def _folders(path: Path, around: Surroundings) -> tuple[Path, ...]:
    """The search path of the file: what Python, pytest and build tools would put on it."""
    above = [path.parent]
    for root in around.roots:
        if path.is_relative_to(root):
            above += [folder for folder in path.parents if folder.is_relative_to(root)]
    folders = [folder for folder in above if not (folder / "__init__.py").is_file()]
    folders += [*around.roots, *(root.parent for root in around.roots if (root / "__init__.py").is_file())]
    folders += [folder / "src" for folder in folders]
    if around.environment is not None:
        folders += around.environment.folders
    return tuple(dict.fromkeys(folders))


def _is_missing(module: str, level: int, path: Path, folders: Sequence[Path], around: Surroundings) -> bool:
    if level:
        return _is_missing_beside(module, level, path)
    if not module or not all(part.isidentifier() for part in module.split(".")):
        return False
    if module_file(module, folders) is not None:
        return False
    parts = module.split(".")
    for number in range(1, len(parts)):
        above = [found for folder in folders if (found := module_file(".".join(parts[:number]), [folder]))]
        if not above:
            return number > 1 or _is_not_installed(parts[0], folders, around)
        for each in above:
            folder = each.parent if each.suffix else each
            if _is_open(each) or _is_compiled(folder, parts[number]) or _GENERATED.search(parts[number]):
                return False
    return len(parts) > 1 or _is_not_installed(parts[0], folders, around)


def _is_not_installed(name: str, folders: Sequence[Path], around: Surroundings) -> bool:
    environment = around.environment
    if environment is None or not environment.whole or name in environment.mapped or name in around.below:
        return False
    return not any(_is_compiled(folder, name) or (folder / f"{name}-stubs").is_dir() for folder in folders)


def _is_missing_beside(module: str, level: int, path: Path) -> bool:
    if relative_module("." * level + module, path) is not None:
        return False
    if level > len(path.parents):
        return False
    folder = path.parents[level - 1]
    for part in module.split("."):
        if not part.isidentifier() or _GENERATED.search(part) or _is_compiled(folder, part):
            return False
        for init in (folder / "__init__.py", folder / "__init__.pyi"):
            if init.is_file() and _is_open(init):
                return False
        folder = folder / part
    return True


def _is_compiled(folder: Path, name: str) -> bool:
    """Whether an extension module of that name is, or will be built, in `folder`."""
    try:
        for entry in folder.iterdir():
            if entry.name.partition(".")[0] == name and entry.suffix in _COMPILED:
                return True
    except OSError:
        return False
    if not name.startswith("_") and not name.endswith("_ext"):
        return False
    return any((above / build).is_file() for above in (folder, *folder.parents[:4]) for build in _BUILDS)


def _is_open(file: Path) -> bool:
    """Whether the package decides at run time which modules it has."""
    if not file.suffix:
        return False
    data = content(file)
    return data is None or _DYNAMIC.search(data.decode("utf-8", "replace")) is not None


def may_fail(names: PythonNames, each: ImportedName, for_types: bool = False) -> bool:
    """Whether the code around an import is made for what may not be there; `for_types`: an import under
    `TYPE_CHECKING` is not."""
    whole = names.tree.span(each.statement)
    if any(is_meant(names.tree, at) for at in (each.start, whole.start, whole.end)):
        return True
    return is_provided_for(names.tree, each.statement, _CATCHES, for_types)


def is_provided_for(
    tree: SyntaxTree, node: tree_sitter.Node, errors: re.Pattern[str], for_types: bool = False
) -> bool:
    """Whether `node` stands where one of `errors` is caught or expected, or under a condition that asks for
    what there is."""
    above = node.parent
    while above is not None:
        if above.type == "try_statement":
            if is_caught(tree, above, errors):
                return True
        elif above.type == "if_statement":
            condition = above.child_by_field_name("condition")
            asked = tree.slice(condition) if condition is not None else ""
            if _CONDITION.search(_FOR_TYPES.sub("", asked) if for_types else asked):
                return True
        elif above.type == "with_statement":
            head = tree.slice(above.named_children[0]) if above.named_children else ""
            if "suppress" in head or "raises" in head or "warns" in head:
                return True
        above = above.parent
    return False
