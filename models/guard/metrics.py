"""The ledger in Prometheus's text format: counters and histograms, no text and no name of a file or
workspace."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from devflow.models.guard.ledger import Call

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histograms of latency, in seconds."""


def exposition(calls: Sequence[Call]) -> str:
    """The calls as metrics (text format 0.0.4)."""
    lines: list[str] = []
    counts: dict[str, Counter[tuple[str, ...]]] = {name: Counter() for name, *_ in _COUNTERS}
    for call in calls:
        who = (call.feature, call.model, call.outcome)
        counts["devflow_model_calls_total"][who] += 1
        counts["devflow_model_read_tokens_total"][who[:2]] += call.read
        counts["devflow_model_written_tokens_total"][who[:2]] += call.written
        counts["devflow_model_cost_total"][who[:2]] += call.cost  # type: ignore[assignment]
        counts["devflow_model_kept_answers_total"][(call.feature, call.hit)] += bool(call.hit)
    for name, text, labels in _COUNTERS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} counter"]
        for values, count in sorted(counts[name].items()):
            if count or not name.endswith("answers_total"):
                lines.append(f"{name}{{{_labels(labels, values)}}} {count:.10g}")
    for name, text, attribute in _HISTOGRAMS:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
        groups: dict[tuple[str, str], list[float]] = {}
        for call in calls:
            if (value := getattr(call, attribute)) > 0 and not call.hit:
                groups.setdefault((call.feature, call.model), []).append(value)
        for values, measured in sorted(groups.items()):
            labelled = _labels(("feature", "model"), values)
            for bound in BUCKETS:
                below = sum(each <= bound for each in measured)
                lines.append(f'{name}_bucket{{{labelled},le="{bound:g}"}} {below}')
            lines.append(f'{name}_bucket{{{labelled},le="+Inf"}} {len(measured)}')
            lines.append(f"{name}_sum{{{labelled}}} {sum(measured):.6g}")
            lines.append(f"{name}_count{{{labelled}}} {len(measured)}")
    return "\n".join(lines) + "\n"


def write(path: Path, calls: Sequence[Call]) -> None:
    """Replace the file in one step, as node_exporter's textfile collector wants it. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(exposition(calls), "utf-8")
    beside.replace(path)


_COUNTERS = (
    ("devflow_model_calls_total", "Calls of models.", ("feature", "model", "outcome")),
    ("devflow_model_read_tokens_total", "Tokens of prompts.", ("feature", "model")),
    ("devflow_model_written_tokens_total", "Tokens of answers.", ("feature", "model")),
    ("devflow_model_cost_total", "Money, in the currency of the prices.", ("feature", "model")),
    ("devflow_model_kept_answers_total", "Answers that were given again.", ("feature", "how")),
)
_HISTOGRAMS = (
    ("devflow_model_queue_seconds", "From the request to the call.", "queued"),
    ("devflow_model_first_piece_seconds", "From the call to the first piece of its answer.", "first"),
    ("devflow_model_answer_seconds", "From the request to the end of the answer.", "total"),
)


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
