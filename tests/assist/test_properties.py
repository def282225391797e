"""What holds for any text: completions leave whole code whole, ranges lie in their document in every
encoding, and edits one by one lead where a fresh parse leads."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devflow.analysis.document import Document
from devflow.analysis.python_names import python_names
from devflow.analysis.scope import visible_names
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Encoding, Text
from devflow.server.assist.base import Codebase
from devflow.server.assist.complete import complete
from devflow.server.assist.highlight import highlights
from devflow.server.assist.hover import hover
from devflow.server.assist.navigate import definition, references
from devflow.server.assist.rename import RenameRefused, prepare_rename, rename
from devflow.server.settings import Completion, Hover
from support.codebase import document, workspace
from support.random_python import modules

PATIENT = Completion(deadline_ms=20_000)
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
SPACE = """
#- shapes.py
LIMIT = 1
class Circle:
    def radius(self): ...
def area(width, height): ...
#- main.py
'''Größe 😀.'''
from __future__ import annotations
import os
def größe(länge: int, *rest, wide=LIMIT) -> str:
    if länge and not rest:
        t = f'😀{länge!r}' + os.path.join('a', wide)
        return area(t, height=Circle().radius())
    with open(t) as datei, datei as (x, y):
        return [x for x in y if x.name == länge]
    match rest:
        case [a, *b]: return lambda z=a: z.b
@decorate
class A(Circle):
    x: Circle = größe(1)
    def m(self): return self.x.radius(), '𝒳', self.m<|>
"""


class Nothing:
    async def text_of(self, path: Path) -> Text | None:
        return None


async def test_every_completion_leaves_whole_code_whole(tmp_path: Path) -> None:
    seen = imported = 0
    async with workspace(tmp_path, SPACE, indexed=True) as space:
        text = space.doc.text
        for each in python_names(space.doc.tree).occurrences if space.doc.tree is not None else ():
            for at in {each.start + 1, each.end}:
                found = await complete(space.doc, at, space.code, PATIENT)
                for item in found.items[:60]:
                    if item.source == "keyword":
                        continue  # `return` is a statement, and no name stands for one
                    after = text.replaced([item.edit, *item.additional]).source
                    try:
                        ast.parse(after)
                    except SyntaxError:
                        line = text.line_at(at) + 1
                        pytest.fail(f"{item} in line {line}: {text.line(line - 1)}")
                    seen += 1
                    imported += bool(item.additional)
    assert seen > 300
    assert imported > 3


async def test_every_range_lies_in_its_document_in_every_encoding(tmp_path: Path) -> None:
    async with workspace(tmp_path, SPACE, indexed=True) as space:
        doc, code = space.doc, space.code
        ranges: set[tuple[Path | None, int, int]] = set()
        for at in range(0, len(doc.text) + 1):
            if doc.text.word_at(at)[0] != at:
                continue
            ranges |= {(doc.path, each.start, each.end) for each in await highlights(doc, at, code)}
            places = [
                *(await definition(doc, at, code)).locations,
                *await references(doc, at, code, True),
            ]
            ranges |= {(each.path, each.start, each.end) for each in places}
            if (card := await hover(doc, at, code, Hover())) is not None:
                ranges.add((doc.path, card.start, card.end))
            if (named := await prepare_rename(doc, at, code)) is not None:
                ranges.add((doc.path, *named))
                try:
                    made = await rename(doc, at, "brand_new", code)
                except RenameRefused:
                    continue
                ranges |= {(path, each.start, each.end) for path, all_ in made.edits.items() for each in all_}
        texts = {path: await space.text_of(path) for path, _, _ in ranges if path is not None}
    assert len(ranges) > 60
    for path, start, end in ranges:
        text = texts[path] if path is not None else None
        assert text is not None
        assert 0 <= start <= end <= len(text)
        for encoding in ENCODINGS:
            for offset in (start, end):
                line, character = text.position(offset, encoding)
                assert line < text.line_count
                assert text.offset(line, character, encoding) == offset


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    modules(),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 6),
            st.sampled_from(
                ["a", "b = 1\n", "\n", "(", ")", "    ", "def c(a):\n", "é.", "'", "class a:\n", ""]
            ),
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 400),
)
def test_edits_one_by_one_lead_where_a_fresh_parse_leads(
    source: str, changes: list[tuple[int, int, str]], place: int
) -> None:
    path = Path("/project/a.py")
    code, fresh_code = Codebase((path.parent,), Nothing()), Codebase((path.parent,), Nothing())
    doc = document(source, path)

    async def labels(doc: Document, at: int, code: Codebase) -> list[str]:
        return [each.label for each in (await complete(doc, at, code, PATIENT)).items]

    async def run() -> None:
        nonlocal doc
        for version, (start, length, new) in enumerate(changes, 2):
            start = min(start, len(doc.text))
            edit = Edit(start, min(start + length, len(doc.text)), new)
            text = doc.text.replaced([edit])
            assert doc.tree is not None
            tree = doc.tree.edited([edit], text)
            doc = Document(doc.uri, path, "python", version, text, tree)
            await labels(doc, min(start + len(new), len(text)), code)
        fresh = document(doc.text.source, path)
        at = min(place, len(doc.text))
        again = parse(doc.text, "python")
        assert again is not None
        assert doc.tree is not None
        assert str(doc.tree.root) == str(again.root)
        assert visible_names(doc.tree, at) == visible_names(again, at)
        ours, theirs = python_names(doc.tree), python_names(again)
        assert [(each, ours.home(each)) for each in ours.occurrences] == [
            (each, theirs.home(each)) for each in theirs.occurrences
        ]
        assert sorted(await labels(doc, at, code)) == sorted(await labels(fresh, at, fresh_code))

    try:
        asyncio.run(run())
    finally:
        code.memory.close()
        fresh_code.memory.close()
