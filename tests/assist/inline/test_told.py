"""Ghost text from what stands around the cursor: methods that override, calls, loops over pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.ghost import text

_CANVAS = """
class Shape:
    def __init__(self, name, size=3, *, deep=False):
        self.name = name

    def draw(self, canvas, at):
        return canvas.put(self.name, at)

    def clear(self):
        pass


"""


@pytest.mark.parametrize(
    ("code", "rest"),
    [
        ("    def draw(self, canvas, at):\n        super().<|>\n", "draw(canvas, at)"),
        ("    def draw(self, canvas, at):\n        super().dr<|>\n", "aw(canvas, at)"),
        ("    def draw(self, canvas, at):\n        if super().draw(<|>\n            pass\n", "canvas, at):"),
        ("    def draw(self, canvas, at):\n        return [super().draw(<|>)]\n", "canvas, at"),
        ("    def draw(self, canvas, at, *, dim):\n        super().<|>\n", "draw(canvas, at)"),
        ("    def __init__(self, name, *, deep=True):\n        super().<|>\n", "__init__(name, deep=deep)"),
    ],
)
async def test_a_method_hands_on_what_the_one_it_overrides_takes(
    code: str, rest: str, tmp_path: Path
) -> None:
    assert await text(tmp_path, f"{_CANVAS}class Ring(Shape):\n{code}") == rest


async def test_the_overridden_method_may_stand_in_another_file(tmp_path: Path) -> None:
    code = "from shapes import Shape\n\n\nclass Ring(Shape):\n    def draw(self, canvas, at, dim):\n"
    (tmp_path / "shapes.py").write_text(_CANVAS)
    assert await text(tmp_path, f"{code}        super().<|>\n") == "draw(canvas, at)"


async def test_a_call_passes_what_its_function_asks_for_by_name(tmp_path: Path) -> None:
    code = f"{_CANVAS}    def again(self, canvas, at):\n        self.draw(<|>)\n"
    assert await text(tmp_path, code) == "canvas, at"


async def test_a_call_whose_parameters_are_nothing_here_is_left_to_its_author(tmp_path: Path) -> None:
    code = f"{_CANVAS}    def again(self, canvas):\n        self.draw(<|>)\n"
    assert await text(tmp_path, code) is None


@pytest.mark.parametrize("line", [".draw(<|>", "(<|>", "draw((<|>", "@draw(<|>", "super(<|>"])
async def test_other_brackets_are_left_alone(line: str, tmp_path: Path) -> None:
    assert await text(tmp_path, f"{_CANVAS}def all_of(canvas, at):\n    {line}\n") is None


async def test_a_loop_with_two_names_goes_over_pairs(tmp_path: Path) -> None:
    code = "def total(weights):\n    for name, weight in weights.<|>\n        print(name, weight)\n"
    assert await text(tmp_path, code) == "items():"
    assert await text(tmp_path, code.replace("weights.", "zip(weights.")) is None
