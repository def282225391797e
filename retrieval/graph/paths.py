"""How one definition reaches another."""

from __future__ import annotations

from devflow.retrieval.graph.base import SURE, Definition, Link
from devflow.retrieval.graph.impact import dependents
from devflow.retrieval.graph.links import Graph


def shortest_path(
    graph: Graph, source: Definition, target: Definition, least: float = SURE, most: int = 4_000
) -> list[Link]:
    """The fewest links that lead from `source` to `target` over what uses what; [] when there is no way,
    or none within `most` definitions looked at.

    Searched from both ends at once, always from the smaller frontier.
    """
    if source == target:
        return []
    onward: dict[Definition, Link | None] = {source: None}
    backward: dict[Definition, Link | None] = {target: None}
    ahead, behind = [source], [target]
    while ahead and behind and len(onward) + len(backward) < most:
        if len(ahead) <= len(behind):
            ahead = _step(graph, ahead, onward, least, forward=True)
            met = next((each for each in ahead if each in backward), None)
        else:
            behind = _step(graph, behind, backward, least, forward=False)
            met = next((each for each in behind if each in onward), None)
        if met is not None:
            return _joined(met, onward, backward)
    return []


def _step(
    graph: Graph,
    frontier: list[Definition],
    known: dict[Definition, Link | None],
    least: float,
    *,
    forward: bool,
) -> list[Definition]:
    following: list[Definition] = []
    for at in frontier:
        for link in graph.outgoing(at, least) if forward else dependents(graph, at, least):
            reached = link.target if forward else link.source
            if reached not in known and reached != at:
                known[reached] = link
                following.append(reached)
    return following


def _joined(
    met: Definition, onward: dict[Definition, Link | None], backward: dict[Definition, Link | None]
) -> list[Link]:
    links: list[Link] = []
    at = met
    while (link := onward[at]) is not None:
        links.append(link)
        at = link.source
    links.reverse()
    at = met
    while (link := backward[at]) is not None:
        links.append(link)
        at = link.target
    return links
