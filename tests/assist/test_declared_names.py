"""Definitions in languages that write their types down: by the types of receivers, over files."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis import toolchains
from devflow.analysis.go_packages import package_folder
from devflow.retrieval.graph import go_libraries
from devflow.server.assist.complete import complete
from devflow.server.assist.hover import hover
from devflow.server.assist.navigate import definition
from devflow.server.settings import Completion, Hover
from support.codebase import workspace

OTHERS = """
    //- log/log.go
    package log

    type Writer struct{ lines int }

    func (w *Writer) Write(text string) {}
    func (w *Writer) Name() string { return "" }

    type Method string
"""


async def check(root: Path, snippet: str) -> None:
    """The definition of the name at the cursor is the label `target`; without a label there is none."""
    async with workspace(root, snippet, indexed=True) as space:
        found = (await definition(space.doc, space.at, space.code)).locations
        expected = [(root / label.path, label.start, label.end) for label in space.case.labels]
        assert [(each.path, each.start, each.end) for each in found] == expected


@pytest.mark.parametrize(
    "line",
    [
        "func f(w http.ResponseWriter) { w.Wri<|>te(nil) }",
        "func f() { var buf strings.Builder; buf.Wri<|>te(nil) }",
        "func f(r *http.Request) string { return r.Na<|>me }",
        "func f(r *http.Request) string { return r.URL.Na<|>me }",
        "func f() { http.Na<|>me() }",
        "var m http.Meth<|>od",
    ],
)
async def test_what_a_library_s_value_has_is_not_looked_for_in_the_workspace(
    line: str, tmp_path: Path
) -> None:
    await check(
        tmp_path,
        f'{OTHERS}    //- main.go\n    package main\n    import ("net/http"; "strings")\n    {line}\n',
    )


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        (
            "type store struct { rows int }\n//                  ^^^^ target",
            "func f(s *store) { s.ro<|>ws++ }",
        ),
        ("type store struct { rows int }\n//                  ^^^^ target", "var s = &store{ro<|>ws: 1}"),
        (
            "type inner struct{}\nfunc (i *inner) open() {}\n//              ^^^^ target\n"
            "type outer struct {\n\t*inner\n}",
            "func f(o outer) { o.op<|>en() }",
        ),
        (
            "type base struct{ size int }\n//                ^^^^ target\ntype made base",
            "func f(m made) { m.si<|>ze++ }",
        ),
        (
            "type a struct { next *b }\ntype b struct { rows int }\n//              ^^^^ target",
            "func f(x a) { x.next.ro<|>ws++ }",
        ),
    ],
)
async def test_members_are_found_by_the_declared_type(declared: str, line: str, tmp_path: Path) -> None:
    other = "package main\ntype other struct { rows, size int }\nfunc (o *other) open() {}\n"
    snippet = (
        f"//- main.go\npackage main\n{line}\n//- declared.go\npackage main\n{declared}\n//- other.go\n{other}"
    )
    await check(tmp_path, snippet)


@pytest.mark.parametrize(
    "snippet",
    [
        "//- main.go\npackage main\nfunc f(si<|>ze int) {}\n//     ^^^^ target\n",
        "//- main.go\npackage main\nfunc f() { si<|>ze := 1; _ = size }\n//         ^^^^ target\n",
        "//- main.ts\nfunction f(...si<|>ze: number[]) {}\n//            ^^^^ target\n",
        "//- main.ts\nfunction f(...size: number[]) { return si<|>ze; }\n//            ^^^^ target\n",
    ],
)
async def test_a_local_name_is_found_where_it_is_bound_and_from_there(snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, snippet)


async def test_a_package_from_elsewhere_is_its_import(tmp_path: Path) -> None:
    await check(
        tmp_path,
        '//- main.go\npackage main\nimport "net/http"\n//     ^^^^^^^^^^ target\n'
        "func f(w ht<|>tp.Handler) {}\n",
    )


async def test_the_module_s_own_package_is_found_by_go_mod(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/shop\n\ngo 1.22\n")
    await check(
        tmp_path,
        """
        //- shop.go
        package shop
        type Cart struct{}
        //   ^^^^ target
        type line struct { Cart int }
        //- cmd/main.go
        package main
        import "example.com/shop"
        func f(carts ...shop.Ca<|>rt) {}
        """,
    )


SERVICE = """
    //- service.ts
    export class Service {
      constructor(private readonly store: Store, public name = "x") {}
      //                           ^^^^^ target
      run() { return this.sto<|>re; }
    }
    export class Store { store = 1; }
"""
BARREL = """
    //- core/state.ts
    export class State { runs = 0; }
    //                   ^^^^ target
    export const state: State = new State();
    //- index.ts
    export * from "./core/state";
    //- main.ts
    import { state } from "./index";
    state.ru<|>ns;
    //- other.ts
    export class Other { runs = 0; }
"""
RENAMED = """
    //- core/state.ts
    export function load() {}
    //              ^^^^ target
    //- index.ts
    export { load as open } from "./core/state";
    //- main.ts
    import { open } from "./index";
    op<|>en();
    //- other.ts
    export function open() {}
"""


@pytest.mark.parametrize(
    "snippet", [SERVICE, BARREL, RENAMED], ids=["parameter property", "barrel", "renamed"]
)
async def test_typescript_members_are_found_as_they_are_declared(snippet: str, tmp_path: Path) -> None:
    await check(tmp_path, snippet)


GO_PARTS = """
//- parts.go
package main
type (
	// Part is one of a group.
	Part struct { size int }
	//            ^^^^ target
	Other struct { size int }
)
type box struct { parts []*Part; byName map[string]*Part; first func() Part }
func (b *box) find(name string) (*Part, error) { return nil, nil }
func open() *box { return nil }
//- main.go
package main
"""


@pytest.mark.parametrize(
    "line",
    [
        "func f(b *box) int { return b.parts[0].si<|>ze }",
        "func f(b *box) int { p, err := b.find(`x`); _ = err; return p.si<|>ze }",
        "func f() { for _, p := range open().parts { p.si<|>ze++ } }",
        "func f(b *box) { for _, p := range b.byName { p.si<|>ze++ } }",
        "func f() int { return open().first().si<|>ze }",
        "func f(x any) int { p := x.(*Part); return p.si<|>ze }",
        "func f() { ps := []Part{}; ps[0].si<|>ze++ }",
    ],
)
async def test_go_members_are_found_through_calls_indexes_and_loops(line: str, tmp_path: Path) -> None:
    await check(tmp_path, f"{GO_PARTS}{line}\n")


SCRIPT_PARTS = """
//- parts.ts
export class Part { size = 0; }
//                  ^^^^ target
export class Other { size = 0; }
export class Box<T> {
  items: T[] = [];
  constructor(readonly first: Promise<T>) {}
  find(name: string): T | undefined { return undefined; }
  keep<K extends Part>(it: K): K { return it; }
}
export function open(): Box<Part> { return new Box(); }
export type Open = (name: string) => Promise<Box<Part>>;
//- main.ts
import { Box, Other, Part, Open, open } from "./parts";
"""


@pytest.mark.parametrize(
    "line",
    [
        "open().items[0].si<|>ze;",
        "const box = open(); const found = box.find('x'); found!.si<|>ze;",
        "async function f(box: Box<Part>) { const one = await box.first; one.si<|>ze; }",
        "for (const one of open().items) { one.si<|>ze; }",
        "open().items.filter(x => x).map((one) => one.si<|>ze);",
        "const { items } = open(); items[0].si<|>ze;",
        "const it = open().keep(new Part()); it.si<|>ze;",
        "async function f(make: Open) { const box = await make('x'); box.items[0].si<|>ze; }",
        "function f(x: unknown) { return (x as Part).si<|>ze; }",
        "function f(x: Readonly<Part>) { return x.si<|>ze; }",
        "open().items.sort((a, b) => 1 - b.si<|>ze);",
    ],
)
async def test_script_members_are_found_through_calls_generics_and_callbacks(
    line: str, tmp_path: Path
) -> None:
    await check(tmp_path, f"{SCRIPT_PARTS}{line}\n")


JAVA_PARTS = """
//- src/main/java/shop/Part.java
package shop;
public class Part {
  int size() { return 0; }
  //  ^^^^ target
  static class Inner { int size() { return 1; } }
}
//- src/main/java/shop/Box.java
package shop;
public class Box {
  List<Part> parts;
  <T> T as(Class<T> kind) { return null; }
  Part first() { return null; }
  static Box open() { return null; }
}
//- src/test/java/shop/BoxTest.java
package shop;
"""


@pytest.mark.parametrize(
    "line",
    [
        "class BoxTest { int f() { return Box.open().first().si<|>ze(); } }",
        "class BoxTest { int f(Box b) { return b.parts.get(0).si<|>ze(); } }",
        "class BoxTest { int f(Object o) { return ((Part) o).si<|>ze(); } }",
        "class BoxTest { int f(Box b) { var one = b.first(); return one.si<|>ze(); } }",
        "class BoxTest { void f(Box b) { b.parts.forEach(one -> one.si<|>ze()); } }",
    ],
)
async def test_java_members_are_found_through_calls_casts_and_lambdas(line: str, tmp_path: Path) -> None:
    await check(tmp_path, f"{JAVA_PARTS}{line}\n")


async def test_values_that_are_made_of_each_other_end(tmp_path: Path) -> None:
    await check(
        tmp_path,
        "//- main.ts\nclass A { a = this.b; b = this.a;\n"
        "  f() { let x = y; let y = x; x = y; x.size; this.a.si<|>ze; } }\n",
    )


LIBRARY = """package web

// Kind is what it is.
type Kind int

const (
	One Kind = iota
)

type (
	Reply struct {
		Size int
		*body
	}
)

type body struct {
	inner int
}

func (b *body) Close() error { return nil }

// Get asks.
func Get(address string) (*Reply, error) {
	return nil, nil
}
"""


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("var k web.Ki<|>nd", "Kind int"),
        ("var k = web.On<|>e", "One Kind"),
        ("func f() { web.Ge<|>t(`x`) }", "Get(address"),
        ("func f(r *web.Reply) int { return r.Si<|>ze }", "Size int"),
        ("func f() { r, err := web.Get(`x`); _ = err; r.Clo<|>se() }", "Close()"),
        ("type own struct { web.Reply }\nfunc f(o own) { o.Si<|>ze++ }", "Size int"),
        ("func f() { web.Nothing<|>Such() }", ""),
    ],
)
async def test_names_of_a_go_library_are_found_in_its_sources(
    line: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "go" / "src" / "net" / "web"
    folder.mkdir(parents=True)
    (folder / "web.go").write_text(LIBRARY)
    (folder / "web_test.go").write_text("package web\n\nfunc NothingSuch() {}\n")
    monkeypatch.setattr(go_libraries, "standard_library", lambda: tmp_path / "go" / "src")
    (tmp_path / "work").mkdir()
    snippet = f'//- main.go\npackage main\n\nimport "net/web"\n\n{line}\n'
    async with workspace(tmp_path / "work", snippet, indexed=True) as space:
        found = (await definition(space.doc, space.at, space.code)).locations
        assert [each.start for each in found] == ([LIBRARY.index(target)] if target else [])
        assert all(each.path == folder / "web.go" for each in found)
        card = await hover(space.doc, space.at, space.code, Hover())
        assert (card is not None) == bool(target)


async def test_what_go_has_of_itself_is_found_unless_the_package_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "go" / "src" / "builtin"
    folder.mkdir(parents=True)
    text = "package builtin\n\nfunc append(slice []Type, elems ...Type) []Type\n\nfunc min(x int) int\n"
    (folder / "builtin.go").write_text(text)
    monkeypatch.setattr(go_libraries, "standard_library", lambda: tmp_path / "go" / "src")
    (tmp_path / "work").mkdir()
    for name, line, place in (
        ("a", "func f(x []int) { _ = app<|>end(x, 1) }", [folder / "builtin.go"]),
        ("b", "func min() {}\nfunc g() { mi<|>n() }", [tmp_path / "work" / "b" / "main.go"]),
    ):
        root = tmp_path / "work" / name
        root.mkdir()
        async with workspace(root, f"//- main.go\npackage main\n\n{line}\n", indexed=True) as space:
            found = (await definition(space.doc, space.at, space.code)).locations
            assert [each.path for each in found] == place


async def test_what_a_go_library_exports_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "go" / "src" / "net" / "web"
    folder.mkdir(parents=True)
    (folder / "web.go").write_text(LIBRARY)
    monkeypatch.setattr(go_libraries, "standard_library", lambda: tmp_path / "go" / "src")
    (tmp_path / "work").mkdir()
    snippet = '//- main.go\npackage main\n\nimport "net/web"\n\nfunc f() {\n\tother.Thing()\n\tweb.<|>\n}\n'
    async with workspace(tmp_path / "work", snippet, indexed=True) as space:
        answer = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        assert {item.label for item in answer.items} == {"Kind", "One", "Reply", "Get"}


def test_go_s_packages_are_looked_for_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "path" / "src" / "example.com" / "a").mkdir(parents=True)
    (tmp_path / "kept" / "example.com" / "b@v1.0.0").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "go.mod").write_text("module m\n\nrequire example.com/b v1.0.0\n")
    toolchains.follow({"GOPATH": str(tmp_path / "path"), "GOMODCACHE": str(tmp_path / "kept"), "HOME": "/"})
    try:
        found = [package_folder(f"example.com/{each}", tmp_path / "work", None) for each in "ab"]
    finally:
        toolchains.follow({})
    places = [tmp_path / "path" / "src" / "example.com" / "a", tmp_path / "kept" / "example.com" / "b@v1.0.0"]
    assert found == places
