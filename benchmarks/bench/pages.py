"""docs/benchmarks.md and its pictures, from one file of results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .charts import Bar, chart
from .summary import rows

_NAMES = {"devflow": "DevFlow", "devflow-fast": "DevFlow, fast engine"}


def write(results: Mapping[str, Any], docs: Path) -> None:
    """Write the page and the pictures into `docs`."""
    (docs / "benchmarks.md").write_text(page(results), "utf-8")
    for name, text in pictures(results).items():
        (docs / f"{name}.svg").write_text(text, "utf-8")


def page(results: Mapping[str, Any]) -> str:
    """The whole page in Markdown."""
    machine = results["machine"]
    seen = [f"{name} {each['version']}" for name, each in results["packages"].items() if each["seen"]]
    fresh = [f"{name} {each['version']}" for name, each in results["packages"].items() if not each["seen"]]
    parts = [
        "# Benchmarks",
        "<!-- written by `make bench`; what each figure means: benchmarks/README.md -->",
        f"One run of `{results['command']}` on {results['date']}, revision {results['revision']}: "
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}; load at the start {results['load_at_start']}; "
        f"{round(results['seconds'] / 60)} minutes. Servers ran one at a time, over the same positions. "
        "[How, and what each figure means](../benchmarks/README.md).",
        f"Used while DevFlow was made: {', '.join(seen)}. Never used for tuning: {', '.join(fresh)}.",
        *(f"![{_TITLES[name]}]({name}.svg)" for name in pictures(results)),
        "## Goals",
        _table(["", "goal", "figure", "best peer", "met"], [row.cells() for row in rows(results)]),
        "## Every server",
        "Attributes, nothing typed, files as saved, all packages:",
        _table(_HEAD, [_line(name, server) for name, server in results["servers"].items()]),
        "## Every package",
        "Attribute completion of DevFlow: recall / first / first five / MRR.",
        _packages(results),
    ]
    if results["failed"]:
        parts.append(f"Not measured, because it failed: {', '.join(results['failed'])}.")
    return "\n\n".join(parts) + "\n"


def pictures(results: Mapping[str, Any]) -> dict[str, str]:
    """File name → SVG."""
    servers = results["servers"]

    def bars(*path: str) -> list[Bar]:
        found = []
        for name, server in servers.items():
            value: Any = server["tasks"]
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is not None:
                found.append(Bar(_NAMES.get(name, name), float(value), server["ours"]))
        return found

    made = {
        "bench-first": chart(
            _TITLES["bench-first"], bars("saved", "all", "attributes", "first"), "share", high_is_good=True
        ),
        "bench-recall": chart(
            _TITLES["bench-recall"], bars("saved", "all", "attributes", "recall"), "share", high_is_good=True
        ),
        "bench-speed": chart(_TITLES["bench-speed"], bars("saved", "all", "completion_ms", "p95"), "ms"),
        "bench-memory": chart(_TITLES["bench-memory"], bars("large", "all", "memory", "rss_mib"), "MiB"),
    }
    return {name: svg for name, svg in made.items() if svg}


_TITLES = {
    "bench-first": "The wanted attribute is first in the list",
    "bench-recall": "The wanted attribute is in the list",
    "bench-speed": "Completion, 95th percentile",
    "bench-memory": "Memory with Django open, all processes",
}
_HEAD = [
    "server", "recall", "first", "five", "MRR", "completion p50 / p95 / max ms",
    "hover p95 ms", "definition p95 ms", "definition answered", "RSS MiB", "first answer ms", "failures",
]  # fmt: skip


def _line(name: str, server: Mapping[str, Any]) -> list[str]:
    saved = server["tasks"].get("saved", {}).get("all", {})
    large = server["tasks"].get("large", {}).get("all", {})
    ranks, spent = saved.get("attributes", {}), saved.get("completion_ms", {})
    return [
        f"{_NAMES.get(name, name)} {server['version']}".strip(),
        *(str(ranks.get(key, "–")) for key in ("recall", "first", "five", "mrr")),
        " / ".join(str(spent.get(key, "–")) for key in ("p50", "p95", "max")),
        str(saved.get("hover_ms", {}).get("p95", "–")),
        str(saved.get("definition_ms", {}).get("p95", "–")),
        str(saved.get("everywhere", {}).get("definition", "–")),
        str(large.get("memory", {}).get("rss_mib", "–")),
        str(large.get("start_ms", {}).get("p50", "–")),
        str(saved.get("failures", "–")),
    ]


def _packages(results: Mapping[str, Any]) -> str:
    lines = []
    columns = [
        (name, task)
        for name, server in results["servers"].items()
        if server["ours"]
        for task in ("saved", "held")
    ]
    for package, each in results["packages"].items():
        cells = []
        for name, task in columns:
            ranks = results["servers"][name]["tasks"].get(task, {}).get(package, {}).get("attributes")
            cells.append(
                " / ".join(str(ranks[key]) for key in ("recall", "first", "five", "mrr")) if ranks else "–"
            )
        if set(cells) != {"–"}:
            lines.append([f"{package}{'' if each['seen'] else ' (never used for tuning)'}", *cells])
    head = [f"{_NAMES[name]}, {'as saved' if task == 'saved' else 'file held out'}" for name, task in columns]
    return _table(["package", *head], lines)


def _table(head: list[str], lines: Any) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join(
        ["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines)]
    )
