"""Control tokens in what a user wrote: no tokens in what a model reads, and whole in what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message
from devflow.models.control_tokens import respelt
from devflow.models.families import PROFILES, Profile
from devflow.models.profiles import chat_prompt, profile_named

READ_AS_TOKENS = {
    "codellama": ("<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "<PRE>", "<FILL_ME>"),
    "starcoder": ("<|endoftext|>", "<fim_prefix>", "<gh_stars>", "<jupyter_code>", "<commit_msg>"),
    "starcoder2": ("<file_sep>", "<issue_start>", "<pr_diff>", "<jupyter_script>", "<PASSWORD>"),
    "deepseek-coder": ("<｜begin▁of▁sentence｜>", "<｜User｜>", "<|EOT|>", "<pad>"),
    "qwen-coder": ("<|im_start|>", "<|vision_pad|>", "<tool_call>", "</think>"),
    "codestral": ("<s>", "</s>", "[INST]", "[TOOL_CALLS]", "[MIDDLE]"),
    "mistral": ("<s>", "</s>", "[/INST]", "[AVAILABLE_TOOLS]", "[SYSTEM_PROMPT]"),
    "codegemma": ("<bos>", "<eos>", "<start_of_turn>", "<|file_separator|>"),
    "granite": ("<|start_of_role|>", "<|tool_call|>", "<|fim_pad|>"),
    "granite-code": ("<fim_middle>", "<filename>", "<empty_output>"),
    "phi": ("<s>", "<|user|>", "<|placeholder1|>"),
    "llama": ("<s>", "</s>", "[INST]", "<|eot_id|>"),
}
FAMILIES = pytest.mark.parametrize("family", READ_AS_TOKENS)


def profile(family: str) -> Profile:
    found = profile_named(family)
    assert found is not None
    return found


async def said(text: str, size: int) -> AsyncIterator[str]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


def test_every_family_that_is_run_anywhere_but_at_its_provider_is_looked_at() -> None:
    assert {each.name for each in PROFILES} - set(READ_AS_TOKENS) == {"gpt", "claude"}


@FAMILIES
def test_what_its_tokenizer_reads_as_a_token_is_none_in_a_prompt(family: str) -> None:
    tokens = READ_AS_TOKENS[family]
    code = " ".join(tokens)
    hole, _ = respelt(FillRequest(code, code, path=code, context=(Excerpt(code, code),)), profile(family))
    talk, _ = respelt(ChatRequest((Message("user", code),)), profile(family))
    for text in (*hole.texts, talk.messages[0].content):
        assert not [token for token in tokens if token in text]
    empty = chat_prompt(profile(family), ChatRequest((Message("user", "a"),))).text()
    for token in tokens:
        assert chat_prompt(profile(family), talk).text().count(token) == empty.count(token)


@FAMILIES
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_an_answer_has_the_user_s_text_as_it_was(family: str, size: int) -> None:
    code = "x = ['" + "', '".join(READ_AS_TOKENS[family]) + "'] <"
    request, spelling = respelt(ChatRequest((Message("user", code),)), profile(family))
    answer = f"{request.messages[0].content} and < so"
    assert "".join([piece async for piece in spelling.restore(said(answer, size))]) == f"{code} and < so"
    pieces = (answer[at : at + size] for at in range(0, len(answer), size))
    assert "".join(spelling.restored(pieces)) == f"{code} and < so"


async def test_text_that_is_spelt_so_already_stays_as_it_is() -> None:
    code = "strike = '<s>' if a < s> b else '<  s>'"
    request, spelling = respelt(FillRequest(code, ""), profile("llama"))
    assert request.prefix.count("<s>") == 0
    assert "".join([piece async for piece in spelling.restore(said(request.prefix, 4))]) == code


def test_what_holds_no_token_is_not_touched() -> None:
    request = FillRequest("a < s > b", "</p>")
    assert respelt(request, profile("llama"))[0] is request
    tokens = FillRequest("<s></s><|im_start|>[INST]", "")
    assert respelt(tokens, profile("gpt"))[0] is tokens


def test_a_stop_string_of_the_user_s_code_is_spelt_as_the_code_is() -> None:
    request, _ = respelt(FillRequest("a", "\n</s>", stop=("\n</s>",)), profile("llama"))
    assert request.stop == (request.suffix,)
