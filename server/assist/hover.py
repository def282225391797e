"""The static hover card: what a name is, where it is made, who uses it. No model is called."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from devflow.analysis.document import Document
from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.paths import shown_path
from devflow.analysis.scope import in_quotes
from devflow.analysis.text import Text
from devflow.analysis.types.base import Definition
from devflow.retrieval.graph.dialects import DIALECTS
from devflow.retrieval.graph.named import type_told
from devflow.retrieval.relations import UseCounts
from devflow.server.assist.base import Codebase
from devflow.server.assist.docstring_markdown import as_markdown
from devflow.server.assist.explain import explanation_of
from devflow.server.assist.found import within_roots
from devflow.server.assist.keywords import is_keyword_at
from devflow.server.assist.last_change import Change, last_change
from devflow.server.assist.look_up import ask_definition, look_up
from devflow.server.assist.memory import PerSession
from devflow.server.assist.waiting import answer, due, until, within
from devflow.server.settings import Hover

COUNT_SECONDS = 0.05
"""After this long from the question on the card goes out without the counts."""
READ_SECONDS = 0.05
CHANGE_SECONDS = 0.003
TYPE_SECONDS = 0.03
"""How long a fast engine is waited for where the definition itself is known without it."""
TOLD_SECONDS = 0.1
"""How long the graph is waited for."""
_CHANGED = PerSession[Change | None]("the last change of some lines")
_LONGEST_TYPE = 300
_VALUES = frozenset(
    {
        SymbolKind.VARIABLE,
        SymbolKind.CONSTANT,
        SymbolKind.FIELD,
        SymbolKind.PARAMETER,
    }
)


@dataclass(frozen=True, slots=True)
class Card:
    """Markdown for the range `start:end` of the document."""

    start: int
    end: int
    markdown: str
    engine: str
    """Who knew it: `jedi`, `document`, `index`."""


async def hover(doc: Document, at: int, code: Codebase, config: Hover) -> Card | None:
    """The card of the name at `at`; None where there is no name or nothing is known of it."""
    start, end = doc.text.word_at(at)
    name = doc.text.source[start:end]
    if not name or name[0].isdigit() or (not in_quotes(doc, at) and is_keyword_at(doc, start, end)):
        return None
    counted_by = due(COUNT_SECONDS)
    index = code.index
    counting = asyncio.create_task(index.uses_of(name, language=doc.language)) if index is not None else None
    try:
        known = await look_up(doc, at, code)
        if not known.definitions:
            return None
        definition = known.definitions[0]
        place, changed, typed = await asyncio.gather(
            _place(definition.location, doc, code),
            _last_change(definition.location, code),
            _type_of(doc, at, definition, code),
        )
        uses = None
        if counting is not None and _counts(definition):
            await until(counted_by, counting)
            uses = answer(counting)
    finally:
        if counting is not None:
            counting.cancel()
    parts = [card(replace(definition, signature=typed + definition.signature), doc)]
    if known.places:
        several = f"1 of {known.places} places called" if known.places > 1 else "the only place called"
        parts.append(f"*A guess by the name: {several} `{name}`.*")
    facts = [place, counts(uses)]
    if any(facts):
        parts.append(" · ".join(fact for fact in facts if fact))
    if changed:
        parts.append(changed)
    if config.explain == "cached" and definition.location is not None:
        explanation = await within(explanation_of(definition.location, doc, code), READ_SECONDS)
        if explanation:
            parts.append(f"---\n{explanation}")
    return Card(start, end, "\n\n".join(parts), known.engine)


async def _type_of(doc: Document, at: int, definition: Definition, code: Codebase) -> str:
    """`name: type` on a line of its own, for a variable, field or parameter whose definition does not write
    its type; "" where a fast engine does not tell it in time."""
    head, name = definition.signature, definition.name
    if definition.kind not in _VALUES or in_quotes(doc, at):
        return ""
    if doc.language in DIALECTS:
        return await _type_told(doc, at, definition, code)
    if not code.types_are_fast:
        return ""
    if re.search(rf"\b{re.escape(name)}\s*:", head):
        return ""
    asked = ask_definition(doc, at, code)
    if asked is None:
        return ""
    await until(due(TYPE_SECONDS), asked)
    told = answer(asked) or []
    typed = told[0].signature if told else ""
    plain = typed.startswith(f"{name}: ") and "\n" not in typed and len(typed) <= _LONGEST_TYPE
    return f"{typed}\n" if plain and typed.strip() != head.strip() else ""


async def _type_told(doc: Document, at: int, definition: Definition, code: Codebase) -> str:
    """As `_type_of`, in a language that writes types down, by the code on the way to the value."""
    if code.index is None or doc.path is None or definition.kind is SymbolKind.FIELD:
        return ""
    start, _ = doc.text.word_at(at)
    asked = code.index.graph.ask(type_told, doc.path, start, definition.name)
    told = await within(asked, TOLD_SECONDS)
    if not told or len(told) > _LONGEST_TYPE or told in definition.signature:
        return ""
    forms = {"java": f"{told} {definition.name}\n", "go": f"var {definition.name} {told}\n"}
    return forms.get(doc.language, f"{definition.name}: {told}\n")


def card(definition: Definition, doc: Document) -> str:
    """Signature in a fence, then the documentation."""
    head = definition.signature or definition.qualified_name or definition.name
    fence = "````" if "```" in head else "```"
    parts = [f"{fence}{doc.language}\n{head}\n{fence}"]
    if definition.doc:
        parts.append(as_markdown(definition.doc))
    return "\n\n".join(parts)


def counts(uses: UseCounts | None) -> str:
    """`12 calls, 3 of them in tests`, or "" when there is nothing to count."""
    if uses is None or not uses.calls + uses.others:
        return ""
    number, word, tests = (
        (uses.calls, "call", uses.calls_in_tests)
        if uses.calls
        else (uses.others, "use", uses.others_in_tests)
    )
    more = "+" if uses.more else ""
    text = f"{number}{more} {word}{'s' if number != 1 or more else ''}"
    return f"{text}, {tests} in tests" if tests else text


def _counts(definition: Definition) -> bool:
    """Locals and parameters have no callers worth counting."""
    return definition.kind not in ("parameter", "variable", "module", "keyword")


async def _last_change(location: Location | None, code: Codebase) -> str:
    """When the definition was last changed, if git has said so by now: the card waits for nothing, the
    next one of the same definition has it."""
    if location is None or code.index is None or not within_roots(location.path, code.roots):
        return ""
    around = await within(code.index.symbols_in(location.path), READ_SECONDS) or []
    own = next((each for each in around if each.symbol.name_start == location.start), None)
    text = await within(code.texts.text_of(location.path), READ_SECONDS) if own is not None else None
    if own is None or text is None:
        return ""
    first, last = text.line_at(own.symbol.start), text.line_at(own.symbol.end)
    key = _CHANGED.key(location.path, first, last, hash(text.source))
    asked = code.memory.task(key, lambda: last_change(location.path, first, last))
    await until(due(CHANGE_SECONDS), asked)
    found = answer(asked)
    return found.markdown() if found is not None else ""


async def _place(location: Location | None, doc: Document, code: Codebase) -> str:
    """`Defined in …` with the path as a user would name it."""
    if location is None:
        return ""
    text: Text | None = doc.text
    if doc.path is None or location.path != doc.path:
        text = await within(code.texts.text_of(location.path), READ_SECONDS)
    shown = shown_path(location.path, code.roots)
    return f"Defined in `{shown}:{text.line_at(location.start) + 1}`" if text else f"Defined in `{shown}`"
