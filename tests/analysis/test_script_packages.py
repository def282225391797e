"""Where the types of TypeScript's libraries are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devflow.analysis.script_packages import ambient_files, installation, types_of


def installed(folder: Path, name: str, told: str = "{}") -> Path:
    package = folder / "node_modules" / name
    package.mkdir(parents=True)
    (package / "package.json").write_text(told)
    types = package / "index.d.ts"
    types.write_text("export function f(): string;\n")
    return types


def test_a_package_that_is_installed_later_is_found_by_the_next_question(tmp_path: Path) -> None:
    before = installation([tmp_path])
    assert types_of("queue", tmp_path) is None
    types = installed(tmp_path, "queue")
    assert installation([tmp_path]) > before
    assert types_of("queue", tmp_path) == types


@pytest.mark.parametrize("module", ["a" * 300, "./" + "a" * 300, "@a/" + "b" * 300])
def test_a_module_whose_name_no_file_can_have_is_nowhere(module: str, tmp_path: Path) -> None:
    installed(tmp_path, "@a/queue")
    assert types_of(module, tmp_path) is None


@pytest.mark.parametrize(
    "told",
    [
        json.dumps({"types": "x" * 400}),
        '{"exports": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"exports": ' + '{"types": ' * 900 + '"x"' + "}" * 900 + "}",
    ],
)
def test_a_package_that_cannot_be_understood_hides_no_other(told: str, tmp_path: Path) -> None:
    installed(tmp_path, "@types/a", told)
    other = installed(tmp_path, "@types/b")
    types_of("a", tmp_path)
    assert other in ambient_files([tmp_path / "node_modules"])


def test_a_reference_to_what_no_file_can_be_called_hides_no_other(tmp_path: Path) -> None:
    entry = installed(tmp_path, "@types/a")
    other = entry.with_name("other.d.ts")
    other.write_text("declare var x: string;\n")
    entry.write_text(f'/// <reference path="{"x" * 300}" />\n/// <reference path="other.d.ts" />\n')
    assert ambient_files([tmp_path / "node_modules"]) == [entry, other]
