"""What editors are told about the settings, made from the settings themselves.

`python -m devflow.editors.generate` writes the files; a test holds that they are current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devflow import __version__
from devflow.server.sections import camel_case
from devflow.server.sections import schema as schema_of
from devflow.server.settings import Options

HERE = Path(__file__).resolve().parent
VSCODE = HERE / "vscode/package.json"
VSCODE_LOCK = HERE / "vscode/package-lock.json"
INTELLIJ = HERE / "intellij/devflow/settings.schema.json"

LANGUAGES = (
    "c",
    "cpp",
    "csharp",
    "go",
    "java",
    "javascript",
    "javascriptreact",
    "python",
    "ruby",
    "rust",
    "typescript",
    "typescriptreact",
)

# VS Code takes a "machine" setting from the user only, never from a folder's .vscode/settings.json:
# a cloned repository must not choose what is run, what is loaded or where text is sent.
_OF_THE_USER = ("models",)

_STARTING: dict[str, Any] = {
    "devflow.path": {
        "type": "string",
        "default": "",
        "scope": "machine",
        "description": "Full path of devflow-lsp. Empty: it is looked for on PATH and in ~/.local/bin.",
    },
    "devflow.arguments": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "scope": "machine",
        "description": "Arguments for devflow-lsp.",
    },
    "devflow.trace.server": {
        "type": "string",
        "enum": ["off", "messages", "verbose"],
        "default": "off",
        "scope": "machine",
        "description": "Log the messages between VS Code and the server. They contain your code.",
    },
}


def files() -> dict[Path, str]:
    """Each generated file and the text it must have."""
    return {VSCODE: _vscode(), VSCODE_LOCK: _vscode_lock(), INTELLIJ: _intellij()}


def vscode_settings() -> dict[str, Any]:
    """The `contributes.configuration.properties` of the VS Code extension."""
    return {**_STARTING, **{f"devflow.{name}": value for name, value in _contributions()}}


def _contributions() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = schema_of(Options, camel_case)
    for name, field in schema["properties"].items():
        section = _resolved(field, schema["$defs"])
        if section.get("type") != "object":
            yield name, _contribution(section, "window")
            continue
        scope = "machine" if name in _OF_THE_USER else "window"
        for key, value in section["properties"].items():
            yield f"{name}.{key}", _contribution(value, scope)


def _contribution(value: Mapping[str, Any], scope: str) -> dict[str, Any]:
    return {**value, "scope": scope}


def _resolved(value: Any, definitions: Mapping[str, Any]) -> Any:
    """`value` with references put in, titles left out and `anyOf` null as a second type: what VS Code's
    settings editor understands."""
    if isinstance(value, list):
        return [_resolved(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = definitions[value["$ref"].rsplit("/", 1)[-1]]
        rest = {key: inner for key, inner in value.items() if key != "$ref"}
        return _resolved({**target, **rest}, definitions)
    made = {
        key: (
            {name: _resolved(inner, definitions) for name, inner in item.items()}
            if key == "properties"
            else _resolved(item, definitions)
        )
        for key, item in value.items()
        if key != "title"
    }
    choices = made.get("anyOf")
    if choices and len(choices) == 2 and choices[1] == {"type": "null"}:
        del made["anyOf"]
        made = {**choices[0], **made, "type": [choices[0]["type"], "null"]}
    return made


def _vscode() -> str:
    description = json.loads(VSCODE.read_text("utf-8"))
    description["version"] = __version__
    description["activationEvents"] = [f"onLanguage:{language}" for language in LANGUAGES]
    description["contributes"]["configuration"]["properties"] = vscode_settings()
    description["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = [
        name for name, value in vscode_settings().items() if value["scope"] == "machine"
    ]
    return _json(description)


def _vscode_lock() -> str:
    lock = json.loads(VSCODE_LOCK.read_text("utf-8"))
    lock["version"] = lock["packages"][""]["version"] = __version__
    return _json(lock)


def _intellij() -> str:
    schema = schema_of(Options, camel_case)
    section = {key: value for key, value in schema.items() if key != "$defs"}
    section["title"] = "DevFlow"
    return _json(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"devflow": section},
            "additionalProperties": False,
            # Where the references inside the section point to.
            "$defs": schema["$defs"],
        }
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every generated file."""
    for path, text in files().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
