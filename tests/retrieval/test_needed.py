"""What hits use, shown beside them."""

from __future__ import annotations

from pathlib import Path

from devflow.retrieval.base import Hit
from devflow.retrieval.context import pack
from devflow.retrieval.index import Index
from devflow.retrieval.needed import with_needed
from support.graphs import index

CODE = """
    #- app/limits.py
    LIMIT = 3

    def capped(value):
        return min(value, LIMIT)
    #- app/api.py
    from app.limits import capped

    def serve(value):
        return capped(value)
    #- app/web.py
    def page():
        return 1
"""


async def test_a_hit_that_holds_what_another_needs_stays_whole(tmp_path: Path) -> None:
    await index(tmp_path, CODE)

    def whole(name: str, symbol: str) -> Hit:
        text = (tmp_path / "app" / name).read_text()
        start = text.index(f"def {symbol}") if symbol else 0
        last = text.count("\n") - 1
        first = text[:start].count("\n")
        return Hit(
            tmp_path / "app" / name, start, len(text), first, last, symbol, text[start:], 1.0, ("text",)
        )

    hits = [whole("api.py", "serve"), whole("web.py", "page"), whole("limits.py", "")]
    opened = await Index.open([tmp_path])
    try:
        [_, _, head] = await with_needed(hits[:2], opened.graph)
        assert head.symbol == "capped"
        packed = pack(await with_needed(hits, opened.graph), [tmp_path], 4_000)
    finally:
        await opened.close()
    assert "return min(value, LIMIT)" in packed.text
    assert packed.text.count("def capped(") == 1
