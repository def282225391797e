"""Definitions that nothing uses, and what spares the others."""

from __future__ import annotations

from pathlib import Path

from devflow.retrieval.graph.dead import dead_code
from support.graphs import graph_of


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
