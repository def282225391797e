"""Calls that cannot fit are reported with certainty; everything else is passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devflow.analysis.checks.calls import python_calls, unfit_calls
from devflow.analysis.checks.python_module import Module, read_module
from devflow.analysis.facts import Finding
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text
from support import fixture


def findings(snippet: str) -> tuple[list[Finding], fixture.Case]:
    """The findings in `main.py` (or the only file), with the other files resolved as on a disk."""
    case = fixture.parse(snippet)
    root = Path("/w")
    trees = {root / path: tree(text) for path, text in case.files.items()}
    main = root / "main.py"
    known: dict[Path, Module | None] = {}
    home = read_module(trees[main], main)
    for _ in range(10):
        found, wanted = unfit_calls(python_calls(trees[main]), home, [root], known)
        if not wanted:
            return found, case
        for path in wanted:
            known[path] = read_module(trees[path], path) if path in trees else None
    raise AssertionError(f"it keeps asking for {wanted}")


def tree(source: str) -> SyntaxTree:
    made = parse(Text(source), "python")
    assert made is not None
    return made


def check(snippet: str) -> None:
    """Exactly the labelled callees of main.py are reported, with exactly these messages."""
    found, case = findings(snippet)
    labels = [label for label in case.labels if label.path == "main.py"]
    assert [(f.start, f.end, f.message) for f in sorted(found, key=lambda f: f.start)] == [
        (label.start, label.end, label.text) for label in labels
    ]


def test_too_many_positional_arguments_are_reported() -> None:
    check(
        """
        def area(w, h): ...
        if area(1, 2, 3): pass
        #  ^^^^ area() takes 2 positional arguments, 3 given
        """
    )


def test_optional_parameters_widen_what_fits() -> None:
    check(
        """
        def area(w, h=1): ...
        x = area(1); x = area(1, 2); x = area(w=1); x = area(h=2, w=1)
        x = area(1, 2, 3)
        #   ^^^^ area() takes at most 2 positional arguments, 3 given
        """
    )


def test_an_unknown_keyword_is_reported() -> None:
    check(
        """
        def area(w, *, height=1): ...
        x = area(1, hieght=2)
        #   ^^^^ area() has no parameter 'hieght'
        """
    )


def test_missing_arguments_are_named() -> None:
    check(
        """
        def area(w, h, *, unit): ...
        x = area(1)
        #   ^^^^ area() is called without its required arguments 'h', 'unit'
        """
    )


def test_an_argument_given_twice_is_reported() -> None:
    check(
        """
        def area(w, h=1): ...
        x = area(1, w=2)
        #   ^^^^ area() gets 'w' twice, by position and by name
        """
    )


def test_positional_only_parameters_take_no_keyword() -> None:
    check(
        """
        def area(w, /, h=1): ...
        x = area(w=1)
        #   ^^^^ area() has no parameter 'w'
        """
    )


def test_a_generator_argument_counts_as_one() -> None:
    check("def total(values): ...\nx = total(v for v in y)\n")


@pytest.mark.parametrize(
    "code",
    [
        "def f(*args): ...\nf(1, 2, 3)\n",
        "def f(**kwargs): ...\nf(a=1)\n",
        "def f(a, b): ...\nf(*values)\n",
        "def f(a, b): ...\nf(**values)\n",
        "def f(a, b): ...\nf(1, *rest)\n",
    ],
)
def test_stars_leave_open_what_they_hold(code: str) -> None:
    check(code)


@pytest.mark.parametrize(
    "code",
    [
        "@decorate\ndef f(a): ...\nf()\n",
        "@overload\ndef f(a): ...\n@overload\ndef f(): ...\ndef f(*x): ...\nf(1, 2)\n",
        "def f(a): ...\ndef f(a, b): ...\nf(1, 2, 3)\n",
        "def f(a): ...\nf = wrap(f)\nf()\n",
        "if x:\n    def f(a): ...\nelse:\n    def f(): ...\nf(1, 2)\n",
        "try:\n    from g import f\nexcept ImportError:\n    def f(a): ...\nf()\n",
        "def f(a): ...\ndef g():\n    global f\n    f = len\nf()\n",
        "def f(a): ...\ndef g(f):\n    f()\n",
        "def f(a): ...\ndef g():\n    f = h\n    f()\n",
        "def f(a): ...\nx = [f() for f in functions]\n",
        "def f(a): ...\nx = lambda f: f()\n",
        "def f(a): ...\nfrom g import *\nf()\n",
        "def f(a): ...\nfor f in functions:\n    f()\n",
        "class A:\n    def f(self): ...\n    x = f(1)\ndef f(): ...\n",
    ],
)
def test_an_uncertain_callee_is_passed_over(code: str) -> None:
    check(code)


@pytest.mark.parametrize(
    "code",
    [
        "def f(a): ...\nwith pytest.raises(TypeError):\n    f()\n",
        "def f(a): ...\nwith self.assertRaises(TypeError):\n    f()\n",
        "def f(a): ...\ntry:\n    f()\nexcept TypeError:\n    pass\n",
        "def f(a): ...\nf()  # type: ignore[call-arg]\n",
    ],
)
def test_calls_that_are_meant_to_fail_are_passed_over(code: str) -> None:
    check(code)


def test_a_function_of_another_file_is_named_with_its_place() -> None:
    found, case = findings(
        """
        #- shapes.py
        def area(w, h): ...
        #   ^^^^ target
        #- main.py
        from shapes import area
        area(1)
        """
    )
    [finding] = found
    [(place, said)] = finding.related
    [target] = case.labels
    assert (place.path, place.start, place.end) == (Path("/w/shapes.py"), target.start, target.end)
    assert said == "area is defined here"


def test_packages_submodules_aliases_and_re_exports_are_followed() -> None:
    check(
        """
        #- pkg/__init__.py
        from .inner import make as build
        #- pkg/inner.py
        def make(a): ...
        #- main.py
        import pkg.inner
        import pkg.inner as other
        from pkg import build, inner
        x = pkg.inner.make()
        #   ^^^^^^^^^^^^^^ pkg.inner.make() is called without its required argument 'a'
        x = other.make(1, 2)
        #   ^^^^^^^^^^ other.make() takes 1 positional argument, 2 given
        x = build(b=1)
        #   ^^^^^ build() has no parameter 'b'
        x = inner.make(1)
        """
    )


def test_a_name_that_two_files_could_supply_is_passed_over() -> None:
    check(
        """
        #- shapes.py
        def area(w, h): ...
        #- src/shapes.py
        def area(w): ...
        #- main.py
        from shapes import area
        area()
        """
    )


def test_a_file_named_like_a_standard_module_is_passed_over() -> None:
    check(
        """
        #- logging.py
        def info(): ...
        #- main.py
        import logging
        logging.info("started")
        """
    )


def test_unknown_modules_are_passed_over() -> None:
    check("from nowhere import f\nimport os.path\nf(1)\nos.path.join()\n")


def test_a_method_on_self_is_checked() -> None:
    check(
        """
        class Shape:
            def area(self, w, h):
                return w * h
            @staticmethod
            def one(a):
                return a
            def run(self):
                self.area(1, 2); self.one(1)
                x = self.area(1)
        #           ^^^^^^^^^ Shape.area() is called without its required argument 'h'
                x = self.one()
        #           ^^^^^^^^ Shape.one() is called without its required argument 'a'
        """
    )


def test_an_inherited_method_on_self_is_checked() -> None:
    check(
        """
        #- base.py
        class Base:
            def area(self, w):
                return w
        #- main.py
        from base import Base
        class Shape(Base):
            def run(self):
                x = self.area()
        #           ^^^^^^^^^ Base.area() is called without its required argument 'w'
        """
    )


@pytest.mark.parametrize(
    "body",
    [
        "def f(self): raise NotImplementedError\n    def g(self): self.f(1)",
        "def f(self): return 1\n    def g(self): self.f = other; self.f(1)",
        "@property\n    def f(self): return 1\n    def g(self): self.f(1)",
        "def f(self): return 1\n    def g(self):\n        self = other\n        self.f(1)",
        "def g(self): self.unknown(1)",
    ],
)
def test_methods_that_may_be_something_else_are_passed_over(body: str) -> None:
    check(f"class A(Unknown):\n    {body}\n")


def test_constructors_are_checked() -> None:
    check(
        """
        class Plain: ...
        class Point:
            def __init__(self, x, y=0):
                self.x = x
        class Deep(Point): ...
        class Failed(ValueError):
            def __init__(self, why): ...
        a = Point(1); a = Point(1, y=2); a = Deep(1); a = Plain()
        a = Point()
        #   ^^^^^ Point() is called without its required argument 'x'
        a = Deep(1, 2, 3)
        #   ^^^^ Deep() takes at most 2 positional arguments, 3 given
        a = Failed()
        #   ^^^^^^ Failed() is called without its required argument 'why'
        a = Plain(1)
        #   ^^^^^ Plain() takes no positional arguments, 1 given
        """
    )


@pytest.mark.parametrize(
    "head",
    [
        "@dataclass\nclass A:\n    x: int",
        "class A(Unknown):\n    def __init__(self): ...",
        "class A(metaclass=Meta):\n    def __init__(self): ...",
        "class A:\n    def __new__(cls, *a): ...\n    def __init__(self): ...",
        "class A(NamedTuple):\n    x: int",
        "class A(Exception): ...",
        "import enum\nclass A(enum.Enum):\n    def __init__(self, a, b): ...",
    ],
)
def test_classes_that_may_take_more_are_passed_over(head: str) -> None:
    check(f"{head}\nA(1)\n")


def test_broken_code_near_the_call_says_nothing_and_elsewhere_does_no_harm() -> None:
    check(
        """
        def area(w, h): ...
        x = area(1)
        #   ^^^^ area() is called without its required argument 'h'
        area(1,
        """
    )


def test_offsets_are_code_points() -> None:
    check(
        """
        def größe(w): ...
        x = "😋"; x = größe()
        #            ^^^^^ größe() is called without its required argument 'w'
        """
    )


@st.composite
def parameter_lists(draw: st.DrawFn) -> str:
    """Valid parameter lists of the names a to f, with every separator and star."""
    names = iter("abcdef")
    parts: list[str] = []
    defaulted = False
    before_slash = draw(st.integers(0, 2))
    for number in range(before_slash + draw(st.integers(0, 2))):
        defaulted = defaulted or draw(st.booleans())
        parts.append(next(names) + ("=0" if defaulted else ""))
        if number + 1 == before_slash:
            parts.append("/")
    after_star = draw(st.integers(0, 2))
    star = draw(st.sampled_from(["", "*", "*args"]))
    if star == "*args" or (star and after_star):
        parts.append(star)
        parts += [
            next(names) + draw(st.sampled_from(["", "=0", ": int", ": int = 0"])) for _ in range(after_star)
        ]
    if draw(st.booleans()):
        parts.append("**kwargs")
    return ", ".join(parts)


@given(parameter_lists(), st.integers(0, 5), st.sets(st.sampled_from("abcdefg")))
def test_the_verdict_is_that_of_python_itself(parameters: str, positional: int, keywords: set[str]) -> None:
    arguments = ", ".join(["1"] * positional + [f"{name}=1" for name in sorted(keywords)])
    space: dict[str, Any] = {}
    exec(f"def f({parameters}): ...", space)
    try:
        space["f"](*[1] * positional, **dict.fromkeys(keywords, 1))
        fits = True
    except TypeError:
        fits = False
    found, _ = findings(f"def f({parameters}): ...\nx = f({arguments})\n")
    assert (not found) == fits


@pytest.mark.parametrize("levels", [50, 510])
def test_classes_nested_deeper_than_calls_can_be_are_read_and_end_nothing(levels: int) -> None:
    nested = "".join(f"{' ' * level}class A{level}:\n" for level in range(levels))
    module = read_module(tree(f"{nested}{' ' * levels}pass\n"), None)
    assert list(module.bindings) == ["A0"]


def test_calls_in_deeply_nested_classes_are_looked_at() -> None:
    nested = "".join(f"{' ' * level}class A{level}:\n" for level in range(510))
    source = f"def f():\n    return 1\nf(1)\n{nested}{' ' * 510}pass\n"
    found, _ = findings(source)
    assert [each.code for each in found] == ["call-does-not-fit"]


def test_a_line_is_read_once_however_many_calls_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    line = Text.line
    monkeypatch.setattr(Text, "line", lambda text, number: (read.append(number), line(text, number))[1])
    tree = parse(Text("total = " + " + ".join(["price(1)"] * 50)), "python")
    assert tree is not None
    assert len(python_calls(tree)) == 50
    assert read == [0]
