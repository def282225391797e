"""What next edits are told from, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.changes import Change
from devflow.analysis.document import Document
from devflow.analysis.text import Edit, Text


@dataclass(frozen=True, slots=True)
class Cause:
    """One edit the user made, by tokens: in the present text `old` stood where `new` stands now."""

    change: Change
    old: tuple[str, ...]
    new: tuple[str, ...]
    start: int
    """Where the first token of `new` stands now, or would."""
    end: int
    old_text: str
    """All that stood between the tokens on either side, spaces included."""
    new_text: str
    left: tuple[str, ...]
    """The tokens before it on its line, the nearest last; `LINE` where the line begins."""
    right: tuple[str, ...]
    """Those behind it, the nearest first; `LINE` where the line ends."""

    @property
    def renamed(self) -> tuple[str, str] | None:
        """`(old, new)` where a name was put in place of another one."""
        if len(self.old) == len(self.new) == 1 and is_name(self.old[0]) and is_name(self.new[0]):
            return self.old[0], self.new[0]
        return None


LINE = "\n"


@dataclass(frozen=True, slots=True)
class Edited:
    """A document with what was changed in it lately."""

    doc: Document
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class NextEdit:
    """An edit the user is likely to make next, or a place where one is due that only the user can write."""

    edit: Edit
    """Of the present text of its file; one that changes nothing says no more than where."""
    rule: str
    """What found it: `rename`, `repeat`, `argument`, `signature`, `field`, `import` or `model`."""
    title: str
    """A few words for the user."""
    path: Path | None = None
    """None: the document that was edited."""
    text: Text | None = None
    """The present text of `path`."""

    @property
    def is_place(self) -> bool:
        """Whether it only says where an edit is due."""
        return not self.edit.new and self.edit.start == self.edit.end


@dataclass(frozen=True, slots=True)
class Prediction:
    """What comes next: in the document, nearest to the cursor first, and in other files."""

    edits: tuple[NextEdit, ...] = ()
    elsewhere: tuple[NextEdit, ...] = ()


def keeps_syntax(doc: Document, edit: Edit) -> bool:
    """Whether the edit does not break syntax that is whole."""
    tree = doc.tree
    if tree is None or tree.has_error():
        return True
    return not tree.edited([edit], doc.text.replaced([edit])).has_error()


def is_name(token: str) -> bool:
    """Whether a token is a name or a keyword."""
    return token.replace("$", "_").isidentifier()
