"""Routes below the prefixes of routers, groups and other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.retrieval.graph.endpoints import all_endpoints, endpoints_reaching
from support.graphs import graph_of, one

MOUNTED = {
    "flask, blueprints inside blueprints": (
        """
        #- app/__init__.py
        #- app/child.py
        from flask import Blueprint
        child = Blueprint("child", __name__, url_prefix="/child")
        @child.get("/a")
        def a(): ...
        #- app/parent.py
        from flask import Blueprint
        from app.child import child
        parent = Blueprint("parent", __name__, url_prefix="/parent")
        parent.register_blueprint(child)
        other = Blueprint("other", __name__, url_prefix="/other")
        other.register_blueprint(child, url_prefix="/instead")
        #- app/main.py
        from flask import Flask
        from app.parent import parent, other
        def create_app():
            app = Flask(__name__)
            app.register_blueprint(parent)
            app.register_blueprint(other)
            return app
        """,
        ["GET /other/instead/a a", "GET /parent/child/a a"],
    ),
    "fastapi, constants joined": (
        """
        #- app/__init__.py
        #- app/config.py
        API = "/api"
        VERSION = "v1"
        class Settings:
            API_V1_STR: str = "/settings"
        settings = Settings()
        #- app/users.py
        from fastapi import APIRouter
        ROUTER = "/users"
        router = APIRouter(prefix=ROUTER)
        @router.get("/list")
        def a(): ...
        ITEM = "/item"
        @router.get(ITEM + "/{id}")
        def b(): ...
        @router.post(f"{ITEM}/new")
        def c(): ...
        @router.put(
            "/multi"
        )
        def d(): ...
        #- app/main.py
        from fastapi import FastAPI
        from app.config import API, VERSION, settings
        from app import users, config
        from app.users import router as again
        app = FastAPI()
        app.include_router(users.router, prefix=API + "/v1")
        app.include_router(again, prefix=f"{API}/{VERSION}")
        app.include_router(again, prefix=settings.API_V1_STR)
        app.include_router(again, prefix=config.API)
        """,
        [
            "GET /api/users/item/{id} b",
            "GET /api/users/list a",
            "GET /api/v1/users/item/{id} b",
            "GET /api/v1/users/list a",
            "GET /settings/users/item/{id} b",
            "GET /settings/users/list a",
            "POST /api/users/item/new c",
            "POST /api/v1/users/item/new c",
            "POST /settings/users/item/new c",
            "PUT /api/users/multi d",
            "PUT /api/v1/users/multi d",
            "PUT /settings/users/multi d",
        ],
    ),
    "django, lists inside": (
        """
        #- dj/__init__.py
        #- dj/views.py
        def one(request): ...
        def two(request): ...
        def three(request): ...
        def four(request): ...
        #- dj/urls.py
        from django.urls import include, path
        from dj import views
        extra = [path("two/", views.two)]
        more = [path("four/", views.four)]
        urlpatterns = [
            path("a/", include([
                path("one/", views.one),
                path("deep/", include([path("three/", views.three)])),
            ])),
            path("b/", include(extra)),
            path("c/", include((more, "app"))),
        ]
        """,
        ["ANY a/deep/three/ three", "ANY a/one/ one", "ANY b/two/ two", "ANY c/four/ four"],
    ),
    "express, routers over files": (
        """
        //- users.js
        const express = require("express");
        const router = express.Router();
        function named(req, res) {}
        router.route("/chain").get(named).post(named);
        router.get("/:id", named);
        module.exports = router;
        //- api/index.js
        const router = require("express").Router();
        const users = require("../users");
        router.use("/users", users);
        router.use("/more", require("../more"));
        module.exports = router;
        //- more.js
        const router = require("express").Router();
        router.delete("/x", (req, res) => {});
        module.exports = { router };
        //- v2.ts
        import { Router } from "express";
        export const v2 = Router();
        const BASE = "/base";
        v2.get(`${BASE}/t`, (req, res) => {});
        v2.get(BASE + "/u", (req, res) => {});
        //- app.js
        const express = require("express");
        const app = express();
        const { v2 } = require("./v2");
        app.use("/api", require("./api"));
        app.use("/v2", v2);
        """,
        [
            "DELETE /api/more/x more.js",
            "GET /api/users/:id named",
            "GET /api/users/chain named",
            "GET /v2/base/t v2.ts",
            "GET /v2/base/u v2.ts",
            "POST /api/users/chain named",
        ],
    ),
    "spring, constants": (
        """
        //- src/Paths.java
        package a;
        public class Paths {
          public static final String API = "/api";
          public static final String ITEM = API + "/item";
        }
        //- src/Api.java
        package a;
        @RestController
        @RequestMapping(Paths.API + "/v1")
        public class Api {
          private static final String LOCAL = "/local";
          @GetMapping(LOCAL)
          public int one() { return 1; }
          @PostMapping(value = Paths.ITEM, produces = "application/json")
          public int two() { return 1; }
          @DeleteMapping(path = {LOCAL + "/x", "/y"})
          public int three() { return 1; }
        }
        """,
        [
            "DELETE /api/v1/local/x three",
            "DELETE /api/v1/y three",
            "GET /api/v1/local one",
            "POST /api/v1/api/item two",
        ],
    ),
    "net/http, chi, gorilla and gin": (
        """
        //- main.go
        package main

        import ("net/http"; "github.com/go-chi/chi/v5"; "github.com/gorilla/mux"; "github.com/gin-gonic/gin")

        const base = "/base"

        func show(w http.ResponseWriter, r *http.Request) {}
        func gshow(c *gin.Context) {}

        func main() {
            m := http.NewServeMux()
            m.HandleFunc("GET /path/{id}", show)
            m.Handle("POST /h/{$}", http.HandlerFunc(show))
            m.HandleFunc("GET "+base+"/c", show)
            r := chi.NewRouter()
            r.Get("/c", show)
            r.Route("/articles", func(r chi.Router) {
                r.Get("/", show)
                r.Route("/{id}", func(r chi.Router) {
                    r.Put("/x", show)
                })
            })
            r.Mount("/admin", admin())
            g := mux.NewRouter()
            s := g.PathPrefix("/sub").Subrouter()
            s.HandleFunc("/in", show).Methods("GET", "PUT")
            g.HandleFunc("/plain", show).Methods(http.MethodPost)
            e := gin.Default()
            v1 := e.Group("/v1")
            v1.GET("/gin", gshow)
            nested := v1.Group("/nested")
            nested.POST("/deep", gshow)
        }

        func admin() http.Handler {
            r := chi.NewRouter()
            r.Get("/home", show)
            return r
        }
        """,
        [
            "GET /admin/home show",
            "GET /articles/ show",
            "GET /base/c show",
            "GET /c show",
            "GET /path/{id} show",
            "GET /sub/in show",
            "GET /v1/gin gshow",
            "POST /h/{$} show",
            "POST /plain show",
            "POST /v1/nested/deep gshow",
            "PUT /articles/{id}/x show",
            "PUT /sub/in show",
        ],
    ),
}


@pytest.mark.parametrize("tree", list(MOUNTED))
async def test_routes_below_prefixes_of_other_files_and_constants(tmp_path: Path, tree: str) -> None:
    snippet, wanted = MOUNTED[tree]
    async with graph_of(tmp_path, snippet) as graph:
        found = [f"{each.method} {each.route} {each.handler.name}" for each in all_endpoints(graph)]
        assert sorted(found) == wanted


async def test_a_route_is_reached_through_nested_registrations(tmp_path: Path) -> None:
    async with graph_of(tmp_path, MOUNTED["net/http, chi, gorilla and gin"][0]) as graph:
        reaching = endpoints_reaching(graph, one(graph, "show"))
        found = {f"{each.endpoint.method} {each.endpoint.route}" for each in reaching}
        assert {"GET /admin/home", "PUT /articles/{id}/x", "GET /base/c", "POST /plain"} <= found


async def test_a_prefix_that_nobody_knows_is_shown_as_it_is_written(tmp_path: Path) -> None:
    code = """
        #- main.py
        from fastapi import APIRouter
        from elsewhere import PREFIX

        router = APIRouter(prefix=PREFIX + "/v1")

        @router.get("/a")
        def a(): ...

        @cache.get(PREFIX)
        def b(): ...
    """
    async with graph_of(tmp_path, code) as graph:
        assert [each.route for each in all_endpoints(graph)] == ["{PREFIX}/v1/a"]


async def test_what_a_function_has_for_a_default_is_no_prefix(tmp_path: Path) -> None:
    code = """
        #- main.py
        from fastapi import APIRouter

        def prefix(version="/v1"): ...

        router = APIRouter(prefix=prefix)

        @router.get("/a")
        def a(): ...
    """
    async with graph_of(tmp_path, code) as graph:
        assert [each.route for each in all_endpoints(graph)] == ["{prefix}/a"]
