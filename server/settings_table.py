"""The settings as documents show them: a JSON schema of `devflow.toml`, the table in docs/settings.md."""

from __future__ import annotations

import json

from devflow.server.sections import Section, Setting, as_json, schema, section_in, settings_of
from devflow.server.settings import FILE_NAME, Options


def json_schema() -> str:
    """The JSON schema of `devflow.toml`, as committed in `docs/devflow.schema.json`."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema(Options)}
    return json.dumps(described | {"title": FILE_NAME}, indent=2) + "\n"


def markdown_table() -> str:
    """The table of settings in docs/settings.md."""
    rows = ["| setting | default | what |", "|---|---|---|"]
    for name, setting in settings_of(Options).items():
        section = section_in(setting.type)
        if section is None:
            rows.append(_row(name, setting))
        else:
            rows += _rows(name, section)
    return "\n".join(rows) + "\n"


def _rows(name: str, section: type[Section]) -> list[str]:
    rows: list[str] = []
    for key, setting in settings_of(section).items():
        inner = section_in(setting.type) if isinstance(setting.type, type) else None
        rows += _rows(f"{name}.{key}", inner) if inner else [_row(f"{name}.{key}", setting)]
    return rows


def _row(name: str, setting: Setting) -> str:
    return f"| `{name}` | `{json.dumps(as_json(setting.default))}` | {setting.description} |"
