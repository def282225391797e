"""What a type server is told of a document is the document, whatever is edited and in whatever units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.text import Encoding, Text
from devflow.server.workers.mirror import MOST_GUESTS, Mirror, difference

A, B = Path("/w/a.py"), Path("/w/b.py")
TEXTS = st.text(st.sampled_from("ab\r\n\té𝒳\u2028"), max_size=12)


class Told:
    """A server that applies what it is told, in its own units."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}

    def take(self, method: str, params: dict[str, Any]) -> None:
        document = params["textDocument"]
        uri = document["uri"]
        if method.endswith("didOpen"):
            assert uri not in self.texts
            self.texts[uri], self.versions[uri] = document["text"], document["version"]
        elif method.endswith("didClose"):
            del self.texts[uri]
        else:
            assert document["version"] > self.versions[uri]
            self.versions[uri] = document["version"]
            for change in params["contentChanges"]:
                text = Text(self.texts[uri])
                start, end = (
                    text.offset(place["line"], place["character"], self.encoding)
                    for place in (change["range"]["start"], change["range"]["end"])
                )
                self.texts[uri] = text.source[:start] + change["text"] + text.source[end:]


@given(
    st.lists(st.tuples(st.sampled_from((A, B)), TEXTS), max_size=12),
    st.sampled_from(("utf-8", "utf-16", "utf-32")),
)
def test_after_any_edits_the_server_holds_the_same_text(
    versions: list[tuple[Path, str]], encoding: Encoding
) -> None:
    mirror, told, now = Mirror(encoding), Told(encoding), dict[Path, str]()
    for path, source in versions:
        now[path] = source
        for message in mirror.show(path, source):
            told.take(*message)
        assert told.texts == {each.as_uri(): text for each, text in now.items()}


@given(TEXTS, TEXTS)
def test_a_difference_makes_the_new_text_of_the_old(old: str, new: str) -> None:
    edit = difference(old, new)
    assert old[: edit.start] + edit.new + old[edit.end :] == new


def test_a_difference_is_small() -> None:
    old = "x = 1\n" * 5_000
    edit = difference(old, old[:15_000] + "y" + old[15_000:])
    assert (edit.start, edit.end, edit.new) == (15_000, 15_000, "y")


def test_a_lone_surrogate_is_told_as_a_replacement_of_the_same_length() -> None:
    mirror = Mirror()
    [(_, opened)] = mirror.show(A, "a\ud800b")
    assert opened["textDocument"]["text"] == "a\ufffdb"
    assert list(mirror.show(A, "a\ud800b")) == []


def test_the_same_text_is_told_once() -> None:
    mirror = Mirror()
    assert len(list(mirror.show(A, "x"))) == 1
    assert list(mirror.show(A, "x")) == []


def test_files_that_are_only_asked_about_are_closed_again() -> None:
    mirror, told = Mirror(), Told("utf-16")
    for number in range(MOST_GUESTS + 3):
        for message in mirror.show(Path(f"/w/{number}.py"), "x", guest=True):
            told.take(*message)
    assert len(told.texts) == MOST_GUESTS


def test_a_file_that_the_editor_opens_is_a_guest_no_more() -> None:
    mirror = Mirror()
    list(mirror.show(A, "x", guest=True))
    list(mirror.show(A, "xy"))
    for number in range(MOST_GUESTS + 3):
        list(mirror.show(Path(f"/w/{number}.py"), "x", guest=True))
    assert mirror.text(A) == Text("xy")
