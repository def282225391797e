from __future__ import annotations

import sqlite3

import pytest

from devflow.retrieval.query import Kind, analysed
from devflow.retrieval.stems import stem

TRACEBACK = """Saving fails
Traceback (most recent call last):
  File "shop/orders/models.py", line 10, in save_order
    raise ValueError("no customer")
ValueError: no customer
"""


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("get_user", Kind.NAME),
        ("HttpServer", Kind.NAME),
        ("shop/orders/models.py", Kind.PATH),
        ("how are passwords hashed", Kind.QUESTION),
        (TRACEBACK, Kind.ERROR),
        ("ValueError: no such customer in the list", Kind.ERROR),
        ("def add(a, b):\n    return a + b\n", Kind.CODE),
        ("word " * 80, Kind.REPORT),
    ],
)
def test_a_query_is_what_it_looks_like(query: str, kind: Kind) -> None:
    assert analysed(query).kind == kind


def test_a_traceback_names_its_files_and_functions() -> None:
    found = analysed(TRACEBACK)
    assert "shop/orders/models.py" in found.paths
    assert found.names[0] == "save_order"


def test_names_in_a_sentence_are_seen_and_plain_words_are_not() -> None:
    found = analysed("Why does QuerySet.filter() ignore `order_by` when the list is empty?")
    assert {"QuerySet", "filter", "order_by"} <= set(found.names)
    assert not {"ignore", "list", "empty", "Why"} & set(found.names)
    assert found.dotted == ("QuerySet.filter",)


def test_the_title_of_a_report_weighs_more_than_its_body() -> None:
    found = analysed("Slow checkout\n" + "The basket page of the shop takes long. " * 10)
    assert found.kind == Kind.REPORT
    assert found.terms[stem("checkout")] > 1
    assert found.terms[stem("checkout")] > analysed("checkout of the shop").terms[stem("checkout")]


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert set(analysed("how to open the file").terms) == {"open", "file"}
    assert analysed("what is it").terms


@pytest.mark.parametrize(
    "query", ["", "  ", "???", "\0", "\ud800", "a" * 100_000, "((((" * 5_000, "`" * 3_000]
)
def test_no_query_is_too_strange(query: str) -> None:
    analysed(query)


def test_stems_are_those_of_the_full_text_table() -> None:
    words = """connections running generalizations hopping filing agreed plastered motoring happy relational
    conditional rational valenci digitizer radically differently vietnamization predication operator feudalism
    decisiveness hopefulness formaliti sensitiviti triplicate formative electrical adjustable defensible
    replacement adoption activate effective bowdlerize probate rate cease controll roll sky is as of api
    queries caches classes addresses uses used user serialization initialized""".split()  # noqa: SIM905
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61')")
        db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        db.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", list(enumerate(words)))
        terms = dict(db.execute("SELECT doc, term FROM v").fetchall())
    db.close()
    assert [stem(word) for word in words] == [terms[number] for number in range(len(words))]
    # What the order of candidates relies on, to stem only words that may have a stem.
    assert all(word.startswith(stem(word).rstrip("iel")) for word in words)
