"""A Python docstring worked out of the code alone: summary from the name's words, parameters,
returns and raises from the syntax tree. It says nothing that the code does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from devflow.analysis.syntax.parse import SyntaxTree

Style = Literal["google", "numpy", "sphinx"]
Node = Any
"""A tree-sitter node; it does not leave this package."""

_VERBS = frozenset(
    re.findall(
        r"\w+",
        """
        accept add allocate analyse analyze append apply assert attach authenticate authorize begin bind break
        build cache calculate call cancel capture change check choose clean clear clone close collect
        combine commit compare compile compress compute configure connect consume convert copy count create
        cut decode decorate decrypt delete deliver deploy derive describe deserialize destroy detach detect
        disable discard disconnect dispatch display divide download draw drop dump emit empty enable encode
        encrypt end enqueue ensure enter escape estimate evaluate execute exit expand export extend extract
        fail fetch fill filter find finish fix flatten flush fold follow forget format free freeze gather
        generate get give grow guess handle hide highlight identify ignore import increment index infer
        initialise initialize inject insert inspect install invalidate invoke iterate join keep kill launch
        learn leave limit link list listen load locate lock log look lookup make map mark match measure
        merge migrate mount move multiply negotiate normalise normalize notify observe open order pack pad
        parse patch paint perform pick plan poll pop predict prepare prepend print process produce prune
        publish pull push put query quote raise rank reach read rebuild receive record redact redirect
        reduce refresh register reject release reload remove rename render repeat replace report request
        require reset
        resize resolve restart restore retrieve retry return revert reverse rollback rotate round route run
        sanitize save scale scan schedule score search seek select send serialize serve set setup shift show
        shuffle shut sign simplify skip sleep sort split squash start stop store stream strip submit
        subscribe subtract suggest sum summarise summarize swap switch sync take tell test throw toggle
        tokenise tokenize track train transfer transform translate traverse trigger trim truncate try
        uninstall unlock unpack unregister unsubscribe update upgrade upload use validate verify visit wait
        walk warn watch wrap write yield zip
        """,
    )
)
_SPECIAL = {
    "__call__": "Call it.",
    "__contains__": "Tell whether it contains the given value.",
    "__enter__": "Enter the context.",
    "__exit__": "Leave the context.",
    "__aenter__": "Enter the context.",
    "__aexit__": "Leave the context.",
    "__eq__": "Tell whether it equals the other.",
    "__bool__": "Tell whether it counts as true.",
    "__delitem__": "Delete the item at the given key.",
    "__getattr__": "Return the attribute of the given name.",
    "__ne__": "Tell whether it differs from the other.",
    "__next__": "Return the next item.",
    "__post_init__": "Finish the creation.",
    "__setattr__": "Set the attribute of the given name.",
    "__getitem__": "Return the item at the given key.",
    "__hash__": "Return the hash.",
    "__iter__": "Iterate over it.",
    "__len__": "Return the number of items.",
    "__repr__": "Return a representation for developers.",
    "__setitem__": "Set the item at the given key.",
    "__str__": "Return a readable form.",
}
_SECTION = {
    "google": re.compile(r"^[ \t]*(?:Args|Returns|Raises|Yields|Attributes):[ \t]*$", re.MULTILINE),
    "numpy": re.compile(r"^[ \t]*(?:Parameters|Returns|Raises|Yields)[ \t]*\r?\n[ \t]*-{3,}", re.MULTILINE),
    "sphinx": re.compile(r"^[ \t]*:(?:param|returns?|raises|rtype|type)\b", re.MULTILINE),
}


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter as the docstring names it: `*args`, `width`."""

    name: str
    type: str
    default: str


@dataclass(frozen=True, slots=True)
class Documented:
    """A definition, and where its docstring goes or is.

    Without a docstring `start` is behind the head's colon and `end` is where the body begins when both
    are on one line, else equal to `start`. With one, `start:end` is the string.
    """

    name: str
    kind: Literal["function", "class"]
    owner: str
    """The class it stands in, "" for none."""
    arguments: tuple[Argument, ...]
    returns: str
    """The annotation; "" for none."""
    gives_value: bool
    yields: bool
    raises: tuple[tuple[str, str], ...]
    """Exception and when, as far as the code says."""
    start: int
    end: int
    indent: str
    exists: bool
    one_line: bool


def read_definition(tree: SyntaxTree, name_start: int) -> Documented | None:
    """The Python function or class whose name begins at `name_start`; None when it is broken."""
    node = next(
        (
            node
            for node in reversed(tree.path_to(name_start))
            if node.type in ("function_definition", "class_definition")
        ),
        None,
    )
    if node is None:
        return None
    name = node.child_by_field_name("name")
    body = node.child_by_field_name("body")
    colon = next((child for child in reversed(node.children) if child.type == ":"), None)
    if name is None or body is None or colon is None or not body.named_children or colon.is_missing:
        return None
    if tree.offset(name.start_byte) != name_start:
        return None
    text = tree.text
    first = next((child for child in body.named_children if child.type != "comment"), None)
    if first is None:
        return None
    head_end = tree.offset(colon.end_byte)
    body_start = tree.offset(first.start_byte)
    one_line = text.line_at(head_end) == text.line_at(body_start)
    line_of_def = text.line(text.line_at(tree.offset(node.start_byte)))
    outer = line_of_def[: len(line_of_def) - len(line_of_def.lstrip())]
    if one_line:
        indent = outer + "    "
        start, end = head_end, body_start
    else:
        line_start = text.line_start(text.line_at(body_start))
        indent = text.source[line_start:body_start]
        start = end = text.line_end(text.line_at(head_end))
    string = _docstring(first)
    if string is not None:
        start, end = tree.offset(string.start_byte), tree.offset(string.end_byte)
    is_class = node.type == "class_definition"
    own = list(_own_nodes(body))
    values = [n for n in own if n.type == "return_statement" and n.named_children]
    return Documented(
        tree.slice(name),
        "class" if is_class else "function",
        _owner(node, tree),
        () if is_class else tuple(_arguments(node, tree, bool(_owner(node, tree)))),
        "" if is_class else _slice(tree, node.child_by_field_name("return_type")),
        not is_class and bool(values),
        not is_class and any(n.type == "yield" for n in own),
        () if is_class else tuple(_raises(own, tree)),
        start,
        end,
        indent,
        string is not None,
        one_line,
    )


def skeleton(found: Documented, style: Style) -> str:
    """The docstring's text, lines without indentation."""
    sections: list[tuple[str, list[tuple[str, str, str]]]] = []
    if found.arguments:
        rows = [(a.name, a.type, _about(a)) for a in found.arguments]
        sections.append(("Args", rows))
    returned = found.returns if found.returns not in ("None", "NoReturn", "Never") else ""
    if found.yields:
        sections.append(("Yields", [("", _item_type(returned), _result(found))]))
    elif (returned or found.gives_value) and found.name != "__init__":
        sections.append(("Returns", [("", returned, _result(found))]))
    if found.raises:
        sections.append(("Raises", [(name, "", when) for name, when in found.raises]))
    lines = [summary(found)]
    if sections:
        lines.append("")
        lines += {"google": _google, "numpy": _numpy, "sphinx": _sphinx}[style](sections)
    return "\n".join(lines)


def style_of(sources: Sequence[str]) -> Style:
    """The docstring style that most of `sources` use; Google's when none shows."""
    counts = {style: sum(len(sign.findall(s)) for s in sources) for style, sign in _SECTION.items()}
    best = max(counts, key=lambda style: counts[style])
    return best if counts[best] else "google"  # type: ignore[return-value]  # its keys are the styles


def summary(found: Documented) -> str:
    """One sentence from the words of the name."""
    if found.name in _SPECIAL:
        return _SPECIAL[found.name]
    words = _words(found.name)
    if found.name == "__init__":
        return f"Create the {' '.join(_words(found.owner)) or 'object'}."
    if not words or found.name.startswith("__"):
        return f"Implement `{found.name}`."
    if found.kind == "class":
        phrase = " ".join(words)
        return f"{'An' if phrase[0] in 'aeiou' else 'A'} {phrase}."
    first, rest = words[0], " ".join(words[1:])
    if first in ("is", "are", "has", "have", "can", "should", "needs", "supports", "was", "contains"):
        return f"Tell whether it {first} {rest}." if rest else f"Tell whether it {first}."
    if first == "test" and rest:
        return f"Check that {rest}."
    if first == "to" and rest:
        return f"Convert to {rest}."
    if first == "from" and rest:
        return f"Create from {rest}."
    if first in ("on", "handle") and rest:
        return f"Handle {rest}."
    if first == "get" and rest:
        return f"Return the {rest}."
    if first in _VERBS:
        if not rest:
            return (
                f"{first.capitalize()} the {' '.join(_words(found.owner))}."
                if found.owner
                else f"{first.capitalize()}."
            )
        joined = (
            rest
            if words[1]
            in (
                "to",
                "from",
                "with",
                "by",
                "in",
                "on",
                "all",
                "if",
                "for",
                "and",
                "as",
                "at",
                "or",
                "until",
                "into",
            )
            else f"the {rest}"
        )
        return f"{first.capitalize()} {joined}."
    phrase = " ".join(words)
    if found.gives_value or found.yields or found.returns not in ("", "None"):
        return f"Return the {phrase}."
    return f"{phrase[0].upper()}{phrase[1:]}."


def _about(argument: Argument) -> str:
    name = argument.name.lstrip("*")
    if argument.name.startswith("**"):
        text = "Further keyword arguments."
    elif argument.name.startswith("*"):
        text = "Further positional arguments."
    else:
        text = f"The {' '.join(_words(name)) or name}."
    return f"{text} Defaults to {argument.default}." if argument.default else text


def _result(found: Documented) -> str:
    words = _words(found.name)
    if words and words[0] in (
        "is",
        "are",
        "has",
        "have",
        "can",
        "should",
        "needs",
        "supports",
        "was",
        "contains",
    ):
        return f"Whether it {' '.join(words)}."
    if len(words) > 1 and words[0] == "get":
        return f"The {' '.join(words[1:])}."
    return "The result." if not found.yields else "The results one by one."


def _google(sections: Sequence[tuple[str, list[tuple[str, str, str]]]]) -> list[str]:
    lines: list[str] = []
    for title, rows in sections:
        lines += ["", f"{title}:"] if lines else [f"{title}:"]
        for name, kind, about in rows:
            if title in ("Returns", "Yields"):
                lines.append(f"    {kind}: {about}" if kind else f"    {about}")
            else:
                label = f"{name} ({kind})" if kind else name
                lines.append(f"    {label}: {about}" if about else f"    {label}:")
    return lines


def _numpy(sections: Sequence[tuple[str, list[tuple[str, str, str]]]]) -> list[str]:
    lines: list[str] = []
    for title, rows in sections:
        shown = "Parameters" if title == "Args" else title
        lines += [""] if lines else []
        lines += [shown, "-" * len(shown)]
        for name, kind, about in rows:
            lines.append(f"{name} : {kind}" if name and kind else name or kind or "object")
            if about:
                lines.append(f"    {about}")
    return lines


def _sphinx(sections: Sequence[tuple[str, list[tuple[str, str, str]]]]) -> list[str]:
    lines: list[str] = []
    for title, rows in sections:
        for name, kind, about in rows:
            if title == "Args":
                lines.append(f":param {name.lstrip('*')}: {about}")
                if kind:
                    lines.append(f":type {name.lstrip('*')}: {kind}")
            elif title == "Raises":
                lines.append(f":raises {name}: {about}".rstrip())
            else:
                lines.append(f":returns: {about}")
                if kind:
                    lines.append(f":rtype: {kind}")
    return lines


def _arguments(node: Node, tree: SyntaxTree, method: bool) -> Iterator[Argument]:
    head = node.child_by_field_name("parameters")
    for number, child in enumerate(head.named_children if head is not None else ()):
        kind = _slice(tree, child.child_by_field_name("type"))
        default = _slice(tree, child.child_by_field_name("value"))
        name_node = child.child_by_field_name("name") or (
            child.named_children[0] if child.type == "typed_parameter" else child
        )
        if name_node.type not in ("identifier", "list_splat_pattern", "dictionary_splat_pattern"):
            continue
        name = tree.slice(name_node)
        if number == 0 and method and name in ("self", "cls", "mcs"):
            continue
        yield Argument(name, " ".join(kind.split()), " ".join(default.split()) if len(default) <= 40 else "…")


def _raises(nodes: Sequence[Node], tree: SyntaxTree) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for node in nodes:
        if node.type != "raise_statement" or not node.named_children:
            continue
        raised = node.named_children[0]
        made = raised.child_by_field_name("function") if raised.type == "call" else raised
        name = _slice(tree, made)
        if (
            not re.fullmatch(r"[A-Za-z_][\w.]*", name)
            or not name.rpartition(".")[2][0].isupper()
            or name in seen
        ):
            continue
        seen.add(name)
        yield name, _when(node, tree)


def _when(node: Node, tree: SyntaxTree) -> str:
    """The condition right above a `raise`, when it is short enough to read."""
    block = node.parent
    above = block.parent if block is not None else None
    if above is None or above.type not in ("if_statement", "elif_clause"):
        return ""
    if above.child_by_field_name("consequence") != block:
        return ""
    condition = " ".join(_slice(tree, above.child_by_field_name("condition")).split())
    return f"If `{condition}`." if 0 < len(condition) <= 70 and "`" not in condition else ""


def _own_nodes(body: Node) -> Iterator[Node]:
    """The nodes of a body, in order, without those of functions and classes inside it."""
    stack = list(reversed(body.named_children))
    while stack:
        node = stack.pop()
        yield node
        if node.type not in ("function_definition", "class_definition", "lambda", "decorated_definition"):
            stack += reversed(node.named_children)


def _docstring(statement: Node) -> Node | None:
    if statement.type != "expression_statement" or len(statement.named_children) != 1:
        return None
    string = statement.named_children[0]
    if string.type != "string" or not string.children:
        return None
    prefix = (string.children[0].text or b"").lower()
    return None if b"f" in prefix or b"b" in prefix else string


def _owner(node: Node, tree: SyntaxTree) -> str:
    above = node.parent
    if above is not None and above.type == "decorated_definition":
        above = above.parent
    above = above.parent if above is not None and above.type == "block" else None
    if above is None or above.type != "class_definition":
        return ""
    return _slice(tree, above.child_by_field_name("name"))


def _item_type(annotation: str) -> str:
    found = re.fullmatch(
        r"[\w.]*(?:Iterator|Generator|Iterable)\[([^\[\],]*(?:\[[^\]]*\])?)(?:,.*)?\]", annotation
    )
    return found[1].strip() if found else annotation


def _slice(tree: SyntaxTree, node: Node | None) -> str:
    return tree.slice(node) if node is not None else ""


def _words(name: str) -> list[str]:
    found: list[str] = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+", name)
    return [word if len(word) > 1 and word.isupper() else word.lower() for word in found]
