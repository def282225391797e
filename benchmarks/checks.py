"""Run the review checks over published packages, whose code is taken to be right: what they report
there is a false finding until someone has read it.

    python benchmarks/checks.py FOLDER...

Each folder is a package; its parent is the root that imports start from, and what lies beside it is what is
installed. Prints every finding to stderr and the figures as JSON, those of each check per 100,000 lines too.
No index is used: duplicates are looked for within each file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from devflow.analysis.checks.calls import python_calls, unfit_calls
from devflow.analysis.checks.duplicates import comparable, near_duplicates
from devflow.analysis.checks.python_module import Module, read_module
from devflow.analysis.checks.python_syntax import python_syntax_errors
from devflow.analysis.checks.secrets import hard_coded_secrets
from devflow.analysis.checks.undefined_names import undefined_names
from devflow.analysis.checks.unresolved_imports import Surroundings, unresolved_imports
from devflow.analysis.facts import Finding
from devflow.analysis.python_environment import Environment
from devflow.analysis.python_names import python_names
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text

_MOST_ROUNDS = 12


def main() -> int:
    """Print findings and figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    started = time.perf_counter()
    reported: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    slowest = 0.0
    for folder in arguments.folders:
        modules: dict[Path, Module | None] = {}
        for path in sorted(folder.resolve().rglob("*.py")):
            tree = _tree(path)
            if tree is None:
                continue
            before = time.perf_counter()
            found = _findings(path, tree, folder.resolve(), modules, counts)
            slowest = max(slowest, time.perf_counter() - before)
            counts["files"] += 1
            counts["lines"] += tree.text.line_count
            for finding in found:
                reported[finding.code] += 1
                line = tree.text.line_at(finding.start) + 1
                print(f"{path}:{line}: {finding.code}: {finding.message}", file=sys.stderr)
    seconds = {"seconds": round(time.perf_counter() - started, 1), "slowest_s": round(slowest, 2)}
    lines = max(counts["lines"], 1)
    figures = {
        code: {"found": count, "per 100,000 lines": round(count * 100_000 / lines, 2)}
        for code, count in sorted(reported.items())
    }
    print(json.dumps({**counts, **seconds, "findings": figures}, indent=2))
    return 0


def _findings(
    path: Path, tree: SyntaxTree, folder: Path, modules: dict[Path, Module | None], counts: Counter[str]
) -> list[Finding]:
    sites, home = python_calls(tree), read_module(tree, path)
    found: list[Finding] = []
    for _ in range(_MOST_ROUNDS):
        found, wanted = unfit_calls(sites, home, [folder.parent], modules)
        if not wanted:
            break
        for one in wanted:
            other = _tree(one)
            modules[one] = read_module(other, one) if other is not None else None
    counts["calls"] += len(sites)
    below = path.relative_to(folder.parent)
    functions = comparable(tree.text, symbols(tree), below)
    counts["functions"] += len(functions)
    found += near_duplicates(tree.text, path, functions, [[] for _ in functions])
    names = python_names(tree)
    counts["imports"] += len(names.imports)
    around = Surroundings((folder,), Environment((folder.parent,), frozenset(), whole=True), frozenset())
    found += [*undefined_names(names), *unresolved_imports(names, path, around)]
    return found + python_syntax_errors(tree, {}) + hard_coded_secrets(tree.text, below)


def _tree(path: Path) -> SyntaxTree | None:
    try:
        return parse(Text(path.read_text("utf-8")), "python")
    except (OSError, UnicodeDecodeError):
        return None


if __name__ == "__main__":
    sys.exit(main())
