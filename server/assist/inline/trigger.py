"""Whether to suggest anything at all: cheap questions first, each silence with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from devflow.analysis.document import Document
from devflow.analysis.scope import place_at
from devflow.server.assist.inline.brackets import open_in
from devflow.server.assist.inline.site import indent_of, width
from devflow.server.settings import Inline

_CLOSING = re.compile(r"[\s)\]}>\"'`,;:]*\Z")
_LONGEST_LINE = 500
_WHOLE_END = re.compile(r"(?:[)\]}]|;|(?<=\w)[\"'])\Z")
_NEEDS_COLON = re.compile(
    r"\s*(?:async[ ]+)?(?:if|elif|else|for|while|with|def|class|try|except|finally|match|case)\b"
)
_LEAVES = re.compile(r"\s*(?:return|raise|break|continue|pass|throw)\b[^\n]*\Z")
_BARE = re.compile(r"\s*(?:pass|break|continue|\.\.\.)\s*\Z")
_IMPORT = re.compile(
    r"\s*(?:import[ ]+(?:[\w., ]*[, ])?|from[ ]+[\w.]+[ ]+import[ ]+(?:[\w, ]*[, ])?)([^\W\d]\w*)(?:\.\w+)*\Z"
)
"""An import up to its last name, which group 1 is: what `import a.b` binds is `a`."""
_TRIGGERS = "(,=.:[{"
_DELETIONS_IN_A_ROW = 3


class Silence(StrEnum):
    """Why nothing is shown, as `devflow.why` tells it."""

    MANUAL = "manual mode"
    SNOOZED = "snoozed"
    LANGUAGE = "switched off for this language"
    PATH = "switched off for this path"
    EMPTY = "an empty document"
    LONG_LINE = "a line of more than 500 characters"
    IN_WORD = "inside a word"
    MID_LINE = "code follows on the line"
    STRING = "inside a string"
    COMMENT = "inside a comment"
    WHOLE = "the statement is whole"
    UNREACHABLE = "nothing after this line is reached"
    NEW_NAME = "a new name is being chosen"
    DELETED = "something was just deleted"
    ACCEPTED = "a suggestion was just accepted"
    SUBTLE = "subtle mode, and no place that asks for code"
    SELECTION = "the popup's choice does not fit what is typed"
    NOTHING = "nobody had a suggestion"
    MODEL = "the model could not be asked, or failed"
    LATE = "the model did not answer in time"
    SUPERSEDED = "a newer request took its place"
    CLEANED = "nothing was left of the suggestion once it was cleaned"
    BROKEN = "it would break the syntax"
    INVENTED = "it uses a name that does not exist"
    REJECTED = "it was rejected here before"
    UNDOES = "it would undo the last edit"
    UNLIKELY = "it would probably not be accepted"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known about the request besides the document."""

    manual: bool = False
    """The user asked for it, by a key: the gates that guess at the user's mood stay open."""
    snoozed: bool = False
    deletions: int = 0
    """How many single code points were deleted one behind the other, up to now."""
    accepted: bool = False
    """The text before the cursor is a suggestion that was accepted as the last thing done."""


def closed_gate(doc: Document, at: int, situation: Situation, config: Inline) -> Silence | None:
    """Why there is no suggestion at `at`; None where one is worth working for."""
    if not situation.manual and (silence := unwanted(doc, situation, config)) is not None:
        return silence
    return _place(doc, at) or (None if situation.manual else _mood(doc, at, situation, config))


def worth_asking(doc: Document, at: int) -> bool:
    """Whether ghost text can help at `at` at all, whatever the user is about."""
    return _place(doc, at) is None


def may_help(doc: Document, at: int, config: Inline) -> bool:
    """Whether ghost text nobody asked for may be shown at `at`, now or after a key."""
    return unwanted(doc, Situation(), config) is None and worth_asking(doc, at)


def asks_for_code(doc: Document, at: int) -> bool:
    """Whether the cursor stands where code must follow: behind a sign that opens or continues
    something, or at the start of a block."""
    source = doc.text.source
    before = source[doc.text.line_start(doc.text.line_at(at)) : at].rstrip()
    if before:
        return before[-1] in _TRIGGERS
    above = source[:at].rstrip()
    return above[-1:] in (":", "{", "(", "[", ",")


def unwanted(doc: Document, situation: Situation, config: Inline) -> Silence | None:
    """Why the user wants no ghost text in `doc` that he did not ask for, wherever the cursor is."""
    if config.mode == "manual":
        return Silence.MANUAL
    if situation.snoozed:
        return Silence.SNOOZED
    if doc.language in config.languages_off:
        return Silence.LANGUAGE
    path = PurePath(doc.path) if doc.path is not None else None
    if path is not None and any(_matches(path, pattern) for pattern in config.paths_off):
        return Silence.PATH
    return None


def _matches(path: PurePath, pattern: str) -> bool:
    return path.match(pattern) or path.match(f"{pattern.rstrip('/')}/*")


def _place(doc: Document, at: int) -> Silence | None:
    """What is wrong with the place itself."""
    text = doc.text
    line = text.line_at(at)
    before = text.source[text.line_start(line) : at]
    after = text.source[at : text.line_end(line)]
    if after[:1].isalnum() or after[:1] == "_":
        return Silence.IN_WORD
    if not _CLOSING.match(after):
        return Silence.MID_LINE
    if len(before) > _LONGEST_LINE:
        return Silence.LONG_LINE
    if not text.source[:at].strip():
        return Silence.EMPTY
    where = place_at(doc.tree, at) if doc.tree is not None else "code"
    if where == "comment":
        return Silence.COMMENT
    if where == "string":
        return Silence.STRING
    return None


def _mood(doc: Document, at: int, situation: Situation, config: Inline) -> Silence | None:
    """What speaks against a suggestion nobody asked for."""
    text = doc.text
    line = text.line_at(at)
    before = text.source[text.line_start(line) : at]
    if 0 < situation.deletions < _DELETIONS_IN_A_ROW:
        return Silence.DELETED
    if is_whole(before, doc.language):
        return Silence.ACCEPTED if situation.accepted else Silence.WHOLE
    if doc.language == "python" and _import_is_done(doc, line, before):
        return Silence.WHOLE
    if _chooses_name(before, doc.language):
        return Silence.NEW_NAME
    if not before.strip() and _is_unreachable(doc, line, before):
        return Silence.UNREACHABLE
    if config.mode == "subtle" and not asks_for_code(doc, at):
        return Silence.SUBTLE
    return None


def is_whole(before: str, language: str) -> bool:
    """Whether the line up to the cursor is a statement that nothing needs to follow."""
    bare = before.rstrip()
    if not bare or open_in(bare):
        return False
    if language == "python":
        if _NEEDS_COLON.match(bare):
            return False
        if _BARE.match(bare):
            return True
    if _WHOLE_END.search(bare) is None:
        return False
    # Behind a space after a bracket somebody goes on: `f(x) `, then `+ 1` or `if`.
    return not before.endswith(" ") or bare.endswith(";")


def _import_is_done(doc: Document, line: int, before: str) -> bool:
    """Whether an import ends at the cursor with a name that the document uses: one that is still being typed
    is used nowhere."""
    found = _IMPORT.match(before)
    if found is None or doc.text.line(line)[len(before) :].strip():
        return False
    name = found[1]
    source, start = doc.text.source, doc.text.line_start(line)
    elsewhere = (source[:start], source[start + len(before) :])
    return any(re.search(rf"(?<![\w.]){name}(?!\w)", text) for text in elsewhere)


def _chooses_name(before: str, language: str) -> bool:
    """Whether a new name is half typed, which only its author knows."""
    if language == "python":
        return bool(re.match(r"\s*(?:async[ ]+)?(?:def|class)[ ]+\w*\Z", before))
    return bool(
        re.search(r"(?<![\w.])(?:fn|func|function|class|interface|struct|enum|trait)[ \t]+\w*\Z", before)
    )


def _is_unreachable(doc: Document, line: int, before: str) -> bool:
    """Whether the empty line stands behind a `return` or its like in the same block."""
    for number in range(line - 1, max(-1, line - 3), -1):
        above = doc.text.line(number)
        if above.strip():
            same = width(indent_of(above)) == width(indent_of(before))
            goes_on = above.rstrip().endswith((",", "\\")) or bool(open_in(above))
            return same and bool(before) and bool(_LEAVES.match(above)) and not goes_on
    return False
