"""Python's own syntax tree of text that may be anything."""

from __future__ import annotations

import ast

_BROKEN = (SyntaxError, ValueError, RecursionError, MemoryError)


def python_ast(source: str) -> ast.Module | None:
    """The syntax tree of `source`; None when it is not valid Python, or too deep to parse."""
    for _ in range(2):
        try:
            return ast.parse(source)
        except _BROKEN:
            return None
        except SystemError:
            # "AST constructor recursion depth mismatch": the garbage collector or another thread parsed
            # in between (CPython gh-106905). Nothing is wrong with the text: once more.
            continue
    return None


def python_statement(source: str) -> ast.stmt | None:
    """The one statement that `source` is; None when it is anything else."""
    tree = python_ast(source)
    return tree.body[0] if tree is not None and len(tree.body) == 1 else None


def python_expression(source: str) -> ast.expr | None:
    """The one expression that `source` is; None when it is anything else."""
    statement = python_statement(source.strip())
    return statement.value if isinstance(statement, ast.Expr) else None
