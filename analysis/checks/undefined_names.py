"""`undefined-name`: a Python name that no scope binds and Python does not bring along.

The scopes are those of `python_names`. Passed over in silence: files with a star import or names made at run
time, code that expects a NameError or asks for Python's version, and whatever is broken.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

import tree_sitter

from devflow.analysis.facts import Finding
from devflow.analysis.python_scopes import MODULE, Occurrence, PythonNames
from devflow.analysis.syntax.parse import SyntaxTree

CODE = "undefined-name"

MOST = 50
_OF_MODULES = frozenset(
    {"__file__", "__name__", "__doc__", "__package__", "__spec__", "__loader__", "__path__", "__cached__"}
    | {"__annotations__", "__builtins__", "__dict__", "__debug__", "__module__", "__qualname__", "__class__"}
)
_OF_TOOLS = frozenset({"_", "reveal_type", "reveal_locals", "WindowsError", "__tracebackhide__"})
"""gettext's `_`, what type checkers know, what only Windows has."""
_NEWER = frozenset({"PythonFinalizationError", "aiter", "anext", "EncodingWarning", "ExceptionGroup"}) | {
    "BaseExceptionGroup"
}
BUILTINS = frozenset(dir(builtins)) | _NEWER | _OF_MODULES | _OF_TOOLS
NOTEBOOK = frozenset(
    {"get_ipython", "display", "In", "Out", "_i", "_ii", "_iii", "__", "___", "exit", "quit"}
)
"""What IPython adds."""
_MEANT = re.compile(r"#\s*(?:type:\s*ignore|noqa|pyright:\s*ignore|pylint:\s*disable|mypy:)", re.IGNORECASE)
_MADE = re.compile(
    r"\bglobals\(\)\s*(?:\[[^\]\n]+\]\s*=(?!=)|\.\s*(?:update|setdefault|__setitem__)\b)"
    r"|\bvars\(\)\s*\[[^\]\n]+\]\s*=(?!=)|\blocals\(\)\s*(?:\[[^\]\n]+\]\s*=(?!=)|\.\s*update\b)"
    r"|(?<![\w.])exec\s*\(|(?<![\w.])execfile\s*\(|\bbuiltins\.\w+\s*=(?!=)|setattr\(\s*(?:builtins|__builtin__)"
)
_PYTHON_2 = re.compile(
    r"version_info|hexversion|\bPY[23]\w*|\bpy[23]k?\b|\b_?is_?py[23]\b|NameError", re.IGNORECASE
)
_CATCHES = re.compile(r"\b(?:NameError|Exception|BaseException)\b")


def undefined_names(names: PythonNames, known: frozenset[str] = frozenset()) -> list[Finding]:
    """The reads of names bound nowhere, at most MOST, in the order of the text. `known` are names that come
    from elsewhere."""
    tree = names.tree
    source = tree.text.source
    if names.has_star() or _MADE.search(source):
        return []
    declared = {name for scope in names.scopes for name in scope.declared_global}
    fine = BUILTINS | known | declared | names.scopes[MODULE].bound.keys()
    open_ = [each for each in names.occurrences if each.name not in fine and _is_read(names, each)]
    if not open_:
        return []
    broken = list(_broken(names)) if tree.has_error() else []
    lost = {name for node in broken for name in re.findall(r"[^\W\d]\w*", tree.slice(node))}
    spans = [tree.span(node) for node in broken]
    findings = []
    for each in sorted(open_, key=lambda each: each.start):
        if each.name in lost or any(span.start <= each.start < span.end for span in spans):
            continue
        if is_meant(tree, each.start) or _is_expected(names, each):
            continue
        findings.append(Finding(each.start, each.end, CODE, f"`{each.name}` is not defined.", "error"))
        if len(findings) == MOST:
            break
    return findings


def is_meant(tree: SyntaxTree, at: int) -> bool:
    """Whether a comment on the line of `at` says that a finding there is expected."""
    return _MEANT.search(tree.text.line(tree.text.line_at(at))) is not None


def is_caught(tree: SyntaxTree, statement: tree_sitter.Node, errors: re.Pattern[str]) -> bool:
    """Whether one of the handlers of a `try` statement is for everything, or names one of `errors`."""
    for child in statement.named_children:
        if child.type in ("except_clause", "except_group_clause"):
            head = tree.slice(child).partition(":")[0]
            if head.strip() in ("except", "except*") or errors.search(head):
                return True
    return False


def _is_read(names: PythonNames, each: Occurrence) -> bool:
    if each.role != "read" or not each.name:
        return False
    home = names.home(each)
    return home == MODULE and not names.is_bound(each.name, MODULE)


def _broken(names: PythonNames) -> Iterator[tree_sitter.Node]:
    """The top-level pieces of the file that could not be read whole."""
    root = names.tree.root
    if root.is_error:
        yield root
        return
    yield from (child for child in root.children if child.has_error or child.is_missing)


def _is_expected(names: PythonNames, each: Occurrence) -> bool:
    """Whether the code around is made for a name that may not be there."""
    path = names.tree.path_to(each.start)
    for above, below in zip(reversed(path[:-1]), reversed(path[1:]), strict=True):
        kind = above.type
        if kind == "try_statement" and below.type == "block":
            if is_caught(names.tree, above, _CATCHES):
                return True
        elif kind in ("if_statement", "conditional_expression", "elif_clause", "boolean_operator"):
            condition = above.child_by_field_name("condition")
            shown = names.tree.slice(condition) if condition is not None else names.tree.slice(above)[:500]
            if _PYTHON_2.search(shown) or f'"{each.name}"' in shown or f"'{each.name}'" in shown:
                return True
        elif kind in ("print_statement", "exec_statement"):
            return True
        if above.is_error:
            return True
    return each.how == "quoted" and _is_doubtful(names, path)


def _is_doubtful(names: PythonNames, path: list[tree_sitter.Node]) -> bool:
    """Whether a quoted annotation may be text: anything but the whole of a plain dotted name or subscript."""
    string = next((node for node in reversed(path) if node.type == "string"), None)
    if string is None:
        return True
    written = names.tree.slice(string).strip("rRbBuUfF").strip("\"'")
    if not re.fullmatch(r"[\w.]+(?:\[[\w., \[\]|]*\])?", written):
        return True
    above = string.parent
    while above is not None and not above.type.endswith(("_statement", "_definition", "parameters")):
        if above.type in ("generic_type", "subscript") and re.match(
            rb"(?:\w+\.)*(?:Annotated|Literal|Float|Int|Bool|Shaped|Num|Inexact)\b", above.text or b""
        ):
            return True
        if above.type == "call" and not re.match(
            rb"(?:t|typing|typing_extensions)?\.?cast\b", above.text or b""
        ):
            return True  # `view.cast("B")`
        above = above.parent
    return False
