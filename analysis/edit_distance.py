"""How far two texts are apart."""

from __future__ import annotations


def edit_distance(one: str, other: str, most: int | None = None) -> int:
    """Levenshtein's distance between `one` and `other`, in code points; what is more than `most` is told as
    `most` + 1. Only the diagonal band that can stay within `most` is worked out (Ukkonen 1985): O(n·most)."""
    most = max(len(one), len(other)) if most is None else most
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for n, left in enumerate(one, 1):
        low, high = max(1, n - most), min(len(other), n + most)
        fresh = [n if low == 1 else most + 1] * low + [most + 1] * (len(other) + 1 - low)
        for m in range(low, high + 1):
            fresh[m] = min(row[m] + 1, fresh[m - 1] + 1, row[m - 1] + (left != other[m - 1]))
        row = fresh
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
