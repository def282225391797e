"""What may be written, who may write it, and how a mistake is told."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from devflow.models.base import FillRequest
from devflow.models.guard.books import Price
from devflow.models.outbound import Outbound
from devflow.models.profiles import fill_prompt, profile_named, profile_of
from devflow.models.routing.rules import Asked
from devflow.server.settings import Settings
from devflow.server.settings_table import json_schema
from devflow.server.sources import Source, load, resolve, user_file

SCHEMA = Path(__file__).parents[2] / "docs" / "devflow.schema.json"


def of(text: str, *, trusted: bool = True, label: str = "devflow.toml") -> Source:
    return Source(label, tomllib.loads(text), text, trusted)


def problems(text: str, *, trusted: bool = True) -> list[str]:
    return resolve(of(text, trusted=trusted))[1]


def test_nothing_written_gives_the_defaults() -> None:
    assert resolve() == (Settings(), [])
    assert Settings().models.local_only


def test_a_later_source_wins_key_by_key() -> None:
    settings, said = resolve(
        of("[completion]\nmax_items = 50\ndeadline_ms = 10"), of("[completion]\nmax_items = 60")
    )
    assert (settings.completion.max_items, settings.completion.deadline_ms) == (60, 10)
    assert said == []


def test_editors_may_write_camel_case() -> None:
    settings, said = resolve(Source("the editor's settings", {"completion": {"maxItems": 50}}))
    assert (settings.completion.max_items, said) == (50, [])


def test_the_workspace_file_comes_after_the_editor_and_the_users_file(tmp_path: Path) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("log_level = 'error'\n[completion]\nmax_items = 20\n[hover]\nexplain = 'off'\n")
    (tmp_path / "devflow.toml").write_text("[completion]\nmax_items = 40\n")
    editor: dict[str, Any] = {"completion": {"maxItems": 30}, "logLevel": "info"}
    settings, said = load([tmp_path], [editor])
    assert said == []
    assert settings.completion.max_items == 40
    assert settings.log_level == "info"
    assert settings.hover.explain == "off"


def test_a_workspace_file_cannot_name_a_model() -> None:
    text = '[[models.list]]\nname = "evil"\nengine = "openai"\nbase_url = "https://evil.example"\n'
    settings, said = resolve(of(text, trusted=False))
    assert settings.models.models == ()
    assert settings.models.local_only
    assert len(said) == 1
    assert said[0].startswith("devflow.toml, line 1: a workspace file may not set models.list")


def test_a_workspace_file_can_narrow_what_is_sent_and_never_widen_it() -> None:
    mine = Source(
        "mine", {"models": {"list": [{"name": "big", "engine": "openai"}], "never_send": ["secret/"]}}
    )
    opened, _ = resolve(mine, of("[models]\nlocal_only = false\nnever_send = ['more/']", trusted=False))
    assert not opened.models.local_only
    assert opened.models.never_send == ("secret/", "more/")
    closed, _ = resolve(mine, of("[models]\nlocal_only = true", trusted=False))
    assert closed.models.local_only


def test_what_an_earlier_source_forbade_stays_forbidden() -> None:
    settings, _ = resolve(of("[models]\nlocal_only = true"), of("[models]\nlocal_only = false"))
    assert settings.models.local_only


@pytest.mark.parametrize("taken_back", ["!.env", "!private/", "!*", "!/**"])
def test_a_workspace_file_takes_back_nothing_that_is_never_sent(taken_back: str) -> None:
    mine = of("[models]\nlocal_only = false\nnever_send = ['private/']")
    settings, [said] = resolve(mine, of(f"[models]\nnever_send = ['more/', '{taken_back}']", trusted=False))
    guard = Outbound(local_only=False, never_send=settings.models.never_send)
    assert all(map(guard.kept_back, (".env", "private/a.py", "key.pem", "more/a.py")))
    assert f"may not take back what is never sent: {taken_back!r} is left out" in said
    kept, problems = resolve(of(f"[models]\nnever_send = ['{taken_back}']"))
    assert (kept.models.never_send, problems) == ((taken_back,), [])


def test_a_workspace_file_does_not_switch_on_what_sends_text_where_the_user_has_it_off() -> None:
    mine = of(
        "[features]\ninline_completion = false\n[next_edit]\nmodel = false\n"
        "[inline]\ncontext = false\npaths_off = ['secret/']\nlanguages_off = ['yaml']"
    )
    theirs = (
        "[features]\ninline_completion = true\nhover = false\n[next_edit]\nmodel = true\n"
        "[inline]\ncontext = true\npaths_off = []\nlanguages_off = ['json']"
    )
    settings, problems = resolve(mine, of(theirs, trusted=False))
    assert not settings.features.inline_completion
    assert not settings.features.hover
    assert not settings.next_edit.model
    assert not settings.inline.context
    assert settings.inline.paths_off == ("secret/",)
    assert settings.inline.languages_off == ("yaml", "json")
    assert problems == []
    editor, _ = resolve(mine, of(theirs))
    assert editor.inline.context


def test_naming_a_remote_model_opens_the_switch_that_was_not_set() -> None:
    settings, _ = resolve(of('[[models.list]]\nname = "big"\nengine = "anthropic"'))
    assert not settings.models.local_only


def test_naming_a_server_on_this_machine_leaves_it_closed() -> None:
    def local(url: str, extra: str = "") -> bool:
        settings, _ = resolve(
            of(f'[[models.list]]\nname = "m"\nengine = "openai"\nbase_url = "{url}"\n{extra}')
        )
        return settings.models.local_only

    assert local("http://localhost:11434/v1")
    assert local("http://127.0.0.1:8080/v1")
    assert not local("http://127.0.0.1:8080/v1", "options = { forwards = 'Yes' }")
    assert not local("http://127.0.0.1:8080/v1", "options = { proxy = 'http://proxy.example:3128' }")
    assert not local("http://localhost.example/v1")
    assert resolve(of("[retrieval.chroma]\nurl = 'http://localhost:8000'"))[0].models.local_only
    assert not resolve(of("[retrieval.chroma]\nurl = 'http://chroma.example'"))[0].models.local_only
    assert not resolve(of("[models]\ntraces_endpoint = 'http://traces.example'"))[0].models.local_only


def test_an_unknown_key_is_told_with_line_and_nearest_name() -> None:
    [said] = problems("[features]\nhover = true\n\n[completion]\nmax_itmes = 5\n")
    assert said.startswith("devflow.toml, line 5: unknown setting 'completion.max_itmes'")
    assert "'max_items'" in said


def test_a_wrong_value_is_told_and_the_rest_still_counts() -> None:
    settings, said = resolve(of("[completion]\nmax_items = 'many'\ndeadline_ms = 11\n"))
    assert settings.completion.deadline_ms == 11
    assert settings.completion.max_items == Settings().completion.max_items
    assert len(said) == 1
    assert said[0].startswith("devflow.toml, line 2: 'completion.max_items'")


@pytest.mark.parametrize(
    "content",
    [b"[[[", b"\xff\xfe", b"a = " + b"[" * 100_000, b"a = " + b"1" * 5_000, b"#" * 1_000_001],
    ids=["not TOML", "not UTF-8", "nested", "digits", "large"],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "devflow.toml").write_bytes(content)
    settings, said = load([tmp_path])
    assert settings == Settings()
    assert len(said) == 1
    assert str(tmp_path / "devflow.toml") in said[0]


def test_a_workspace_file_that_is_a_device_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "devflow.toml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "two" / "devflow.toml")
    settings, said = load([tmp_path / "one", tmp_path / "two"])
    assert settings == Settings()
    assert ["is not a file: it is ignored" in sentence for sentence in said] == [True, True]


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA.read_text("utf-8") == json_schema(), "run: .venv/bin/python docs/generate.py"


def test_the_schema_accepts_what_the_server_accepts_and_refuses_the_rest() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json_schema()))
    assert validator.is_valid({"completion": {"max_items": 50}, "log_level": "info"})
    assert not validator.is_valid({"completion": {"max_itmes": 50}})
    assert not validator.is_valid({"completion": {"max_items": "many"}})


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("[completion]\ndeadline_ms = 4", "'completion.deadline_ms' should be 5 or more"),
        ("[completion]\nmax_items = true", "'completion.max_items' should be a whole number"),
        ("[features]\nhover = 1", "'features.hover' should be true or false"),
        ("[hover]\nexplain = 'always'", "'hover.explain' should be 'cached' or 'off'"),
        ("[models]\ntimeout_s = 0", "'models.timeout_s' should be more than 0"),
        ("[index]\nexclude = ['a', 2]", "'index.exclude.1' should be text"),
        ("index = 3", "'index' should be a table"),
        ("[[models.list]]\nname = 'x'", "'models.list.0.engine' is missing"),
    ],
)
def test_each_kind_of_mistake_is_told_and_costs_nothing_else(written: str, sentence: str) -> None:
    settings, [said] = resolve(of(f"log_level = 'info'\n{written}"))
    assert sentence in said
    assert settings.log_level == "info"
    assert settings.completion == Settings().completion


def test_a_whole_number_is_a_number() -> None:
    settings, said = resolve(of("[models]\ntimeout_s = 5"))
    assert (settings.models.timeout, said) == (5.0, [])


def test_rules_experiments_and_families_are_read_and_their_faults_named() -> None:
    text = (
        "[[models.rules]]\nname = 'r'\ntasks = ['review']\nmin_tokens = 10\nprefer = ['local']\n"
        "[[models.rules]]\nname = 'bad'\ntasks = ['dance']\n"
        "[[models.experiments]]\nname = 'e'\nmodels = ['a', 'b']\nshare = 0.5\n"
        "[[models.families]]\nname = 'Mine'\nguess = 'my.coder'\nlike = 'qwen-coder'\nmiddle = '<m>'\n"
        "prefix = '<p>'\nsuffix = '<s>'\n"
    )
    settings, said = resolve(of(text))
    models = settings.models
    assert models.rules[0].applies(Asked("review", tokens=10))
    assert (models.experiments[0].models, models.experiments[0].share) == (("a", "b"), 0.5)
    mine = profile_of("", "/models/my.coder-7b.gguf", models.families)
    assert (mine.name, mine.context) == ("mine", 32_768)
    request = FillRequest("a", "b<s>")
    assert fill_prompt(mine, request).text() == "<p>a<s>b< s><m>"
    assert len(said) == 1
    assert "models.rules.1.tasks" in said[0]


def test_a_family_can_be_written_whole_as_ours_are() -> None:
    starcoder2, codellama = profile_named("starcoder2"), profile_named("codellama")
    assert starcoder2 is not None
    assert codellama is not None
    text = (
        "[[models.families]]\nname = 'two'\nprefix = '<fim_prefix>'\nsuffix = '<fim_suffix>'\n"
        "middle = '<fim_middle>'\nend = ['<|endoftext|>']\nfile = '<file_sep>'\nrepo = '<repo_name>'\n"
        "name_inside = true\nstop = ['<|endoftext|>', '<file_sep>', '<repo_name>']\n"
        "[[models.families]]\nname = 'one'\nprefix = '<PRE>'\nsuffix = '<SUF>'\nmiddle = '<MID>'\n"
        "end = ['<EOT>']\nstop = ['<EOT>', '</s>']\nglue = ' '\nsuffix_first = true\n"
    )
    settings, said = resolve(of(text))
    assert not said
    two, one = settings.models.families
    request = FillRequest("a = ", "\nb", "python", "pkg/a.py")
    assert fill_prompt(two, request) == fill_prompt(starcoder2, request)
    for suffix_first in (False, True):
        given = fill_prompt(one, request, suffix_first=suffix_first)
        assert given == fill_prompt(codellama, request, suffix_first=suffix_first)


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("like = 'quen'", "like = 'quen' is no family that is known."),
        ("prefix = '<p>'", "prefix means nothing without both prefix and suffix."),
        ("repo = '<r>'\nglue = ' '", "repo and glue mean nothing without both prefix and suffix."),
        ("prefix = '<p>'\nsuffix = '<p>'", "two of its marks are the same."),
        ("prefix = '<p>'\nsuffix = '<s>'\nrepo = '<r>'", "repo means nothing without file."),
        ("prefix = '<p>'\nsuffix = '<s>'\nsuffix_first = true", "suffix_first means nothing without middle."),
        ("user = ['<u>']", "user and assistant mean nothing without each other."),
        ("input_price = 1", "input_price and output_price mean nothing without each other."),
    ],
)
def test_what_of_a_family_has_no_effect_is_said(family: str, said: str) -> None:
    settings, problems = resolve(of(f"[[models.families]]\nname = 'mine'\n{family}\n"))
    assert len(settings.models.families) == 1
    [problem] = problems
    assert problem.endswith(f"the family 'mine': {said}")


def test_a_model_costs_what_its_family_costs_unless_it_names_a_price() -> None:
    text = (
        "[[models.families]]\nname = 'mine'\nguess = 'mycoder'\ninput_price = 1.0\noutput_price = 2.0\n"
        "[[models.families]]\nname = 'cheap'\nlike = 'gpt'\n"
        "[[models.list]]\nname = 'a'\nengine = 'openai'\nmodel = 'mycoder-7b'\n"
        "[[models.list]]\nname = 'b'\nengine = 'openai'\nmodel = 'mycoder-7b'\noutput_price = 9.0\n"
        "[[models.list]]\nname = 'c'\nengine = 'openai'\nmodel = 'x'\nfamily = 'cheap'\n"
    )
    settings, said = resolve(of(text))
    assert not said
    assert settings.models.books.prices == {"a": Price(1.0, 2.0), "b": Price(1.0, 9.0)}


@pytest.mark.parametrize(
    ("model", "context"),
    [
        ("engine = 'openai'\nmodel = 'gpt-5-mini'", 128_000),
        ("engine = 'openai'\nmodel = 'qwen2.5-coder'\nbase_url = 'http://127.0.0.1:8080/v1'", 32_768),
        ("engine = 'openai'\nmodel = 'whatever'", 4_096),
        ("engine = 'openai'\nmodel = 'granite-embedding'\ntasks = ['embed']", 4_096),
        ("engine = 'anthropic'\nmodel = 'claude-sonnet-4-5'", 200_000),
        ("engine = 'anthropic'\nmodel = 'best'\nbase_url = 'https://gateway.example'", 200_000),
        ("engine = 'ctransformers'\nmodel = 'codellama-7b.gguf'", 4_096),
        ("engine = 'llama'\nmodel = 'qwen2.5-coder.gguf'", 4_096),
        ("engine = 'exllamav2'\nmodel = 'granite-code-exl2'", 4_096),
        ("engine = 'ctransformers'\nmodel = 'shorty.gguf'", 1_024),
        ("engine = 'openai'\nmodel = 'shorty'", 1_024),
        ("engine = 'fake'", 4_096),
        ("engine = 'openai'\nmodel = 'gpt-5-mini'\ncontext = 9000", 9_000),
        ("engine = 'llama'\nmodel = 'qwen2.5-coder.gguf'\ncontext = 32768", 32_768),
    ],
)
def test_a_model_reads_what_its_family_reads_unless_somebody_says(model: str, context: int) -> None:
    family = "[[models.families]]\nname = 'short'\nguess = 'shorty'\ncontext = 1024\n"
    settings, said = resolve(of(f"[[models.list]]\nname = 'm'\n{model}\n{family}"))
    assert not said
    assert settings.models.models[0].context == context


def test_a_workspace_can_give_no_rules() -> None:
    settings, said = resolve(of("[[models.rules]]\nname = 'r'\nonly = ['remote']", trusted=False))
    assert settings.models.rules == ()
    assert "may not set models.rules" in said[0]


REMOTE = Source("mine", {"models": {"list": [{"name": "big", "engine": "openai"}]}})
CLOSED = "ntil that is mended nothing leaves this machine"


@pytest.mark.parametrize(
    "written",
    [
        "[models]\nlocal_only = 'true'",
        "[models]\nnever_send = 'private/'",
        "[models]\nnever_send = ['a', 2]",
        "[models]\nlocal_olny = true",
        "[modles]\nlocal_only = true",
        "local_only = true",
        "models = 3",
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_nothing_leaves_when_it_cannot_be_told_what_may(written: str, trusted: bool) -> None:
    settings, said = resolve(REMOTE, of(written, trusted=trusted))
    assert settings.models.local_only
    assert [CLOSED in sentence for sentence in said] == [True]


@pytest.mark.parametrize("written", ["day = '0.0'", "day = -1", "day = nan", "dya = 1", "warn_at = 2"])
def test_nothing_leaves_when_a_budget_cannot_be_read(written: str) -> None:
    settings, said = resolve(REMOTE, of(f"[models.budget]\n{written}"))
    assert settings.models.local_only
    assert [CLOSED in sentence for sentence in said] == [True]


def test_a_guard_that_the_editor_says_wrongly_stays_closed_whatever_comes_later() -> None:
    editor = Source("the editor's settings", {"models": {"localOnly": "true"}})
    settings, [said] = resolve(REMOTE, editor, of("[models]\nlocal_only = false"))
    assert settings.models.local_only
    assert said.startswith("the editor's settings: 'models.local_only' should be true or false;")


def test_nothing_leaves_while_a_workspace_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "devflow.toml").write_text("[models]\nlocal_only = true\n[completion\n")
    settings, [said] = load([tmp_path], [REMOTE.values])
    assert settings.models.local_only
    assert CLOSED in said


def test_a_misspelt_setting_of_a_workspace_is_told_by_its_nearest_name() -> None:
    [said] = problems("[models]\nlocal_olny = true", trusted=False)
    assert "did you mean 'local_only'?" in said
    assert "may not set" not in said


def test_other_faults_leave_remote_models_open() -> None:
    settings, said = resolve(REMOTE, of("[models]\ntimeout_s = 0\nledgr = true\n[completion]\nmax_items = 1"))
    assert not settings.models.local_only
    assert len(said) == 3
    assert not any(CLOSED in sentence for sentence in said)


@pytest.mark.parametrize("condition", ["tasks = ['fly']", "task = ['fill']", "languages = 'python'"])
def test_a_rule_with_a_wrong_condition_does_not_apply_to_more_than_was_meant(condition: str) -> None:
    good = "[[models.rules]]\nname = 'good'\nprefer = ['local']\n"
    settings, said = resolve(of(f"[[models.rules]]\nname = 'bad'\nonly = ['big']\n{condition}\n{good}"))
    assert [rule.name for rule in settings.models.rules] == ["good"]
    assert len(said) == 1


def test_two_models_of_one_name_are_told_and_the_second_left_out() -> None:
    one = "[[models.list]]\nname = 'm'\nengine = 'openai'\ninput_price = {}\noutput_price = 1\n"
    settings, [said] = resolve(of(one.format(9) + one.format(0)))
    assert len(settings.models.models) == 1
    assert settings.models.books.prices["m"].read == 9
    assert "two models are called 'm'" in said


@pytest.mark.parametrize(
    ("model", "prices", "expected"),
    [
        ("mine", "output_price = 5", None),
        ("mine", "input_price = -1\noutput_price = 5", None),
        ("gpt-4o", "output_price = 50", Price(2.5, 50, 1.25)),
        ("gpt-4o", "input_price = 30", Price(30, 10)),
        ("gpt-4o", "input_price = -1\noutput_price = -1", None),
        ("mine", "input_price = 0\noutput_price = 0", Price(0, 0)),
    ],
)
def test_a_price_that_is_half_given_is_never_taken_for_nothing(
    model: str, prices: str, expected: Price | None
) -> None:
    settings, _ = resolve(of(f"[[models.list]]\nname = 'm'\nengine = 'openai'\nmodel = '{model}'\n{prices}"))
    assert settings.models.books.prices.get("m") == expected


def test_a_fault_in_one_of_several_models_is_told_with_its_own_line() -> None:
    model = '[[models.list]]\nname = "{}"\nengine = "{}"\ninput_price = {}\n'
    [said] = problems(model.format("a", "openai", 1) + model.format("b", "openai", -1))
    assert said.startswith("devflow.toml, line 8: 'models.list.1.input_price' should be 0 or more")


def test_a_model_without_a_good_engine_is_left_out_and_told_once() -> None:
    settings, said = resolve(
        of(
            '[[models.list]]\nname = "a"\nengine = "fake"\n'
            '[[models.list]]\nname = "b"\nengine = "opeani"\n'
            '[[models.list]]\nname = "c"\n'
            '[[models.list]]\nname = "d"\nengine = "fake"\n'
        )
    )
    assert [model.name for model in settings.models.models] == ["a", "d"]
    wrong, missing = said
    assert wrong.startswith("devflow.toml, line 6: 'models.list.1.engine' should be 'exllamav2' or")
    assert missing.startswith("devflow.toml, line 7: 'models.list.2.engine' is missing")
    assert all(each.endswith("; the whole entry is left out.") for each in said)
