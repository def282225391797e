"""What stands at the cursor and which names can be used there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Literal

import tree_sitter

from devflow.analysis.calls import safe_start
from devflow.analysis.document import Document
from devflow.analysis.facts import SymbolKind
from devflow.analysis.references import operator_before, receiver_before, sigils_of
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex


@dataclass(frozen=True, slots=True)
class Word:
    """The word being typed and what it is read from."""

    start: int
    prefix: str
    """The part of the word before the cursor, `""` when none is begun."""
    receiver: str | None
    """The plain dotted name before the dot (`self.client`), None where there is none."""
    after_dot: bool = False
    """True also behind a dot whose receiver is no plain name: `f().`, `a[0].`."""


@dataclass(frozen=True, slots=True)
class VisibleName:
    """A name that can be used at the cursor."""

    name: str
    kind: SymbolKind
    start: int
    """Where it is bound."""
    distance: int
    """Scopes between the cursor and the binding: 0 is the innermost one."""


def word_before(text: Text, at: int, language: str = "") -> Word:
    """The word that ends at `at`, with the dotted name it is read from."""
    source = text.source
    start = at = min(max(at, 0), len(source))
    signs = "_" + sigils_of(language)
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] in signs):
        start -= 1
    prefix = source[start:at]
    before = start
    while before > 0 and source[before - 1] in " \t":
        before -= 1
    operator = operator_before(source, before)
    if not operator:
        return Word(start, prefix, None)
    receiver = receiver_before(source, start, sigils_of(language))
    if receiver == "from":
        return Word(start, prefix, None)  # a relative import
    if receiver:
        return Word(start, prefix, receiver, after_dot=True)
    end = before - len(operator)
    while end > 0 and source[end - 1] in " \t\r\n":
        end -= 1
    last = source[end - 1 : end]
    attribute = (
        last in tuple(")]}\"'`!?") or (last.isalnum() and not _ends_with_number(source, end)) or last == "_"
    )
    return Word(start, prefix, None, after_dot=bool(last) and attribute)


def visible_names(tree: SyntaxTree, at: int) -> list[VisibleName]:
    """Names that can be used at `at`: parameters, locals bound before it, names of the scopes around,
    globals and imports. Nearest first, each name once. Scopes are functions, classes and comprehensions;
    blocks make none."""
    around = _scopes_around(tree, at)
    result: dict[str, VisibleName] = {}
    distance = 0
    for number, node in enumerate(around):
        is_outermost = number == len(around) - 1
        if tree.language == "python" and node.type == "class_definition" and number > 0:
            continue  # names of a class body are not visible in its methods
        if is_outermost:
            found = _bound_at_top(tree)
        else:
            found = _bound_in(tree, node, _SHALLOW if "class" in node.type else None)
        own = _statement_of_class(tree, node, at) if distance == 0 else range(0)
        for name, kind, start in sorted(found, key=_START, reverse=True):
            if start in own and kind is SymbolKind.VARIABLE:
                continue  # in `size = size` the class has no `size` yet
            is_later = start >= at and kind is SymbolKind.VARIABLE and node.type not in _BOUND_BEHIND
            if distance == 0 and not is_outermost and is_later:
                continue
            if name not in result and not (start < at <= start + len(name)):
                result[name] = VisibleName(name, kind, start, distance)
        distance += 1
    if tree.language == "python" and tree.has_error():
        for name, kind, start in _unindented_names(tree):
            if name not in result and not (start < at <= start + len(name)):
                result[name] = VisibleName(name, kind, start, distance - 1)
    return list(result.values())


def _statement_of_class(tree: SyntaxTree, node: tree_sitter.Node, at: int) -> range:
    """The offsets of the statement of a class body of Python that `at` is in; none anywhere else."""
    if tree.language != "python" or node.type != "class_definition":
        return range(0)
    path = tree.path_to(max(at - 1, 0))
    for above, below in pairwise(path):
        if above.type == "block" and above.parent == node:
            span = tree.span(below)
            return range(span.start, span.end)
    return range(0)


def _unindented_names(tree: SyntaxTree) -> Iterator[tuple[str, SymbolKind, int]]:
    """Python's global names by the look of the lines, where the tree is broken: an open bracket hides from
    it what follows."""
    source = tree.text.source
    whole = tree.root.is_error
    for child in [tree.root] if whole else tree.root.children:
        if not child.has_error:
            continue
        span = tree.span(child)
        for found in _UNINDENTED.finditer(
            source, tree.text.line_start(tree.text.line_at(span.start)), span.end
        ):
            if found["def"]:
                kind = SymbolKind.CLASS if found[0].startswith("class") else SymbolKind.FUNCTION
                yield found["def"], kind, found.start("def")
            elif found["name"]:
                yield found["name"], _guessed_value(found["name"]), found.start("name")
            else:
                for name in _IMPORTED.finditer(source, found.start("import"), found.end("import")):
                    yield name[1], _guessed(name[1]), name.start(1)


@dataclass(frozen=True, slots=True)
class Bound:
    """A name and the part of the file it is bound in."""

    name: str
    kind: SymbolKind
    start: int
    scope_start: int
    scope_end: int


def bindings(tree: SyntaxTree) -> list[Bound]:
    """Every name the file binds with the smallest scope around the place where it is bound."""
    captured = tree.captures("bindings")
    events = [
        (found.start_byte, -found.end_byte, capture, found)
        for capture, nodes in captured.items()
        for found in nodes
    ]
    events.sort(key=lambda event: event[:2])
    around = [(0, len(tree.text.encoded))]
    result: list[Bound] = []
    for start, negative_end, capture, found in events:
        while len(around) > 1 and around[-1][1] <= start:
            around.pop()
        if capture == "scope":
            around.append((start, -negative_end))
            continue
        own = capture in _DEFINED and found.parent is not None and found.parent.start_byte == around[-1][0]
        scope = around[-2] if own and len(around) > 1 else around[-1]
        for name, kind, at in _names(tree, capture, found):
            result.append(Bound(name, kind, at, tree.offset(scope[0]), tree.offset(scope[1])))
    return result


_UNINDENTED = re.compile(
    r"^(?:(?:async[ ]+)?(?:def|class)[ ]+(?P<def>[^\W\d]\w*)"
    r"|(?P<name>[^\W\d]\w*)[ ]*(?::[^=\n]+)?=(?!=)"
    r"|(?:from[ ]+[\w.]+[ ]+)?import[ ]+(?P<import>\([^)]*\)|[^\n#]*))",
    re.MULTILINE,
)
# The last name before each comma: `b` of `a as b`, and the whole of `a`.
_IMPORTED = re.compile(r"(?<![\w.])([^\W\d]\w*)(?=(?:\.\w+)*[ \t]*(?:,|\)|#|$|\n))", re.MULTILINE)


def in_quotes(doc: Document, at: int) -> bool:
    """Whether `at` is inside a string or a comment (and not in the code a string interpolates)."""
    tree = doc.tree
    return tree is not None and place_at(tree, at) != "code"


def place_at(tree: SyntaxTree, at: int) -> Literal["code", "comment", "string"]:
    """Whether `at` is inside a comment, inside a string, or in code (interpolations are code)."""
    for node in reversed(tree.path_to(max(at - 1, 0))):
        start, end = tree.offset(node.start_byte), tree.offset(node.end_byte)
        kind = node.type
        if "comment" in kind:
            return "comment" if start < at and (at <= end) else "code"
        if kind in ("interpolation", "template_substitution"):
            return "code"
        if kind in _STRINGS:
            if start < at < end:
                return "string"
            break
    if tree.has_error():  # a string that is not closed yet is no node
        begin = _lexed_from(tree, at)
        for token in lex(tree.text.source[begin:at], tree.language)[-1:]:
            unclosed = len(token.text) == 1 or token.text[-1] not in "\"'`"
            if token.text[:1] in "\"'`" and begin + token.end == at and unclosed:
                return "string"
    return "code"


def _lexed_from(tree: SyntaxTree, at: int) -> int:
    """From where on the text up to `at` must be lexed to know whether `at` is in a string: the line's
    start where no string can reach over a line end, which saves most of the time."""
    begin, line = safe_start(tree, at), tree.text.line_start(tree.text.line_at(at))
    above = tree.text.source[begin:line]
    if tree.language in _STRINGS_OF_ONE_LINE and not any(sign in above for sign in _OVER_LINES):
        return max(begin, line)
    return begin


_STRINGS_OF_ONE_LINE = frozenset({"python", "javascript", "typescript", "tsx", "go", "java", "c", "cpp"})
_OVER_LINES = ('"""', "'''", "`", "\\\n", "\\\r", "/*")


_BOUND_BEHIND = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)


_WITH_EXPRESSIONS = frozenset({"default_parameter", "typed_default_parameter", "typed_parameter"})
_STRINGS = frozenset(
    {
        "string",
        "template_string",
        "string_literal",
        "raw_string_literal",
        "interpreted_string_literal",
        "verbatim_string_literal",
        "interpolated_string_expression",
        "char_literal",
        "character_literal",
        "heredoc_body",
    }
)
_SCOPES_TEXT = """
function_definition lambda class_definition list_comprehension set_comprehension
dictionary_comprehension generator_expression function_declaration
generator_function_declaration function_expression arrow_function method_definition
class_declaration method_declaration func_literal interface_declaration enum_declaration
record_declaration constructor_declaration lambda_expression function_item closure_expression
impl_item trait_item mod_item struct_specifier class_specifier struct_declaration
local_function_statement method singleton_method class module do_block block_argument
"""
_SCOPES = frozenset(_SCOPES_TEXT.split())
_DEFINED = frozenset({"function", "method", "class", "interface", "enum", "struct", "type"})
_KINDS = {kind.value: kind for kind in SymbolKind}
# In a pattern such as `a, (b, *c)` or `{a, ...b}`: names that are neither read from nor called.
_BOUND_NAME = re.compile(r"(?<!\w)(?:(?<=\.\.\.)|(?<!\.))[^\W\d]\w*(?!\s*[.\[(\w])")
_SHALLOW = 3
_START = itemgetter(2)


def _scopes_around(tree: SyntaxTree, at: int) -> list[tree_sitter.Node]:
    """The scopes that hold `at`, innermost first, the whole file last.

    In an indented language the end of the last line belongs to the block it is indented under.
    """
    path = tree.path_to(at)
    scopes = [node for node in reversed(path[1:]) if node.type in _SCOPES and node.is_named]
    if tree.language == "python":
        inner = _indented_under(tree, at)
        if inner is not None and all(node.id != inner.id for node in scopes):
            scopes = [node for node in reversed(_ancestors(inner)) if node.type in _SCOPES and node.is_named]
        around = _evaluated_around(tree, at)
        scopes = [node for node in scopes if node.id not in around]
    return [*scopes, tree.root]


def _evaluated_around(tree: SyntaxTree, at: int) -> set[int]:
    """The Python scopes that hold `at` and do not see it, by their ids: defaults and annotations of a
    function, the bases of a class and the first iterable of a comprehension are evaluated around them."""
    source = tree.text.source
    in_word = 0 < at <= len(source) and (source[at - 1].isalnum() or source[at - 1] == "_")
    path = tree.path_to(at - 1 if in_word else at)
    result: set[int] = set()
    for number, node in enumerate(path[:-1]):
        kind, child = node.type, path[number + 1]
        deeper = path[number + 2 : number + 4]
        if kind in ("function_definition", "lambda"):
            if child.type == "type":
                result.add(node.id)
            elif child.type in ("parameters", "lambda_parameters") and len(deeper) == 2:
                given, part = deeper
                named = given.child_by_field_name("name") or given.named_child(0)
                if given.type in _WITH_EXPRESSIONS and named is not None and part.id != named.id:
                    result.add(node.id)
        elif kind == "class_definition" and child.type == "argument_list":
            result.add(node.id)
        elif kind in _BOUND_BEHIND and child.type == "for_in_clause" and deeper:
            first = next(each for each in node.named_children if each.type == "for_in_clause")
            left = child.child_by_field_name("left")
            if child.id == first.id and left is not None and deeper[0].start_byte > left.end_byte:
                result.add(node.id)
    return result


def _indented_under(tree: SyntaxTree, at: int) -> tree_sitter.Node | None:
    """The Python scope whose body the cursor's line would continue, when the line stands behind its end."""
    text = tree.text
    line = text.line_at(at)
    content = text.line(line)
    indent = len(content) - len(content.lstrip(" \t")) if content.strip() else at - text.line_start(line)
    if indent == 0:
        return None
    for above in range(line - 1, max(line - 400, -1), -1):
        code = text.line(above)
        if not code.strip():
            continue
        if len(code) - len(code.lstrip(" \t")) < indent:
            for node in reversed(tree.path_to(text.line_start(above) + len(code) - len(code.lstrip(" \t")))):
                if node.type in _SCOPES and node.is_named:
                    return node
            return None
    return None


def _ancestors(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """`node` and what holds it, outermost first, without the root."""
    path = [node]
    while (parent := path[-1].parent) is not None:
        path.append(parent)
    return path[-2::-1] if len(path) > 1 else []


def _bound_at_top(tree: SyntaxTree) -> list[tuple[str, SymbolKind, int]]:
    """What the file itself binds. What a statement binds follows from its text, so that of all statements
    but the one that is edited is known from the tree before."""
    before = tree.kept_names
    fresh: dict[bytes, tuple[tuple[str, SymbolKind, int], ...]] = {}
    encoded, ascii_ = tree.text.encoded, tree.text.is_ascii
    result: list[tuple[str, SymbolKind, int]] = []
    for child in tree.root.children:
        start, end = child.start_byte, child.end_byte
        base = start if ascii_ else tree.offset(start)
        if child.has_error:
            result += _bound_in(tree, child, _SHALLOW - 1, part=True)
            continue
        key = encoded[start:end]
        bound = before.get(key)
        if bound is None:
            found = _bound_in(tree, child, _SHALLOW - 1, part=True)
            bound = tuple((name, kind, at - base) for name, kind, at in found)
        fresh[key] = bound
        for name, kind, at in bound:
            result.append((name, kind, base + at))
    tree.kept_names = fresh
    return result


def _bound_in(
    tree: SyntaxTree, node: tree_sitter.Node, depth: int | None, *, part: bool = False
) -> list[tuple[str, SymbolKind, int]]:
    """Names bound directly in the scope `node`: `(name, kind, offset)`; `part`: those that `node`, which is
    part of a scope, binds there."""
    captured = tree.captures("bindings", node, depth)
    events: list[tuple[int, int, str, tree_sitter.Node]] = []
    for capture, nodes in captured.items():
        for found in nodes:
            if capture == "scope" and found.id == node.id and not part:
                continue
            events.append((found.start_byte, -found.end_byte, capture, found))
    events.sort(key=lambda event: event[:2])
    inner: list[int] = []  # ends of the scopes open inside `node`
    result: list[tuple[str, SymbolKind, int]] = []
    for start, negative_end, capture, found in events:
        while inner and inner[-1] <= start:
            inner.pop()
        if capture == "scope":
            inner.append(-negative_end)
        elif not part and not inner and capture in _DEFINED and found.parent == node:
            continue  # its own name belongs to the scope around it
        elif len(inner) <= (1 if capture in _DEFINED else 0):
            result += _names(tree, capture, found)
    return result


def _names(tree: SyntaxTree, capture: str, node: tree_sitter.Node) -> list[tuple[str, SymbolKind, int]]:
    source, start = tree.slice(node), tree.offset(node.start_byte)
    if capture == "path":  # a Go import: the package's name is the last part
        name = source.strip('"`').rpartition("/")[2]
        return [(name, SymbolKind.MODULE, start)] if name else []
    if capture in ("target", "parameter", "variable") and not source.isidentifier():
        kind = SymbolKind.PARAMETER if capture == "parameter" else SymbolKind.VARIABLE
        return [(found[0], kind, start + found.start()) for found in _BOUND_NAME.finditer(source)]
    if capture in ("target", "variable"):
        return [(source, _guessed_value(source), start)]
    if capture == "import":
        return [(source, _guessed(source), start)]
    return [(source, _KINDS[capture], start)]


def _guessed_value(name: str) -> SymbolKind:
    return SymbolKind.CONSTANT if name.isupper() and len(name) > 1 else SymbolKind.VARIABLE


def _guessed(name: str) -> SymbolKind:
    """The kind a name's shape suggests, where nothing else is known."""
    if name.isupper() and len(name) > 1:
        return SymbolKind.CONSTANT
    return SymbolKind.CLASS if name[:1].isupper() else SymbolKind.VARIABLE


def _ends_with_number(source: str, end: int) -> bool:
    start = end
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] == "_"):
        start -= 1
    return source[start : start + 1].isdigit()
