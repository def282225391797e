"""Which endpoints of a service reach a definition, and which there are: routes as decorators, annotations
and registrations write them (FastAPI, Flask, Django, Starlette, Express, Spring, net/http and its kind)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import SURE, Definition, Link
from devflow.retrieval.graph.impact import reached_from
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.stored import File

_VERBS = ("get", "post", "put", "delete", "patch", "head", "options")
_DECORATOR = re.compile(
    r"@\s*(?P<receiver>[\w.]+)\.(?P<verb>get|post|put|delete|patch|head|options|route|websocket|api_route)\s*\("
    r"\s*(?:path\s*=\s*|rule\s*=\s*)?[rRfF]?(?P<quote>[\"'])(?P<route>.*?)(?P=quote)(?P<rest>[^\n]*)"
)
_ANNOTATION = re.compile(
    r"@(?P<verb>Get|Post|Put|Delete|Patch|Request)Mapping\b(?:\s*\(\s*(?:(?:value|path)\s*=\s*)?\{?\s*"
    r"(?:\"(?P<route>[^\"]*)\")?(?P<rest>[^)]*)\))?"
)
_PREFIX = re.compile(r"\b(?:url_)?prefix\s*=\s*[\"']([^\"']*)[\"']")
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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of a service and what handles it."""

    method: str
    """`GET`, `POST` …, `ANY` when it is not told."""
    route: str
    handler: Definition
    line: int
    """0-based line of the decorator's definition or of the registration."""


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
        registered = _registered(graph, first)
        for endpoint in [registered] if registered is not None else endpoints_of(graph, first.source):
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
        prefix = _prefix(file, each["receiver"])
        found += [
            Endpoint(name.upper(), prefix + each["route"], definition, definition.line) for name in names
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
            handler = _handler(graph, file, matched.end(), source) or file.holder(use.start)
            for endpoint in _handled(graph, Endpoint(_method(matched), matched["route"], handler, use.line)):
                found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    for field in graph.stored.named("url", "python", most):
        file = graph.stored.file(field.root, field.file)
        for method in (
            each for verb in _VERBS for each in file.named(field.container, verb) if field.container
        ):
            for endpoint in endpoints_of(graph, method):
                found.setdefault((endpoint.method, endpoint.route, endpoint.handler), endpoint)
    return sorted(found.values(), key=lambda each: (each.route, each.method))


def _registered(graph: Graph, link: Link) -> Endpoint | None:
    """The registration of a route in whose call a link's use stands: as the handler that is named, or
    inside one written there."""
    if link.kind in ("extends", "overrides", "import"):
        return None
    file = graph.stored.file(link.source.root, link.source.file)
    source = graph.stored.source(file)
    low = max(0, link.start - _BACK)
    for matched in reversed(list(_REGISTRATION.finditer(source, low, link.start))):
        opening = source.index("(", matched.start())
        if _is_open(source, opening, link.start) and _is_route(matched, file, source):
            named = (
                ")" not in source[matched.end() : link.start]
                and "{" not in source[matched.end() : link.start]
            )
            handler = link.target if named else link.source
            return Endpoint(_method(matched), matched["route"], handler, link.line)
    return None


def _handled(graph: Graph, endpoint: Endpoint) -> list[Endpoint]:
    """An endpoint whose handler is a class answers with the class's methods called after verbs."""
    handler = endpoint.handler
    if handler.kind not in CLASS_LIKE:
        return [endpoint]
    file = graph.stored.file(handler.root, handler.file)
    verbs = [each for verb in _VERBS for each in file.named(handler.qualified_name, verb)]
    return [Endpoint(each.name.upper(), endpoint.route, each, endpoint.line) for each in verbs] or [endpoint]


def _of_view(graph: Graph, file: File, definition: Definition) -> list[Endpoint]:
    """The routes of a class's method that is called after a verb: those its class is registered with, or
    that it names as its `url`."""
    owner = graph.owner(definition)
    if owner is None or definition.name not in _VERBS:
        return []
    method = definition.name.upper()
    found = [
        Endpoint(method, registered.route, definition, registered.line)
        for link in graph.incoming(owner)
        if (registered := _registered(graph, link)) is not None
    ]
    for field in file.named(owner.qualified_name, "url"):
        if told := re.match(r"url(?:\s*:[^=]+)?\s*=\s*[rRfF]?[\"'](/[^\"']*)[\"']", field.signature):
            found.append(Endpoint(method, told[1], definition, definition.line))
    return found


def _handler(graph: Graph, file: File, at: int, source: str) -> Definition | None:
    """The definition that a registration names behind its route."""
    end = source.find("\n", at)
    for use in graph.stored.uses_in(file.whole()):
        if at <= use.start < (end if end >= 0 else len(source)):
            for meaning in graph.meanings(use)[:1]:
                if meaning.definition.kind in FUNCTION_LIKE | CLASS_LIKE:
                    return meaning.definition
    return None


def _annotated(graph: Graph, file: File, definition: Definition, head: str) -> list[Endpoint]:
    prefix = ""
    owner = graph.owner(definition)
    if owner is not None:
        above = _ANNOTATION.search(graph.stored.source(file)[owner.start : owner.name_start])
        prefix = (above["route"] or "") if above else ""
    found = []
    for each in _ANNOTATION.finditer(head):
        told = re.search(r"RequestMethod\.(\w+)", each["rest"] or "")
        method = told[1] if told else "ANY" if each["verb"] == "Request" else each["verb"].upper()
        route = f"{prefix.rstrip('/')}/{(each['route'] or '').lstrip('/')}".rstrip("/") or "/"
        found.append(Endpoint(method, route, definition, definition.line))
    return found


def _prefix(file: File, receiver: str) -> str:
    """The prefix that a router or blueprint of the same file was made with."""
    for made in file.named("", receiver):
        if told := _PREFIX.search(made.signature):
            return told[1]
    return ""


def _method(matched: re.Match[str]) -> str:
    verb = matched["first"] or (matched["verb"] or "").removeprefix("add_").upper()
    route = matched["route"]
    if verb in ("HANDLEFUNC", "HANDLE") and (told := re.match(r"([A-Z]+) /", route)):
        return told[1]  # net/http since Go 1.22
    return verb if verb.lower() in _VERBS else "ANY"


def _is_route(matched: re.Match[str], file: File, source: str) -> bool:
    """Whether a call that looks like a registration is one: `cache.get("a", b)` is none."""
    if matched["django"]:
        return file.language == "python" and matched["django"] in source[: matched.start()]
    if matched["verb"] in _NOT_ROUTES:
        return matched["route"].startswith("/") and file.language in ("javascript", "typescript", "tsx")
    return matched["route"].startswith("/") or " /" in matched["route"]


def _is_open(source: str, opening: int, at: int) -> bool:
    """Whether the bracket at `opening` is still open at `at`; strings are passed over."""
    depth = 0
    for each in re.finditer(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`|[()]", source[opening:at]):
        if each[0] == "(":
            depth += 1
        elif each[0] == ")":
            depth -= 1
            if depth == 0:
                return False
    return depth > 0
