"""Calls in Python, resolved from the index: each test is one way a name can mean something."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.graphs import callees, callers, graph_of, index, one

SHOP = """
    #- shop/__init__.py
    from .prices import total as grand_total
    #- shop/prices.py
    def total(items):
        return add(items)

    def add(items):
        return sum(items)
    #- shop/cart.py
    from shop import prices
    from shop.prices import total as summed
    from . import grand_total

    class Base:
        def pay(self):
            return 1

        def refund(self):
            return self.pay()

    class Cart(Base):
        def __init__(self, client: "Client"):
            self.client = client
            self.items: list[Item] = []

        def checkout(self):
            self.pay()
            self.client.charge(summed(self.items))
            for item in self.items:
                item.price()
            return prices.add([]) + grand_total([])

    class Client:
        def charge(self, amount): ...

    class Item:
        def price(self): ...
    #- app.py
    import shop.cart
    from shop.cart import Cart, Client

    def make() -> Cart:
        return Cart(Client())

    def run():
        make().checkout()
        with open("x") as file:
            file.charge()

    def local(total):
        return total([])

    class Other:
        def checkout(self): ...

    def other():
        Other().checkout()
        cart = shop.cart.Cart(None)
        cart.checkout()
"""


async def test_an_imported_function_is_found_under_its_other_name(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "shop.prices.total") == ["Cart.checkout"]


async def test_a_parameter_of_the_same_name_is_not_the_function(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert "local" not in callers(graph, "shop.prices.total", 0.0)


async def test_a_module_s_function_is_called_through_the_module(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "shop.prices.add") == ["Cart.checkout", "total"]


async def test_a_method_of_a_base_is_called_through_self(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "Base.pay") == ["Base.refund", "Cart.checkout"]


async def test_a_field_has_the_type_of_the_parameter_it_is_given(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "Client.charge") == ["Cart.checkout"]


async def test_what_is_in_a_typed_list_has_its_type(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "Item.price") == ["Cart.checkout"]


async def test_methods_of_one_name_are_told_apart_by_their_receivers(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "Cart.checkout") == ["run", "other"]
        assert callers(graph, "Other.checkout") == ["other"]


async def test_a_call_of_a_class_is_a_call_of_its_constructor(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callers(graph, "Cart.__init__") == ["make", "other"]
        assert callers(graph, "Cart") == ["make", "other"]


async def test_the_callees_of_a_method(tmp_path: Path) -> None:
    async with graph_of(tmp_path, SHOP) as graph:
        assert callees(graph, "Cart.checkout") == ["Base.pay", "Client.charge", "total", "Item.price", "add"]


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("Thing().go()", True),
        ("thing = Thing()\n    thing.go()", True),
        ("thing: Thing = make()\n    thing.go()", True),
        ("thing = Thing()\n    thing = 3\n    thing.go()", False),
        ("with Thing() as thing:\n        thing.go()", True),
        ("(Thing() if x else None).go()", True),
        ("[each.go() for each in things()]", True),
        ("things()[0].go()", True),
        ("Thing.again().go()", True),
        ("Thing.shared.go()", True),
        ("open('x').go()", False),
        ("x.go()", False),
        ("unknown().go()", False),
        ("'text'.go()", False),
        ("Sub().go()", True),
        ("super().go()", False),
    ],
)
async def test_a_receiver_is_evaluated(tmp_path: Path, body: str, *, called: bool) -> None:
    code = (
        "class Thing:\n    shared: 'Thing'\n    def go(self): ...\n    @classmethod\n    def again(cls):\n"
        "        return cls()\n    def __enter__(self):\n        return self\n\n"
        "class Sub(Thing): ...\n\ndef things() -> list[Thing]: ...\n\ndef use(x):\n    " + body + "\n"
    )
    (tmp_path / "main.py").write_text(code)
    async with graph_of(tmp_path) as graph:
        assert callers(graph, "Thing.go") == (["use"] if called else [])


@pytest.mark.parametrize("signature", ["(self: T) -> T", "(self) -> Self", "(self) -> 'Session'"])
async def test_what_a_with_statement_enters_is_what_it_says(tmp_path: Path, signature: str) -> None:
    code = f"""
        from typing import Self, TypeVar

        T = TypeVar("T", bound="Session")

        class Session:
            def __enter__{signature}: ...
            def send(self): ...

        def run():
            with Session() as session:
                session.send()
        """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "Session.send") == ["run"]


async def test_a_field_that_begins_as_none_has_the_type_it_is_given_later(tmp_path: Path) -> None:
    code = """
        class File:
            def unlink(self): ...

        class Arbiter:
            file = None

            def __init__(self):
                self.file = None

            def start(self):
                self.file = File(
                    1)

            def stop(self):
                if self.file is not None:
                    self.file.unlink()
                self.file = None
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "File.unlink") == ["Arbiter.stop"]


async def test_a_name_alone_is_a_guess_below_what_is_sure(tmp_path: Path) -> None:
    async with graph_of(
        tmp_path, "class A:\n    def frobnicate(self): ...\n\ndef use(x):\n    x.frobnicate()\n"
    ) as graph:
        assert callers(graph, "A.frobnicate") == []
        assert callers(graph, "A.frobnicate", 0.4) == ["use"]


async def test_a_call_of_the_base_may_run_the_override(tmp_path: Path) -> None:
    code = """
        class Shape:
            def area(self): ...

        class Square(Shape):
            def area(self): ...

        def total(shape: Shape):
            return shape.area()
    """
    async with graph_of(tmp_path, code) as graph:
        [link] = graph.incoming(one(graph, "Square.area"))
        assert (link.why, link.confidence < 0.6) == ("override", True)
        assert [each.qualified_name for each in graph.implementers(one(graph, "Shape"))] == ["Square"]
        assert [each.qualified_name for each in graph.implementers(one(graph, "Shape.area"))] == [
            "Square.area"
        ]


async def test_a_library_s_name_is_not_a_function_of_the_workspace(tmp_path: Path) -> None:
    code = """
        #- tools.py
        def dumps(x): ...
        def join(a): ...
        #- main.py
        import json
        from os.path import join

        def use():
            json.dumps(1)
            join("a")
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "dumps", 0.0) == []
        assert callers(graph, "join", 0.0) == []


async def test_names_come_through_star_imports_and_relative_ones(tmp_path: Path) -> None:
    code = """
        #- pkg/__init__.py
        from .inner import *
        #- pkg/inner.py
        def deep(): ...
        #- pkg/sub/__init__.py
        #- pkg/sub/use.py
        from ..inner import deep

        def one():
            deep()
        #- main.py
        import pkg

        def two():
            pkg.deep()
    """
    async with graph_of(tmp_path, code) as graph:
        assert sorted(callers(graph, "deep")) == ["one", "two"]


async def test_another_root_calls_a_package_of_this_one(tmp_path: Path) -> None:
    service, library = tmp_path / "service", tmp_path / "library"
    await index(library, "#- billing/__init__.py\n#- billing/tax.py\ndef vat(x): ...\n")
    code = "#- api.py\nfrom billing.tax import vat\n\ndef invoice():\n    return vat(1)\n"
    async with graph_of(service, code, [library]) as graph:
        [link] = graph.incoming(one(graph, "vat"), kinds=["call"])
        assert (link.source.root, link.target.root) == (0, 1)


async def test_a_saved_file_changes_what_depends_on_it_and_nothing_is_stale(tmp_path: Path) -> None:
    code = """
        #- a.py
        def old(): ...
        #- b.py
        from a import old

        def use():
            old()
    """
    async with graph_of(tmp_path, code) as graph:
        assert callers(graph, "old") == ["use"]
        graph.end()
        await index(tmp_path, "#- b.py\nfrom a import old\n\ndef use(): ...\n\ndef now():\n    old()\n")
        graph.begin()
        assert callers(graph, "old") == ["now"]


@pytest.mark.parametrize(
    "text", ["class A(A): ...\nA().b()\n", "def f(\n", "x = x.y\nx.z()\n", "from . import *\nq()\n"]
)
async def test_circles_and_broken_code_end(tmp_path: Path, text: str) -> None:
    (tmp_path / "main.py").write_text(text)
    async with graph_of(tmp_path) as graph:
        for use in graph.stored.uses_in(graph.stored.file(0, 1).whole()):
            graph.meanings(use)


async def test_a_package_in_a_folder_without_an_init_is_imported_by_its_whole_name(tmp_path: Path) -> None:
    snippet = """
        #- core/lib/__init__.py
        #- core/lib/m.py
        def zed(): ...
        #- other/lib/__init__.py
        #- other/lib/m.py
        def zed(): ...
        #- tests/test_m.py
        from core.lib.m import zed

        def test_zed():
            zed()
    """
    async with graph_of(tmp_path, snippet) as graph:
        assert callers(graph, "core/lib/m.py:zed") == ["test_zed"]
        assert callers(graph, "other/lib/m.py:zed") == []
