from __future__ import annotations

from pathlib import Path

import pytest

from devflow.models.base import Excerpt, FillRequest
from devflow.server.assist.inline.context import Context, Piece, packed
from devflow.server.assist.inline.ghost import NO_WINDOW, Window
from devflow.server.assist.inline.prompt import Hole, anchored, hardly_differs, request_for
from devflow.server.assist.inline.site import site_of
from devflow.server.assist.inline.stream import is_done
from support.codebase import document

LONG = "".join(f"value_{n} = {n}\n" for n in range(2_000))


def asked(source: str, at: int, before: Window = NO_WINDOW) -> tuple[FillRequest, Window]:
    doc = document(source, Path("/w/main.py"))
    return request_for(Hole(doc, at, site_of(doc, at), "main.py"), Context(), 64, before)


def test_a_prefix_begins_where_it_did_while_the_user_types() -> None:
    first, window = asked(LONG + "x = \n", len(LONG) + 4)
    second, again = asked(LONG + "x = abc\n", len(LONG) + 7, window)
    assert window.start == again.start > 0
    assert second.prefix == first.prefix + "abc"


def test_a_prefix_begins_at_a_line() -> None:
    first, _ = asked(LONG + "x = \n", len(LONG) + 4)
    assert first.prefix.startswith("value_")
    assert len(first.prefix) <= 6_000


def test_a_prefix_that_has_grown_too_long_begins_anew_with_room() -> None:
    start = anchored(LONG, 20_000, 14_001, 6_000)
    assert 20_000 - start < 5_000


def test_the_text_below_stays_while_it_hardly_changes() -> None:
    below = "\n" + LONG[:1_500]
    source = "x = 1" + below
    _, kept = asked(source, 5)
    request, again = asked("x = 1" + below.replace("value_40 = 40", "value_40 = 41"), 5, kept)
    assert again == kept
    assert request.suffix == kept.below[:2_000]


def test_a_change_just_below_is_told() -> None:
    below = "\n" + LONG[:1_500]
    _, kept = asked("x = 1" + below, 5)
    request, _ = asked("x = 1" + below.replace("value_0", "first"), 5, kept)
    assert "first" in request.suffix


def test_the_rest_of_the_line_is_never_an_old_one() -> None:
    below = "\n" + LONG[:1_500]
    _, kept = asked("f(" + below, 2)
    request, _ = asked("f()" + below, 2, kept)
    assert request.suffix.startswith(")\n")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("", "abc", False), ("abc" * 50, "abc" * 50, True), ("abc" * 50, "xyz" * 50, False)],
)
def test_what_hardly_differs(old: str, new: str, expected: bool) -> None:
    assert hardly_differs(old, new) is expected


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_the_text_below_ends_with_a_whole_line(at: int) -> None:
    """A token of which only the beginning is sent is not known for one."""
    token = "AKIA" + "Z7Q2M5XK3WJ6R4TN"
    below = "\n" + LONG[: 1_960 + at]
    source = f"x = 1{below[: below.rindex(chr(10))]}\nkey = '{token}'\ny = 2\n" + LONG
    request, _ = asked(source, 5)
    assert request.suffix.endswith("\n")
    assert token in request.suffix or token[:4] not in request.suffix


def test_a_line_asks_for_fewer_tokens_than_a_block() -> None:
    assert asked("x = \n", 4)[0].max_tokens == 40
    source = "def f():\n    "
    assert asked(source, len(source))[0].max_tokens == 64


def pieces(*texts: tuple[str, str, float]) -> list[Piece]:
    return [
        Piece(kind, f"{n}.py", text, score, Path(f"/w/{n}.py")) for n, (kind, text, score) in enumerate(texts)
    ]


def context(source: str, *texts: tuple[str, str, float], budget: int = 3_000) -> Context:
    return packed(pieces(*texts), document(source, Path("/w/main.py")), len(source), budget)


def said(told: Context) -> str:
    return FillRequest("", "", context=told.excerpts).above()


def test_a_near_copy_of_what_is_around_is_left_out() -> None:
    source = "first_value = compute(1)\nsecond_value = compute(2)\n"
    assert context(source, ("search", source, 0.9)).excerpts == ()


def test_a_line_is_said_once() -> None:
    told = context(
        "x = ",
        ("search", "first_value = compute(1)\nother_value = 2", 0.9),
        ("search", "first_value = compute(1)\nthird_value = 3", 0.8),
    )
    assert said(told).count("first_value") == 1
    assert "third_value" in said(told)


def test_what_stays_comes_before_what_changes() -> None:
    told = context("x = ", ("edit", "# + changed_line = 1", 0.9), ("definition", "def area(width):", 0.3))
    assert said(told).index("def area") < said(told).index("changed_line")


def test_the_best_pieces_get_the_room() -> None:
    told = context(
        "x = ",
        ("search", "long_enough_value = 1\n" * 1 + "a_value_to_fill_it = 2", 0.2),
        ("definition", "def area(width):", 0.9),
        budget=40,
    )
    assert "def area" in said(told)
    assert "long_enough" not in said(told)
    assert [used.kind for used in told.used] == ["definition"]


def test_what_is_of_one_file_stands_together_and_notes_are_of_none() -> None:
    here = document("x = ", Path("/w/main.py"))
    of = Path("/w/shapes.py")
    told = packed(
        [
            Piece("edit", "main.py", "# - old_value = 1", 0.4),
            Piece("import", "shapes.py", "def perimeter(width)", 0.7, of),
            Piece("import", "shapes.py", "def area(width)", 0.9, of),
        ],
        here,
        4,
    )
    assert told.excerpts == (
        Excerpt("def area(width)\ndef perimeter(width)", "shapes.py"),
        Excerpt("# main.py\n# - old_value = 1"),
    )


@pytest.mark.parametrize(
    ("source", "written", "expected"),
    [
        ("x = <|>\n", "a + b", False),
        ("x = <|>\n", "a + b\n", True),
        ("x = <|>\n", "a) + b", True),
        ("f(<|>\n", "a)", False),
        ("def f():\n    <|>\n", "a = 1\n    b", False),
        ("def f():\n    <|>\n", "a = 1\nb = 2\n", True),
        ("def f():\n    <|>\n    return total_of_all\n", "a = 1\n    return total_of_all\n", True),
        ("def f():\n    <|>\n", "a = 11\n    a = 11\n    a = 11\n", True),
        ("def f():\n    <|>\n", "x = 'ab ab ab ab ab ab ab ab ab ab ", True),
        ("def f():\n    <|>\n", "return 1\n```\nThis", True),
    ],
)
def test_where_a_stream_is_stopped(source: str, written: str, expected: bool) -> None:
    before, after = source.split("<|>")
    doc = document(before + after, Path("/w/main.py"))
    assert is_done(written, site_of(doc, len(before))) is expected
