"""Who uses, calls, extends and tests what, as the index of one root has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from devflow.analysis.languages import family, language_of
from devflow.analysis.roles import is_test

USES = (
    "SELECT f.path, r.kind, count(*) FROM (SELECT file, kind FROM refs WHERE name = ? LIMIT ?) r "
    "JOIN files f ON f.id = r.file GROUP BY f.path, r.kind"
)
"""Uses of a name by file and kind; arguments: name, most uses counted."""
SHARED = (
    "SELECT owner, count(DISTINCT name) FROM symbols WHERE owner IN ({owners}) AND name IN ({names}) "
    "GROUP BY owner"
)
"""How many of some names each of some classes defines."""
OWNERS = (
    "SELECT owner FROM symbols WHERE lower IN ({lowers}) AND name IN ({marks}) AND owner <> '' "
    "GROUP BY owner HAVING count(DISTINCT name) = ? LIMIT 200"
)
"""The classes that define all of some names."""
EXTENDING = (
    "s.id IN (SELECT s.id FROM refs r JOIN symbols s ON s.file = r.file AND s.start <= r.start "
    "AND s.start > r.start - 2000 WHERE r.name = ? AND s.name <> r.name "
    "AND s.kind IN ('class', 'struct', 'interface', 'enum', 'type') AND instr(s.signature, r.name) > 0) "
    "ORDER BY f.path, s.start LIMIT ?"
)
"""Class-like symbols whose head mentions a name; whether as a base is for `bases_of` to say."""


@dataclass(frozen=True, slots=True)
class UseCounts:
    """How often a name is used in the workspace; whether all mean the same thing is not known."""

    calls: int = 0
    others: int = 0
    calls_in_tests: int = 0
    others_in_tests: int = 0
    more: bool = False
    """There are more than were counted."""


def is_kin(path: str, language: str) -> bool:
    """Whether a file's code can use names of `language`."""
    written = language_of(PurePath(path))
    return written is None or family(written.name) == family(language)


def counted(rows: list[tuple[str, str, int]], most: int) -> UseCounts:
    """The counts of `USES`' rows."""
    calls = others = calls_in_tests = others_in_tests = 0
    for path, kind, times in rows:
        tests = times if is_test(PurePath(path)) else 0
        if kind == "call":
            calls, calls_in_tests = calls + times, calls_in_tests + tests
        else:
            others, others_in_tests = others + times, others_in_tests + tests
    return UseCounts(calls, others, calls_in_tests, others_in_tests, calls + others >= most)
