"""Scenarios of next edits as readable text: what a user edited, and what is right to offer then.

    # a parameter is renamed: its uses follow
    == shapes.py
    def area(⟨width→w⟩, height):
        return ⟦width→w⟧ * height

`⟨old→new⟩` is an edit the user makes, in the order of the text unless numbered (`⟨2:old→new⟩`);
`⟦old→new⟧` one that is right to offer afterwards. A scenario without the latter is one in which silence is
right. The cursor is behind the last edit of the user, or at `‸`. A line `==` begins a file, the first is the
one that is edited.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devflow.analysis.changes import Change, History
from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse as parse_tree
from devflow.analysis.text import Edit, Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.next_edit.base import NextEdit
from devflow.server.assist.next_edit.predict import predict

_MARK = re.compile(r"⟨(?:(\d+):)?([^→⟨⟩]*)→([^⟨⟩]*)⟩|⟦([^→⟦⟧]*)→([^⟦⟧]*)⟧|(‸)")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. Offsets of `edits` are into the text before all of them, of `right` into that after."""

    name: str
    title: str
    path: str
    source: str
    edits: tuple[Edit, ...]
    right: tuple[Edit, ...]
    cursor: int
    """In the text after the edits."""
    others: dict[str, str] = field(default_factory=dict)
    language: str = "python"
    any_line: bool = False
    """Whether a line may as well stand between other ones: imports, and fields that are set one by one."""

    @property
    def quiet(self) -> bool:
        """Whether silence is right."""
        return not self.right


@dataclass(frozen=True, slots=True)
class Result:
    """What was offered. `first` is `right`, `wrong` or `none`; the counts are over the whole way, in which
    every right edit is made until nothing is offered any more."""

    scenario: Scenario
    first: str
    right: int
    wrong: int
    rules: tuple[str, ...]
    milliseconds: tuple[float, ...]
    offered: str = ""


def read(path: Path) -> Scenario:
    """The scenario in a file."""
    return parse(path.read_text("utf-8"), path.stem)


def parse(text: str, name: str = "scenario") -> Scenario:
    """The scenario that `text` says."""
    title = re.match(r"#\s*(.*)", text)
    pieces = re.split(r"(?m)^== (\S+)\n", text)
    files = list(zip(pieces[1::2], pieces[2::2], strict=True))
    path, marked = files[0]
    before: list[str] = []
    edits: list[tuple[int, Edit]] = []
    wanted: list[tuple[int, str, str]] = []
    cursor = -1
    at = last = 0
    for found in _MARK.finditer(marked):
        piece = marked[last : found.start()]
        before.append(piece)
        at += len(piece)
        last = found.end()
        number, old, new, was, becomes, here = found.groups()
        if here is not None:
            cursor = at
            continue
        if old is not None:
            edits.append((int(number or len(edits) + 1), Edit(at, at + len(old), new)))
        else:
            old = was
            wanted.append((at, was, becomes))
        before.append(old)
        at += len(old)
    before.append(marked[last:])
    made = tuple(edit for _, edit in sorted(edits, key=lambda pair: pair[0]))
    right = tuple(
        Edit(_after(start, made), _after(start, made) + len(was), becomes) for start, was, becomes in wanted
    )
    end = _after(cursor, made) if cursor >= 0 else _after(made[-1].start, made) + len(made[-1].new)
    known = language_of(Path(path))
    return Scenario(
        name,
        title[1] if title else name,
        path,
        "".join(before),
        made,
        right,
        end,
        dict(files[1:]),
        known.name if known is not None else "",
    )


def keystrokes(scenario: Scenario) -> Iterator[Change]:
    """The user's edits as single keys: what is replaced is deleted at once, what is new typed."""
    done: list[Edit] = []
    for edit in scenario.edits:
        at = _after(edit.start, done)
        old = scenario.source[edit.start : edit.end]
        if old:
            yield Change(at, old, "")
        for number, letter in enumerate(edit.new):
            yield Change(at + number, "", letter)
        done.append(edit)


async def run(scenario: Scenario, code: Codebase | None = None, most: int = 30) -> Result:
    """Make the user's edits, then every right one that is offered."""
    history = History()
    source = scenario.source
    for change in keystrokes(scenario):
        source = _made(source, change)
        history.add(change)
    code = code or Codebase((), _NoTexts())
    at = scenario.cursor
    left = list(scenario.right)
    first, offered = "none", ""
    right = wrong = 0
    rules: list[str] = []
    times: list[float] = []
    refused: list[Edit] = []
    for version in range(most):
        text = Text(source)
        doc = Document(
            f"file:///{scenario.path}",
            Path("/", scenario.path),
            scenario.language,
            version,
            text,
            parse_tree(text, scenario.language),
        )
        started = time.perf_counter()
        said = await predict(
            doc,
            at,
            history.recent(),
            code,
            lambda each, refused=tuple(refused): each.edit not in refused,
            patience=0.0,
        )
        times.append((time.perf_counter() - started) * 1_000)
        if not said.edits:
            break
        edit = said.edits[0].edit
        rules.append(said.edits[0].rule)
        after = text.replaced([edit]).source
        match = next((each for each in left if _same(text.replaced([each]).source, after, scenario)), None)
        if version == 0:
            first = "right" if match is not None else "wrong"
            offered = _shown(text, said.edits[0])
        if match is None:
            wrong += 1
            offered = offered if first == "wrong" else _shown(text, said.edits[0])
            refused.append(edit)
            continue
        right += 1
        left = [_moved(each, match) for each in left if each is not match]
        history.add(Change(edit.start, text.source[edit.start : edit.end], edit.new))
        at = edit.start + len(edit.new)
        source = after
        refused = []
    return Result(scenario, first, right, wrong, tuple(rules), tuple(times), offered)


def run_all(scenarios: Sequence[Scenario]) -> list[Result]:
    """One after the other."""

    async def every() -> list[Result]:
        return [await run(each) for each in scenarios]

    return asyncio.run(every())


class _NoTexts:
    async def text_of(self, path: Path) -> Text | None:
        return None


def _same(one: str, other: str, scenario: Scenario) -> bool:
    if scenario.any_line:
        return sorted(filter(None, one.split("\n"))) == sorted(filter(None, other.split("\n")))
    return one == other


def _after(at: int, edits: Sequence[Edit]) -> int:
    """Where an offset into the text before `edits` is after them."""
    return at + sum(
        len(each.new) - (each.end - each.start) for each in edits if each.end <= at and each.start < at
    )


def _made(source: str, change: Change) -> str:
    return source[: change.start] + change.new + source[change.old_end :]


def _moved(edit: Edit, made: Edit) -> Edit:
    growth = len(made.new) - (made.end - made.start)
    return Edit(edit.start + growth, edit.end + growth, edit.new) if made.end <= edit.start else edit


def _shown(text: Text, each: NextEdit) -> str:
    line = text.line_at(each.edit.start)
    return (
        f"{each.rule} line {line + 1}: {text.source[each.edit.start : each.edit.end]!r} → {each.edit.new!r}"
    )
