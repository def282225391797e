"""Calls that register a route: `app.get("/x", show)`, `path("x/", show)`, `mux.HandleFunc("GET /x", f)`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from devflow.analysis.languages import SCRIPTS
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.mounts import closing
from devflow.retrieval.graph.route_texts import written
from devflow.retrieval.graph.stored import File

VERBS = ("get", "post", "put", "delete", "patch", "head", "options")
_PLAIN = (*VERBS, "all", "use")
"""What is called so registers a route in scripts alone: elsewhere these are methods of anything."""
_ALONE = ("path", "re_path", "url", "Route", "WebSocketRoute")
_OF_NET_HTTP = ("HandleFunc", "Handle")
_OWN = (
    *(*_OF_NET_HTTP, "Any", "add_url_rule", "add_api_route", "add_route"),
    *(form(verb) for verb in VERBS[:5] for form in (str.upper, str.title, "add_{}".format)),
)
REGISTERING = (*_ALONE, *_OWN, *VERBS, "all")
"""The names of calls that make an endpoint; what is given to `use` only has part in others."""
_CALL = re.compile(
    rf"(?:(?<![\w.])(?P<django>{'|'.join(_ALONE)})"
    rf"|(?P<receiver>[\w.]*\w)\.(?P<verb>{'|'.join((*_PLAIN, *_OWN))}))"
    rf"\s*\(\s*(?:[\"'](?P<first>{'|'.join(VERBS).upper()}|\*)[\"']\s*,\s*)?"
    r"(?=[rRfF]?[\"'`]|[A-Za-z_][\w.]*\s*[+,])"
)
_CHAIN = re.compile(r"(?P<receiver>[\w.]*\w)\.route\s*\(\s*(?=[\"'`A-Za-z_])")
_LINK = re.compile(rf"\s*\.\s*({'|'.join((*VERBS, 'all'))})\s*\(")
_METHODS = re.compile(r"\s*\.\s*Methods\s*\(([^()]*)\)")
_WITH_METHOD = re.compile(r"([A-Z]+)\s+([\w.-]*/.*)")
_CLIENTS = frozenset(
    {"axios", "client", "http", "https", "fetch", "got", "ky", "superagent", "request", "requests"}
)
"""Receivers of calls that ask a service, in the form of those that register a route."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A call that registers what stands from `begin` to `end` as the handler of a route."""

    start: int
    opening: int
    """Its bracket."""
    begin: int
    end: int
    receiver: str
    methods: tuple[str, ...]
    """`GET`, `POST` …, `ANY` when it is not told."""
    route: str
    route_start: int


def registrations(graph: Graph, file: File, source: str, low: int, high: int) -> Iterator[Registration]:
    """Those that begin between two places of a file's code."""
    for each in _CALL.finditer(source, low, high):
        if not _may_be_route(each, file):
            continue
        told = written(graph, file, source, each.end())
        if told is None or not told.known or not re.match(r"\s*,", source[told.end : told.end + 80]):
            continue
        verb = each["verb"] or ""
        if not _is_route(each, told.text, source, told.end):
            continue
        opening = source.index("(", each.end("django") if each["django"] else each.end("verb"))
        end = closing(source, opening)
        with_method = _WITH_METHOD.fullmatch(told.text)
        route = with_method[2] if with_method else told.text
        methods = _methods(each["first"], verb, with_method, source, end)
        yield Registration(
            each.start(), opening, told.end, end, each["receiver"] or "", methods, route, each.end()
        )


def chained(graph: Graph, file: File, source: str, low: int, high: int) -> Iterator[Registration]:
    """`router.route(path).get(handler).post(handler)` of scripts: each call behind the first one."""
    if file.language not in SCRIPTS:
        return
    for chain in _CHAIN.finditer(source, low, high):
        told = written(graph, file, source, chain.end())
        if told is None or not told.text.startswith("/") or source[told.end : told.end + 1] != ")":
            continue
        at = told.end + 1
        while each := _LINK.match(source, at):
            end = closing(source, each.end() - 1)
            method = "ANY" if each[1] == "all" else each[1].upper()
            yield Registration(
                chain.start(),
                each.end() - 1,
                each.end(),
                end,
                chain["receiver"],
                (method,),
                told.text,
                chain.end(),
            )
            at = end + 1


def _methods(
    first: str | None, verb: str, with_method: re.Match[str] | None, source: str, end: int
) -> tuple[str, ...]:
    if verb in _OF_NET_HTTP:
        if with_method:
            return (with_method[1],)  # net/http since Go 1.22
        if told := _METHODS.match(source, end + 1):  # gorilla
            return tuple(each.upper() for each in re.findall(r"(?:\"|\bMethod)(\w+)", told[1])) or ("ANY",)
    name = (first or verb.removeprefix("add_")).upper()
    return (name if name.lower() in VERBS else "ANY",)


def _may_be_route(call: re.Match[str], file: File) -> bool:
    """Whether a call of this name can register a route in a file of this language: `cache.get("a", b)` can
    not."""
    if call["django"]:
        return file.language == "python"
    if call["verb"] not in _PLAIN:
        return True
    receiver = (call["receiver"] or "").rpartition(".")[2].lower()
    return file.language in SCRIPTS and receiver not in _CLIENTS


def _is_route(call: re.Match[str], route: str, source: str, behind: int) -> bool:
    if call["django"]:  # of `include`, the routes are there
        included = re.compile(r"\s*,\s*include\b").match(source, behind)
        return not included and call["django"] in source[: call.start()]
    return route.startswith("/") or (call["verb"] not in _PLAIN and _WITH_METHOD.fullmatch(route) is not None)
