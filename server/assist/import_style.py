"""How a workspace writes its imports: what `pyproject.toml` or `ruff.toml` say for isort or ruff."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devflow.analysis.refactor.organise_imports import ImportStyle
from devflow.analysis.refactor.refused import Refused
from devflow.analysis.regular_files import content

_UNKNOWN_TEXT = """
force_single_line from_first no_sections sections section_order length_sort length_sort_straight
force_to_top no_lines_before lines_between_types force_alphabetical_sort reverse_relative case_sensitive
order_by_type relative_imports_order default_section forced_separate single_line_exclusions
"""
_UNKNOWN = frozenset(_UNKNOWN_TEXT.split())
_ISORT_LENGTH = 79
_PROFILES = {"black": 88, "pycharm": 120, "google": 88, "": _ISORT_LENGTH}


def import_style(path: Path, roots: Sequence[Path]) -> ImportStyle:
    """The style for a file, from the nearest configuration above it inside its root. Reads the disk.
    Raises Refused when the configuration asks for what cannot be done here."""
    inside = [root for root in roots if path.is_relative_to(root)]
    for folder in path.parents:
        for name in ("ruff.toml", ".ruff.toml", "pyproject.toml"):
            written = _read(folder / name)
            tool = (
                written.get("tool", {}) if name == "pyproject.toml" else {"ruff": written} if written else {}
            )
            if isinstance(tool, Mapping) and ("ruff" in tool or "isort" in tool):
                return _style(tool)
        if folder in inside:
            break
    return ImportStyle()


def _read(path: Path) -> Mapping[str, Any]:
    data = content(path)
    try:
        return tomllib.loads(data.decode("utf-8")) if data is not None else {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _style(tool: Mapping[str, Any]) -> ImportStyle:
    ruff, isort = _section(tool, "ruff"), _section(tool, "isort")
    lint = _section(ruff, "lint")
    own = {**_section(ruff, "isort"), **_section(lint, "isort")} or isort
    options = {str(name).replace("-", "_"): value for name, value in own.items()}
    for name in sorted(_UNKNOWN & options.keys()):
        if options[name] not in (False, None, [], ""):
            raise Refused(f"The setting {name} for imports is not supported here; run the tool itself.")
    length = ruff.get("line-length", options.get("line_length"))
    if length is None:
        length = 88 if ruff else _PROFILES.get(str(options.get("profile", "")), 88)
    return ImportStyle(
        line_length=length if isinstance(length, int) and 20 <= length <= 400 else 88,
        known_first_party=_names(options.get("known_first_party")),
        known_third_party=_names(options.get("known_third_party")),
        force_sort_within_sections=options.get("force_sort_within_sections") is True,
        combine_as=True in (options.get("combine_as_imports"), options.get("combine_as")),
    )


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _names(value: object) -> frozenset[str]:
    if isinstance(value, str):
        value = value.split(",")
    return frozenset(str(each).strip() for each in value) if isinstance(value, list | tuple) else frozenset()
