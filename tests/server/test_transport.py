"""Frames come out whole, whatever surrounds them and however they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devflow.server.transport import LONGEST_BODY, Frames, framed


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(1, 30), max_size=50))
def test_bodies_come_out_as_they_went_in_however_the_stream_is_cut(
    bodies: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(framed(body) for body in bodies)
    frames = Frames()
    found = []
    for cut in cuts:
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    assert found + frames.feed(stream) == bodies


def test_headers_are_read_whatever_their_case_and_company() -> None:
    data = b"content-type: application/json\r\nCONTENT-LENGTH:2\r\n\r\n{}"
    assert Frames().feed(data) == [b"{}"]


def test_a_line_before_a_header_is_skipped() -> None:
    assert Frames().feed(b"some library says hello\n" + framed(b"{}")) == [b"{}"]


def test_a_header_without_a_length_is_reported_and_the_next_frame_is_read() -> None:
    assert Frames().feed(b"Content-Type: x\r\n\r\n" + framed(b"{}")) == [None, b"{}"]


def test_an_absurd_length_is_reported() -> None:
    assert Frames().feed(b"Content-Length: %d\r\n\r\n" % (LONGEST_BODY + 1) + framed(b"1")) == [None, b"1"]


def test_a_flood_of_garbage_is_dropped() -> None:
    frames = Frames()
    found = frames.feed(b"x" * 1_000_000)
    assert set(found) == {None}
    assert frames.feed(b"\r\n\r\n" + framed(b"{}"))[-1] == b"{}"
