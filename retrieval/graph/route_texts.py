"""What the expression that writes a route or a prefix comes to: literals, constants, what joins them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.stored import File

_LITERAL = re.compile(
    r"(?P<mark>[rRfFbBuU]{0,2})(?:\"(?P<double>(?:\\.|[^\"\\\n])*)\"|'(?P<single>(?:\\.|[^'\\\n])*)'|`(?P<back>[^`]*)`)"
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)*")
_HOLE = re.compile(r"\$?\{\s*([A-Za-z_$][\w$.]*)\s*\}")
_BLANK = re.compile(r"\s*")
_END = re.compile(r"\s*(?=[,)\]};]|$)")
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Text:
    """What was read: the text, in which names that nobody knows stand in braces, and where it ends."""

    text: str
    end: int
    known: bool
    """Something of it is written down."""


def written(graph: Graph, file: File, source: str, start: int, depth: int = 0) -> Text | None:
    """The text that an expression at `start` of a file's code comes to; None when it is no sum of literals
    and names."""
    pieces: list[str] = []
    known = False
    at = _after_blank(source, start)
    while True:
        if literal := _LITERAL.match(source, at):
            pieces.append(_literal(graph, file, literal, start, depth))
            known = True
            at = literal.end()
        elif name := _NAME.match(source, at):
            value = _constant(graph, file, re.sub(r"\s", "", name[0]), start, depth)
            known |= value is not None
            pieces.append(f"{{{name[0]}}}" if value is None else value)
            at = name.end()
        else:
            return None
        following = _after_blank(source, at)
        if source[following : following + 1] == "+":
            at = _after_blank(source, following + 1)
        elif _LITERAL.match(source, following):
            at = following  # Python joins literals that follow each other
        elif _END.match(source, at):
            return Text("".join(pieces), at, known)
        else:
            return None


def _after_blank(source: str, at: int) -> int:
    found = _BLANK.match(source, at)
    return found.end() if found else at


def _literal(graph: Graph, file: File, literal: re.Match[str], at: int, depth: int) -> str:
    text = next(each for each in (literal["double"], literal["single"], literal["back"]) if each is not None)
    if "f" not in literal["mark"].lower() and literal["back"] is None:
        return text

    def filled(hole: re.Match[str]) -> str:
        value = _constant(graph, file, hole[1], at, depth)
        return hole[0].removeprefix("$") if value is None else value

    return _HOLE.sub(filled, text)


def _constant(graph: Graph, file: File, name: str, at: int, depth: int) -> str | None:
    """What a constant holds; None for what is none, or not known."""
    if depth > _DEEPEST:
        return None
    for each in _meant(graph, file, name, at):
        if each.kind in FUNCTION_LIKE:
            continue
        home = graph.stored.file(each.root, each.file)
        source = graph.stored.source(home)
        told = re.compile(r"[^=\n]*?=\s*").match(source, each.name_start)
        if told is not None and told.end() <= each.end:
            value = written(graph, home, source[: each.end], told.end(), depth + 1)
            return value.text if value is not None and value.known else None
    return None


def _meant(graph: Graph, file: File, name: str, at: int) -> list[Definition]:
    first, _, rest = name.partition(".")
    if file.language == "python":
        return _of_python(graph, file, first, rest)
    last = name.rpartition(".")[2]
    own = [*file.named("", last)] if not rest else []
    for holder in reversed(file.around(at)):
        own += file.named(holder.qualified_name, last) if not rest else []
    if own:
        return own
    if file.language in SCRIPTS:
        return _of_script(graph, file, first, rest)
    owner = name.rpartition(".")[0].rpartition(".")[2]
    found = [each for each in graph.stored.named(last, file.language) if each.kind not in FUNCTION_LIKE]
    if file.language == "go":
        near = [each for each in found if not each.container and each.path.parent == file.path.parent]
        return near if not rest else [each for each in found if each.path.parent.name == first][:1]
    found = [each for each in found if each.owner == owner]
    if not owner:  # Java's `import static`
        imported = {made.module.rpartition(".")[2] for made, _ in file.imported_as(last)}
        named = graph.stored.named(last, file.language)
        found = [each for each in named if each.owner in imported]
    near = [each for each in found if each.path.parent == file.path.parent]
    return near or (found if len(found) == 1 else [])


def _of_python(graph: Graph, file: File, first: str, rest: str, depth: int = 0) -> list[Definition]:
    own = file.named("", first)
    if own and not rest:
        return own[-1:]
    if own:
        if own[-1].kind in CLASS_LIKE:
            return file.named(own[-1].qualified_name, rest)
        maker = re.search(r"=\s*([A-Za-z_]\w*)\s*\(", own[-1].signature)  # settings = Settings()
        return _of_python(graph, file, maker[1], rest, depth + 1) if maker and depth < _DEEPEST else []
    for made, _ in file.imported_as(first):
        inner = f"{made.module}{made.name}" if made.module.endswith(".") else f"{made.module}.{made.name}"
        module = graph.modules.python(file.root, file.relative, inner if made.name else made.module)
        if module is not None and rest:
            name, _, deeper = rest.partition(".")
            return _of_python(graph, graph.stored.file(*module), name, deeper, depth + 1)
        module = graph.modules.python(file.root, file.relative, made.module)
        if module is not None and made.name and depth < _DEEPEST:
            return _of_python(graph, graph.stored.file(*module), made.name, rest, depth + 1)
    return []


def _of_script(graph: Graph, file: File, first: str, rest: str) -> list[Definition]:
    for made, _ in file.imported_as(first):
        module = graph.modules.script(file.root, file.relative, made.module)
        if module is not None:
            other = graph.stored.file(*module)
            return other.named("", rest if made.name in ("", "*") else made.name)
    found = [each for each in file.named("", first) if each.kind is not SymbolKind.FUNCTION]
    return file.named(found[0].qualified_name, rest) if found and rest else []
