"""`merge-conflict`: what `git merge` or `git rebase` left for somebody to choose from."""

from __future__ import annotations

import re

from devflow.analysis.facts import Finding
from devflow.analysis.syntax.parse import SyntaxTree

CODE = "merge-conflict"

_MARK = re.compile(r"^(?P<mark><{7}|={7}|>{7})(?:[ \t](?P<side>[^\r\n]*))?\r?$", re.MULTILINE)


def merge_conflicts(tree: SyntaxTree) -> list[Finding]:
    """One finding for each conflict, at its first line. A text that can be parsed has none: marks that
    stand in a string are meant."""
    if not tree.has_error():
        return []
    found: list[Finding] = []
    open_: list[re.Match[str]] = []
    for each in _MARK.finditer(tree.text.source):
        mark = each["mark"][0]
        if mark == "<":
            open_ = [each]
        elif mark == "=" and len(open_) == 1:
            open_.append(each)
        elif mark == ">" and len(open_) == 2:
            ours, theirs = _side(open_[0]) or "ours", _side(each) or "theirs"
            last = tree.text.line_at(each.start()) + 1
            what = f"up to line {last} stands what {ours} and {theirs} have."
            message = f"This merge conflict is not resolved: {what}"
            found.append(Finding(open_[0].start(), open_[0].start() + 7, CODE, message, "error"))
            open_ = []
    return found


def _side(mark: re.Match[str]) -> str:
    return (mark["side"] or "").strip()
