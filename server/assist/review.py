"""Review: the checks that need the codebase, and findings of a chat model that hold up to the text."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeGuard

from devflow.analysis.checks.calls import python_calls, unfit_calls
from devflow.analysis.checks.duplicates import Candidate, comparable, near_duplicates, shingles
from devflow.analysis.checks.python_module import read_module
from devflow.analysis.checks.secrets import hard_coded_secrets
from devflow.analysis.document import Document
from devflow.analysis.facts import Finding, Symbol
from devflow.analysis.paths import shown_path
from devflow.analysis.roles import is_test
from devflow.models.errors import ModelError
from devflow.server.assist import problems, prompts
from devflow.server.assist.broken_callers import broken_callers
from devflow.server.assist.chat import Progress, answer
from devflow.server.assist.known_modules import judged
from devflow.server.assist.memory import PerSession
from devflow.server.assist.other_files import LARGEST
from devflow.server.assist.outline import symbols_of
from devflow.server.assist.reach import reach
from devflow.server.assist.related import Related, joined, related, with_and_without
from devflow.server.assist.target import Target, sent_paths

if TYPE_CHECKING:
    from devflow.analysis.text import Text
    from devflow.models.base import ChatRequest
    from devflow.server.assist.base import Codebase
    from devflow.server.settings import Review

log = logging.getLogger(__name__)

MODEL_CODE = "model-review"

_MOST_FUNCTIONS = 60
"""Of one document, that the index is asked about."""
_SIMILAR_SECONDS = 60.0
_MOST_KEPT = 500
_SIMILAR = PerSession[dict[str, tuple[float, list[Candidate]]]]("functions like one, by its source")
_MOST_FINDINGS = 20
_SEVERITIES = ("error", "warning", "information", "hint")


async def review(doc: Document, code: Codebase, config: Review) -> list[Finding]:
    """What the enabled checks find, in the order of the text. Needs no model; asks the index where
    there is one. A check that fails costs its own findings only, and is logged."""
    if len(doc.text) > LARGEST:
        return []
    checks: list[tuple[str, Callable[[Document, Codebase], Awaitable[list[Finding]]]]] = []
    if config.syntax:
        checks.append(("syntax", problems.syntax))
    if config.names:
        checks.append(("names", problems.names))
    if config.imports:
        checks.append(("imports", problems.imports))
    if config.calls:
        checks.append(("calls", _calls))
    if config.callers:
        checks.append(("callers", broken_callers))
    if config.duplicates:
        checks.append(("duplicates", _duplicates))
    if config.secrets:
        checks.append(("secrets", _secrets))
    findings: list[Finding] = []
    for name, check in checks:
        try:
            findings += await check(doc, code)
        except Exception:
            log.exception("the check %s failed on a %s document", name, doc.language or "plain")
    return sorted(findings, key=lambda finding: (finding.start, finding.code))


async def review_with_model(
    doc: Document, code: Codebase, progress: Progress | None = None
) -> tuple[list[Finding], str]:
    """What the chat model finds, each anchored to a line that exists, and which model that was. Raises
    ModelError.

    A document that is too long for one question is asked about in pieces.
    """
    findings: list[Finding] = []
    models: dict[str, None] = {}
    title = doc.path.name if doc.path is not None else "this document"
    pieces = await asyncio.to_thread(lambda: list(_pieces(doc, code)))
    own = await sent_paths(doc, code)
    for number, (start, end) in enumerate(pieces, 1):
        if progress is not None:
            progress(f"part {number} of {len(pieces)}")
        piece = doc.text.source[start:end]
        leading = await reach(doc, start, end, code, prompts.CONTEXT_CHARACTERS // 2)
        left = prompts.CONTEXT_CHARACTERS - len(leading.text)
        context = joined(leading, await related(Target(start, end, None), doc, code, left))

        def request(around: Related, piece: str = piece) -> ChatRequest:
            paths = (*own, *around.paths)
            return prompts.review(piece, title, doc.language, around.text, paths)

        reply = await answer(code, *with_and_without(request, context))
        if not re.search(r"[{\[]", reply.text):
            name = reply.model or "The model"
            raise ModelError(f"{name} answered in words, not with findings; ask again, or another model.")
        findings += anchored(reply.text, doc.text, start, end)
        models[reply.model or "model"] = None
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.start), ", ".join(models)


def anchored(reply: str, text: Text, start: int, end: int) -> list[Finding]:
    """The findings in a model's reply whose quoted line is in `text[start:end]`; others are dropped."""
    lines: dict[str, list[int]] = {}
    for line in range(text.line_at(start), text.line_at(end) + 1):
        key = _squeezed(text.line(line))
        if key:
            lines.setdefault(key, []).append(line)
    findings = []
    for record in _records(reply):
        quote, message = record.get("quote"), record.get("message")
        if not isinstance(quote, str) or not isinstance(message, str) or not message.strip():
            continue
        places = lines.get(_squeezed(quote), [])
        if len(places) != 1:  # nowhere, or it cannot be told where
            continue
        severity = record.get("severity")
        content = text.line(places[0])
        at = text.line_start(places[0]) + len(content) - len(content.lstrip())
        findings.append(
            Finding(
                at,
                text.line_start(places[0]) + len(content.rstrip()),
                MODEL_CODE,
                _one_line(message),
                severity if isinstance(severity, str) and severity in _SEVERITIES else "information",
            )
        )
    return findings[:_MOST_FINDINGS]


async def _calls(doc: Document, code: Codebase) -> list[Finding]:
    tree = doc.tree
    if doc.language != "python" or tree is None:
        return []
    sites, home = await asyncio.to_thread(lambda: (python_calls(tree), read_module(tree, doc.path)))
    return await judged(lambda known: unfit_calls(sites, home, code.roots, known), code)


async def _duplicates(doc: Document, code: Codebase) -> list[Finding]:
    def functions_of() -> list[Symbol]:
        long = comparable(doc.text, symbols_of(doc, code.memory), _below_root(doc, code))
        return [one for one in long if shingles(doc.text.source[one.start : one.end])]

    functions = await asyncio.to_thread(functions_of)
    candidates = [
        [
            each
            for each in await _similar(doc.text.source[function.start : function.end], code)
            if not _is_same_file(each.path, doc, code)
        ]
        if number < _MOST_FUNCTIONS
        else []
        for number, function in enumerate(functions)
    ]
    findings = await asyncio.to_thread(near_duplicates, doc.text, doc.path, functions, candidates)
    texts = {(one.path, one.start): one.text for found in candidates for one in found}
    return [finding for finding in findings if await _twin_is_there(finding, doc, code, texts)]


def _is_same_file(path: Path, doc: Document, code: Codebase) -> bool:
    """Whether `path` is the document in another root: a second worktree or clone."""
    return path != doc.path and PurePath(shown_path(path, code.roots)) == _below_root(doc, code)


async def _similar(source: str, code: Codebase) -> list[Candidate]:
    """What the index says resembles a function; remembered for a minute, since every keystroke asks
    again for every function of the document."""
    if code.index is None:
        return []
    kept = code.memory.kept(_SIMILAR.key(), dict)
    before = kept.get(source)
    if before is not None and time.monotonic() - before[0] < _SIMILAR_SECONDS:
        return before[1]
    hits = await code.index.similar_functions(source)
    found = [
        Candidate(hit.path, hit.start, hit.end, hit.symbol, hit.text)
        for hit in hits
        if not is_test(PurePath(shown_path(hit.path, code.roots)))
    ]
    kept.pop(source, None)
    while len(kept) >= _MOST_KEPT:
        kept.pop(next(iter(kept)))
    kept[source] = (time.monotonic(), found)
    return found


async def _twin_is_there(
    finding: Finding, doc: Document, code: Codebase, texts: Mapping[tuple[Path, int], str]
) -> bool:
    """The index may be behind the files: the twin must still say what the index remembers."""
    for place, _ in finding.related:
        if place.path != doc.path:
            text = await code.texts.text_of(place.path)
            return text is not None and texts.get((place.path, place.start), "") in text.source
    return True


async def _secrets(doc: Document, code: Codebase) -> list[Finding]:
    return await asyncio.to_thread(hard_coded_secrets, doc.text, _below_root(doc, code))


def _below_root(doc: Document, code: Codebase) -> PurePath | None:
    return PurePath(shown_path(doc.path, code.roots)) if doc.path is not None else None


def _pieces(doc: Document, code: Codebase) -> Iterable[tuple[int, int]]:
    """Ranges of at most the budget that begin where a definition does, as far as that is possible."""
    text, budget = doc.text, prompts.CODE_CHARACTERS
    breaks = sorted(
        {text.line_start(text.line_at(s.start)) for s in symbols_of(doc, code.memory) if not s.container}
    )
    start = 0
    while start < len(text):
        end = len(text)
        if end - start > budget:
            fitting = [place for place in breaks if start < place <= start + budget]
            end = fitting[-1] if fitting else text.line_start(text.line_at(start + budget))
            if end <= start:  # one line longer than the budget is not worth a question
                end = text.line_start(text.line_at(start) + 1)
                start = end
                continue
        if text.source[start:end].strip():
            yield start, end
        start = end


def _records(reply: str) -> Iterable[dict[str, object]]:
    """The findings of a reply, as `prompts.FINDINGS` has them. Models that are not held to it write objects
    one a line, or a list, with or without a fence around them, or break off in the middle."""
    decoder = json.JSONDecoder()
    at = reply.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(reply, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict):
                findings = value.get("findings")
                yield from filter(_is_object, findings) if isinstance(findings, list) else (value,)
        at = reply.find("{", end)


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"^\s*\d+[:|]\s", "", line)).strip()


def _one_line(message: str) -> str:
    return re.sub(r"\s+", " ", message).strip()[:500]
