"""Definitions of one file: kind, nesting, signature on one line, documentation."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

import tree_sitter

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.languages import language_named
from devflow.analysis.syntax.parse import SyntaxTree

CLASS_LIKE = frozenset({SymbolKind.CLASS, SymbolKind.INTERFACE, SymbolKind.ENUM, SymbolKind.STRUCT})
FUNCTIONS = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR})
FUNCTION_LIKE = FUNCTIONS | {SymbolKind.PROPERTY}

_SIGNATURE_LIMIT = 400
_DOC_LIMIT = 8_000
_WIDEST_INDENT = 500
_KINDS = {kind.value: kind for kind in SymbolKind}
_VALUES = frozenset({SymbolKind.VARIABLE, SymbolKind.FIELD, SymbolKind.CONSTANT})
_DOCSTRING = re.compile(
    r"[rRuU]?(?:\"\"\"(?P<a>(?:\\.|[^\\])*?)\"\"\"|'''(?P<b>(?:\\.|[^\\])*?)'''"
    r"|\"(?P<c>(?:\\.|[^\\\"\n])*)\"|'(?P<d>(?:\\.|[^\\'\n])*)')",
    re.DOTALL,
)
_PROPERTY = re.compile(r"@(?:[\w.]+\.)?(?:\w*property|setter|getter|deleter)\b")
_CONSTRUCTORS = frozenset({"__init__", "__new__", "constructor", "initialize"})
# Of two kinds for one name the narrower wins.
_STRENGTH = {"variable": 0, "type": 1, "function": 2}
_SELVES = frozenset({"self", "cls", "this"})
_COMMENT_SIGN = re.compile(r"^\s*(?:/\*+|\*+/|\*|//[/!]?|#)[ \t]?|\s*\*+/\s*$")
_XML_TAG = re.compile(r"</?(?:summary|param|returns|remarks|value|para)\b[^>\n]*>")
_ATTRIBUTE_LINE = re.compile(r"\s*(?:#\[|@|\[)")


def symbols(tree: SyntaxTree) -> tuple[Symbol, ...]:
    """The definitions in `tree`, outer before inner, in the order of the text.

    Local variables are left out; fields assigned through `self` or `this` are in, under their class.
    """
    found = sorted(_definitions(tree), key=lambda d: (d.start, -d.end, d.name_start))
    result: list[Symbol] = []
    stack: list[
        tuple[int, str, SymbolKind | None]
    ] = []  # end, qualified name, kind (None: a scope without a symbol)
    seen: set[tuple[str, str]] = set()
    for definition in found:
        while stack and stack[-1][0] <= definition.start:
            stack.pop()
        kind: SymbolKind | None
        outer = stack[-1] if stack else None
        if definition.kind == "scope":
            stack.append((definition.end, definition.name, None))
            continue
        if definition.kind == "local":
            stack.append((definition.end, outer[1] if outer else "", SymbolKind.FUNCTION))
            continue
        if definition.kind == "member":
            outer = next((entry for entry in reversed(stack) if _is_class(entry[2])), None)
            if outer is None:
                continue
            kind = SymbolKind.FIELD
        else:
            kind = _KINDS[definition.kind]
        container = outer[1] if outer else ""
        if definition.owner:
            container = f"{container}.{definition.owner}" if container else definition.owner
        if kind in _VALUES and outer and outer[2] in FUNCTION_LIKE:
            continue
        kind = _refined(
            kind,
            definition,
            tree,
            container,
            in_class=bool(definition.owner) or bool(outer and _is_class(outer[2])),
        )
        if kind in _VALUES:
            if (container, definition.name) in seen:
                continue
            seen.add((container, definition.name))
        symbol = Symbol(
            definition.name,
            kind,
            definition.start,
            definition.end,
            definition.name_start,
            definition.name_end,
            container,
            _signature(tree, definition),
            _documentation(tree, definition, kind),
        )
        result.append(symbol)
        if kind not in _VALUES:
            stack.append((definition.end, symbol.qualified_name, kind))
    return tuple(result)


@dataclass(slots=True)
class _Definition:
    """One definition as captured. `head`: where it begins without decorators; `body`: where the head ends."""

    kind: str
    name: str
    name_start: int
    name_end: int
    start: int
    end: int
    head: int
    body: int
    owner: str = ""


def _definitions(tree: SyntaxTree) -> list[_Definition]:
    by_name: dict[int, _Definition] = {}
    offset = (lambda byte: byte) if tree.text.is_ascii else tree.offset
    source = tree.text.source
    for _, captured in tree.matches("definitions"):
        names = captured.pop("name", None)
        if not names:
            for node in captured["local"]:
                start, end = offset(node.start_byte), offset(node.end_byte)
                by_name[-1 - start] = _Definition("local", "", start, start, start, end, start, -1)
            continue
        if "self" in captured and tree.slice(captured.pop("self")[0]) not in _SELVES:
            continue
        body = captured.pop("body", None)
        owner = captured.pop("owner", None)
        [(kind, nodes)] = captured.items()
        start, end = offset(nodes[0].start_byte), offset(nodes[0].end_byte)
        for name in names:
            name_start, name_end = offset(name.start_byte), offset(name.end_byte)
            stop = offset(body[0].start_byte) if body else -1
            known = by_name.get(name_start)
            if known is None:
                by_name[name_start] = _Definition(
                    kind,
                    source[name_start:name_end].strip("\"'"),
                    name_start,
                    name_end,
                    start,
                    end,
                    start,
                    stop,
                    _owner(tree, owner),
                )
                continue
            # The same definition seen from its wrapper (decorators, `export`) or by a narrower pattern.
            known.start, known.end = min(known.start, start), max(known.end, end)
            known.head = max(known.head, start)
            known.body = max(known.body, stop)
            known.owner = known.owner or _owner(tree, owner)
            if _STRENGTH.get(kind, 3) > _STRENGTH.get(known.kind, 3):
                known.kind = kind
    return list(by_name.values())


def _owner(tree: SyntaxTree, nodes: list[tree_sitter.Node] | None) -> str:
    if not nodes:
        return ""
    name = re.match(r"[\w:.]*", tree.slice(nodes[0]).lstrip("*& "))
    return name[0].replace("::", ".").strip(".") if name else ""


def _is_class(kind: SymbolKind | None) -> bool:
    return kind is None or kind in CLASS_LIKE


def _refined(
    kind: SymbolKind, definition: _Definition, tree: SyntaxTree, container: str, *, in_class: bool
) -> SymbolKind:
    if kind is SymbolKind.FUNCTION and in_class:
        kind = SymbolKind.METHOD
    if kind is SymbolKind.METHOD and not in_class:
        kind = SymbolKind.FUNCTION  # Ruby's `def` outside any class
    if kind is SymbolKind.METHOD:
        if definition.name in _CONSTRUCTORS or definition.name == container.rpartition(".")[2]:
            return SymbolKind.CONSTRUCTOR
        if definition.start < definition.head and _PROPERTY.search(
            tree.text.source, definition.start, definition.head
        ):
            return SymbolKind.PROPERTY
    if kind is SymbolKind.VARIABLE and in_class:
        kind = SymbolKind.FIELD
    if (
        kind in (SymbolKind.VARIABLE, SymbolKind.FIELD)
        and definition.name.isupper()
        and len(definition.name) > 1
    ):
        return SymbolKind.CONSTANT
    return kind


def _signature(tree: SyntaxTree, definition: _Definition) -> str:
    source = tree.text.source
    if definition.body >= 0:
        head = source[definition.head : min(definition.body, definition.head + 4 * _SIGNATURE_LIMIT)]
    else:
        head = source[definition.head : min(definition.end, definition.head + _SIGNATURE_LIMIT)]
        first = head.split("\n", 1)[0]
        head = head if head.count("(") > head.count(")") or first.endswith(("(", "=")) else first
    if "\n" in head:
        sign = _comment_sign(tree.language)
        if sign in head:
            head = "\n".join(
                re.sub(rf"(?:^|\s){re.escape(sign)}[^\"'\n]*$", "", line) for line in head.split("\n")
            )
        head = re.sub(r"\s+", " ", head)
        head = re.sub(r"([(\[]) | (?=[)\]])", r"\1", head).replace(",)", ")").replace(",]", "]")
    head = head.strip().rstrip("{;").rstrip()
    if tree.language in ("python", "ruby") or head.endswith("=>"):
        head = head.removesuffix("=>").rstrip().removesuffix(":")
    return head if len(head) <= _SIGNATURE_LIMIT else head[: _SIGNATURE_LIMIT - 1] + "…"


def _comment_sign(language: str) -> str:
    entry = language_named(language)
    return entry.comment if entry and entry.comment else "//"


def _documentation(tree: SyntaxTree, definition: _Definition, kind: SymbolKind) -> str:
    source = tree.text.source
    if tree.language == "python" and definition.body >= 0:
        found = _DOCSTRING.match(source, definition.body)
        if found:
            content = next((group for group in found.groups() if group is not None), "")
            return inspect.cleandoc(content)[:_DOC_LIMIT]
        if kind in CLASS_LIKE:
            return ""
    return _leading_comment(source, definition.start, _comment_sign(tree.language))


def _leading_comment(source: str, start: int, sign: str) -> str:
    """The comment that ends on the line above `start`, without comment signs."""
    low = max(0, start - _WIDEST_INDENT)
    line_start = source.rfind("\n", low, start) + 1
    if (not line_start and low) or source[line_start:start].strip():
        return ""  # something else stands before it on its line
    lines: list[str] = []
    block = False
    at = line_start
    while at > 0 and len(lines) < 200:
        previous = source.rfind("\n", 0, at - 1) + 1
        line = source[previous : at - 1]
        stripped = line.strip()
        if block:
            lines.append(line)
            if stripped.startswith("/*"):
                break
        elif sign == "//" and stripped.endswith("*/"):
            if lines:
                break
            if "/*" in stripped and not stripped.startswith("/*"):
                break
            lines.append(line)
            block = not stripped.startswith("/*")
            if not block:
                break
        elif stripped.startswith(sign) and not stripped.startswith(("#!", "#[")):
            lines.append(line)
        elif not lines and sign == "//" and _ATTRIBUTE_LINE.match(line):
            pass  # attributes and annotations stand between a comment and its definition
        else:
            break
        at = previous
    if not lines or (block and not lines[-1].strip().startswith("/*")):
        return ""
    cleaned = [_COMMENT_SIGN.sub("", line).rstrip() for line in reversed(lines)]
    content = (
        _XML_TAG.sub("", "\n".join(cleaned)) if lines[-1].lstrip().startswith("///") else "\n".join(cleaned)
    )
    return inspect.cleandoc(content).strip()[:_DOC_LIMIT]
