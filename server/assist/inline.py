"""Ghost text: the rest of the line, or a block, after the cursor.

A fill model writes it when there is one; else the code itself does, as lines that began so go on
elsewhere (`rest_of_line`), when that is probable enough.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

from devflow.analysis.document import Document
from devflow.analysis.languages import language_named
from devflow.analysis.scope import in_quotes
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit
from devflow.models.base import FillRequest
from devflow.models.errors import ModelError
from devflow.models.streams import closing
from devflow.server.assist.base import Codebase
from devflow.server.assist.postprocess import Site, clean
from devflow.server.assist.rest_of_line import guess
from devflow.server.assist.waiting import within
from devflow.server.settings import Inline

PREFIX_BUDGET = 6_000
SUFFIX_BUDGET = 2_000
CONTEXT_BUDGET = 2_000
"""Code points of the document before and behind the cursor, and of retrieved code, in a request."""
CONTEXT_SECONDS = 0.06
_CLOSING = re.compile(r"[\s)\]}>\"'`,;:]*\Z")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`edit` holds the whole new text of its range, the popup's selection included."""

    edit: Edit
    engine: str
    confidence: float


async def inline(
    doc: Document, at: int, code: Codebase, config: Inline, selected: Edit | None = None
) -> Suggestion | None:
    """What to show at `at`, or None. With `selected`, the completion chosen in the editor's popup, the
    suggestion goes on from it."""
    start, end, taken = at, at, ""
    if selected is not None:
        if not selected.start <= at <= selected.end:
            return None
        typed = doc.text.source[selected.start : at]
        if not selected.new.startswith(typed):
            return None
        start, end, taken = selected.start, selected.end, selected.new
        doc = replace(doc, text=doc.text.replaced([selected]), tree=_edited(doc, selected), version=-1)
        at = start + len(taken)
    if not worth_asking(doc, at):
        return None
    site = _site(doc, at)
    found = None
    if code.models is not None and code.models.has("fill"):
        found = await _by_model(doc, at, site, code, config)
    if found is None:
        found = await _by_code(doc, at, site, code, config)
    if found is None or (not found[0] and not taken):
        return None
    text, engine, confidence = found
    return Suggestion(Edit(start, end, taken + text), engine, confidence)


def worth_asking(doc: Document, at: int) -> bool:
    """Whether ghost text can help at `at`: not inside a word, not before code on the same line that
    is more than closing signs, not in a string or a comment, not in an empty document."""
    text = doc.text
    line = text.line_at(at)
    before = text.source[text.line_start(line) : at]
    after = text.source[at : text.line_end(line)]
    if after[:1].isalnum() or after[:1] == "_" or not _CLOSING.match(after):
        return False
    if len(before) > 500 or not text.source[:at].strip():
        return False
    return not in_quotes(doc, at)


def fills_block(doc: Document, at: int) -> bool:
    """Whether more than the rest of the line may be written: the line is empty or ends by opening a
    block, nothing follows on it, and (when empty) the code above opened one or is at this depth."""
    text = doc.text
    line = text.line_at(at)
    before = text.source[text.line_start(line) : at]
    if text.source[at : text.line_end(line)].strip():
        return False
    if before.rstrip().endswith((":", "{")) and not before.lstrip().startswith("#"):
        return True
    if before.strip():
        return False
    above = next((text.line(n) for n in range(line - 1, max(-1, line - 4), -1) if text.line(n).strip()), "")
    return above.rstrip().endswith((":", "{")) or above.rstrip().endswith('"""')


def stops(text: str, site: Site) -> bool:
    """Whether a stream that wrote `text` so far has written all that will be shown."""
    body = text.lstrip("\n")
    if not site.multiline:
        return "\n" in body and bool(body.split("\n", 1)[0].strip())
    if "\n\n" in body:
        return True
    lines = body.split("\n")
    base = len(site.line_before) - len(site.line_before.lstrip())
    if site.line_before.rstrip().endswith((":", "{")):
        base += 1
    return any(
        line.strip() and len(line) - len(line.lstrip()) < base and line.strip()[0] not in ")]}"
        for line in lines[1:-1]
    )


def _site(doc: Document, at: int) -> Site:
    source = doc.text.source
    return Site(source[max(0, at - 8_000) : at], source[at : at + 4_000], fills_block(doc, at))


async def _by_model(
    doc: Document, at: int, site: Site, code: Codebase, config: Inline
) -> tuple[str, str, float] | None:
    models = code.models
    assert models is not None
    context, paths = await _context(doc, at, code)
    request = FillRequest(
        prefix=_tail(doc.text.source[:at], PREFIX_BUDGET),
        suffix=doc.text.source[at : at + SUFFIX_BUDGET],
        language=doc.language,
        path=_relative(doc.path, code),
        context=context,
        context_paths=paths,
        max_tokens=config.max_tokens,
        stop=() if site.multiline else ("\n",) if site.line_before.strip() else (),
    )
    written = ""
    stream = models.fill(request)
    try:
        async with asyncio.timeout(config.timeout_ms / 1000), closing(stream):
            async for piece in stream:
                written += piece
                if stops(written, site):
                    break
    except TimeoutError:
        # Whole lines that came in time are worth showing, half a line is not.
        written = written.rsplit("\n", 1)[0] if "\n" in written.strip() else ""
    except ModelError as error:
        log.warning("ghost text: %s", error)
        return None
    text = await asyncio.to_thread(_checked, written, site, doc, at)
    return (text, models.last_used("fill"), 1.0) if text else None


async def _context(doc: Document, at: int, code: Codebase) -> tuple[str, tuple[str, ...]]:
    """Code from other files that resembles what is being written, as comments and code, within its
    budget and its deadline."""
    if code.index is None:
        return "", ()
    line = doc.text.line_at(at)
    query = doc.text.source[doc.text.line_start(max(0, line - 8)) : at]
    words = " ".join(dict.fromkeys(re.findall(r"[^\W\d]\w{2,}", query)))
    if not words:
        return "", ()
    hits = await within(code.index.search(words, limit=6, deadline=CONTEXT_SECONDS), 2 * CONTEXT_SECONDS)
    known = language_named(doc.language)
    sign = known.comment if known is not None and known.comment else "#"
    parts: list[str] = []
    paths: list[str] = []
    left = CONTEXT_BUDGET
    for hit in hits or ():
        piece = f"{sign} {_relative(hit.path, code)}\n{hit.text.rstrip()}\n"
        if hit.path != doc.path and len(piece) <= left:
            parts.append(piece)
            paths.append(_relative(hit.path, code))
            left -= len(piece)
    return "\n".join(parts), tuple(paths)


async def _by_code(
    doc: Document, at: int, site: Site, code: Codebase, config: Inline
) -> tuple[str, str, float] | None:
    """The rest of the line as it stands elsewhere."""
    if site.line_before.strip() == "" and not site.multiline:
        return None  # at the start of a line nothing has been said yet
    site = replace(site, multiline=False)
    found = await asyncio.to_thread(guess, doc, at, code, lambda text: clean(text, site))
    if found is None or found.probability < config.min_confidence:
        return None
    return found.text, found.engine, found.probability


def _checked(written: str, site: Site, doc: Document, at: int) -> str:
    """`written` cleaned, or "" when it would break syntax that was whole."""
    text = clean(written, site)
    tree = doc.tree
    if not text or tree is None or tree.has_error():
        return text
    edit = Edit(at, at, text)
    return text if not tree.edited([edit], doc.text.replaced([edit])).has_error() else ""


def _edited(doc: Document, edit: Edit) -> SyntaxTree | None:
    tree = doc.tree
    return tree.edited([edit], doc.text.replaced([edit])) if tree is not None else None


def _tail(text: str, budget: int) -> str:
    """The last whole lines of `text` within `budget`."""
    if len(text) <= budget:
        return text
    cut = text[-budget:]
    return cut[cut.find("\n") + 1 :] if "\n" in cut else cut


def _relative(path: Path | None, code: Codebase) -> str:
    if path is None:
        return ""
    for root in code.roots:
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name
