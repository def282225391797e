"""The table of languages and the grammars behind it."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from devflow.analysis.languages import LANGUAGES, language_named, language_of
from devflow.analysis.syntax.grammars import grammar, query

WITH_GRAMMAR = [language.name for language in LANGUAGES if language.grammar]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("python", "python"), ("typescriptreact", "tsx"), ("javascriptreact", "javascript"), ("C++", "cpp")],
)
def test_editors_names_are_known(name: str, expected: str) -> None:
    language = language_named(name)
    assert language
    assert language.name == expected


def test_an_unknown_name_is_no_language() -> None:
    assert language_named("klingon") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.py", "python"),
        ("x.TSX", "tsx"),
        ("lib.rs", "rust"),
        ("Gemfile", "ruby"),
        ("README.md", "markdown"),
    ],
)
def test_a_file_s_name_tells_its_language(path: str, expected: str) -> None:
    language = language_of(PurePath(path))
    assert language
    assert language.name == expected


def test_a_file_of_another_kind_has_no_language() -> None:
    assert language_of(PurePath("a.bin")) is None


def test_no_extension_or_name_belongs_to_two_languages() -> None:
    for values in (
        [extension for language in LANGUAGES for extension in language.extensions],
        [name for language in LANGUAGES for name in (language.name, *language.aliases)],
        [name for language in LANGUAGES for name in language.filenames],
    ):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("name", WITH_GRAMMAR)
def test_every_grammar_loads_and_takes_our_queries(name: str) -> None:
    assert grammar(name)
    for section in ("definitions", "references", "imports", "bindings", "calls"):
        assert query(name, section), section


def test_a_language_without_grammar_has_no_queries() -> None:
    assert grammar("markdown") is None
    assert query("markdown", "definitions") is None
