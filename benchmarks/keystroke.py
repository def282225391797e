"""What one keystroke costs inside the server: the edit applied, the tree fresh again, the names in scope.

    python benchmarks/keystroke.py [--lines 5000] [--keys 400]

A file of that many lines of this repository's own Python is typed into at random places: new statements,
letter by letter, with calls and strings whose closing part comes last, so that the text is broken most of
the time, as text being typed is. Prints one JSON object, milliseconds over all keystrokes; collections of
garbage are put off, as in the server.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from pathlib import Path

from devflow.analysis.scope import visible_names, word_before
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Edit, Text

_TYPED = (
    '    value = self.compute(other, key="text")\n',
    "    for each in found.items():\n        result.append(each[0])\n",
    "    if not done and (count > 3 or name in {\"a\", 'b'}):\n        return None\n",
    '    shown = f"{value!r} and {other.name}"\n',
    "    def inner(first, *rest, last=None):\n        return [first, *rest]\n",
)


def main() -> int:
    """Type, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=5_000)
    parser.add_argument("--keys", type=int, default=1_000)
    arguments = parser.parse_args()
    text = Text(_source(arguments.lines))
    tree = parse(text, "python")
    assert tree is not None
    taken = _typed(tree, arguments.keys, random.Random(7))
    figures = {
        "lines": text.line_count,
        "keys": len(taken),
        "ms": {
            "p50": round(_share(taken, 0.5), 2),
            "p95": round(_share(taken, 0.95), 2),
            "max": round(max(taken), 2),
        },
    }
    print(json.dumps(figures))
    return 0


def _typed(tree: SyntaxTree, keys: int, draw: random.Random) -> list[float]:
    """Milliseconds of each keystroke."""
    text = tree.text
    starts = [
        text.line_start(line)
        for line in range(text.line_count)
        if text.line(line).startswith("    ") and text.line(line - 1).rstrip().endswith(":")
    ]
    taken: list[float] = []
    gc.disable()
    while len(taken) < keys:
        now, at = tree, draw.choice(starts)
        for letter in draw.choice(_TYPED):
            begun = time.perf_counter()
            edit = Edit(at, at, letter)
            now = now.edited([edit], now.text.replaced([edit]))
            at += 1
            word_before(now.text, at, "python")
            visible_names(now, at)
            taken.append((time.perf_counter() - begun) * 1000)
        gc.collect()
    gc.enable()
    return taken[:keys]


def _source(lines: int) -> str:
    """Definitions of this repository, one file after the other."""
    root = Path(__file__).resolve().parents[1]
    pieces: list[str] = []
    total = 0
    for path in sorted((root / "analysis").rglob("*.py")) * 3:
        content = path.read_text("utf-8")
        pieces.append(content)
        total += content.count("\n")
        if total >= lines:
            break
    return "".join("".join(pieces).splitlines(keepends=True)[:lines])


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


if __name__ == "__main__":
    sys.exit(main())
