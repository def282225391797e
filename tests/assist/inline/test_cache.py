from __future__ import annotations

from devflow.server.assist.inline.cache import Cache, Kept, suffix_head

BEFORE = "".join(f"line_{n} = {n}\n" for n in range(40)) + "total = "


def kept(text: str = "first + second") -> Kept:
    return Kept(text, "model", 1.0, True)


def cached(before: str = BEFORE, after: str = "\nprint(total)\n", text: str = "first + second") -> Cache:
    cache = Cache()
    cache.keep(before, after, "python", kept(text))
    return cache


def found(cache: Cache, before: str, after: str = "\nprint(total)\n", language: str = "python") -> str | None:
    hit = cache.find(before, after, language)
    return None if hit is None else hit[0].text[hit[1] :]


def test_the_same_place_is_found_again() -> None:
    assert found(cached(), BEFORE) == "first + second"


def test_typing_as_suggested_is_found() -> None:
    assert found(cached(), BEFORE + "first +") == " second"


def test_typing_something_else_is_not() -> None:
    assert found(cached(), BEFORE + "firsT") is None


def test_a_suggestion_typed_to_its_end_is_used_up() -> None:
    assert found(cached(), BEFORE + "first + second") is None


def test_an_edit_further_up_loses_nothing() -> None:
    assert found(cached(), "import os\n" + BEFORE.replace("line_3 = 3", "line_3 = 33")) == "first + second"


def test_an_edit_just_above_is_another_place() -> None:
    assert found(cached(), BEFORE.replace("line_39 = 39", "line_39 = 40")) is None


def test_another_text_behind_the_cursor_is_another_place() -> None:
    assert found(cached(), BEFORE, "\nreturn total\n") is None


def test_another_rest_of_the_line_is_another_place() -> None:
    assert found(cached(), BEFORE, " * 2\nprint(total)\n") is None


def test_a_bracket_that_the_editor_closes_changes_nothing() -> None:
    cache = cached(text="join(first, second)")
    assert found(cache, BEFORE + "join(", ")\nprint(total)\n") == "first, second)"


def test_another_language_is_another_place() -> None:
    assert found(cached(), BEFORE, language="javascript") is None


def test_lines_typed_as_suggested_are_found() -> None:
    cache = cached("def f(a):\n    ", "\n", "b = a\n    return b")
    assert found(cache, "def f(a):\n    b = a\n    ret", "\n") == "urn b"


def test_the_oldest_goes_when_there_are_too_many() -> None:
    cache = Cache(most=3)
    for n in range(10):
        cache.keep(f"x{n} = ", "\n", "python", kept(f"value_{n}"))
    assert found(cache, "x0 = ", "\n") is None
    assert found(cache, "x9 = ", "\n") == "value_9"


def test_a_forgotten_suggestion_is_gone() -> None:
    cache = cached()
    cache.forget("first + second")
    assert found(cache, BEFORE) is None
    assert len(cache) == 0


def test_the_head_of_the_suffix_leaves_out_closing_signs_and_blank_lines() -> None:
    assert suffix_head(")]\n\n\n  a\n  b\n  c") == suffix_head("\na\nb\nd")
