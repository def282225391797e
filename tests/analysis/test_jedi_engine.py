"""What jedi tells, in our offsets and without ever failing or running a workspace's code."""

from __future__ import annotations

import logging
import os
import stat
import textwrap
import time
from pathlib import Path

import jedi
import jedi.settings
import parso.cache
import pytest

from devflow.analysis.types import jedi_engine
from devflow.analysis.types.base import Definition
from devflow.analysis.types.jedi_kept import Kept
from support import fixture


class Project:
    """A snippet's files on disk and its cursor."""

    def __init__(self, root: Path, snippet: str) -> None:
        case = fixture.parse(snippet)
        for name, text in case.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode())
        name, self.at = case.cursor
        self.roots = [root]
        self.path = root / name
        self.source = case.text(name)
        self.labels = {label.text: (root / label.path, label.start, label.end) for label in case.labels}

    def names(self) -> list[str]:
        found = jedi_engine.complete(self.roots, self.path, self.source, self.at)
        return [candidate.name for candidate in found]

    def definitions(self) -> list[Definition]:
        return jedi_engine.define(self.roots, self.path, self.source, self.at)


def test_attributes_are_completed_from_another_file(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        #- shop/model.py
        class Cart:
            limit = 3
            def add(self, item): ...
            @property
            def label(self): ...
        #- shop/__init__.py
        #- main.py
        from shop.model import Cart
        Cart().<|>
        """,
    )
    found = jedi_engine.complete(project.roots, project.path, project.source, project.at)
    kinds = {candidate.name: candidate.kind.value for candidate in found}
    assert kinds["add"] == "function"
    assert kinds["label"] == "property"
    assert kinds["limit"] == "variable"


def test_keyword_arguments_come_with_their_sign(tmp_path: Path) -> None:
    assert "count=" in Project(tmp_path, "def f(count): ...\nf(co<|>)\n").names()


def test_a_definition_in_another_file_is_found_through_imports(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        '''
        #- shapes.py
        # 😋 astral
        def area(w: int, h=1) -> float:
        #   ^^^^ target
            """The area."""
        #- again.py
        from shapes import area
        #- main.py
        from again import area
        ar<|>ea(2, 3)
        ''',
    )
    [found] = project.definitions()
    assert found.location
    assert (found.location.path, found.location.start, found.location.end) == project.labels["target"]
    assert found.qualified_name == "shapes.area"
    assert found.signature == "def area(w: int, h=1) -> float"
    assert found.doc == "The area."
    assert found.kind.value == "function"


def test_a_method_a_class_and_a_builtin_are_told_apart(tmp_path: Path) -> None:
    source = "class A:\n    def __init__(self, x): ...\n    def f(self): ...\n"
    [method] = Project(tmp_path, f"{source}A(1).<|>f()\n").definitions()
    assert method.kind.value == "method"
    [cls] = Project(tmp_path, f"{source}<|>A(1)\n").definitions()
    assert (cls.kind.value, cls.signature) == ("class", "class A(x)")
    [builtin] = Project(tmp_path, "le<|>n([])\n").definitions()
    assert builtin.qualified_name == "builtins.len"


def test_a_definition_jedi_has_no_signature_for_shows_its_written_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jedi.api.classes.BaseName.get_signatures", lambda _: [])
    project = Project(
        tmp_path, "#- a.py\n# 😋\ndef f(\n    x: int,\n) -> str: ...\n#- main.py\nfrom a import f\n<|>f\n"
    )
    assert [found.signature for found in project.definitions()] == ["def f(x: int) -> str"]


def test_references_are_found_in_the_whole_project(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        #- shapes.py
        def area(): ...
        #   ^^^^ made
        #- other.py
        import shapes
        shapes.area()
        #      ^^^^ used
        #- main.py
        from shapes import area
        #                  ^^^^ imported
        ar<|>ea()
        # ^^ called
        """,
    )
    found = jedi_engine.references(project.roots, project.path, project.source, project.at)
    places = {(location.path, location.start, location.end) for location in found}
    assert {project.labels[name] for name in ("made", "used", "imported")} <= places
    assert len(places) == 4


def test_the_signature_marks_the_active_parameter(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        class A:
            def send(self, url, /, data: int, *rest, timeout=3, **more):
                "Sends."
        A().send("u", <|>
        """,
    )
    [found] = jedi_engine.signatures(project.roots, project.path, project.source, project.at)
    assert found.active == 1
    assert [(p.name, p.kind, p.has_default) for p in found.parameters] == [
        ("url", "positional-only", False),
        ("data", "positional-or-keyword", False),
        ("rest", "var-positional", False),
        ("timeout", "keyword-only", True),
        ("more", "var-keyword", False),
    ]
    assert found.parameters[1].label == "data: int"
    assert "self" not in found.label
    assert found.doc == "Sends."


def test_a_completion_is_documented(tmp_path: Path) -> None:
    project = Project(tmp_path, 'class A:\n    def send(self, url):\n        "Sends it."\nA().se<|>\nx = 1\n')
    found = jedi_engine.document(project.roots, project.path, project.source, project.at, "send")
    assert found == "```python\ndef send(url)\n```\n\nSends it."
    assert jedi_engine.document(project.roots, project.path, project.source, project.at, "nothing") == ""


def test_a_byte_order_mark_and_crlf_shift_nothing(tmp_path: Path) -> None:
    source = "\ufeffdef f():\r\n    pass\r\nf()\r\n"
    path = tmp_path / "main.py"
    path.write_text(source, encoding="utf-8", newline="")
    [found] = jedi_engine.define([tmp_path], path, source, source.rindex("f()"))
    assert found.location
    assert source[found.location.start : found.location.end] == "f"
    other = tmp_path / "other.py"
    [found] = jedi_engine.define([tmp_path], other, "from main import f\nf", 20)
    assert found.location
    assert source[found.location.start : found.location.end] == "f"


def test_a_parameter_is_known_from_the_calls_in_its_own_file(tmp_path: Path) -> None:
    assert "upper" in Project(tmp_path, "def f(x):\n    x.<|>\nf('text')\n").names()


def test_the_open_version_counts_and_not_the_disk(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("old = 1\n")
    source = "new_name = 1\nnew_"
    found = jedi_engine.complete([tmp_path], tmp_path / "main.py", source, len(source))
    assert "new_name" in [candidate.name for candidate in found]


def test_an_unsaved_document_is_answered(tmp_path: Path) -> None:
    for roots in ([], [tmp_path]):
        found = jedi_engine.complete(roots, None, "value = 1\nval", 13)
        assert "value" in [candidate.name for candidate in found]


def test_packages_of_a_workspace_s_environment_are_read_and_its_python_is_never_run(tmp_path: Path) -> None:
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (packages / "installed.py").write_text("def thing(): ...\n")
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    witness = tmp_path / "executed"
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\ntouch '{witness}'\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    project = Project(tmp_path, "import installed\ninstalled.<|>\n")
    assert "thing" in project.names()
    assert not witness.exists()


def test_modules_of_a_src_folder_are_found(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        """
        #- src/shop/__init__.py
        def sell(): ...
        #- tests/test_shop.py
        import shop
        shop.<|>
        """,
    )
    assert "sell" in project.names()


def test_code_of_the_workspace_is_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = tmp_path / "executed"
    (tmp_path / "evil.py").write_text(f"open({str(witness)!r}, 'w')\ndef thing(): ...\n")
    (tmp_path / "evil_c.so").write_bytes(b"\x7fELF")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path, "import evil, evil_c\nevil_c.x\nevil.<|>\n")
    assert "thing" in project.names()
    assert not witness.exists()


@pytest.mark.parametrize(
    "source", ["", "def f(:\n  (((", "x = '\ud83d'\n", "\x00", "class A(A): pass\nA.", "f(" * 400]
)
def test_broken_code_is_answered(tmp_path: Path, source: str) -> None:
    path = tmp_path / "main.py"
    for at in (0, len(source), len(source) + 9):
        for ask in (jedi_engine.complete, jedi_engine.define, jedi_engine.signatures):
            assert isinstance(ask([tmp_path], path, source, at), list)
        assert jedi_engine.document([tmp_path], path, source, at, "no such name") == ""


def test_a_crash_of_jedi_is_an_empty_answer_and_shows_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RecursionError("secret = 1")

    monkeypatch.setattr("jedi.Script.complete", crash)
    with caplog.at_level(logging.WARNING):
        assert jedi_engine.complete([tmp_path], None, textwrap.dedent("secret = 1"), 3) == []
    assert "RecursionError" in caplog.text
    assert "secret" not in caplog.text


def test_warming_up_asks_nothing_of_the_workspace(tmp_path: Path) -> None:
    jedi_engine.warm([tmp_path])
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_gives_the_same_answers_and_follows_the_disk(tmp_path: Path) -> None:
    other = tmp_path / "shapes.py"
    other.write_text("class Box:\n    width = 1\n")
    main = tmp_path / "main.py"
    source = "import shapes\nimport later\nshapes.Box.\nlater.\n"
    kept = Kept()
    at = source.index("Box.") + 4

    def members(where: int) -> set[str]:
        names = {each.name for each in jedi_engine.complete([tmp_path], main, source, where, kept=kept)}
        return {name for name in names if not name.startswith("_")}

    assert "width" in members(at)
    assert members(source.index("later.") + 6) == members(len(source) - 1)
    other.write_text("class Box:\n    height = 1\n")
    later = time.time() + 5
    os.utime(other, (later, later))
    assert "height" in members(at)
    assert "width" not in members(at)
    (tmp_path / "later.py").write_text("now = 1\n")
    assert "now" in members(len(source) - 1)


def test_a_definition_after_an_edit_stands_where_the_text_now_has_it(tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    (tmp_path / "user.py").write_text("from main import area\nalias = area\n")
    kept = Kept()
    for lines in range(4):
        source = "import user\n" + "\n" * lines + "def area(): ...\nuser.alias\narea\n"
        [found] = jedi_engine.define([tmp_path], main, source, len(source) - 2, kept=kept)
        assert found.location is not None
        assert found.location.start == source.index("area")


def test_preparing_loads_the_imports_step_by_step_to_the_end(tmp_path: Path) -> None:
    source = "import os\nfrom pathlib import Path\n\nimport json\nfrom nowhere import *\nx = 1\n"
    kept, line = Kept(), 0
    for _ in range(10):
        line = jedi_engine.prepare([tmp_path], tmp_path / "main.py", source, line, kept=kept)
        if line < 0:
            break
    assert line == -1


def test_a_cache_that_was_half_written_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path / "cache"))
    source = "import textwrap\ntextwrap.inde"

    def names() -> list[str]:
        parso.cache.parser_cache.clear()  # as in a new process
        found = jedi_engine.complete([tmp_path], tmp_path / "a.py", source, len(source))
        return [each.name for each in found]

    assert names() == ["indent"]
    kept = list((tmp_path / "cache").rglob("*.pkl"))
    assert kept
    for file in kept:
        file.write_bytes(file.read_bytes()[:40])
    assert names() == ["indent"]


def test_what_jedi_has_parsed_is_readable_by_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jedi.settings, "cache_directory", "")
    kept = tmp_path / "cache" / "jedi"
    kept.mkdir(mode=0o755, parents=True)  # as an earlier version left it
    jedi_engine.keep_in(kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    jedi_engine.keep_in(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
