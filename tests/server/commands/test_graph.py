"""`devflow impact` and `devflow graph` as a terminal shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devflow.server.cli import main
from support.graphs import put

CODE = """
    #- app/__init__.py
    #- app/db.py
    class Store:
        def load(self, key):
            return read(key)

    def read(key):
        return key

    def unused(): ...
    #- app/web.py
    from flask import Flask
    from app.db import Store

    app = Flask(__name__)

    @app.get("/item")
    def item():
        return Store().load(1)
    #- tests/test_db.py
    from app.db import read

    def test_read():
        read(1)
"""


@pytest.fixture
def root(tmp_path: Path) -> str:
    put(tmp_path, CODE)
    return str(tmp_path)


def test_the_impact_is_a_tree_with_reasons(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["impact", "read", "--root", root]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.strip("├└│─ ").split()) for line in lines] == [
        "read app/db.py:5",
        "Store.load app/db.py:3 calls read",
        "item app/web.py:8 calls load",
        "test_read tests/test_db.py:4 calls read",
        "3 definitions in 3 files, 1 of them in tests",
    ]


def test_the_impact_as_json_has_the_way_of_each(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["impact", "app/db.py:read", "--root", root, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    item = next(each for each in told["affected"] if each["name"] == "item")
    assert (item["distance"], item["test"]) == (2, False)
    assert [link["to"] for link in item["because"]] == ["Store.load", "read"]
    assert told["changedTogether"] == []


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["callers", "Store.load"], "app/web.py:8  item call"),
        (["callees", "item"], "app/web.py:8  calls Store.load"),
        (["tests", "read"], "tests/test_db.py:3  test_read"),
        (["path", "item", "read"], "app/db.py:3  Store.load call read"),
        (["endpoints"], "app/web.py:7  GET /item  item"),
        (["endpoints", "read"], "GET /item  item → Store.load → read"),
        (["dead"], "unused"),
    ],
)
def test_questions(root: str, arguments: list[str], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", *arguments, "--root", root]) == 0
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["impact", "zzzzzzzz"], 1, "no definition is called 'zzzzzzzz'; say it as `name`"),
        (["impact", "db.reed"], 1, "no definition is called 'db.reed'; did you mean app/db.py:read?"),
        (
            ["impact", "app/db.py:999999"],
            1,
            "nothing is defined at 'app/db.py:999999': app/db.py has 8 lines",
        ),
        (["impact", "app/db.py:0"], 1, "nothing is defined at 'app/db.py:0': app/db.py has 8 lines"),
        (["graph", "path", "item"], 2, "takes two definitions"),
        (["graph", "dead", "item"], 2, "takes no definition"),
        (["graph", "implementers", "read"], 1, "nothing was found"),
    ],
)
def test_what_cannot_be_answered_is_said(
    root: str, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--root", root]) == code
    assert said in capsys.readouterr().err


def test_a_folder_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["impact", "x", "--root", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_several_roots_are_one_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "library", "#- billing/__init__.py\n#- billing/tax.py\ndef vat(x): ...\n")
    put(tmp_path / "service", "#- api.py\nfrom billing.tax import vat\n\ndef invoice():\n    return vat(1)\n")
    roots = ["--root", str(tmp_path / "library"), "--root", str(tmp_path / "service")]
    assert main(["impact", "vat", *roots]) == 0
    assert "invoice  service/api.py:4  calls vat" in capsys.readouterr().out


def test_the_reason_is_whole_however_long_the_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = "a_package_with_a_long_name/and_another_one_below_it/with_a_module_of_a_long_name.py"
    put(tmp_path, f"#- {module}\ndef read():\n    return 1\n\ndef a_caller_with_a_long_name():\n    read()\n")
    assert main(["impact", "read", "--root", str(tmp_path)]) == 0
    assert f"a_caller_with_a_long_name  {module}:5  calls read\n" in capsys.readouterr().out


def test_an_option_may_stand_between_the_question_and_its_names(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", "callers", "--root", root, "read"]) == 0
    assert "app/db.py:3" in capsys.readouterr().out


def test_what_is_told_by_a_name_alone_is_counted_where_it_is_not_shown(
    root: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(root) / "app/rows.py").write_text(
        "class Rows:\n    def read_rows(self):\n        self.read_rows()\n"
    )
    (Path(root) / "app/other.py").write_text("def late(task):\n    return task.rows.read_rows()\n")
    assert main(["graph", "callers", "read_rows", "--root", root]) == 0
    told = capsys.readouterr()
    assert "app/other.py" not in told.out
    assert "not shown: 1 told by a name alone; --guesses shows it" in " ".join(told.err.split())
    assert main(["graph", "callers", "read_rows", "--root", root, "--guesses"]) == 0
    assert "app/other.py:2" in capsys.readouterr().out
