"""Calls in the languages that write types down, resolved from the index."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.graphs import callers, graph_of, one

SCRIPT = """
    //- src/api/client.ts
    export class Client {
      send(path: string) { return this.retry(path); }
      private retry(path: string) { return path; }
    }
    export function connect(): Client { return new Client(); }
    //- src/app.ts
    import { Client, connect as open } from "./api/client";
    import * as api from "./api/client";
    export class App {
      private client: Client;
      constructor() { this.client = new Client(); }
      run() { this.client.send("/"); open(); }
    }
    export function one(client: Client) { return client.send("a"); }
    export function two() { const made = new Client(); made.send("b"); api.connect(); }
    export function three(send: (x: string) => void) { send("c"); }
    //- src/handed.ts
    export { connect } from "./api/client";
    //- web/page.tsx
    import { connect } from "../src/handed";
    export const Page = () => { connect(); return null; };
"""


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("Client.send", ["App.run", "one", "two"]),
        ("Client.retry", ["Client.send"]),
        ("connect", ["App.run", "two", "Page"]),
        ("Client", ["connect", "App.constructor", "two"]),
    ],
)
async def test_typescript(tmp_path: Path, name: str, by: list[str]) -> None:
    async with graph_of(tmp_path, SCRIPT) as graph:
        assert callers(graph, name) == by


GO = """
    //- store/store.go
    package store

    type Store struct { rows int }

    func New() *Store { return &Store{} }

    func (s *Store) Put(key string) { s.check(key) }

    func (s *Store) check(key string) {}

    type Putter interface { Put(key string) }
    //- main.go
    package main

    import "example.com/shop/store"

    func handle(s *store.Store) { s.Put("a") }

    func main() {
        db := store.New()
        db.Put("b")
        other()
    }
    //- other.go
    package main

    func other() {}
"""


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("Store.Put", ["handle", "main"]),
        ("Store.check", ["Store.Put"]),
        ("New", ["main"]),
        ("other", ["main"]),
    ],
)
async def test_go(tmp_path: Path, name: str, by: list[str]) -> None:
    async with graph_of(tmp_path, GO) as graph:
        assert callers(graph, name) == by


async def test_a_go_type_with_all_methods_implements_an_interface(tmp_path: Path) -> None:
    async with graph_of(tmp_path, GO) as graph:
        assert [each.name for each in graph.implementers(one(graph, "Putter"))] == ["Store"]


JAVA = """
    //- src/shop/Repository.java
    package shop;
    public interface Repository { Order find(String id); }
    //- src/shop/SqlRepository.java
    package shop;
    public class SqlRepository implements Repository {
      public Order find(String id) { return load(id); }
      private Order load(String id) { return new Order(); }
    }
    //- src/shop/Order.java
    package shop;
    public class Order { public void ship() {} }
    //- src/web/Api.java
    package web;
    import shop.Order;
    import shop.Repository;
    public class Api {
      private final Repository orders;
      public Api(Repository orders) { this.orders = orders; }
      public void ship(String id) { Order order = orders.find(id); order.ship(); }
    }
"""


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("Repository.find", ["Api.ship"]),
        ("SqlRepository.load", ["SqlRepository.find"]),
        ("Order.ship", ["Api.ship"]),
        ("Order", ["SqlRepository.load"]),
        ("SqlRepository.find", ["Api.ship"]),
    ],
)
async def test_java(tmp_path: Path, name: str, by: list[str]) -> None:
    async with graph_of(tmp_path, JAVA) as graph:
        assert callers(graph, name) == by


async def test_a_java_class_implements_its_interface(tmp_path: Path) -> None:
    async with graph_of(tmp_path, JAVA) as graph:
        assert [each.name for each in graph.implementers(one(graph, "Repository"))] == ["SqlRepository"]


OTHERS = {
    "csharp": (
        """
        //- A.cs
        class Base { public void Save() { } }
        class Sub : Base { public void Run() { Save(); } }
        class User { void Use(Sub sub) { sub.Save(); var made = new Sub(); made.Run(); } }
        """,
        {"Base.Save": ["Sub.Run", "User.Use"], "Sub.Run": ["User.Use"]},
    ),
    "rust": (
        """
        //- src/store.rs
        pub struct Store { n: u32 }
        pub trait Put { fn put(&self); }
        impl Put for Store { fn put(&self) { self.check(); } }
        impl Store { pub fn new() -> Store { Store { n: 1 } } fn check(&self) {} }
        //- src/main.rs
        use crate::store::Store;
        fn run(store: &Store) { store.put(); }
        fn main() { let made = Store::new(); run(&made); }
        """,
        {"Store.check": ["Store.put"], "Store.new": ["main"], "Store.put": ["run"], "run": ["main"]},
    ),
    "ruby": (
        """
        #- shop.rb
        class Base
          def save
            check
          end
          def check
          end
        end
        class Cart < Base
          def run
            save
          end
        end
        def main
          cart = Cart.new
          cart.run
        end
        """,
        {"Base.check": ["Base.save"], "Base.save": ["Cart.run"], "Cart.run": ["main"]},
    ),
    "c": (
        """
        //- util.h
        int add(int a, int b);
        //- util.c
        #include "util.h"
        static int twice(int a) { return a + a; }
        int add(int a, int b) { return twice(a) + b; }
        //- main.c
        #include "util.h"
        int main(void) { return add(1, 2); }
        """,
        {"twice": ["add"], "util.c:add": ["main"]},
    ),
    "cpp": (
        """
        //- shape.hpp
        class Shape { public: double area() { return scale(); } double scale() { return 1; } };
        class Square : public Shape { public: double twice() { return area(); } };
        //- main.cpp
        #include "shape.hpp"
        double use(Square& square) { return square.twice(); }
        """,
        {"Shape.scale": ["Shape.area"], "Shape.area": ["Square.twice"], "Square.twice": ["use"]},
    ),
}


@pytest.mark.parametrize("language", list(OTHERS))
async def test_other_languages(tmp_path: Path, language: str) -> None:
    snippet, wanted = OTHERS[language]
    async with graph_of(tmp_path, snippet) as graph:
        assert {name: callers(graph, name) for name in wanted} == wanted


async def test_go_s_package_variables_have_the_type_they_are_declared_with(tmp_path: Path) -> None:
    code = """
        //- main.go
        package main

        var store Store

        var other = NewStore()

        var (
            grouped *Store
            made    = &Store{}
        )

        type Store struct{}

        func (s *Store) Load() int { return 1 }
        func (s *Store) Save() int { return 1 }
        func (s *Store) Drop() int { return 1 }
        func (s *Store) Keep() int { return 1 }

        func NewStore() *Store { return &Store{} }

        func a() { store.Load() }
        func b() { other.Save() }
        func c() { grouped.Drop() }
        //- two.go
        package main

        func d() { store.Load(); made.Keep() }

        func e() { store, err := open(); store.Load() }

        func f(store any) { store.Load() }
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "Store.Load") == ["a", "d"]
        assert callers(graph, "Store.Save") == ["b"]
        assert callers(graph, "Store.Drop") == ["c"]
        assert callers(graph, "Store.Keep") == ["d"]


async def test_a_namespace_that_modules_hand_on(tmp_path: Path) -> None:
    code = """
        //- src/shapes.ts
        export * from "./boxes";
        export function area(w: number) { return w; }
        //- src/boxes.ts
        export class Box { grow() {} }
        //- src/index.ts
        export * as ns from "./shapes";
        //- src/again.ts
        import * as shapes from "./shapes";
        export { shapes };
        //- src/barrel.ts
        export * from "./index";
        //- src/app.ts
        import { ns } from "./index";
        import { shapes } from "./again";
        import { ns as far } from "./barrel";
        export function show() { return ns.area(1); }
        export function made(b: ns.Box) { b.grow(); return new ns.Box(); }
        export function two() { return shapes.area(1); }
        export function three() { return far.area(1); }
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "area") == ["show", "two", "three"]
        assert callers(graph, "Box") == ["made"]
        assert callers(graph, "Box.grow") == ["made"]


async def test_go_interfaces_are_implemented_with_what_they_embed_and_by_what_embeds(tmp_path: Path) -> None:
    code = """
        //- main.go
        package main

        type Reader interface { Read() int }

        type ReadCloser interface {
            Reader
            Close()
        }

        type File struct{}

        func (f *File) Read() int { return 1 }
        func (f *File) Close()    {}

        type Half struct{}

        func (h Half) Read() int { return 1 }

        type Wrapped struct {
            *File
        }

        type Holding struct {
            file *File
        }
    """
    async with graph_of(tmp_path, code) as graph:
        found = {each.name for each in graph.implementers(one(graph, "Reader"))}
        assert found == {"ReadCloser", "File", "Half", "Wrapped"}
        assert {each.name for each in graph.implementers(one(graph, "ReadCloser"))} == {"File", "Wrapped"}


async def test_java_s_default_methods_are_inherited(tmp_path: Path) -> None:
    code = """
        //- src/Shape.java
        public interface Shape {
          int area();
          default int twice() { return area() * 2; }
        }
        //- src/Square.java
        public class Square implements Shape {
          int inner() { return twice(); }
          public int area() { return 1; }
        }
        //- src/Use.java
        public class Use {
          int run(Square s) { return s.twice(); }
        }
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "Shape.twice") == ["Square.inner", "Use.run"]
        assert callers(graph, "Square.area") == ["Shape.twice"]


async def test_a_go_variable_that_is_set_from_itself_holds_nothing_that_is_known(tmp_path: Path) -> None:
    code = """
        //- main.go
        package main

        var store = store.next
        var here = there
        var there = here

        func (s *Store) Load() int { return 1 }

        func a() { store.Load(); here.Load() }
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "Store.Load") == []
