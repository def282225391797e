"""Loads a language's grammar and queries the first time they are asked for."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module, resources

import tree_sitter

from devflow.analysis.languages import language_named

_SECTION = re.compile(r"^; === (\w+)", re.MULTILINE)


@cache
def grammar(language: str) -> tree_sitter.Language | None:
    """The grammar of the language called `language`; None when it has none."""
    entry = language_named(language)
    if entry is None or entry.grammar is None:
        return None
    module, function = entry.grammar.split(":")
    return tree_sitter.Language(getattr(import_module(module), function)())


@cache
def query(language: str, section: str) -> tree_sitter.Query | None:
    """The patterns under `; === section` in the language's query files; None when there are none.

    Sections: `definitions`, `references`, `imports`, `bindings`, `calls`.
    """
    loaded = grammar(language)
    patterns = _patterns(language, section)
    return tree_sitter.Query(loaded, patterns) if loaded is not None and patterns.strip() else None


def _patterns(language: str, section: str) -> str:
    entry = language_named(language)
    if entry is None:
        return ""
    folder = resources.files("devflow.analysis.syntax") / "queries"
    parts: list[str] = []
    for name in entry.queries:
        source = (folder / f"{name}.scm").read_text(encoding="utf-8")
        pieces = _SECTION.split(source)
        parts += (body for title, body in zip(pieces[1::2], pieces[2::2], strict=True) if title == section)
    return "\n".join(parts)


@cache
def queries(language: str, sections: tuple[str, ...]) -> tuple[tree_sitter.Query | None, tuple[str, ...]]:
    """The patterns of several sections as one query, and which section each of them is of."""
    found = [(section, each) for section in sections if (each := query(language, section)) is not None]
    loaded = grammar(language)
    if loaded is None or not found:
        return None, ()
    whole = tree_sitter.Query(loaded, "\n".join(_patterns(language, section) for section, _ in found))
    return whole, tuple(section for section, each in found for _ in range(each.pattern_count))
