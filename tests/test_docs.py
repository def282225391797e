"""What the documents say about the code is what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load_generator() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    texts: dict[Path, str] = module.generated()
    return texts


@pytest.mark.parametrize("path", [path.relative_to(ROOT) for path in load_generator()], ids=str)
def test_derived_text_is_current(path: Path) -> None:
    committed = (ROOT / path).read_text("utf-8") if (ROOT / path).exists() else ""
    assert committed == load_generator()[ROOT / path], "run: .venv/bin/python docs/generate.py"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text("utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []
