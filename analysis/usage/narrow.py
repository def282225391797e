"""Numbers below 2^24 in three bytes each: two in one array, the third in another.

A million lines have six million tokens and as many suffixes; a fourth byte of each would say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int32]

LIMIT = 1 << 24
_AT_ONCE = 1 << 18
"""Numbers that are taken apart together: what is between is of this size."""


class Narrow:
    """Immutable. `low` uint16 [n], `high` uint8 [n]: what they say together."""

    __slots__ = ("high", "low")

    def __init__(self, low: Any, high: Any) -> None:
        import numpy as np

        # Plain views: indexing a memory map costs several times more.
        self.low, self.high = np.asarray(low), np.asarray(high)

    @staticmethod
    def of(values: Integers) -> Narrow:
        """Of numbers from 0 on, below `LIMIT`."""
        import numpy as np

        low, high = np.empty(len(values), np.uint16), np.empty(len(values), np.uint8)
        for at in range(0, len(values), _AT_ONCE):
            some = values[at : at + _AT_ONCE]
            low[at : at + len(some)] = some & 0xFFFF
            high[at : at + len(some)] = some >> 16
        return Narrow(low, high)

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, places: Any) -> Integers:
        """Those at `places` (a slice or an array), as int32 in the same shape."""
        import numpy as np

        found: Integers = self.high[places].astype(np.int32)
        found <<= 16
        found |= self.low[places]
        return found

    def largest(self) -> int:
        """-1 when there is none."""
        if not len(self):
            return -1
        most = self.high.max()
        return int(most) << 16 | int(self.low[self.high == most].max())

    def one(self) -> Callable[[int], int]:
        """What gives the number at one place: several times faster than through numpy."""
        low, high = self.low.data, self.high.data
        return lambda at: low[at] | high[at] << 16
