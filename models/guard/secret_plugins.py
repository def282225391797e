"""The detectors of the detect-secrets library: of values beside telling names, and of issuers whose tokens
have no beginning of their own (Cloudant, IBM Cloud, SoftLayer).

A second opinion: on every set the guard's own patterns find what these do, which is measured each time. It is
asked only about lines that hold what it looks for, since it is slow (0.1 ms a line).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol, cast

from devflow.models.guard.secret_formats import places
from devflow.models.guard.secret_names import can_be_secret

LONGEST_LINE = 4_000
"""Longer lines are looked at in pieces of this many characters, overlapping by 200."""
_WORTH_A_LOOK = re.compile(
    r"passw|pwd|secret|(?:api|auth|service|account|priv|private|client)_?key|(?:db|database)_?(?:key|pass)|key_?pass|contrase",
    re.IGNORECASE,
)
"""Lines without any of these have nothing for the library's keyword detector."""
_ISSUERS = ("cloudant", "softlayer", "ibm", "cos_")
"""What the lines hold that the library's detectors of issuers find something in."""


class _Plugin(Protocol):
    def analyze_string(self, string: str) -> Iterable[str]: ...


def by_plugins(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of what the library's detectors find."""
    keywords, issuers = _plugins()
    for start, line in _lines_with(text, ("pass", "pwd", "secret", "key", "contrase"), text.lower()):
        if ('"' in line or "'" in line) and _WORTH_A_LOOK.search(line):
            for secret in keywords.analyze_string(line):
                if secret and can_be_secret(secret, outright=True, quoted=True):
                    yield from places(line, secret, start)
    for start, line in _lines_with(text, _ISSUERS, text):
        for plugin in issuers:
            for secret in plugin.analyze_string(line):
                if secret and len(secret) >= 12:
                    yield from places(line, secret, start)


def _lines_with(text: str, words: Iterable[str], searched: str) -> Iterator[tuple[int, str]]:
    """The lines of `text` (parts of long ones) with one of `words` in `searched`, and where they start."""
    if len(searched) != len(text):  # a few letters have longer small forms
        searched = text
    starts: set[int] = set()
    for word in words:
        at = searched.find(word)
        while at >= 0:
            line = text.rfind("\n", 0, at) + 1
            starts.add(max(line, line + (at - line) // (LONGEST_LINE - 200) * (LONGEST_LINE - 200)))
            at = searched.find(word, at + len(word))
    for start in sorted(starts):
        end = text.find("\n", start, start + LONGEST_LINE)
        yield start, text[start : end if end >= 0 else start + LONGEST_LINE]


@lru_cache(maxsize=1)
def _plugins() -> tuple[_Plugin, tuple[_Plugin, ...]]:
    """The library's detector of telling names, and those of issuers that `secret_formats` has not in full.
    Importing them takes 0.1-0.2 s, so it happens at the first use."""
    from detect_secrets.plugins.cloudant import CloudantDetector
    from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
    from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
    from detect_secrets.plugins.keyword import KeywordDetector
    from detect_secrets.plugins.softlayer import SoftlayerDetector

    issuers = (CloudantDetector, IbmCloudIamDetector, IbmCosHmacDetector, SoftlayerDetector)
    return cast("_Plugin", KeywordDetector()), cast(
        "tuple[_Plugin, ...]", tuple(plugin() for plugin in issuers)
    )
