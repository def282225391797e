"""The test language itself."""

from __future__ import annotations

from support import fixture


def test_marks_are_removed_and_found() -> None:
    case = fixture.parse(
        """
        #- shapes.py
        def area(w, h): ...
        #   ^^^^ target
        #- main.py
        from shapes import area
        ar<|>ea(2, 3)
        """
    )
    assert case.files == {
        "shapes.py": "def area(w, h): ...\n",
        "main.py": "from shapes import area\narea(2, 3)\n",
    }
    assert case.cursor == ("main.py", len("from shapes import area\nar"))
    [label] = case.labels
    assert case.text("shapes.py")[label.start : label.end] == "area"
    assert label.text == "target"


def test_two_cursors_are_a_selection() -> None:
    path, start, end = fixture.parse("a = <|>1 + 2<|>\n").selection
    assert (path, start, end) == ("main.py", 4, 9)
