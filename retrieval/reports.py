"""The order in which candidates answer a report: an issue, or another text that says more than it asks.

What a report is about is mended in the code, however much of a test or of the documentation it quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.languages import language_of
from devflow.analysis.sections import DOCUMENTS
from devflow.retrieval.rerank import TEST_NAME, Candidate

if TYPE_CHECKING:
    import numpy as np

_BLEND = 10
_TEST_CASES = re.compile(rf"(^|/)(tests|specs?|__tests__|src/test)/|(^|/)tests\.py$|{TEST_NAME}")
_FOR_TESTING = re.compile(r"(^|/)(test|testing)/")
"""Perhaps tests, perhaps what a package gives to those who test."""
_ABOUT_TESTS = frozenset(("test", "fixtur", "mock"))
_ABOUT_DOCUMENTATION = frozenset(("doc", "docstr", "document", "readm"))


def worth_to_report(learned: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """What each candidate is worth, 0 to 1: its places by the learned order and by reciprocal rank (that in
    which they are given), fused again, because neither was made for texts so long. Those `beside` the code
    come last. Both arrays have one value a candidate."""
    import numpy as np

    total = np.zeros(len(learned))
    for order in (np.argsort(-learned, kind="stable"), np.arange(len(learned))):
        place = np.empty(len(order))
        place[np.concatenate((order[~beside[order]], order[beside[order]]))] = np.arange(len(order))
        total += _BLEND / (_BLEND + place)
    return np.where(beside, 0.0, 0.5) + total / 4


def beside_the_code(candidates: Sequence[Candidate], title: frozenset[str]) -> np.ndarray:
    """Whether each is of a test, or of a document that the report is not about. `title` holds the stems of
    its first line, which says what it is about, where the rest quotes. Is that testing, then what helps to
    test is code, and test cases are not."""
    import numpy as np

    testing = bool(title & _ABOUT_TESTS)
    documentation = bool(title & _ABOUT_DOCUMENTATION)
    return np.array(
        [
            (not documentation and _is_document(each.path))
            or bool(_TEST_CASES.search(each.path))
            or (not testing and bool(_FOR_TESTING.search(each.path)))
            for each in candidates
        ],
        bool,
    )


def _is_document(path: str) -> bool:
    language = language_of(Path(path))
    return language is not None and language.name in DOCUMENTS
