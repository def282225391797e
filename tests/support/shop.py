"""A small shop in four languages and formats, indexed by what `devflow index` does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.retrieval.walk import IndexOptions
from support import fixture

TEXT_ONLY = IndexOptions(vectors=False)

SHOP = """
    #- shop/cart.py
    from shop.prices import total_price

    class ShoppingCart:
        \"\"\"What a customer is about to buy.\"\"\"

        def __init__(self, customer):
            self.customer = customer
            self.items = []

        def add_item(self, item, count=1):
            for _ in range(count):
                self.items.append(item)

        def checkout(self):
            return self.customer.charge(total_price(self.items))
    #- shop/prices.py
    VAT = 0.19

    def total_price(items):
        \"\"\"Sum of the items' prices with value added tax.\"\"\"
        return sum(item.price for item in items) * (1 + VAT)

    def read_price_list(path):
        with open(path) as file:
            return [line.split(";") for line in file]
    #- web/client.ts
    export class HttpClient {
      async fetchJson(url: string) { return (await fetch(url)).json(); }
    }
    #- README.md
    # Shop
    Orders are kept for ten years.
"""


@asynccontextmanager
async def indexed(root: Path, snippet: str = SHOP) -> AsyncIterator[Index]:
    put(root, snippet)
    status = await build(root, TEXT_ONLY)
    assert (status.state, status.problem) == ("ready", "")
    index = await Index.open([root])
    try:
        yield index
    finally:
        await index.close()


def put(root: Path, snippet: str) -> None:
    for name, text in fixture.parse(snippet).files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
