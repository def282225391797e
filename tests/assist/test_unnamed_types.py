"""Members of objects without a name, and what the code around wants an expression to be, in TypeScript; which
of several members of one name is meant, in Java."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.object_types import kept, keys, place
from devflow.retrieval.graph.links import Graph
from devflow.server.assist.complete import complete
from devflow.server.assist.navigate import definition, references
from devflow.server.settings import Completion
from support.codebase import workspace
from support.steps import steps


async def check(root: Path, snippet: str) -> None:
    """The definition of the name at the cursor is `target`, in all of the snippet."""
    async with workspace(root, snippet, indexed=True) as space:
        found = await definition(space.doc, space.at, space.code)
        [target] = space.case.labels
        places = [(each.path.name, each.start, each.end) for each in found.locations]
        assert places == [(Path(target.path).name, target.start, target.end)]


PARTS = """
//- parts.ts
export interface Part { size: number; }
export type Parts = Part[];
export type Visit<T> = (part: T, at: number) => void;
export interface Plan { first?: Part; run(part: Part): void; }
export const Mode = Object.freeze({
  // how it is read
  READ: "r",
  WRITE: "w",
} as const);
export type Mode = (typeof Mode)[keyof typeof Mode];
export const Limits = { most: { parts: 3 } };
export type Wide<T extends Part = Part, K = unknown> = Required<T> & { depth: number };
export async function load(): Promise<{ body: Part; status?: number }> { throw new Error(); }
export function plan(given: Plan): void {}
export interface Node1 {
  open: () => void;
}
//- main.ts
import { Limits, load, Mode, Node1, Part, Parts, Plan, plan, Visit, Wide } from "./parts";
"""


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("Mode.WR<|>ITE;", 'WRITE: "w"'),
        ("Limits.most.par<|>ts;", "parts: 3"),
        ("async function f() { (await load()).sta<|>tus; }", "status?: number"),
        ("async function f() { const { body } = await load(); body.si<|>ze; }", "size: number"),
        ("function f(o?: { part: Part }) { o.part.si<|>ze; }", "size: number"),
        ("function f({ part }: { part: Part }) { part.si<|>ze; }", "size: number"),
        ("function f({ first: one }: Plan) { one.si<|>ze; }", "size: number"),
        ("function f(w: Wide) { w.dep<|>th; }", "depth: number"),
        ("function f(w: Wide<Part>) { w.si<|>ze; }", "size: number"),
        ("function f<T extends Part>(one: T) { one.si<|>ze; }", "size: number"),
        ("function f(all: Parts) { for (const one of all) one.si<|>ze; }", "size: number"),
        ("function f(all: Parts) { all[0].si<|>ze; }", "size: number"),
        ("const visit: Visit<Part> = (part, at) => part.si<|>ze;", "size: number"),
        ("const own: Plan = { run: part => { part.si<|>ze; } };", "size: number"),
        ("plan({ run: part => { part.si<|>ze; } });", "size: number"),
        ("plan({ fi<|>rst: undefined, run() {} });", "first?: Part"),
        ("function f(): Plan { return { fi<|>rst: undefined, run() {} }; }", "first?: Part"),
        ("function f(): Visit<Part> { return part => part.si<|>ze; }", "size: number"),
        ("let one; if (f) { one = new Map<string, Part>(); } one.get('x').si<|>ze;", "size: number"),
        ("const all = { go: (node: Node1) => { node.op<|>en = () => {}; } };", "open: () => void"),
        (
            "const all = { go: (node: Node1) => { node.open = () => { node.op<|>en(); }; } };",
            "open: () => void",
        ),
    ],
)
async def test_members_are_found_where_types_have_no_name(line: str, target: str, tmp_path: Path) -> None:
    at = PARTS.index(target)
    begun = PARTS.rindex("\n", 0, at) + 1
    name = target.split(":")[0].rstrip("?")
    mark = f"{' ' * (at - begun)}{'^' * len(name)} target\n"
    end = PARTS.index("\n", at) + 1
    marked = PARTS[:end] + "//" + mark[2:] + PARTS[end:]
    await check(tmp_path, f"{marked}{line}\n")


@pytest.mark.parametrize(
    "lines",
    [
        "const a = { size: 1 };\nconst b = { size: 1 };\n//          ^^^^ target\na.size; b.si<|>ze;",
        "const a = { size: 1 };\n//          ^^^^ target\nconst b = { size: 1 };\nb.size; a.si<|>ze;",
        (
            "function f(x: { size: number }) { x.size; }\n"
            "function g(y: { size: number }) { y.si<|>ze; }\n//              ^^^^ target"
        ),
        (
            "function f(): { size: number } { return a; }\n"
            "function g(): { size: number } { return a; }\n//              ^^^^ target\ng().si<|>ze;"
        ),
        (
            "type A = { size: number } | null;\ntype B = { size: number } | null;\n"
            "//         ^^^^ target\nfunction f(b: B) { b.si<|>ze; }"
        ),
        (
            "const all: { size: number }[] = [];\nconst every: { size: number }[] = [];\n"
            "//             ^^^^ target\nevery[0].si<|>ze;"
        ),
        (
            'import { b } from "./parts";\nb.si<|>ze;\n//- parts.ts\nexport const a = { size: 1 };\n'
            "export const b = { size: 1 };\n//                 ^^^^ target"
        ),
    ],
)
async def test_objects_that_look_the_same_are_told_apart(lines: str, tmp_path: Path) -> None:
    await check(tmp_path, f"//- main.ts\n{lines}\n")


async def test_uses_of_objects_that_look_the_same_are_told_apart(tmp_path: Path) -> None:
    code = "const a = { size: 1 };\nconst b = { size: 1 };\na.size;\nb.si<|>ze;\n"
    async with workspace(tmp_path, f"//- main.ts\n{code}", indexed=True) as space:
        found = await references(space.doc, space.at, space.code, include_declaration=False)
        assert [space.shown(each) for each in found] == ["main.ts: b.[size];"]


async def test_types_that_name_each_other_many_times_are_walked_once_each(tmp_path: Path) -> None:
    wide = [" | ".join([name] * 16) for name in "BA"]
    code = f"type A = {wide[0]};\ntype B = {wide[1]};\nfunction f(a: A) {{ a.si<|>ze; }}\n"
    async with workspace(tmp_path, f"//- main.ts\n{code}", indexed=True) as space:
        at = space.at - len("si")

        def asked(graph: Graph) -> tuple[int, int]:
            values, file = graph.declared.values, graph.stored.file(0, 1)
            value = values.value(file, at)
            assert value is not None
            return steps(lambda: values.keys(value)), steps(lambda: values.owners(file, at))

        assert space.code.index is not None
        assert max(await space.code.index.graph.ask(asked)) < 20_000


async def test_a_name_for_a_whole_module_leads_to_its_import(tmp_path: Path) -> None:
    snippet = """
        //- core.ts
        export class Client {}
        //- main.ts
        import * as Core from "./core";
        let one: Co<|>re.Client;
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        found = await definition(space.doc, space.at, space.code)
        assert [each.path.name for each in found.locations] == ["main.ts"]


async def test_what_an_unnamed_object_has_is_offered(tmp_path: Path) -> None:
    for line, labels in (
        ("Mode.<|>", {"READ", "WRITE"}),
        ("async function f() { (await load()).<|> }", {"body", "status"}),
    ):
        async with workspace(tmp_path / labels.copy().pop(), f"{PARTS}{line}\n", indexed=True) as space:
            found = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
            assert labels <= {each.label for each in found.items}


async def test_a_spread_takes_any_name(tmp_path: Path) -> None:
    snippet = "//- main.ts\nconst before = { a: 1 };\nconst after = { ...<|> };\n"
    async with workspace(tmp_path, snippet, indexed=True) as space:
        found = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000), ".")
        assert "before" in {each.label for each in found.items}


OVERLOADED = """
//- Text.java
class Text {
  static String quote(String text) { return text; }
  static String quote(StringBuilder out, String text) { return text; }
  void put(int count) {}
  //   MARK_INT
  void put(String text) {}
  //   MARK_TEXT
  static int size(long state) { return 0; }
  int size() { return 0; }
  //  MARK_SIZE
}
//- Main.java
class Main {
"""


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("  void f(Text text, String s) { text.pu<|>t(s); }", "MARK_TEXT"),
        ("  void f(Text text, int n) { text.pu<|>t(n); }", "MARK_INT"),
        ("  void f(Text text) { text.si<|>ze(); }", "MARK_SIZE"),
    ],
)
async def test_java_s_overload_is_chosen_by_the_arguments(line: str, mark: str, tmp_path: Path) -> None:
    length = {"MARK_SIZE": 4}.get(mark, 3)
    marked = OVERLOADED.replace(mark, f"{'^' * length} target")
    await check(tmp_path, f"{marked}{line}\n}}\n")


def test_keys_are_read_between_strings_comments_and_brackets() -> None:
    value = "{ /* a: 1 */ READ: 'x, y', run(a, b) { return { c: 1 }; }, short, ...rest, last: (d) => ({}) }"
    assert [each.name for each in keys(value, value=True)] == ["READ", "run", "short", "last"]
    written = (
        "{ body: Map<string, Part>\n  run(a: string): void; f: (x: number) =>\n  void\n  [key: string]: any }"
    )
    assert [each.name for each in keys(written, value=False)] == ["body", "run", "f"]
    assert keys("{ a: 1", value=True) == ()


def test_long_objects_that_are_never_finished_are_read_once() -> None:
    """Each of these took tens of seconds or never ended, by the square of its length."""
    assert keys("{a" + " " * 50_000 + "b}", value=True) == ()
    assert keys("{" + "/* " * 19_000 + "}", value=True) == ()
    assert [each.name for each in keys("{ a: b |" + "\n" * 50_000 + "}", value=False)] == ["a"]
    assert kept("{} satisfies" + " " * 1_000_000 + ";") is None
    assert place("a " * 200_000, "a\n" * 1_900 + "b") == -1
    assert place("x; a {\n  b: c\n}", "{ b: c }") == 5
