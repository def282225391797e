"""What a type server says, as our values. Its answers are LSP's JSON and parsed as data: what has not the
shape it should have is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devflow.analysis.facts import SymbolKind
from devflow.analysis.text import Text
from devflow.analysis.types.base import Candidate, Parameter, Signature
from devflow.server.convert import path_of

_KINDS = {
    2: SymbolKind.METHOD,
    3: SymbolKind.FUNCTION,
    4: SymbolKind.CONSTRUCTOR,
    5: SymbolKind.FIELD,
    6: SymbolKind.VARIABLE,
    7: SymbolKind.CLASS,
    8: SymbolKind.INTERFACE,
    9: SymbolKind.MODULE,
    10: SymbolKind.PROPERTY,
    13: SymbolKind.ENUM,
    14: SymbolKind.KEYWORD,
    21: SymbolKind.CONSTANT,
    22: SymbolKind.FIELD,  # ty's kind of an attribute or variable that is no function
    25: SymbolKind.TYPE,
}
_BOUND = re.compile(r"bound method (?:type\[|<class ')?([\w.]+)")
_OBJECT = re.compile(r"<(class|module) '([^']+)'>")
_METHOD = re.compile(r"bound method .*?\.(?=\w+[\[(])", re.DOTALL)
_SPACE = re.compile(r"\s+")
_RULE = "\n---------------------------------------------\n"
_NOTE = re.compile(r" \((?:Final|ClassVar|(?:in|co|contra|bi)variant)\)\Z")
"""What is said behind a type of the variable that has it."""
_UNKNOWN = frozenset({"Unknown", "Any", ""})
_DOC_LIMIT = 8_000
_MOST = 2_000


def candidates(answer: Any, engine: str) -> list[Candidate]:
    """The names in the answer to `textDocument/completion`, in the server's order; at most 2,000."""
    items = answer.get("items") if isinstance(answer, dict) else answer
    if not isinstance(items, list):
        return []
    result: dict[str, Candidate] = {}
    named = [each for each in items if isinstance(each, dict) and isinstance(each.get("label"), str)]
    for item in sorted(named, key=lambda each: str(each.get("sortText") or each["label"]))[:_MOST]:
        if item.get("additionalTextEdits"):
            continue  # would have to be imported: the index names those
        kind = _KINDS.get(item.get("kind", 0), SymbolKind.VARIABLE)
        shown = item.get("detail")
        type_ = _SPACE.sub(" ", shown)[:400] if isinstance(shown, str) else ""
        name = item["label"]
        if kind is SymbolKind.FIELD and type_.startswith("bound method "):
            kind = SymbolKind.METHOD
        bound = _BOUND.match(type_)
        owner = bound[1].removesuffix(f".{name}") if bound else ""
        result.setdefault(
            name,
            Candidate(
                name,
                kind,
                _call(type_),
                type=type_,
                owner=owner,
                engine=engine,
            ),
        )
    return list(result.values())


def described(answer: Any) -> tuple[str, str, SymbolKind] | None:
    """Signature, documentation and kind from the answer to `textDocument/hover` in plain text; None when
    the server does not know what stands there."""
    contents = answer.get("contents") if isinstance(answer, dict) else None
    value = contents.get("value") if isinstance(contents, dict) else contents
    if not isinstance(value, str):
        return None
    head, _, doc = value.partition(_RULE)
    head = _NOTE.sub("", head.strip()).removeprefix("(parameter) ")
    if head in _UNKNOWN:
        return None
    kind = SymbolKind.VARIABLE
    if head.startswith("bound method "):
        head, kind = f"def {_METHOD.sub('', head, count=1)}", SymbolKind.METHOD
    elif head.startswith("def "):
        kind = SymbolKind.FUNCTION
    elif "> | " in head:
        head = _OBJECT.sub(r"\1 \2", head)  # a union of modules or classes
    elif head.startswith("<class '"):
        head, kind = f"class {head[8:-2]}", SymbolKind.CLASS
    elif head.startswith("class "):
        kind = SymbolKind.CLASS
    elif head.startswith("<module '"):
        head, kind = f"module {head[9:-2]}", SymbolKind.MODULE
    return head.removesuffix(" -> Unknown")[:_DOC_LIMIT], doc.strip()[:_DOC_LIMIT], kind


def signatures(answer: Any, name: str) -> list[Signature]:
    """The signatures in the answer to `textDocument/signatureHelp`, the active one first."""
    if not isinstance(answer, dict) or not isinstance(answer.get("signatures"), list):
        return []
    found = [each for each in answer["signatures"] if isinstance(each, dict) and "label" in each]
    if [each["label"] for each in found] == ["(...) -> Unknown"]:
        return []  # not even the parameters are known
    active = answer.get("activeSignature")
    if isinstance(active, int) and 0 < active < len(found):
        found = [found[active], *found[:active], *found[active + 1 :]]
    return [_signature(each, answer.get("activeParameter"), name) for each in found]


def callee(source: str, at: int) -> str:
    """The name before the innermost open parenthesis before `at`, as a label shows it."""
    depth = 0
    for place in range(min(at, len(source)) - 1, max(-1, at - 4_000), -1):
        if source[place] == ")":
            depth += 1
        elif source[place] == "(":
            depth -= 1
            if depth < 0:
                start, end = Text(source[:place]).word_at(place)
                return source[start:end]
    return ""


def places(answer: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Paths and ranges (in the server's units) from an answer of locations or links."""
    found = answer if isinstance(answer, list) else [answer]
    for each in found:
        if not isinstance(each, dict):
            continue
        uri = each.get("uri") or each.get("targetUri")
        where = each.get("range") or each.get("targetSelectionRange")
        path = path_of(uri) if isinstance(uri, str) else None
        if path is not None and path.is_absolute() and isinstance(where, dict):
            yield path, where


def _call(type_: str) -> str:
    """A callable's parameters and result as a list shows them; the type of everything else."""
    if type_.startswith(("bound method ", "def ")):
        begin = type_.find("(")
        return type_[begin:].removesuffix(" -> Unknown") if begin >= 0 else ""
    return "" if type_ in _UNKNOWN or type_.startswith(("<class ", "<module ")) else type_


def _signature(value: dict[str, Any], active: Any, name: str) -> Signature:
    label = str(value["label"])
    parameters: list[Parameter] = []
    keyword_only = False
    written = _parameters(label, value.get("parameters"))
    positional = label[: label.find(", /")].count(",") + 1 if ", /" in label else 0
    star = label.find("*, ")
    for number, (text, at) in enumerate(written):
        keyword_only = keyword_only or 0 <= star < at
        kind = "positional-or-keyword"
        if text.startswith("**"):
            kind = "var-keyword"
        elif text.startswith("*"):
            kind = "var-positional"
        elif keyword_only:
            kind = "keyword-only"
        elif number < positional:
            kind = "positional-only"
        parameter = re.split(r"[:=\s]", text.lstrip("*"), maxsplit=1)[0]
        parameters.append(Parameter(parameter, kind, text, "=" in text))
        keyword_only = keyword_only or kind == "var-positional"
    given = value.get("activeParameter", active)
    index = given if isinstance(given, int) and 0 <= given < len(parameters) else None
    doc = value.get("documentation")
    said = doc.get("value") if isinstance(doc, dict) else doc
    return Signature(
        f"{name}{label}" if label.startswith(("(", "[")) else label,
        tuple(parameters),
        index,
        said.strip()[:_DOC_LIMIT] if isinstance(said, str) else "",
    )


def _parameters(label: str, given: Any) -> list[tuple[str, int]]:
    """The text of each parameter and where it begins; servers give offsets or the text itself."""
    result: list[tuple[str, int]] = []
    at = 0
    for each in given if isinstance(given, list) else ():
        shown = each.get("label") if isinstance(each, dict) else None
        if isinstance(shown, str):
            at = max(label.find(shown, at), 0)
            result.append((shown, at))
        elif isinstance(shown, list) and len(shown) == 2 and all(isinstance(end, int) for end in shown):
            result.append((label[shown[0] : shown[1]], shown[0]))
    return result
