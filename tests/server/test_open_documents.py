"""Which documents the user has lately looked at or worked in."""

from __future__ import annotations

import pytest
from lsprotocol import types

from devflow.server.open_documents import OpenDocuments


def uri(name: str) -> str:
    return f"file:///w/{name}.py"


def item(name: str) -> types.TextDocumentItem:
    return types.TextDocumentItem(uri(name), "python", 1, f"{name} = 1\n")


@pytest.fixture
def documents() -> OpenDocuments:
    opened = OpenDocuments()
    for name in ("one", "two", "three"):
        opened.open(item(name))
    return opened


def seen(documents: OpenDocuments) -> list[str]:
    return [doc.text.source for doc in documents.seen()]


def test_what_was_opened_is_seen_the_last_one_last(documents: OpenDocuments) -> None:
    assert seen(documents) == ["one = 1\n", "two = 1\n", "three = 1\n"]


def test_what_is_edited_is_seen_last_and_as_it_is_now(documents: OpenDocuments) -> None:
    whole = types.TextDocumentContentChangeWholeDocument("one = 2\n")
    documents.change(types.VersionedTextDocumentIdentifier(2, uri("one")), [whole], "utf-16")
    assert seen(documents)[-1] == "one = 2\n"


def test_where_something_is_asked_at_a_place_is_seen_last(documents: OpenDocuments) -> None:
    documents.look_at(uri("two"))
    documents.look_at(uri("never opened"))
    assert seen(documents)[-1] == "two = 1\n"


def test_what_was_closed_stays_seen_as_it_was(documents: OpenDocuments) -> None:
    documents.close(uri("one"))
    assert "one = 1\n" in seen(documents)


def test_what_was_seen_long_ago_is_forgotten(documents: OpenDocuments) -> None:
    for number in range(8):
        documents.open(item(f"later{number}"))
    assert not {"one = 1\n", "three = 1\n"} & set(seen(documents))


def test_a_cell_of_a_notebook_is_not_seen_by_itself(documents: OpenDocuments) -> None:
    documents.open_cell(item("cell"))
    documents.look_at(uri("cell"))
    assert "cell = 1\n" not in seen(documents)
