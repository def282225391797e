"""How alike lines of code are."""

from __future__ import annotations

import re
from itertools import pairwise

from devflow.analysis.edit_distance import edit_distance

_LONGEST = 240

_IN_QUOTES = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|#.*|//.*")


def alike(one: str, other: str) -> bool:
    """Whether two lines differ in no more than a twentieth of the longer one's letters (edit distance), white
    space at their ends aside; a tenth where only strings and comments differ: another number is another
    line of code, another word of a message is not."""
    one, other = one.strip(), other.strip()
    if one == other:
        return True
    share = 0.1 if _IN_QUOTES.sub('"', one) == _IN_QUOTES.sub('"', other) else 0.05
    longer = max(len(one), len(other))
    most = int(longer * share)
    if not most or longer > _LONGEST or abs(len(one) - len(other)) > most:
        return False
    return edit_distance(one, other, most) <= most


def repeats(text: str, times: int = 4, least: int = 12) -> bool:
    """Whether `text` ends in one piece said over and over: `times` times or more, `least` letters in all.
    Periods are found by the border of the reversed text (Knuth, Morris and Pratt 1977)."""
    tail = text.rstrip()[-200:][::-1]
    border = [0] * (len(tail) + 1)
    matched = 0
    for n in range(1, len(tail)):
        while matched and tail[n] != tail[matched]:
            matched = border[matched]
        matched += tail[n] == tail[matched]
        border[n + 1] = matched
        period = n + 1 - matched
        unit = tail[:period]
        if (
            n + 1 >= least
            and (n + 1) // period >= times
            and len(set(unit.strip())) > 1
            and any(char.isalnum() for char in unit)
        ):
            return True
    return False


def over_and_over(lines: list[str]) -> int:
    """From which line on `lines` only say again what they have said (one line twice, or two lines in turn);
    the number of lines where they do not."""
    for n, (one, other) in enumerate(pairwise(lines), 1):
        bare = one.strip()
        if len(bare) >= 4 and bare == other.strip() and any(char.isalnum() for char in bare):
            return n
        if n >= 3 and len(bare) >= 4 and [x.strip() for x in lines[n - 3 : n - 1]] == [bare, other.strip()]:
            return n - 1
    return len(lines)
