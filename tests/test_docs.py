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


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/models.md", "editors/README.md"],
)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text("utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_each_invariant_names_tests_that_exist() -> None:
    table = ARCHITECTURE[ARCHITECTURE.index("## Invariants") :]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", table)
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"def {name}\(", (ROOT / path).read_text("utf-8"))
    ]
    assert missing == []
    assert len(re.findall(r"^\| \d+ \|", table, re.MULTILINE)) == 14


def test_each_decision_is_headed_by_its_number() -> None:
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        assert path.read_text("utf-8").startswith(f"# {int(path.name[:4])}. "), path.name


def test_each_contract_named_for_an_invariant_is_one() -> None:
    contracts = re.findall(r'^name = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    rows = [line for line in ARCHITECTURE.splitlines() if line.startswith("|") and "contract" in line]
    named = [name for row in rows for name in re.findall(r"\*([^*|]+)\*", row)]
    assert len(named) >= 5
    assert [name for name in named if name not in contracts] == []


@pytest.mark.parametrize("layer", ["analysis", "models", "retrieval", "server"])
def test_every_module_is_on_the_code_map(layer: str) -> None:
    start = ARCHITECTURE.index("## Code map")
    words = set(re.findall(r"[\w.]+", ARCHITECTURE[start : ARCHITECTURE.index("## Contracts")]))
    modules = [
        path
        for path in (ROOT / layer).rglob("*.py")
        if path.parent.name not in ("handlers", "commands") and path.name != "__init__.py"
    ]
    assert len(modules) > 10
    assert [str(path.relative_to(ROOT)) for path in modules if path.name not in words] == []
