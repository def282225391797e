"""Under which path a router's routes answer: its own prefix, and those it is mounted with elsewhere
(FastAPI's `include_router`, Flask's `register_blueprint`, Express's `use`, Django's `include`, chi's
`Mount`), or around it (`include([…])`, chi's `Route`, gin's `Group`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from devflow.analysis.facts import SymbolKind
from devflow.retrieval.graph.base import Definition
from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.route_texts import written
from devflow.retrieval.graph.stored import File

_OWN = re.compile(r"\b(?:url_)?prefix\s*=\s*")
_PYTHON = re.compile(
    r"(?P<receiver>[\w.]*\w)\.(?P<verb>include_router|register_blueprint)\s*\(\s*"
    r"(?:\w+\s*=\s*)?(?P<mounted>[A-Za-z_][\w.]*)"
)
_SCRIPT = re.compile(r"(?P<receiver>[\w.]*\w)\.use\s*\(\s*")
_REQUIRED = re.compile(r"\brequire\s*\(\s*[\"']([^\"']+)[\"']\s*\)\s*$")
_DJANGO = re.compile(r"\b(?:path|re_path|url)\s*\(\s*(?=[rRfF]?[\"']|[A-Za-z_])")
_INCLUDE = re.compile(
    r"\s*,\s*include\s*\(\s*(?:\(?\s*(?:[\"'](?P<module>[\w.]+)[\"']|(?P<name>[A-Za-z_][\w.]*))|\(?\s*\[)"
)
_MOUNT = re.compile(r"(?P<receiver>[\w.]*\w)\.Mount\s*\(\s*(?=[\"`A-Za-z_])")
_NESTING = re.compile(r"(?P<receiver>[\w.]*\w)\.(?:Route|Group)\s*\(\s*(?=[\"`A-Za-z_])")
_GROUP = r"\bNAME\s*:?=\s*(?P<receiver>[\w.]*\w)\.(?:Group|PathPrefix|Party)\s*\(\s*"
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`|[()]")
_MOST = 2_000
_DEEPEST = 6

_Router = tuple[int, int, str]
"""Root, file and variable; "" is what the whole file offers: a module of Django's, a default export."""


@dataclass(frozen=True, slots=True)
class _Mount:
    prefix: str
    instead: bool
    """In place of the router's own prefix, as Flask has it."""
    holder: _Router


_KEPT: WeakKeyDictionary[Graph, tuple[tuple[int, ...], dict[_Router, list[_Mount]]]] = WeakKeyDictionary()


def routes(graph: Graph, file: File, receiver: str, route: str, at: int) -> list[str]:
    """The paths at which `route` answers, registered on `receiver` at `at` in a file: one for each mount."""
    source = graph.stored.source(file)
    router = (file.root, file.id, receiver)
    if file.language == "go":
        within = _nested(graph, file, source, receiver, at)
        around = file.around(at)
        router = (file.root, file.id, around[0].name if around else "")
        route = joined(within, route) if within else route
    elif not receiver:  # Django's, in a list of its own or in `include([…])`
        within = _included(graph, file, source, at)
        holder = file.holder(at)
        listed = holder.kind is SymbolKind.VARIABLE and holder.name != "urlpatterns"
        router = (file.root, file.id, holder.name if listed else "")
        route = joined(within, route) if within else route
    return [joined(each, route) for each in _prefixes(graph, router)]


def _included(graph: Graph, file: File, source: str, at: int) -> str:
    """The prefixes of the calls `path(prefix, include([…]))` around a place."""
    prefix = ""
    for each in _DJANGO.finditer(source, 0, at):
        told = written(graph, file, source, each.end())
        included = told is not None and _INCLUDE.match(source, told.end)
        if told and included and at < closing(source, source.index("(", each.start())):
            prefix = joined(prefix, told.text.removeprefix("^"))
    return prefix


def _nested(graph: Graph, file: File, source: str, receiver: str, at: int, depth: int = 0) -> str:
    """The prefix of a Go router: of the functions handed to `Route` and `Group` around it, and of the group
    that its variable was made as."""
    low = next((each.start for each in file.around(at)), 0)
    within = re.compile(_GROUP.replace("NAME", re.escape(receiver)))
    if receiver and depth < _DEEPEST and (made := list(within.finditer(source, low, at))):
        told = written(graph, file, source, made[-1].end())
        above = _nested(graph, file, source, made[-1]["receiver"], made[-1].start(), depth + 1)
        return joined(above, told.text) if told else above
    prefix = ""
    for each in _NESTING.finditer(source, low, at):
        told = written(graph, file, source, each.end())
        nesting = told is not None and re.match(r"\s*,\s*func\b", source[told.end : told.end + 40])
        if told and nesting and at < closing(source, source.index("(", each.end("receiver"))):
            prefix = joined(prefix, told.text)
    return prefix


def joined(prefix: str, route: str) -> str:
    """`route` below `prefix`; Django writes neither with a slash at its beginning."""
    if not prefix:
        return route
    route = route.removeprefix("^")
    return f"{prefix.rstrip('/')}/{route.lstrip('/')}" if prefix.startswith("/") and route else prefix + route


def closing(source: str, opening: int) -> int:
    """Where the bracket at `opening` is closed, the text's end when it is not; strings are passed over."""
    depth = 0
    for each in _TOKEN.finditer(source, opening):
        depth += (each[0] == "(") - (each[0] == ")")
        if depth == 0:
            return each.start()
    return len(source)


def _prefixes(graph: Graph, router: _Router, depth: int = 0) -> list[str]:
    root, id_, name = router
    made = graph.stored.file(root, id_).named("", name) if name else []
    own = next((told for each in made if (told := _own(graph, each))), "")
    mounts = _mounts(graph)
    found = mounts.get(router) or mounts.get((root, id_, ""), [])
    if not found or depth == _DEEPEST:
        return [own]
    return [
        joined(joined(above, each.prefix), "" if each.instead else own)
        for each in found
        for above in _prefixes(graph, each.holder, depth + 1)
    ]


def _own(graph: Graph, router: Definition) -> str:
    file = graph.stored.file(router.root, router.file)
    return _prefix(graph, file, graph.stored.source(file), router.start, router.end)


def _prefix(graph: Graph, file: File, source: str, start: int, end: int) -> str:
    """What is given as `prefix` or `url_prefix` between two places."""
    given = _OWN.search(source, start, end)
    told = written(graph, file, source, given.end()) if given else None
    return told.text if told else ""


def _mounts(graph: Graph) -> dict[_Router, list[_Mount]]:
    generations = graph.stored.generations
    known = _KEPT.get(graph)
    if known is None or known[0] != generations:
        found: dict[_Router, list[_Mount]] = {}
        for router, mount in _all(graph):
            if mount.holder != router and mount not in found.setdefault(router, []):
                found[router].append(mount)
        known = _KEPT[graph] = generations, found
    return known[1]


def _all(graph: Graph) -> Iterator[tuple[_Router, _Mount]]:
    for name, languages, read in (
        ("include_router", ("python",), _of_python),
        ("register_blueprint", ("python",), _of_python),
        ("include", ("python",), _of_django),
        ("use", ("javascript", "typescript", "tsx"), _of_script),
        ("Mount", ("go",), _of_go),
    ):
        places = {(use.root, use.file) for use in graph.stored.uses(name, _MOST) if use.kind == "call"}
        for root, id_ in sorted(places):
            if graph.stored.language(root, id_) in languages:
                file = graph.stored.file(root, id_)
                yield from read(graph, file, graph.stored.source(file))


def _of_python(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    for each in _PYTHON.finditer(source):
        end = closing(source, source.index("(", each.start()))
        prefix = _prefix(graph, file, source, each.end(), end)
        router = _python_router(graph, file, each["mounted"])
        if router is not None:
            instead = bool(prefix) and each["verb"] == "register_blueprint"
            yield router, _Mount(prefix, instead, (file.root, file.id, each["receiver"]))


def _python_router(graph: Graph, file: File, name: str) -> _Router | None:
    """What `router`, `users.router` or a name imported means."""
    first, _, rest = name.partition(".")
    if not rest and file.named("", first):
        return file.root, file.id, first
    for made, _ in file.imported_as(first):
        of_module = graph.modules.python(file.root, file.relative, _below(made.module, made.name))
        if of_module is not None:
            return *of_module, rest
        module = graph.modules.python(file.root, file.relative, made.module)
        if module is not None and not rest:
            return *module, made.name
    return None


def _below(module: str, name: str) -> str:
    return module if not name else module + name if module.endswith(".") else f"{module}.{name}"


def _of_django(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    for each in _DJANGO.finditer(source):
        told = written(graph, file, source, each.end())
        included = _INCLUDE.match(source, told.end) if told else None
        if told is None or included is None:
            continue
        router: _Router | None = None
        if included["module"]:
            module = graph.modules.python(file.root, file.relative, included["module"])
            router = (*module, "") if module is not None else None
        elif included["name"]:
            router = _python_router(graph, file, included["name"])
            router = (*router[:2], "") if router and router[2] == "urlpatterns" else router
        if router is not None:
            prefix = joined(_included(graph, file, source, each.start()), told.text.removeprefix("^"))
            yield router, _Mount(prefix, False, (file.root, file.id, ""))


def _of_script(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    for each in _SCRIPT.finditer(source):
        end = closing(source, source.index("(", each.end("receiver")))
        told = written(graph, file, source, each.end())
        prefix = told.text if told and told.text.startswith("/") else ""
        # Behind the path: middleware, and the router last.
        last = source[each.end() : end].strip().rstrip(",")
        name = re.search(r"(?:^|[\s,])(\w+)$", last)
        router = _script_router(graph, file, source, name[1] if name else "", _REQUIRED.search(last))
        if router is not None:
            yield router, _Mount(prefix, False, (file.root, file.id, each["receiver"]))


def _of_go(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    """chi's `r.Mount("/admin", adminRouter())`: what the function registers."""
    for each in _MOUNT.finditer(source):
        told = written(graph, file, source, each.end())
        made = re.match(r"\s*,\s*(?:(\w+)\.)?(\w+)\(", source[told.end : told.end + 120]) if told else None
        if told is None or made is None:
            continue
        for found in graph.stored.named(made[2], "go"):
            folder = found.path.parent
            if folder == file.path.parent if not made[1] else folder.name == made[1]:
                prefix = joined(_nested(graph, file, source, each["receiver"], each.start()), told.text)
                around = file.around(each.start())
                holder = (file.root, file.id, around[0].name if around else "")
                yield (found.root, found.file, found.name), _Mount(prefix, False, holder)


def _script_router(
    graph: Graph, file: File, source: str, name: str, required: re.Match[str] | None
) -> _Router | None:
    if required is None and name:
        required = re.search(rf"\b{name}\s*=\s*require\s*\(\s*[\"']([^\"']+)[\"']\s*\)", source)
    if required is not None:
        module = graph.modules.script(file.root, file.relative, required[1])
        return (*module, "") if module is not None else None
    for made, _ in file.imported_as(name):
        module = graph.modules.script(file.root, file.relative, made.module)
        if module is not None:
            return *module, "" if made.name in ("", "default", "*") else made.name
    return (file.root, file.id, name) if name else None
