"""Which class a receiver is likely to be of, told from the text alone.

Good for every language, no types needed: `self`/`this` are the enclosing class; otherwise the nearest
assignment, annotation, declaration or constructor call before the cursor names the class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.symbols import CLASS_LIKE

CLASS_KINDS = CLASS_LIKE | {SymbolKind.TYPE}
SELF = frozenset({"self", "cls", "this", "Self", "super()", "super"})
_CLASS = r"(?:[A-Za-z_]\w*(?:\.|::))*([A-Z]\w*)"
_WRAPPED = r"""["']?(?:Optional\[|Annotated\[|Final\[|ClassVar\[|type\[|Type\[|\*|&(?:mut )?|\[\])*"""
_WINDOW = 200_000


def last_name(receiver: str) -> str:
    """`c` of `a.b->c`."""
    return re.split(r"\.|::|->", receiver)[-1]


def enclosing_classes(at: int, found: Sequence[Symbol]) -> list[Symbol]:
    """The classes that hold `at`, innermost first."""
    holding = [symbol for symbol in found if symbol.kind in CLASS_KINDS and symbol.start <= at <= symbol.end]
    return sorted(holding, key=lambda symbol: symbol.end - symbol.start)


def bases_of(symbol: Symbol) -> list[str]:
    """The last parts of the names of a class's bases, read from its signature."""
    head = symbol.signature
    if found := re.search(r"\bclass\s+\w+\s*(?:\[[^\]]*\])?\((.*)\)", head):
        names = re.findall(r"(?:^|,)\s*((?:\w+\.)*\w+)\s*(?=\[|,|$)", found[1])
    elif found := re.search(r"(?:\bextends\b|\bimplements\b|:|<)\s*([\w.,:<> ]+)", head):
        names = re.findall(r"(?:\w+(?:\.|::))*\w+", found[1])
    else:
        names = []
    ignored = {"object", "public", "private", "protected", "extends", "implements", "virtual"}
    return [name for name in (re.split(r"\.|::", each)[-1] for each in names) if name not in ignored]


def classes_of(doc: Document, at: int, receiver: str, found: Sequence[Symbol], depth: int = 2) -> list[str]:
    """Names of the classes that `receiver`, used at `at`, may be of; the likeliest first, [] when the
    text does not tell."""
    if receiver in SELF:
        around = enclosing_classes(at, found)
        if receiver.startswith("super"):
            return bases_of(around[0]) if around else []
        return [around[0].name] if around else []
    last = last_name(receiver)
    if last[:1].isupper() and not last.isupper():
        return [last]
    source = doc.text.source
    spaces: list[tuple[int, int]] = [(max(0, at - _WINDOW), at)]
    if receiver.startswith(("self.", "this.", "cls.")):
        around = enclosing_classes(at, found)
        if around:  # an attribute may be set anywhere in its class
            spaces.append((around[0].start, around[0].end))
    for start, end in spaces:
        if told := _class_at(source, receiver, start, end):
            return [told]
    if depth > 0:
        for start, end in spaces:
            for place in _uses(source, receiver, start, end):
                other = _COPIED.match(source, place + len(receiver))
                if other and other[1] != receiver:
                    return classes_of(doc, place, other[1], found, depth - 1)
    return []


def _class_at(source: str, receiver: str, start: int, end: int) -> str:
    """The class that the last place before `end` that tells it gives `receiver`."""
    for place in _uses(source, receiver, start, end):
        behind = place + len(receiver)
        if told := _MADE.match(source, behind) or _NOTED.match(source, behind):
            return told[1]
        line = source.rfind("\n", 0, place) + 1
        before = source[max(line, place - 120) : place]
        if _ENDS_DECLARATION.match(source, behind) and (told := _DECLARED.search(before)):
            return told[1]
        if before.endswith(" as ") and (told := _ENTERED.search(before)):
            return told[1]
    return ""


def _uses(source: str, receiver: str, start: int, end: int) -> Iterator[int]:
    """Where `receiver` stands by itself in `start:end`, last first."""
    place = source.rfind(receiver, start, end)
    for _ in range(_MOST_USES):
        if place < 0:
            return
        before = source[place - 1 : place] or " "
        behind = source[place + len(receiver) : place + len(receiver) + 1]
        if not (before.isalnum() or (before in ("_", ".") and before)) and not (
            behind.isalnum() or behind == "_"
        ):
            yield place
        place = source.rfind(receiver, start, place)


_MOST_USES = 400
_MADE = re.compile(rf"\s*:?=\s*(?:await\s+|new\s+|&)?{_CLASS}\s*(?:\(|\{{|::new)")
_NOTED = re.compile(rf"\s*\??:\s*{_WRAPPED}{_CLASS}")
_DECLARED = re.compile(rf"(?<![\w.]){_CLASS}(?:<[^<>;]*>)?[ \t*&]+\Z")
_ENDS_DECLARATION = re.compile(r"\s*[=;,)]")
_ENTERED = re.compile(rf"\bwith\s[^\n]*?{_CLASS}\([^\n]*\)\s+as\s+\Z")
_COPIED = re.compile(r"\s*:?=\s*([A-Za-z_][\w.]*)\s*(?:$|[\n;#])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the text says about a receiver whose class it does not name."""

    names: tuple[str, ...] = ()
    """What to look up elsewhere: the receiver's last name, the function it was got from."""
    builtin: str = ""
    """The built-in type it is of (Python)."""


_PYTHON_LITERAL = (
    (re.compile(r"""[rRbBuUfF]{0,2}["']"""), "str"),
    (re.compile(r"\["), "list"),
    (re.compile(r"\{\s*(?:\}|[^\n:]*:|\*\*|$)"), "dict"),
    (re.compile(r"\{"), "set"),
)
_BUILTIN = r"(str|bytes|list|dict|set|frozenset|tuple|int|float|bytearray|List|Dict|Set|Tuple)\b"
_VALUE = re.compile(r"\s*(?::[^=\n]*)?:?=(?!=)\s*([^\n]*)")
_CALLED_NAME = re.compile(r"(?:[\w.]|->|::)*?(\w+)\s*\(")
_NOTED_BUILTIN = re.compile(rf"\s*:\s*(?:Optional\[)?[\"']?{_BUILTIN}")
_BUILTIN_CALL = re.compile(_BUILTIN + r"\(")
_STRING_CALL = re.compile(r"\.(?:format|join|strip|lower|upper|decode|replace)\([^()]*\)\s*$")
_CAPITAL = {"List": "list", "Dict": "dict", "Set": "set", "Tuple": "tuple"}


def hints_of(doc: Document, at: int, receiver: str) -> Hints:
    """What is said about `receiver` (\"\": an expression that ends before `at`), used at `at`."""
    source = doc.text.source
    python = doc.language == "python"
    if not receiver:
        return _hints_of_expression(source, at, python=python)
    last = last_name(receiver)
    if receiver in SELF:
        return Hints()
    names = [last]
    builtin = ""
    for place in _uses(source, receiver, max(0, at - _WINDOW), at):
        behind = place + len(receiver)
        if python and (noted := _NOTED_BUILTIN.match(source, behind)):
            builtin = _CAPITAL.get(noted[1], noted[1])
            break
        made = _VALUE.match(source, behind)
        if made is None:
            continue
        value = made[1].removeprefix("await ").removeprefix("new ")
        if got := _CALLED_NAME.match(value):
            names.append(got[1])
        if python:
            builtin = next((type_ for pattern, type_ in _PYTHON_LITERAL if pattern.match(value)), "")
            if found := _BUILTIN_CALL.match(value):
                builtin = found[1]
            if _STRING_CALL.search(value):
                builtin = "str"
        break
    return Hints(tuple(dict.fromkeys(names)), builtin)


def _hints_of_expression(source: str, at: int, *, python: bool) -> Hints:
    end = at
    while end > 0 and source[end - 1] in " \t\r\n?!.":
        end -= 1
    last = source[end - 1 : end]
    if last in ("'", '"'):
        return Hints(builtin="str") if python else Hints()
    if last == "}" and python:
        return Hints()
    if last != ")":
        return Hints()
    depth, place = 0, end
    least = max(0, end - 2000)
    while place > least:
        place -= 1
        depth += (source[place] == ")") - (source[place] == "(")
        if depth == 0:
            break
    called = re.search(r"(\w+)\s*\Z", source[max(0, place - 100) : place])
    if called is None:
        return Hints()
    name = called[1]
    if python and re.fullmatch(_BUILTIN, name):
        return Hints(builtin=name)
    if python and name in ("format", "join", "strip", "lower", "upper", "decode", "replace"):
        return Hints((name,), "str")
    return Hints((name,))


def members_in(doc: Document, names: Sequence[str], found: Sequence[Symbol]) -> dict[str, Symbol]:
    """The members that the document's classes called one of `names` define, first definition first."""
    members: dict[str, Symbol] = {}
    for symbol in found:
        if symbol.owner in names:
            members.setdefault(symbol.name, symbol)
    return members
