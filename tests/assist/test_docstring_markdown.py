from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.server.assist.docstring_markdown import as_markdown

RENDERED = {
    "plain text": ("Plain text.", "Plain text."),
    "a role": ("See :class:`~a.b.C` and ``x``.", "See `a.b.C` and `x`."),
    "a role with a title": (":ref:`the guide <guide-label>`", "`the guide`"),
    "a hyperlink": ("`The page <https://example.org>`_.", "[The page](https://example.org)."),
    "a doctest": (">>> f(1)\n2\n\nMore.", "```python\n>>> f(1)\n2\n```\n\nMore."),
    "fields": (
        ":param int w: the width\n    of it\n:param h: the height\n:type h: float\n"
        ":returns: the size\n:rtype: int\n"
        ":raises ValueError: when not",
        "**Parameters**\n\n- `w` (int): the width of it\n- `h` (float): the height\n\n**Returns**\n\n"
        "- `int`: the size\n\n**Raises**\n\n- `ValueError`: when not",
    ),
    "Google's sections": (
        "Sum.\n\nArgs:\n    w (int): the width,\n        in full\n    *more: others\n\n"
        "Returns:\n    The size.\n\nEnd.",
        "Sum.\n\n**Args**\n\n- `w` (int): the width, in full\n- `*more`: others\n\n"
        "**Returns**\n\nThe size.\n\nEnd.",
    ),
    "Google's example with a doctest": (
        "Example:\n    >>> f()\n    1",
        "**Example**\n\n```python\n>>> f()\n1\n```",
    ),
    "NumPy's sections": (
        "Sum.\n\nParameters\n----------\nw : int\n    The width.\nh, d : float, optional\n\n"
        "Returns\n-------\nint\n    The size.\n",
        "Sum.\n\n**Parameters**\n\n- `w` (int): The width.\n- `h`, `d` (float, optional)\n\n**Returns**\n\n"
        "- `int`: The size.",
    ),
    "a heading": ("Title\n=====\nText.", "**Title**\n\nText."),
    "a block of code": (
        "Use it::\n\n    f(1)\n    g(2)\n\nDone.",
        "Use it:\n\n```python\nf(1)\ng(2)\n```\n\nDone.",
    ),
    "a directive with code": (
        ".. code-block:: console\n\n    $ run\n",
        "```console\n$ run\n```",
    ),
    "a note": (".. note::\n   Mind this.\n   Well.", "> **Note** Mind this. Well."),
    "a version": (".. versionadded:: 3.2\n   The flag.", "> **Version added 3.2** The flag."),
    "a list": ("- one\n- two\n  - three", "- one\n- two\n  - three"),
    "what would be HTML": ("A <script>x</script> and `<b>`.", r"A \<script>x\</script> and `<b>`."),
    "a fence inside code": ("Use::\n\n    ```x```\n", "Use:\n\n````python\n```x```\n````"),
    "a word that is no section": ("Returns: the size.", "Returns: the size."),
}


@pytest.mark.parametrize("name", RENDERED)
def test_is_rendered(name: str) -> None:
    doc, markdown = RENDERED[name]
    assert as_markdown(doc) == markdown


def test_a_long_docstring_is_cut_at_a_line() -> None:
    rendered = as_markdown("A line of text.\n" * 1_000)
    assert len(rendered) < 3_100
    assert rendered.endswith("text.\n…")


PIECES = st.lists(
    st.sampled_from(
        ["Args:", "    a: b", "Parameters", "-----", "x : int", ":param a: b", ".. note::", "::", "    c", "",
         ">>> f", "```", "`a", "<b>", "\t", ":type a:", "Returns:", "=", "word"]
    ),
    max_size=12,
).map("\n".join)  # fmt: skip


@given(PIECES)
def test_no_text_breaks_the_renderer_and_no_word_is_lost(doc: str) -> None:
    rendered = as_markdown(doc)
    assert rendered.count("word") == doc.count("word")
    assert rendered.count("```") % 2 == doc.count("```") % 2
