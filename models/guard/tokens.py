"""How many tokens a text has, where the provider has not counted them yet."""

from __future__ import annotations

from devflow.models.base import CHARACTERS_PER_TOKEN

_FEWEST, _MOST = 1.0, 8.0
"""Characters a token: a count outside is of another text than was sent, such as one cut to a context."""
_KEPT = 0.9
"""The share of what was learned that outlives one more call."""


class Tokens:
    """Characters a token by model, learned of what its provider counts. Safe in any thread."""

    def __init__(self) -> None:
        self._learned: dict[str, tuple[float, float]] = {}

    def of(self, model: str, characters: int) -> int:
        """About how many tokens `model` has for a text."""
        known = self._learned.get(model)
        return round(characters * known[1] / known[0] if known else characters / CHARACTERS_PER_TOKEN)

    def learn(self, model: str, characters: int, counted: int) -> None:
        """Its provider counted `counted` tokens for so many characters."""
        if counted > 0 and _FEWEST <= characters / counted <= _MOST:
            before, tokens = self._learned.get(model, (0.0, 0.0))
            self._learned[model] = before * _KEPT + characters, tokens * _KEPT + counted
