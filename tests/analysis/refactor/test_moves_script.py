"""Relative imports of TypeScript and JavaScript after files have moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.languages import language_of
from devflow.analysis.refactor.moves_script import moved_specifiers
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

ROOT = Path("/project")


def run(path: str, source: str, moves: dict[str, str], files: str = "") -> str:
    language = language_of(Path(path))
    tree = parse(Text(source), language.name if language else "")
    assert tree is not None
    there = {ROOT / each for each in (*files.split(), *moves)}
    edits = moved_specifiers(
        tree, ROOT / path, {ROOT / old: ROOT / new for old, new in moves.items()}, there.__contains__
    )
    return Text(source).replaced(edits).source


@pytest.mark.parametrize(
    ("path", "before", "moves", "after"),
    [
        ("m.ts", 'import { a } from "./a";', "a.ts b.ts", 'import { a } from "./b";'),
        ("m.ts", "import './a'", "a.ts lib/a.ts", "import './lib/a'"),
        ("src/m.ts", 'import a from "../a"', "a.ts src/a.ts", 'import a from "./a"'),
        ("m.ts", 'export * from "./a"', "a.ts b.ts", 'export * from "./b"'),
        ("m.js", 'const a = require("./a")', "a.js b.js", 'const a = require("./b")'),
        ("m.js", 'const a = require("./a.js")', "a.js b.js", 'const a = require("./b.js")'),
        ("m.ts", 'import a from "./a.js"', "a.ts b.ts", 'import a from "./b.js"'),
        ("m.ts", 'const a = await import("./a")', "a.tsx b.tsx", 'const a = await import("./b")'),
        ("m.ts", 'import a from "./lib"', "lib/index.ts core/index.ts", 'import a from "./core"'),
        ("m.ts", 'import a from "./lib"', "lib/index.ts core.ts", 'import a from "./core"'),
        ("m.ts", 'import a from "./a"', "b.ts c.ts", 'import a from "./a"'),
        ("m.ts", 'import a from "a"', "a.ts b.ts", 'import a from "a"'),
        ("m.ts", 'f("./a")', "a.ts b.ts", 'f("./a")'),
        ("m.ts", 'import a from "./a"', "m.ts src/m.ts", 'import a from "../a"'),
        ("m.ts", 'import a from "./a"', "m.ts n.ts", 'import a from "./a"'),
        ("m.ts", 'import t from "./t.json"', "m.ts src/m.ts", 'import t from "../t.json"'),
        ("m.ts", 'jest.mock("./a")', "a.ts b.ts", 'jest.mock("./b")'),
        ("m.ts", 'import type { A } from "./a"', "a.d.ts b.d.ts", 'import type { A } from "./b"'),
        ("m.tsx", 'import a from "./Ä"', "Ä.tsx Ö.tsx", 'import a from "./Ö"'),
    ],
)
def test_specifiers_follow(path: str, before: str, moves: str, after: str) -> None:
    old, new = moves.split()
    assert run(path, before, {old: new}, "a.ts t.json" if old == "m.ts" else "") == after
