"""Completions inside strings: keys and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.assist.complete import complete
from devflow.server.settings import Completion
from support.codebase import workspace


async def labels(root: Path, snippet: str, path: str = "main.py", **options: bool) -> list[str]:
    async with workspace(root, snippet, path, engine=False, **options) as space:
        found = await complete(space.doc, space.at, space.code, Completion(deadline_ms=5_000))
        return [item.label for item in found.items]


QUIET = {
    "a quote that closes": "name = 1\nx = 'it'<|>\n",
    "a quote that closes a format": 'name = 1\nprint(f"{name}"<|>)\n',
    "a quote that opens prose": 'name = 1\nraise ValueError("no \'<|>")\n',
    "the end of a sentence in a docstring": 'import time\n\ndef f():\n    """Set the time.<|>"""\n',
    "the end of a sentence in a comment": "import time\ntime.sleep(1)\n# Set the time.<|>\n",
}


@pytest.mark.parametrize("name", QUIET)
async def test_no_list_opens_by_itself_where_a_name_would_spoil_the_text(name: str, tmp_path: Path) -> None:
    async with workspace(tmp_path, QUIET[name], engine=False) as space:
        sign = space.doc.text.source[space.at - 1]
        assert (await complete(space.doc, space.at, space.code, Completion(), sign)).items == ()


async def test_a_sign_that_opens_a_key_or_reads_a_member_opens_a_list(tmp_path: Path) -> None:
    for snippet in ('d = {"a": 1}\nd["<|>"]\n', "class C:\n    def a(self): ...\n\nc = C()\nc.<|>\n"):
        async with workspace(tmp_path, snippet, engine=False) as space:
            found = await complete(
                space.doc,
                space.at,
                space.code,
                Completion(deadline_ms=5_000),
                space.doc.text.source[space.at - 1],
            )
            assert [item.label for item in found.items][:1] == ["a"]


@pytest.mark.parametrize(
    "snippet",
    [
        'config = {"alpha": 1, "beta": {"inner": 2}}\nconfig["<|>"]\n',
        'config: dict[str, int] = {"alpha": 1, "beta": 2}\nconfig.get("<|>")\n',
        "config = {'alpha': 1, 'beta': 2}\nprint(config['<|>\n",
        'class C(TypedDict):\n    alpha: int\n    beta: int\n\ndef f(config: C):\n    config["<|>"]\n',
        'config["alpha"] = 1\nconfig["alpha"] += 1\nconfig["beta"] = 2\nx = config["<|>"]\n',
    ],
)
async def test_a_mapping_offers_its_keys(tmp_path: Path, snippet: str) -> None:
    assert (await labels(tmp_path, snippet))[:2] == ["alpha", "beta"]


async def test_only_keys_that_go_on_from_what_is_typed_are_offered(tmp_path: Path) -> None:
    assert await labels(tmp_path, 'd = {"alpha": 1, "beta": 2}\nd["al<|>"]\n') == ["alpha"]


async def test_keys_of_other_mappings_come_behind_its_own(tmp_path: Path) -> None:
    found = await labels(tmp_path, 'other["far"]\nother["far"]\nmine["near"]\nmine["<|>"]\n')
    assert found == ["near", "far"]


async def test_a_key_takes_the_place_of_what_is_typed_and_nothing_else(tmp_path: Path) -> None:
    async with workspace(tmp_path, 'd = {"a-b": 1}\nd["a-<|>"]\n', engine=False) as space:
        found = await complete(space.doc, space.at, space.code, Completion())
        [item] = found.items
        assert space.doc.text.replaced([item.edit]).source.endswith('d["a-b"]\n')


@pytest.mark.parametrize(
    ("snippet", "expected"),
    [
        ('open("<|>")\n', ["data/", "main.py"]),
        ('open("data/<|>")\n', ["file.txt"]),
        ('x = "./data/fi<|>"\n', ["file.txt"]),
        ('x = "data/nothing/<|>"\n', []),
        ('x = "https://exam<|>"\n', []),
        ('x = "some text <|>"\n', []),
    ],
)
async def test_a_path_offers_what_lies_there(tmp_path: Path, snippet: str, expected: list[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.txt").touch()
    assert await labels(tmp_path, snippet) == expected


async def test_an_import_of_typescript_offers_modules_without_their_ending(tmp_path: Path) -> None:
    (tmp_path / "shapes.ts").touch()
    (tmp_path / "notes.md").touch()
    (tmp_path / "parts").mkdir()
    found = await labels(tmp_path, 'import { area } from "./<|>";\n', "main.ts")
    assert found == ["parts", "shapes"]


@pytest.mark.parametrize(
    "snippet",
    [
        "#- shapes.py\nfrom typing import TypedDict\nclass D(TypedDict):\n    alpha: int\n    beta: int\n"
        '#- main.py\nfrom shapes import D\ndef f(size: D): return size["<|>"]\n',
        "from typing import TypedDict\nclass B(TypedDict):\n    alpha: int\nclass D(B):\n    beta: int\n"
        'class Holder:\n    size: D\n    def f(self): return self.size["<|>"]\n',
        'from typing import TypedDict\nD = TypedDict("D", {"alpha": int, "beta": int})\n'
        'def f(size: D): return size.get("<|>")\n',
        "from typing import TypedDict\nclass D(TypedDict):\n    zero: int\n    alpha: int\n    beta: int\n"
        'size: D = {"zero": 1, "<|>"}\n',
    ],
)
async def test_a_typed_dict_offers_its_keys(tmp_path: Path, snippet: str) -> None:
    assert (await labels(tmp_path, snippet))[:2] == ["alpha", "beta"]


async def test_a_list_of_exports_offers_what_the_module_has_and_does_not_list_yet(tmp_path: Path) -> None:
    snippet = '__all__ = [\n    "area",\n    "<|>"\n]\ndef area(): ...\nclass Shape: ...\n_own = 1\n'
    assert await labels(tmp_path, snippet) == ["Shape", "_own"]


FIXTURES = (
    "#- conftest.py\nimport pytest\n@pytest.fixture\ndef client(): ...\n@pytest.fixture\ndef shop(): ...\n"
)


@pytest.mark.parametrize(
    ("test", "offered"),
    [
        ("def test_a(cl<|>): ...", ["client"]),
        ("def test_a(client, <|>): ...", ["shop", "tmp_path"]),
        ("async def test_a(self, client, sh<|>", ["shop"]),
        ("import pytest\n@pytest.fixture\ndef basket(sh<|>): ...", ["shop"]),
        ('import pytest\n@pytest.mark.usefixtures("sh<|>")\ndef test_a(): ...', ["shop"]),
        ("def helper(cl<|>): ...", []),
        ("def test_a(client: cl<|>): ...", ["client"]),
    ],
)
async def test_a_test_is_offered_the_fixtures_it_can_ask_for(
    test: str, offered: list[str], tmp_path: Path
) -> None:
    found = await labels(tmp_path, f"{FIXTURES}#- test_main.py\n{test}\n")
    assert [each for each in found if each in ("client", "shop", "tmp_path")] == offered


@pytest.mark.parametrize(
    "snippet",
    [
        "from dataclasses import dataclass, replace\n@dataclass\nclass P:\n    alpha: int\n    beta: int\n"
        "def f(p: P): return replace(p, <|>)\n",
        "from typing import NamedTuple\nclass P(NamedTuple):\n    alpha: int\n    beta: int\n"
        "def f(p: P): return p._replace(<|>)\n",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    alpha: int\n@dataclass\nclass P(A):\n"
        "    beta: int\nP(<|>)\n",
        'from collections import namedtuple\nP = namedtuple("P", "alpha beta")\nP(<|>)\n',
        "from typing import TypedDict\nclass D(TypedDict):\n    alpha: int\n    beta: int\nD(<|>)\n",
        "from functools import partial\ndef f(alpha, beta): ...\ng = partial(f, <|>)\n",
    ],
)
async def test_a_call_that_sets_fields_is_offered_them(tmp_path: Path, snippet: str) -> None:
    found = await labels(tmp_path, snippet)
    assert {"alpha=", "beta="} <= set(found), found


async def test_a_value_of_a_named_tuple_offers_its_fields(tmp_path: Path) -> None:
    snippet = 'from collections import namedtuple\nP = namedtuple("P", "alpha beta")\np = P(1, 2)\np.<|>\n'
    assert {"alpha", "beta"} <= set(await labels(tmp_path, snippet))
