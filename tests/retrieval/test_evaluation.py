from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.retrieval.build import build
from devflow.retrieval.evaluation.baselines import BM25, fused
from devflow.retrieval.evaluation.changes import checked_out, history_sets
from devflow.retrieval.evaluation.chunkings import Chunked, by_lines, by_symbol
from devflow.retrieval.evaluation.corpora import CorpusUnavailable, fetched
from devflow.retrieval.evaluation.doc_comments import first_paragraph, without_docs
from devflow.retrieval.evaluation.measure import Result, Tally
from devflow.retrieval.evaluation.metrics import figures
from devflow.retrieval.evaluation.report import plot, table
from devflow.retrieval.evaluation.truth import Gold, Query, SetsMissing, TruthSet, load
from devflow.retrieval.index import Index
from devflow.retrieval.walk import IndexOptions
from support.repository import git


def test_figures_of_a_right_answer_in_second_place() -> None:
    found = figures([["a", "b", "c"]], [{"b"}], [0.002])
    assert (found.recall_1, found.recall_5, found.mrr) == (0.0, 1.0, 0.5)
    assert found.ndcg == pytest.approx(0.6309, abs=1e-4)
    assert found.p50 == pytest.approx(2.0)


def test_an_answer_after_the_tenth_place_does_not_count() -> None:
    found = figures([list(range(20))], [{10}], [0.0])
    assert (found.recall_10, found.mrr, found.ndcg) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("language", "source", "kept"),
    [
        ("python", 'def f():\n    """Asked."""\n    return 1\n', "def f():\n    return 1\n"),
        ("go", "// Asked.\nfunc f() int {\n\treturn 1\n}\n", "func f() int {\n\treturn 1\n}\n"),
        (
            "java",
            "class A {\n  /**\n   * Asked.\n   */\n  @Override\n  int f() { return 1; }\n}\n",
            "class A {\n  @Override\n  int f() { return 1; }\n}\n",
        ),
        (
            "csharp",
            "class A {\n  /// <summary>Asked.</summary>\n  int F() { return 1; }\n}\n",
            "class A {\n  int F() { return 1; }\n}\n",
        ),
        ("typescript", "/** Asked. */\nexport function f() {}\n", "export function f() {}\n"),
    ],
)
def test_what_is_asked_does_not_stand_in_what_is_searched(language: str, source: str, kept: str) -> None:
    tree = parse(Text(source), language)
    assert tree is not None
    assert without_docs(tree, symbols(tree)) == kept


def test_a_function_that_is_nothing_but_its_docstring_stays_one() -> None:
    source = 'def f():\n    """Only this."""\n'
    tree = parse(Text(source), "python")
    assert tree is not None
    assert without_docs(tree, symbols(tree)) == source


def test_a_question_is_the_first_paragraph_without_markup() -> None:
    doc = "Gives the {@code next}\nvalue of <b>x</b>.\n\nMore.\n@param x it"
    assert first_paragraph(doc) == "Gives the next value of x."
    assert first_paragraph("Joins them.\n@param x it") == "Joins them."


def test_a_name_that_a_comment_refers_to_is_a_word_of_the_question() -> None:
    doc = '<summary>\nGives the <see cref="T:Lib.Core.Level"/> of a <paramref name="logger" />.\n</summary>'
    assert first_paragraph(doc) == "Gives the Level of a logger."
    generic = 'Makes a <see cref="Dictionary{TKey, TValue}"/> <c>twice</c>.'
    assert first_paragraph(generic) == "Makes a Dictionary twice."


def test_bm25_prefers_the_rare_word_and_fusion_what_both_know() -> None:
    ranking = BM25(["open the file", "open the door", "close the door"]).ranked("open file")
    assert ranking[0] == 0
    assert fused([[1, 2, 3], [2, 1, 4]])[:2] == [1, 2]


def test_a_folder_without_truth_sets_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetsMissing, match="There are no truth sets"):
        load(tmp_path)


@pytest.mark.parametrize("below", ["", "retrieval"])
def test_a_broken_set_leaves_the_others(tmp_path: Path, below: str) -> None:
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    row = {
        "id": "1",
        "project": "boto",
        "query": "joins two paths",
        "path": "boto/a.py",
        "name": "A.join",
        "gold_dependencies": {"intra_file": ["boto.a.b"]},
    }
    with gzip.open(folder / "deveval_queries.jsonl.gz", "wt") as file:
        file.write(json.dumps(row) + "\n")
    (folder / "issues_django.jsonl.gz").write_bytes(b"no gzip")
    sets, problems = load(tmp_path)
    assert [each.name for each in sets] == ["requirement→function"]
    assert sets[0].queries[0].golds[0].name == "A.join"
    assert len(problems) == 3


def test_an_unknown_kind_of_corpus_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusUnavailable, match="no kind of corpus"):
        fetched("tape:reel-7", tmp_path)


def test_a_package_that_a_mirror_lost_is_named_in_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "bin/apt-get"
    apt.parent.mkdir()
    apt.write_text(
        '#!/bin/sh\ncase "$*" in *update*) exit 0;; esac\n'
        "echo 'W: something else' >&2\n"
        "echo 'E: Failed to fetch http://mirror/lib_1.tar.xz  404  Not Found' >&2\n"
        "echo 'E: Failed to fetch some archives.' >&2\nexit 100\n"
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=os.pathsep)
    with pytest.raises(CorpusUnavailable, match=r"http://mirror/lib_1\.tar\.xz 404 Not Found$"):
        fetched("debsrc:lib=1", tmp_path / "cache")


def test_a_piece_of_lines_answers_with_the_function_it_holds_most_of(tmp_path: Path) -> None:
    functions = "".join(f"def step_{n}():\n" + f"    work({n})\n" * 30 for n in range(3))
    (tmp_path / "a.py").write_text(functions)
    assert Chunked(tmp_path, by_symbol).ranked("step_2")[0] == ("a.py", "step_2")
    assert len(Chunked(tmp_path, by_lines).ranked("work")) == 3


async def test_names_ask_for_their_definition_and_are_answered_whatever_else_says_them(
    tmp_path: Path,
) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "a.py").write_text("def load_basket(user):\n    return read(user)\n")
    uses = "def other():\n" + "    load_basket(1)\n    load_basket(2)\n"
    (root / "b.py").write_text(uses)
    truth = TruthSet(
        "named", "function", (Query("1", "load_basket", f"folder:{root}", (Gold("a.py", "load_basket"),)),)
    )
    tally = Tally(truth)
    await build(root, IndexOptions(vectors=False))
    index = await Index.open([root])
    try:
        hits = await index.search("load_basket")
        nothing = await index.searched("zebra crossing")
    finally:
        await index.close()
    tally.add("search", truth.queries[0], [(hit.path.name, hit.symbol) for hit in hits], 0.001)
    [result] = tally.results()
    assert result.figures.mrr == 1.0
    assert nothing.hits == ()
    assert nothing.reason


def test_tables_and_plots_say_what_was_measured() -> None:
    result = Result("set <1>", "search", figures([["a"]], [{"a"}], [0.01]), 0.5, 0.25)
    assert (
        "| set <1> | search | 1 | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 0.500 | 0.250 | 10.0 | 10.0 |"
        in table([result])
    )
    assert "set &lt;1&gt;" in plot([result])
    assert plot([])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "tests").mkdir(parents=True)
    git(root, "init", "-q")
    names = ("basket.py", "prices.py", "tests/test_basket.py", "notes.md")
    for at, subject in enumerate(
        ("Begin", "Round the prices of a basket", "Typo", "Tell what a basket costs")
    ):
        for name in names[: 1 if at == 3 else None]:
            (root / name).write_text(f"x = {at}\n")
        (root / f"new_{at}.py").write_text("y = 1\n")
        git(root, "add", "-A")
        git(root, "commit", "-qm", subject, at=at)
    return root


def test_a_history_asks_for_the_code_that_a_commit_changed(repository: Path) -> None:
    sets = {each.name: each.queries for each in history_sets(repository, 10)}
    [older], [newer] = sets["history→file, older"], sets["history→file, newer"]
    assert (older.text, [gold.path for gold in older.golds]) == (
        "Round the prices of a basket",
        ["basket.py", "prices.py"],
    )
    assert (newer.text, [gold.path for gold in newer.golds]) == ("Tell what a basket costs", ["basket.py"])


def test_beside_an_open_file_the_others_that_its_commit_changed_are_wanted(repository: Path) -> None:
    sets = {each.name: each.queries for each in history_sets(repository, 10)}
    [query] = sets["history→file beside an open one, older"]
    assert {*query.near, *(gold.path for gold in query.golds)} == {"basket.py", "prices.py"}
    assert sets["history→file beside an open one, newer"] == ()
    for other in sets["history→file, any file open, newer"]:
        assert other.near == ("prices.py",)


def test_what_a_commit_is_asked_of_is_what_was_there_before(repository: Path, tmp_path: Path) -> None:
    sets = history_sets(repository, 10)
    for query in (query for each in sets for query in each.queries):
        folder = checked_out(query.corpus, tmp_path / "cache")
        then = {"Round the prices of a basket": "x = 0\n", "Tell what a basket costs": "x = 2\n"}
        assert (folder / "basket.py").read_text() == then[query.text]
        assert git(folder, "log", "-1", "--format=%s") in ("Begin", "Typo")
    assert (repository / "basket.py").read_text() == "x = 3\n"


def test_a_folder_without_a_history_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusUnavailable, match=r"git tells no history of [^\[\]]*: not a git repository"):
        history_sets(tmp_path, 10)
