"""Write what is derived from the code: the README's table of features, the settings' table and JSON schema.

`python docs/generate.py` writes; a test fails when what is committed is not what this would write.
"""

from __future__ import annotations

import re
from pathlib import Path

from devflow.server.features import features_table
from devflow.server.settings_table import json_schema, markdown_table

ROOT = Path(__file__).parents[1]
_FEATURES = re.compile(r"(<!-- features: [^>]*-->\n).*?(<!-- end of features -->)", re.S)
_SETTINGS = re.compile(r"(<!-- settings: [^>]*-->\n).*?(<!-- end of settings -->)", re.S)


def generated() -> dict[Path, str]:
    """Each file that holds derived text, with the text it must have."""
    return {
        ROOT / "README.md": _with_table("README.md", _FEATURES, features_table()),
        ROOT / "docs/settings.md": _with_table("docs/settings.md", _SETTINGS, markdown_table()),
        ROOT / "docs/devflow.schema.json": json_schema(),
    }


def _with_table(path: str, place: re.Pattern[str], table: str) -> str:
    return place.sub(lambda match: f"{match[1]}{table}{match[2]}", (ROOT / path).read_text("utf-8"))


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, "utf-8")
