"""Next edits in other files: calls of a function whose parameters were changed, and the way back to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devflow.analysis.changes import Change, History
from devflow.analysis.document import Document
from devflow.analysis.languages import language_of
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.retrieval.build import build
from devflow.retrieval.index import Index
from devflow.server import settings
from devflow.server.assist.base import Codebase
from devflow.server.assist.next_edit.base import Edited, NextEdit, Prediction
from devflow.server.assist.next_edit.predict import predict


@dataclass
class _Workspace:
    """Files on the disk, indexed, of which some are open."""

    root: Path
    code: Codebase
    open: dict[Path, Text]

    def edited(self, name: str, *changes: Change, version: int = 2) -> Edited:
        """The file as the user has changed it in the editor."""
        path = self.root / name
        history = History()
        source = self.open[path].source if path in self.open else path.read_text()
        for change in changes:
            assert source[change.start : change.old_end] == change.old
            source = source[: change.start] + change.new + source[change.old_end :]
            history.add(change)
        text = self.open[path] = Text(source)
        language = getattr(language_of(path), "name", "")
        doc = Document(path.as_uri(), path, language, version, text, parse(text, language))
        return Edited(doc, history.recent())

    async def text_of(self, path: Path) -> Text | None:
        return self.open.get(path) or _on_disk(path)


def _on_disk(path: Path) -> Text | None:
    return Text(path.read_text()) if path.is_file() else None


@asynccontextmanager
async def workspace(root: Path, **files: str) -> AsyncIterator[_Workspace]:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    await build(root, settings.Index(vectors=False))
    index = await Index.open([root])
    made = _Workspace(root, None, {})  # type: ignore[arg-type]
    made.code = Codebase((root,), made, index=index)
    yield made
    await index.close()


def more(source: str, written: str, behind: str) -> Change:
    """`written` is typed behind the first `behind`."""
    return Change(source.index(behind) + len(behind), "", written)


async def asked(
    work: _Workspace,
    edited: Edited,
    *others: Edited,
    at: int | None = None,
    wanted: Callable[[NextEdit], bool] = lambda each: True,
) -> Prediction:
    cursor = edited.changes[-1].new_end if at is None and edited.changes else at or 0
    return await predict(edited.doc, cursor, edited.changes, work.code, wanted, patience=0.0, others=others)


def made(each: NextEdit) -> Text:
    """The other file with the edit made."""
    assert each.text is not None
    return each.text.replaced([each.edit])


def told(found: Prediction) -> list[tuple[str, int, str]]:
    """File, line from 1 and new text of every place elsewhere."""
    return [
        (each.path.name, each.text.line_at(each.edit.start) + 1, each.edit.new)
        for each in found.elsewhere
        if each.path is not None and each.text is not None
    ]


LIB = "def load(name):\n    return name\n"
USE = "from lib import load\n\nload('a')\n\n\ndef run(strict):\n    return load('b')\n"


async def test_a_parameter_more_leads_to_the_calls_in_other_files(tmp_path: Path) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        found = await asked(work, work.edited("lib.py", more(LIB, ", strict", "(name")))
    assert found.edits == ()
    # What to pass is clear where something has the name; the other call is only shown.
    assert told(found) == [("use.py", 3, ""), ("use.py", 7, ", strict")]
    source = made(found.elsewhere[1]).source
    assert source.endswith("return load('b', strict)\n")


async def test_a_parameter_less_leads_to_the_arguments_that_are_too_many(tmp_path: Path) -> None:
    lib = "def load(name, strict):\n    return name\n"
    use = "import lib\n\nlib.load('a', True)\nlib.load('b', strict=False)\nlib.load('c')\n"
    async with workspace(tmp_path, lib_dot_py=lib, use_dot_py=use) as work:
        found = await asked(work, work.edited("lib.py", Change(lib.index(", strict"), ", strict", "")), at=13)
    places = [
        made(each).line(line - 1) for each, (_, line, _) in zip(found.elsewhere, told(found), strict=True)
    ]
    assert places == ["lib.load('a')", "lib.load('b')"]


async def test_calls_of_another_function_of_the_name_are_left_alone(tmp_path: Path) -> None:
    async with workspace(
        tmp_path,
        lib_dot_py=LIB,
        other_dot_py=LIB,
        use_dot_py="from other import load\n\nload('a')\n",
        guess_dot_py="def run(thing, strict):\n    thing.load('a')\n",
        own_dot_py="from lib import load\n\n\ndef run(load, strict):\n    load('a')\n",
    ) as work:
        found = await asked(work, work.edited("lib.py", more(LIB, ", strict", "(name")))
    assert found == Prediction()


async def test_a_call_that_fits_already_or_never_did_is_left_alone(tmp_path: Path) -> None:
    use = "from lib import load\n\nstrict = 1\nload('a', strict)\nload()\nload(*[1])\nload('a', strict=2)\n"
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=use) as work:
        found = await asked(work, work.edited("lib.py", more(LIB, ", strict", "(name")))
    assert found == Prediction()


async def test_an_optional_parameter_asks_for_nothing_elsewhere(tmp_path: Path) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        found = await asked(work, work.edited("lib.py", more(LIB, ", strict=False", "(name")))
    assert found == Prediction()


async def test_a_constructor_and_a_method_lead_to_their_calls(tmp_path: Path) -> None:
    lib = (
        "class Store:\n    def __init__(self, path):\n        self.path = path\n\n"
        "    def read(self, key):\n        return key\n"
    )
    use = "from lib import Store\n\n\ndef run(mode):\n    store = Store('a')\n    return store.read('k')\n"
    async with workspace(tmp_path, lib_dot_py=lib, use_dot_py=use) as work:
        constructed = await asked(work, work.edited("lib.py", more(lib, ", mode", "self, path")))
        work.open.clear()
        called = await asked(work, work.edited("lib.py", more(lib, ", mode", "self, key")))
    assert [each.edit.new for each in constructed.edits] == [
        "\n        self.mode = mode"
    ]  # first in its class
    assert told(called) == [("use.py", 6, ", mode")]


async def test_a_field_more_of_a_data_class_leads_to_where_it_is_constructed(tmp_path: Path) -> None:
    lib = "from dataclasses import dataclass\n\n\n@dataclass\nclass Row:\n    key: str\n"
    use = "from lib import Row\n\n\ndef run(size):\n    return Row('a')\n"
    async with workspace(tmp_path, lib_dot_py=lib, use_dot_py=use) as work:
        found = await asked(work, work.edited("lib.py", more(lib, "\n    size: int", "key: str")))
    assert told(found) == [("use.py", 5, ", size")]


async def test_calls_in_typescript_follow_too(tmp_path: Path) -> None:
    lib = "export function load(name: string): string {\n  return name;\n}\n"
    use = "import { load } from './lib';\n\nfunction run(strict: boolean) {\n  return load('a');\n}\n"
    async with workspace(tmp_path, lib_dot_ts=lib, use_dot_ts=use) as work:
        found = await asked(work, work.edited("lib.ts", more(lib, ", strict: boolean", "name: string")))
    assert told(found) == [("use.ts", 4, ", strict")]


async def test_the_calls_in_the_file_come_before_those_elsewhere(tmp_path: Path) -> None:
    lib = LIB + "\n\ndef all(strict):\n    return load('c')\n"
    async with workspace(tmp_path, lib_dot_py=lib, use_dot_py=USE) as work:
        found = await asked(work, work.edited("lib.py", more(lib, ", strict", "(name")))
    assert [each.edit.new for each in found.edits] == [", strict"]
    assert told(found) == []


async def test_in_the_other_file_the_edit_is_offered_that_the_first_one_caused(tmp_path: Path) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        lib = work.edited("lib.py", more(LIB, ", strict", "(name"))
        there = await asked(work, work.edited("use.py"), lib, at=0)
        assert [each.edit.new for each in there.edits] == [", strict"]
        # The index has not seen yet what the user writes above: the place is followed.
        later = await asked(work, work.edited("use.py", Change(0, "", "# more\n")), lib)
        [edit] = later.edits
        assert work.open[tmp_path / "use.py"].replaced([edit.edit]).source.endswith("load('b', strict)\n")
        del work.open[tmp_path / "use.py"]
        done = work.edited("use.py", Change(edit.edit.start - len("# more\n"), "", ", strict"))
        after = await asked(work, done, lib)
    assert after.edits == ()
    assert [each.edit.new for each in after.elsewhere] == [""]


async def test_a_renaming_goes_on_in_the_other_file_as_well(tmp_path: Path) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        lib = work.edited("lib.py", Change(4, "load", "read"))
        there = await asked(work, work.edited("use.py"), lib, at=0)
    assert [each.edit.new for each in there.edits] == ["read"] * 3


async def test_what_is_not_wanted_elsewhere_is_left_out(tmp_path: Path) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        lib = work.edited("lib.py", more(LIB, ", strict", "(name"))
        found = await asked(work, lib, wanted=lambda each: each.edit.new == "")
    assert told(found) == [("use.py", 3, "")]


@pytest.mark.parametrize("name", ["gone.py", "use.py"])
async def test_a_file_that_is_gone_or_unreadable_is_left_out(tmp_path: Path, name: str) -> None:
    async with workspace(tmp_path, lib_dot_py=LIB, use_dot_py=USE) as work:
        _replace(tmp_path / "use.py", "nothing of what it was\n" if name == "use.py" else None)
        found = await asked(work, work.edited("lib.py", more(LIB, ", strict", "(name")))
    assert found == Prediction()


def _replace(path: Path, text: str | None) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
