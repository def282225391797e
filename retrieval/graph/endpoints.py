"""Which endpoints of a service reach a definition, and which there are: routes as decorators, annotations
and registrations write them (FastAPI, Flask, Django, Starlette, Express, Spring, net/http and its kind)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import SURE, Definition, Link
from devflow.retrieval.graph.impact import reached_from
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.mounts import closing, joined, routes
from devflow.retrieval.graph.stored import File

_VERBS = ("get", "post", "put", "delete", "patch", "head", "options")
_DECORATOR = re.compile(
    r"@\s*(?P<receiver>[\w.]+)\.(?P<verb>get|post|put|delete|patch|head|options|route|websocket|api_route)\s*\("
    r"\s*(?:path\s*=\s*|rule\s*=\s*)?[rRfF]?(?P<quote>[\"'])(?P<route>.*?)(?P=quote)(?P<rest>[^\n]*)"
)
_ANNOTATION = re.compile(
    r"@(?P<verb>Get|Post|Put|Delete|Patch|Request)Mapping\b(?:\s*\(\s*(?:(?:value|path)\s*=\s*)?\{?\s*"
    r"(?P<routes>(?:\"[^\"]*\"\s*,?\s*)*)(?P<rest>[^)]*)\))?"
)
_CHAIN = re.compile(r"(?P<receiver>[\w.]*\w)\.route\s*\(\s*([\"'`])(?P<route>/[^\"'`\n]*)\2\s*\)")
_LINK = re.compile(r"\s*\.\s*(get|post|put|delete|patch|head|options|all)\s*\(")
_SCRIPTS = ("javascript", "typescript", "tsx")
_REGISTRATION = re.compile(
    r"(?:(?<![\w.])(?P<django>path|re_path|url|Route|WebSocketRoute)"
    r"|(?P<receiver>[\w.]*\w)\.(?P<verb>get|post|put|delete|patch|all|use|head|options|GET|POST|PUT|DELETE|PATCH"
    r"|Get|Post|Put|Delete|Patch|HandleFunc|Handle|Any|add_url_rule|add_api_route|add_route|add_get|add_post"
    r"|add_put|add_delete|add_patch))\s*\(\s*"
    r"(?:[\"'](?P<first>GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|\*)[\"']\s*,\s*)?"
    r"[rR]?(?P<quote>[\"'`])(?P<route>[^\"'`\n]*)(?P=quote)\s*,"
)
_BACK = 4_000
"""Code points before a use in which a registration around it is looked for."""
_REGISTERING = (
    *("path", "re_path", "url", "Route", "WebSocketRoute", "HandleFunc", "Handle", "Any", "all"),
    *("GET", "POST", "PUT", "DELETE", "PATCH", "Get", "Post", "Put", "Delete", "Patch"),
    *("get", "post", "put", "delete", "patch", "add_url_rule", "add_api_route", "add_route"),
    *("add_get", "add_post", "add_put", "add_delete", "add_patch"),
)
_NOT_ROUTES = frozenset({"get", "use", "all", "put", "delete", "post", "patch", "head", "options"})
_CLIENTS = frozenset(
    {"axios", "client", "http", "https", "fetch", "got", "ky", "superagent", "request", "requests"}
)
"""Receivers of calls that ask a service, in the form of those that register a route."""


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
        return _annotated(graph, file, definition, head)
    found = []
    for each in _DECORATOR.finditer(head):
        verb = each["verb"]
        methods = (
            re.findall(r"[\"'](\w+)[\"']", re.sub(r"^.*?methods\s*=", "", each["rest"]))
            if "methods" in each["rest"]
            else []
        )
        names = (
            [verb.upper()]
            if verb in _VERBS
            else methods or ["WEBSOCKET" if verb == "websocket" else "GET" if verb == "route" else "ANY"]
        )
        found += [
            Endpoint(name.upper(), route, definition, definition, definition.line)
            for route in routes(graph, file, each["receiver"], each["route"])
            for name in names
        ]
    return found


def all_endpoints(graph: Graph, most: int = 5_000) -> list[Endpoint]:
    """Every route of the roots: those decorated or annotated, and those registered by a call."""
    found: dict[tuple[str, str, Definition], Endpoint] = {}
    names = (*_VERBS, "route", "websocket", "api_route")
    mappings = [f"{verb}Mapping" for verb in ("Get", "Post", "Put", "Delete", "Patch", "Request")]
    for name in (*names, *mappings):
        for use in graph.stored.uses(name, most):
            file = graph.stored.file(use.root, use.file)
            holder = file.holder(use.start)
            if use.start < holder.name_start:
                for endpoint in endpoints_of(graph, holder):
                    found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for name in _REGISTERING:
        for use in graph.stored.uses(name, most):
            if use.kind != "call":
                continue
            file = graph.stored.file(use.root, use.file)
            source = graph.stored.source(file)
            begin = source.rfind("\n", 0, use.start) + 1
            some = _REGISTRATION.finditer(source, begin, use.end + 300)
            matched = next((each for each in some if each.start() <= use.start < each.end()), None)
            if matched is None or not _is_route(matched, file, source):
                continue
            opening = source.index("(", use.start)
            for endpoint in _made(graph, file, source, matched, matched.end(), closing(source, opening)):
                found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for use in graph.stored.uses("route", most):
        if use.kind == "call" and graph.stored.language(use.root, use.file) in _SCRIPTS:
            file = graph.stored.file(use.root, use.file)
            source = graph.stored.source(file)
            begin = source.rfind("\n", 0, use.start) + 1
            for chain in _CHAIN.finditer(source, begin, use.end + 300):
                for verb, opening, end in _chained(source, chain):
                    for endpoint in _made(graph, file, source, chain, opening + 1, end, verb):
                        found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for field in graph.stored.named("url", "python", most):
        file = graph.stored.file(field.root, field.file)
        for method in (
            each for verb in _VERBS for each in file.named(field.container, verb) if field.container
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
    for matched in reversed(list(_REGISTRATION.finditer(source, low, link.start))):
        opening = source.index("(", matched.start())
        if _is_route(matched, file, source) and closing(source, opening) >= link.start:
            return _at(graph, file, source, matched, matched.end(), link)
    if file.language in _SCRIPTS:
        for chain in reversed(list(_CHAIN.finditer(source, low, link.start))):
            for verb, opening, end in _chained(source, chain):
                if opening < link.start <= end:
                    return _at(graph, file, source, chain, opening + 1, link, verb)
    return []


def _at(
    graph: Graph, file: File, source: str, matched: re.Match[str], begin: int, link: Link, verb: str = ""
) -> list[Endpoint]:
    inline = not _is_named(source[begin : link.start])
    return [
        Endpoint(
            verb or _method(matched),
            route,
            link.source if inline else link.target,
            link.source,
            link.line,
            inline,
        )
        for route in routes(graph, file, matched["receiver"] or "", _route(matched))
    ]


def _made(
    graph: Graph, file: File, source: str, matched: re.Match[str], begin: int, end: int, verb: str = ""
) -> list[Endpoint]:
    """The endpoints of a registration whose handler stands from `begin` to `end`."""
    at = file.holder(matched.start())
    handler = _handler(graph, file, source, begin, end)
    line = source.count("\n", 0, matched.start("route"))
    return [
        each
        for route in routes(graph, file, matched["receiver"] or "", _route(matched))
        for each in _handled(
            graph, Endpoint(verb or _method(matched), route, handler or at, at, line, inline=handler is None)
        )
    ]


def _chained(source: str, chain: re.Match[str]) -> list[tuple[str, int, int]]:
    """The calls behind `router.route(path)`: method, and the places of the brackets."""
    found = []
    at = chain.end()
    while each := _LINK.match(source, at):
        end = closing(source, each.end() - 1)
        found.append(("ANY" if each[1] == "all" else each[1].upper(), each.end() - 1, end))
        at = end + 1
    return found


def _handled(graph: Graph, endpoint: Endpoint) -> list[Endpoint]:
    """An endpoint whose handler is a class answers with the class's methods called after verbs."""
    handler = endpoint.handler
    if handler.kind not in CLASS_LIKE:
        return [endpoint]
    file = graph.stored.file(handler.root, handler.file)
    verbs = [each for verb in _VERBS for each in file.named(handler.qualified_name, verb)]
    return [replace(endpoint, method=each.name.upper(), handler=each) for each in verbs] or [endpoint]


def _of_view(graph: Graph, file: File, definition: Definition) -> list[Endpoint]:
    """The routes of a class's method that is called after a verb: those its class is registered with, or
    that it names as its `url`."""
    owner = graph.owner(definition)
    if owner is None or definition.name not in _VERBS:
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


def _annotated(graph: Graph, file: File, definition: Definition, head: str) -> list[Endpoint]:
    prefixes = [""]
    owner = graph.owner(definition)
    if owner is not None:
        above = _ANNOTATION.search(graph.stored.source(file)[owner.start : owner.name_start])
        prefixes = (_routes(above) if above else []) or prefixes
    found = []
    for each in _ANNOTATION.finditer(head):
        told = re.findall(r"RequestMethod\.(\w+)", each["rest"] or "")
        methods = told or ["ANY" if each["verb"] == "Request" else each["verb"].upper()]
        found += [
            Endpoint(
                method,
                joined(prefix or "/", route).rstrip("/") or "/",
                definition,
                definition,
                definition.line,
            )
            for prefix in prefixes
            for route in _routes(each) or [""]
            for method in methods
        ]
    return found


def _routes(annotation: re.Match[str]) -> list[str]:
    return re.findall(r"\"([^\"]*)\"", annotation["routes"] or "")


def _method(matched: re.Match[str]) -> str:
    verb = matched["first"] or (matched["verb"] or "").removeprefix("add_").upper()
    route = matched["route"]
    if verb in ("HANDLEFUNC", "HANDLE") and (told := re.match(r"([A-Z]+)\s+[\w.-]*/", route)):
        return told[1]  # net/http since Go 1.22
    return verb if verb.lower() in _VERBS else "ANY"


def _route(matched: re.Match[str]) -> str:
    """The path alone."""
    told = re.fullmatch(r"[A-Z]+\s+([\w.-]*/.*)", matched["route"])
    return told[1] if told else matched["route"]


def _is_route(matched: re.Match[str], file: File, source: str) -> bool:
    """Whether a call that looks like a registration is one: `cache.get("a", b)` is none."""
    if matched["django"]:
        if re.compile(r"\s*include\b").match(source, matched.end()):
            return False  # of a module whose routes are there
        return file.language == "python" and matched["django"] in source[: matched.start()]
    if matched["verb"] in _NOT_ROUTES and (matched["receiver"] or "").rpartition(".")[2].lower() in _CLIENTS:
        return False
    if matched["verb"] in _NOT_ROUTES:
        return matched["route"].startswith("/") and file.language in ("javascript", "typescript", "tsx")
    return matched["route"].startswith("/") or bool(re.match(r"[A-Z]+\s+[\w.-]*/", matched["route"]))
