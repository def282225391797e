"""The workspace's own habits: what comes next, and the rest of a line."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import jedi
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.tokens import NEWLINE, Token, lex
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.lines import rests

FILES = (
    "for item in items:\n    total += item.price\n    log.info('x', item)\nreturn total\n",
    "for item in things:\n    total += item.price\nreturn total\n",
    "for key in things:\n    total += item.count\n",
)


def model_of(*sources: str) -> UsageModel:
    return UsageModel.build(lex(source, "python") for source in sources)


def context(source: str) -> list[str]:
    return [token.text for token in lex(source, "python")]


def test_the_longest_match_decides_and_shorter_ones_have_a_say() -> None:
    found = model_of(*FILES).next_tokens(context("total += item."))
    assert [token for token, _ in found.tokens] == ["price", "count"]
    assert found.match_length == 4
    assert found.count == 3
    assert 0 < sum(share for _, share in found.tokens) < 1


def test_a_context_nobody_wrote_backs_off_to_its_end() -> None:
    found = model_of(*FILES).next_tokens(context("unheard of += item."))
    assert found.match_length == 3
    assert found.tokens[0][0] == "price"


def test_an_unknown_last_token_has_no_followers() -> None:
    assert model_of(*FILES).next_tokens(["never_seen"]).tokens == ()
    assert model_of(*FILES).next_tokens([]).tokens == ()


def test_names_can_be_scored() -> None:
    shares = model_of(*FILES).following(context("item.")).probabilities(["price", "count", "nothing"])
    assert shares["price"] > shares["count"] > shares["nothing"] == 0.0


def test_no_match_crosses_from_one_file_into_the_next() -> None:
    model = model_of("first = one", "second = two")
    assert model.next_tokens(["one"]).tokens == ()
    assert model.next_tokens(["one", "second"]).match_length == 1


def test_long_literals_are_never_suggested() -> None:
    model = model_of(f"x = '{'a' * 200}'\n" * 3)
    assert model.next_tokens(["x", "="]).tokens == ()


def test_an_empty_workspace_has_no_opinion() -> None:
    for model in (UsageModel.build([]), model_of("", "")):
        assert model.next_tokens(["x"]).tokens == ()


WORDS = st.lists(st.sampled_from(["a", "b", "c", NEWLINE]), max_size=14)


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=4), WORDS)
def test_the_longest_match_is_the_one_a_search_finds(files: list[list[str]], wanted: list[str]) -> None:
    model = UsageModel.build([[Token(word, False, 0, 0) for word in words] for words in files])
    found = model.next_tokens(wanted)
    longest = max((n for n in range(len(wanted) + 1) if n == 0 or occurrences(files, wanted[-n:])), default=0)
    assert found.match_length == longest
    if longest and found.tokens:
        followers = [
            words[i + longest]
            for words, i in occurrences(files, wanted[-longest:])
            if i + longest < len(words)
        ]
        assert set(followers) <= {token for token, _ in found.tokens}
    assert all(0 < share <= 1 for _, share in found.tokens)


def occurrences(files: Sequence[Sequence[str]], wanted: Sequence[str]) -> list[tuple[Sequence[str], int]]:
    size = len(wanted)
    return [
        (words, i)
        for words in files
        for i in range(len(words) - size + 1)
        if list(words[i : i + size]) == list(wanted)
    ]


def test_held_out_lines_of_a_real_package_are_continued_often() -> None:
    assert jedi.__file__
    paths = sorted(Path(jedi.__file__).parent.glob("**/*.py"))
    chance = random.Random(7)
    chance.shuffle(paths)
    held, known = paths[:6], paths[6:]
    model = UsageModel.build(lex(path.read_text(encoding="utf-8"), "python") for path in known)
    exact = positions = 0
    for path in held:
        tokens = lex(path.read_text(encoding="utf-8"), "python")
        ends = [n for n, token in enumerate(tokens) if token.text == NEWLINE]
        for end in chance.sample(ends, min(20, len(ends))):
            begin = max((n for n in ends if n < end), default=-1) + 1
            if end - begin < 4:
                continue
            at = chance.randrange(begin + 1, end)
            before = [token.text for token in tokens[max(0, at - 64) : at]]
            found = rests([model], before)
            wanted = tuple(token.text for token in tokens[at:end])
            positions += 1
            exact += bool(found) and found[0].tokens == wanted
    assert exact >= positions // 20
