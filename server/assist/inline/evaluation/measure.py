"""Asking for ghost text at places, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from devflow.analysis.document import Document
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.tokens import lex
from devflow.analysis.usage import UsageModel
from devflow.models.base import Excerpt
from devflow.server.assist.base import Codebase
from devflow.server.assist.inline.evaluation.metrics import Figures, Scored, figures
from devflow.server.assist.inline.evaluation.places import Place
from devflow.server.assist.inline.evaluation.recorded import Fills
from devflow.server.assist.inline.ghost import ghost_of
from devflow.server.assist.inline.suggest import inline
from devflow.server.assist.memory import Memory
from devflow.server.settings import Inline

_LARGEST = 400_000
UNFILTERED = Inline(check_names=False, min_acceptance=0.0)


@dataclass(frozen=True, slots=True)
class Result:
    """One row: a set of places asked in one way. `engine` names exactly what answered."""

    places: str
    engine: str
    way: str
    figures: Figures
    silences: dict[str, int] = field(default_factory=dict)
    """Reason of silence → how often."""


async def asked(
    name: str,
    way: str,
    places: Sequence[Place],
    models: Fills | None,
    config: Inline,
    *,
    elsewhere: bool = False,
    package: Package | None = None,
) -> Result:
    """Ask `models` (None: nobody) at every place, as by a key; with `elsewhere` told of the code of other
    files that the set gives. The first line counts where the truth is one line."""
    root = package.root if package is not None else Path("/w")
    scored: list[Scored] = []
    spent: list[float] = []
    engines: dict[str, None] = {}
    silences: dict[str, int] = {}
    for place in places:
        told = with_context(models, place) if models is not None and elsewhere else models
        code = (
            package.codebase(told) if package is not None else alone(place, root, told, elsewhere=elsewhere)
        )
        doc, at = document(place, root)
        begun = time.perf_counter()
        found = await inline(doc, at, code, config, manual=True)
        spent.append((time.perf_counter() - begun) * 1e3)
        shown = found.edit.new if found is not None else ""
        scored.append(Scored(shown if "\n" in place.truth else shown.split("\n")[0], place.truth))
        if found is not None:
            engines[found.engine] = None
        else:
            report = ghost_of(code.memory, doc.uri).report
            why = str(report.silence) if report is not None else ""
            silences[why] = silences.get(why, 0) + 1
        code.memory.close()
    return Result(name, " + ".join(engines) or "none", way, figures(scored, spent), silences)


class Package:
    """A real package: its words without the file that is asked about."""

    def __init__(self, root: Path) -> None:
        """Reads every Python file under `root`: not for the event loop."""
        self.root = root
        self._tokens = {
            path: lex(path.read_text(encoding="utf-8", errors="replace"), "python")
            for path in sorted(root.rglob("*.py"))
            if path.stat().st_size < _LARGEST
        }
        self._models: dict[Path, UsageModel] = {}

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel | None:
        """As `server.services.IndexService`; the last file's model is kept."""
        if language != "python" or besides is None:
            return None
        if besides not in self._models:
            files = [tokens for path, tokens in self._tokens.items() if path != besides]
            self._models = {besides: UsageModel.build(files)}
        return self._models[besides]

    def codebase(self, models: Fills | None) -> Codebase:
        """The package with nothing remembered."""
        return Codebase(
            (self.root,),
            cast(Any, _Nothing()),
            models=cast(Any, models),
            usage=cast(Any, self),
            memory=Memory(),
        )


def document(place: Place, root: Path) -> tuple[Document, int]:
    """The file with its hole, and where that is."""
    path = root / place.path
    text = Text(place.prefix + place.suffix)
    return Document(path.as_uri(), path, "python", 1, text, parse(text, "python")), len(place.prefix)


def alone(place: Place, root: Path, models: Fills | None, *, elsewhere: bool) -> Codebase:
    """A workspace that holds nothing but the document and, with `elsewhere`, the code of other files that
    the set gives."""
    usage = _Usage(UsageModel.build([lex(place.elsewhere, "python")])) if elsewhere else None
    return Codebase(
        (root,), cast(Any, _Nothing()), models=cast(Any, models), usage=cast(Any, usage), memory=Memory()
    )


def with_context(fills: Fills, place: Place) -> Fills:
    """`fills`, told of the code of other files that the set gives."""
    told: Fills = cast(Any, _Told(fills, place.elsewhere))
    return told


class _Told:
    def __init__(self, fills: Fills, context: str) -> None:
        self._fills, self._context = fills, context[-6_000:]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fills, name)

    def fill(self, request: Any) -> Any:
        return self._fills.fill(replace(request, context=(Excerpt(self._context),)))


class _Usage:
    def __init__(self, model: UsageModel) -> None:
        self._model = model

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel | None:
        return self._model if language == "python" else None


class _Nothing:
    async def text_of(self, path: Path) -> None:
        return None


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table."""
    rows = [
        "| places | engine | way | n | shown | exact | similarity | identifier F1 | exact where shown "
        "| ms p50 / p95 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        f = each.figures
        rows.append(
            f"| {each.places} | {each.engine} | {each.way} | {f.places} | {f.shown:.2f} | {f.exact:.3f} "
            f"| {f.similarity:.3f} | {f.identifier_f1:.3f} | {f.exact_shown:.3f} "
            f"| {f.p50_ms:.1f} / {f.p95_ms:.1f} |"
        )
    return "\n".join(rows) + "\n"
