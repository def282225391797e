"""What only the tree and the codebase can tell of a suggestion: whether the code stays whole with it, and
whether the names it uses exist."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from devflow.analysis.calls import CallSite, call_at, safe_start
from devflow.analysis.document import Document
from devflow.analysis.text import Edit
from devflow.analysis.types.base import Parameter
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.brackets import open_in
from devflow.server.assist.inline.known import Asked, Verdict, seen_elsewhere, verdicts, with_suggestion
from devflow.server.assist.inline.names import Name, Role, used_names
from devflow.server.assist.inline.nearest import nearest
from devflow.server.assist.inline.trigger import Silence
from devflow.server.assist.signature_help import parameters_of
from devflow.server.assist.static_names import names_of, symbol_of

_ENGINE_SECONDS, _FAST_ENGINE_SECONDS = 0.08, 0.03
"""For the type engine's word: jedi hardly ever has it in less, a fast engine hardly ever later."""
_MOST_CUTS = 6
_FIRST = re.compile(r"\(\s*(?:self|cls)\b")
"""The first parameter of a method, left out of what a call must give."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A suggestion after its check; `silence` says why nothing is left of it."""

    text: str
    silence: Silence | None = None
    repaired: bool = False
    unsure: int = 0
    """Names that nobody could say anything about."""
    notes: tuple[str, ...] = ()


def whole(doc: Document, at: int, text: str, end: int | None = None) -> str:
    """As many first lines of `text` as do not add to the syntax errors of the document when they stand at
    `at` (in place of `at:end`), but no head of a block without its body; "" when the first one does."""
    return placed(doc, at, text, end)[0]


def placed(doc: Document, at: int, text: str, end: int | None = None) -> tuple[str, Document]:
    """As `whole`, with the document that holds them."""
    tree = doc.tree
    if tree is None:
        return text, with_suggestion(doc, at, text, end)
    before = _errors(doc)
    lines = text.split("\n")
    for count in range(len(lines), max(0, len(lines) - _MOST_CUTS), -1):
        piece = "\n".join(lines[:count]).rstrip()
        piece = _without_head(piece) if count < len(lines) else piece
        if not piece:
            break
        made = with_suggestion(doc, at, piece, end)
        if made.tree is None or not made.tree.has_error() or (_errors(made) <= before and before):
            return piece, made
    return "", doc


async def checked(
    doc: Document,
    at: int,
    text: str,
    code: Codebase,
    end: int | None = None,
    seconds: float = 0.0,
    made: Document | None = None,
    *,
    as_it_is: bool = False,
) -> Checked:
    """`text`, which is to stand at `at` of `doc`, with each name that does not exist repaired where one real
    name is clearly meant; else without the line that uses it and all behind it. `seconds` for the
    type engine, 0: what it usually needs; `made`: the document with it, where that is there already;
    `as_it_is`: see `Asked`."""
    if made is None:
        made = await asyncio.to_thread(with_suggestion, doc, at, text, end)
    stop = at + len(text)

    def read() -> Asked:
        begin = safe_start(made.tree, at) if made.tree is not None else 0
        names = used_names(made.text.source, at, stop, doc.language, begin)
        words = dict.fromkeys(name.text for name in names)
        return Asked(made, at, stop, names, code, *seen_elsewhere(doc, words, code), as_it_is)

    asked = await asyncio.to_thread(read)
    if not asked.names:
        return Checked(text)
    usual = _FAST_ENGINE_SECONDS if code.types_are_fast else _ENGINE_SECONDS
    found = await verdicts(asked, seconds or usual)
    judged = await asyncio.to_thread(repaired, text, at, asked.names, found)
    if judged.silence is None and not judged.repaired and doc.language == "python":
        problem = await asyncio.to_thread(misfits, made, at, stop, asked.names, code)
        if problem:
            cut = _before_line(text, problem[0] - at)
            note = f"dropped a call: {problem[1]}"
            return replace(judged, text=cut, silence=None if cut else Silence.INVENTED, notes=(note,))
    return judged


def repaired(text: str, at: int, names: Sequence[Name], found: Sequence[Verdict]) -> Checked:
    """`text` at `at` with the names that do not exist replaced or cut away."""
    edits: list[Edit] = []
    notes: list[str] = []
    unsure = 0
    for name, verdict in sorted(zip(names, found, strict=True), key=lambda each: each[0].start):
        if verdict.exists is None:
            unsure += 1
        if verdict.exists is not False:
            continue
        other = nearest(name.text, sorted(verdict.others)) if name.start >= at else ""
        if other:
            edits.append(Edit(name.start - at, name.end - at, other))
            notes.append(f"repaired {name.role} {name.text} to {other}")
            continue
        notes.append(f"dropped {name.role} {name.text}")
        text = _before_line(text, max(0, name.start - at))
        break
    for edit in reversed(edits):
        if edit.end <= len(text):
            text = text[: edit.start] + edit.new + text[edit.end :]
    kept = any(edit.start < len(text) for edit in edits)
    return Checked(text, None if text.strip() else Silence.INVENTED, kept, unsure, tuple(notes))


def misfits(
    made: Document, start: int, end: int, names: Sequence[Name], code: Codebase
) -> tuple[int, str] | None:
    """The first call of the suggestion that cannot fit the function it certainly runs: where, and why."""
    tree, path = made.tree, made.path
    if tree is None or path is None:
        return None
    source = made.text.source
    for name in names:
        if not name.called or name.role is Role.KEYWORD:
            continue
        inside = source.find("(", name.end) + 1
        if not inside or inside > end:
            continue
        site = call_at(tree, inside)
        if site is None or source[site.end - 1 : site.end] != ")" or site.name_start != name.start:
            continue
        problems: list[str] = []
        resolver = names_of(code)
        for target in resolver.callables_at(path, tree, name.start):
            symbol = symbol_of(resolver, target)
            parameters = parameters_of(symbol.signature, symbol.name)
            unsafe = open_in(symbol.signature) or target.path.suffix == ".pyi"
            if parameters is None or unsafe or (not target.owner and _FIRST.search(symbol.signature)):
                problems.append("")
                continue
            bound = target.owner and name.role is Role.PLAIN and symbol.name != "__init__"
            problems.append("" if bound else misfit(site, parameters))
        if problems and all(problems):
            return name.start, f"{name.text}() {problems[0]}"
    return None


def misfit(site: CallSite, parameters: list[Parameter]) -> str:
    """Why a call cannot fit these parameters, "" when it can."""
    if any(argument.starred for argument in site.arguments):
        return ""
    given = [argument for argument in site.arguments if argument.keyword is None]
    named = {argument.keyword for argument in site.arguments if argument.keyword is not None}
    by_place = [p for p in parameters if p.kind in ("positional-only", "positional-or-keyword")]
    takes_more = any(p.kind == "var-positional" for p in parameters)
    if len(given) > len(by_place) and not takes_more:
        return f"takes {len(by_place)} positional arguments, {len(given)} given"
    known = {p.name for p in parameters if p.kind in ("positional-or-keyword", "keyword-only")}
    if not any(p.kind == "var-keyword" for p in parameters) and named - known:
        return f"has no parameter {sorted(named - known)[0]}"
    filled = {p.name for p in by_place[: len(given)]}
    missing = [
        p.name
        for p in parameters
        if not p.has_default
        and p.kind not in ("var-positional", "var-keyword")
        and p.name not in filled
        and p.name not in named
    ]
    return f"lacks {missing[0]}" if missing else ""


def _errors(doc: Document) -> int:
    return sum(1 for _ in doc.tree.errors()) if doc.tree is not None and doc.tree.has_error() else 0


def _before_line(text: str, at: int) -> str:
    """The whole lines of `text` before the one that holds `at`; "" when that is the first."""
    line = text.rfind("\n", 0, at)
    return _without_head(text[:line]) if line > 0 else ""


def _without_head(text: str) -> str:
    """`text`, behind which lines were cut away, without the head of a block at its end: it is half a thought,
    and its other half was wrong."""
    lines = text.rstrip().split("\n")
    while lines and lines[-1].rstrip().endswith((":", "{")):
        lines.pop()
    return "\n".join(lines).rstrip()
