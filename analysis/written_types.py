"""Types as Go, TypeScript and Java write them: read from text, and found beside what they are the type of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devflow.analysis.expressions import before_space, opening, split_top
from devflow.analysis.object_types import closing

_LONGEST = 400
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)*")
_NOTHING = frozenset({"null", "undefined", "void", "never", "nil"})
_MODIFIERS = re.compile(r"(?:@\w+(?:\([^()]*\))?|\b(?:final|readonly|static|unique|const)\b)\s*")
_NO_TYPES = frozenset(
    """return new await throw typeof delete in of as else case yield import package instanceof keyof infer
    goto break continue if for while do switch try assert extends implements""".split()  # noqa: SIM905
)
_GO_LITERAL = re.compile(r"\s*&?((?:\[\]|map\[)[^{(]*)\{")
_GO_MADE = re.compile(r"\s*(?:make|new)\(\s*([^,()]+)")
_JAVA_CAST = re.compile(r"\s*\(\s*([A-Z][\w.<>?, ]*)\)\s*\w")
_SCRIPT_CAST = re.compile(r"\s+as\s+(?!const\b)")


@dataclass(frozen=True, slots=True)
class Type:
    """A type. `name` is dotted as written, or `[]` of what is indexed by numbers, `map` (key, value), `chan`,
    `func` (its results), `|` (one of several), `[k]` (what the first type has under the key that is the
    second); an object's type is its text from the brace on, that of a value written out `=` and its text."""

    name: str
    arguments: tuple[Type, ...] = ()

    @property
    def element(self) -> Type | None:
        """What is inside of a type that holds others."""
        return self.arguments[-1] if self.arguments and self.name not in ("func", "|", "[k]") else None

    @property
    def object_text(self) -> str:
        """The braces of an object's type or value; "" of other types."""
        return self.name if self.name[:1] == "{" else self.name[1:] if self.name[:2] == "={" else ""


def read_type(text: str, language: str) -> Type | None:
    """The type that `text` is; None where it is none that can be told."""
    return _go(text.strip(), 0) if language == "go" else _script_or_java(text.strip(), 0)


def type_text(source: str, at: int) -> str:
    """The type that TypeScript writes from `at` on, behind its colon."""
    depth, end = 0, at
    stop = min(len(source), at + _LONGEST)
    while end < stop:
        sign = source[end]
        if sign == "{" and (depth or source[at:end].rstrip()[-1:] in ("", "|", "&")):
            closed = closing(source, end)
            if closed > 0:
                end = closed
                continue
            depth += 1
        elif sign in "([<":
            depth += 1
        elif depth:
            depth -= sign in ")]}" or (sign == ">" and source[end - 1] != "=")
        elif sign in ",;){}]" or (sign == "=" and source[end + 1 : end + 2] != ">"):
            break
        elif sign == "\n":
            written = source[at:end].strip()
            if written and written[-1] not in "|&:=>(":
                break
        end += 1
    return source[at:end].strip()


def type_before(source: str, end: int) -> str:
    """The type that Java writes in front of the name at `end`; "" where none stands there."""
    at = before_space(source, end)
    stop = at
    while at > 0 and source[at - 1] in ">].":
        if source[at - 1] == ".":
            if source[at - 3 : at] != "...":
                return ""
            at -= 3
            continue
        opened = opening(source, at - 1, max(0, at - _LONGEST))
        if opened is None:
            return ""
        at = before_space(source, opened)
    start = at
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] in "_.$"):
        start -= 1
    name = source[start:at]
    if not name or name in _NO_TYPES or name[0].isdigit() or source[start - 1 : start] in (".", ")"):
        return ""
    return source[start:stop]


def type_parameters(signature: str, name: str) -> list[str]:
    """The names that a generic head (`class Box<T, K extends X>`, `func Map[K any]`) leaves open."""
    found = re.search(rf"\b{re.escape(name)}\s*([<\[])", signature)
    if found is None:
        found = re.search(r"(?:^|\s)(<)", signature.partition(name)[0])  # Java's <T> T get()
    if found is None:
        return []
    begun = found.end()
    depth, at = 1, begun
    while at < len(signature) and depth:
        depth += (signature[at] in "<[") - (signature[at] in ">]" and signature[at - 1] != "=")
        at += 1
    return [each.split()[0] for each in split_top(signature[begun : at - 1], ",") if each]


def alias_text(text: str, name: str) -> str:
    """What `type Name<T = X> = …` stands for, as it is written; "" where it is none."""
    found = re.search(rf"\btype\s+{re.escape(name)}\s*", text)
    if found is None:
        return ""
    at = found.end()
    at = _closing(text, at) if text[at : at + 1] == "<" else at
    rest = text[at:].lstrip()
    return rest[1:].strip().rstrip(";").rstrip() if rest.startswith("=") else ""


def base_types(signature: str, name: str, language: str) -> list[Type]:
    """The types that the head of a class or an interface inherits from, with their arguments."""
    rest = signature.partition(name)[2].lstrip()
    rest = rest[_closing(rest, 0) :] if rest.startswith("<") else rest
    pieces = re.split(r"\b(?:extends|implements|permits)\b(?![^<]*>\s*(?:,|$))", rest)
    if "permits" in rest:
        pieces = re.split(r"\b(?:extends|implements)\b", rest.partition("permits")[0])
    found = [read_type(each, language) for piece in pieces[1:] for each in split_top(piece.strip(" {"), ",")]
    return [each for each in found if each is not None]


def result_text(signature: str, name: str, language: str) -> str:
    """The result that a function's head writes; "" where it writes none."""
    if language == "java":
        found = re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", signature)
        return type_before(signature, found.start()) if found else ""
    found = re.search(rf"(?<![\w$]){re.escape(name)}\??\s*(?:=\s*(?:async\s*)?)?(?=[<(\[])", signature)
    if found is None:
        return ""
    at = found.end()
    while at < len(signature):
        sign = signature[at]
        closes = {"(": ")", "<": ">", "[": "]"}.get(sign)
        if closes is None:
            return ""
        at = _closing(signature, at)
        if sign == "(":
            break
        at = at + len(signature[at:]) - len(signature[at:].lstrip())
    rest = signature[at:].strip()
    if language == "go":
        return rest.rstrip("{ ")
    return type_text(rest, 1) if rest.startswith(":") else ""


def result_types(signature: str, name: str) -> list[Type | None]:
    """The results that the head of a Go function writes, in their order."""
    written = result_text(signature, name, "go").strip().removeprefix("(").removesuffix(")")
    return [_go(_unnamed(each), 0) for each in split_top(written, ",")]


def type_stated(expression: str, language: str) -> str | None:
    """The type that an expression states of itself, cast to it or made of it by Go's own words; None where it
    states none."""
    if language == "go":
        found = _GO_LITERAL.match(expression) or _GO_MADE.match(expression)
        return found[1] if found else None
    if language == "java":
        cast = _JAVA_CAST.match(expression)
        return cast[1] if cast else None
    pieces = _SCRIPT_CAST.split(expression)
    return pieces[-1].rstrip(") ") if len(pieces) > 1 else None


def parameters_text(signature: str, name: str) -> list[str]:
    """The parameters of a function's head, each as written."""
    found = re.search(rf"(?<![\w$.]){re.escape(name)}\b[^()]*\(", signature)
    if found is None:
        return []
    return split_top(signature[found.end() : _closing(signature, found.end() - 1) - 1], ",")


def _closing(text: str, at: int) -> int:
    """Behind the bracket that closes the one at `at`."""
    opens = text[at]
    closes = {"(": ")", "<": ">", "[": "]", "{": "}"}[opens]
    depth = 0
    while at < len(text):
        depth += (text[at] == opens) - (text[at] == closes and text[at - 1 : at + 1] != "=>")
        at += 1
        if not depth:
            return at
    return at


def _unnamed(result: str) -> str:
    """The type of one of a Go function's results, which may have a name."""
    return re.sub(r"^\w+\s+(?=[\w*\[])", "", result)


def _go(text: str, depth: int) -> Type | None:
    text = text.lstrip("*& \t")
    if depth > 8 or not text:
        return None
    if text.startswith("("):
        parts = split_top(text[1 : _closing(text, 0) - 1], ",")
        return _go(_unnamed(parts[0]), depth + 1) if parts else None
    if text.startswith(("[", "...")):
        inner = _go(text[3:] if text.startswith("...") else text[_closing(text, 0) :], depth + 1)
        return Type("[]", (inner,)) if inner is not None else None
    if text.startswith("map["):
        end = _closing(text, 3)
        key, value = _go(text[4 : end - 1], depth + 1), _go(text[end:], depth + 1)
        return Type("map", (key or Type("any"), value)) if value is not None else None
    if chan := re.match(r"(?:<-\s*)?chan\b(?:\s*<-)?\s*", text):
        inner = _go(text[chan.end() :], depth + 1)
        return Type("chan", (inner,)) if inner is not None else None
    if func := re.match(r"func\s*\(", text):
        result = _go(text[_closing(text, func.end() - 1) :], depth + 1)
        return Type("func", (result,) if result is not None else ())
    found = re.match(r"\w+(?:\.\w+)?", text)
    if found is None or text.startswith(("struct{", "struct {", "interface{", "interface {")):
        return None
    name, rest = found[0], text[found.end() :]
    if rest.startswith("[") and not rest.startswith("[]"):
        given = [_go(each, depth + 1) for each in split_top(rest[1 : _closing(rest, 0) - 1], ",")]
        return Type(name, tuple(each for each in given if each is not None))
    return Type(name)


_INDEXED = re.compile(r"\{\s*(?:readonly\s+)?\[\s*\w+\s*:\s*(\w+)\s*\]\s*:\s*")
_MAPPED = re.compile(
    r"\{\s*[-+]?(?:readonly\s+)?\[\s*(\w+)\s+in\s+keyof\s+(\w+)\s*\]\s*[-+]?\??\s*:\s*\2\[\1\]\s*;?\s*\}"
)


def _object(text: str, depth: int) -> Type | None:
    """The type that TypeScript writes in braces: of known keys, of any, of those of another type."""
    if mapped := _MAPPED.fullmatch(text):
        return Type(mapped[2])
    if indexed := _INDEXED.match(text):
        inner = _script_or_java(type_text(text, indexed.end()), depth + 1)
        return Type("Record", (Type(indexed[1]), inner)) if inner is not None else None
    return Type(text)


def _script_or_java(text: str, depth: int) -> Type | None:
    if text[:1] == "{" and closing(text, 0) == len(text):
        return _object(text, depth) if depth <= 8 else None
    while (modifier := _MODIFIERS.match(text)) is not None:
        text = text[modifier.end() :]
    text = text.strip().removeprefix("|").strip()
    text = re.sub(r"^\?\s*(?:extends|super)\s+", "", text)
    if depth > 8 or not text:
        return None
    for signs in ("|", "&"):
        parts = [each for each in split_top(text, signs) if each and each not in _NOTHING]
        parts = [each for each in parts if each[0] not in "\"'`" and not each[0].isdigit()]
        if len(parts) > 1 and not re.search(r"\)\s*=>", text):
            several = [found for each in parts if (found := _script_or_java(each, depth + 1)) is not None]
            return Type("|", tuple(several)) if len(several) > 1 else several[0] if several else None
        text = parts[0] if parts and not re.search(r"\)\s*=>", text) else text
    if text.endswith("..."):
        inner = _script_or_java(text[:-3], depth + 1)
        return Type("[]", (inner,)) if inner is not None else None
    if text.startswith("("):
        end = _closing(text, 0)
        if text[end:].lstrip().startswith("=>"):
            result = _script_or_java(text[end:].lstrip()[2:], depth + 1)
            return Type("func", (result,) if result is not None else ())
        inner = _script_or_java(text[1 : end - 1], depth + 1)
    elif text[0] == "{":
        end = closing(text, 0)
        inner = _object(text[:end], depth) if end > 0 else None
    else:
        named = _NAME.match(text)
        if named is None or named[0] in _NO_TYPES:
            return None
        end = named.end()
        given: list[Type | None] = []
        if text[end : end + 1] == "<":
            begun, end = end, _closing(text, end)
            given = [_script_or_java(each, depth + 1) for each in split_top(text[begun + 1 : end - 1], ",")]
        inner = Type(re.sub(r"\s", "", named[0]), tuple(each or Type("unknown") for each in given))
    while inner is not None and re.match(r"\s*\[\s*\]", text[end:]):
        inner, end = Type("[]", (inner,)), end + text[end:].index("]") + 1
    if inner is not None and (key := re.match(r"\[\s*([\w$]+|\"[^\"]*\"|'[^']*')\s*\]", text[end:])):
        return Type("[k]", (inner, Type(key[1])))
    if text[end:].lstrip().startswith(("extends ", "[", "is ")):
        return None  # of one type or another, by a condition; a guard
    return inner
