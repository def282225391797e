"""The signatures of the call around the cursor, and the parameter the cursor is in.

Python is answered from its text where that is certain, else by the type engine when it is quick
enough; everything else, and Python without an engine, from the signatures of the document's and the
index's symbols of that name.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from devflow.analysis.calls import CallSite, call_at
from devflow.analysis.document import Document
from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import FUNCTIONS
from devflow.analysis.types.base import Parameter, Signature
from devflow.analysis.written_types import result_text
from devflow.server.assist.base import Codebase
from devflow.server.assist.memory import PerDocument
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.receivers import CLASS_KINDS, classes_of
from devflow.server.assist.static_names import static_callables
from devflow.server.assist.waiting import answer, due, until, within

ENGINE_SECONDS = 0.1
INDEX_SECONDS = 0.1
_MOST = 8
_SIGNATURES = PerDocument[list[Signature]]("the type engine's signatures")
_CALLABLE = FUNCTIONS | CLASS_KINDS
_CONSTRUCTORS = frozenset({"__init__", "constructor", "initialize", "new"})
_OPEN, _CLOSE = "([{<", ")]}>"
_SELF = frozenset({"self", "cls", "&self", "&mut self", "mut self", "self: Self", "this"})


async def signature_help(doc: Document, at: int, code: Codebase) -> list[Signature]:
    """The signatures that the call whose parentheses hold `at` may have, likeliest first."""
    tree = doc.tree
    call = await asyncio.to_thread(call_at, tree, at) if tree is not None else None
    if call is not None and (made := await certain_signatures(doc, call, code)):
        return made
    if (asked := typed_signatures(doc, at, code)) is not None:
        await until(due(ENGINE_SECONDS), asked)
        if told := answer(asked):
            return sorted(told, key=lambda each: call is not None and not _takes(each, call))
    return _made(await callees(doc, at, call, code), call) if call is not None else []


async def certain_signatures(doc: Document, call: CallSite, code: Codebase) -> list[Signature]:
    """The signatures of what `call` runs where the text leaves no doubt, in libraries too; those that can
    take the arguments given so far first."""
    return _made(await static_callables(doc, call.name_start, code), call) if call.name_start >= 0 else []


def typed_signatures(doc: Document, at: int, code: Codebase) -> asyncio.Task[list[Signature]] | None:
    """The type engine's answer, kept when it is late: the same call is asked about again."""
    python = code.python
    if python is None or doc.language != "python":
        return None
    source = doc.text.source
    key = _SIGNATURES.key(doc.uri, hash(source), at)
    return code.memory.task(key, lambda: python.signatures(doc.path, source, at))


def _made(found: Sequence[Symbol], call: CallSite) -> list[Signature]:
    """Signatures of symbols, those that can take the arguments given so far first."""
    made = [signature for symbol in found[:_MOST] if (signature := signature_of(symbol, call))]
    made.sort(key=lambda each: not _takes(each, call))
    return list(dict.fromkeys(made))


def _takes(signature: Signature, call: CallSite) -> bool:
    """Whether a signature has parameters for all of a call's arguments."""
    kinds = {each.kind for each in signature.parameters}
    names = {each.name for each in signature.parameters}
    if any(each.starred for each in call.arguments):
        return True
    keywords = [each.keyword for each in call.arguments if each.keyword]
    positional = len(call.arguments) - len(keywords)
    if call.active >= len(call.arguments):
        positional += 1  # the one that is about to be written
    room = sum(
        each.kind in ("positional-only", "positional-or-keyword") and each.name not in keywords
        for each in signature.parameters
    )
    return (positional <= room or "var-positional" in kinds) and (
        "var-keyword" in kinds or names >= set(keywords)
    )


async def callees(doc: Document, at: int, call: CallSite, code: Codebase) -> list[Symbol]:
    """The symbols `call` may call: of the receiver's class, then of this document, then of the index.
    A class stands for its constructor where that is known."""
    here = await asyncio.to_thread(symbols_of, doc, code.memory)
    known: list[Symbol] = []
    classes = classes_of(doc, at, call.receiver, here) if call.receiver else []
    if code.index is not None:
        if answer := await within(code.index.symbols_named(call.name, 20), INDEX_SECONDS):
            known += [each.symbol for each in answer if each.language == doc.language]
        if any(symbol.kind in CLASS_KINDS for symbol in known if symbol.name == call.name):
            made = await within(code.index.methods_of(call.name), INDEX_SECONDS) or []
            known += [each.symbol for each in made if each.symbol.name in _CONSTRUCTORS]
    constructors = [
        symbol for symbol in (*here, *known) if symbol.name in _CONSTRUCTORS and symbol.owner == call.name
    ]
    named = [symbol for symbol in (*here, *known) if symbol.name == call.name and symbol.kind in _CALLABLE]

    def rank(symbol: Symbol) -> tuple[bool, bool]:
        owner = symbol.owner
        return owner not in classes if classes else False, bool(symbol.container) != bool(call.receiver)

    ordered = sorted(named, key=rank)
    if classes and any(not rank(symbol)[0] for symbol in ordered):
        ordered = [symbol for symbol in ordered if not rank(symbol)[0]]
    return constructors or ordered


def signature_of(symbol: Symbol, call: CallSite | None = None) -> Signature | None:
    """`symbol`'s signature as a value; None when its head has no parameter list."""
    name = symbol.name
    parameters = parameters_of(symbol.signature, name)
    if parameters is None or (symbol.kind in CLASS_KINDS and symbol.name not in _CONSTRUCTORS):
        return None
    if name in _CONSTRUCTORS and symbol.container:
        name = symbol.owner
    label = f"{name}({', '.join(_written(parameters))})"
    if returned := re.search(r"\)\s*(->\s*[^{]+|:\s*[^{]+)$", symbol.signature):
        label += f" {returned[1].strip()}" if returned[1][0] == "-" else returned[1].rstrip()
    elif symbol.signature.startswith("func ") and (
        result := result_text(symbol.signature, symbol.name, "go")
    ):
        label += f" {result}"
    active = active_parameter(parameters, call) if call else None
    return Signature(label, tuple(parameters), active, symbol.doc)


def _written(parameters: Sequence[Parameter]) -> list[str]:
    """The parameters with the `/` and `*` between them."""
    written: list[str] = []
    before = ""
    for each in parameters:
        if before == "positional-only" != each.kind:
            written.append("/")
        if each.kind == "keyword-only" and before not in ("keyword-only", "var-positional"):
            written.append("*")
        written.append(each.label)
        before = each.kind
    return [*written, "/"] if before == "positional-only" else written


def active_parameter(parameters: Sequence[Parameter], call: CallSite) -> int | None:
    """Which of `parameters` the argument under the cursor fills."""
    keyword = call.arguments[call.active].keyword if call.active < len(call.arguments) else None
    if keyword:
        for number, parameter in enumerate(parameters):
            if parameter.name == keyword:
                return number
        return next((n for n, each in enumerate(parameters) if each.kind == "var-keyword"), None)
    if call.active < len(parameters) and parameters[call.active].kind in (
        "positional-only",
        "positional-or-keyword",
    ):
        return call.active
    return next((n for n, each in enumerate(parameters) if each.kind == "var-positional"), None)


def parameters_of(signature: str, name: str) -> list[Parameter] | None:
    """The parameters in the head of a definition of `name`, in any of the languages; `self` is left
    out; None when there is no list of them."""
    begin = _list_behind(signature, name)
    if begin is None:
        return None
    pieces = _split(signature[begin:])
    kind = "positional-or-keyword"
    result: list[Parameter] = []
    for number, piece in enumerate(pieces):
        if piece == "/":
            result = [Parameter(p.name, "positional-only", p.label, p.has_default) for p in result]
        elif piece == "*":
            kind = "keyword-only"
        elif number == 0 and (piece in _SELF or piece.partition(":")[0] in ("self", "cls")):
            continue
        elif piece.startswith("**"):
            result.append(Parameter(_name(piece), "var-keyword", piece, False))
        elif piece.startswith("*") and re.match(r"\*\w+(?::|$)", piece):
            result.append(Parameter(_name(piece), "var-positional", piece, False))
            kind = "keyword-only"
        elif piece.startswith("...") or "..." in piece:
            result.append(Parameter(_name(piece), "var-positional", piece, False))
        else:
            default = "=" in re.sub(r"=>|[=!<>]=", "", piece)
            result.append(Parameter(_name(piece), kind, piece, default))
    return result


_LIST_BEGINS = re.compile(r"\s*(?:<[^()]*>|\[[^()]*\])?\s*[:=]?\s*(?:async\s*)?\(")


def _list_behind(signature: str, name: str) -> int | None:
    """Where the list behind the word `name` begins, behind its bracket."""
    # A pattern with the name in it would be compiled for each of a completion's 200 names: 6 ms.
    at = signature.find(name)
    while at >= 0:
        before = signature[at - 1 : at]
        found = _LIST_BEGINS.match(signature, at + len(name))
        if found is not None and not (before.isalnum() or before == "_"):
            return found.end()
        at = signature.find(name, at + 1)
    return None


def _split(rest: str) -> list[str]:
    """The comma-separated pieces of `rest` up to the bracket that closes them."""
    pieces: list[str] = []
    depth = 0
    start = 0
    quote = ""
    for at, char in enumerate(rest):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and not (char == "'" and rest[max(0, at - 1) : at] in ("&", "<")):
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char == ">" and rest[at - 1 : at] in ("-", "="):
            continue
        elif char in _CLOSE:
            if depth == 0:
                pieces.append(rest[start:at])
                break
            depth -= 1
        elif char == "," and depth == 0:
            pieces.append(rest[start:at])
            start = at + 1
    else:
        pieces.append(rest[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _name(piece: str) -> str:
    """The parameter's name in `name: Type`, `Type name`, `name Type` (Go) or `*name = default`."""
    head = re.split(r"[:=]", piece.lstrip("*.&@ "), maxsplit=1)[0].strip()
    words: list[str] = re.findall(r"\w+", head)
    if not words:
        return piece
    typed_first = len(words) > 1 and not re.match(r"\w+\s+[\w*.\[\]]+$", head)
    if len(words) == 1:
        return words[0]
    # `int count`, `final String name`: the name is last; Go's `count int` puts it first and writes
    # its types in lower case or with a dot, so an upper-case or qualified last word is a type.
    last = words[-1]
    go_like = last[:1].isupper() or "." in head or last in _GO_TYPES
    return last if typed_first or not go_like else words[0]


_GO_TYPES = frozenset(
    re.findall(
        r"\w+",
        "int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 string bool byte rune error any "
        "float32 float64 uintptr",
    )
)
