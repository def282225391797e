"""Which endpoints of a service reach a definition, and which there are: routes as decorators, annotations
and registrations write them (FastAPI, Flask, Django, Starlette, Express, Spring, net/http and its kind)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import SURE, Definition, Link
from devflow.retrieval.graph.impact import reached_from
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.mounts import closing, joined, routes
from devflow.retrieval.graph.registrations import REGISTERING, VERBS, Registration, chained, registrations
from devflow.retrieval.graph.route_texts import written
from devflow.retrieval.graph.stored import File

_DECORATOR = re.compile(
    r"@\s*(?P<receiver>[\w.]+)\.(?P<verb>get|post|put|delete|patch|head|options|route|websocket|api_route)\s*\("
    r"\s*(?:path\s*=\s*|rule\s*=\s*)?"
)
_ANNOTATION = re.compile(r"@(?P<verb>Get|Post|Put|Delete|Patch|Request)Mapping\b(?P<opening>\s*\()?")
_GIVEN = re.compile(r"\b(?:value|path)\s*=\s*")
_NAMED = re.compile(r"\s*\w+\s*=")
_BACK = 4_000
"""Code points before a use in which a registration around it is looked for."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of a service and what handles it."""

    method: str
    """`GET`, `POST` …, `ANY` when it is not told."""
    route: str
    handler: Definition
    """Of one written inside the registration, what that stands in."""
    at: Definition
    """What is decorated, or what the registration stands in."""
    line: int
    """0-based line in the file of `at`: of the decorated definition's name, or of the registration."""
    inline: bool = False
    """Whether the handler has no name of its own."""


@dataclass(frozen=True, slots=True)
class Reaching:
    """An endpoint and the links from its handler to what it reaches."""

    endpoint: Endpoint
    way: tuple[Link, ...]


def endpoints_reaching(graph: Graph, definition: Definition, least: float = SURE) -> list[Reaching]:
    """The endpoints whose handling leads to `definition`, each by its shortest way."""
    found: dict[tuple[str, str, Definition], Reaching] = {}
    for endpoint in endpoints_of(graph, definition):
        found.setdefault((endpoint.method, endpoint.route, endpoint.handler), Reaching(endpoint, ()))

    def stop(link: Link) -> bool:
        return bool(_registered(graph, link) or endpoints_of(graph, link.source))

    for way in reached_from(graph, definition, stop, least):
        first = way[0]
        for endpoint in _registered(graph, first) or endpoints_of(graph, first.source):
            if endpoint.handler.kind in CLASS_LIKE:
                continue  # its methods answer, and are met on the way
            handled = first.source != endpoint.handler and first.target == endpoint.handler
            links = tuple(way[1:]) if handled else tuple(way)
            found.setdefault((endpoint.method, endpoint.route, endpoint.handler), Reaching(endpoint, links))
    return sorted(found.values(), key=lambda each: (each.endpoint.route, each.endpoint.method))


def endpoints_of(graph: Graph, definition: Definition) -> list[Endpoint]:
    """The routes that a definition's own decorators or annotations give it."""
    if definition.kind not in FUNCTION_LIKE or definition.start < 0:
        return []
    file = graph.stored.file(definition.root, definition.file)
    if definition.language not in ("python", "java"):
        return []
    head = graph.stored.source(file)[definition.start : definition.name_start]
    if "@" not in head:
        return _of_view(graph, file, definition) if definition.language == "python" else []
    if definition.language == "java":
        return _annotated(graph, file, definition)
    found = []
    source = graph.stored.source(file)
    for each in _DECORATOR.finditer(source, definition.start, definition.name_start):
        told = written(graph, file, source, each.end())
        if told is None or not told.known:
            continue
        rest = source[told.end : closing(source, source.index("(", each.end("verb")))]
        methods = re.findall(r"[\"'](\w+)[\"']", rest.partition("methods")[2])
        verb = each["verb"]
        names = (
            [verb.upper()]
            if verb in VERBS
            else methods or ["WEBSOCKET" if verb == "websocket" else "GET" if verb == "route" else "ANY"]
        )
        found += [
            Endpoint(name.upper(), route, definition, definition, definition.line)
            for route in routes(graph, file, each["receiver"], told.text, each.start())
            for name in names
        ]
    return found


def all_endpoints(graph: Graph, most: int = 5_000) -> list[Endpoint]:
    """Every route of the roots: those decorated or annotated, and those registered by a call."""
    found: dict[tuple[str, str, Definition], Endpoint] = {}
    names = (*VERBS, "route", "websocket", "api_route")
    mappings = [f"{verb}Mapping" for verb in ("Get", "Post", "Put", "Delete", "Patch", "Request")]
    for name in (*names, *mappings):
        for use in graph.stored.uses(name, most):
            file = graph.stored.file(use.root, use.file)
            holder = file.holder(use.start)
            if use.start < holder.name_start:
                for endpoint in endpoints_of(graph, holder):
                    found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for name, read in (*((name, registrations) for name in REGISTERING), ("route", chained)):
        for use in graph.stored.uses(name, most):
            if use.kind != "call":
                continue
            file = graph.stored.file(use.root, use.file)
            source = graph.stored.source(file)
            begin = source.rfind("\n", 0, use.start) + 1
            for each in read(graph, file, source, begin, use.end + 300):
                if each.start <= use.start < each.route_start:
                    for endpoint in _made(graph, file, source, each):
                        found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for field in graph.stored.named("url", "python", most):
        file = graph.stored.file(field.root, field.file)
        for method in (
            each for verb in VERBS for each in file.named(field.container, verb) if field.container
        ):
            for endpoint in endpoints_of(graph, method):
                found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    return sorted(found.values(), key=lambda each: (each.route, each.method))


def _registered(graph: Graph, link: Link) -> list[Endpoint]:
    """The registration of a route in whose call a link's use stands: as the handler that is named, or
    inside one written there."""
    if link.kind in ("extends", "overrides", "import"):
        return []
    file = graph.stored.file(link.source.root, link.source.file)
    source = graph.stored.source(file)
    low = max(0, link.start - _BACK)
    for read in (registrations, chained):
        for each in reversed(list(read(graph, file, source, low, link.start))):
            if each.begin <= link.start <= each.end:
                inline = not _is_named(source[each.begin : link.start])
                handler = link.source if inline else link.target
                return _at(graph, file, each, handler, link.source, link.line, inline=inline)
    return []


def _at(
    graph: Graph,
    file: File,
    each: Registration,
    handler: Definition,
    at: Definition,
    line: int,
    *,
    inline: bool,
) -> list[Endpoint]:
    return [
        Endpoint(method, route, handler, at, line, inline)
        for route in routes(graph, file, each.receiver, each.route, each.start)
        for method in each.methods
    ]


def _made(graph: Graph, file: File, source: str, each: Registration) -> list[Endpoint]:
    at = file.holder(each.start)
    handler = _handler(graph, file, source, each.begin, each.end)
    line = source.count("\n", 0, each.route_start)
    made = _at(graph, file, each, handler or at, at, line, inline=handler is None)
    return [one for endpoint in made for one in _handled(graph, endpoint)]


def _handled(graph: Graph, endpoint: Endpoint) -> list[Endpoint]:
    """An endpoint whose handler is a class answers with the class's methods called after verbs."""
    handler = endpoint.handler
    if handler.kind not in CLASS_LIKE:
        return [endpoint]
    file = graph.stored.file(handler.root, handler.file)
    verbs = [each for verb in VERBS for each in file.named(handler.qualified_name, verb)]
    return [replace(endpoint, method=each.name.upper(), handler=each) for each in verbs] or [endpoint]


def _of_view(graph: Graph, file: File, definition: Definition) -> list[Endpoint]:
    """The routes of a class's method that is called after a verb: those its class is registered with, or
    that it names as its `url`."""
    owner = graph.owner(definition)
    if owner is None or definition.name not in VERBS:
        return []
    method = definition.name.upper()
    found = [
        Endpoint(method, registered.route, definition, registered.at, registered.line)
        for link in graph.incoming(owner)
        for registered in _registered(graph, link)
    ]
    for field in file.named(owner.qualified_name, "url"):
        if told := re.match(r"url(?:\s*:[^=]+)?\s*=\s*[rRfF]?[\"'](/[^\"']*)[\"']", field.signature):
            found.append(Endpoint(method, told[1], definition, definition, definition.line))
    return found


def _handler(graph: Graph, file: File, source: str, begin: int, end: int) -> Definition | None:
    """The definition that a registration names behind its route; None for one that is written there."""
    for use in graph.stored.uses_in(file.whole()):
        if begin <= use.start < end:
            if not _is_named(source[begin : use.start]):
                return None
            for meaning in graph.meanings(use)[:1]:
                if meaning.definition.kind in FUNCTION_LIKE | CLASS_LIKE:
                    return meaning.definition
    return None


def _is_named(before: str) -> bool:
    """Whether what comes behind this part of a call's arguments is still the call's, not a function's that
    is written among them."""
    return not re.search(r"=>|[{]|\b(?:function|func|lambda)\b", before)


def _annotated(graph: Graph, file: File, definition: Definition) -> list[Endpoint]:
    prefixes = [""]
    owner = graph.owner(definition)
    if owner is not None:
        above = next(_annotations(graph, file, owner), None)
        prefixes = (above[1] if above else []) or prefixes
    found = []
    for verb, written_routes, rest in _annotations(graph, file, definition):
        methods = re.findall(r"\b(GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)\b", rest)
        if verb != "Request" or not methods:
            methods = ["ANY" if verb == "Request" else verb.upper()]
        found += [
            Endpoint(
                method,
                joined(prefix or "/", route).rstrip("/") or "/",
                definition,
                definition,
                definition.line,
            )
            for prefix in prefixes
            for route in written_routes or [""]
            for method in methods
        ]
    return found


def _annotations(graph: Graph, file: File, definition: Definition) -> Iterator[tuple[str, list[str], str]]:
    """The mappings before a definition: verb, paths, what stands in the brackets."""
    source = graph.stored.source(file)
    for each in _ANNOTATION.finditer(source, definition.start, definition.name_start):
        if not each["opening"]:
            yield each["verb"], [], ""
            continue
        end = closing(source, each.end() - 1)
        given = _GIVEN.search(source, each.end(), end)
        if given is None and _NAMED.match(source, each.end(), end):
            yield each["verb"], [], source[each.end() : end]
            continue
        at = given.end() if given else each.end()
        listed = re.compile(r"\s*\{").match(source, at)
        at = listed.end() if listed else at
        found: list[str] = []
        while told := written(graph, file, source, at):
            found.append(told.text)
            following = re.compile(r"\s*,").match(source, told.end)
            if following is None or listed is None:
                break
            at = following.end()
        yield each["verb"], found, source[each.end() : end]
