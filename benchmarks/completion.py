"""Measure completion in process, over the sources of one package, against what its authors wrote.

    python benchmarks/completion.py ROOT [N] [--names K] [--no-jedi] [--deadline MS] [--misses]

At N random places an attribute (with `--names K`: a plain name, K letters of it typed) is deleted and
completion is asked. The file of a place is held out of the index and of the usage model: only what is
left of it in the open document counts. Prints recall, first, in five, MRR and milliseconds as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from devflow.analysis.document import Document
from devflow.analysis.extract import extract
from devflow.analysis.facts import FileFacts
from devflow.analysis.languages import language_of
from devflow.analysis.scope import in_quotes
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex
from devflow.analysis.types import jedi_engine
from devflow.analysis.usage import UsageModel
from devflow.retrieval.base import IndexedReference, IndexedSymbol
from devflow.server.assist import complete as completion
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline import inline
from devflow.server.assist.keywords import keywords
from devflow.server.assist.rank import match_quality
from devflow.server.settings import Completion, Inline

_MEMBER = re.compile(r"(?<=[\w\)\]])\.([A-Za-z_]\w{2,})")
_NAME = re.compile(r"(?<![\w.\"'])([A-Za-z_]\w{3,})")


_MADE = re.compile(r"\b(?:def|class|func|function|fn|interface|type)[ ]+$")
_KEYWORD = re.compile(r"=(?!=)|[ ]*:=?[^=\n]*=(?!=)|[ ]*=(?!=)")


class HeldOut:
    """The index over every file but one, with the answers of `retrieval.Index`."""

    def __init__(self, files: dict[Path, FileFacts], language: str) -> None:
        self._files = files
        self._language = language
        self._members: dict[Path, dict[str, Counter[str]]] = {}
        self._all_members: dict[str, Counter[str]] = {}
        self._counts: Counter[str] = Counter()
        self._own: dict[Path, Counter[str]] = {}
        for path, facts in files.items():
            own = self._members[path] = {}
            counts = self._own[path] = Counter()
            for use in facts.references:
                if use.receiver:
                    own.setdefault(use.receiver, Counter())[use.name] += 1
                    self._all_members.setdefault(use.receiver, Counter())[use.name] += 1
                if use.kind in ("attribute", "call") and use.receiver:
                    counts[use.name] += 1
            self._counts.update(counts)
        self.held: Path | None = None
        self._named: dict[str, list[IndexedSymbol]] = {}
        self._owned: dict[str, list[IndexedSymbol]] = {}
        self._of_file: dict[Path, list[IndexedSymbol]] = {}
        for path, facts in files.items():
            every = self._of_file[path] = [IndexedSymbol(path, language, 0, each) for each in facts.symbols]
            for each in every:
                self._named.setdefault(each.symbol.name, []).append(each)
                if each.symbol.container:
                    self._owned.setdefault(each.symbol.container.rsplit(".", 1)[-1], []).append(each)
        self._defined = Counter(
            {name: sum(1 for each in found if each.symbol.container) for name, found in self._named.items()}
        )

    def _left(self, found: Sequence[IndexedSymbol]) -> list[IndexedSymbol]:
        return [each for each in found if each.path != self.held]

    async def symbols_named(self, name: str, limit: int = 50) -> list[IndexedSymbol]:
        return self._left(self._named.get(name, []))[:limit]

    async def symbols_of(self, names: Sequence[str], limit: int = 400) -> list[IndexedSymbol]:
        return [each for name in dict.fromkeys(names) for each in self._left(self._named.get(name, []))][
            :limit
        ]

    async def symbols_matching(self, query: str, limit: int = 100) -> list[IndexedSymbol]:
        names = [name for name in self._named if match_quality(query, name) > 1]
        return (await self.symbols_of(names))[:limit]

    async def symbols_in(self, path: Path) -> list[IndexedSymbol]:
        return [] if path == self.held else self._of_file.get(path, [])

    async def methods_of(self, class_name: str, limit: int = 200) -> list[IndexedSymbol]:
        return self._left(self._owned.get(class_name.rsplit(".", 1)[-1], []))[:limit]

    async def members_in(self, classes: Sequence[str], limit: int = 600) -> list[IndexedSymbol]:
        return [each for name in classes for each in self._left(self._owned.get(name, []))][:limit]

    async def frequent_members(self, limit: int = 3000) -> dict[str, int]:
        counts = self._counts + self._defined
        if self.held is not None:
            counts = counts - self._own[self.held]
            counts.subtract(
                Counter(each.symbol.name for each in self._of_file[self.held] if each.symbol.container)
            )
        return {name: times for name, times in counts.most_common(limit) if times > 0}

    async def members_of(self, *receivers: str, limit: int = 200) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for receiver in receivers:
            counts += self._all_members.get(receiver, Counter())
            if self.held is not None:
                counts -= self._members.get(self.held, {}).get(receiver, Counter())
        return dict(counts.most_common(limit))

    async def attribute_counts(self, names: Sequence[str]) -> dict[str, int]:
        own = self._own.get(self.held, Counter()) if self.held is not None else Counter()
        return {name: left for name in names if (left := self._counts[name] - own[name]) > 0}

    async def references_to(self, name: str, limit: int = 500) -> list[IndexedReference]:
        return []

    async def search(self, *_: Any, **__: Any) -> list[Any]:
        return []


class ThreadEngine:
    """jedi in a thread, as the worker runs it."""

    def __init__(self, root: Path) -> None:
        self._roots = [root]
        self._thread = ThreadPoolExecutor(1)  # jedi is not thread-safe
        self.milliseconds: list[float] = []

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, function, self._roots, *arguments
        )

    async def complete(self, path: Path | None, source: str, at: int) -> Any:
        begun = time.perf_counter()
        answer = await self._run(jedi_engine.complete, path, source, at)
        self.milliseconds.append((time.perf_counter() - begun) * 1e3)
        return answer

    async def signatures(self, path: Path | None, source: str, at: int) -> Any:
        return await self._run(jedi_engine.signatures, path, source, at)


class Usage:
    def __init__(self, model: UsageModel) -> None:
        self._model = model

    def usage_of(self, *_: object) -> UsageModel:
        return self._model


def places(text: str, kind: str) -> list[tuple[int, str]]:
    """Deletable `member`s or plain `name`s: not on lines that begin a comment or an import."""
    pattern = _MEMBER if kind == "member" else _NAME
    found = [(match.start(1), match.group(1)) for match in pattern.finditer(text)]
    return [
        (at, name)
        for at, name in found
        if not text[text.rfind("\n", 0, at) + 1 : at].lstrip().startswith(("#", "//", "*", "import", "from"))
    ]


def named_places(path: Path, text: str, language: str = "python") -> list[tuple[int, str]]:
    """Plain names in code: in prose none is wanted, and a definition's own name nobody can know."""
    value = Text(text)
    whole = Document(path.as_uri(), path, language, 0, value, parse(value, language))
    known = frozenset(keywords(language))
    return [
        (at, name)
        for at, name in places(text, "name")
        if name not in known
        and not in_quotes(whole, at + 1)
        and not _MADE.search(text[max(0, at - 12) : at])
        and not _KEYWORD.match(text, at + len(name))
    ]


def sources(root: Path, extension: str) -> list[Path]:
    """The package's files, without hidden and vendored ones."""
    return sorted(
        path
        for path in root.rglob(f"*{extension}")
        if not any(part.startswith(".") or part == "third_party" for part in path.relative_to(root).parts)
    )


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    root: Path = options.root
    random.seed(options.seed)
    every = sources(root, options.ext)
    language = cast(Any, language_of(every[0])).name
    texts = {path: path.read_text(errors="replace") for path in every}
    facts = {path: extract(Text(text), language) for path, text in texts.items()}
    index = HeldOut(facts, language)
    tokens = {path: lex(text, language) for path, text in texts.items()}
    eligible = [p for p in every if 2000 < len(texts[p]) < 60_000 and "test" not in p.name]
    chosen = random.sample(eligible, min(options.files, len(eligible)))
    per_file = max(1, options.n // len(chosen))
    python = ThreadEngine(root) if language == "python" and not options.no_jedi else None
    config = Completion(deadline_ms=options.deadline)
    ranks: list[int] = []
    spent: list[float] = []
    misses: list[str] = []
    ghost = Counter[str]()
    ghost_ms: list[float] = []
    for path in chosen:
        index.held = path
        usage = Usage(UsageModel.build(part for each, part in tokens.items() if each != path))
        code = Codebase((root,), cast(Any, None), cast(Any, python), cast(Any, index), None, cast(Any, usage))
        text = texts[path]
        found = places(text, "member") if options.names is None else named_places(path, text, language)
        if python is not None and found:  # warm, as an open document is
            await python.complete(path, text, found[0][0])
        for at, name in random.sample(found, min(per_file, len(found))):
            typed = name[: options.names or 0]
            source = text[:at] + typed + text[at + len(name) :]
            document = Document(path.as_uri(), path, language, 1, Text(source), parse(Text(source), language))
            cursor = at + len(typed)
            begun = time.perf_counter()
            answer = await completion.complete(document, cursor, code, config)
            spent.append((time.perf_counter() - begun) * 1e3)
            labels = [item.label.rstrip("=") for item in answer.items]
            ranks.append(labels.index(name) + 1 if name in labels else 0)
            if options.misses and ranks[-1] != 1:
                line = text[text.rfind("\n", 0, at) + 1 : at].strip()
                misses.append(f"{ranks[-1]:3} {line}[{name}] <- {' '.join(labels[:4])}")
            if options.inline:
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
                source = text[:at] + text[end:]
                document = replace(document, text=Text(source), tree=parse(Text(source), language))
                begun = time.perf_counter()
                shown = await inline(document, at, code, Inline(min_confidence=options.confidence))
                ghost_ms.append((time.perf_counter() - begun) * 1e3)
                ghost["shown"] += shown is not None
                ghost["exact"] += shown is not None and shown.edit.new == text[at:end].rstrip()
    total = len(ranks)
    out: dict[str, Any] = {
        "root": root.name,
        "places": total,
        "recall": round(sum(r > 0 for r in ranks) / total, 3),
        "first": round(sum(r == 1 for r in ranks) / total, 3),
        "five": round(sum(0 < r <= 5 for r in ranks) / total, 3),
        "mrr": round(sum(1 / r for r in ranks if r) / total, 3),
        "ms": _quantiles(spent),
    }
    if python is not None:
        out["jedi_ms"] = _quantiles(python.milliseconds)
    if options.inline:
        out["ghost"] = {
            "shown": round(ghost["shown"] / total, 3),
            "exact": round(ghost["exact"] / total, 3),
            "exact_where_shown": round(ghost["exact"] / max(1, ghost["shown"]), 3),
            "ms": _quantiles(ghost_ms),
        }
    if misses:
        print("\n".join(misses), file=sys.stderr)
    return out


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "max": round(ordered[-1], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("root", type=lambda name: Path(name).resolve())
    parser.add_argument("n", type=int, nargs="?", default=96)
    parser.add_argument("--ext", default=".py")
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--names", type=int)
    parser.add_argument("--no-jedi", action="store_true")
    parser.add_argument("--deadline", type=int, default=40)
    parser.add_argument("--confidence", type=float, default=0.5)
    parser.add_argument("--inline", action="store_true")
    parser.add_argument("--misses", action="store_true")
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
