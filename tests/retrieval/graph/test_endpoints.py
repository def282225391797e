"""Which endpoints there are, and which reach a definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.retrieval.graph.endpoints import all_endpoints, endpoints_reaching
from support.graphs import SERVICE, graph_of, one


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


async def test_every_verb_that_registers_a_handler_is_listed(tmp_path: Path) -> None:
    code = """
        //- app.js
        export function show() {}

        app.head("/there", show);
        app.options("/asked", show);
        app.use("/mounted", show);
    """
    async with graph_of(tmp_path, code) as graph:
        found = [(each.method, each.route) for each in all_endpoints(graph)]
        assert found == [("OPTIONS", "/asked"), ("HEAD", "/there")]
