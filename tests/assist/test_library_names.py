"""Names of libraries in TypeScript and Java: the language's own, of `@types`, of packages, of the JDK."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from devflow.analysis.jdk_sources import source_of
from devflow.retrieval.graph import java_libraries
from devflow.server.assist.complete import complete
from devflow.server.assist.hover import hover
from devflow.server.assist.memory import Memory
from devflow.server.assist.navigate import definition
from devflow.server.settings import Completion, Hover
from support.codebase import workspace

LANGUAGE = """\
interface Array<T> {
    /** How many there are. */
    length: number;
    map<U>(callbackfn: (value: T, index: number) => U): U[];
    filter<S extends T>(predicate: (value: T) => value is S): S[];
    filter(predicate: (value: T) => unknown): T[];
    sort(compareFn?: (a: T, b: T) => number): this;
}
interface ArrayConstructor {
    from<T>(iterable: Iterable<T> | ArrayLike<T>): T[];
}
declare var Array: ArrayConstructor;
interface String {
    trim(): string;
    split(separator: string, limit?: number): string[];
}
interface Object {
    toString(): string;
}
interface Map<K, V> {
    get(key: K): V | undefined;
    forEach(callbackfn: (value: V, key: K) => void): void;
}
interface Promise<T> {
    then<A = T>(onfulfilled?: ((value: T) => A | PromiseLike<A>) | null): Promise<A>;
}
interface Symbolic {
    (text: string): Box;
}
declare var symbolic: Symbolic;
interface Box {
    open(): string;
}
"""
PAGE = """\
interface Node {
    readonly parent: Node;
}
interface Canvas extends Node {
    getContext(kind: string): string;
}
interface Event {
    readonly x: number;
}
interface Tags {
    "canvas": Canvas;
}
interface Happenings {
    "click": Event;
}
interface Document extends Node {
    createElement<K extends keyof Tags>(tag: K): Tags[K];
    createElement(tag: string): Node;
    addEventListener<K extends keyof Happenings>(type: K, run: (this: Node, ev: Happenings[K]) => any): void;
    query<E extends Node = Canvas>(selector: string): E | null;
}
declare var document: Document;
"""
SYSTEM = """\
declare module "fs" {
    export function readSync(path: string): string;
    export class Stats {
        size: number;
    }
    export function stat(path: string): Promise<Stats>;
}
declare module "node:fs" {
    export * from "fs";
}
"""
PACKAGE = """\
import { Base } from "./base";
export declare class Queue<T> extends Base<T> {
    push(item: T): this;
    private hidden;
}
export { Base as Root } from "./base";
export default Queue;
"""
MAIN = """
interface Item { name: string; tags: string[]; }
class Own extends Queue<Item> { go() {} }
"""


def install(folder: Path) -> None:
    """A compiler, one `@types` package and one package with types of its own."""
    modules = folder / "node_modules"
    files = {
        "typescript/lib/lib.es5.d.ts": LANGUAGE,
        "typescript/lib/lib.dom.d.ts": PAGE,
        "@types/node/package.json": '{"types": "index.d.ts"}',
        "@types/node/index.d.ts": '/// <reference path="fs.d.ts" />\n',
        "@types/node/fs.d.ts": SYSTEM,
        "queue/package.json": '{"exports": {".": {"import": {"types": "./dist/main.d.mts"}}}}',
        "queue/dist/main.d.mts": PACKAGE,
        "queue/dist/base.d.ts": "export declare class Base<T> {\n    first(): T;\n}\n",
    }
    for name, text in files.items():
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (modules / name).write_text(text)


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("'x'.tr<|>im();", (LANGUAGE, "trim(): string")),
        ("[1, 2].ma<|>p(x => x);", (LANGUAGE, "map<U>")),
        ("function f(items: Item[]) { items.map(i => i.name)[0].tr<|>im(); }", (LANGUAGE, "trim(): string")),
        ("function f(items: Item[]) { items.filter(i => i.tags.le<|>ngth); }", (LANGUAGE, "length: number")),
        (
            "function f(items: Item[]) { items.filter(i => i).sort()[0].tags.le<|>ngth; }",
            (LANGUAGE, "length"),
        ),
        (
            "function f(m: Map<string, Item>) { m.forEach((v, k) => k.tr<|>im()); }",
            (LANGUAGE, "trim(): string"),
        ),
        ("function f(m: Map<string, Item>) { m.get('a').tags.le<|>ngth; }", (LANGUAGE, "length: number")),
        (
            "function f(p: Promise<Item>) { p.then(i => i.name).then(n => n.tr<|>im()); }",
            (LANGUAGE, "trim()"),
        ),
        ("'a,b'.split(',').map(s => s.tr<|>im());", (LANGUAGE, "trim(): string")),
        ("symbolic('x').op<|>en();", (LANGUAGE, "open(): string")),
        ("docu<|>ment.parent;", (PAGE, "document: Document")),
        ("document.createElement('canvas').getCon<|>text('2d');", (PAGE, "getContext")),
        ("document.createElement('p').par<|>ent;", (PAGE, "parent: Node")),
        ("document.addEventListener('click', ev => ev.x<|>);", (PAGE, "x: number")),
        ("document.query('.a').getCon<|>text('2d');", (PAGE, "getContext")),
        ("fs.read<|>Sync('x');", (SYSTEM, "readSync")),
        ("async function f() { const s = await stat('x'); s.si<|>ze; }", (SYSTEM, "size: number")),
        ("sta<|>t('x');", (SYSTEM, "stat(path")),
        ("new Queue<Item>().pu<|>sh(null).push(null);", (PACKAGE, "push(item")),
        ("new Queue<Item>().push(null).pu<|>sh(null);", (PACKAGE, "push(item")),
        ("new Own().pu<|>sh(null);", (PACKAGE, "push(item")),
        ("new Own().first().tags.le<|>ngth;", (LANGUAGE, "length: number")),
        ("function f(trim: any) { trim.tri<|>m(); }", None),
        ("function f(document: Item) { docu<|>ment.name; }", None),
        ("function f(items: Item[]) { items.no<|>Such(); }", None),
    ],
)
async def test_names_of_script_libraries_are_found_in_their_declarations(
    line: str, target: tuple[str, str] | None, tmp_path: Path
) -> None:
    install(tmp_path)
    (tmp_path / "work").mkdir()
    head = 'import * as fs from "fs";\nimport { stat } from "node:fs";\nimport { Queue } from "queue";\n'
    snippet = f"//- main.ts\n{head}{MAIN}{line}\n"
    async with workspace(tmp_path / "work", snippet, indexed=True) as space:
        found = (await definition(space.doc, space.at, space.code)).locations
        outside = [each for each in found if "node_modules" in each.path.parts]
        if target is None:
            assert not outside
            return
        text, written = target
        assert [each.start for each in outside] == [text.index(written)]
        assert outside[0].path.read_text() == text
        assert await hover(space.doc, space.at, space.code, Hover()) is not None


async def test_hover_tells_what_a_library_documents(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "work").mkdir()
    async with workspace(tmp_path / "work", "//- main.ts\n[1].len<|>gth;\n", indexed=True) as space:
        card = await hover(space.doc, space.at, space.code, Hover())
        assert card is not None
        assert "length: number" in card.markdown
        assert "How many there are." in card.markdown


async def test_packages_installed_while_the_server_runs_are_known_and_read_anew_when_they_change(
    tmp_path: Path,
) -> None:
    (tmp_path / "work").mkdir()
    line = '//- main.ts\nimport { Queue } from "queue";\nnew Queue<string>().pu<|>sh("x");\n'
    async with workspace(tmp_path / "work", line, indexed=True) as space:

        async def places() -> list[int]:
            code = replace(space.code, memory=Memory())  # as behind the next key
            return [each.start for each in (await definition(space.doc, space.at, code)).locations]

        assert await places() == []
        install(tmp_path)
        assert await places() == [PACKAGE.index("push")]
        newer = "// version two\n" + PACKAGE
        (tmp_path / "node_modules/queue/dist/main.d.mts").write_text(newer)
        (tmp_path / "node_modules/.package-lock.json").write_text("{}")
        assert await places() == [newer.index("push")]
        shutil.rmtree(tmp_path / "node_modules")
        assert await places() == []


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("symbolic('x').<|>", {"open"}),
        ("new Queue<Item>().<|>", {"push", "first"}),
        ("new Own().<|>", {"go", "push", "first"}),
        ("[''].<|>", {"length", "map", "filter", "sort"}),
    ],
)
async def test_members_of_library_types_are_offered(line: str, labels: set[str], tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "work").mkdir()
    snippet = (
        f'//- main.ts\nimport {{ Queue }} from "queue";\n{MAIN}function g() {{ other.thing(); }}\n{line}\n'
    )
    async with workspace(tmp_path / "work", snippet, indexed=True) as space:
        answer = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        assert {item.label for item in answer.items} == labels


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("function f(items: Item[]) { const na<|>mes = items.map(i => i.name); }", "names: string[]"),
        ("function f(m: Map<string, Item>) { const o<|>ne = m.get('a'); }", "one: Item"),
        ("function f(x: any) { const wh<|>at = x.y(); }", ""),
    ],
)
async def test_hover_tells_the_type_of_a_variable_that_writes_none(
    line: str, told: str, tmp_path: Path
) -> None:
    install(tmp_path)
    (tmp_path / "work").mkdir()
    async with workspace(tmp_path / "work", f"//- main.ts\n{MAIN}{line}\n", indexed=True) as space:
        card = await hover(space.doc, space.at, space.code, Hover())
        assert card is not None
        first = card.markdown.splitlines()[1]
        assert first == told if told else ": " not in first


async def test_a_workspace_without_a_compiler_knows_no_library(tmp_path: Path) -> None:
    async with workspace(tmp_path, "//- main.ts\n'x'.tr<|>im();\n", indexed=True) as space:
        assert not (await definition(space.doc, space.at, space.code)).locations


ITERABLE = """\
package java.lang;

public interface Iterable<T> {
    default void forEach() { }
}
"""
LIST = """\
package java.util;

import java.util.stream.Stream;

public interface List<E> extends Collection<E> {
    /** The element there. */
    E get(int index);
}
"""
COLLECTION = """\
package java.util;

import java.util.stream.Stream;

public interface Collection<E> extends Iterable<E> {
    int size();
    default Stream<E> stream() { return null; }
}
"""
STREAM = """\
package java.util.stream;

import java.util.List;
import java.util.function.Function;

public interface Stream<T> {
    <R> Stream<R> map(Function<? super T, ? extends R> mapper);
    List<T> toList();
}
"""
FUNCTION = """\
package java.util.function;

public interface Function<T, R> {
    R apply(T t);
    static <T> Function<T, T> identity() { return t -> t; }
}
"""
STRING = """\
package java.lang;

public final class String {
    private int secret() { return 0; }
    public String trim() { return this; }
}
"""


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("void f(String s) { s.tr<|>im(); }", (STRING, "trim")),
        ('void f() { "x".tr<|>im(); }', (STRING, "trim")),
        ("void f(List<Item> items) { items.si<|>ze(); }", (COLLECTION, "size")),
        ("void f(List<Item> items) { items.get(0).name.tr<|>im(); }", (STRING, "trim")),
        ("void f(List<Item> items) { items.stream().ma<|>p(i -> i.name); }", (STREAM, "map(")),
        (
            "void f(List<Item> items) { items.stream().map(i -> i.name).toList().get(0).tr<|>im(); }",
            (STRING, "trim"),
        ),
        ("void f(List<Item> items) { items.stream().map(i -> i.name.tr<|>im()); }", (STRING, "trim")),
        ("void f(String s) { s.sec<|>ret(); }", None),
        (
            "class Rest implements List<Item> { void g() { for (var x : this) x.name.tr<|>im(); } }",
            (STRING, "trim"),
        ),
        ("void f(List<Item> items) { for (var x : items) x.name.tr<|>im(); }", (STRING, "trim")),
        ("class Rest { void trim() { for (var x : this) x.tr<|>im(); } }", None),
    ],
)
async def test_names_of_the_jdk_are_found_in_its_sources(
    line: str, target: tuple[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "kit" / "lib" / "src.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in {
            "util/List": LIST, "util/Collection": COLLECTION, "util/stream/Stream": STREAM,
            "util/function/Function": FUNCTION, "lang/String": STRING, "lang/Iterable": ITERABLE,
        }.items():  # fmt: skip
            packed.writestr(f"java.base/java/{name}.java", text)
    monkeypatch.setattr(java_libraries, "archive", lambda: archive)
    (tmp_path / "work").mkdir()
    snippet = (
        "//- Main.java\nimport java.util.List;\n\nclass Item { String name; }\n\n"
        f"class Main {{\n    {line}\n}}\n"
    )
    async with workspace(tmp_path / "work", snippet, indexed=True) as space:
        found = (await definition(space.doc, space.at, space.code)).locations
        outside = [each for each in found if "jdk" in each.path.parts]
        if target is None:
            assert not outside
            return
        text, written = target
        assert [each.start for each in outside] == [text.index(written)]
        assert outside[0].path.read_text() == text
        assert not outside[0].path.stat().st_mode & 0o222


def test_where_the_cache_cannot_be_written_nothing_is_told_of_the_jdk(tmp_path: Path) -> None:
    archive = tmp_path / "kit" / "lib" / "src.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("java.base/java/lang/String.java", STRING)
    assert source_of("java.lang.String", archive, tmp_path / "elsewhere") is not None
    (tmp_path / "full").write_text("no folder")
    assert source_of("java.lang.String", archive, tmp_path / "full") is None


async def test_a_member_that_is_gone_from_a_file_of_the_workspace_is_not_found_as_a_library_s(
    tmp_path: Path,
) -> None:
    snippet = (
        "//- thing.ts\nexport class Thing {\n    old(): void {}\n}\n"
        "//- main.ts\nimport { Thing } from './thing';\nnew Thing().other();\nnew Thing().o<|>ld();\n"
    )
    async with workspace(tmp_path, snippet, indexed=True) as space:
        other = space.doc.text.source.index("other")
        assert not (await definition(space.doc, other, space.code)).locations
    (tmp_path / "thing.ts").write_text("export class Thing {\n    fresh(): void {}\n}\n")
    gone = snippet.partition("//- main.ts")[2].join(("//- main.ts", ""))
    async with workspace(tmp_path, gone, indexed=True) as space:
        assert not (await definition(space.doc, space.at, space.code)).locations
