"""How fast names are found in a million lines: `workspace/symbol` without the protocol around it.

    python benchmarks/symbols.py [FOLDER]

FOLDER defaults to homeassistant 2025.4.4 (7,978 files, 1.145M lines), which pip brings. Its index is built in
a folder of its own; that takes a minute or two and is not part of the figures. The queries are whole names,
beginnings, middles, letters in order, and what is nowhere. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

PACKAGE = "homeassistant==2025.4.4"
_CACHE = Path(tempfile.gettempdir()) / "devflow-bench-symbols"


def main() -> int:
    """Index, ask, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    os.environ["XDG_CACHE_HOME"] = str(_CACHE / "cache")
    folder = arguments.folder or _fetched()
    print(json.dumps(asyncio.run(_figures(folder.resolve()))))
    return 0


async def _figures(root: Path) -> dict[str, object]:
    from devflow.retrieval.build import build
    from devflow.retrieval.index import Index
    from devflow.server import settings
    from devflow.server.assist.base import Codebase
    from devflow.server.assist.workspace_symbols import workspace_symbols
    from devflow.server.open_documents import OpenDocuments

    begun = time.perf_counter()
    await build(root, settings.Index(vectors=False))
    built = time.perf_counter() - begun
    index = await Index.open([root])
    code = Codebase((root,), OpenDocuments(), index=index)
    [status] = await index.status()
    names = sorted({each.symbol.name for each in await index.symbols_matching("", 20_000)})
    draw = random.Random(7)
    await index.symbols_matching("warm", 1)
    taken: dict[str, list[float]] = {}
    for _ in range(60):
        for kind, query in _queries(draw.choice(names), draw).items():
            begun = time.perf_counter()
            await workspace_symbols(query, 100, (), code)
            taken.setdefault(kind, []).append((time.perf_counter() - begun) * 1000)
    await index.close()
    every = [each for values in taken.values() for each in values]
    return {
        "files": status.files,
        "symbols": status.symbols,
        "build_s": round(built, 1),
        "ms": {"p50": _share(every, 0.5), "p95": _share(every, 0.95), "max": round(max(every), 1)},
        "p95_of": {kind: _share(values, 0.95) for kind, values in taken.items()},
    }


def _queries(name: str, draw: random.Random) -> dict[str, str]:
    places = sorted(draw.sample(range(len(name)), min(5, len(name))))
    return {
        "whole": name,
        "beginning": name[:4],
        "middle": name[2:8] or name,
        "letters": "".join(name[place] for place in places),
        "one": name[:1],
        "nowhere": "zqxj" + name[:2],
    }


def _share(values: list[float], share: float) -> float:
    return round(sorted(values)[min(int(len(values) * share), len(values) - 1)], 1)


def _fetched() -> Path:
    folder = _CACHE / "code"
    if not folder.is_dir():
        wheels = _CACHE / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--python-version", "3.13", PACKAGE, "-d", str(wheels)], check=True)
        [wheel] = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
