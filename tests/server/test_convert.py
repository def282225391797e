"""URIs in and out."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.server.convert import path_of, uri_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///ws/a%20b/%C3%BC.py", "/ws/a b/\u00fc.py"),
        ("file://localhost/ws/a.py", "/ws/a.py"),
        ("file:///ws/../elsewhere/a.py", "/elsewhere/a.py"),
        ("file:///ws/%2E%2E/elsewhere/./a.py", "/elsewhere/a.py"),
    ],
)
def test_a_file_uri_names_one_path(uri: str, path: str) -> None:
    assert path_of(uri) == Path(path)


@pytest.mark.parametrize(
    "uri", ["", "untitled:Untitled-1", "http://[::1", "file:relative.py", "file:///a%00b.py"]
)
def test_what_is_no_file_has_no_path(uri: str) -> None:
    assert path_of(uri) is None


def test_a_name_that_is_not_utf_8_survives() -> None:
    path = Path("/ws/\udcff #?.py")
    assert uri_of(path) == "file:///ws/%FF%20%23%3F.py"
