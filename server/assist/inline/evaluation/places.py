"""Places with what their author wrote there: from a public set, or punched into real packages."""

from __future__ import annotations

import ast
import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path

from devflow.analysis.tokens import lex

CROSS_CODE_EVAL = "completion/cceval_python_100.jsonl.gz"
_LARGEST = 400_000


class SetsMissing(Exception):
    """The folder has no set; the message says in one sentence what is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hole: `truth` stood between `prefix` and `suffix` of the file `path` (relative)."""

    id: str
    path: str
    prefix: str
    suffix: str
    truth: str
    elsewhere: str = ""
    """Code of other files of the repository, as the set gives it."""


def cross_code_eval(sets: Path) -> list[Place]:
    """The lines of CrossCodeEval (arXiv 2310.11248) in `sets`. Raises SetsMissing."""
    file = sets / CROSS_CODE_EVAL
    if not file.is_file():
        raise SetsMissing(f"{file} is missing: it holds the lines of CrossCodeEval to complete.")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Place(
            str(row["id"]),
            str(row["path"]),
            str(row["prefix"]),
            str(row["suffix"]),
            str(row["groundtruth"]),
            _uncommented(str(row["crossfile_context"].get("text", ""))),
        )
        for row in rows
    ]


def lines_of(root: Path, count: int, seed: int = 20) -> list[Place]:
    """`count` places in the Python files under `root`: the rest of a line from the start of one of its
    words or brackets on."""
    chance = random.Random(seed)
    result: list[Place] = []
    files = sorted(path for path in root.rglob("*.py") if 500 < path.stat().st_size < _LARGEST)
    for path in chance.sample(files, min(len(files), 80)):
        text = path.read_text(encoding="utf-8", errors="replace")
        candidates = _starts(text)
        for at, end in chance.sample(
            candidates, min(len(candidates), 1 + 2 * count // max(1, min(len(files), 80)))
        ):
            name = path.relative_to(root).as_posix()
            result.append(Place(f"{name}:{at}", name, text[:at], text[end:], text[at:end]))
    chance.shuffle(result)
    return result[:count]


def blocks_of(root: Path, count: int, seed: int = 20) -> list[Place]:
    """`count` bodies of small functions under `root`, without their docstrings."""
    chance = random.Random(seed)
    result: list[Place] = []
    for path in sorted(root.rglob("*.py")):
        if not 500 < path.stat().st_size < _LARGEST:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if not text.isascii() or "\r" in text:
            continue
        name = path.relative_to(root).as_posix()
        for start, end in _bodies(text):
            result.append(Place(f"{name}:{start}", name, text[:start], text[end:], text[start:end]))
    chance.shuffle(result)
    return result[:count]


def _bodies(text: str) -> list[tuple[int, int]]:
    """Where bodies of 1 to 8 lines begin and end, from the first statement behind the docstring."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if not body or body[0].lineno == node.lineno:
            continue
        first, last = body[0], body[-1]
        end_line, end_column = last.end_lineno or 0, last.end_col_offset or 0
        if end_line - first.lineno < 8:
            found.append((starts[first.lineno - 1] + first.col_offset, starts[end_line - 1] + end_column))
    return found


def _starts(text: str) -> list[tuple[int, int]]:
    """Where the rest of a line may be asked for, and where the line ends."""
    found: list[tuple[int, int]] = []
    tokens = lex(text, "python")
    for number, token in enumerate(tokens[1:], 1):
        before = tokens[number - 1]
        if before.text not in (".", "(", "=", ",", "return", "in", "and", "or", "not", "if", "+", "[", ":"):
            continue
        end = text.find("\n", token.start)
        end = len(text) if end < 0 else end
        rest = text[token.start : end]
        if (
            not rest.strip()
            or "#" in rest
            or '"""' in rest
            or len(rest) > 120
            or "\n" in text[before.end : token.start]
        ):
            continue
        found.append((token.start, end))
    return found


def _uncommented(text: str) -> str:
    """The code of CrossCodeEval's context, which comes as comments."""
    lines = []
    for line in text.split("\n"):
        if line.startswith("# the below code fragment") or line.startswith("# Here are some relevant"):
            lines.append("")
        elif line.startswith("# "):
            lines.append(line[2:])
        elif line in ("#", ""):
            lines.append("")
    return "\n".join(lines)
