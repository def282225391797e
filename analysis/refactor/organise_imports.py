"""Sort, merge and group the imports of a Python file, as isort and ruff do by default.

Sections: `__future__`, standard library, third party, this workspace, relative. A run of imports that other
code interrupts is sorted by itself. What cannot be moved for certain stays as it is: lines with `;`, runs
that bind a name twice, `# isort: skip`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_IMPORTS = frozenset({"import_statement", "import_from_statement", "future_import_statement"})
_SKIP = re.compile(r"#\s*(isort|ruff)\s*:\s*(skip|off|split|on|dont-add)")
_SKIP_FILE = re.compile(r"^\s*#\s*(isort\s*:\s*skip_file|ruff\s*:\s*noqa\s*$|fmt\s*:\s*off)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ImportStyle:
    """How imports are written; the defaults are ruff's."""

    line_length: int = 88
    known_first_party: frozenset[str] = frozenset()
    known_third_party: frozenset[str] = frozenset()
    force_sort_within_sections: bool = False
    combine_as: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """One import as it will be written. `fixed` is text that is moved as it is."""

    module: str
    names: tuple[tuple[str, str], ...] = ()
    """`(name, alias)`; none for `import module`."""
    alias: str = ""
    comment: str = ""
    above: tuple[str, ...] = ()
    fixed: str = ""
    split: bool = False
    """It was written with one name a line and a trailing comma, and stays so."""


def organised(
    tree: SyntaxTree, style: ImportStyle | None = None, is_local: Callable[[str], bool] = lambda module: False
) -> list[Edit]:
    """The edits that put the imports in order; none when they are. `is_local` tells of a top-level module
    whether it is of this workspace."""
    if _SKIP_FILE.search(tree.text.source):
        return []
    edits = []
    for run in _runs(tree):
        edit = _ordered(tree, run, style or ImportStyle(), is_local)
        if edit is not None:
            edits.append(edit)
    return edits


def _runs(tree: SyntaxTree) -> list[list[tree_sitter.Node]]:
    """The runs of imports at the top level and directly inside `if TYPE_CHECKING:`, with the comments
    between them."""
    runs: list[list[tree_sitter.Node]] = []
    blocks = [tree.root]
    for block in blocks:  # grows
        run: list[tree_sitter.Node] = []
        for node in block.named_children:
            if node.type in _IMPORTS or (node.type == "comment" and run and not _is_mark(tree, node)):
                run.append(node)
                continue
            runs.append(run)
            run = []
            condition = node.child_by_field_name("condition") if node.type == "if_statement" else None
            body = node.child_by_field_name("consequence")
            if condition is not None and body is not None and tree.slice(condition).endswith("TYPE_CHECKING"):
                blocks.append(body)
        runs.append(run)
    trimmed = []
    for run in runs:
        while run and run[-1].type == "comment" and run[-1].start_point.row != _last_import_row(run):
            run.pop()
        if run:
            trimmed.append(run)
    return trimmed


def _is_mark(tree: SyntaxTree, node: tree_sitter.Node) -> bool:
    return _SKIP.match(tree.slice(node)) is not None and "skip" not in tree.slice(node)


def _last_import_row(run: Sequence[tree_sitter.Node]) -> int:
    return max((node.end_point.row for node in run if node.type in _IMPORTS), default=-1)


def _ordered(
    tree: SyntaxTree, run: list[tree_sitter.Node], style: ImportStyle, is_local: Callable[[str], bool]
) -> Edit | None:
    text = tree.text
    start, end = tree.offset(run[0].start_byte), tree.offset(run[-1].end_byte)
    first = text.line_start(text.line_at(start))
    indent = text.source[first:start]
    before_end = text.source[end : text.line_end(text.line_at(end))]
    statements = [node for node in run if node.type in _IMPORTS]
    rows = [row for node in statements for row in {node.start_point.row, node.end_point.row}]
    if indent.strip() or before_end.strip() or len(rows) != len(set(rows)):
        return None
    lines = _read(tree, run)
    if lines is None:
        return None
    bound = [
        alias or name
        for line in lines
        for name, alias in (
            line.names or ((line.module.partition(".")[0] if not line.alias else "", line.alias),)
        )
        if line.names or line.alias
    ]
    if len(bound) != len(set(bound)) and _binds_differently(lines):
        return None
    ending = text.line_ending
    sections = _sections(_merged(lines, style), style, is_local)
    written = (ending * 2).join(
        ending.join(part for line in section for part in _written(line, indent, style, ending))
        for section in sections
    )
    written = written.removeprefix(indent)
    return None if written == text.source[start:end] else Edit(start, end, written)


def _binds_differently(lines: Sequence[_Line]) -> bool:
    """Whether two imports bind one name to different things: then their order counts."""
    meanings: dict[str, tuple[str, str]] = {}
    for line in lines:
        for name, alias in line.names:
            if meanings.setdefault(alias or name, (line.module, name)) != (line.module, name):
                return True
        if line.alias and meanings.setdefault(line.alias, (line.module, "")) != (line.module, ""):
            return True
    return False


def _read(tree: SyntaxTree, run: Sequence[tree_sitter.Node]) -> list[_Line] | None:
    lines: list[_Line] = []
    above: list[str] = []
    for node in run:
        if node.type == "comment":
            if lines and not above and _last_row(lines, run, node):
                if lines[-1].fixed and not lines[-1].module:
                    return None
                lines[-1] = replace(lines[-1], comment=tree.slice(node))
            else:
                above.append(tree.slice(node))
            continue
        read = _statement(tree, node)
        if read is None or (tree.root.has_error and node.has_error):
            return None
        read[0] = replace(read[0], above=tuple(above))
        above = []
        lines += read
    if any(_SKIP.search(line.comment) for line in lines):
        return None
    return lines if not above else None


def _last_row(lines: Sequence[_Line], run: Sequence[tree_sitter.Node], comment: tree_sitter.Node) -> bool:
    """Whether the comment stands behind an import on its line."""
    return any(node.type in _IMPORTS and node.end_point.row == comment.start_point.row for node in run)


def _statement(tree: SyntaxTree, node: tree_sitter.Node) -> list[_Line] | None:
    source = tree.slice(node)
    names = [_named(tree, each) for each in node.children_by_field_name("name")]
    if node.type == "import_statement":
        if not names or "#" in source:
            return None
        return [_Line(name, alias=alias) for name, alias in names]
    module_node = node.child_by_field_name("module_name")
    module = "".join(tree.slice(module_node).split()) if module_node is not None else "__future__"
    if any(child.type == "wildcard_import" for child in node.named_children):
        names = [("*", "")]
    if not names:
        return None
    if "#" in source:
        return [_Line(module, tuple(names), fixed=source)]
    split = re.search(r",\s*\)$", source) is not None and "\n" in source
    return [_Line(module, tuple(names), split=split)]


def _named(tree: SyntaxTree, node: tree_sitter.Node) -> tuple[str, str]:
    if node.type == "aliased_import":
        name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
        if name is not None and alias is not None:
            return "".join(tree.slice(name).split()), tree.slice(alias)
    return "".join(tree.slice(node).split()), ""


def _merged(lines: Sequence[_Line], style: ImportStyle) -> list[_Line]:
    """One line for each module's plain names, one for each alias; lines with comments stay by themselves."""
    result: list[_Line] = []
    together: dict[str, int] = {}
    for line in lines:
        if line.fixed or not line.names or ("*", "") in line.names:
            if line not in result:
                result.append(line)
            continue
        aliased = [] if style.combine_as else [each for each in line.names if each[1]]
        plain = [each for each in line.names if each not in aliased]
        if line.comment or line.above:
            if aliased and plain:
                result.append(replace(line, fixed=_plain(line)))
            else:
                result.append(line)
            continue
        for each in aliased:
            result.append(_Line(line.module, (each,)))
        if plain and line.module in together:
            at = together[line.module]
            known = result[at]
            result[at] = replace(known, names=(*known.names, *plain), split=known.split or line.split)
        elif plain:
            together[line.module] = len(result)
            result.append(replace(line, names=tuple(plain)))
    return list(dict.fromkeys(result))


def _plain(line: _Line) -> str:
    names = ", ".join(f"{name} as {alias}" if alias else name for name, alias in _sorted_names(line))
    return f"from {line.module} import {names}"


def _sections(
    lines: Sequence[_Line], style: ImportStyle, is_local: Callable[[str], bool]
) -> list[list[_Line]]:
    def section(line: _Line) -> int:
        top = line.module.partition(".")[0]
        if not top:
            return 4
        if top == "__future__":
            return 0
        if top in style.known_first_party:
            return 3
        if top in style.known_third_party:
            return 2
        if top in sys.stdlib_module_names:
            return 1
        return 3 if is_local(top) else 2

    def key(line: _Line) -> tuple[object, ...]:
        plain = not line.names
        dots = len(line.module) - len(line.module.lstrip("."))
        first = _sorted_names(line)[0] if line.names else ("", line.alias)
        order = (-dots, _natural(line.module), line.module)
        by_kind = (False,) if style.force_sort_within_sections else (not plain,)
        return (*by_kind, *order, not plain, _member_key(first[0]), first[1])

    ordered = sorted(lines, key=lambda line: (section(line), key(line)))
    return [list(group) for _, group in groupby(ordered, key=section)]


def _natural(name: str) -> tuple[tuple[int, object], ...]:
    """Numbers in names count as numbers, case does not."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name.lower()) if part
    )


def _member_key(name: str) -> tuple[object, ...]:
    """Constants, then classes, then the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, _natural(name), name


def _sorted_names(line: _Line) -> list[tuple[str, str]]:
    return sorted(dict.fromkeys(line.names), key=lambda each: (_member_key(each[0]), each[1]))


def _written(line: _Line, indent: str, style: ImportStyle, ending: str) -> list[str]:
    comment = f"  {line.comment}" if line.comment else ""
    above = [indent + each for each in line.above]
    if line.fixed:
        return [*above, indent + line.fixed + comment]
    if not line.names:
        alias = f" as {line.alias}" if line.alias else ""
        return [*above, f"{indent}import {line.module}{alias}{comment}"]
    names = [f"{name} as {alias}" if alias else name for name, alias in _sorted_names(line)]
    one = f"{indent}from {line.module} import {', '.join(names)}"
    if (len(one) <= style.line_length and not line.split) or names == ["*"]:
        return [*above, one + comment]
    inner = [f"{indent}    {name}," for name in names]
    return [*above, f"{indent}from {line.module} import ({comment}", *inner, f"{indent})"]
