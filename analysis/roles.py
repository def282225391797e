"""What a file is for, by its path."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath

_NAME = re.compile(r"(?:^|[_.\-])(?:tests?|spec|conftest)(?:[_.\-]|$)", re.IGNORECASE)
_JAVA = re.compile(r"[a-z0-9](?:Tests?|IT|Spec)$")
_FOLDERS = frozenset(("test", "tests", "__tests__", "spec", "specs", "testing"))


@lru_cache(maxsize=20_000)
def is_test(path: PurePath) -> bool:
    """Whether a file holds tests, by its name and folders. Of a path below its root all folders count, of an
    absolute one the last: what lies above the root says nothing."""
    folders = path.parts[-2:-1] if path.is_absolute() else path.parts[:-1]
    return bool(
        _NAME.search(path.name)
        or _JAVA.search(path.name.partition(".")[0])
        or any(folder.lower() in _FOLDERS for folder in folders)
    )
