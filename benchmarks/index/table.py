"""The figures as one table beside their goals."""

from __future__ import annotations

from typing import Any


def as_markdown(results: dict[str, Any]) -> str:
    """The table, with what it was measured on; a part that was not run is left out."""
    parts = results["parts"]
    machine = results["machine"]
    head = (
        f"`{results['command']}`, {results['date']}, revision {results['revision']}, "
        f"{machine['cores']} cores ({machine['cpu']}), load {results['load_at_start']} at the start\n\n"
    )
    rows: list[tuple[str, str, str]] = []
    if cold := parts.get("cold"):
        rows += _cold(cold)
    if ten := parts.get("ten million"):
        rows += _ten(ten, cold)
    if saved := parts.get("saved"):
        told = ", ".join(
            f"{source} {saved[source]['p95']}" for source in ("symbols", "uses", "text", "vectors")
        )
        rows.append(("a saved file visible in each source, p95", f"{told} ms", "≤ 150 ms"))
    if warm := parts.get("warm"):
        rows.append(
            ("warm start to the first search, median", f"{warm['first_search']['p50']} ms", "≤ 1,000 ms")
        )
        rows.append(
            (
                "memory after, server / all its processes",
                f"{warm['server_after_mib']} / {warm['tree_after_mib']} MiB",
                "≤ 350 MiB",
            )
        )
    if search := parts.get("search"):
        found = search["searches"]
        rows.append(("hybrid search, p50 / p95", f"{found['p50']} / {found['p95']} ms", "≤ 15 / ≤ 50 ms"))
    if typing := parts.get("typing"):
        rows.append(
            (
                "completion p95 while indexing / idle",
                f"{typing['indexing']['p95']} / {typing['idle']['p95']} ms = {typing['ratio_p95']}",
                "≤ 1.5",
            )
        )
    if replay := parts.get("replay"):
        rows.append(
            (
                f"replay of {replay['commits']} commits, {replay['compared']} comparisons with a fresh index",
                f"{replay['different']} differ",
                "0",
            )
        )
    if kills := parts.get("kills"):
        rows.append(
            (f"killed {kills['kills']} times while indexing", f"{kills['different']} differences", "0")
        )
    if tiny := parts.get("tiny files"):
        rows.append(
            ("100,000 files of one line", f"{tiny['serving_s']} s, {tiny['peak_worker_mib']} MiB", "")
        )
    lines = ["| | measured | goal |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    missing = [f"\nNot measured: {name} ({why})" for name, why in results["missing"].items()]
    return head + "\n".join([*lines, *missing]) + "\n"


def _cold(cold: dict[str, Any]) -> list[tuple[str, str, str]]:
    disk, source = cold["disk"], cold["source"]
    whole = sum(disk.values())
    parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in sorted(disk.items()) if size > 2**16)
    return [
        (f"cold index of {cold['lines']:,} lines: symbols and text", f"{cold['ready_s']} s", ""),
        ("the same and the usage model", f"{cold['serving_s']} s", "≤ 25 s"),
        ("the same and vectors", f"{cold['all_s']} s", "≤ 60 s"),
        (
            "peak memory, index worker / with its children",
            f"{cold['peak_worker_mib']} / {cold['peak_tree_mib']} MiB",
            "≤ 700 MiB",
        ),
        (
            f"size on disk ({parts} MiB)",
            f"{whole / 2**20:.1f} MiB = {whole / source['code']:.2f} × the code, "
            f"{whole / source['all']:.2f} × all files",
            "≤ 1.0",
        ),
    ]


def _ten(ten: dict[str, Any], cold: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    each = ten["serving_s"] / ten["lines"] * 1e6
    told = f"{ten['serving_s']} s, {each:.1f} s a million lines"
    if cold:
        told += f" = {each / (cold['serving_s'] / cold['lines'] * 1e6):.2f} × the cost at one million"
    return [
        (f"{ten['lines']:,} lines: symbols, text, usage model", told, "≤ 1.1 ×"),
        (
            "peak memory there, index worker / with its children",
            f"{ten['peak_worker_mib']} / {ten['peak_tree_mib']} MiB",
            "≤ 700 MiB",
        ),
    ]
