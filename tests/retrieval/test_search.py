"""Search over a store that `build` really made: what comes first, what is refused, and within what time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.retrieval.pool import Pool
from support.patience import HANGS
from support.shop import TEXT_ONLY, indexed, put


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


async def test_what_is_named_in_full_is_read_whatever_is_thought_of_it_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def thought(pool: Pool, matrix: np.ndarray) -> np.ndarray:
        unread = len(matrix) == len(pool.order)
        return (
            np.array([-float(pool.order[at].symbol == "Client.send") for at in range(len(matrix))]) * unread
        )

    monkeypatch.setattr("devflow.retrieval.search._learned", thought)
    monkeypatch.setattr("devflow.retrieval.search._MOST_READ", 1)
    others = "".join(f"class Client{number}:\n    def send(self): ...\n" for number in range(20))
    (tmp_path / "client.py").write_text(f"{others}class Client:\n    def send(self): ...\n")
    async with indexed(tmp_path) as index:
        [hit] = await index.search("Client.send", limit=1)
    assert hit.symbol == "Client.send"


async def test_a_name_that_is_a_common_word_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(
        "class Client:\n    def get(self): ...\n    def got(self): return client\n"
    )
    async with indexed(tmp_path) as index:
        for query in ("Client.get", "get"):
            [hit, *_] = await index.search(query)
            assert (hit.symbol, "symbols" in hit.sources) == ("Client.get", True)


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
    assert found.reason == ("" if symbol else "Nothing in the index has that name or word.")


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


class Together:
    """Vectors that answer when those of all roots are asked for."""

    def __init__(self, roots: int) -> None:
        self._met = asyncio.Barrier(roots)

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        await self._met.wait()
        return [(1, 1.0)]


async def test_all_roots_are_searched_at_once_under_one_deadline(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("one", "two", "three")]
    for root in roots:
        put(root, f"#- {root.name}.py\ndef shared_name(): ...\n")
        await build(root, TEXT_ONLY)
    index = await Index.open(roots, Together(len(roots)))
    try:
        hits = await asyncio.wait_for(index.search("shared_name"), HANGS)
    finally:
        await index.close()
    assert {hit.path.parent for hit in hits} == set(roots)
    assert all("vectors" in hit.sources for hit in hits)
