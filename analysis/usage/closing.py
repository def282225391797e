"""How a line of Python has to end: which brackets it closes, and what stands behind them.

The end of a line is told by the brackets around it, not by how lines elsewhere end. So two rests of lines
that differ in nothing else say the same, and either is good here with the end that is needed here.
"""

from __future__ import annotations

from typing import Any

from devflow.analysis.usage.around import Around
from devflow.analysis.usage.vocabulary import bracket_steps

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_BLOCKS = frozenset(
    "if elif else for while with def class try except finally async match case".split()  # noqa: SIM905
)
_GOES_ON = frozenset(
    (
        "for",
        "if",
        "else",
        "and",
        "or",
        "in",
        "not",
        "is",
        "async",
        ".",
        "+",
        "-",
        "*",
        "/",
        "|",
        "&",
        "%",
        "==",
    )
)
"""What a line begins with whose line above is not at its end, within brackets."""


def closing(around: Around) -> tuple[str, ...] | None:
    """The tokens that end the line of the place, where a value is finished; None where nothing stands on it
    yet, and where the brackets of the document do not tell."""
    import numpy as np

    if not around.line:
        return None

    vocabulary = around.model.vocabulary
    steps = bracket_steps(vocabulary)
    begin = int(around.newlines[around.at_line - 1]) + 1 if around.at_line else 0
    end = begin + len(around.line)
    below = int(around.newlines[around.at_line]) + 1 if around.at_line < len(around.newlines) else None
    depth = steps[around.numbers[:end]].cumsum()
    least = np.minimum.accumulate(np.minimum(depth, 0))
    opened = int(depth[-1] - least[-1])
    after = around.numbers[below:] if below is not None else around.numbers[:0]
    falls = steps[after].cumsum()
    closed = -min(int(falls.min()), 0) if len(falls) else 0
    wanted = opened - closed
    if wanted < 0:
        return None
    text = vocabulary.text
    # An opener that is not closed stands where the depth is never lower again.
    lowest = np.minimum.accumulate(depth[::-1])[::-1]
    rises = np.flatnonzero((steps[around.numbers[:end]] > 0) & (depth == lowest)).tolist()
    unclosed = rises[len(rises) - opened :]
    ends = [_CLOSERS[text(int(around.numbers[at]))] for at in reversed(unclosed[opened - wanted :])]
    if closed:
        return (*ends, *_separator(around, after, steps))
    start = begin
    if begin and depth[begin - 1] > least[begin - 1]:  # the statement began above
        level = np.flatnonzero(depth[:begin] == least[begin - 1])
        first = int(level[-1]) + 1 if len(level) else 0
        line = int(np.searchsorted(around.newlines, first))
        start = int(around.newlines[line - 1]) + 1 if line else 0
    return (*ends, ":") if text(int(around.numbers[start])) in _BLOCKS else tuple(ends)


def open_brackets(around: Around) -> int:
    """How many brackets are open at the place."""
    import numpy as np

    begin = int(around.newlines[around.at_line - 1]) + 1 if around.at_line else 0
    end = begin + len(around.line)
    if not end:
        return 0
    depth = bracket_steps(around.model.vocabulary)[around.numbers[:end]].cumsum()
    return int(depth[-1] - min(int(np.min(depth)), 0))


def _separator(around: Around, after: Any, steps: Any) -> tuple[str, ...]:
    """What stands between this line and the next within brackets."""
    import numpy as np

    text = around.model.vocabulary.text
    if not len(after) or text(int(after[0])) in _GOES_ON:
        return ()
    if steps[after[0]] >= 0:
        return (",",)
    # The last line before the bracket: as the document ends such lines behind one like that above.
    ends = around.newlines
    if around.at_line < 1 or len(ends) < 3:
        return ()
    comma = around.model.vocabulary.number(",")
    has_comma = around.numbers[np.maximum(ends - 1, 0)] == comma
    last = np.flatnonzero(steps[around.numbers[ends[1:-1] + 1]] < 0) + 1
    last = last[(last != around.at_line) & (has_comma[last - 1] == has_comma[around.at_line - 1])]
    share = (int(has_comma[last].sum()) + float(has_comma[around.at_line - 1])) / (len(last) + 1)
    return (",",) if share > 0.5 else ()
