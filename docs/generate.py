"""Write what is derived from the code: the settings table in the README and the JSON schema.

`python docs/generate.py` writes; a test fails when what is committed is not what this would write.
"""

from __future__ import annotations

import re
from pathlib import Path

from devflow.server.settings import json_schema, markdown_table

ROOT = Path(__file__).parents[1]
_SETTINGS = re.compile(r"(<!-- settings: [^>]*-->\n).*?(<!-- end of settings -->)", re.S)


def generated() -> dict[Path, str]:
    """Each file that holds derived text, with the text it must have."""
    readme = ROOT / "README.md"
    return {
        readme: _SETTINGS.sub(
            lambda match: f"{match[1]}{markdown_table()}{match[2]}", readme.read_text("utf-8")
        ),
        ROOT / "docs/devflow.schema.json": json_schema(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, "utf-8")
