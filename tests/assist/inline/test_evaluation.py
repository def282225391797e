from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from devflow.models.base import FillRequest, ModelsConfig, ModelSpec
from devflow.models.errors import NotConfigured, Rejected
from devflow.models.fake import FakeModel
from devflow.models.router import Router
from devflow.server.assist.inline.evaluation.measure import asked, table
from devflow.server.assist.inline.evaluation.metrics import Scored, figures
from devflow.server.assist.inline.evaluation.places import (
    CROSS_CODE_EVAL,
    Place,
    SetsMissing,
    blocks_of,
    cross_code_eval,
    lines_of,
)
from devflow.server.assist.inline.evaluation.recorded import Recorded
from devflow.server.assist.inline.evaluation.restraint import Scenario, played, rates, scenarios
from devflow.server.assist.inline.evaluation.scripted import ScriptedFill, invent, with_invented_names
from devflow.server.models import build_router
from devflow.server.settings import Inline

SOURCE = (
    "import os\n\n\ndef area(width, height):\n"
    '    """The area."""\n    total = width * height\n    return total\n\n\nprint(area(1, 2), os.sep)\n'
    + "x = 1\n"
    * 100
)


@pytest.mark.parametrize(
    ("shown", "truth", "exact", "similarity", "names"),
    [
        ("a + b", "a + b ", True, 1.0, 1.0),
        ("", "a + b", False, 0.0, 0.0),
        ("a + c", "a + b", False, 0.8, 0.5),
        ("f(a)", "g(b)", False, 0.5, 0.0),
    ],
)
def test_how_near_a_suggestion_is(
    shown: str, truth: str, exact: bool, similarity: float, names: float
) -> None:
    scored = Scored(shown, truth)
    assert scored.exact is exact
    assert scored.similarity == pytest.approx(similarity)
    assert scored.identifier_f1 == pytest.approx(names)


def test_where_nothing_is_shown_counts_over_all_and_not_where_shown() -> None:
    told = figures([Scored("a", "a"), Scored("", "b")])
    assert (told.exact, told.exact_shown, told.shown) == (0.5, 1.0, 0.5)


async def test_silence_and_showing_are_as_the_scenarios_want() -> None:
    quiet, show = rates([await played(each, Path("/w")) for each in scenarios()])
    assert quiet >= 0.9
    assert show >= 0.6


async def test_a_scenario_in_which_the_wrong_thing_is_shown_is_not_right() -> None:
    wrong = Scenario("wrong", False, ("def f(a):\n    return <|>\n",), "a + 1", least="a + 2")
    assert not (await played(wrong, Path("/w"))).is_right


def test_invented_names_are_none_of_the_real_ones() -> None:
    real = frozenset({"width", "widths", "height"})
    made = {invent("width", random.Random(n), real) for n in range(50)}
    assert len(made) > 20
    assert not made & (real | {""})


def test_the_share_of_invented_names_is_the_one_asked_for() -> None:
    chance = random.Random(1)
    some = [with_invented_names("first(second, third.fourth)", 0.2, chance, frozenset()) for _ in range(200)]
    share = sum(len(each.invented) for each in some) / 800
    assert 0.15 < share < 0.25
    assert all(name in each.text for each in some for name in each.invented)


def package(root: Path) -> Path:
    (root / "a.py").write_text(SOURCE, "utf-8")
    return root


def test_places_in_a_package_are_what_stood_there(tmp_path: Path) -> None:
    found = lines_of(package(tmp_path), 5)
    assert found
    assert all(each.prefix + each.truth + each.suffix == SOURCE for each in found)


def test_a_body_is_what_is_behind_the_docstring(tmp_path: Path) -> None:
    [body] = blocks_of(package(tmp_path), 5)
    assert body.truth == "total = width * height\n    return total"


def test_a_missing_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetsMissing, match=r"cceval_python_100\.jsonl\.gz is missing"):
        cross_code_eval(tmp_path)


def test_a_set_s_context_comes_without_its_comment_signs(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "path": "a.py",
        "prefix": "x = ",
        "suffix": "\n",
        "groundtruth": "1",
        "crossfile_context": {
            "text": "# Here are some relevant code\n\n# the below code fragment\n# b.py\n# y = 2\n"
        },
    }
    file = tmp_path / CROSS_CODE_EVAL
    file.parent.mkdir()
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")
    [place] = cross_code_eval(tmp_path)
    assert "y = 2" in place.elsewhere.split("\n")


PLACE = Place("1", "a.py", "def f(width):\n    return ", "\n", "width + 1")


async def test_a_model_is_measured_with_its_name() -> None:
    result = await asked(
        "ours", "alone", [PLACE], ScriptedFill("width + 1\n"), Inline(context=False), elsewhere=False
    )
    assert (result.engine, result.figures.exact) == ("scripted", 1.0)
    assert "| ours | scripted | alone | 1 | 1.00 | 1.000 |" in table([result])


async def test_silence_is_measured_with_its_reason() -> None:
    result = await asked(
        "ours", "alone", [PLACE], ScriptedFill("wdith("), Inline(context=False), elsewhere=False
    )
    assert result.figures.shown == 0.0
    assert sum(result.silences.values()) == 1


async def said(fills: Recorded, request: FillRequest) -> str:
    return "".join([piece async for piece in fills.fill(request)])


async def test_what_was_recorded_is_said_again_without_the_model(tmp_path: Path) -> None:
    file, request = tmp_path / "said.jsonl", FillRequest("x = ", "\n")
    model = FakeModel("first + ", "second", name="real")
    for recording in (Recorded(file, Router([model], [])), Recorded(file, Router([model], []))):
        assert await said(recording, request) == "first + second"
    assert len(model.requests) == 1, "what the file holds is asked nobody"
    replay = Recorded(file)
    answer = replay.fill(request)
    assert "".join([piece async for piece in answer]) == "first + second"
    assert answer.model == "real"
    with pytest.raises(NotConfigured):
        await said(replay, FillRequest("y = ", "\n"))
    assert await said(Recorded(file), request) == "first + second"
    played = build_router(
        ModelsConfig(models=(ModelSpec("tape", "fake", options={"cassette": str(file)}),)), {}
    )
    assert (await played.whole(request)).text == "first + second", "the engine `fake` plays the same file"


async def test_a_failure_is_no_answer_and_asked_again(tmp_path: Path) -> None:
    file, request = tmp_path / "said.jsonl", FillRequest("x = ", "\n")
    recording = Recorded(file, Router([FakeModel("a", "b", failures=[Rejected("No.")], fail_after=1)], []))
    with pytest.raises(Rejected):
        await said(recording, request)
    with pytest.raises(Rejected, match="No"):
        await said(Recorded(file), request)
    assert await said(recording, request) == "ab"


async def test_another_file_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "said.json").write_text("[]", "utf-8")
    with pytest.raises(NotConfigured, match="cannot be read"):
        await said(Recorded(tmp_path / "said.json"), FillRequest("x = ", "\n"))
