"""Names in strings and comments lead somewhere when they name something."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.hover import hover
from devflow.server.assist.navigate import definition
from devflow.server.settings import Hover
from support.codebase import workspace

SHAPES = '''
#- pkg/__init__.py
#- pkg/shapes.py
class Shape:
    """A shape."""
    def area(self): ...
    def use(self, other):
        """{text}"""
        return other
def make(): ...
'''

LED = {
    "a path from outside": ("See pkg.shapes.ma<|>ke.", "def [make]"),
    "a role": ("See :func:`pkg.shapes.ma<|>ke`.", "def [make]"),
    "a shortened role": ("See :meth:`~pkg.shapes.Shape.ar<|>ea`.", "def [area]"),
    "a role with a dot in front": ("See :meth:`.Shape.ar<|>ea`.", "def [area]"),
    "a method named by its own class": ("See :meth:`ar<|>ea`.", "def [area]"),
    "a name in backticks": ("See `ma<|>ke`.", "def [make]"),
    "a name in double backticks": ("See ``ma<|>ke``.", "def [make]"),
    "a field of self": ("Calls self.ar<|>ea twice.", "def [area]"),
    "a class and its method": ("Calls Shape.ar<|>ea.", "def [area]"),
    "a lower-case namesake": ("Calls shape.ar<|>ea.", "def [area]"),
    "the class in a path": ("See pkg.shapes.Sha<|>pe.area.", "class [Shape]"),
}


@pytest.mark.parametrize("name", LED)
async def test_leads_to_what_it_names(name: str, tmp_path: Path) -> None:
    text, expected = LED[name]
    async with workspace(tmp_path, SHAPES.format(text=text), indexed=True) as space:
        places = (await definition(space.doc, space.at, space.code)).locations
        assert [space.shown(place).split(": ", 1)[1].split("(")[0].rstrip(":") for place in places] == [
            expected
        ]


@pytest.mark.parametrize(
    "text",
    [
        "The area of a sha<|>pe.",
        "https://example.org/make.ht<|>ml",
        "www.make.or<|>g",
        "make@shape.ar<|>ea",
        "A sentence that ends with ma<|>ke. Another.",
        "Nothing.is.cal<|>led.so",
    ],
)
async def test_a_word_of_prose_leads_nowhere(text: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, SHAPES.format(text=text), indexed=True) as space:
        assert (await definition(space.doc, space.at, space.code)).locations == ()


async def test_a_setting_that_names_a_module_leads_to_it(tmp_path: Path) -> None:
    snippet = "#- pkg/__init__.py\n#- pkg/jobs.py\nX = 1\n#- main.py\nJOBS = 'pkg.jo<|>bs:X'\n"
    async with workspace(tmp_path, snippet) as space:
        [place] = (await definition(space.doc, space.at, space.code)).locations
        assert (place.path, place.start) == (tmp_path / "pkg/jobs.py", 0)


async def test_a_guess_says_so_on_the_card(tmp_path: Path) -> None:
    snippet = """
    #- a.py
    class Cat:
        def feed(self): ...
    #- b.py
    class Dog:
        def feed(self): ...
    #- main.py
    def walk(it):
        it.fe<|>ed()
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        card = await hover(space.doc, space.at, space.code, Hover())
        assert card is not None
        assert "A guess by the name: 1 of 2 places called `feed`" in card.markdown


async def test_a_guess_goes_to_the_class_the_receiver_is_named_after(tmp_path: Path) -> None:
    snippet = """
    #- a.py
    class Cat:
        def feed(self): ...
    #- b.py
    class BigDog:
        def feed(self): ...
    #- main.py
    def walk(big_dog):
        big_dog.fe<|>ed()
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        [place] = (await definition(space.doc, space.at, space.code)).locations
        assert place.path.name == "b.py"


async def test_a_guess_goes_to_the_class_that_has_what_else_is_read(tmp_path: Path) -> None:
    snippet = """
    #- a.py
    class Cat:
        def feed(self): ...
    #- b.py
    class Dog:
        def feed(self): ...
        def bark(self): ...
    #- main.py
    def walk(it):
        it.bark()
        it.fe<|>ed()
    """
    async with workspace(tmp_path, snippet, indexed=True) as space:
        [place] = (await definition(space.doc, space.at, space.code)).locations
        assert place.path.name == "b.py"


async def test_an_attribute_that_is_set_from_outside_leads_to_the_assignment(tmp_path: Path) -> None:
    snippet = """
    def mark(it):
        it.seen = True
        return it.se<|>en
    """
    async with workspace(tmp_path, snippet) as space:
        [place] = (await definition(space.doc, space.at, space.code)).locations
        assert space.shown(place) == "main.py: it.[seen] = True"
