"""`devflow route`, `devflow experiments`, `devflow doctor --models`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from devflow.models.feedback import Action, Event, Feedback
from devflow.models.guard.accounting import LEDGER
from devflow.models.guard.books import Budget
from devflow.models.guard.ledger import Call, Ledger
from devflow.server import cli
from devflow.server.settings import FILE_NAME
from support import tiny_gguf

CONFIG = """
[[models.list]]
name = "small"
engine = "fake"

[[models.list]]
name = "crab"
engine = "fake"
languages = ["rust"]
tasks = ["fill"]

[[models.list]]
name = "cloud"
engine = "openai"
model = "gpt-x"
base_url = "https://api.example.com/v1"
api_key_env = "THE_KEY"

[[models.rules]]
name = "hard things"
tasks = ["chat"]
min_difficulty = 0.5
prefer = ["cloud", "nobody"]

[[models.experiments]]
name = "which"
models = ["small", "crab"]
languages = ["go"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and a user's own file that names models."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("THE_KEY", "k")
    own = tmp_path / "config" / "devflow"
    own.mkdir(parents=True)
    (own / FILE_NAME).write_text(CONFIG)
    root = tmp_path / "work"
    root.mkdir()
    (root / "lib.rs").write_text("fn main() {}\n")
    (root / ".env").write_text("KEY=1\n")
    return root


def route(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    cli.main(["route", "--root", str(root), "--json", *arguments])
    return json.loads(capsys.readouterr().out)


def test_a_model_that_the_budget_would_refuse_is_not_asked(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = tmp_path / "config" / "devflow" / FILE_NAME
    prices = CONFIG.replace(
        'api_key_env = "THE_KEY"', 'api_key_env = "THE_KEY"\ninput_price = 3.0\noutput_price = 9.0'
    )
    own.write_text(f"[models]\nlocal_only = false\n[models.budget]\nday = 0.05\nrequest = 0.02\n{prices}")

    def cloud(text: str) -> dict[str, Any]:
        told = route(root, capsys, "--explain", text)
        return next(each for each in told["candidates"] if each["model"] == "cloud")

    assert cloud("Why?")["asked"]
    assert "models.budget.request allows" in cloud("Why? " * 5_000)["left_out"]
    ledger = Ledger(tmp_path / "state" / "devflow" / LEDGER)
    ledger.settle(None, Call("c", time.time(), "chat", "cloud", "api.example.com", cost=0.049))
    assert (
        "The budget for today (0.050) does not cover this call: 0.049 is spent" in cloud("Why?")["left_out"]
    )
    assert ledger.reserve(0.001, Budget(day=0.05), "", time.time()), "nothing stays reserved"
    own.write_text(own.read_text().replace("input_price", 'options = { thinking = "4096" }\ninput_price'))
    assert "could cost 0.0" in cloud("Why?")["left_out"], "thoughts are paid for"
    assert "models.budget.request allows" in cloud("Why?")["left_out"]
    ledger.close()


def test_the_candidates_are_printed_in_order_with_their_reasons(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = route(root, capsys, "--task", "fill", "--explain", "lib.rs")
    assert told["language"] == "rust"
    assert [each["model"] for each in told["candidates"]] == ["crab", "small", "cloud"]
    assert "the rule 'experts first' prefers experts in rust" in told["candidates"][0]["reasons"]


def test_a_hard_question_goes_by_the_user_s_rule(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    easy = route(root, capsys, "--explain", "What is this?")
    hard = route(root, capsys, "--explain", "Why does this deadlock? " * 60)
    assert easy["difficulty"] < 0.5 < hard["difficulty"]
    assert easy["candidates"][0]["model"] == "small"
    assert hard["candidates"][0]["model"] == "cloud"


def test_what_may_not_leave_is_left_out_with_its_reason(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = route(root, capsys, "--task", "fill", "--path", ".env", "--explain", "KEY=")
    assert told["private"]
    assert "never leaves this machine" in told["candidates"][-1]["left_out"]
    cli.main(["route", "--root", str(root), "--path", ".env", "--explain", "x"])
    printed = capsys.readouterr().out
    assert "1. small: number 1 in your list; local" in printed
    assert "cloud: not asked: the request holds text" in printed


def test_a_file_is_judged_by_every_name_it_has_as_the_server_does(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "devflow.toml").write_text("[models]\nnever_send = ['/lib.rs']\n")
    (root / "notes.txt").symlink_to(root / ".env")
    for path in (str(root / "lib.rs"), "notes.txt"):
        assert route(root, capsys, "--task", "fill", "--path", path, "--explain", "x")["private"], path


def test_without_models_the_command_says_so_and_fails(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(root))
    assert cli.main(["route", "--root", str(root), "--explain", "x"]) == 1
    assert "No model is configured for that" in capsys.readouterr().out


def test_an_experiment_without_events_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["experiments", "--root", str(root)]) == 0
    printed = capsys.readouterr().out
    assert "which" in printed
    assert "Nothing was shown yet by small, crab." in printed
    cli.main(["experiments", "--root", str(root), "--json"])
    [told] = json.loads(capsys.readouterr().out)
    assert [arm["measures"][0]["of"] for arm in told["tasks"][0]["arms"]] == [0, 0]


def test_an_experiment_counts_what_was_written_down_in_it_and_nothing_else(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "config" / "devflow" / FILE_NAME
    own.write_text(CONFIG.replace('languages = ["go"]', 'tasks = ["fill", "explain"]'))
    store = Feedback(tmp_path / "state" / "devflow" / "feedback.sqlite3")
    for number in range(30):
        for model in ("small", "crab"):
            for experiment in ("which", ""):  # the other half: from before, or of files that take no part
                name = f"{model} {number} {experiment}"
                unit = f"file {number}"
                store.record(Event(name, Action.SHOWN, model=model, experiment=experiment, unit=unit))
                if (model == "crab") == bool(experiment):
                    store.record(Event(name, Action.ACCEPTED, model=model, experiment=experiment, unit=unit))
    store.close()
    ledger = Ledger(tmp_path / "state" / "devflow" / LEDGER)
    for number in range(20):
        for model, took in (("small", 1.0), ("crab", 4.0)):
            took += number / 100
            ledger.settle(
                None,
                Call("c", time.time(), "explain", model, total=took, experiment="which", unit=f"{number}"),
            )
        ledger.settle(None, Call("c", time.time(), "explain", "crab", total=0.1))
        ledger.settle(None, Call("c", time.time(), "chat", "crab", total=0.1, experiment="which"))
    ledger.close()
    cli.main(["experiments", "--root", str(root), "--json"])
    [told] = json.loads(capsys.readouterr().out)
    fill, explain = told["tasks"]
    assert fill["verdict"] == "crab is accepted more often than small."
    assert [arm["measures"][0]["of"] for arm in fill["arms"]] == [30, 30]
    assert explain["verdict"] == "small is quicker than crab."
    assert [arm["measures"][1]["of"] for arm in explain["arms"]] == [20, 20]
    assert [arm["measures"][1]["units"] for arm in explain["arms"]] == [20, 20]
    cli.main(["experiments", "--root", str(root)])
    assert "4.09 s" in capsys.readouterr().out


def test_calls_of_an_experiment_that_were_not_made_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state" / "devflow"
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / LEDGER)
    for outcome in ("refused", "refused", "answered"):
        ledger.settle(
            None, Call("c", time.time(), "explain", "small", outcome=outcome, experiment="which", unit="1")
        )
    ledger.close()
    cli.main(["experiments", "--root", str(root)])
    assert "2 calls of small were not made, because a budget" in " ".join(capsys.readouterr().out.split())


def test_an_experiment_of_a_task_that_nothing_is_written_down_of_is_refused_in_a_sentence(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "config" / "devflow" / FILE_NAME
    without = CONFIG.replace('languages = ["go"]', 'tasks = ["fill", "explain"]')
    own.write_text("models.ledger = false\nfeedback.record = false\n" + without)
    cli.main(["experiments", "--root", str(root)])
    printed = " ".join(capsys.readouterr().out.split())
    assert "Nothing is written down to judge fill by: feedback.record is off" in printed
    assert "Nothing is written down to judge explain by: models.ledger is off" in printed


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ('["small", "nobody"]', "'nobody' is no model that is configured"),
        ('["small"]', "'small' is its only model, so there is nothing to compare it with."),
        ('["small", "small"]', "'small' is named more than once."),
        ('["small", "talker"]', "'talker' is not used for fill; see its `tasks`."),
    ],
)
def test_what_keeps_an_experiment_from_telling_anything_is_said(
    models: str, said: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talker = '[[models.list]]\nname = "talker"\nengine = "fake"\ntasks = ["chat"]\n'
    own = CONFIG.replace('["small", "crab"]', models) + talker
    (tmp_path / "config" / "devflow" / FILE_NAME).write_text(own)
    cli.main(["experiments", "--root", str(root)])
    assert said in " ".join(capsys.readouterr().out.split())
    cli.main(["experiments", "--root", str(root), "--json"])
    [told] = json.loads(capsys.readouterr().out)
    assert any(said in problem for problem in told["problems"])
    cli.main(["doctor", str(root), "--models", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert any(said in check["detail"] for check in checks if check["name"] == "experiments")


def test_an_experiment_that_can_tell_something_is_not_complained_of(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["experiments", "--root", str(root), "--json"])
    assert json.loads(capsys.readouterr().out)[0]["problems"] == []


def test_the_doctor_says_of_each_model_what_it_is_for_and_names_rules_without_a_model(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", str(root), "--models", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    told = [f"{check['name']}: {check['detail']}" for check in checks]
    assert any("crab" in line and "fake, local" in line for line in told)
    assert any("for fill; expert in rust; family llama (guessed)" in line for line in told)
    assert any(line == "rules: the rule 'hard things' names nobody, which is no model" for line in told)


def test_the_doctor_looks_into_model_files(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ctransformers")
    new = tiny_gguf.write_new(tmp_path / "new.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_gguf.write(tmp_path / "old.gguf").read_bytes()[:-1000])
    own = tmp_path / "config" / "devflow" / FILE_NAME
    own.write_text(
        "".join(
            f'[[models.list]]\nname = "{path.stem}"\nengine = "ctransformers"\nmodel = "{path}"\n'
            for path in (new, cut)
        )
    )
    assert cli.main(["doctor", str(root), "--models", "--json"]) == 1
    checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert "'qwen2' model, which ctransformers cannot run" in checks["new"]["detail"]
    assert "bytes are missing at its end" in checks["cut"]["detail"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:11434/v1", "nothing leaves this machine"),
        ("https://models.example/v1", "may be called beyond this machine: served"),
    ],
)
def test_the_doctor_says_what_may_leave_the_machine(
    address: str, said: str, root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    served = f'[[models.list]]\nname = "served"\nengine = "openai"\nmodel = "m"\nbase_url = "{address}"\n'
    (tmp_path / "config" / "devflow" / FILE_NAME).write_text(f"[models]\nlocal_only = false\n{served}")
    cli.main(["doctor", str(root), "--models", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check["detail"] for check in checks if check["name"] == "egress"] == [said]


def test_the_doctor_asks_each_model_where_it_is_told_to(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    local = '[[models.list]]\nname = "small"\nengine = "fake"\noptions = { answer = "1" }\n'
    (tmp_path / "config" / "devflow" / FILE_NAME).write_text(local)
    assert cli.main(["doctor", str(root), "--models", "--json", "--ask"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert "then the first piece after" in checks[-1]["detail"]
