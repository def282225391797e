"""Impact, paths, tests, centrality."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devflow.retrieval.graph.centrality import centrality, import_links
from devflow.retrieval.graph.impact import covering_tests, impact
from devflow.retrieval.graph.named import definitions_named, names_near
from devflow.retrieval.graph.pairs import sources_of_test
from devflow.retrieval.graph.paths import shortest_path
from devflow.retrieval.index import Index
from support.graphs import SERVICE, graph_of, index, one
from support.patience import HANGS


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

        def tested(name: str) -> list[tuple[str, float]]:
            return [(path.name, sure) for path, sure in sources_of_test(graph, tmp_path / name)]

        assert tested("tests/test_logic.py") == [("logic.py", 0.95), ("other.py", 0.5)]
        assert tested("tests/test_all.py") == [("logic.py", 0.5)]
        assert tested("web/cart.test.ts") == [("cart.ts", 0.95)]
        assert tested("src/CartTest.java") == [("Cart.java", 0.7)]
        assert tested("none.py") == []


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("grow", "pkg/sub/shapes.py:Shape.grow"),
        ("Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("Shape#grow", "pkg/sub/shapes.py:Shape.grow"),
        ("Shape.grow()", "pkg/sub/shapes.py:Shape.grow"),
        ("shapes.Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("pkg.sub.shapes.Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("pkg.sub.shapes:Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("pkg.Made.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("pkg.Made", "pkg/sub/shapes.py:Shape"),
        ("pkg/sub/shapes.py:Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("./pkg/sub/shapes.py:Shape.grow", "pkg/sub/shapes.py:Shape.grow"),
        ("shapes.py:2", "pkg/sub/shapes.py:Shape.grow"),
        ("shapes.py:3", "pkg/sub/shapes.py:Shape.grow"),
        ("pkg/sub/shapes.py", "pkg/sub/shapes.py:shapes.py"),
        ("pkg.sub.shapes", "pkg/sub/shapes.py:shapes.py"),
        ("ns::Dog::say", "src/dog.cpp:ns.Dog.say"),
        ("pkg.sub.shapes.Shape.shrink", ""),
        ("shapes.py:Shape.shrink", ""),
        ("", ""),
    ],
)
async def test_names_are_taken_as_users_type_them(tmp_path: Path, name: str, meant: str) -> None:
    code = """
        #- pkg/__init__.py
        from .sub import Shape as Made
        #- pkg/sub/__init__.py
        from .shapes import Shape
        #- pkg/sub/shapes.py
        class Shape:
            def grow(self):
                return 1
        //- src/dog.cpp
        namespace ns { class Dog { public: int say() { return 1; } }; }
    """
    async with graph_of(tmp_path, code) as graph:
        found = definitions_named(graph, name)
        shown = [f"{each.path.relative_to(tmp_path).as_posix()}:{each.qualified_name}" for each in found]
        assert shown == ([meant] if meant else [])
        whole = definitions_named(graph, f"{tmp_path}/pkg/sub/shapes.py:Shape")
        assert [each.name for each in whole] == ["Shape"]


async def test_an_unknown_name_has_near_ones(tmp_path: Path) -> None:
    code = "#- shop.py\nclass Invoice:\n    def total_price(self): ...\ndef other(): ...\n"
    async with graph_of(tmp_path, code) as graph:

        def near(name: str) -> list[str]:
            return [each.qualified_name for each in names_near(graph, name)]

        assert near("Invoice.total_prize") == ["Invoice.total_price"]
        assert near("cart.py:total_price") == ["Invoice.total_price"]
        assert near("invoice") == ["Invoice"]
        assert near("completely_different") == []


async def test_nothing_is_near_to_no_name_or_a_line(tmp_path: Path) -> None:
    async with graph_of(tmp_path, "#- shop.py\nT = 1\ng = 2\nx12 = 3\n") as graph:
        for name in ("", ":", "shop.py:0", "a", "shop.py:712"):
            assert names_near(graph, name) == [], name
