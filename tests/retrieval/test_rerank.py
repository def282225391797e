from __future__ import annotations

import numpy as np

from devflow.retrieval.query import analysed
from devflow.retrieval.rerank import FEATURES, Candidate, features, features_unread, scores


def candidate(number: int, path: str, symbol: str, text: str, kind: str = "function") -> Candidate:
    return Candidate(
        number, number, path, 0, len(text), 0, 5, symbol, kind, text, signature=f"def {symbol}()"
    )


def first_of(query: str, *candidates: Candidate) -> str:
    asked = analysed(query)
    matrix = features(asked, dict(asked.terms), candidates, {})
    assert matrix.shape == (len(candidates), len(FEATURES))
    order = scores(matrix, vectors=False).argsort()[::-1]
    return candidates[order[0]].path


BODY = "    value = compute(things)\n    return value\n"


def test_a_function_named_as_asked_comes_before_one_that_mentions_it() -> None:
    query = "parse the retry header of a response"
    named = candidate(1, "a.py", "parse_retry_header", "def parse_retry_header():\n" + BODY)
    other = candidate(
        2, "b.py", "update", "def update():\n    parse(); retry(); header(); response()\n" + BODY
    )
    assert first_of(query, other, named) == "a.py"


def test_a_test_comes_after_what_it_tests() -> None:
    text = "def parse_header(text):\n" + BODY
    code, test = (
        candidate(n, path, "parse_header", text) for n, path in enumerate(("src/a.py", "tests/a.py"))
    )
    assert first_of("parse the header", test, code) == "src/a.py"


def test_documentation_that_says_what_is_asked_counts() -> None:
    plain = candidate(1, "a.py", "run", "def run():\n" + BODY)
    told = candidate(2, "b.py", "run", "def run():\n" + BODY)
    told.doc = "Retries the upload after a timeout."
    assert first_of("retry upload when there is a timeout", plain, told) == "b.py"


def test_what_is_known_before_reading_does_not_depend_on_the_text() -> None:
    read = candidate(1, "net/retry.py", "Upload.retry", "def retry(self):\n" + BODY)
    unread = Candidate(1, 1, "net/retry.py", 0, len(read.text), 0, 5, "Upload.retry", "function")
    asked = analysed("retry an upload")
    known = features_unread(asked, dict(asked.terms), [unread], {})[0]
    everything = features(asked, dict(asked.terms), [read], {})[0]
    assert not np.isnan(everything).any()
    assert {name for name, here, there in zip(FEATURES, known, everything, strict=True) if here != there} == {
        "head_cover",
        "doc_cover",
        "body_cover",
        "body_bm25",
        "all_cover",
        "known",
        "later_part",
        "alike",
        "alike_near",
        "alike_telling",
        "name_alike",
        "doc_alike",
    }
    assert np.isfinite(scores(known[None], vectors=False)).all()
