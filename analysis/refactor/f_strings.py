"""f-strings for `"…".format(…)` and `"…" % (…)`."""

from __future__ import annotations

import re

import tree_sitter

from devflow.analysis.python_scopes import PythonNames
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.selection import walk
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}!:]*)(![rsa])?(:[^{}]*)?\}")
_PERCENT = re.compile(r"%%|%(?P<flags>[-+ #0]*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<type>[srdifgexX])|%.?")


def to_f_string(names: PythonNames, at: int, _: int = 0) -> list[Edit]:
    """Make an f-string of the `"…".format(…)` or `"…" % (…)` at `at`."""
    tree = names.tree
    for node in reversed(tree.path_to(at)):
        made = None
        if node.type == "call":
            made = _from_format(tree, node)
        elif node.type == "binary_operator" and node.children[1].type == "%":
            made = _from_percent(tree, node)
        if made is not None:
            span = tree.span(node)
            return [Edit(span.start, span.end, made)]
    raise Refused("There is no format string here.")


def _plain_string(tree: SyntaxTree, node: tree_sitter.Node | None) -> tuple[str, str] | None:
    """`(quote, content)` of a string without prefix."""
    if node is None or node.type != "string":
        return None
    found = re.fullmatch(r"(\"{3}|'{3}|\"|')(.*)\1", tree.slice(node), re.DOTALL)
    return (found[1], found[2]) if found is not None and "\\N" not in found[2] else None


def _from_format(tree: SyntaxTree, node: tree_sitter.Node) -> str | None:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or function.type != "attribute":
        return None
    name, owner = function.child_by_field_name("attribute"), function.child_by_field_name("object")
    string = _plain_string(tree, owner)
    if string is None or name is None or tree.slice(name) != "format" or arguments.type != "argument_list":
        return None
    positional: list[tree_sitter.Node] = []
    keywords: dict[str, tree_sitter.Node] = {}
    for each in arguments.named_children:
        if each.type == "keyword_argument":
            given = each.child_by_field_name("value")
            named = each.child_by_field_name("name")
            if named is not None and given is not None:
                keywords[tree.slice(named)] = given
        elif each.type in ("list_splat", "dictionary_splat", "comment"):
            raise Refused("The arguments of format cannot be told apart.")
        else:
            positional.append(each)
    quote, content = string
    used: list[tree_sitter.Node] = []
    automatic = last = 0
    parts: list[str] = []
    for field in _FIELD.finditer(content):
        if re.search(r"[{}]", content[last : field.start()]):
            raise Refused("The format string has nested fields.")
        parts.append(content[last : field.start()])
        last = field.end()
        if field[0] in ("{{", "}}"):
            parts.append(field[0])
            continue
        found = re.fullmatch(r"(\d*|[^\W\d]\w*)((?:\.[^\W\d]\w*|\[\d+\])*)", field[1])
        if found is None:
            raise Refused("The format string has fields that an f-string writes otherwise.")
        key = str(found[1])
        if not key:
            key = str(automatic)
            automatic += 1
        value = keywords.get(key) if not key.isdigit() else None
        if key.isdigit() and int(key) < len(positional):
            value = positional[int(key)]
        if value is None:
            raise Refused("The format string names an argument that is not there.")
        used.append(value)
        parts.append(
            f"{{{_inside(tree, value, quote, bool(found[2]))}{found[2]}{field[2] or ''}{field[3] or ''}}}"
        )
    if re.search(r"[{}]", content[last:]):
        raise Refused("The format string has nested fields.")
    parts.append(content[last:])
    every = [*positional, *keywords.values()]
    in_order = [each.start_byte for each in used] == [each.start_byte for each in every]
    if not in_order and any(each.type == "call" for value in every for each in walk(value)):
        raise Refused("The arguments would be evaluated in another order, or not once.")
    return f"f{quote}{''.join(parts)}{quote}"


def _from_percent(tree: SyntaxTree, node: tree_sitter.Node) -> str | None:
    string = _plain_string(tree, node.child_by_field_name("left"))
    right = node.child_by_field_name("right")
    if string is None or right is None:
        return None
    if right.type != "tuple":
        raise Refused("Only a tuple of values is converted: a single one could be a tuple itself.")
    values = right.named_children
    quote, content = string
    parts: list[str] = []
    last = number = 0
    for field in _PERCENT.finditer(content):
        parts.append(re.sub(r"([{}])", r"\1\1", content[last : field.start()]))
        last = field.end()
        if field[0] == "%%":
            parts.append("%")
            continue
        if field["type"] is None or number >= len(values) or field["flags"].strip("0"):
            raise Refused("The format string has fields that an f-string writes otherwise.")
        if field["type"] in "sr" and (field["width"] or field["precision"] or field["flags"]):
            raise Refused("The format string has fields that an f-string writes otherwise.")
        if field["type"] in "diu":
            raise Refused("%d rounds its value and an f-string does not.")
        value = _inside(tree, values[number], quote, False)
        number += 1
        spec = f"{field['flags']}{field['width']}{field['precision'] or ''}{field['type']}"
        ending = {"s": "", "r": "!r"}.get(field["type"], f":{spec}")
        parts.append(f"{{{value}{ending}}}")
    parts.append(re.sub(r"([{}])", r"\1\1", content[last:]))
    if number != len(values):
        raise Refused("The format string and its values do not fit.")
    return f"f{quote}{''.join(parts)}{quote}"


def _inside(tree: SyntaxTree, value: tree_sitter.Node, quote: str, is_read: bool) -> str:
    """The value as it can stand between braces, in every Python that has f-strings."""
    written = tree.slice(value)
    if any(sign in written for sign in ("\\", "\n", "#", quote[0])):
        raise Refused("A value cannot stand inside an f-string: it has quotes, a backslash or several lines.")
    if value.type in ("lambda", "conditional_expression", "named_expression", "await") or written[0] in "{[":
        return f"({written})"
    simple = value.type in ("identifier", "attribute", "call", "subscript")
    return f"({written})" if is_read and not simple else written
