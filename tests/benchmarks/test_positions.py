"""Positions: what is asked, and that nothing gives the answer away."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bench import corpora, positions
from bench.positions import cross_file, defined_names, held_out, members, plain_names, spread

HERE = Path("/project/here.py")


def names(found: list[positions.Place]) -> list[str]:
    return [place.name for place in found]


def test_a_member_is_a_name_after_a_dot_in_code() -> None:
    text = 'import os.path\n\nx.first.second()  # x.third\ny = "z.fourth"\nf"{z.fifth}"\nself.sixth = 1\n'
    assert names(members(HERE, text)) == ["first", "second", "sixth"]


def test_a_place_says_where_its_name_stands() -> None:
    text = 'a = "😀é"; a.upper()\nif a:\n\ta.title()\n'
    found = members(HERE, text)
    assert [text[place.at : place.at + len(place.name)] for place in found] == ["upper", "title"]
    assert [(place.line, place.column) for place in found] == [(0, 12), (2, 3)]


def test_a_form_feed_ends_no_line() -> None:
    text = "import os\n\x0c\nvalue.name\nprint(value)\n"
    assert [text[place.at :][:4] for place in members(HERE, text)] == ["name"]
    assert [text[place.at :][:5] for place in plain_names(HERE, text)] == ["value", "print", "value"]


def test_a_plain_name_is_read_and_not_assigned_imported_or_short() -> None:
    text = "from shapes import square\nlarge = square(size)\nx = large\nprint('word')\n"
    assert names(plain_names(HERE, text)) == ["square", "size", "large", "print"]


def test_plain_names_after_other_alphabets_are_found_where_they_are() -> None:
    text = "x = 'größe', length\n"
    (place,) = plain_names(HERE, text)
    assert text[place.at :].startswith("length")


def test_a_file_defines_what_it_assigns() -> None:
    text = "def f(): g = 1\nclass C:\n    async def m(self): self.a = 1\nfrom x import y\n"
    assert defined_names(text) == {"f", "g", "C", "m", "a"}


def test_a_cross_file_name_is_defined_elsewhere_and_only_there() -> None:
    other, third = Path("/project/other.py"), Path("/project/third.py")
    place = positions.Place(HERE, "area", 0, 0, 0)
    assert cross_file(place, {HERE: set(), other: {"area"}})
    assert not cross_file(place, {HERE: {"area"}, other: {"area"}})
    assert not cross_file(place, {HERE: set(), other: {"area"}}, out=[other])
    assert cross_file(place, {HERE: set(), other: {"area"}, third: {"area"}}, out=[other])
    assert not cross_file(positions.Place(HERE, "append", 0, 0, 0), {HERE: set(), other: {"append"}})


def test_places_are_spread_over_the_files() -> None:
    def places(name: str, count: int) -> list[positions.Place]:
        return [positions.Place(Path(name), f"n{at}", 0, at, at) for at in range(count)]

    chosen = spread([*places("a", 50), *places("b", 2), *places("c", 9)], 12, random.Random(1))
    assert [sum(place.path.name == name for place in chosen) for name in "abc"] == [5, 2, 5]
    assert chosen == sorted(chosen, key=lambda place: (place.path, place.at))


def test_a_tenth_of_the_files_is_held_out_one_at_least_and_six_at_most() -> None:
    files = [Path(str(number)) for number in range(200)]
    assert [len(held_out(files[:n], random.Random(1))) for n in (1, 5, 30, 200)] == [1, 1, 3, 6]


def test_a_held_out_file_is_not_in_the_copy(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "package").mkdir(parents=True)
    for name in ("one", "two"):
        (root / "package" / f"{name}.py").write_text(f"{name} = 1\n")
    copy = corpora.without(root, [root / "package" / "two.py"], tmp_path / "copy")
    assert [path.name for path in copy.rglob("*.py")] == ["one.py"]
    assert (root / "package" / "two.py").exists()


@given(st.text(alphabet="a😀é\t\x0c\u2028x\n"), st.data())
def test_an_offset_and_its_position_name_the_same_place(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    position = positions.utf16(text, at)
    line = text.split("\n")[position["line"]]
    column = len(line.encode("utf-16-le")[: position["character"] * 2].decode("utf-16-le"))
    assert positions.line_starts(text)[position["line"]] + column == at
