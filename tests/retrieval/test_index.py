"""The reader over a store that `build` really made."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from devflow.retrieval.base import IndexStatus
from devflow.retrieval.build import build
from devflow.retrieval.index import Index, index_directory
from support.patience import HANGS
from support.shop import SHOP, TEXT_ONLY, indexed, put


async def test_symbols_are_found_by_their_exact_name(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        [found] = await index.symbols_named("total_price")
        assert found.path == tmp_path / "shop/prices.py"
        assert (found.language, found.line) == ("python", 2)
        assert found.symbol.doc == "Sum of the items' prices with value added tax."
        assert await index.symbols_named("Total_price") == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("ShoppingCart", "ShoppingCart"),
        ("shop", "ShoppingCart"),
        ("sc", "ShoppingCart"),
        ("price", "total_price"),
        ("rpl", "read_price_list"),
        ("chkout", "checkout"),
        ("cart.add", "add_item"),
        ("%", None),
        ("_", "total_price"),
    ],
)
async def test_symbols_are_found_by_parts_of_their_name(tmp_path: Path, query: str, name: str | None) -> None:
    async with indexed(tmp_path) as index:
        found = [item.symbol.name for item in await index.symbols_matching(query)]
        assert name in found[:4] if name else found == []


async def test_symbols_of_a_file_come_in_order(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        found = await index.symbols_in(tmp_path / "web/client.ts")
        assert [item.symbol.qualified_name for item in found] == ["HttpClient", "HttpClient.fetchJson"]
        assert await index.symbols_in(Path("/elsewhere/a.py")) == []


async def test_methods_of_a_class(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        names = {item.symbol.name for item in await index.methods_of("ShoppingCart")}
        assert {"__init__", "add_item", "checkout"} <= names


async def test_references_know_their_place(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        uses = [use for use in await index.references_to("total_price") if use.kind == "call"]
        text = (tmp_path / "shop/cart.py").read_text()
        assert [(use.path, text[use.start : use.end], use.container) for use in uses] == [
            (tmp_path / "shop/cart.py", "total_price", "ShoppingCart.checkout")
        ]


async def test_members_and_attributes_are_counted(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        members = await index.members_of("self")
        assert members["items"] >= 2
        counts = await index.attribute_counts(["items", "append", "never"])
        assert counts["append"] == 1
        assert "never" not in counts


async def test_counts_follow_changes_and_deletes(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        (tmp_path / "shop/cart.py").unlink()
        await build(tmp_path, TEXT_ONLY)
        assert await index.attribute_counts(["append"]) == {}
        assert await index.symbols_named("ShoppingCart") == []
        assert await index.search("checkout customer") == []


async def test_only_changed_content_is_written_again(tmp_path: Path) -> None:
    async with indexed(tmp_path):
        before = await build(tmp_path, TEXT_ONLY)
        os.utime(tmp_path / "shop/cart.py")
        after = await build(tmp_path, TEXT_ONLY)
        assert after.generation == before.generation


async def test_one_bad_file_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_bytes(b"def broken(:\n" * 50 + b"\xff\xfe\xfa\xf9")
    (tmp_path / "deep.py").write_text("(" * 3000 + "\n")
    async with indexed(tmp_path) as index:
        assert await index.symbols_named("total_price")
        [status] = await index.status()
        assert status.skipped == {"unknown encoding": 1}


async def test_a_damaged_store_is_made_again(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        database = index_directory(tmp_path) / "index.sqlite3"
        database.write_bytes(b"not a database" * 1000)
        assert await index.search("price") == []
        status = await build(tmp_path, TEXT_ONLY)
        assert (status.state, status.files) == ("ready", 4)
        assert await index.search("price")


async def test_a_store_of_another_make_is_made_again(tmp_path: Path) -> None:
    async with indexed(tmp_path):
        with sqlite3.connect(index_directory(tmp_path) / "index.sqlite3") as db:
            db.execute("DROP TABLE pieces")
        db.close()
        assert (await build(tmp_path, TEXT_ONLY)).files == 4


async def test_a_rebuild_starts_from_nothing(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        before = await build(tmp_path, TEXT_ONLY)
        after = await build(tmp_path, TEXT_ONLY, rebuild=True)
        assert (after.files, after.symbols) == (before.files, before.symbols)
        assert await index.symbols_named("total_price")


async def test_nobody_else_can_read_the_index(tmp_path: Path) -> None:
    async with indexed(tmp_path):
        directory = index_directory(tmp_path)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "index.sqlite3").stat().st_mode) == 0o600


async def test_a_cancelled_question_leaves_its_connection_to_the_next(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        await index.uses_of("total_price")
        reader = index._open[0].store
        (before,) = reader._free
        asked = asyncio.create_task(index.uses_of("total_price"))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert reader._free == [before]
        assert [each.symbol.name for each in await index.symbols_named("total_price")] == ["total_price"]


async def test_without_a_store_everything_is_empty(tmp_path: Path) -> None:
    index = await Index.open([tmp_path])
    assert await index.symbols_matching("x") == []
    assert await index.search("x") == []
    assert await index.attribute_counts(["x"]) == {}
    assert await index.status() == [
        IndexStatus(root=tmp_path, directory=index_directory(tmp_path), state="empty")
    ]
    await index.close()


async def test_roots_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    assert index_directory(tmp_path / "a/app") != index_directory(tmp_path / "b/app")


async def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, SHOP)
    # SQLite itself refuses to grow, with the error a full disk gives.
    put(tmp_path, "\n\n".join(f"def function_{n}(a):\n    return a.method_{n}(a)\n" for n in range(800)))
    monkeypatch.setattr("devflow.retrieval.store.PRAGMAS", ("PRAGMA max_page_count = 60",))
    status = await build(tmp_path, TEXT_ONLY)
    assert status.state == "failed"
    assert status.problem.startswith("The disk is full: the index in ")


async def test_several_roots_are_searched_together(tmp_path: Path) -> None:
    put(tmp_path / "one", "def shared_name(): ...\n")
    put(tmp_path / "two", "class Other:\n    def shared_name(self): ...\n")
    for name in ("one", "two"):
        await build(tmp_path / name, TEXT_ONLY)
    index = await Index.open([tmp_path / "one", tmp_path / "two"])
    assert {item.path.parent.name for item in await index.symbols_named("shared_name")} == {"one", "two"}
    assert len(await index.search("shared_name")) == 2
    await index.close()


UNCLOSED = """
import asyncio, sys
from pathlib import Path
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings

kept = []

async def main():
    root = Path(sys.argv[1])
    await build(root, settings.Index(vectors=False))
    index = await Index.open([root])
    kept.append(index)
    print([each.symbol.name for each in await index.symbols_named("area")])

asyncio.run(main())
"""


def test_a_reader_that_nobody_closed_lets_the_process_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def area(): ...\n")
    done = subprocess.run(
        [sys.executable, "-c", UNCLOSED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
    )
    assert done.stdout == "['area']\n"
