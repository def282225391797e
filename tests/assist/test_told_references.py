"""References in Go and TypeScript go by the types that are written, and stay within a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.go_literals import literal_type
from devflow.server.assist.navigate import references
from support.codebase import workspace

GO = """
//- go.mod
module example.com/shop
//- point.go
package shop

type Point struct {
	X int
}

type Other struct {
	X int
}

func (p Point) Sum() int { return p.X }
//- use.go
package shop

var all = []Point{{X: 1}, {X: 3}}

func made() Point {
	other := Other{X: 9}
	other.X = 2
	byName := map[string]Point{"a": {X: 5}}
	return Point{X: byName["a"].X}
}
//- web.ts
export const point = { X: 1 };
point.X;
//- point.py
class Point:
    X = 1
print(Point.X)
"""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "all = []Point{{<|>X: 1}",
            {"point.go:4", "point.go:11", "use.go:3", "use.go:8", "use.go:9"},
        ),
        ("other.<|>X = 2", {"point.go:8", "use.go:6", "use.go:7"}),
        ("return p.<|>X }", {"point.go:4", "point.go:11", "use.go:3", "use.go:8", "use.go:9"}),
    ],
)
async def test_references_of_a_field_are_those_of_its_type_and_its_language(
    written: str, expected: set[str], tmp_path: Path
) -> None:
    snippet = GO.replace(written.replace("<|>", ""), written)
    async with workspace(tmp_path, snippet, indexed=True) as space:
        found = await references(space.doc, space.at, space.code, True)
        told = set()
        for each in found:
            text = each.path.read_text() if each.path != space.doc.path else space.doc.text.source
            told.add(f"{each.path.name}:{text.count(chr(10), 0, each.start) + 1}")
        assert told == expected


async def test_references_of_a_key_are_found_from_its_uses(tmp_path: Path) -> None:
    snippet = """
        //- modes.ts
        export const Mode = Object.freeze({ READ: "r" } as const);
        export const Other = { READ: 1 };
        //- main.ts
        import { Mode, Other } from "./modes";
        console.log(Mode.RE<|>AD, Mode.READ, Other.READ);
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        found = await references(space.doc, space.at, space.code, True)
        assert [(each.path.name, each.start) for each in found] == [
            ("main.ts", 56),
            ("main.ts", 67),
            ("modes.ts", 36),
        ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x := Point{<|>X: 1}", "Point"),
        ("x := &shop.Point{Y: 1, <|>X: 1}", "shop.Point"),
        ("x := []*Point{{<|>X: 1}}", "Point"),
        ("x := Pair[int]{<|>X: 1}", "Pair"),
        ("x := []Point{<|>X: {}}", ""),
        ("switch x {\ncase X:\n", ""),
        ("if x := f(); y {\n<|>X:\n for {}", ""),
        ("func f() {\n<|>X:\n for {}", ""),
        ("Point{<|>X}", ""),
    ],
)
def test_the_type_of_a_literal_is_read_in_front_of_it(source: str, expected: str) -> None:
    at = source.find("<|>") if "<|>" in source else source.index("X")
    plain = source.replace("<|>", "")
    assert literal_type(plain, at, at + 1) == expected
