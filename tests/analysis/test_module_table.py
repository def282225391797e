"""What a module binds is told from its tree alone."""

from __future__ import annotations

from devflow.analysis.module_table import table_of
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text


def test_blocks_nested_deeper_than_calls_can_be_hide_no_name() -> None:
    blocks = "".join(f"{' ' * level}if a:\n" for level in range(1_200))
    tree = parse(Text(f"first = 1\n{blocks}{' ' * 1_200}inner = 2\nlast = 3\n"), "python")
    assert tree is not None
    assert list(table_of(tree).names) == ["first", "inner", "last"]


def test_bindings_of_one_name_come_in_the_order_of_the_text() -> None:
    tree = parse(Text("try:\n    import a as x\nexcept E:\n    import b as x\nimport c as x\n"), "python")
    assert tree is not None
    assert [each.value for each in table_of(tree).names["x"]] == ["a", "b", "c"]


def test_classes_nested_deeper_than_calls_can_be_hide_no_name() -> None:
    classes = "".join(f"{' ' * level}class A{level}:\n" for level in range(510))
    tree = parse(Text(f"first = 1\n{classes}{' ' * 510}pass\nlast = 3\n"), "python")
    assert tree is not None
    assert list(table_of(tree).names) == ["first", "A0", "last"]
