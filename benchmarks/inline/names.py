"""What the check of names is worth: a scripted model writes the truth of real packages with some of its names
invented.

    PYTHONPATH=benchmarks python -m inline.names ROOT … [--places N] [--share .2] [--misses]

Prints one JSON object for each ROOT: of the names written, how many are invented; of the names shown with
the check and without it; and of the suggestions without any invented name, and of the good names in them, how
many are lost or changed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devflow.analysis.calls import safe_start
from devflow.analysis.tokens import lex
from devflow.server.assist.inline import inline
from devflow.server.assist.inline.evaluation.places import Place, lines_of
from devflow.server.assist.inline.evaluation.scripted import Faulty, ScriptedFill, with_invented_names
from devflow.server.assist.inline.ghost import ghost_of
from devflow.server.assist.inline.known import with_suggestion
from devflow.server.assist.inline.names import Name, Role, used_names
from devflow.server.settings import Inline

from .workspaces import document, opened, words_of

_NAME = re.compile(r"[^\W\d]\w*\Z")
SEED = 20


def uses_of(root: Path, place: Place) -> frozenset[int]:
    """Where in the truth names stand that are not made there."""
    doc, at = document(root, place)
    made = with_suggestion(doc, at, place.truth)
    begin = safe_start(made.tree, at) if made.tree is not None else 0
    used = used_names(made.text.source, at, at + len(place.truth), "python", begin)
    return frozenset(each.start - at for each in used if not _is_made(made.text.source, each))


def _is_made(source: str, name: Name) -> bool:
    """Whether an attribute is given its value there: it may be new."""
    return name.role is Role.ATTRIBUTE and re.match(r"\s*(?::[^=\n]*)?=(?!=)", source[name.end :]) is not None


def names_in(text: str) -> list[str]:
    """The identifiers of a piece of code."""
    return [token.text for token in lex(text, "python") if _NAME.match(token.text)]


async def measured(root: Path, count: int, share: float, *, misses: bool) -> dict[str, Any]:
    """The figures of one package."""
    places = lines_of(root, count)
    chance = random.Random(SEED)
    real = words_of(root)
    told: dict[str, Any] = {"package": root.name, "places": len(places), "share": share}
    async with opened(root) as code:
        faulty = [
            with_invented_names(place.truth, share, chance, real, uses_of(root, place)) for place in places
        ]
        told["engine"] = getattr(code.python, "engine", "none")
        for check in (False, True):
            model = ScriptedFill()
            counts: dict[str, int] = dict.fromkeys(
                ("names", "invented", "good", "good shown", "clean", "clean lost", "clean changed", "shown"),
                0,
            )
            spent: list[float] = []
            for place, written in zip(places, faulty, strict=True):
                model.text = written.text
                with_model = replace(code, models=cast(Any, model), memory=code.memory)
                doc, at = document(root, place)
                doc = replace(doc, uri=f"{doc.uri}#{at}-{check}")
                config = Inline(check_names=check, context=False, min_confidence=1.0, min_acceptance=0.0)
                begun = time.perf_counter()
                found = await inline(doc, at, with_model, config, manual=True)
                spent.append((time.perf_counter() - begun) * 1e3)
                shown = found.edit.new if found is not None and found.engine == "scripted" else ""
                count_place(place, written, shown, counts)
                if misses and check:
                    notes = ghost_of(code.memory, doc.uri).report
                    if written.invented & set(names_in(shown)):
                        print("SHOWN", place.id, place.prefix[-30:].strip(), "|", shown, written.invented)
                    elif not written.invented and shown.strip() != place.truth.strip():
                        print(
                            "LOST",
                            place.id,
                            repr(place.prefix[-40:]),
                            "|",
                            place.truth,
                            "->",
                            repr(shown),
                            notes and (notes.silence, notes.names),
                        )
            spent.sort()
            told["with check" if check else "without check"] = summary(counts, spent)
    return told


def count_place(place: Place, written: Faulty, shown: str, counts: dict[str, int]) -> None:
    """Add one place to the counts. A truth without a name, a lone bracket mostly, is no suggestion that a
    check of names could lose."""
    names = names_in(shown)
    counts["names"] += len(names)
    counts["invented"] += sum(name in written.invented for name in names)
    counts["shown"] += bool(shown)
    if written.invented or not names_in(place.truth):
        return
    counts["clean"] += 1
    counts["clean lost"] += not shown
    counts["clean changed"] += bool(shown) and shown.strip() != place.truth.strip()
    truth = names_in(place.truth)
    counts["good"] += len(truth)
    kept = list(names)
    for name in truth:
        if name in kept:
            kept.remove(name)
            counts["good shown"] += 1


def summary(counts: dict[str, int], spent: list[float]) -> dict[str, Any]:
    """Shares of the counts."""
    return {
        **counts,
        "invented of names shown": round(counts["invented"] / max(1, counts["names"]), 4),
        "good names lost": round(1 - counts["good shown"] / max(1, counts["good"]), 4),
        "clean suggestions lost": round(counts["clean lost"] / max(1, counts["clean"]), 4),
        "clean suggestions changed": round(counts["clean changed"] / max(1, counts["clean"]), 4),
        "ms": {"p50": round(spent[len(spent) // 2], 1), "p95": round(spent[len(spent) * 95 // 100], 1)},
    }


def main() -> None:
    """Measure each package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("roots", type=Path, nargs="+")
    parser.add_argument("--places", type=int, default=150)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--misses", action="store_true")
    options = parser.parse_args()
    for root in options.roots:
        print(
            json.dumps(
                asyncio.run(measured(root.resolve(), options.places, options.share, misses=options.misses)),
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
