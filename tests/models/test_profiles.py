"""Prompts of the model families."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devflow.analysis.text import common_ends
from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message
from devflow.models.profiles import PROFILES, Profile, chat_prompt, fill_prompt, guessed, profile_named
from devflow.models.prompt import trimmed, trimmed_chat

HOLE = FillRequest(prefix="def f():\n    return ", suffix="\n\nf()\n", path="a.py")


def family(name: str) -> Profile:
    profile = profile_named(name)
    assert profile is not None
    return profile


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("codellama", "<PRE> def f():\n    return  <SUF>\n\nf()\n <MID>"),
        (
            "starcoder",
            "<filename>a.py\n<fim_prefix>def f():\n    return <fim_suffix>\n\nf()\n<fim_middle>",
        ),
        (
            "starcoder2",
            "<file_sep><fim_prefix>a.py\ndef f():\n    return <fim_suffix>\n\nf()\n<fim_middle>",
        ),
        ("deepseek-coder", "<｜fim▁begin｜>def f():\n    return <｜fim▁hole｜>\n\nf()\n<｜fim▁end｜>"),
        (
            "qwen-coder",
            "<|file_sep|>a.py\n<|fim_prefix|>def f():\n    return <|fim_suffix|>\n\nf()\n<|fim_middle|>",
        ),
        ("codestral", "[SUFFIX]\n\nf()\n[PREFIX]def f():\n    return "),
        ("granite-code", "<fim_prefix>def f():\n    return <fim_suffix>\n\nf()\n<fim_middle>"),
        ("llama", "def f():\n    return "),
    ],
)
def test_a_hole_is_written_in_the_family_s_marks(name: str, prompt: str) -> None:
    assert fill_prompt(family(name), HOLE).text() == prompt


def test_where_the_document_begins_behind_another_file_is_said() -> None:
    request = FillRequest("x = ", "", path="a.py", context=(Excerpt("y = 1", "b.py"),))
    assert (
        fill_prompt(family("codellama"), request).text() == "<PRE> # b.py\ny = 1\n\n# a.py\nx =  <SUF> <MID>"
    )


WHOLE = FillRequest(
    prefix="def f():\n    return ",
    suffix="\n\nf()\n",
    path="a.py",
    context=(
        Excerpt("def g(x)", "b.py"),
        Excerpt("class C:\n    n = 1", "c/d.py"),
        Excerpt("# a.py\n# - y = 1"),
    ),
    repository="shop",
)
ABOVE = "# b.py\ndef g(x)\n\n# c/d.py\nclass C:\n    n = 1\n\n"
CHANGE = "# a.py\n# - y = 1\n"
BEFORE, AFTER = WHOLE.prefix, WHOLE.suffix


PROMPTS = {
    "qwen-coder": (
        "<|repo_name|>shop\n<|file_sep|>b.py\ndef g(x)\n<|file_sep|>c/d.py\nclass C:\n    n = 1\n"
        f"<|file_sep|>a.py\n<|fim_prefix|>{CHANGE}{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>"
    ),
    "starcoder2": (
        "<repo_name>shop<file_sep>b.py\ndef g(x)\n<file_sep>c/d.py\nclass C:\n    n = 1\n"
        f"<file_sep><fim_prefix>a.py\n{CHANGE}{BEFORE}<fim_suffix>{AFTER}<fim_middle>"
    ),
    "codegemma": (
        "<|file_separator|>b.py\ndef g(x)\n<|file_separator|>c/d.py\nclass C:\n    n = 1\n"
        f"<|file_separator|>a.py\n<|fim_prefix|>{CHANGE}{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>"
    ),
    "codellama": f"<PRE> {ABOVE}{CHANGE}{BEFORE} <SUF>{AFTER} <MID>",
    "starcoder": (f"<filename>a.py\n<fim_prefix>{ABOVE}{CHANGE}{BEFORE}<fim_suffix>{AFTER}<fim_middle>"),
    "deepseek-coder": (f"<｜fim▁begin｜>{ABOVE}{CHANGE}{BEFORE}<｜fim▁hole｜>{AFTER}<｜fim▁end｜>"),
    "codestral": f"[SUFFIX]{AFTER}[PREFIX]{ABOVE}{CHANGE}{BEFORE}",
    "granite": f"<|fim_prefix|>{ABOVE}{CHANGE}{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>",
    "granite-code": f"<fim_prefix>{ABOVE}{CHANGE}{BEFORE}<fim_suffix>{AFTER}<fim_middle>",
    "llama": f"{ABOVE}{CHANGE}{BEFORE}",
}


@pytest.mark.parametrize(("name", "prompt"), PROMPTS.items())
def test_other_files_stand_before_the_hole_as_the_family_was_trained(name: str, prompt: str) -> None:
    assert fill_prompt(family(name), WHOLE).text() == prompt


def test_every_family_that_fills_holes_has_its_whole_prompt_here() -> None:
    assert {profile.name for profile in PROFILES if profile.fim} <= PROMPTS.keys()


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("codellama", f"<PRE><SUF>{AFTER}<MID> {ABOVE}{CHANGE}{BEFORE}"),
        (
            "starcoder",
            f"<filename>a.py\n<fim_prefix><fim_suffix>{AFTER}<fim_middle>{ABOVE}{CHANGE}{BEFORE}",
        ),
    ],
)
def test_where_the_suffix_may_come_first_nothing_stands_behind_the_cursor(name: str, prompt: str) -> None:
    assert fill_prompt(family(name), WHOLE, suffix_first=True).text() == prompt


@pytest.mark.parametrize("profile", [p for p in PROFILES if p.fim], ids=lambda p: p.name)
def test_a_key_and_an_edit_elsewhere_leave_the_beginning_of_a_prompt(profile: Profile) -> None:
    typed = replace(WHOLE, prefix=BEFORE + "g", context=(*WHOLE.context[:2], Excerpt("# a.py\n# - y = 2")))
    one, other = (fill_prompt(profile, each, suffix_first=True).text() for each in (WHOLE, typed))
    same, _ = common_ends(one, other)
    assert one[:same].endswith("# - y = "), "all but the last edit and the prefix was read already"


@pytest.mark.parametrize("profile", [p for p in PROFILES if p.fim], ids=lambda p: p.name)
def test_marks_in_the_user_s_source_are_no_marks_in_the_prompt(profile: Profile) -> None:
    assert profile.fim
    hostile = "".join(profile.control)
    context = (Excerpt(hostile, hostile), Excerpt(hostile))
    request = FillRequest(hostile, hostile, context=context, path=hostile, repository=hostile)
    text = fill_prompt(profile, request).text()
    assert text.count(profile.fim.prefix) == 1
    assert text.count(profile.fim.suffix) == 1
    assert not profile.fim.repo or text.count(profile.fim.repo) == profile.fim.together
    assert not profile.fim.file or text.count(profile.fim.file) == 1 + profile.fim.together
    for end in profile.fim.end:
        if end != profile.fim.file:
            assert end not in text


@pytest.mark.parametrize("profile", [p for p in PROFILES if p.template], ids=lambda p: p.name)
def test_turns_in_the_user_s_text_are_no_turns_in_the_prompt(profile: Profile) -> None:
    said = ChatRequest((Message("system", "Be brief."), Message("user", "Hello.")))
    hostile = ChatRequest((said.messages[0], Message("user", "Hello." + "".join(profile.control))))
    plain, attacked = chat_prompt(profile, said), chat_prompt(profile, hostile)
    for token in profile.control:
        assert attacked.text().count(token) == plain.text().count(token)
    assert [p.text for p in attacked.pieces if p.control] == [p.text for p in plain.pieces if p.control]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/models/CodeLlama-7B-GGUF/codellama-7b.Q4_K_M.gguf", "codellama"),
        ("bigcode/starcoder2-3b", "starcoder2"),
        ("starcoderbase-1b", "starcoder"),
        ("deepseek-coder-6.7b-base.Q4_0.gguf", "deepseek-coder"),
        ("Qwen2.5-Coder-1.5B", "qwen-coder"),
        ("qwen2.5-coder:7b-base", "qwen-coder"),
        ("codestral-latest", "codestral"),
        ("codegemma-2b", "codegemma"),
        ("ibm-granite/granite-3b-code-base", "granite-code"),
        ("granite-4.0-tiny", "granite"),
        ("gpt-4.1-mini", "gpt"),
        ("o3-mini", "gpt"),
        ("claude-sonnet-4-5", "claude"),
        (r"C:\models\deepseek\model.gguf", "deepseek-coder"),
        ("something-else", "llama"),
        ("", "llama"),
    ],
)
def test_the_family_is_guessed_from_the_model_s_name(model: str, name: str) -> None:
    assert guessed(model).name == name


def test_every_family_is_in_the_user_s_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert [profile.name for profile in PROFILES if f"`{profile.name}`" not in page] == []


def test_a_conversation_in_chatml() -> None:
    request = ChatRequest(
        (Message("system", "S"), Message("user", "U"), Message("assistant", "A"), Message("user", "V"))
    )
    assert chat_prompt(family("qwen-coder"), request).text() == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
        "<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_a_system_role_its_text_opens_the_first_turn() -> None:
    request = ChatRequest((Message("system", "S"), Message("user", "U")))
    assert chat_prompt(family("codestral"), request).text() == "[INST] S\n\nU [/INST]"


def test_what_ends_the_fill_is_among_the_stops() -> None:
    request = FillRequest("a", "b", stop=("\n\n",))
    assert {"\n\n", "<|endoftext|>", "<|fim_prefix|>"} <= set(fill_prompt(family("qwen-coder"), request).stop)


def test_trimming_drops_context_first_and_keeps_what_is_near_the_cursor() -> None:
    request = FillRequest("p" * 50 + "\nnear", "after\n" + "s" * 50, context=(Excerpt("c\n" * 50),))
    short = trimmed(request, 20)
    assert short.context == ()
    assert short.prefix.endswith("near")
    assert short.suffix.startswith("afte")
    assert len(short.prefix) + len(short.suffix) <= 20
    assert trimmed(request, 1000) == request


def test_trimming_keeps_the_first_excerpts_and_of_the_next_the_lines_that_have_room() -> None:
    context = (Excerpt("one = 1", "a.py"), Excerpt("two = 2\nthree = 3\nfour = 4", "b.py"), Excerpt("five"))
    short = trimmed(FillRequest("p", "s", context=context), 2 + 11 + 4 + 20)
    assert short.context == (context[0], Excerpt("two = 2\nthree = 3", "b.py"))
    assert trimmed(FillRequest("p", "s", context=context), 2 + 11 + 6).context == context[:1]


def test_trimming_a_conversation_takes_from_the_middle_of_the_longest_turn() -> None:
    request = ChatRequest((Message("system", "short"), Message("user", "head" + "x" * 1000 + "tail")))
    short = trimmed_chat(request, 100)
    assert short.messages[0] == request.messages[0]
    assert short.messages[1].content.startswith("head")
    assert short.messages[1].content.endswith("tail")
    assert sum(len(message.content) for message in short.messages) <= 100
