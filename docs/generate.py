"""Write what is derived from the code: the tables in the README and the JSON schema.

`python docs/generate.py` writes; a test fails when what is committed is not what this would write.
"""

from __future__ import annotations

import re
from pathlib import Path

from devflow.server.features import features_table
from devflow.server.settings import json_schema, markdown_table

ROOT = Path(__file__).parents[1]
_FEATURES = re.compile(r"(<!-- features: [^>]*-->\n).*?(<!-- end of features -->)", re.S)
_SETTINGS = re.compile(r"(<!-- settings: [^>]*-->\n).*?(<!-- end of settings -->)", re.S)


def generated() -> dict[Path, str]:
    """Each file that holds derived text, with the text it must have."""
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for place, table in ((_FEATURES, features_table()), (_SETTINGS, markdown_table())):
        text = place.sub(lambda match, table=table: f"{match[1]}{table}{match[2]}", text)
    return {
        readme: text,
        ROOT / "docs/devflow.schema.json": json_schema(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, "utf-8")
