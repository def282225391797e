"""How many tokens a text has."""

from __future__ import annotations

from devflow.models.guard.tokens import Tokens


def test_a_model_has_as_many_tokens_as_its_provider_counts() -> None:
    tokens = Tokens()
    assert tokens.of("m", 320) == 100
    tokens.learn("m", 400, 100)
    assert tokens.of("m", 400) == 100
    assert tokens.of("other", 320) == 100
    for _ in range(50):
        tokens.learn("m", 400, 200)
    assert 195 <= tokens.of("m", 400) <= 200


def test_a_count_that_cannot_be_of_the_text_is_not_believed() -> None:
    tokens = Tokens()
    for characters, counted in ((100_000, 4_096), (10, 4_096), (400, 0), (400, -1), (0, 0)):
        tokens.learn("m", characters, counted)
    assert tokens.of("m", 320) == 100
