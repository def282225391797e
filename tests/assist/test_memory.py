from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from devflow.analysis.imports import imports
from devflow.server.assist.memory import Memory, PerDocument, PerSession, PerVersion
from devflow.server.assist.outline import recent_imports, recent_symbols, symbols_of
from support.codebase import document

NUMBER = PerSession[int]("a number")
NAME = PerDocument[str]("a name")
NUMBERS = PerVersion[None]("numbers of a version")


async def test_a_task_is_started_once_and_found_again() -> None:
    memory = Memory()

    async def answer() -> int:
        return 1

    first = memory.task(NUMBER.key(), answer)
    assert await first == 1
    assert memory.task(NUMBER.key(), answer) is first


async def test_a_failed_task_is_started_again() -> None:
    memory = Memory()

    async def fail() -> int:
        raise ValueError

    async def answer() -> int:
        return 2

    first = memory.task(NUMBER.key(), fail)
    await asyncio.wait([first])
    assert await memory.task(NUMBER.key(), answer) == 2


async def test_the_oldest_of_too_many_tasks_is_cancelled() -> None:
    memory = Memory(tasks=1)
    forever = asyncio.Event()

    async def wait() -> int:
        return await forever.wait()

    first = memory.task(NUMBER.key("one"), wait)
    memory.task(NUMBER.key("two"), wait)
    await asyncio.wait([first])
    assert first.cancelled()
    memory.close()


def test_a_value_is_made_once_for_a_version() -> None:
    memory, made = Memory(), []
    doc = document("x = 1\n", Path("/a.py"))
    for _ in range(2):
        memory.value(NUMBERS, doc, lambda: made.append(1))
    memory.value(NUMBERS, document("x = 2\n", Path("/a.py")), lambda: made.append(2))
    assert made == [1, 2]


def test_values_are_bounded() -> None:
    memory, made = Memory(values=2), list[str]()
    for uri in ("a", "b", "c", "a"):

        def make(uri: str = uri) -> str:
            made.append(uri)
            return uri

        memory.kept(NAME.key(uri), make)
    assert made == ["a", "b", "c", "a"]


def test_many_documents_do_not_push_out_what_there_is_one_of() -> None:
    memory = Memory(values=2)
    memory.keep(NUMBER.key(), 1)
    for uri in ("a", "b", "c"):
        memory.keep(NAME.key(uri), uri)
    assert memory.last(NUMBER.key()) == 1


def test_two_slots_of_one_name_are_two() -> None:
    memory, other = Memory(), PerSession[int]("a number")
    memory.keep(NUMBER.key(), 1)
    assert memory.last(other.key()) is None


SOURCE = "class A:\n    def f(self):\n        x = 1\n        return x\n\n\nclass B:\n    def g(self): ...\n"


def test_typing_in_a_body_moves_the_outline_along() -> None:
    memory = Memory()
    symbols_of(document(SOURCE, Path("/a.py")), memory)
    for changed in (
        SOURCE.replace("x = 1", "x = 1 + 2 + 3"),
        SOURCE.replace("x = 1\n", "x = 1\n        y = 2\n"),
        SOURCE.replace("        x = 1\n", ""),
    ):
        doc = document(changed, Path("/a.py"), 2)
        moved = recent_symbols(doc, memory)
        assert moved == symbols_of(doc, Memory())


def test_a_new_definition_is_in_the_outline_at_once() -> None:
    memory = Memory()
    symbols_of(document(SOURCE, Path("/a.py")), memory)
    doc = document(SOURCE.replace("class B:", "def new(): ...\n\n\nclass B:"), Path("/a.py"), 2)
    assert "new" in [symbol.name for symbol in recent_symbols(doc, memory)]


IMPORTS = "import os\nfrom json import (\n    dumps,\n    loads as read,  # text\n)\n\nprint(os.sep)\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import os\n", "import os\nimport re\n"),
        ("    dumps,\n", "    dumps,\n    JSONDecoder\n"),
        ("    dumps,\n", "    dumps, dump,\n"),
        ("read,  # text", "parse,  # what it does"),
        ("    loads as read,  # text\n)", ")"),
        ("from json", "from simplejson"),
    ],
)
def test_an_edited_import_counts_at_once(old: str, new: str) -> None:
    memory = Memory()
    recent_imports(document(IMPORTS, Path("/a.py")), memory)
    doc = document(IMPORTS.replace(old, new), Path("/a.py"), 2)
    assert doc.tree is not None
    assert recent_imports(doc, memory) == imports(doc.tree)


def test_typing_on_a_line_that_imports_nothing_asks_for_no_imports_again() -> None:
    memory = Memory()
    first = recent_imports(document(IMPORTS, Path("/a.py")), memory)
    doc = document(IMPORTS.replace("os.sep", "os.path.sep"), Path("/a.py"), 2)
    assert recent_imports(doc, memory) is first


@pytest.mark.parametrize("typed", ["v", "value", "value, other", "first as", "value  # what it is"])
def test_names_alone_on_a_line_far_from_any_import_are_none(typed: str) -> None:
    memory = Memory()
    first = recent_imports(document(IMPORTS, Path("/a.py")), memory)
    doc = document(IMPORTS + "\ndef f():\n    " + typed, Path("/a.py"), 2)
    assert recent_imports(doc, memory) is first


def test_what_is_kept_of_a_document_is_dropped_when_it_is_closed() -> None:
    memory = Memory()
    doc = document("x = 1\n", Path("/closed.py"))
    made: list[int] = []
    memory.value(NUMBERS, doc, lambda: made.append(1))
    memory.keep(NAME.key(doc.uri, "python"), "x")
    memory.keep(NUMBER.key(doc.uri), 3)
    memory.release(doc.uri)
    memory.value(NUMBERS, doc, lambda: made.append(2))
    assert made == [1, 2]
    assert memory.last(NAME.key(doc.uri, "python")) is None
    assert memory.last(NUMBER.key(doc.uri)) == 3


async def test_a_task_about_a_closed_document_is_forgotten_and_still_answers() -> None:
    memory, go_on = Memory(), asyncio.Event()
    made: list[str] = []

    async def ask() -> str:
        made.append("asked")
        await go_on.wait()
        return "answer"

    waiting = memory.task(NAME.key("file:///a.py"), ask)
    other = memory.task(NAME.key("file:///b.py"), ask)
    memory.release("file:///a.py")
    assert memory.task(NAME.key("file:///b.py"), ask) is other
    again = memory.task(NAME.key("file:///a.py"), ask)
    assert again is not waiting
    go_on.set()
    assert await waiting == await again == "answer"
    assert len(made) == 3
