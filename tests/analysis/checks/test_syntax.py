"""Syntax errors: where they are shown and what is said."""

from __future__ import annotations

import textwrap

import pytest

from devflow.analysis.checks.python_syntax import Compiled, python_syntax_errors
from devflow.analysis.checks.syntax import MOST, syntax_errors
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text


def tree(source: str, language: str) -> SyntaxTree:
    made = parse(Text(source), language)
    assert made is not None
    return made


def python(source: str) -> list[str]:
    source = textwrap.dedent(source)
    found = python_syntax_errors(tree(source, "python"), {})
    text = Text(source)
    return [f"{text.line_at(f.start) + 1}: {text.source[f.start : f.end]}: {f.message}" for f in found]


def other(source: str, language: str) -> list[str]:
    return [f"{source[f.start : f.end]}: {f.message}" for f in syntax_errors(tree(source, language))]


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("def f(:\n    pass\n", 1, "Invalid syntax"),
        ("x = (1,\ny = 2\n", 1, "'(' was never closed."),
        ("a = 1\n\ndef f():\nx = 1\n", 3, "Expected an indented block after function definition on line 3."),
        ("a = 1\n  x = 1\n", 2, "Unexpected indent."),
        ("x = 1\nif x\n    y\n", 2, "Expected ':'."),
        ("f(a=1, 2)\n", 1, "Positional argument follows keyword argument"),
        ("y = 1\n\nx = 'abc\ny = 1\n", 3, "Unterminated string literal (detected at line 3)"),
        ("1 = x\n", 1, "Cannot assign to literal"),
        ("@dec\n\n# why\ndef f(se\n", 4, "'(' was never closed."),
        ("class A:\n    x = 1\n\n    @property\n    def f(se", 5, "'(' was never closed."),
        ("class A:\n    @property\n    def f(se\n\n    def g(self): ...\n", 3, "'(' was never closed."),
        ("print 'x'\n", 1, "Missing parentheses in call to 'print'. Did you mean print(...)?"),
    ],
)
def test_the_compilers_words_stand_where_the_error_is(source: str, line: int, said: str) -> None:
    [found] = python(source)
    assert found.startswith(f"{line}: ")
    assert said in found


def test_code_that_is_right_has_no_error() -> None:
    assert (
        python('''
        """Doc with \\d in it."""
        from __future__ import annotations

        @decorated
        class A(B, metaclass=C):
            # a comment
            x: int = 1; y = 2

            async def f(self, /, a, *, b=1, **c) -> None:
                async with a as (b, c):
                    return [x async for x in a if (y := x)]

        if __name__ == "__main__":
            A()
        else:
            pass
        ''')
        == []
    )


@pytest.mark.parametrize(
    "source",
    [
        "def first[T](items: list[T]) -> T: ...\n",
        "class Box[T]:\n    pass\n",
        "type Pair = tuple[int, int]\n",
        'x = f"{d[\'a\']} {d["b"]}"\n',
        "x = f\"{'\\n'.join(a)}\"\n",
        "class Box[T = int]: ...\n",
        "type Pair[T = int] = tuple[T, T]\n",
        "def f[**P = [int], *Ts = *tuple[int, ...]](): ...\nx = 1\n",
        "\ufeffx = 1\ny = 2\n",
    ],
)
def test_syntax_newer_than_our_interpreter_is_no_error(source: str) -> None:
    assert python(source) == []


def test_errors_in_several_functions_are_all_found() -> None:
    assert len(python("def f():\n    f(a=1, 2)\n\nx = 1\n\ndef g():\n    f(b=1, 2)\n")) == 2


def test_an_error_deep_in_a_large_class_is_found_on_its_line() -> None:
    body = "".join(f"    def f{n}(self):\n        return {n}  # {'x' * 40}\n\n" for n in range(400))
    [found] = python(f"x = 1\n\nclass A:\n{body}    def g(self, a=1, b): ...\n\n{body}\n")
    assert found.startswith(f"{3 + 400 * 3 + 1}: ")


def test_nothing_is_compiled_twice() -> None:
    class Counting(dict[str, None]):
        def __setitem__(self, key: str, value: None) -> None:
            assert key not in self
            super().__setitem__(key, value)

    seen: Compiled = Counting()  # type: ignore[assignment]  # only None is stored
    first = "def f():\n    return 1\n\n"
    python_syntax_errors(tree(first + "x = 1\n", "python"), seen)
    python_syntax_errors(tree(first + "x = 2\n", "python"), seen)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("javascript", "const x = ;\n", "=: `=` cannot stand here."),
        ("javascript", "function f( { return 1 }\n", "(: `(` is never closed."),
        ("typescript", "let y = [1,2;\n", "[: `[` is never closed."),
        ("go", "func f() {\n x := \n}\n", "=: A name is missing here."),
        ("java", "class A { void f() { int x = 1 } }", "1: `;` is missing here."),
        ("rust", "fn f() { let x = 1 }", "1: `;` is missing here."),
        ("csharp", "class A { void f() { int x = 1 } }", "int x = 1: `int x = 1` cannot stand here."),
        ("ruby", "def f\n x = (1\nend\n", "(: `(` is never closed."),
        ("c", "int f() { if (x { return 1; }\n", "(: `(` is never closed."),
        ("cpp", "void f() { g(1; }\n", "(: `(` is never closed."),
        ("typescript", "f(`a ${x}`, /[(]/, '}');\n}\n", "}: `}` closes nothing."),
    ],
)
def test_what_is_wrong_is_said_in_every_language(language: str, source: str, said: str) -> None:
    assert said in other(source, language)


def test_an_open_block_is_no_error_of_the_lines_before_it() -> None:
    source = 'import { Item } from "./store";\n\nclass Cart {\n  add(): void {\n    const item = this.store\n'
    assert other(source, "typescript") == ["{: `{` is never closed."] * 2


def test_macros_are_no_errors() -> None:
    assert other("FOO(int)\nBEGIN_DECLS\nint f(void) NOTHROW;\nEND\n", "c") == []
    assert other("#if A\nint f() {\n#else\nint g() {\n#endif\n}\n", "c") == []


@pytest.mark.parametrize("language", ["python", "javascript", "go", "java", "rust", "cpp", "csharp", "ruby"])
@pytest.mark.parametrize("text", ["{" * 20_000, "(" * 20_000, ")" * 20_000, '"""' * 5_000, "([{" * 5_000])
def test_what_never_ends_has_few_findings(language: str, text: str) -> None:
    made = tree(text, language)
    found = python_syntax_errors(made, {}) if language == "python" else syntax_errors(made)
    assert len(found) <= MOST
    assert all(0 <= f.start <= f.end <= len(text) for f in found)


@pytest.mark.parametrize(
    "source",
    [
        "export interface Box<in out T, out O = unknown> { a: T }\n",
        "export interface Box<\n  out Output = unknown,\n  in Input = unknown,\n> { a: Output }\n",
        "class Box</** it */ out T extends string = string> {}\n",
        "export default function (): { a: string };\n",
    ],
)
def test_what_typescript_allows_and_the_grammar_does_not_is_no_error(source: str) -> None:
    assert tree(source, "typescript").has_error()
    assert other(source, "typescript") == []


def test_words_that_stand_elsewhere_are_errors_still() -> None:
    assert other("let a = out T;\n", "typescript") == ["T: `T` cannot stand here."]
    assert other("function f(out T) {}\n", "typescript") == ["T: `T` cannot stand here."]
