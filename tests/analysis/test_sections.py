"""Where documents have their sections."""

from __future__ import annotations

import json

import pytest

from devflow.analysis.extract import extract
from devflow.analysis.notebook_text import notebook_text
from devflow.analysis.sections import sections
from devflow.analysis.text import Text


def titles(source: str, language: str) -> list[tuple[int, str]]:
    return [(each.first, each.title) for each in sections(Text(source), language)]


def test_markdown_has_sections_inside_sections() -> None:
    source = "intro\n# Guide\n## Install\n### Linux\ntext\n## Use\n# Other\n"
    assert titles(source, "markdown") == [
        (0, ""),
        (1, "Guide"),
        (2, "Guide > Install"),
        (3, "Guide > Install > Linux"),
        (5, "Guide > Use"),
        (6, "Other"),
    ]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("---\ntitle: x\n---\n# One\n", [(0, ""), (3, "One")]),
        ("Title\n=====\ntext\n\nSub\n---\n", [(0, "Title"), (4, "Title > Sub")]),
        ("```\n# no\n```\n~~~sh\n# no\n~~~\n# Yes #\n", [(0, ""), (6, "Yes")]),
        ("````\n```\n# no\n```\n````\n# Yes\n", [(0, ""), (5, "Yes")]),
        ("- a list\n---\n#no\n", [(0, "")]),
        ("", []),
    ],
)
def test_markdown_headings_are_told_from_what_looks_like_them(source: str, wanted: list[object]) -> None:
    assert [each for each in titles(source, "markdown") if source] == wanted


def test_restructuredtext_has_the_levels_in_the_order_of_their_signs() -> None:
    source = """\
=====
Guide
=====

text

Install
=======

.. code::

    Not a title
    -----------

Linux
-----

Use
===
"""
    assert titles(source, "restructuredtext") == [
        (0, "Guide"),
        (6, "Guide > Install"),
        (14, "Guide > Install > Linux"),
        (17, "Guide > Use"),
    ]


def test_a_table_of_restructuredtext_is_no_title() -> None:
    assert titles("a\n\n=====  ====\nx      y\n=====  ====\n", "restructuredtext") == [(0, "")]


def test_html_has_its_headings_without_marks() -> None:
    source = "<title>Shop &amp; more</title>\n<h1 class='x'>Orders <b>now</b></h1>\n<p>text\n"
    source += "<h2>\nReturns\n</h2>\n"
    assert titles(source, "html") == [
        (0, "Shop & more"),
        (1, "Shop & more > Orders now"),
        (3, "Shop & more > Orders now > Returns"),
    ]


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Sales\n", "How they went"]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "outputs": [{"data": {"image/png": "A" * 9_000}, "output_type": "display_data"}],
            "source": ['print("é\\n")\n', "    total = 1"],
        },
        {"cell_type": "raw", "metadata": {}, "source": ["raw"]},
    ],
    "nbformat": 4,
}


def test_a_notebook_s_cells_stand_on_the_lines_of_its_file() -> None:
    source = json.dumps(NOTEBOOK, indent=1, ensure_ascii=False)
    text = notebook_text(source)
    assert len(text) == len(source)
    shown = {number: line.rstrip() for number, line in enumerate(text.split("\n")) if line.strip()}
    lines = source.split("\n")
    assert list(shown.values()) == [
        "# %% [markdown]",
        "# Sales",
        "How they went",
        "# %%",
        'print("é\\n")',
        "    total = 1",
    ]
    assert all('"# Sales' in lines[number] for number, line in shown.items() if line == "# Sales")
    facts = extract(Text(text), "jupyter")
    assert [chunk.symbol for chunk in facts.chunks] == ["Sales", "Sales"]


def test_a_cell_of_markdown_has_a_section_for_each_of_its_headings() -> None:
    written = [
        [
            "words before\n",
            "# Sales\n",
            "How they went\n",
            "## Refunds\n",
            "## Costs\n",
            "```\n",
            "# no\n",
            "```",
        ],
        None,
        ["---\n", "more of it\n", "Rent\n", "----\n", "due monthly"],
    ]
    cells = [
        {"cell_type": "code" if lines is None else "markdown", "source": lines or ["fit(sales)"]}
        for lines in written
    ]
    text = Text(notebook_text(json.dumps({"cells": cells}, indent=1)))
    found = [(text.line(each.first).strip(), each.title) for each in sections(text, "jupyter")]
    assert [each for each in found if each[0]] == [
        ("# %% [markdown]", ""),
        ("# Sales", "Sales"),
        ("## Refunds", "Sales > Refunds"),
        ("## Costs", "Sales > Costs"),
        ("# %%", "Sales > Costs"),
        ("# %% [markdown]", "Sales > Costs"),
        ("Rent", "Sales > Rent"),
    ]


@pytest.mark.parametrize(
    "source", ["", "{}", "[1, 2", '"source": [\n"a\n', '{"cell_type": "code", "source": "x"}']
)
def test_what_is_no_notebook_is_blank(source: str) -> None:
    assert notebook_text(source).split() == []


def test_a_large_section_is_cut_and_keeps_its_title() -> None:
    source = "# Long\n" + "word\n\n" * 100
    facts = extract(Text(source), "markdown")
    assert len(facts.chunks) > 2
    assert {chunk.symbol for chunk in facts.chunks} == {"Long"}


def test_hostile_documents_end_quickly() -> None:
    for language in ("markdown", "restructuredtext", "html", "plaintext", "jupyter"):
        for source in (
            "<h1>" * 5_000,
            "=" * 20_000,
            "=\n" * 5_000,
            "#" * 9_999,
            "```\n" * 3_000,
            "a\n-\n" * 3_000,
        ):
            extract(Text(source), language)


def test_a_notebook_on_one_line_is_read_as_it_would_be_with_line_ends() -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "text"]},
        {"cell_type": "code", "metadata": {}, "outputs": [{"text": "secret"}], "source": "x = 1\ny = 2"},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    text = notebook_text(json.dumps(notebook))
    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        *("# %% [markdown]", "# Title", "text", "# %%", "x = 1", "y = 2"),
    ]
