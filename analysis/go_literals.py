"""The type of the composite literal that a key of Go stands in, read from text."""

from __future__ import annotations

import re

from devflow.analysis.expressions import opening_around

_DEEPEST = 4
_KEY = re.compile(r"\s*:(?!=)")
_NAMED = re.compile(
    r"(?P<held>(?:\[[^\[\]]*\]\*?|map\[[^\[\]]*\]\*?)*)(?P<name>(?:\w+\.)?\w+)(?:\[[^\[\]]*\])?\s*\Z"
)
_NO_TYPES = frozenset(
    {"struct", "interface", "else", "select", "switch", "for", "func", "return", "range", "default"}
)
_HEADS = re.compile(r"(?:^|[\n;{}])\s*(?:\}\s*else\s+)?(?:if|for|switch|select|case)\b[^\n{}]*\Z")


def literal_type(source: str, start: int, end: int) -> str:
    """The type, as written, of the literal whose key is `source[start:end]`; "" where it is no key of one, or
    the type is not written there."""
    if not _KEY.match(source, end) or source[:start].rstrip()[-1:] not in ("{", ","):
        return ""
    at, inside = start, 0
    for _ in range(_DEEPEST):
        opened = opening_around(source, at, "{")
        if opened is None:
            return ""
        before = source[max(0, opened - 300) : opened]
        named = _NAMED.search(before)
        if named is None or (source[opened - 1] in " \t" and _HEADS.search(before)):
            if before.rstrip()[-1:] not in ("{", ",", ":", "&"):
                return ""
            at, inside = opened, inside + 1  # the type of an element is left out: `[]Point{{X: 1}}`
            continue
        held = len(re.findall(r"\[", named["held"]))
        plain = named["name"] not in _NO_TYPES and before[: named.start()].rstrip()[-1:] != ")"
        return named["name"] if plain and held == inside else ""
    return ""
