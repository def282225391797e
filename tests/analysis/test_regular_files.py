"""Files of a repository that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devflow.analysis.regular_files import NotRegular, content, opened


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert content(tmp_path / "a", 3) == b"abc"
    assert content(tmp_path / "a", 2) is None
    assert content(tmp_path / "none") is None


def test_pipes_folders_and_devices_without_an_end_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "device", tmp_path):
        assert content(path) is None
        with pytest.raises(OSError), opened(path):  # noqa: PT011 - a folder cannot even be opened
            raise AssertionError
    with pytest.raises(NotRegular), opened(tmp_path / "pipe"):
        raise AssertionError


def test_a_link_is_followed_unless_it_shall_not_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert content(tmp_path / "link") == b"abc"
    assert content(tmp_path / "link", flags=os.O_NOFOLLOW) is None
