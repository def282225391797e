"""An open document is what the editor shows, after any edits in any encoding."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Encoding, Text
from devflow.server.documents import LARGEST, LONGEST_LINE, PARSED_ON_LOOP, OpenDocument
from devflow.server.errors import ContentModified

SOURCE = st.text(alphabet="ab= \t\n\r\f\u2028é😋", max_size=30)
URI = "file:///a.py"


def opened(source: str, language: str = "python") -> OpenDocument:
    return OpenDocument(URI, None, language, 1, source)


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(*start), types.Position(*end)), text=text
    )


@given(
    SOURCE,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), SOURCE), max_size=6),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_edits_in_client_positions_do_what_they_do_to_the_text(
    source: str, edits: list[tuple[int, int, str]], encoding: Encoding
) -> None:
    document = opened(source)
    expected = source
    changes = []
    for one, other, new in edits:
        text = Text(expected)
        # Through positions: between CR and LF there is none.
        start, end = sorted(
            text.offset(*text.position(min(at, len(text)), encoding), encoding) for at in (one, other)
        )
        changes.append(edit(text.position(start, encoding), text.position(end, encoding), new))
        expected = expected[:start] + new + expected[end:]
    document.change(2, changes, encoding)
    assert document.text.source == expected


PIECES = st.sampled_from(["", "x", "é\n", "def f(:\n  y", "😋("])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8), PIECES)))
def test_the_tree_after_edits_is_the_tree_of_the_text(edits: list[tuple[int, int, str]]) -> None:
    async def both() -> tuple[str, str]:
        document = opened("def area(w, h):\n    return w * h  # é\n\nprint(area(2, 3))\n")
        for version, (at, length, new) in enumerate(edits, 2):
            text = document.text
            change = edit(text.position(at, "utf-16"), text.position(at + length, "utf-16"), new)
            document.change(version, [change], "utf-16")
            if version % 3 == 0:
                await document.parsed()
        doc = await document.parsed()
        fresh = parse(doc.text, "python")
        assert doc.tree is not None
        assert fresh is not None
        return str(doc.tree.root), str(fresh.root)

    incremental, fresh = asyncio.run(both())
    assert incremental == fresh


async def test_a_large_document_is_parsed_in_a_thread_and_its_edits_are_kept() -> None:
    line = "value = call(argument)\n"
    document = opened(line * (2 * PARSED_ON_LOOP // len(line)))
    parsing = asyncio.create_task(document.parsed())
    await asyncio.sleep(0)
    document.change(2, [edit((0, 0), (0, 5), "other")], "utf-16")
    await asyncio.wait([parsing])
    doc = await document.parsed()
    assert doc.text.source.startswith("other = call")
    assert doc.tree is not None
    assert doc.tree.text is doc.text


async def test_who_waits_for_the_tree_of_an_old_text_is_told_so() -> None:
    document = opened("value = 1\n" * (PARSED_ON_LOOP // 4))
    first = asyncio.create_task(document.parsed())
    await asyncio.sleep(0)
    document.change(2, [edit((0, 0), (0, 0), "a")], "utf-16")
    second = asyncio.create_task(document.parsed())
    await asyncio.sleep(0)
    document.change(3, [edit((0, 0), (0, 0), "b")], "utf-16")
    with pytest.raises(ContentModified):
        await second
    await first


async def test_cancelling_one_request_does_not_stop_the_parse_for_the_next() -> None:
    document = opened("value = 1\n" * (PARSED_ON_LOOP // 4))
    first = asyncio.create_task(document.parsed())
    await asyncio.sleep(0)
    first.cancel()
    assert (await document.parsed()).tree is not None


async def test_a_very_long_line_gets_no_tree() -> None:
    doc = await opened("x = '" + "a" * LONGEST_LINE + "'\n").parsed()
    assert doc.tree is None
    assert len(doc.text) > LONGEST_LINE


async def test_a_huge_document_is_set_aside_and_comes_back_when_it_shrinks() -> None:
    document = opened("a\n" * LARGEST)
    assert document.set_aside
    document.change(2, [edit((0, 0), (0, 1), "b")], "utf-16")
    assert document.set_aside
    document.change(3, [types.TextDocumentContentChangeWholeDocument("x = 1\n")], "utf-16")
    assert not document.set_aside
    assert (await document.parsed()).tree is not None


async def test_a_snapshot_stays_what_it_was() -> None:
    document = opened("a = 1\n")
    doc = await document.parsed()
    document.change(2, [edit((0, 0), (0, 1), "b")], "utf-16")
    assert (doc.version, doc.text.source) == (1, "a = 1\n")
    assert not document.is_current(doc)


async def test_a_language_without_a_grammar_gets_no_tree() -> None:
    assert (await opened("text", language="").parsed()).tree is None


async def test_a_range_that_runs_backwards_is_turned_round() -> None:
    document = opened("abc")
    document.change(2, [edit((0, 2), (0, 1), "")], "utf-16")
    assert document.text.source == "ac"
