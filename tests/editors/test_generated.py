"""What is generated from the settings is current, and keeps the user's settings the user's."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from devflow.editors import generate
from devflow.server import settings, sources
from devflow.server.sections import camel_case, section_in, settings_of


@pytest.mark.parametrize("path", sorted(generate.files()), ids=lambda path: path.name)
def test_the_generated_file_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == generate.files()[path], "run `python -m devflow.editors.generate`"


def test_a_workspace_cannot_set_what_is_run_loaded_or_sent() -> None:
    scopes = {name: value["scope"] for name, value in generate.vscode_settings().items()}
    of_the_user = {
        name for name in scopes if name.startswith(("devflow.models.", "devflow.path", "devflow.arg"))
    }
    assert len(of_the_user) >= 6
    assert {scopes[name] for name in of_the_user} == {"machine"}


def test_every_setting_of_the_server_is_in_vs_code() -> None:
    contributed = {name.removeprefix("devflow.") for name in generate.vscode_settings()}
    known = {
        f"{camel_case(section)}.{camel_case(key)}"
        for section, setting in settings_of(settings.Options).items()
        if (inside := section_in(setting.type)) is not None
        for key in settings_of(inside)
    }
    assert len(known) >= 20
    assert known - contributed == set()


def test_what_vs_code_offers_as_default_is_accepted_by_the_server() -> None:
    tree: dict[str, dict[str, object]] = {}
    for name, value in generate.vscode_settings().items():
        section, _, key = name.removeprefix("devflow.").partition(".")
        if key and section != "trace" and "default" in value:
            tree.setdefault(section, {})[key] = value["default"]
    _, problems = sources.resolve(sources.Source("the editor's settings", tree))
    assert problems == []


def test_the_intellij_schema_accepts_settings_and_names_a_wrong_one() -> None:
    schema = json.loads(generate.INTELLIJ.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema({k: v for k, v in schema.items() if k != "$schema"})
    good = json.loads((generate.INTELLIJ.parent / "settings.json").read_text("utf-8"))
    jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError, match="inlin"):
        jsonschema.validate({"devflow": {"inlin": {}}}, schema)
