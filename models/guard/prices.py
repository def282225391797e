"""What tokens cost by the price lists of providers, for models the user gives no price for.

Written down from what was publicly known and not checked against the lists, which change: good enough for
warnings and budgets to be of the right size. Exact sums need the user's own prices, in `models.list`.
"""

from __future__ import annotations

import math
import re

from devflow.models.guard.books import Price


def list_price(model: str) -> Price | None:
    """What a provider's price list says of a model, None when it is not known."""
    name = model.lower().rpartition("/")[2]
    return next((price for pattern, price in _LIST if re.match(pattern, name)), None)


def money(amount: float) -> str:
    """An amount for people: two decimals, and as many more as two digits of a small one take, to a
    millionth: `12.50`, `0.0034`."""
    if not amount or not math.isfinite(amount):
        return f"{amount:.2f}"
    return f"{amount:.{min(6, max(2, 1 - math.floor(math.log10(abs(amount)))))}f}"


_LIST: tuple[tuple[str, Price], ...] = (
    (r"claude-opus-4-[5-9]", Price(5, 25, 0.5)),
    (r"claude-(?:opus|3-opus)", Price(15, 75, 1.5)),
    (r"claude-haiku-4", Price(1, 5, 0.1)),
    (r"claude-3-5-haiku", Price(0.8, 4, 0.08)),
    (r"claude-3-haiku", Price(0.25, 1.25, 0.03)),
    (r"claude", Price(3, 15, 0.3)),
    (r"gpt-5[\w.\-]*nano", Price(0.05, 0.4, 0.005)),
    (r"gpt-5[\w.\-]*mini", Price(0.25, 2, 0.025)),
    (r"gpt-5", Price(1.25, 10, 0.125)),
    (r"gpt-4\.1-nano", Price(0.1, 0.4, 0.025)),
    (r"gpt-4\.1-mini", Price(0.4, 1.6, 0.1)),
    (r"gpt-4\.1", Price(2, 8, 0.5)),
    (r"gpt-4o-mini", Price(0.15, 0.6, 0.075)),
    (r"gpt-4o", Price(2.5, 10, 1.25)),
    (r"gpt-3\.5-turbo-instruct", Price(1.5, 2)),
    (r"gpt-3\.5", Price(0.5, 1.5)),
    (r"o[134]-mini", Price(1.1, 4.4, 0.275)),
    (r"o3", Price(2, 8, 0.5)),
    (r"o1", Price(15, 60, 7.5)),
    (r"codestral", Price(0.3, 0.9)),
    (r"devstral|mistral-small", Price(0.1, 0.3)),
    (r"mistral-(?:large|medium)", Price(2, 6)),
    (r"deepseek", Price(0.28, 0.42, 0.028)),
    (r"text-embedding-3-small", Price(0.02, 0)),
    (r"text-embedding-3-large", Price(0.13, 0)),
)
