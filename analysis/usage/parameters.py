"""The parameter a constructor has yet to keep: `self.height = height` once `self.width = width` is there.

Told from tokens, so that it also is where the code does not parse.
"""

from __future__ import annotations

from dataclasses import dataclass

from devflow.analysis.usage.around import Around

_REACH = 600
"""Tokens before the place that are looked at."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The rest of `self.`: `tokens` and `text` as in `lines.Rest`."""

    tokens: tuple[str, ...]
    text: str
    constructor: bool
    """Whether the function is `__init__`; elsewhere parameters are kept more seldom."""
    begun: bool
    """Whether another parameter was kept before."""


def kept_next(around: Around, prefix: str = "") -> Kept | None:
    """What is probably kept next at `self.`, in a function of Python whose parameters are not all used yet.
    The attribute begins with `prefix`, the part of a word that is typed already."""
    if len(around.line) != 2 or around.line[1] != ".":
        return None
    begin = int(around.newlines[around.at_line - 1]) + 1 if around.at_line else 0
    text = around.model.vocabulary.text
    tokens = [text(number) for number in around.numbers[max(0, begin - _REACH) : begin].tolist()]
    start = len(tokens) - 1 - tokens[::-1].index("def") if "def" in tokens else -1
    if start < 0 or start + 2 >= len(tokens):
        return None
    names, end = _parameters(tokens, start + 2)
    body = tokens[end:]
    if not names or names[0] != around.line[0]:
        return None
    kept = _kept(body, names)
    last = names.index(_bare(kept[-1])) if kept else 0
    wanted = next((name for name in names[last + 1 :] if name not in map(_bare, kept)), None)
    if wanted is None:
        return None
    # As the one before was kept: `self._width = width`.
    attribute = kept[-1].removesuffix(_bare(kept[-1])) + wanted if kept else wanted
    if not attribute.startswith(prefix) or attribute == prefix:
        return None
    said = f"{attribute[len(prefix) :]} = {wanted}"
    return Kept((attribute, "=", wanted), said, tokens[start + 1] == "__init__", bool(kept))


def _bare(attribute: str) -> str:
    return attribute.lstrip("_")


def _kept(body: list[str], names: list[str]) -> list[str]:
    """The attributes in which `body` keeps parameters under their own names."""
    return [
        body[at + 2]
        for at in range(len(body) - 4)
        if (body[at], body[at + 1], body[at + 3]) == (names[0], ".", "=")
        and body[at + 4] in names[1:]
        and _bare(body[at + 2]) == body[at + 4]
    ]


def _parameters(tokens: list[str], at: int) -> tuple[list[str], int]:
    """The names of the parameters in the brackets that open at `at`, and where those end."""
    names: list[str] = []
    depth = 0
    for place in range(at, len(tokens)):
        token = tokens[place]
        if token in ("(", "[", "{"):
            depth += 1
        elif token in (")", "]", "}"):
            depth -= 1
            if not depth:
                return names, place + 1
        elif depth == 1 and token.isidentifier() and tokens[place - 1] in ("(", ",", "*", "**", "\n"):
            names.append(token)
    return [], len(tokens)
