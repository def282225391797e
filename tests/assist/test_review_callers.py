"""Review: what other files do with a document that fails now, by the code graph."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from devflow.models.base import ChatRequest
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.review import review, review_with_model
from devflow.server.settings import Review
from support.codebase import document, workspace

SHAPES = """
    #- app/__init__.py
    #- app/shapes.py
    <|>def area(w, h): ...

    class Shape:
        def __init__(self, w): ...
        def grow(self, by): return self
    #- app/api.py
    from app.shapes import Shape, area

    def show(shape: Shape):
        shape.grow(2)
        return area(1, 2), Shape(1)
    #- tests/test_shapes.py
    from app import shapes
    from app.shapes import area

    def test_area():
        assert area(1, h=2) and shapes.area(1, 2)
        made = shapes.Shape(3)
        made.grow(by=1)
"""


async def findings(root: Path, snippet: str, *replaced: tuple[str, str]) -> list[str]:
    """What is found of the cursor's document once it is edited, the index knowing it as it was."""
    async with workspace(root, snippet, indexed=True) as made:
        source = made.doc.text.source
        for old, new in replaced:
            assert old in source
            source = source.replace(old, new)
        assert made.doc.path is not None
        doc = document(source, made.doc.path)
        made.doc = doc
        found = await review(doc, made.code, Review())
        wanted = ("callers-do-not-fit", "used-name-missing")
        return [f"{source[f.start : f.end]} | {f.message}" for f in found if f.code in wanted]


async def test_what_fits_is_not_reported(tmp_path: Path) -> None:
    assert await findings(tmp_path, SHAPES) == []


async def test_calls_in_other_files_that_no_longer_fit_are_told_at_the_definition(tmp_path: Path) -> None:
    found = await findings(
        tmp_path,
        SHAPES,
        ("area(w, h)", "area(w, h, unit)"),
        ("grow(self, by)", "grow(self)"),
        ("__init__(self, w)", "__init__(self, w, *, colour)"),
    )
    assert found == [
        "area | In other files, area() is called without its required argument 'unit': "
        "app/api.py:5, tests/test_shapes.py:5, tests/test_shapes.py:5",
        "__init__ | In other files, Shape() is called without its required argument 'colour': "
        "app/api.py:5, tests/test_shapes.py:6",
        "grow | In other files, Shape.grow() takes no positional arguments, 1 given: app/api.py:4",
        "grow | In other files, Shape.grow() has no parameter 'by': tests/test_shapes.py:7",
    ]


async def test_of_more_files_than_are_looked_at_it_says_at_least(tmp_path: Path) -> None:
    snippet = "#- core.py\n<|>def area(w): ...\n" + "".join(
        f"#- use{number}.py\nfrom core import area\n\narea(1)\n" for number in range(50)
    )
    [told] = await findings(tmp_path, snippet, ("area(w)", "area(w, h)"))
    assert told.endswith(" and at least 37 more")


async def test_names_that_others_still_import_are_told_where_they_stood(tmp_path: Path) -> None:
    found = await findings(tmp_path, SHAPES, ("def area", "def surface"))
    assert found == [
        "def surface(w, h): ... | 'area' is not defined here, but used from here: "
        "app/api.py:1, tests/test_shapes.py:2, tests/test_shapes.py:5"
    ]


@pytest.mark.parametrize(
    "mention",
    [
        "# see sys.modules\n",
        "import sys\nif 'numpy' in sys.modules: ...\n",
        "import sys\nnumpy = sys.modules.get('numpy')\nsys.modules.pop('old', None)\n",
        "import sys\nsys.modules['shim'] = object()\n",
    ],
)
async def test_a_module_that_looks_for_others_is_looked_at(tmp_path: Path, mention: str) -> None:
    [found] = await findings(tmp_path, f"#- shapes.py\n<|>{mention}#- user.py\nfrom shapes import area\n")
    assert "'area' is not defined here" in found


@pytest.mark.parametrize(
    "mention",
    [
        "import sys\nsys.modules[__name__] = object()\n",
        "import sys\nsys.modules['pack.shapes'].area = 1\n",
        "import sys as _sys\nme = _sys.modules[__name__]\nme.area = 1\n",
        "from sys import argv, modules\nmodules[__name__].area = 1\n",
        "import sys\nfor each in sys.modules.values():\n    each.area = 1\n",
        "import sys\nsys.modules.update(all())\n",
    ],
)
async def test_a_module_that_may_replace_itself_is_passed_over(tmp_path: Path, mention: str) -> None:
    snippet = f"#- shapes.py\n<|>{mention}#- user.py\nfrom shapes import area\n"
    assert await findings(tmp_path, snippet) == []


@pytest.mark.parametrize(
    "user",
    [
        "try:\n    from shapes import area\nexcept ImportError:\n    area = None\n",
        "from shapes import area  # type: ignore\n",
        "import pytest\nfrom shapes import grow\nwith pytest.raises(TypeError):\n    grow()\n",
        "from shapes import grow\ngrow(*[1])\n",
        "from shapes import Base\nclass Sub(Base):\n  def run(self, x=1): ...\ndef f(b: Base):\n  b.run(1)\n",
        "from shapes import Base\nBase.run(Base())\nBase().run()\n",
        "from shapes import Made\nclass Sub(Made):\n  def __init__(self):\n    Made.__init__(self, 1)\n",
        "from shapes import Made\nclass Two(Made, Any):\n  def __init__(self):\n    super().__init__(1, 2)\n",
        "from shapes import wrapped\nwrapped()\n",
        "from shapes import later\nlater(1)\n",
        "from shapes import sub\n",
        "import shapes\ntry:\n    shapes.gone()\nexcept AttributeError:\n    pass\n",
        "import shapes\nif hasattr(shapes, 'gone'):\n    shapes.gone()\n",
        "import shapes\nshapes.gone = 1\nprint(shapes.gone)\n",
        "import shapes\ndef f(shapes):\n    shapes.gone()\n",
        "import other as shapes\nimport shapes as s\nshapes.gone()\n",
    ],
)
async def test_what_may_work_after_all_is_not_reported(tmp_path: Path, user: str) -> None:
    module = (
        "def grow(by): ...\n\nclass Base:\n    def run(self): return 1\n\n"
        "class Made:\n    def __init__(self, x): ...\n\n@wraps\ndef wrapped(x): ...\n\n"
        "def later(): ...\nif grow:\n    def later(x): ...\n"
    )
    files = f"#- sub/__init__.py\n#- shapes.py\n<|>{module}#- user.py\n{user}"
    if "sub" in user.split():
        files = "#- shapes/__init__.py\n<|>x = 1\n#- shapes/sub.pyx\n#- user.py\n" + user
    assert await findings(tmp_path, files) == []


async def test_nothing_is_said_while_the_syntax_is_broken(tmp_path: Path) -> None:
    assert await findings(tmp_path, SHAPES, ("def area(w, h): ...", "def area(w, h, unit: ...")) == []


async def test_a_module_of_typescript_that_lost_an_export(tmp_path: Path) -> None:
    snippet = """
        //- src/shapes.ts
        <|>export function area(w: number) { return w; }
        //- src/index.ts
        export * from "./shapes";
        import { area } from "./shapes";
        //- src/app.ts
        import { area as a, other } from "./shapes";
        import { late } from "./index";
        //- src/index.d.ts
        export { declared } from "./shapes";
    """
    found = await findings(tmp_path, snippet, ("area", "surface"))
    assert [each.partition(" | ")[2] for each in found] == [
        "'area' is not defined here, but used from here: src/app.ts:1, src/index.ts:2",
        "'other' is not defined here, but used from here: src/app.ts:1",
    ]


async def test_a_repaired_caller_is_reported_no_longer(tmp_path: Path) -> None:
    snippet = "#- user.py\nfrom shapes import area\narea(1)\n#- shapes.py\n<|>def area(w, h): ...\n"
    async with workspace(tmp_path, snippet, indexed=True) as made:
        assert [each.code for each in await review(made.doc, made.code, Review())] == ["callers-do-not-fit"]
        (tmp_path / "user.py").write_text("from shapes import area\narea(1, 2)\n")
        assert await review(made.doc, made.code, Review()) == []


async def test_a_model_is_told_who_depends_on_what_it_reviews(tmp_path: Path) -> None:
    snippet = """
        #- app/__init__.py
        #- app/shapes.py
        <|>def area(w, h):
            return w * h

        def alone(): ...
        #- app/api.py
        from fastapi import FastAPI
        from app.shapes import area

        app = FastAPI()

        @app.get("/area")
        def show():
            return area(1, 2)
        #- tests/test_shapes.py
        from app.shapes import area

        def test_area():
            assert area(1, 2) == 2
    """
    model = FakeModel('{"findings": []}')
    async with workspace(tmp_path, snippet, indexed=True, models=Router([], [model])) as made:
        await review_with_model(made.doc, made.code)
    [request] = model.requests
    assert isinstance(request, ChatRequest)
    [_, asked] = request.messages
    mark = re.search(r"<<(material-\w+)", asked.content)
    assert mark is not None
    material = asked.content.split(f"<<{mark[1]}\n")[2].partition(f"\n{mark[1]}>>")[0]
    assert material.startswith(
        "area\n"
        "  called in show (app/api.py:8): return area(1, 2)\n"
        "  reached by GET /area\n"
        "  tested by test_area (tests/test_shapes.py:3)"
    )
    assert "alone\n" not in material
    assert {"app/api.py", "tests/test_shapes.py"} <= set(request.paths)


async def test_what_a_base_or_its_metaclass_makes_is_not_judged_by_init(tmp_path: Path) -> None:
    snippet = """
        #- app/__init__.py
        #- app/things.py
        <|>class Meta(type):
            def __call__(cls, *args): return super().__call__(1)

        class Base(metaclass=Meta): ...

        class Made:
            def __new__(cls, *args): return object()

        class One(Base):
            def __init__(self, a): ...

        class Two(Made):
            def __init__(self, a): ...
        #- app/use.py
        from app.things import One, Two

        def show(): return One(), Two()
    """
    assert await findings(tmp_path, snippet) == []


@pytest.mark.parametrize(
    "base",
    [
        "class Meta(type):\n    def __call__(cls, *args): ...\n\nclass Base(metaclass=Meta): ...\n",
        "class Base:\n    def __new__(cls, *args): ...\n",
        "class Root:\n    def __new__(cls, *args): ...\n\nclass Base(Root): ...\n",
        "from attrs import define\n\n@define\nclass Base: ...\n",
        "from nowhere import Base\n",
    ],
)
async def test_a_base_in_another_file_may_make_its_objects_otherwise(tmp_path: Path, base: str) -> None:
    files = """
        #- app/__init__.py
        #- app/things.py
        <|>from app.base import Base

        class One(Base):
            def __init__(self, a): ...
        #- app/use.py
        from app.things import One

        def show(): return One()
        #- app/base.py
    """
    assert await findings(tmp_path, dedent(files) + base) == []


async def test_a_plain_base_in_another_file_changes_nothing(tmp_path: Path) -> None:
    snippet = """
        #- app/__init__.py
        #- app/base.py
        from abc import ABC

        class Base(ABC): ...
        #- app/things.py
        <|>from app.base import Base

        class One(Base):
            def __init__(self, a): ...
        #- app/use.py
        from app.things import One

        def show(): return One()
    """
    [found] = await findings(tmp_path, snippet)
    assert "One() is called without its required argument 'a'" in found


async def test_an_alias_made_by_the_type_statement_is_a_name_of_the_module(tmp_path: Path) -> None:
    snippet = """
        #- app/__init__.py
        #- app/things.py
        <|>type Names = list[str]
        type Of[T] = list[T]
        #- app/use.py
        from app.things import Names, Of
    """
    assert await findings(tmp_path, snippet) == []
