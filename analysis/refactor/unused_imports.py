"""Imports of a Python file that nothing uses, and the edits that take them out.

Kept, for they are there for something else: `# noqa`, `from __future__`, star imports, `import x as x`, what
`__all__` names, fallbacks inside `try`, names in type comments, and all of an `__init__.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import tree_sitter

from devflow.analysis.python_scopes import ImportedName, PythonNames
from devflow.analysis.text import Edit

_NOQA = re.compile(
    r"#\s*noqa(?!\s*:)|#\s*noqa\s*:[^#\n]*\bF401\b|#\s*(?:pylint:\s*disable|isort:\s*keep)", re.IGNORECASE
)
_TYPE_COMMENT = re.compile(r"#\s*type:\s*([^\n#]*)")


def unused_imports(names: PythonNames) -> list[ImportedName]:
    """The imported names that no code of the file uses, in the order of the text."""
    source = names.tree.text.source
    spoken = {word for comment in _TYPE_COMMENT.findall(source) for word in re.findall(r"\w+", comment)}
    spoken |= {text for text, _, _ in names.exported}
    found = []
    for each in names.imports:
        if each.module == "__future__" or each.name == "*" or each.bound in spoken:
            continue
        if each.has_alias and each.bound == (each.name or each.module):
            continue
        if _is_fallback(each.statement) or _NOQA.search(_lines_of(names, each.statement)):
            continue
        home = names.lookup(each.bound, each.scope)
        if all(use.role == "bind" and use.how == "import" for use in names.of(each.bound, home)):
            found.append(each)
    return found


def without(names: PythonNames, unused: Sequence[ImportedName]) -> list[Edit]:
    """The edits that remove the names; statements, and blocks that become empty, stay whole."""
    statements: dict[int, list[ImportedName]] = {}
    for each in names.imports:
        statements.setdefault(each.statement.start_byte, []).append(each)
    gone = {each.start for each in unused}
    emptied: dict[int, int] = {}
    edits: list[Edit] = []
    for brought in statements.values():
        if not any(each.start in gone for each in brought):
            continue
        if all(each.start in gone for each in brought):
            block = brought[0].statement.parent
            if block is not None and block.type == "block":
                emptied[block.id] = emptied.get(block.id, 0) + 1
                code = [child for child in block.named_children if child.type != "comment"]
                if emptied[block.id] == len(code):
                    span = names.tree.span(brought[0].statement)
                    edits.append(Edit(span.start, span.end, "pass"))
                    continue
            edits.append(_whole(names, brought[0].statement))
        else:
            edits += _parts(names, brought, gone)
    return sorted(edits, key=lambda edit: edit.start)


def _parts(names: PythonNames, brought: Sequence[ImportedName], gone: set[int]) -> Iterable[Edit]:
    """Runs of names, each with the comma that goes with it."""
    spans = []
    for node in brought[0].statement.children_by_field_name("name"):
        span = names.tree.span(node)
        spans.append((span.start, span.end))
    removed = [any(start <= at < end for at in gone) for start, end in spans]
    number = 0
    while number < len(spans):
        if not removed[number]:
            number += 1
            continue
        last = number
        while last + 1 < len(spans) and removed[last + 1]:
            last += 1
        if last + 1 < len(spans):
            yield Edit(spans[number][0], spans[last + 1][0], "")
        else:
            yield Edit(spans[number - 1][1], spans[last][1], "")
        number = last + 1


def _whole(names: PythonNames, statement: tree_sitter.Node) -> Edit:
    """The statement with its line, or with its `;` where it shares the line."""
    text = names.tree.text
    span = names.tree.span(statement)
    first, last = text.line_at(span.start), text.line_at(span.end)
    before = text.source[text.line_start(first) : span.start]
    after = text.source[span.end : text.line_end(last)]
    if after.lstrip().startswith(";") and after.strip() != ";":
        rest = after.lstrip()[1:]
        return Edit(span.start, text.line_end(last) - len(rest.lstrip()), "")
    if before.strip():
        return Edit(span.start - (len(before) - len(before.rstrip().rstrip(";").rstrip())), span.end, "")
    return Edit(text.line_start(first), text.line_start(last + 1), "")


def _is_fallback(statement: tree_sitter.Node) -> bool:
    above = statement.parent
    while above is not None and above.type not in ("function_definition", "class_definition"):
        if above.type == "try_statement":
            return True
        above = above.parent
    return False


def _lines_of(names: PythonNames, statement: tree_sitter.Node) -> str:
    text = names.tree.text
    span = names.tree.span(statement)
    return text.source[text.line_start(text.line_at(span.start)) : text.line_end(text.line_at(span.end))]
