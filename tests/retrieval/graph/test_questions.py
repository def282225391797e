"""Impact, paths, endpoints, dead code, centrality."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devflow.retrieval.graph.centrality import centrality, import_links
from devflow.retrieval.graph.dead import dead_code
from devflow.retrieval.graph.endpoints import all_endpoints, endpoints_reaching
from devflow.retrieval.graph.impact import covering_tests, impact
from devflow.retrieval.graph.pairs import covering_files, sources_of_test
from devflow.retrieval.graph.paths import shortest_path
from devflow.retrieval.index import Index
from support.graphs import graph_of, index, one
from support.patience import HANGS

SERVICE = """
    #- app/__init__.py
    #- app/db.py
    class Store:
        def load(self, key):
            return read(key)

    def read(key):
        return key
    #- app/logic.py
    from app.db import Store

    def price(key):
        return Store().load(key)

    def unrelated(): ...
    #- app/api.py
    from fastapi import APIRouter
    from app.logic import price, unrelated

    router = APIRouter(prefix="/v1")

    @router.get("/price/{key}")
    async def show(key):
        return price(key)

    @router.post("/other")
    async def other():
        return unrelated()
    #- tests/test_logic.py
    from app.logic import price

    def test_price():
        assert price(1)
"""


async def test_what_is_affected_comes_nearest_first_with_the_way_that_shows_why(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        found = impact(graph, one(graph, "read"))
        assert [(each.definition.qualified_name, each.distance) for each in found.affected] == [
            ("Store.load", 1),
            ("price", 2),
            ("show", 3),
            ("test_price", 3),
        ]
        way = found.way(one(graph, "show"))
        assert [link.target.qualified_name for link in way] == ["price", "Store.load", "read"]
        assert [each.is_test for each in found.affected] == [False, False, False, True]
        assert not found.more


async def test_the_impact_says_that_there_is_more(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        found = impact(graph, one(graph, "read"), most=2)
        assert (len(found.affected), found.more) == (2, True)
        found = impact(graph, one(graph, "read"), deepest=2)
        assert (len(found.affected), found.more) == (2, True)


async def test_of_a_class_the_users_of_its_members_are_affected_and_its_subclasses(tmp_path: Path) -> None:
    code = """
        class Base:
            def go(self): ...

        class Sub(Base):
            def go(self): ...

        def use(base: Base):
            base.go()

        def apart(): ...
    """
    async with graph_of(tmp_path, code) as graph:
        found = {each.definition.qualified_name for each in impact(graph, one(graph, "Base")).affected}
        assert found == {"Sub", "Sub.go", "use"}


async def test_the_tests_of_a_definition_are_those_that_reach_it(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        assert [each.definition.name for each in covering_tests(graph, one(graph, "read"))] == ["test_price"]
        assert covering_tests(graph, one(graph, "unrelated")) == []


async def test_the_shortest_path_between_two_symbols(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        way = shortest_path(graph, one(graph, "show"), one(graph, "read"))
        assert [link.target.qualified_name for link in way] == ["price", "Store", "read"] or [
            link.target.qualified_name for link in way
        ] == ["price", "Store.load", "read"]
        assert shortest_path(graph, one(graph, "read"), one(graph, "show")) == []


async def test_which_endpoints_reach_a_function(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        [found] = endpoints_reaching(graph, one(graph, "read"))
        assert (found.endpoint.method, found.endpoint.route) == ("GET", "/v1/price/{key}")
        assert [link.target.qualified_name for link in found.way] == ["price", "Store.load", "read"]


ROUTES = {
    "flask": (
        """
        #- main.py
        from flask import Flask

        app = Flask(__name__)

        def data(): ...

        @app.route("/a", methods=["POST"])
        def a():
            return data()

        def b():
            return data()

        app.add_url_rule("/b", view_func=b)
        """,
        [("POST", "/a"), ("ANY", "/b")],
    ),
    "django": (
        """
        #- shop/__init__.py
        #- shop/views.py
        from shop.models import data

        def listing(request):
            return data()

        class Detail:
            def get(self, request):
                return data()

            @classmethod
            def as_view(cls): ...
        #- shop/models.py
        def data(): ...
        #- shop/urls.py
        from django.urls import path, re_path
        from shop import views

        urlpatterns = [
            path("list/", views.listing),
            re_path(r"^detail/$", views.Detail.as_view()),
        ]
        """,
        [("GET", "^detail/$"), ("ANY", "list/")],
    ),
    "class views": (
        """
        #- main.py
        def data(): ...

        class View:
            url = "/api/view"

            async def get(self, request):
                return data()

        async def plain(request):
            return data()

        def setup(app):
            app.router.add_route("POST", "/plain", plain)
            app.router.add_get("/short", plain)
        """,
        [("GET", "/api/view"), ("POST", "/plain"), ("GET", "/short")],
    ),
    "express": (
        """
        //- data.js
        export function data() { return 1; }
        //- app.js
        import express from "express";
        import { data } from "./data";
        const app = express();
        function named(req, res) { res.send(data()); }
        app.get("/inline", (req, res) => { res.send(data()); });
        app.post("/named", named);
        cache.get("key", data());
        axios.get("/remote/thing", data());
        """,
        [("GET", "/inline"), ("POST", "/named")],
    ),
    "spring": (
        """
        //- src/Data.java
        public class Data { public static int data() { return 1; } }
        //- src/Api.java
        @RestController
        @RequestMapping("/api")
        public class Api {
          @GetMapping("/one")
          public int one() { return Data.data(); }
          @RequestMapping(value = "/two", method = RequestMethod.PUT)
          public int two() { return Data.data(); }
          public int none() { return Data.data(); }
        }
        """,
        [("GET", "/api/one"), ("PUT", "/api/two")],
    ),
    "fastapi below a prefix": (
        """
        #- app/__init__.py
        #- app/data.py
        def data(): ...
        #- app/users.py
        from fastapi import APIRouter
        from app.data import data

        router = APIRouter(prefix="/users")

        @router.get("/{id}")
        def show(id):
            return data()
        #- app/main.py
        from fastapi import APIRouter, Depends, FastAPI
        from app import users

        api = APIRouter(prefix="/v1")
        api.include_router(users.router, dependencies=[Depends(print)], prefix="/inner")
        app = FastAPI()
        app.include_router(api, prefix="/outer")
        """,
        [("GET", "/outer/v1/inner/users/{id}")],
    ),
    "flask below a prefix": (
        """
        #- shop/__init__.py
        #- shop/pages.py
        from flask import Blueprint

        pages = Blueprint("pages", __name__, url_prefix="/own")

        def data(): ...

        @pages.get("/a")
        def a():
            return data()
        #- shop/app.py
        from flask import Flask
        from shop.pages import pages as shown

        app = Flask(__name__)
        app.register_blueprint(shown, url_prefix="/shown")
        """,
        [("GET", "/shown/a")],
    ),
    "django below a prefix": (
        """
        #- dj/__init__.py
        #- dj/views.py
        def data(): ...

        def listing(request):
            return data()
        #- dj/sub.py
        from django.urls import path
        from dj import views

        urlpatterns = [path("list/", views.listing)]
        #- dj/urls.py
        from django.urls import include, path

        urlpatterns = [path("sub/", include("dj.sub"))]
        """,
        [("ANY", "sub/list/")],
    ),
    "express below a prefix": (
        """
        //- data.js
        export function data() { return 1; }
        //- users.js
        import { Router } from "express";
        import { data } from "./data";
        const router = Router();
        function named(req, res) { res.send(data()); }
        router.route("/chain").get(named).delete((req, res) => { res.send(data()); });
        router.get("/:id", (req, res) => res.send(data()));
        export default router;
        //- app.js
        import express from "express";
        import users from "./users";
        const app = express();
        app.use("/api", express.json(), users);
        """,
        [("GET", "/api/chain"), ("DELETE", "/api/chain"), ("GET", "/api/:id")],
    ),
    "spring with two paths": (
        """
        //- src/Data.java
        public class Data { public static int data() { return 1; } }
        //- src/Api.java
        @RequestMapping({"/v1", "/v2"})
        public class Api {
          @GetMapping({"/a", "/b"})
          public int one() { return Data.data(); }
          @RequestMapping(path = "/c", method = {RequestMethod.GET, RequestMethod.PUT})
          public int two() { return Data.data(); }
        }
        """,
        [
            *(("GET", "/v1/a"), ("GET", "/v1/b"), ("GET", "/v2/a"), ("GET", "/v2/b")),
            *(("GET", "/v1/c"), ("PUT", "/v1/c"), ("GET", "/v2/c"), ("PUT", "/v2/c")),
        ],
    ),
    "net/http": (
        """
        //- main.go
        package main

        import "net/http"

        func data() int { return 1 }

        func show(w http.ResponseWriter, r *http.Request) { data() }

        func main() {
            http.HandleFunc("/show", show)
            mux := http.NewServeMux()
            mux.HandleFunc("GET /new", func(w http.ResponseWriter, r *http.Request) { data() })
            mux.HandleFunc("DELETE  /two", show)
            mux.HandleFunc("POST example.com/host", show)
        }
        """,
        [("GET", "/new"), ("ANY", "/show"), ("DELETE", "/two"), ("POST", "example.com/host")],
    ),
}


@pytest.mark.parametrize("framework", list(ROUTES))
async def test_routes_of_the_frameworks(tmp_path: Path, framework: str) -> None:
    snippet, wanted = ROUTES[framework]
    async with graph_of(tmp_path, snippet) as graph:
        found = endpoints_reaching(graph, one(graph, "data"))
        assert sorted((each.endpoint.method, each.endpoint.route) for each in found) == sorted(wanted)
        listed = {(each.method, each.route) for each in all_endpoints(graph)}
        assert set(wanted) <= listed
        assert ("GET", "key") not in listed


async def test_a_handler_written_in_its_registration_is_called_so_at_the_registration_s_place(
    tmp_path: Path,
) -> None:
    code = """
        //- db.js
        export function load() { return 1; }
        export function shown() { return load(); }
        //- app.js
        import { load, shown } from "./db";

        app.get("/inline", (req, res) => { res.send(load()); });
        app.get("/named",
          shown);
    """
    async with graph_of(tmp_path, code) as graph:
        found = {each.route: each for each in all_endpoints(graph)}
        places = {route: (each.at.path.name, each.line + 1) for route, each in found.items()}
        assert places == {"/inline": ("app.js", 3), "/named": ("app.js", 4)}
        assert (found["/inline"].inline, found["/inline"].handler.path.name) == (True, "app.js")
        assert (found["/named"].inline, found["/named"].handler.name) == (False, "shown")


async def test_endpoints_and_callers_follow_interfaces_that_are_fulfilled_by_shape(tmp_path: Path) -> None:
    code = """
        //- main.go
        package main

        import "net/http"

        type Store interface { Load() int }

        type mem struct{}

        func (m mem) Load() int { return 1 }

        type server struct{ store Store }

        func (s *server) show(w http.ResponseWriter, r *http.Request) { s.store.Load() }

        func main() {
            s := &server{mem{}}
            http.HandleFunc("/show", s.show)
        }
        //- src/lib.rs
        pub trait Say { fn say(&self) -> u8; }
        pub struct Dog;
        impl Say for Dog { fn say(&self) -> u8 { 1 } }
        pub fn loud(it: &dyn Say) -> u8 { it.say() }
    """
    async with graph_of(tmp_path, code) as graph:
        [found] = endpoints_reaching(graph, one(graph, "mem.Load"))
        assert found.endpoint.route == "/show"
        assert [link.source.name for link in graph.incoming(one(graph, "Dog.say"), kinds=["call"])] == [
            "loud"
        ]


async def test_of_definitions_of_one_name_sources_come_before_tests_and_what_is_built(tmp_path: Path) -> None:
    code = """
        //- dist/bundles/lib.umd.js
        class Subject { next() {} }
        //- spec/Subject-spec.ts
        class Subject { next() {} }
        //- src/internal/Subject.ts
        export class Subject { next() {} }
    """
    async with graph_of(tmp_path, code) as graph:
        assert one(graph, "Subject.next").path.name == "Subject.ts"


async def test_dead_code_spares_what_may_be_used_in_other_ways(tmp_path: Path) -> None:
    code = """
        #- main.py
        import register

        def dead(): ...

        def recursive():
            recursive()

        def main(): ...

        @register.it
        def decorated(): ...

        class Handler(Unknown):
            def called_by_the_base(self): ...

        class Plain:
            def _unused(self): ...
            def __len__(self): ...
            def _set_colour(self): ...
            def set(self, what):
                getattr(self, f"_set_{what}")()

        def in_settings(): ...

        def ranged(): ...

        def range_of(ranges, ranging):
            return [(ranges, ranging), "main.ranged"]

        print(Handler, Plain, Plain().set, range_of)
        #- tests/test_main.py
        def test_it(): ...
        #- setup.cfg
        [entry]
        run = main:in_settings
    """
    async with graph_of(tmp_path, code) as graph:
        found = dead_code(graph)
        names = {each.definition.qualified_name: each.confidence for each in found.dead}
        assert names == {"dead": 0.6, "recursive": 0.6, "Plain._unused": 0.9}
        assert set(found.spared) == {
            "decorated or exported",
            "entry point",
            "mentioned in text or a string",
            "name put together",
            "override",
            "special method",
            "test",
        }


async def test_classes_that_a_framework_or_a_container_finds_by_their_base_are_not_dead(
    tmp_path: Path,
) -> None:
    code = """
        #- shop/__init__.py
        #- shop/apps.py
        import enum
        from django.apps import AppConfig
        from rest import viewsets

        class ShopConfig(AppConfig):
            name = "shop"

        class OrderViews(viewsets.ModelViewSet): ...

        class Colour(enum.Enum): ...

        class Lonely(Exception): ...
        //- Repo.cs
        public interface IRepo { int Load(); }
        interface IUnused { }
        class Repo : IRepo { public int Load() { return 1; } }
        class Alone : IUnused { }
        class Api {
          private readonly IRepo repo;
          public Api(IRepo repo) { this.repo = repo; }
          public int Get() { return repo.Load(); }
        }
    """
    async with graph_of(tmp_path, code) as graph:
        names = {each.definition.qualified_name for each in dead_code(graph).dead}
        assert names & {"ShopConfig", "OrderViews", "Colour", "Lonely", "Repo", "Alone"} == {
            *("Colour", "Lonely", "Alone"),
        }


async def test_files_near_the_open_ones_are_central(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SERVICE) as graph:
        links = import_links(graph.stored, graph.modules)
        near = centrality(links, [tmp_path / "app/api.py"])
        order = [path.name for path in near]
        assert (set(order[:2]), order[-1]) == ({"api.py", "logic.py"}, "test_logic.py")
        assert sum(near.values()) == pytest.approx(1, abs=1e-4)
        assert centrality(links, [tmp_path / "none.py"]) == {}


async def test_an_import_through_a_link_to_another_folder_of_the_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "src/shop").mkdir(parents=True)
    (tmp_path / "src/shop/models").symlink_to("../../models", target_is_directory=True)
    code = """
        #- src/shop/__init__.py
        #- models/base.py
        class Order: ...
        #- pages/order.py
        from shop.models.base import Order
    """
    async with graph_of(tmp_path, code) as graph:
        near = centrality(import_links(graph.stored, graph.modules), [tmp_path / "pages/order.py"])
        assert [path.name for path in near] == ["order.py", "base.py"]


async def test_the_open_graph_answers_and_sees_each_change(tmp_path: Path) -> None:
    await index(tmp_path, SERVICE)
    opened = await Index.open([tmp_path])
    try:
        [read] = await opened.graph.find("app/db.py:read")
        assert len((await opened.graph.ask(impact, read)).affected) == 4
        near = await opened.graph.centrality([tmp_path / "app/api.py"])
        assert tmp_path / "app/db.py" in near
        await index(tmp_path, "#- app/logic.py\ndef price(key): ...\ndef unrelated(): ...\n")
        [read] = await opened.graph.find("app.db.read")
        assert len((await opened.graph.ask(impact, read)).affected) == 1
    finally:
        await opened.close()


async def test_a_root_without_an_index_has_no_definitions(tmp_path: Path) -> None:
    opened = await Index.open([tmp_path])
    try:
        assert await opened.graph.find("read") == []
    finally:
        await opened.close()


async def test_a_cancelled_question_leaves_the_graph_usable(tmp_path: Path) -> None:
    await index(tmp_path, SERVICE)
    opened = await Index.open([tmp_path])
    try:
        asked = asyncio.create_task(opened.graph.find("read"))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert len(await opened.graph.find("read")) == 1
    finally:
        await opened.close()


async def test_tests_and_sources_are_paired_by_name_and_import(tmp_path: Path) -> None:
    code = """
        #- app/__init__.py
        #- app/logic.py
        def price(): ...
        #- app/other.py
        def other(): ...
        #- tests/test_logic.py
        from app.logic import price
        from app import other
        #- tests/test_all.py
        import app.logic
        #- web/cart.ts
        export const x = 1;
        #- web/cart.test.ts
        import { x } from "./cart";
        #- src/Cart.java
        class Cart {}
        #- src/CartTest.java
        class CartTest {}
    """
    async with graph_of(tmp_path, code) as graph:

        def tests(name: str) -> list[tuple[str, float]]:
            return [(path.name, sure) for path, sure in covering_files(graph, tmp_path / name)]

        assert tests("app/logic.py") == [("test_logic.py", 0.95), ("test_all.py", 0.5)]
        assert tests("app/other.py") == [("test_logic.py", 0.5)]
        assert tests("web/cart.ts") == [("cart.test.ts", 0.95)]
        assert tests("src/Cart.java") == [("CartTest.java", 0.7)]
        assert tests("none.py") == []
        found = sources_of_test(graph, tmp_path / "tests/test_logic.py")
        assert [path.name for path, _ in found] == ["logic.py", "other.py"]


async def test_who_does_not_wait_for_centrality_gets_it_once_the_imports_are_read(tmp_path: Path) -> None:
    await index(tmp_path, SERVICE)
    opened = await Index.open([tmp_path])
    try:
        seeds = [tmp_path / "app/api.py"]
        assert await opened.graph.centrality(seeds, wait=False) == {}
        async with asyncio.timeout(HANGS):
            while not (near := await opened.graph.centrality(seeds, wait=False)):
                await opened.graph.find("read")
        assert near == await opened.graph.centrality(seeds)
    finally:
        await opened.close()
