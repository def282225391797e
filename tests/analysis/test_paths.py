from __future__ import annotations

from pathlib import Path

import pytest

from devflow.analysis.paths import shown_path, told_path

ROOTS = (Path("/home/ada/shop"), Path("/home/ada/other"))


@pytest.mark.parametrize(
    ("path", "shown", "told"),
    [
        ("/home/ada/shop/pay/cards.py", "pay/cards.py", "pay/cards.py"),
        ("/home/ada/other/a.py", "a.py", "a.py"),
        ("/home/ada/.venv/lib/python3.12/site-packages/rich/text.py", "rich/text.py", "rich/text.py"),
        (
            "/home/ada/.cache/ty/vendored/typeshed/2e4d4dcf657f8230/stdlib/builtins.pyi",
            "typeshed/stdlib/builtins.pyi",
            "typeshed/stdlib/builtins.pyi",
        ),
        (
            "/home/ada/.venv/lib/python3.12/site-packages/jedi/third_party/typeshed/stdlib/os/path.pyi",
            "typeshed/stdlib/os/path.pyi",
            "typeshed/stdlib/os/path.pyi",
        ),
        ("/home/ada/notes/todo.py", "/home/ada/notes/todo.py", "todo.py"),
    ],
)
def test_users_see_where_a_file_is_and_models_nothing_above_the_workspace(
    path: str, shown: str, told: str
) -> None:
    assert (shown_path(Path(path), ROOTS), told_path(Path(path), ROOTS)) == (shown, told)
