"""From what the parts left behind to figures per server, and to the table of goals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import figures
from .corpora import PACKAGES
from .servers import Server

UNSEEN = frozenset(package.name for package in PACKAGES if not package.seen)
Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `values` are pairs of a figure and its goal; `most`: goals are upper bounds."""

    what: str
    values: tuple[tuple[float | None, float], ...]
    most: bool = False
    peer: str = "–"
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether every goal is; None if something was not measured."""
        if any(value is None for value, _ in self.values):
            return None
        return all(
            (value <= goal) if self.most else (value >= goal)
            for value, goal in self.values
            if value is not None
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """What, goal, figure, best peer, met."""
        sign = "≤" if self.most else "≥"
        goal = " / ".join(f"{sign} {_shown(goal)}" for _, goal in self.values) + self.unit
        figure = " / ".join("–" if value is None else _shown(value) for value, _ in self.values) + self.unit
        met = {True: "yes", False: "no", None: "not measured"}[self.met]
        return self.what, goal, figure, self.peer, met


def summed(records: Records, servers: Iterable[Server]) -> dict[str, Any]:
    """`servers`: name → version and, per task, figures of each subject, of all, and of the packages never
    used for tuning; `scripts`: what DevFlow's own measurements printed."""
    known = _resolvable(
        [each for each in records if each["task"] == "saved"], {s.name for s in servers if s.ours}
    )
    out: dict[str, Any] = {}
    for server in servers:
        mine = [each for each in records if each["server"] == server.name and each["task"] != "script"]
        tasks: dict[str, Any] = {}
        for task in sorted({each["task"] for each in mine}):
            group = [each for each in mine if each["task"] == task]
            function = _TASKS[task]
            tasks[task] = {each["subject"]: function([each], known) for each in group}
            tasks[task]["all"] = function(group, known)
            unseen = [each for each in group if each["subject"] in UNSEEN]
            if unseen and task in ("saved", "held"):
                tasks[task]["unseen"] = function(unseen, known)
        out[server.name] = {"version": server.version, "ours": server.ours, "tasks": tasks}
    scripts = {each["subject"]: each["figures"]["said"] for each in records if each["task"] == "script"}
    return {"servers": out, "scripts": scripts}


def rows(results: Mapping[str, Any]) -> list[Row]:
    """The table of goals, from `summed`."""
    found = list(_rank_rows(results))
    values: tuple[tuple[float | None, float], ...]
    for name, engine, (median, slow), (hover, definition) in (
        ("devflow", "jedi engine", (15, 50), (60, 60)),
        ("devflow-fast", "fast engine", (8, 25), (25, 10)),
    ):
        if name not in results["servers"]:
            continue
        at = _at(results, name, "saved", "all")
        completion = at("completion_ms")
        peer = _best(results, ("saved", "all", "completion_ms"), "p50", "p95", by="p95", low=True)
        values = ((completion.get("p50"), median), (completion.get("p95"), slow))
        found.append(Row(f"completion p50 / p95, warm, {engine}", values, True, peer, " ms"))
        values = ((at("hover_ms").get("p95"), hover), (at("definition_ms").get("p95"), definition))
        peer = _best(
            results, ("saved", "all"), "hover_ms.p95", "definition_ms.p95", by="hover_ms.p95", low=True
        )
        found.append(Row(f"hover p95 / definition p95, {engine}", values, True, peer, " ms"))
        resolved = at("resolvable")
        values = ((resolved.get("hover"), 0.97), (resolved.get("definition"), 0.92))
        peer = _best(results, ("saved", "all", "resolvable"), "hover", "definition", by="definition")
        found.append(
            Row(f"hover / definition answered where the name can be resolved, {engine}", values, peer=peer)
        )
        first = _at(results, name, "science", "all")("first_ms").get("max")
        peer = _best(results, ("science", "all", "first_ms"), "max", by="max", low=True)
        what = f"first completion after opening a file that imports numpy and pandas, {engine}"
        found.append(Row(what, ((first, 200),), True, peer, " ms"))
    found += _ghost_rows(results)
    found += _process_rows(results)
    return found


def as_text(results: Mapping[str, Any]) -> str:
    """The table for a terminal."""
    cells = [("what", "goal", "figure", "best peer", "met"), *(row.cells() for row in rows(results))]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _rank_rows(results: Mapping[str, Any]) -> Iterable[Row]:
    conditions = (
        ("held", "unseen", "held out, packages never used for tuning"),
        ("held", "all", "held out"),
        ("saved", "all", "as saved"),
    )
    goals = {"recall": 0.95, "first": 0.45, "five": 0.70, "mrr": 0.55}
    for task, subject, condition in conditions:
        for name, engine in (("devflow", "jedi"), ("devflow-fast", "fast")):
            if name not in results["servers"]:
                continue
            figure = _at(results, name, task, subject)("attributes")
            values = tuple((figure.get(key), goal) for key, goal in goals.items())
            peer = _best(results, (task, subject, "attributes"), *goals, by="mrr")
            what = f"attribute completion: recall / first / five / MRR; {condition}, {engine}"
            yield Row(what, values, peer=peer)
    for task, condition in (("across-held", "held out"), ("across", "as saved")):
        at = _at(results, "devflow", task, "all")
        for kind, what, bounds in (
            ("members", "member access", (0.45, 0.85)),
            ("plain", "plain names", (0.30, 0.65)),
        ):
            values = ((at(kind).get("first"), bounds[0]), (at(kind).get("ten"), bounds[1]))
            peer = _best(results, ("across", "all", kind), "first", "ten", by="ten")
            yield Row(f"cross-file {what}, nothing typed: first / in ten; {condition}", values, peer=peer)
    for task, condition in (("held", "held out"), ("saved", "as saved")):
        at = _at(results, "devflow", task, "all")
        values = ((at("names").get("first"), 0.55), (at("names").get("mrr"), 0.65))
        subject = "unseen" if task == "held" else "all"
        peer = _best(results, (task, subject, "names"), "first", "mrr", by="mrr")
        yield Row(f"a bare name, two letters typed: first / MRR; {condition}", values, peer=peer)


def _ghost_rows(results: Mapping[str, Any]) -> Iterable[Row]:
    for task, condition in (("held", "held out"), ("saved", "as saved")):
        ghost = _at(results, "devflow", task, "all")("ghost")
        goals = {"exact": 0.15, "exact_where_shown": 0.45, "shown": 0.25}
        values = tuple((ghost.get(key), goal) for key, goal in goals.items())
        what = f"ghost text, no weights: rest of line exact / where shown / share shown; {condition}"
        yield Row(what, values, peer="none has it")
    ghost = _at(results, "devflow", "saved", "all")("ghost")
    yield Row("ghost text p95", ((ghost.get("ms", {}).get("p95"), 30),), True, "none has it", " ms")


def _process_rows(results: Mapping[str, Any]) -> Iterable[Row]:
    at = _at(results, "devflow", "large", "all")
    memory, starts = at("memory"), at("start_ms")
    peer = _best(results, ("large", "all", "memory"), "rss_mib", "pss_mib", by="rss_mib", low=True)
    values = ((memory.get("rss_mib"), 300), (memory.get("pss_mib"), 300))
    subject = next(iter(_dig(results, ("servers", "devflow", "tasks", "large")) or ["Django"]))
    yield Row(f"memory of all processes, {subject} open, index warm: RSS / PSS", values, True, peer, " MiB")
    peer = _best(results, ("large", "all", "start_ms"), "max", by="max", low=True)
    yield Row(
        "start-up to first answer, index warm (slowest of three)",
        ((starts.get("max"), 700),),
        True,
        peer,
        " ms",
    )
    for name, what, path, goal, unit in SCRIPT_FIGURES:
        value: Any = results["scripts"].get(name)
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        yield Row(what, ((value, goal),), True, unit=unit)


SCRIPT_FIGURES: tuple[tuple[str, str, tuple[str, ...], float, str], ...] = (
    ("keystroke", "keystroke to fresh tree and scope, 5,000-line file, p95", ("ms", "p95"), 5, " ms"),
    ("loop", "event loop blocked at most", ("lag_ms", "max"), 10, " ms"),
    ("symbols", "workspace/symbol over a million lines, p95", ("ms", "p95"), 30, " ms"),
    ("usage", "usage model: next-token distribution, p95", ("query_ms", "p95"), 1, " ms"),
    ("usage", "usage model: build of 10 million tokens", ("build_s_per_10m",), 6, " s"),
    ("usage", "usage model: resident bytes a token", ("bytes_per_token",), 16, ""),
)
"""Figures of the scripts: script, what, where in its JSON, upper bound, unit."""


def _attributes(group: Records, known: Mapping[tuple[str, str, str], set[tuple[str, int]]]) -> dict[str, Any]:
    places = [place for each in group for place in each["figures"]["places"]]
    names = [place for each in group for place in each["figures"]["names"]]
    ghost = [record for each in group for record in each["figures"]["ghost"]]
    out: dict[str, Any] = {
        "attributes": figures.ranking([place["rank"] for place in places]),
        "names": figures.ranking([place["rank"] for place in names]),
        "completion_ms": figures.times([place["ms"] for place in places]),
        "names_ms": figures.times([place["ms"] for place in names]),
        "failures": sum(each["figures"]["failures"] for each in group),
    }
    if ghost:
        out["ghost"] = figures.ghost(ghost)
    looked = [
        (place, known.get((each["subject"], place["at"], place["name"]), set()))
        for each in group
        for place in (*each["figures"]["places"], *each["figures"]["names"])
        if "hover" in place
    ]
    if looked:
        out["hover_ms"] = figures.times([place["hover_ms"] for place, _ in looked])
        out["definition_ms"] = figures.times([place["definition_ms"] for place, _ in looked])
        out["everywhere"] = _answered([place for place, _ in looked])
        resolvable = [(place, truth) for place, truth in looked if truth]
        confirmed = [_lines(place) & truth for place, truth in resolvable if place["definition"]]
        out["resolvable"] = _answered([place for place, _ in resolvable]) | {
            "of": len(resolvable),
            "confirmed": figures.share(bool(common) for common in confirmed),
        }
    return out


def _answered(places: Records) -> dict[str, Any]:
    return {
        "hover": figures.share(place["hover"] for place in places),
        "definition": figures.share(bool(place["definition"]) for place in places),
    }


def _resolvable(saved: Records, ours: set[str]) -> dict[tuple[str, str, str], set[tuple[str, int]]]:
    """Where the definition of the name at a place is, as any of the other servers has it."""
    found: dict[tuple[str, str, str], set[tuple[str, int]]] = {}
    for each in saved:
        if each["server"] in ours:
            continue
        for place in (*each["figures"]["places"], *each["figures"]["names"]):
            if place["definition"]:
                found.setdefault((each["subject"], place["at"], place["name"]), set()).update(_lines(place))
    return found


def _lines(place: Mapping[str, Any]) -> set[tuple[str, int]]:
    return {(uri.rpartition("/")[2], line) for uri, line in place["definition"]}


def _across(group: Records, _: Any) -> dict[str, Any]:
    members = [place for each in group for place in each["figures"]["members"]]
    plain = [place for each in group for place in each["figures"]["plain"]]
    return {
        "members": figures.ranking([place["rank"] for place in members]),
        "plain": figures.ranking([place["rank"] for place in plain]),
        "completion_ms": figures.times([place["ms"] for place in (*members, *plain)]),
        "failures": sum(each["figures"]["failures"] for each in group),
    }


def _science(group: Records, _: Any) -> dict[str, Any]:
    answers = [each["figures"] for each in group]
    return {
        "first_ms": figures.times([answer["first_ms"] for answer in answers]),
        "second_ms": figures.times([answer["second_ms"] for answer in answers]),
        "offers_zeros": all(answer["offers_zeros"] for answer in answers),
        "offers_groupby": all(answer["offers_groupby"] for answer in answers),
    }


def _large(group: Records, _: Any) -> dict[str, Any]:
    starts = [begun for each in group for begun in each["figures"]["starts"]]
    return {
        "memory": group[0]["figures"]["memory"],
        "start_ms": figures.times([begun["ms"] for begun in starts]),
        "initialize_ms": figures.times([begun["initialize_ms"] for begun in starts]),
        "offered": figures.share(begun["rank"] > 0 for begun in starts),
    }


_TASKS: dict[str, Any] = {
    "saved": _attributes,
    "held": _attributes,
    "across": _across,
    "across-held": _across,
    "science": _science,
    "large": _large,
}


def _at(results: Mapping[str, Any], server: str, task: str, subject: str) -> Any:
    found = results["servers"].get(server, {}).get("tasks", {}).get(task, {}).get(subject, {})
    return lambda key: found.get(key) or {}


def _best(results: Mapping[str, Any], place: tuple[str, ...], *keys: str, by: str, low: bool = False) -> str:
    """The figures `keys` at `place` of the peer that is best by the one of them named `by`."""
    best: tuple[float, str, Any] | None = None
    for name, server in results["servers"].items():
        found = None if server["ours"] else _dig(server["tasks"], place)
        value = _dig(found, tuple(by.split(".")))
        if value is not None and (best is None or (value < best[0] if low else value > best[0])):
            best = (value, name, found)
    if best is None:
        return "–"
    values = [_dig(best[2], tuple(key.split("."))) for key in keys]
    return " / ".join("–" if value is None else _shown(value) for value in values) + f" ({best[1]})"


def _dig(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _shown(value: float) -> str:
    if isinstance(value, int) or value >= 100:
        return f"{value:.0f}"
    return (
        f"{value:.3f}".rstrip("0").rstrip(".").replace("0.", ".", 1)
        if value < 1
        else f"{value:.1f}".removesuffix(".0")
    )
