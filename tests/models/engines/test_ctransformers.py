"""The token loop over the library's calls, against a stand-in; the real library runs in
`tests/server/test_model_worker.py`, since a process that loads a model must not end in the usual way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from devflow.models.base import FillRequest, ModelSpec
from devflow.models.engines.ctransformers import CTransformersEngine
from devflow.models.engines.gguf import GgufHead
from devflow.models.errors import Rejected
from devflow.models.profiles import fill_prompt, profile_of
from devflow.models.prompt import Piece, Prompt

EOS, PRE, SUF, MID = 2, 300, 301, 302


class Llm:
    """One token per byte; says `answer`."""

    model_type = "llama"
    bos_token_id = 1

    def __init__(self, answer: bytes) -> None:
        self.answer = list(answer)
        self.read: list[list[int]] = []
        self.fails = False

    def ctransformers_llm_tokenize(self, data: bytes, bos: bool, buffer: Any) -> int:
        tokens = [ord("_"), *data]  # SentencePiece puts a space first
        buffer[: len(tokens)] = tokens
        return len(tokens)

    def prepare_inputs_for_generation(self, tokens: Sequence[int], *, reset: bool) -> Sequence[int]:
        return tokens

    def eval(self, tokens: Sequence[int], *, batch_size: int, threads: int) -> None:
        if self.fails:
            raise RuntimeError("Failed to evaluate tokens.")
        self.read.append(list(tokens))

    def sample(self, **options: object) -> int:
        return self.answer.pop(0) if self.answer else EOS

    def is_eos_token(self, token: int) -> bool:
        return token == EOS

    def detokenize(self, tokens: list[int], decode: bool) -> bytes:
        return bytes(tokens)


def engine(llm: Llm) -> CTransformersEngine:
    head = GgufHead("llama", 512, {"▁<PRE>": PRE, "▁<SUF>": SUF, "▁<MID>": MID, "▁<EOT>": 7})
    return CTransformersEngine(llm, head, ModelSpec("m", "ctransformers", "codellama"), 512, 1, 4)


def prompt(*pieces: Piece, stop: tuple[str, ...] = ()) -> Prompt:
    return Prompt(pieces, stop)


def test_control_tokens_are_read_as_themselves_and_text_without_a_space_of_its_own() -> None:
    llm = Llm(b"")
    list(engine(llm).generate(prompt(Piece("<PRE>", True), Piece("ab")), 9, 0.0, lambda: False))
    assert sum(llm.read, []) == [1, PRE, *b"ab"]  # noqa: RUF017  # four tokens


def test_the_space_before_a_mark_is_a_part_of_the_mark() -> None:
    # CodeLlama's `▁<SUF>`: read as a token of its own, the space would stand at the cursor.
    llm = Llm(b"")
    hole = fill_prompt(profile_of("codellama", ""), FillRequest("ab", "cd"))
    list(engine(llm).generate(hole, 9, 0.0, lambda: False))
    assert sum(llm.read, []) == [1, PRE, *b" ab", SUF, *b"cd", MID]  # noqa: RUF017


def test_a_character_of_several_tokens_comes_out_whole() -> None:
    said = list(engine(Llm("é😋!".encode())).generate(prompt(Piece("x")), 99, 0.0, lambda: False))
    assert [piece for piece in said if piece] == ["é", "😋", "!"]


def test_a_character_cut_by_the_length_is_shown_as_such() -> None:
    said = list(engine(Llm("a😋".encode())).generate(prompt(Piece("x")), 3, 0.0, lambda: False))
    assert "".join(said) == "a�"


def test_the_family_s_end_token_ends_the_answer() -> None:
    said = engine(Llm(b"ab\x07cd")).generate(prompt(Piece("x")), 99, 0.0, lambda: False)
    assert "".join(said) == "ab"


def test_a_stop_string_ends_the_answer() -> None:
    said = engine(Llm(b"one END two")).generate(prompt(Piece("x"), stop=("END",)), 99, 0.0, lambda: False)
    assert "".join(said) == "one "


def test_a_long_prompt_can_be_stopped_while_it_is_read() -> None:
    llm = Llm(b"never")
    said = list(engine(llm).generate(prompt(Piece("x" * 400)), 99, 0.0, lambda: len(llm.read) >= 2))
    assert "".join(said) == ""
    assert [len(tokens) for tokens in llm.read] == [4, 4]


def test_an_answer_can_be_stopped_between_tokens() -> None:
    said: list[str] = []
    for piece in engine(Llm(b"abcdef")).generate(prompt(Piece("x")), 99, 0.0, lambda: "b" in said):
        said.append(piece)
    assert "".join(said) == "ab"


def test_a_library_that_gives_up_is_one_sentence() -> None:
    llm = Llm(b"x")
    llm.fails = True
    with pytest.raises(Rejected, match=r"could not read the request; a smaller `context` may help"):
        list(engine(llm).generate(prompt(Piece("x")), 9, 0.0, lambda: False))


def test_a_fill_may_come_between_and_the_conversation_goes_on_where_it_was() -> None:
    class Shared(Llm):
        """Says after each prompt what belongs to it, by what it has read."""

        def __init__(self) -> None:
            super().__init__(b"")
            self.context: list[int] = []

        def prepare_inputs_for_generation(self, tokens: Sequence[int], *, reset: bool) -> Sequence[int]:
            same = 0
            while same < min(len(tokens) - 1, len(self.context)) and tokens[same] == self.context[same]:
                same += 1
            del self.context[same:]
            return tokens[same:]

        def eval(self, tokens: Sequence[int], *, batch_size: int, threads: int) -> None:
            super().eval(tokens, batch_size=batch_size, threads=threads)
            self.context += tokens

        def sample(self, **options: object) -> int:
            return self.context[-1] + 1

    llm = Shared()
    shared = engine(llm)
    talk = shared.generate(prompt(Piece("talk A")), 6, 0.0, lambda: False)
    said = [next(piece for piece in talk if piece) for _ in range(2)]
    assert "".join(shared.generate(prompt(Piece("fill a")), 3, 0.0, lambda: False)) == "bcd"
    said += [piece for piece in talk if piece]
    assert "".join(said) == "BCDEFG"


def test_reading_ahead_reads_and_says_nothing() -> None:
    llm = Llm(b"never")
    assert "".join(engine(llm).generate(prompt(Piece("abc")), 0, 0.0, lambda: False)) == ""
    assert sum(map(len, llm.read)) == 4
