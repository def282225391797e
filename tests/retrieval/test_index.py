"""The reader over a store that `build` really made."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devflow.retrieval.base import IndexStatus
from devflow.retrieval.index import Index, build, index_directory
from devflow.retrieval.walk import IndexOptions
from support import fixture
from support.patience import HANGS

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


@pytest.mark.parametrize(
    ("query", "symbol"),
    [
        ("Flask.dispatch", "Flask.dispatch"),
        ("MethodView.dispatch", "MethodView.dispatch"),
        ("app.Flask.dispatch", "Flask.dispatch"),
        ("views.dispatch", "dispatch"),
        ("flask.json.dispatch", "dispatch"),
    ],
)
async def test_what_is_named_in_full_comes_first(tmp_path: Path, query: str, symbol: str) -> None:
    body = "\n    def dispatch(self):\n        return self.dispatch_to(request)\n\n\n"
    others = "".join(f"class View{number}:{body}" for number in range(1_100))
    files = {
        "flask/views.py": f"{others}class MethodView:{body}def dispatch():\n    return 1\n",
        "flask/app.py": f"class Flask:{body.replace('self.dispatch_to(request)', 'self.view')}",
        "flask/json/__init__.py": "def dispatch():\n    return 2\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    async with indexed(tmp_path) as index:
        [hit, *_] = await index.search(query, limit=3)
        assert hit.symbol == symbol
        assert hit.path.parent.name == ("json" if "json" in query else "flask")


@pytest.mark.parametrize(
    ("query", "symbol"),
    [
        ("where is value added tax computed", "total_price"),
        ("ShoppingCart", "ShoppingCart"),
        ("HttpClient", "HttpClient"),
        ("ten years", "Shop"),
    ],
)
async def test_search_finds_what_the_question_is_about(tmp_path: Path, query: str, symbol: str) -> None:
    async with indexed(tmp_path) as index:
        [hit, *_] = await index.search(query, limit=3)
        assert hit.symbol.startswith(symbol)
        lines = hit.path.read_text().split("\n")
        assert "\n".join(lines[hit.first_line : hit.last_line + 1]) == hit.text
        assert 0 < hit.score <= 1


@pytest.mark.parametrize("query", ["", "  ", '"', "a AND (", "NEAR(", "*", "\x00", "\ud800", "😀"])
async def test_no_query_is_an_error(tmp_path: Path, query: str) -> None:
    async with indexed(tmp_path) as index:
        await index.search(query)
        await index.symbols_matching(query)
        await index.symbols_named(query)
        await index.references_to(query)


async def test_a_deadline_that_has_passed_gives_no_hits_and_no_error(tmp_path: Path) -> None:
    async with indexed(tmp_path) as index:
        assert await index.search("total price", deadline=0) == []


async def test_two_hits_a_file_at_most(tmp_path: Path) -> None:
    functions = "\n\n".join(
        f"    def read_table_{n}(path):\n" + f"        print('table', {n})\n" * 8 for n in range(6)
    )
    async with indexed(tmp_path, f"\n    #- a.py\n{functions}") as index:
        assert len(await index.search("read table")) == 2


REPLIES = """
    #- src/replies.py
    def read(text):
        return [line.strip() for line in text.split("\\n")]
    #- tests/test_replies.py
    def test_parse_header_of_a_reply_without_colon():
        assert parse_header("a reply without a colon in its header raises an error")
"""


async def test_a_report_is_answered_by_code_before_tests_that_say_the_same(tmp_path: Path) -> None:
    sentence = "A reply without a colon in its header raises an error when lines are split. "
    async with indexed(tmp_path, REPLIES) as index:
        [first, *_] = await index.search(f"parse_header breaks\n{sentence * 5}")
        assert first.path.name == "replies.py"


@pytest.mark.parametrize(
    ("title", "first", "second"),
    [
        ("parse_header breaks at a reply", "src/replies.py", "docs/replies.md"),
        ("parse_header breaks at a reply", "src/replies.py", "tests/test_replies.py"),
        ("parse_header breaks where a test runs it", "src/replies.py", "tests/test_replies.py"),
        ("The documentation of parse_header is wrong", "docs/replies.md", "tests/test_replies.py"),
    ],
)
async def test_what_a_report_is_about_is_told_by_its_title(
    title: str, first: str, second: str, tmp_path: Path
) -> None:
    quoted = "The test of a mock says: a reply without a colon raises an error when lines are split. " * 5
    others = "".join(f"    #- src/other_{n}.py\n    def other_{n}(): ...\n" for n in range(20))
    code = f"""
    #- src/replies.py
    def read(text):
        return [reply.split(":") for line in text.split() for reply in line]
    #- tests/test_replies.py
    def test_parse_header_of_a_reply_without_a_colon_raises_an_error_when_lines_are_split(mock):
        assert parse_header("a reply without a colon raises an error when lines are split")
    #- docs/replies.md
    # parse_header: a reply without a colon raises an error when lines are split
    The documentation of parse_header: a reply without a colon raises an error, as the test of a mock says.
{others}"""
    async with indexed(tmp_path, code) as index:
        found = [hit.path.relative_to(tmp_path) for hit in await index.search(f"{title}\n{quoted}")]
        assert found.index(Path(first)) < found.index(Path(second))


async def test_near_copies_of_a_function_are_found(tmp_path: Path) -> None:
    body = "\n".join(f"        row.append(parse(column_{n}, source))" for n in range(8))
    snippet = f"""
    #- a.py
    def load(source):
        row = []
{body}
        return row
    #- b.py
    def other(x):
        return x + 1
    """
    async with indexed(tmp_path, snippet) as index:
        text = (tmp_path / "a.py").read_text().replace("load", "fetch")
        [hit, *_] = await index.similar_functions(text)
        assert hit.path == tmp_path / "a.py"
        assert hit.score > 0.7


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
        (_, reader), *_ = index._stores
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


async def test_what_few_files_hold_does_not_keep_the_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devflow.retrieval.search._MOST_READ", 4)
    many = "\n".join(f"def retry_upload_{n}(upload):\n    return retry(upload, {n})\n" for n in range(30))
    one = "def again(upload):\n    # the upload is tried again\n    return upload()\n"
    put(tmp_path, f"#- net/retry_upload.py\n{many}\n#- net/other.py\n{one}")
    await build(tmp_path, TEXT_ONLY)
    index = await Index.open([tmp_path])
    hits = await index.search("retry upload", 3)
    await index.close()
    assert [hit.path.name for hit in hits] == ["retry_upload.py", "retry_upload.py", "other.py"]


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
from devflow.retrieval.index import Index, build
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


async def test_sections_of_documents_are_found_with_their_headings(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Forecast\n"]},
        {"cell_type": "code", "metadata": {}, "outputs": ["zebra"], "source": ["seasonality = fit(sales)"]},
    ]
    (tmp_path / "plan.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    snippet = """
        #- docs/guide.rst
        Guide
        =====

        Refunds
        -------
        Money goes back within a fortnight.
        #- page.html
        <h1>Warranty</h1>
        <p>Broken parts are replaced.</p>
    """
    async with indexed(tmp_path, snippet) as index:
        for query, path, symbol, line in [
            ("money back within a fortnight", "docs/guide.rst", "Guide > Refunds", 3),
            ("broken parts are replaced", "page.html", "Warranty", 0),
            ("seasonality of sales", "plan.ipynb", "Forecast", None),
        ]:
            hit = (await index.search(query))[0]
            assert (hit.path, hit.symbol) == (tmp_path / path, symbol)
            assert line is None or hit.first_line == line
        assert not [hit for hit in await index.search("zebra") if "zebra" in hit.text]


async def test_a_path_leads_to_its_file_and_a_module_s_name_to_its_own(tmp_path: Path) -> None:
    snippet = """
        #- app/globals.py
        limit = 1
        other = limit
        #- app/ctx.py
        def globals_of(limit): return globals() or limit
        def app_globals(limit): return globals() or limit
        #- lib/globals.py
        def globals_used(): return 1
    """
    async with indexed(tmp_path, snippet) as index:
        for query in ("app/globals.py", "app.globals"):
            hits = await index.search(query, 3)
            assert hits[0].path == tmp_path / "app/globals.py", query
        assert {hit.path.name for hit in await index.search("globals.py", 2)} == {"globals.py"}


async def test_the_words_of_an_error_find_who_says_them(tmp_path: Path) -> None:
    snippet = """
        #- raiser.py
        def check(x):
            if x:
                raise ValueError("the number of rows does not fit the table")
        #- other.py
        def rows_fit_table(number):
            '''Whether the rows fit: a table has a number of them, and rows fit the table.'''
            return fit(number, rows, table)
        def table_rows(number):
            '''The number of rows of a table that fit.'''
            return fit(number, rows, table)
    """
    async with indexed(tmp_path, snippet) as index:
        [best, *_] = await index.search("ValueError: the number of rows does not fit the table", 3)
    assert best.symbol == "check"


class FarVectors:
    """Vectors to which everything resembles any question a little."""

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        return [(1, 0.2), (2, 0.15)]


@pytest.mark.parametrize(
    ("query", "symbol"), [("ntrality", "centrality"), ("centrality", "centrality"), ("aldksfjalskdjf", None)]
)
async def test_a_part_of_a_name_finds_it_and_what_nothing_is_called_finds_nothing(
    tmp_path: Path, query: str, symbol: str | None
) -> None:
    snippet = """
        #- a.py
        def centrality(graph): return graph
        #- b.py
        def other(): return 2
    """
    async with indexed(tmp_path, snippet):
        pass
    index = await Index.open([tmp_path], FarVectors())
    try:
        found = await index.searched(query, 1)
    finally:
        await index.close()
    assert [hit.symbol for hit in found.hits] == ([symbol] if symbol else [])
    assert found.reason == ("" if symbol else "Nothing in the index has that name, or the word.")


async def test_a_question_is_not_refused_for_what_only_resembles_it(tmp_path: Path) -> None:
    snippet = """
        #- bom.py
        def other(): return 2
        #- docs.py
        def other_too(): return 2
        # it takes 1.21 gigawatts
    """
    async with indexed(tmp_path, snippet):
        pass
    index = await Index.open([tmp_path], FarVectors())
    try:
        found = await index.searched("1.21 gigawatts", 3)
    finally:
        await index.close()
    assert any("gigawatts" in hit.text for hit in found.hits)


@pytest.mark.parametrize("query", ["Prüfsumme", "prüfsumme", "Prufsumme", "Größe der Prüfsumme"])
async def test_words_with_accents_are_found_with_and_without_them(tmp_path: Path, query: str) -> None:
    snippet = """
        #- de.py
        def size_of(data):
            '''Größe der Prüfsumme.'''
        #- other.py
        def other(): return 2
    """
    async with indexed(tmp_path, snippet) as index:
        assert [hit.symbol for hit in await index.search(query, 1)] == ["size_of"]
