"""What the commands print. Paths, code and answers are shown as they are: no markup, no emoji names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# With those that turn the direction of writing, by which a name shows as another.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def console(*, stderr: bool = False) -> Console:
    """A console that prints plain strings as they are and leaves wrapping to the terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)


def visible(text: str) -> str:
    """`text` without control characters: the code of a cloned repository must not steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def visible_line(text: str) -> str:
    """A name or path as `visible` shows it, on one line whatever it is made of."""
    return visible(text).replace("\n", "\N{REPLACEMENT CHARACTER}").replace("\t", "\N{REPLACEMENT CHARACTER}")
