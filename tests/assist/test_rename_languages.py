"""Renames in languages other than Python write what means the same, or are refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.refactor.local_rename import local_places
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.server.assist.highlight import highlights
from devflow.server.assist.navigate import references
from devflow.server.assist.rename import RenameRefused, rename
from support.codebase import workspace

RENAMED = {
    "a parameter of TypeScript, not a field": (
        "a.ts",
        "function f(su<|>m: number, o: any) { return sum + o.sum; }\n",
        "function f(ZZ: number, o: any) { return ZZ + o.sum; }\n",
    ),
    "a shorthand keeps its key": (
        "a.ts",
        "function f(to<|>tal: number) { return { total }; }\n",
        "function f(ZZ: number) { return { total: ZZ }; }\n",
    ),
    "a shorthand pattern keeps its key": (
        "a.ts",
        "function f(o: any) { const { total } = o; return to<|>tal; }\n",
        "function f(o: any) { const { total: ZZ } = o; return ZZ; }\n",
    ),
    "an inner block of TypeScript": (
        "a.ts",
        "function f() { let x = 1; { let <|>x = 2; g(x); } return x; }\n",
        "function f() { let x = 1; { let ZZ = 2; g(ZZ); } return x; }\n",
    ),
    "a hoisted var": (
        "a.js",
        "function f() { if (a) { var <|>x = 2; } return x; }\n",
        "function f() { if (a) { var ZZ = 2; } return ZZ; }\n",
    ),
    "a closure's use": (
        "a.tsx",
        "function f(n: number) { return () => <|>n; }\n",
        "function f(ZZ: number) { return () => ZZ; }\n",
    ),
    "the inner x of Go": (
        "a.go",
        "package p\nfunc f() { x := h(1); if x > 0 { <|>x := 2; _ = x }; println(x) }\n",
        "package p\nfunc f() { x := h(1); if x > 0 { ZZ := 2; _ = ZZ }; println(x) }\n",
    ),
    "the outer x of Go": (
        "a.go",
        "package p\nfunc f() { <|>x := h(1); if x > 0 { x := 2; _ = x }; println(x) }\n",
        "package p\nfunc f() { ZZ := h(1); if ZZ > 0 { x := 2; _ = x }; println(ZZ) }\n",
    ),
    "an err that is written again": (
        "a.go",
        "package p\nfunc f() { a, err := g(); b, er<|>r := g(); println(a, b, err) }\n",
        "package p\nfunc f() { a, ZZ := g(); b, ZZ := g(); println(a, b, ZZ) }\n",
    ),
    "a shadow that reads what it shadows": (
        "a.go",
        "package p\nfunc f(<|>x int) { if a { x := x + 1; println(x) } }\n",
        "package p\nfunc f(ZZ int) { if a { x := ZZ + 1; println(x) } }\n",
    ),
    "the second x of Rust": (
        "a.rs",
        "fn f() -> i32 { let x = 1; let <|>x = x + 1; x }\n",
        "fn f() -> i32 { let x = 1; let ZZ = x + 1; ZZ }\n",
    ),
    "the first x of Rust": (
        "a.rs",
        "fn f() -> i32 { let <|>x = 1; let x = x + 1; x }\n",
        "fn f() -> i32 { let ZZ = 1; let x = ZZ + 1; x }\n",
    ),
    "a field shorthand of Rust": (
        "a.rs",
        "struct C { name: i32 }\nfn f(na<|>me: i32) -> C { C { name } }\n",
        "struct C { name: i32 }\nfn f(ZZ: i32) -> C { C { name: ZZ } }\n",
    ),
    "an argument of a macro": (
        "a.rs",
        'fn f(<|>x: i32) { println!("{} x", x); }\n',
        'fn f(ZZ: i32) { println!("{} x", ZZ); }\n',
    ),
    "names of a match arm": (
        "a.rs",
        "fn f(v: E) -> i32 { match v { A(n) | B(n) if n > 1 => <|>n, _ => 0 } }\n",
        "fn f(v: E) -> i32 { match v { A(ZZ) | B(ZZ) if ZZ > 1 => ZZ, _ => 0 } }\n",
    ),
    "a parameter of Java, not the field": (
        "A.java",
        "class A { int count; void inc(int co<|>unt) { this.count = count; } }\n",
        "class A { int count; void inc(int ZZ) { this.count = ZZ; } }\n",
    ),
    "a local of Java": (
        "A.java",
        "class A { int n() { int su<|>m = 0; for (int i : a) { sum += i; } return sum; } }\n",
        "class A { int n() { int ZZ = 0; for (int i : a) { ZZ += i; } return ZZ; } }\n",
    ),
    "a parameter of C, not the prototype's": (
        "a.c",
        "int add(int a, int b);\nint add(int <|>a, int b) { return a + b + s.a + p->a; }\n",
        "int add(int a, int b);\nint add(int ZZ, int b) { return ZZ + b + s.a + p->a; }\n",
    ),
    "an inner block of C": (
        "a.c",
        "int f(void) { int x = 1; { int <|>x = 2; g(x); } return x; }\n",
        "int f(void) { int x = 1; { int ZZ = 2; g(ZZ); } return x; }\n",
    ),
    "a local of C++": (
        "a.cpp",
        "int f() { int <|>x = 1; for (auto& e : v) { x += e; } return [&x]{ return x; }(); }\n",
        "int f() { int ZZ = 1; for (auto& e : v) { ZZ += e; } return [&ZZ]{ return ZZ; }(); }\n",
    ),
    "a parameter of Ruby in a block": (
        "a.rb",
        "def f(times)\n  [1].each { |i| puts i + tim<|>es }\n  x.times\nend\n",
        "def f(ZZ)\n  [1].each { |i| puts i + ZZ }\n  x.times\nend\n",
    ),
    "a block's own x": (
        "a.rb",
        "def f(x)\n  [1].each { |<|>x| puts x }\n  x\nend\n",
        "def f(x)\n  [1].each { |ZZ| puts ZZ }\n  x\nend\n",
    ),
}
REFUSED = {
    "a format string's name": ("a.rs", 'fn f(<|>x: i32) { println!("{x} {}", x); }\n'),
    "a name that is taken": ("a.ts", "function f(<|>x: number, ZZ: number) { return x; }\n"),
    "a parameter that is a property": ("a.ts", "class A { constructor(private <|>w: number) { g(w); } }\n"),
    "a keyword parameter": ("a.rb", "def f(tot<|>al:)\n  total\nend\n"),
    "a Java method that may be the base's": (
        "A.java",
        "class A extends Base { int to<|>tal() { return 1; } int f() { return total(); } }\n",
    ),
    "a static method that another class may mean": (
        "A.java",
        "class A extends Base { static int to<|>tal() { return 1; } }\n"
        "class B extends Base { int f() { return total(); } }\n",
    ),
    "a Ruby method that a symbol names": ("a.rb", "def to<|>tal\nend\nmethod(:total)\n"),
    "a Ruby call in a class with a base from elsewhere": (
        "a.rb",
        "def to<|>tal\nend\nclass A < Base\n  def f\n    total()\n  end\nend\n",
    ),
    "a Ruby call in a class that includes": (
        "a.rb",
        "def to<|>tal\nend\nclass A\n  include Sums\n  def f\n    total()\n  end\nend\n",
    ),
    "a Ruby call of another object": ("a.rb", "def to<|>tal\nend\ncart.total()\n"),
    "an instance variable": ("a.rb", "def f(name)\n  @na<|>me = name\nend\n"),
    "a pattern's name beside another": (
        "A.java",
        "class A { void f(Object o) { if (o instanceof S <|>s) { g(s); } else { int s = 1; g(s); } } }\n",
    ),
    "a macro's body": ("a.c", "#define M (x + 1)\nint f(int <|>x) { return M; }\n"),
    "a Go key that may be a field": (
        "a.go",
        "package p\nfunc f(na<|>me string) T { return T{name: name} }\n",
    ),
    "an argument named in C#": (
        "a.cs",
        "class A { int Run(int <|>n) { return n; } int G() { return Run(n: 3); } }\n",
    ),
    "a C# field with a parameter of its name": (
        "a.cs",
        "class A { private int <|>n; int Run(int n) { this.n = n; return n; } }\n",
    ),
    "a Java field with a local of its name": (
        "A.java",
        "class A { int co<|>unt; void inc(int count) { this.count = count; } }\n",
    ),
    "a method of a Go interface": (
        "a.go",
        "package p\ntype I interface { Sou<|>nd() int }\ntype D struct{}\n"
        "func (d D) Sound() int { return 1 }\n",
    ),
    "a field of a TypeScript class": (
        "a.ts",
        "class Q { to<|>tal = 1; }\nfunction f() { const o = { total: 2 }; return o.total; }\n",
    ),
    "a field of a Rust struct": (
        "a.rs",
        "struct Cat { na<|>me: i32 }\nfn f() -> Cat { Cat { name: 1 } }\n",
    ),
}


async def changed(root: Path, path: str, snippet: str) -> dict[str, str]:
    async with workspace(root, snippet, path, indexed=True) as space:
        made = await rename(space.doc, space.at, "ZZ", space.code)
        result = {}
        for each, edits in made.edits.items():
            text = await space.text_of(each)
            assert text is not None
            result[each.name] = text.replaced(edits).source
        return result


@pytest.mark.parametrize("name", RENAMED)
async def test_a_local_is_renamed_in_its_scope(name: str, tmp_path: Path) -> None:
    path, snippet, expected = RENAMED[name]
    assert await changed(tmp_path, path, snippet) == {path: expected}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_sure_is_refused(name: str, tmp_path: Path) -> None:
    path, snippet = REFUSED[name]
    with pytest.raises(RenameRefused) as refusal:
        await changed(tmp_path, path, snippet)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", RENAMED)
async def test_references_and_highlights_are_what_a_rename_changes(name: str, tmp_path: Path) -> None:
    path, snippet, _ = RENAMED[name]
    async with workspace(tmp_path, snippet, path, indexed=True) as space:
        made = await rename(space.doc, space.at, "ZZ", space.code)
        starts = [each.start for edits in made.edits.values() for each in edits]
        found = await references(space.doc, space.at, space.code, True)
        assert [each.start for each in found] == starts
        assert [each.start for each in await highlights(space.doc, space.at, space.code)] == starts


async def test_a_use_that_a_parameter_shadows_is_left_alone(tmp_path: Path) -> None:
    snippet = """
        //- b.ts
        function f(total: number) { return total; }
        //- a.ts
        export function to<|>tal() {}
        total();
        """
    assert await changed(tmp_path, "a.ts", snippet) == {"a.ts": "export function ZZ() {}\nZZ();\n"}


PRIVATE = {
    "a function": (
        "import { z } from './z';\nfunction to<|>tal() { return o.total; }\nexport const c = total() + z;\n",
        "import { z } from './z';\nfunction ZZ() { return o.total; }\nexport const c = ZZ() + z;\n",
    ),
    "a function with overloads": (
        "export {};\nfunction total(a: string): void;\nfunction total(a: any) {}\nto<|>tal('');\n",
        "export {};\nfunction ZZ(a: string): void;\nfunction ZZ(a: any) {}\nZZ('');\n",
    ),
    "a constant in a shorthand": (
        "const to<|>tal = 1;\nexport default { total, n: (total: number) => total };\n",
        "const ZZ = 1;\nexport default { total: ZZ, n: (total: number) => total };\n",
    ),
    "a part of a pattern": (
        "import o from './o';\nconst { total } = o;\nconsole.log(to<|>tal);\n",
        "import o from './o';\nconst { total: ZZ } = o;\nconsole.log(ZZ);\n",
    ),
    "a component": (
        "import React from 'react';\nconst Total = () => <b/>;\n"
        "export const App = () => <To<|>tal n={1}></Total>;\n",
        "import React from 'react';\nconst ZZ = () => <b/>;\nexport const App = () => <ZZ n={1}></ZZ>;\n",
    ),
    "a class": (
        "import { z } from './z';\nclass To<|>tal { n = z; }\nexport const c = new Total();\n",
        "import { z } from './z';\nclass ZZ { n = z; }\nexport const c = new ZZ();\n",
    ),
}


@pytest.mark.parametrize("name", PRIVATE)
async def test_what_a_module_does_not_export_is_its_own(name: str, tmp_path: Path) -> None:
    snippet, expected = PRIVATE[name]
    other = (
        "//- other.ts\nimport a from './main';\nfunction total() {}\ntotal();\n"
        "export class Total {}\n//- main.tsx\n"
    )
    assert await changed(tmp_path, "main.tsx", other + snippet) == {"main.tsx": expected}
    async with workspace(tmp_path, other + snippet, "main.tsx", indexed=True) as space:
        made = await rename(space.doc, space.at, "ZZ", space.code)
        [edits] = made.edits.values()
        found = await references(space.doc, space.at, space.code, True)
        assert [(each.path.name, each.start) for each in found] == [
            ("main.tsx", each.start) for each in edits
        ]


async def test_what_another_module_keeps_for_itself_is_no_use(tmp_path: Path) -> None:
    snippet = """
        //- own.ts
        import z from './z';
        function total() {}
        total();
        export const f = (total: number) => total + 1;
        //- user.ts
        import { total } from './main';
        total();
        //- main.ts
        export function to<|>tal() {}
        """
    async with workspace(tmp_path, snippet, "main.ts", indexed=True) as space:
        found = await references(space.doc, space.at, space.code, True)
        assert [each.path.name for each in found] == ["main.ts", "user.ts", "user.ts"]


SHARED = {
    "exported where it is made": "import z from './z';\nexport function to<|>tal() {}\ntotal();\n",
    "exported below": "function to<|>tal() {}\nexport { total };\n",
    "exported under another name": "function to<|>tal() {}\nexport { total as sum };\n",
    "the default export": "function to<|>tal() {}\nexport default total;\n",
    "of a script, which is everybody's": "function to<|>tal() {}\n",
    "a type too": "import z from './z';\nconst To<|>tal = z;\ntype Total = string;\n",
    "of a namespace too": (
        "import z from './z';\nfunction to<|>tal() {}\nnamespace N { function total() {} total(); }\n"
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_others_may_name_is_no_module_s_own(name: str) -> None:
    at = SHARED[name].index("<|>")
    text = Text(SHARED[name].replace("<|>", ""))
    tree = parse(text, "typescript")
    assert tree is not None
    assert local_places(tree, text.word_at(at)[0], text.source[slice(*text.word_at(at))]) is None


OWN = {
    "a static method of a Java class with a base": (
        "A.java",
        "class A extends Base { static int to<|>tal() { return 1; } int f() { return total(); } }\n",
        "class A extends Base { static int ZZ() { return 1; } int f() { return ZZ(); } }\n",
    ),
    "a private method of a C# class with a base": (
        "a.cs",
        "class A : Base { private int to<|>tal() { return 1; } int F() { return total(); } }\n",
        "class A : Base { private int ZZ() { return 1; } int F() { return ZZ(); } }\n",
    ),
    "a method of a Ruby file": (
        "a.rb",
        "class A\n  def f\n    to<|>tal(1)\n  end\nend\n\ndef total(n)\n  n\nend\n",
        "class A\n  def f\n    ZZ(1)\n  end\nend\n\ndef ZZ(n)\n  n\nend\n",
    ),
}


@pytest.mark.parametrize("name", OWN)
async def test_a_method_that_nothing_can_override_is_renamed(name: str, tmp_path: Path) -> None:
    path, snippet, expected = OWN[name]
    assert await changed(tmp_path, path, snippet) == {path: expected}


async def test_a_function_of_c_is_renamed_with_its_prototype_in_a_header(tmp_path: Path) -> None:
    snippet = """
        //- a.h
        int add(int a);
        //- a.c
        #include "a.h"
        int ad<|>d(int a) { return a; }
        int g(void) { return add(1); }
        """
    assert await changed(tmp_path, "a.c", snippet) == {
        "a.c": '#include "a.h"\nint ZZ(int a) { return a; }\nint g(void) { return ZZ(1); }\n',
        "a.h": "int ZZ(int a);\n",
    }
