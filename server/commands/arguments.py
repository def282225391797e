"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path


def days(text: str) -> float:
    """A number of days to look back. Raises ArgumentTypeError for what is none."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write one such as 30")
    return number


def file(text: str) -> Path:
    """A file that is there, in full. Raises ArgumentTypeError for what is none."""
    path = Path(text)
    try:
        if path.is_file():
            return path.resolve()
    except (OSError, ValueError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no file that can be read")


def folder_given(text: str) -> Path:
    """A folder in full. Raises ArgumentTypeError where none can be told: `.` where it was deleted."""
    try:
        return Path(text).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise argparse.ArgumentTypeError(f"{text!r} cannot be read ({why})") from error


def near(parser: argparse.ArgumentParser) -> None:
    """Add `--near`."""
    parser.add_argument(
        "--near",
        type=file,
        action="append",
        default=[],
        metavar="FILE",
        help="a file you are at work in: what is near to it comes first among equals; may be given again",
    )


def count(text: str) -> int:
    """A number of things to show. Raises ArgumentTypeError for what is none."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things; write one such as 10")
    return number
