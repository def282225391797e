"""The usage model of a session: the stored one with what is open in the editor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from devflow.analysis.tokens import scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.store import Lexed, update
from devflow.server.indexing import WorkspaceIndex
from devflow.server.usage import OpenDocuments, Usage

ROOT = Path("/workspace")
FILES = {"a.py": "item.price\n", "b.py": "item.size\n"}


def stored(folder: Path) -> Usage:
    def read(path: str) -> Lexed:
        return Lexed(*scan(FILES[path], "python"), path)

    return Usage(ROOT, "python", update(folder, {path: path for path in FILES}, read))


def names(model: UsageModel) -> set[str]:
    return {text for text, _ in model.next_tokens(["item", "."]).tokens}


def test_nothing_open_is_the_stored_model(tmp_path: Path) -> None:
    usage = stored(tmp_path)
    assert usage.model(OpenDocuments(), None) is usage.stored


def test_each_edit_counts_at_the_next_question_and_a_close_takes_it_back(tmp_path: Path) -> None:
    usage, documents = stored(tmp_path), OpenDocuments()
    documents.put(ROOT / "a.py", "item.weight\n")
    assert names(usage.model(documents, None)) == {"weight", "size"}
    documents.put(ROOT / "a.py", "item.height\n")
    assert names(usage.model(documents, None)) == {"height", "size"}
    documents.drop(ROOT / "a.py")
    assert names(usage.model(documents, None)) == {"price", "size"}


def test_the_document_asked_about_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    usage, documents = stored(tmp_path), OpenDocuments()
    documents.put(ROOT / "a.py", "item.weight\n")
    documents.put(ROOT / "new.py", "item.height\n")
    assert names(usage.model(documents, ROOT / "a.py")) == {"height", "size"}
    assert names(usage.model(documents, ROOT / "new.py")) == {"weight", "size"}


def test_other_languages_and_files_outside_do_not_count(tmp_path: Path) -> None:
    usage, documents = stored(tmp_path), OpenDocuments()
    documents.put(ROOT / "a.ts", "item.weight\n")
    documents.put(Path("/elsewhere/a.py"), "item.height\n")
    assert usage.model(documents, Path("/elsewhere/b.py")) is usage.stored


def test_an_unchanged_question_is_answered_with_the_same_model(tmp_path: Path) -> None:
    usage, documents = stored(tmp_path), OpenDocuments()
    documents.put(ROOT / "a.py", "item.weight\n")
    first = usage.model(documents, ROOT / "b.py")
    assert usage.model(documents, ROOT / "b.py") is first


async def test_a_first_question_while_the_folders_change_is_answered_with_nothing() -> None:
    index = WorkspaceIndex(cast(Any, SimpleNamespace(tell=None)), watch=False)

    def loop_gets_its_turn(*_: object) -> None:
        index._usage.clear()  # as `read` does for other folders

    index._loop = cast(Any, SimpleNamespace(call_soon_threadsafe=loop_gets_its_turn))
    assert index.usage_of("python") is None
