"""Open documents in the usage model: what an edit changes, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.tokens import lex, scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.lines import rests
from devflow.analysis.usage.live import Live, LiveFile, lexed
from devflow.analysis.usage.vocabulary import Numbering, Vocabulary

SAVED = "for item in items:\n    total += item.price\n"


def model_of(*sources: str) -> UsageModel:
    """A model of files whose paths are "0", "1"…"""
    return UsageModel.build(lex(text, "python") for text in sources)


def with_open(model: UsageModel, documents: Mapping[str, str], *besides: str) -> UsageModel:
    numbering = Numbering(model.vocabulary)
    files = {path: lexed(text, "python", numbering) for path, text in documents.items()}
    return model.now(Live.of(files), besides)


def followers(model: UsageModel, *context: str) -> set[str]:
    return {text for text, _ in model.next_tokens(context).tokens}


def test_what_was_just_typed_counts() -> None:
    model = model_of(SAVED)
    assert followers(with_open(model, {"new.py": "item.weight"}), "item", ".") == {"price", "weight"}


def test_an_open_document_stands_in_for_its_file() -> None:
    model = with_open(model_of(SAVED), {"0": SAVED.replace("price", "weight")})
    assert followers(model, "item", ".") == {"weight"}
    assert model.next_tokens(["item", "."]).count == 1


def test_a_file_can_be_left_out() -> None:
    model = model_of(SAVED, "item.size\n")
    assert followers(with_open(model, {}, "0"), "item", ".") == {"size"}
    assert followers(model, "item", ".") == {"price", "size"}


def test_open_documents_do_not_run_into_each_other() -> None:
    model = with_open(model_of(), {"a.py": "one", "b.py": "two"})
    assert followers(model, "one") == set()
    assert model.next_tokens(["one", "two"]).match_length == 1


def test_a_line_of_an_open_document_is_continued() -> None:
    model = with_open(model_of(SAVED), {"b.py": "client.connect(host, port)\n"})
    assert rests([model], ["client", "."])[0].text == "connect(host, port)"


def test_the_same_text_is_not_lexed_again() -> None:
    numbering = Numbering(Vocabulary())
    file = lexed(SAVED, "python", numbering)
    assert lexed(str(SAVED), "python", numbering, file) is file


LANGUAGES = ["python", "typescript", "go", "rust", "c", "csharp", "ruby", "java"]
SOURCE = st.text(alphabet="ab1 \n\r\"'`\\/*#.(é😋$", max_size=40)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=60, deadline=None)
@given(SOURCE, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), SOURCE), max_size=4))
def test_an_edited_document_has_the_tokens_of_a_fresh_one(
    language: str, source: str, edits: list[tuple[int, int, str]]
) -> None:
    numbering = Numbering(Vocabulary())
    file = lexed(source, language, numbering)
    for at, removed, added in edits:
        source = source[:at] + added + source[at + removed :]
        file = lexed(source, language, numbering, file)
        assert shape(file) == shape(lexed(source, language, numbering))
    texts, spaces = scan(source, language)
    assert file.numbers.tolist() == [numbering[text] for text in texts]
    assert file.spaces.tobytes() == spaces


def shape(file: LiveFile) -> tuple[list[int], list[int], list[int]]:
    return file.numbers.tolist(), file.spaces.tolist(), file.ends.tolist()
