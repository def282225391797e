"""Where names lead outside Python, beside the language's own server.

    PYTHONPATH=benchmarks python benchmarks/definitions.py --language go FOLDER -- gopls
    PYTHONPATH=benchmarks python benchmarks/definitions.py --language typescript FOLDER -- \\
        typescript-language-server --stdio

Draws names from FOLDER's files with a fixed seed, members (behind a dot) and others, asks both servers for
their definitions, and counts ours by what the other one says: it is in FOLDER (`right`: the same line and
nothing else; `among`: it is one of several; `wrong`; `none`), outside of it (`led inside`: we name a place
in FOLDER; `kept out`), or nothing. The other server must be installed; its environment (`GO111MODULE`,
`GOPATH`) is handed on. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.client import Client, NoAnswer

_ENDINGS = {"go": ".go", "typescript": ".ts", "javascript": ".js", "java": ".java", "rust": ".rs"}
_SKIPPED = frozenset({"node_modules", "vendor", "testdata", "examples"})
_KEYWORDS = frozenset(
    """any as async await boolean bool break byte case catch chan class const continue declare default defer
    else enum error export extends fallthrough false final finally for from func function get go goto if
    implements import infer instanceof int interface keyof let map namespace never new nil null number
    package private protected public range readonly return select set static string struct super switch this
    throw true try type typeof undefined unknown var void while""".split()  # noqa: SIM905
)
_IN_COMMENT = ("//", "*", "/*", "import", "from", "package")

Place = tuple[str, int]
"""A file and a line, from 0."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name to ask about."""

    path: Path
    at: int
    is_member: bool


def main() -> int:
    """Ask both, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=sorted(_ENDINGS), required=True)
    parser.add_argument("--files", type=int, default=15)
    parser.add_argument("--names", type=int, default=15, help="per file, two thirds of them members")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("server", nargs="+", help="the other server's command, behind --")
    arguments = parser.parse_args()
    root = arguments.folder.resolve()
    draw = random.Random(arguments.seed)
    files = _files(root, arguments.language)
    texts = {
        path: path.read_text("utf-8", "replace")
        for path in draw.sample(files, min(arguments.files, len(files)))
    }
    names = [name for path, text in texts.items() for name in _names(path, text, arguments.names, draw)]
    theirs = _answers(arguments.server, dict(os.environ), root, arguments.language, texts, names)
    with tempfile.TemporaryDirectory() as home:
        folders = {f"XDG_{each}_HOME": f"{home}/{each}" for each in ("CACHE", "CONFIG", "STATE")}
        own = [str(Path(sys.executable).with_name("devflow-lsp"))]
        ours = _answers(own, {**os.environ, **folders}, root, arguments.language, texts, names)
    print(json.dumps(_counted(root, names, theirs, ours), indent=1))
    return 0


def _counted(
    root: Path, names: Sequence[Name], theirs: Sequence[Sequence[Place]], ours: Sequence[Sequence[Place]]
) -> dict[str, dict[str, int]]:
    figures: dict[str, Counter[str]] = {"members": Counter(), "others": Counter()}
    for name, told, said in zip(names, theirs, ours, strict=True):
        inside = [place for place in told if Path(place[0]).is_relative_to(root)]
        led = any(Path(place[0]).is_relative_to(root) for place in said)
        if inside:
            verdict = "none" if not said else "wrong" if not set(said) & set(inside) else "among"
            verdict = "right" if len(said) == 1 and said[0] in inside else verdict
        elif told:
            verdict = "led inside" if led else "kept out"
        else:
            verdict = "nobody knows" if not said else "only we"
        figures["members" if name.is_member else "others"][verdict] += 1
    return {kind: dict(sorted(counted.items())) for kind, counted in figures.items()}


def _answers(
    command: Sequence[str],
    environment: dict[str, str],
    root: Path,
    language: str,
    texts: dict[Path, str],
    names: Sequence[Name],
) -> list[list[Place]]:
    with Client(command, root, environment=environment, timeout=60) as client:
        for path, text in texts.items():
            client.open(path, text, language)
        client.settle()
        return [_definition(client, name) for name in names]


def _definition(client: Client, name: Name) -> list[Place]:
    try:
        told, _ = client.ask("definition", name.path, name.at)
    except NoAnswer:
        return []
    places = told if isinstance(told, list) else [told] if told else []
    return [
        (
            (each.get("targetUri") or each["uri"]).removeprefix("file://"),
            (each.get("targetSelectionRange") or each["range"])["start"]["line"],
        )
        for each in places
    ]


def _files(root: Path, language: str) -> list[Path]:
    return sorted(
        path
        for path in root.rglob(f"*{_ENDINGS[language]}")
        if not _SKIPPED & set(path.relative_to(root).parts)
        and 1_500 < path.stat().st_size < 80_000
        and "test" not in path.name
        and not path.name.endswith(".d.ts")
    )


def _names(path: Path, text: str, most: int, draw: random.Random) -> list[Name]:
    """Names in code: two thirds of `most` behind a dot."""
    found: dict[bool, list[Name]] = {True: [], False: []}
    for match in re.finditer(r"[A-Za-z_]\w{2,}", text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        quoted = any(before.count(sign) % 2 for sign in "\"'`")
        if match[0] in _KEYWORDS or quoted or "//" in before or before.lstrip().startswith(_IN_COMMENT):
            continue
        is_member = before.endswith(".") and not before.endswith("..")
        found[is_member].append(Name(path, match.start(), is_member))
    members, others = most * 2 // 3, most - most * 2 // 3
    return [
        name
        for of, number in ((found[True], members), (found[False], others))
        for name in draw.sample(of, min(number, len(of)))
    ]


if __name__ == "__main__":
    sys.exit(main())
