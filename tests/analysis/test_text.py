"""Coordinates: every offset survives the way to the client's units and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Encoding, Text

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
SOURCES = st.text(alphabet="ab\t\n\r\f\u2028\ufeffé漢😋", max_size=40)


def has_position(text: Text, offset: int) -> bool:
    return text.source[offset - 1 : offset + 1] != "\r\n"


@given(SOURCES)
def test_an_offset_survives_the_way_to_a_position_and_back(source: str) -> None:
    text = Text(source)
    for encoding in ENCODINGS:
        for offset in range(len(source) + 1):
            if has_position(text, offset):
                assert text.offset(*text.position(offset, encoding), encoding) == offset


@given(SOURCES)
def test_an_offset_survives_the_way_to_bytes_and_back(source: str) -> None:
    tree = parse(Text(source), "python")
    assert tree is not None
    for offset in range(len(source) + 1):
        assert tree.byte(offset) == len(source[:offset].encode())
        assert tree.offset(tree.byte(offset)) == offset


@given(SOURCES)
def test_lines_and_their_ends_make_up_the_text(source: str) -> None:
    text = Text(source)
    rebuilt = "".join(
        text.source[text.line_start(line) : text.line_start(line + 1)] for line in range(text.line_count)
    )
    assert rebuilt == source
    for line in range(text.line_count):
        assert not {"\n", "\r"} & set(text.line(line))


@given(SOURCES, st.integers(-2, 50), st.integers(-2, 50))
def test_a_position_outside_the_text_is_clamped(source: str, line: int, character: int) -> None:
    text = Text(source)
    for encoding in ENCODINGS:
        assert 0 <= text.offset(line, character, encoding) <= len(source)


def test_form_feed_and_unicode_separators_do_not_end_a_line() -> None:
    text = Text("a\fb\u2028c\x85d\ne\rf\r\ng")
    assert [text.line(line) for line in range(text.line_count)] == ["a\fb\u2028c\x85d", "e", "f", "g"]


def test_a_position_inside_a_surrogate_pair_is_the_character_that_holds_it() -> None:
    assert Text("a😋b").offset(0, 2, "utf-16") == 1


def test_a_lone_surrogate_has_a_width_in_every_encoding() -> None:
    text = Text("a\ud83db")
    for encoding in ENCODINGS:
        assert text.offset(*text.position(2, encoding), encoding) == 2
    assert text.byte_offset(2) == 4


def test_edits_are_applied_in_the_old_coordinates() -> None:
    assert Text("abc").replaced([Edit(2, 3, "Z"), Edit(0, 1, "XY")]).source == "XYbZ"


@pytest.mark.parametrize("edits", [[Edit(0, 2, ""), Edit(1, 3, "")], [Edit(2, 9, "")], [Edit(2, 1, "")]])
def test_edits_that_overlap_or_lie_outside_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        Text("abc").replaced(edits)


def test_a_text_in_a_traceback_shows_no_content() -> None:
    assert "secret" not in repr(Text("secret"))


@given(SOURCES, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), SOURCES), max_size=4))
def test_lines_after_edits_are_those_of_a_fresh_text(
    source: str, changes: list[tuple[int, int, str]]
) -> None:
    text = Text(source)
    for one, other, new in changes:
        start, end = sorted((min(one, len(text)), min(other, len(text))))
        assert text.line_count > 0  # what is known of the lines is carried on
        text = text.replaced([Edit(start, end, new)])
        fresh = Text(text.source)
        assert [text.line_start(line) for line in range(text.line_count)] == [
            fresh.line_start(line) for line in range(fresh.line_count)
        ]
