"""Symbols, references, imports and chunks of Python files; other languages are in test_extract_languages."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.extract import extract
from devflow.analysis.facts import FileFacts, Import, Reference, Symbol
from devflow.analysis.text import Text

SHOP = '''\
"""A shop."""
from __future__ import annotations

import os.path
import numpy as np
from shop.model import Item as Thing, Cart
from . import util

LIMIT = 10
total, rest = 1, 2


# Not a docstring,
# but it says what it does.
@util.cached(ttl=3)
def price(
    item: Thing,  # the thing
    count: int = 1,
) -> float:
    tax = item.tax(count)
    return tax * np.sum(item.parts)


class Shop(Cart, util.Base):
    """Sells things.

    More.
    """

    open: bool = True

    def __init__(self, name):
        self.name = name
        self.name = str(name)

    @property
    def label(self) -> str:
        "What it says."
        def inner(): return self.name.upper()
        return inner()
'''


def facts_of(source: str) -> FileFacts:
    return extract(Text(source), "python")


def symbol(facts: FileFacts, name: str) -> Symbol:
    [found] = [symbol for symbol in facts.symbols if symbol.qualified_name == name]
    return found


def uses(facts: FileFacts, name: str) -> list[Reference]:
    return [reference for reference in facts.references if reference.name == name]


def test_definitions_have_their_kind_and_place() -> None:
    assert [(s.qualified_name, s.kind.value) for s in facts_of(SHOP).symbols] == [
        ("LIMIT", "constant"),
        ("total", "variable"),
        ("rest", "variable"),
        ("price", "function"),
        ("Shop", "class"),
        ("Shop.open", "field"),
        ("Shop.__init__", "constructor"),
        ("Shop.name", "field"),
        ("Shop.label", "property"),
        ("Shop.label.inner", "function"),
    ]


def test_a_definition_spans_its_decorators_and_names_its_name() -> None:
    price = symbol(facts_of(SHOP), "price")
    assert SHOP[price.start : price.end].startswith("@util.cached")
    assert SHOP[price.start : price.end].endswith("item.parts)")
    assert SHOP[price.name_start : price.name_end] == "price"


def test_a_signature_is_one_line_without_comments() -> None:
    facts = facts_of(SHOP)
    assert symbol(facts, "price").signature == "def price(item: Thing, count: int = 1) -> float"
    assert symbol(facts, "Shop").signature == "class Shop(Cart, util.Base)"
    assert symbol(facts, "LIMIT").signature == "LIMIT = 10"


def test_documentation_is_the_docstring_or_the_comment_above() -> None:
    facts = facts_of(SHOP)
    assert symbol(facts, "Shop").doc == "Sells things.\n\nMore."
    assert symbol(facts, "Shop.label").doc == "What it says."
    assert symbol(facts, "price").doc == "Not a docstring,\nbut it says what it does."
    assert symbol(facts, "Shop.__init__").doc == ""


def test_a_reference_knows_receiver_container_and_kind() -> None:
    facts = facts_of(SHOP)
    [cached] = uses(facts, "cached")
    assert (cached.kind.value, cached.receiver, cached.container) == ("call", "util", "price")
    [tax, _] = uses(facts, "tax")[0], uses(facts, "tax")[1]
    assert (tax.kind.value, tax.receiver) == ("name", "")
    [upper] = uses(facts, "upper")
    assert (upper.kind.value, upper.receiver, upper.container) == ("call", "self.name", "Shop.label.inner")
    [parts] = uses(facts, "parts")
    assert (parts.kind.value, parts.receiver) == ("attribute", "item")
    assert [use.kind.value for use in uses(facts, "Thing")] == ["type"]
    assert [use.kind.value for use in uses(facts, "Cart")] == ["name", "type"]


def test_names_that_only_bind_are_not_references() -> None:
    facts = facts_of("def f(alpha, beta=1, *c, d: int = 2, **e):\n    return g(keyword=alpha)\n")
    assert [use.name for use in facts.references] == ["int", "g", "alpha"]


def test_imports_tell_module_name_and_alias() -> None:
    found = [(i.module, i.name, i.alias) for i in facts_of(SHOP).imports]
    assert found == [
        ("__future__", "annotations", "annotations"),
        ("os.path", "", ""),
        ("numpy", "", "np"),
        ("shop.model", "Item", "Thing"),
        ("shop.model", "Cart", "Cart"),
        (".", "util", "util"),
    ]


def test_a_star_import_brings_no_name() -> None:
    assert facts_of("from a.b import *\n").imports == (Import("a.b", "*", "", 16, 17),)


def test_receivers_of_larger_expressions_are_left_out() -> None:
    facts = facts_of("f().a.b\nx[0].c\n'x'.d\nm.n.o\n1 .real\n")
    assert [(use.name, use.receiver) for use in facts.references if use.kind.value == "attribute"] == [
        ("a", ""),
        ("b", ""),
        ("c", ""),
        ("d", ""),
        ("n", "m"),
        ("o", "m.n"),
        ("real", ""),
    ]


def test_offsets_are_code_points() -> None:
    source = "x = '😋é'\ndef name(): pass\nname()\n"
    facts = facts_of(source)
    found = symbol(facts, "name")
    assert source[found.name_start : found.name_end] == "name"
    [use] = uses(facts, "name")
    assert source[use.start : use.end] == "name"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="def class():\n  .=@\"'#x\t\r\f😋[]{}import from", max_size=120))
def test_broken_code_never_raises_and_no_line_is_lost(source: str) -> None:
    facts = facts_of(source)
    check_every_line_is_in_one_chunk(source, facts)


def check_every_line_is_in_one_chunk(source: str, facts: FileFacts) -> None:
    text = Text(source)
    held = [0] * text.line_count
    for chunk in facts.chunks:
        for line in range(text.line_at(chunk.start), text.line_at(max(chunk.end - 1, chunk.start)) + 1):
            held[line] += 1
    for line, times in enumerate(held):
        if text.line(line).strip():
            assert times == 1, (line, text.line(line))
        else:
            assert times <= 1


def test_a_function_is_a_chunk_with_the_comment_above_it() -> None:
    body = "".join(f"    a{n} = {n}\n" for n in range(10))
    source = f"import os\nx = 1\n\n\n# About f.\ndef f():\n{body}\n\ndef g():\n{body}"
    facts = facts_of(source)
    assert [(chunk.symbol, chunk.kind) for chunk in facts.chunks] == [
        ("", "code"),
        ("f", "function"),
        ("g", "function"),
    ]
    assert source[facts.chunks[1].start :].startswith("# About f.")
    check_every_line_is_in_one_chunk(source, facts)


def test_a_large_class_is_cut_by_method_and_a_large_function_at_statements() -> None:
    method = "".join(f"        a{n} = {n}\n" for n in range(20))
    large = "".join(f"    if a{n}:\n        b{n} = (\n            1\n        )\n" for n in range(40))
    source = (
        "class A:\n    x = 1\n\n"
        + "".join(f"    def m{n}(self):\n{method}\n" for n in range(5))
        + f"\ndef big():\n{large}"
    )
    facts = facts_of(source)
    check_every_line_is_in_one_chunk(source, facts)
    assert [chunk.symbol for chunk in facts.chunks][:3] == ["A", "A.m0", "A.m1"]
    parts = [chunk for chunk in facts.chunks if chunk.symbol == "big"]
    assert len(parts) > 2
    for part in parts[1:]:
        assert source[part.start : part.end].startswith("    ")
        assert not source[part.start : part.end].strip().startswith((")", "1"))


def test_small_neighbours_share_a_chunk() -> None:
    source = "".join(f"class E{n}(Exception):\n    pass\n\n" for n in range(30))
    facts = facts_of(source)
    check_every_line_is_in_one_chunk(source, facts)
    assert 3 <= len(facts.chunks) <= 5


def test_a_function_is_a_chunk_of_its_own_however_small() -> None:
    source = "class A:\n    x = 1\n" + "".join(f"    def f{n}(self):\n        return {n}\n" for n in range(9))
    facts = facts_of(source)
    check_every_line_is_in_one_chunk(source, facts)
    assert [chunk.symbol for chunk in facts.chunks] == ["A", *(f"A.f{n}" for n in range(9))]


def test_an_unknown_language_has_line_chunks_only() -> None:
    source = "".join(f"line {n}\n" for n in range(150))
    facts = extract(Text(source), "")
    assert not facts.symbols
    assert len(facts.chunks) == 3
    check_every_line_is_in_one_chunk(source, facts)


def test_markdown_is_cut_at_headings() -> None:
    source = "intro\n\n# One\ntext\n```\n# not a heading\n```\n## Two\nmore\n"
    facts = extract(Text(source), "markdown")
    assert [chunk.symbol for chunk in facts.chunks] == ["", "One", "One > Two"]
    check_every_line_is_in_one_chunk(source, facts)
