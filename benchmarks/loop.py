"""How long the server's event loop stands still while it is worked with.

    python benchmarks/loop.py [FOLDER] [--places 12]

A session with empty caches on FOLDER (default: Django, fetched from PyPI): the index is built while a name is
typed letter by letter at each place, with completion and ghost text at every letter; then hover, definition,
symbols, folding and the like, and a save. `loop_probe` runs inside the server. Prints one JSON object:
`lag_ms`, how late a timer of 5 ms came (p50, p95, max; waiting for a core or for the interpreter's lock is in
it), `own_ms`, the CPU the longest callback used itself, and the `worst` callbacks by what they were.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import corpora, measure
from bench.client import Client, NoAnswer
from bench.positions import Place

_WHOLE = (
    "documentSymbol",
    "foldingRange",
    "semanticTokens/full",
    "codeLens",
    "documentLink",
    "diagnostic",
)
_SHOWN = 8


def main() -> int:
    """Work with a server, and print how its loop fared."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--places", type=int, default=12)
    parser.add_argument("--engine", default="jedi", help="jedi or ty")
    arguments = parser.parse_args()
    root = (arguments.folder or _django()).resolve()
    with tempfile.TemporaryDirectory() as home:
        taken = Path(home) / "loop.jsonl"
        command = (sys.executable, str(Path(__file__).with_name("loop_probe.py")), str(taken))
        variables = os.environ | {"HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}
        options = {"python": {"engine": arguments.engine}}
        with Client(command, root, environment=variables, options=options) as client:
            failures = _work(client, root, arguments.places)
        records = [json.loads(line) for line in taken.read_text().splitlines()]
    print(json.dumps(_figures(records) | {"failures": failures}))
    return 0


def _django() -> Path:
    package = next(each for each in corpora.PACKAGES if each.name == "Django")
    return corpora.workspace(package, Path.home() / ".cache" / "devflow-bench")


def _work(client: Client, root: Path, count: int) -> int:
    """A session as an editor leads it; how many answers failed."""
    texts = corpora.texts(root)
    files = random.Random(measure.SEED).sample(sorted(texts), min(6, len(texts)))
    places = measure.draw(texts, files, count, plain=False)
    failures = 0
    for path in {place.path for place in places}:
        client.open(path, texts[path])
        failures += _whole(client, path)
    for place in places[: count // 2]:  # the index is being built meanwhile
        failures += _typed(client, place, texts[place.path])
    client.settle()
    for place in places:
        failures += _typed(client, place, texts[place.path])
        failures += _whole(client, place.path)
        client.notify("textDocument/didSave", {"textDocument": {"uri": place.path.as_uri()}})
    return failures


def _typed(client: Client, place: Place, text: str) -> int:
    end = place.at + len(place.name)
    client.replace(place.path, place.at, end, "")
    failures = 0
    for done in range(len(place.name) + 1):
        at = place.at + done
        failures += _ask(client, "completion", place.path, at, context={"triggerKind": 1})
        failures += _ask(client, "inlineCompletion", place.path, at, context={"triggerKind": 2})
        time.sleep(0.03)
        if done < len(place.name):
            client.replace(place.path, at, at, place.name[done])
    for method in ("hover", "definition", "documentHighlight", "signatureHelp"):
        failures += _ask(client, method, place.path, place.at + 1)
    return failures


def _whole(client: Client, path: Path) -> int:
    failures = 0
    for method in _WHOLE:
        try:
            client.request(f"textDocument/{method}", {"textDocument": {"uri": path.as_uri()}})
        except NoAnswer:
            failures += 1
    return failures


def _ask(client: Client, method: str, path: Path, at: int, **more: Any) -> int:
    try:
        client.ask(method, path, at, **more)
    except NoAnswer:
        return 1
    return 0


def _figures(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    lags = sorted(lag for record in records if "lags" in record for lag in record["lags"]) or [0.0]
    callbacks = [record for record in records if "what" in record]
    worst: dict[str, dict[str, Any]] = {}
    for record in sorted(callbacks, key=lambda record: -record["ms"]):
        kept = worst.setdefault(record["what"], record | {"times": 0})
        kept["times"] += 1
    return {
        "lag_ms": {
            "p50": _share(lags, 0.5),
            "p95": _share(lags, 0.95),
            "max": lags[-1],
            "over_10": sum(lag > 10 for lag in lags),
            "ticks": len(lags),
        },
        "own_ms": {"max": max((record["own_ms"] for record in callbacks), default=0.0)},
        "worst": list(worst.values())[:_SHOWN],
    }


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    sys.exit(main())
