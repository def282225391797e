"""A rename of any name of any file renames it and nothing else, and its reverse restores the text."""

from __future__ import annotations

import ast

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from devflow.analysis.refactor.refused import Refused
from devflow.analysis.refactor.rename import Renaming, rename
from devflow.analysis.text import Edit, Text
from support.compiler import differences, same_names
from support.random_python import modules
from support.sources import ROOT, project

PATH = ROOT / "main.py"
NEW = "brand_new"


def renamed(source: str, at: int, new: str) -> Renaming | None:
    try:
        return rename(project({"main.py": source}), PATH, at, new)
    except Refused:
        return None


def moved(place: int, edits: list[Edit]) -> int:
    """Where the name at `place` stands after the edits; an import of something from outside gets an alias."""
    before = sum(len(each.new) - (each.end - each.start) for each in edits if each.start < place)
    return place + before + next((len(each.new) - len(NEW) for each in edits if each.start == place), 0)


@settings(max_examples=80, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(modules(), st.integers(0, 10_000))
def test_a_rename_keeps_what_is_one_name_one_name_and_can_be_undone(source: str, pick: int) -> None:
    assume(differences(source) == (0, []))  # a class body that reads early is two names in one table
    groups = same_names(source)
    places = sorted(place for group in groups.values() for place in group)
    assume(places)
    at = places[pick % len(places)]
    made = renamed(source, at, NEW)
    assume(made is not None)
    assert made is not None
    edits = sorted(made.edits[PATH], key=lambda each: each.start)
    after = Text(source).replaced(edits).source
    ast.parse(after)
    assert {frozenset(moved(place, edits) for place in group) for group in groups.values()} == set(
        same_names(after).values()
    )
    old = source[at : Text(source).word_at(at)[1]]
    back = renamed(after, moved(at, edits), old)
    assert back is not None
    # Only an alias that was added stays: `from m import a as a`.
    expected = Text(source).replaced(
        [Edit(each.start, each.end, each.new.replace(NEW, old)) for each in edits]
    )
    assert Text(after).replaced(back.edits[PATH]) == expected
