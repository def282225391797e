"""Arguments that several commands take."""

from __future__ import annotations

import argparse


def days(text: str) -> float:
    """A number of days to look back. Raises ArgumentTypeError for what is none."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write one such as 30")
    return number


def count(text: str) -> int:
    """A number of things to show. Raises ArgumentTypeError for what is none."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things; write one such as 10")
    return number
