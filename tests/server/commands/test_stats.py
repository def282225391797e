"""`devflow stats` and `devflow audit`."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import pytest

from devflow.models.feedback import Action, Event, Feedback
from devflow.models.guard.accounting import AUDIT, LEDGER
from devflow.models.guard.answers import Answers
from devflow.models.guard.audit import AuditLog
from devflow.models.guard.books import Keeping, Price
from devflow.models.guard.ledger import Call, Ledger
from devflow.models.guard.metrics import exposition
from devflow.models.guard.prices import money
from devflow.models.guard.spending import Alternative, forecast, recommendations, summed
from devflow.server.cli import main
from devflow.server.models import answers_folder, state_folder

NOW = time.time()


def call(
    feature: str = "explain", model: str = "big", cost: float = 0.1, ago: float = 60.0, **more: object
) -> Call:
    values: dict[str, object] = {"host": "h", "read": 1000, "written": 200, "first": 0.3, "total": 1.5} | more
    return Call("c", NOW - ago, feature, model, cost=cost, **values)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path / LEDGER)
    for day in range(20):
        ledger.settle(None, call(ago=day * 86_400.0 + 60))
    ledger.settle(None, call("fill", "small", 0.0, host="", workspace="/w"))
    log = AuditLog(tmp_path / AUDIT)
    for other in (
        call("chat", cost=0.0, hit="semantic", saved=0.25),
        call("chat", outcome="failed", cost=0.0, model="=cmd()"),
    ):
        ledger.settle(None, other, log.append({"id": "c", "redacted": {}}))
    ledger.close()
    return tmp_path


@pytest.fixture
def suggested(tmp_path: Path) -> Path:
    """The same folder, where suggestions were shown."""
    store = Feedback(tmp_path / "feedback.sqlite3")
    for number in range(4):
        name = f"s{number}"
        store.record(Event(name, Action.SHOWN, "item", "python", "small"))
        if number < 3:
            store.record(Event(name, Action.ACCEPTED, "item", "python", "small"))
    store.record(Event("s0", Action.EDITED, "item", "python", "small", distance=2))
    store.record(Event("s1", Action.EDITED, "item", "python", "small"))
    store.close()
    return tmp_path


def test_stats_tell_what_became_of_suggestions(
    folder: Path, suggested: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    [line] = [line for line in shown.splitlines() if line.startswith("ghost text in a list")]
    assert line.split()[5:] == ["small", "4", "3", "75%", "0", "1", "50%"]


def test_where_no_model_was_asked_stats_tell_of_suggestions_all_the_same(
    suggested: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--json", "--folder", str(suggested)]) == 0
    [told] = json.loads(capsys.readouterr().out)["suggestions"]
    assert (told["kind"], told["shown"], told["accepted"]) == ("item", 4, 3)
    assert main(["stats", "--folder", str(suggested)]) == 0
    assert "ghost text in a list" in capsys.readouterr().out


def test_stats_are_tables_with_sums_days_and_the_month_s_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    for part in (
        "by feature",
        "explain",
        "by model",
        "small",
        "cost by day",
        "this month",
        "80 %",
        "saved 0.25",
    ):
        assert part in shown


def test_stats_as_json_hold_what_the_tables_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--json", "--by", "feature", "--by", "day", "--folder", str(folder)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["total"]["cost"] == pytest.approx(2.0)
    assert answer["by_feature"][0]["name"] == "explain"
    assert len(answer["by_day"]) >= 20
    assert answer["cache"] == {
        "hits": 1, "semantic_hits": 1, "misses": 21, "saved": 0.25, "checked": 0, "false": 0
    }  # fmt: skip
    assert answer["forecast"]["expected"] >= answer["forecast"]["spent"] > 0


def test_stats_as_json_hold_every_call_beside_the_sums(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--json", "--folder", str(folder)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["calls"]) == 23
    assert {each.name for each in fields(Call)} == set(answer["calls"][0])
    assert sum(each["cost"] for each in answer["calls"]) == pytest.approx(answer["total"]["cost"])
    assert main(["stats", "--csv", "--folder", str(folder)]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [row["at"] for row in rows] == [str(each["at"]) for each in answer["calls"]]


def test_a_call_that_was_never_made_is_no_call(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(folder / LEDGER)
    ledger.settle(None, call("chat", outcome="refused", cost=0.0))
    ledger.close()
    main(["stats", "--json", "--folder", str(folder)])
    total = json.loads(capsys.readouterr().out)["total"]
    assert (total["calls"], total["refused"]) == (23, 1)


@pytest.mark.parametrize("days", ["-5", "0", "many", "nan"])
def test_days_to_look_back_are_a_positive_number(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["stats", f"--days={days}"])
    assert "is no number of days" in capsys.readouterr().err


def test_stats_as_csv_are_every_call_and_no_formula(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--csv", "--folder", str(folder)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 23
    assert {row["model"] for row in rows} == {"big", "small", "'=cmd()"}


def test_no_cell_begins_a_formula_behind_a_sign_that_is_not_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path / LEDGER)
    ledger.settle(None, Call("c", time.time(), "chat", "\t=cmd()", language="\r@x", workspace="\n-1"))
    ledger.close()
    assert main(["stats", "--csv", "--folder", str(tmp_path)]) == 0
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert (row["model"], row["language"], row["workspace"]) == ("'\t=cmd()", "'\r@x", "'\n-1")


def test_stats_of_one_workspace_are_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["stats", "--json", "--workspace", "/w", "--folder", str(folder)])
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 1


def test_without_a_ledger_stats_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--folder", str(tmp_path)]) == 1
    assert "No call" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_whole_audit_log_is_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--folder", str(folder)]) == 0
    assert "2 lines, the chain is whole" in capsys.readouterr().out


def test_a_changed_line_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / AUDIT
    path.write_bytes(path.read_bytes().replace(b'"c"', b'"d"', 1))
    assert main(["audit", "verify", "--folder", str(folder)]) == 1
    assert "line 1 is broken" in capsys.readouterr().out
    assert main(["audit", "verify", "--json", "--folder", str(folder)]) == 1
    assert json.loads(capsys.readouterr().out)["broken"] == 1


def test_a_log_with_a_line_of_other_bytes_is_shown_as_far_as_it_can_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / AUDIT).open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert main(["audit", "show", "--folder", str(folder)]) == 0
    assert "a line that cannot be read; `devflow audit verify` says which" in capsys.readouterr().out


def test_lines_taken_off_the_end_are_seen(folder: Path) -> None:
    path = folder / AUDIT
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert main(["audit", "verify", "--folder", str(folder)]) == 1


@pytest.mark.parametrize("ledger", [None, b"no database"])
def test_without_the_ledger_nobody_claims_that_no_line_is_missing(
    folder: Path, ledger: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.glob(f"{LEDGER}*"):
        path.unlink()
    if ledger is not None:
        (folder / LEDGER).write_bytes(ledger)
    assert main(["audit", "verify", "--folder", str(folder)]) == 0
    assert "no line is missing at the end cannot be told" in capsys.readouterr().err.replace("\n", " ")


def test_metrics_are_in_prometheus_s_format() -> None:
    text = exposition([call(model='a"b'), call(total=0.2)])
    assert 'devflow_model_cost_total{feature="explain",model="big"} 0.1\n' in text
    assert 'model="a\\"b"' in text
    assert 'devflow_model_answer_seconds_bucket{feature="explain",model="big",le="0.25"} 1\n' in text
    assert text.endswith("\n")
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rpartition(" ")[2]) >= 0


def test_a_steady_month_ends_where_it_is_heading() -> None:
    today = date(2025, 10, 20)
    end = forecast({today - timedelta(days=each): 1.0 for each in range(40)}, today)
    assert (end.spent, end.expected, end.low, end.high) == (20.0, 31.0, 31.0, 31.0)


@pytest.mark.parametrize("days", [1, 2, 3])
def test_a_forecast_from_a_few_days_claims_no_interval(
    days: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = date(2025, 10, 20)
    end = forecast({today - timedelta(days=each): 1.0 + each for each in range(days)}, today)
    assert end.expected > end.spent
    assert (end.low, end.high) == (None, None)
    ledger = Ledger(tmp_path / LEDGER)
    for day in range(days):
        ledger.settle(None, call(ago=day * 86_400.0 + 60))
    ledger.close()
    assert main(["stats", "--folder", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "too few to say how sure that is" in shown
    assert "80 %" not in shown
    assert main(["stats", "--json", "--folder", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["forecast"]["low"] is None


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "0.00"), (12.5, "12.50"), (0.25, "0.25"), (0.034, "0.034"), (0.00123, "0.0012"),
        (0.0000042, "0.000004"), (1234.5, "1234.50"),
    ],
)  # fmt: skip
def test_money_is_shown_with_the_digits_that_say_something(amount: float, shown: str) -> None:
    assert money(amount) == shown


def test_stats_of_calls_for_less_than_a_cent_are_not_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path / LEDGER)
    ledger.settle(None, call(cost=0.0012))
    ledger.close()
    assert main(["stats", "--by", "model", "--folder", str(tmp_path)]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("big")]
    assert "0.0012" in line.split()


def test_months_end_inside_their_forecast_about_as_often_as_it_says() -> None:
    today, inside = date(2025, 10, 10), 0
    for number in range(100):
        chance = random.Random(number)
        days = {today + timedelta(days=each): chance.lognormvariate(0, 1) for each in range(-56, 22)}
        end = forecast({day: cost for day, cost in days.items() if day <= today}, today, draws=300)
        assert end.low is not None
        assert end.high is not None
        whole = sum(cost for day, cost in days.items() if day.month == today.month)
        inside += end.low <= whole <= end.high
    assert 72 <= inside <= 88  # without drawing the known days anew as well: 67


def test_weekends_are_drawn_from_weekends() -> None:
    today = date(2025, 10, 17)  # a Friday; 4 weekend days are left
    past = (today - timedelta(days=each) for each in range(40))
    end = forecast({day: 0.0 if day.weekday() >= 5 else 1.0 for day in past}, today)
    assert end.expected == pytest.approx(end.spent + 10)


def test_the_first_day_of_all_has_a_forecast() -> None:
    today = date(2025, 10, 30)
    assert forecast({today: 2.0}, today).expected == pytest.approx(4.0)
    assert forecast({}, today).expected == 0.0


def test_what_a_cheaper_model_could_answer_is_recommended() -> None:
    calls = [call(read=1_000 if number < 7 else 9_000, ago=number * 86_400.0) for number in range(10)]
    cheap = Alternative("local", Price(0.0, 0.0), 4096, local=True, tasks=("fill", "chat"))
    [hint] = recommendations(calls, [cheap])
    assert hint.startswith("70% of your explain calls of big would fit local, on this machine")
    assert recommendations(calls, []) == []
    assert recommendations(calls, [Alternative("dear", Price(1e6, 1e6), 99_999, False, ("chat",))]) == []


def test_only_models_that_may_do_the_task_are_recommended_for_it() -> None:
    free = Price(0.0, 0.0)
    talker = Alternative("talker", free, 4096, local=True, tasks=("chat",))
    filler = Alternative("filler", free, 4096, local=True, tasks=("fill",))
    explainer = Alternative("explainer", free, 4096, local=True, tasks=("explain",))
    calls = {
        feature: [call(feature, ago=number * 86_400.0) for number in range(10)]
        for feature in ("fill", "explain", "chat", "embed")
    }
    for feature, named in (("fill", "filler"), ("explain", "explainer"), ("chat", "talker")):
        [hint] = recommendations(calls[feature], [explainer, filler, talker])
        assert f"your {feature} calls of big would fit {named}," in hint
    assert recommendations(calls["fill"], [talker, explainer]) == []
    assert recommendations(calls["embed"], [talker, filler, explainer]) == []


def test_the_models_of_the_settings_are_recommended_for_what_they_are_configured_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    own = tmp_path / "config" / "devflow" / "devflow.toml"
    own.parent.mkdir(parents=True)
    entry = '[[models.list]]\nname = "here"\nengine = "ctransformers"\nmodel = "a.gguf"\ntasks = ["%s"]\n'
    for task, hints in (("fill", 0), ("explain", 1)):
        own.write_text(entry % task)
        main(["stats", "--json", "--folder", str(folder)])
        told = json.loads(capsys.readouterr().out)["recommendations"]
        assert len([hint for hint in told if "would fit here" in hint]) == hints


def test_misses_are_told_where_nothing_was_hit_and_wrong_answers_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ledger = Ledger(tmp_path / LEDGER)
    for number in range(3):
        ledger.settle(None, call(ago=60.0 + number))
    ledger.settle(None, call("fill"))
    ledger.settle(None, call("embed"))
    ledger.settle(None, call(outcome="refused", cost=0.0))  # its question went to the next model
    ledger.close()
    vectors = {"yes": [1.0, 0.0], "the same": [0.9, 0.43589], "no": [0.0, 1.0]}
    kept = Answers(Keeping(str(answers_folder())), lambda texts: [vectors[text] for text in texts])
    assert [kept.compared("yes", fresh) for fresh in ("the same", "no", "no")] == [True, False, False]
    kept.close()
    main(["stats", "--folder", str(tmp_path)])
    said = " ".join(capsys.readouterr().out.split())
    assert "0 of 3 questions were answered from kept answers" in said
    assert "of 3 checked, 2 were wrong" in said
    main(["stats", "--json", "--folder", str(tmp_path)])
    cache = json.loads(capsys.readouterr().out)["cache"]
    assert (cache["hits"], cache["misses"], cache["checked"], cache["false"]) == (0, 3, 3, 2)


def own_settings(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A user's settings and state, below `folder`."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name))
    config = folder / "CONFIG" / "devflow" / "devflow.toml"
    config.parent.mkdir(parents=True)
    config.write_text(text)


def test_what_is_left_of_the_budgets_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_settings(
        tmp_path,
        monkeypatch,
        "[models.budget]\nday = 0.4\nworkspace_month = 1.0\n"
        "[[models.list]]\nname = 'big'\nengine = 'openai'\nmodel = 'm'\nbase_url = 'http://127.0.0.1:9/v1'\n",
    )
    assert main(["route", "--explain", "why", "--root", str(tmp_path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Budgets: today 0.00 of 0.40 (0%); this month in this workspace 0.00 of 1.00 (0%);" in told
    state_folder().mkdir(parents=True)
    ledger = Ledger(state_folder() / LEDGER)
    ledger.settle(None, call(ago=0.0))
    ledger.settle(None, call(ago=0.0, cost=0.2, workspace=str(tmp_path)))
    ledger.close()
    spent = "today 0.30 of 0.40 (75%)"
    in_workspace = f"{spent}; this month in this workspace 0.20 of 1.00 (20%)"
    for command, said in (
        (["stats"], f"budget {spent}"),
        (["stats", "--workspace", str(tmp_path)], in_workspace),
        (["route", "--explain", "why", "--root", str(tmp_path)], f"Budgets: {in_workspace};"),
        (["doctor", "--models", str(tmp_path)], in_workspace),
    ):
        main(command)
        assert said in " ".join(capsys.readouterr().out.split()), command
    main(["stats", "--json"])
    assert json.loads(capsys.readouterr().out)["budgets"] == [
        {"name": "today", "limit": 0.4, "spent": pytest.approx(0.3)}
    ]


def test_a_ledger_that_cannot_be_used_is_no_good_news_of_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_settings(
        tmp_path,
        monkeypatch,
        "[models.budget]\nday = 0.4\n[[models.list]]\nname = 'big'\nengine = 'fake'\nmodel = 'm'\n",
    )
    (state_folder() / LEDGER).mkdir(parents=True)
    assert main(["doctor", "--models", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if "budgets" in line)
    assert line.split()[0] == "✗"
    main(["route", "--explain", "why", "--root", str(tmp_path)])
    streams = capsys.readouterr()
    assert "Budgets" not in streams.out
    assert str(state_folder() / LEDGER) in "".join(streams.err.split())


def test_a_call_that_was_refused_is_told_as_nothing_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = AuditLog(tmp_path / AUDIT)
    line = {"time": "t", "outcome": "refused", "to": "h", "model": "m", "files": ["a.py"], "redacted": {}}
    log.append({**line, "why": "The budget for today is spent.", "characters": 0})
    main(["audit", "show", "--folder", str(tmp_path)])
    assert "t refused nothing was sent to h (m), of a.py: The budget for today is spent." in " ".join(
        capsys.readouterr().out.split()
    )


def test_lines_are_summed_with_the_dearest_first() -> None:
    lines = summed([call(), call(), call("fill", cost=0.9)], "feature")
    assert [(line.name, line.calls) for line in lines] == [("fill", 1), ("explain", 2)]
    assert lines[1].total_p95 == 1.5


def test_a_log_that_is_gone_is_not_told_as_one_in_which_nothing_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / AUDIT).unlink()
    assert main(["audit", "show", "--folder", str(folder)]) == 1
    said = capsys.readouterr()
    assert "Lines are missing" in said.err
    assert said.out == ""


def test_a_folder_without_a_log_is_not_called_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--folder", str(tmp_path / "mistyped")]) == 0
    said = capsys.readouterr().out
    assert "does not exist" in said
    assert "whole" not in said
