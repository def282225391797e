"""The static hover card: what a name is, where it is made, who uses it. No model is called."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.facts import Location
from devflow.analysis.types.base import Definition
from devflow.retrieval.base import IndexedReference
from devflow.server.assist.base import Codebase
from devflow.server.assist.candidates import in_quotes
from devflow.server.assist.explain import explanation_of
from devflow.server.assist.keywords import keywords
from devflow.server.assist.navigate import (
    PATIENCE_SECONDS,
    Found,
    ask_definition,
    resolve,
    without_doubt,
)
from devflow.server.assist.waiting import answer, until, within
from devflow.server.settings import Hover

ENGINE_SECONDS = 0.15
LATE_SECONDS = 0.6
COUNT_SECONDS = 0.05
_MOST_DOC = 3_000
_MOST_COUNTED = 500


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
    if not name or name[0].isdigit() or name in keywords(doc.language) or in_quotes(doc, at):
        return None
    begun = time.monotonic()
    definition, engine = await _from_engine(doc, at, code, begun + PATIENCE_SECONDS), "jedi"
    if definition is None:
        found = await resolve(doc, at, code)
        if without_doubt(found) is None:  # late is better than a guess, and much better than nothing
            definition = await _from_engine(
                doc, at, code, begun + (ENGINE_SECONDS if found else LATE_SECONDS)
            )
        if definition is None and found:
            definition, engine = _definition(found[0]), found[0].source
        if definition is None:
            return None
    uses = None
    if code.index is not None and _counts(definition):
        uses = await within(code.index.references_to(name, _MOST_COUNTED), COUNT_SECONDS)
    markdown = await asyncio.to_thread(card, definition, doc, code.roots, uses)
    line = await _line_of(definition.location, doc, code)
    if definition.location is not None:
        place = (
            f"{shown_path(definition.location.path, code.roots)}:{line + 1}"
            if line is not None
            else (shown_path(definition.location.path, code.roots))
        )
        markdown += f"\n\nDefined in `{place}`"
    if counted := counts(uses):
        markdown += f"{' · ' if definition.location is not None else chr(10) * 2}{counted}"
    if config.explain == "cached" and definition.location is not None:
        explanation = await within(explanation_of(definition.location, doc, code), COUNT_SECONDS)
        if explanation:
            markdown += f"\n\n---\n{explanation}"
    return Card(start, end, markdown, engine)


def card(
    definition: Definition, doc: Document, roots: Sequence[Path], uses: Sequence[IndexedReference] | None
) -> str:
    """Signature in a fence, then the documentation."""
    head = definition.signature or definition.qualified_name or definition.name
    fence = "````" if "```" in head else "```"
    parts = [f"{fence}{doc.language}\n{head}\n{fence}"]
    if definition.doc:
        parts.append(as_markdown(definition.doc))
    return "\n\n".join(parts)


def counts(uses: Sequence[IndexedReference] | None) -> str:
    """`12 calls, 3 of them in tests`, or "" when there is nothing to count."""
    if not uses:
        return ""
    calls = [use for use in uses if use.kind == "call"]
    shown, word = (calls, "call") if calls else (list(uses), "use")
    tests = sum(1 for use in shown if is_test(use.path))
    more = "+" if len(uses) >= _MOST_COUNTED else ""
    text = f"{len(shown)}{more} {word}{'s' if len(shown) != 1 or more else ''}"
    return f"{text}, {tests} in tests" if tests else text


def is_test(path: Path) -> bool:
    """Whether a file holds tests, by its name and folders."""
    return bool(
        re.match(r"(?:test_.*|.*_test|.*\.(?:test|spec)|conftest|.*Tests?)$", path.stem)
        or {"test", "tests", "__tests__", "spec"} & set(path.parts[:-1])
    )


def as_markdown(doc: str) -> str:
    """A docstring as Markdown: plain text stays, what is set off by indentation or `>>>` becomes code,
    Sphinx field lists become a list. Cut at 3,000 code points."""
    text = doc.strip()
    if len(text) > _MOST_DOC:
        text = text[:_MOST_DOC].rsplit("\n", 1)[0] + "\n…"
    text = re.sub(
        r":(?:py:)?(?:class|func|meth|mod|attr|exc|data|obj|ref|const):`~?([^`<]+)(?:<[^`]*>)?`",
        r"`\1`",
        text,
    )
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    lines: list[str] = []
    code = False
    for line in text.split("\n"):
        prompt = line.lstrip().startswith((">>>", "... "))
        if prompt and not code:
            lines.append("```python")
            code = True
        elif code and not line.strip():
            lines.append("```")
            code = False
        if not code and (
            field := re.match(r"\s*:(param|type|returns?|rtype|raises?)\s*([^:]*):\s*(.*)", line)
        ):
            label = f" `{field[2].strip()}`" if field[2].strip() else ""
            line = f"- {field[1]}{label}: {field[3]}"
        elif not code and (
            title := re.match(
                r"(Args|Arguments|Parameters|Returns|Raises|Yields|Example|Examples|Note|Notes|Attributes):\s*$",
                line,
            )
        ):
            line = f"**{title[1]}**\n"
        elif not code and (item := re.match(r" {2,8}(\*{0,2}\w+)(?: \(([^)]*)\))?: (.*)", line)):
            kind = f" ({item[2]})" if item[2] else ""
            line = f"- `{item[1]}`{kind}: {item[3]}"
        lines.append(line)
    if code:
        lines.append("```")
    return "\n".join(lines)


def shown_path(path: Path, roots: Sequence[Path]) -> str:
    """`path` as a user would name it: from its workspace root, else from site-packages, else whole."""
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    parts = path.parts
    for folder in ("site-packages", "dist-packages", "typeshed"):
        if folder in parts:
            return "/".join(parts[parts.index(folder) + 1 :])
    return path.as_posix()


async def _from_engine(doc: Document, at: int, code: Codebase, deadline: float) -> Definition | None:
    asked = ask_definition(doc, at, code)
    if asked is None:
        return None
    await until(deadline, asked)
    found = answer(asked)
    return found[0] if found else None


def _definition(found: Found) -> Definition:
    symbol = found.symbol
    return Definition(
        symbol.name,
        symbol.kind,
        symbol.qualified_name,
        symbol.signature or symbol.name,
        symbol.doc,
        found.location,
    )


def _counts(definition: Definition) -> bool:
    """Locals and parameters have no callers worth counting."""
    return definition.kind not in ("parameter", "variable", "module", "keyword")


async def _line_of(location: Location | None, doc: Document, code: Codebase) -> int | None:
    if location is None:
        return None
    if doc.path is not None and location.path == doc.path:
        return doc.text.line_at(location.start)
    text = await within(code.texts.text_of(location.path), COUNT_SECONDS)
    return text.line_at(location.start) if text is not None else None
