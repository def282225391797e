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


async def test_what_a_package_offers_to_those_who_install_it_is_most_likely_not_dead(tmp_path: Path) -> None:
    code = """
        #- pyproject.toml
        [project]
        name = "shop"
        #- shop/__init__.py
        #- shop/orders.py
        def offered(): ...

        def _private(): ...

        class Order:
            def total(self): ...
            def _sum(self): ...

        class _Hidden:
            def nobody(self): ...

        print(Order, _Hidden)
        #- shop/_inner.py
        def inner(): ...
        #- vendor/copied.py
        def copied(): ...
    """
    async with graph_of(tmp_path, code) as graph:
        found = {each.definition.qualified_name: each.confidence for each in dead_code(graph).dead}
        assert found == {
            "offered": 0.3,
            "Order.total": 0.3,
            "_private": 0.9,
            "Order._sum": 0.9,
            "_Hidden.nobody": 0.6,
            "inner": 0.6,
        }


async def test_an_installed_package_is_known_however_its_distribution_is_capitalised(tmp_path: Path) -> None:
    code = """
        #- Shop-2.0.dist-info/METADATA
        Name: Shop
        #- shop/orders.py
        def offered(): ...
    """
    async with graph_of(tmp_path, code) as graph:
        assert [each.confidence for each in dead_code(graph).dead] == [0.3]


async def test_members_that_others_call_by_a_decorator_or_by_a_name_put_together(tmp_path: Path) -> None:
    code = """
        #- main.py
        from zope.interface import implementer
        from dataclasses import dataclass

        @implementer(IBody)
        class Body:
            def start_producing(self): ...
            def _own(self): ...

        @dataclass
        class Data:
            def unused(self): ...

        class State:
            def worker_event(self): ...
            def event(self, group):
                return getattr(self, group + "_event")

        print(Body, Data, State().event)
    """
    async with graph_of(tmp_path, code) as graph:
        names = {each.definition.qualified_name for each in dead_code(graph).dead}
        assert names == {"Body._own", "Data.unused"}
