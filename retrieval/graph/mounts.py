"""Under which path a router's routes answer: its own prefix, and those it is mounted with elsewhere
(FastAPI's `include_router`, Flask's `register_blueprint`, Express's `use`, Django's `include`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from devflow.retrieval.graph.links import Graph
from devflow.retrieval.graph.stored import File

_OWN = re.compile(r"\b(?:url_)?prefix\s*=\s*[\"']([^\"']*)[\"']")
_PYTHON = re.compile(
    r"(?P<receiver>[\w.]*\w)\.(?P<verb>include_router|register_blueprint)\s*\(\s*"
    r"(?:\w+\s*=\s*)?(?P<mounted>[A-Za-z_][\w.]*)"
)
_SCRIPT = re.compile(
    r"(?P<receiver>[\w.]*\w)\.use\s*\(\s*(?P<quote>[\"'`])(?P<prefix>/[^\"'`\n]*)(?P=quote)\s*,"
)
_REQUIRED = re.compile(r"\brequire\s*\(\s*[\"']([^\"']+)[\"']\s*\)\s*$")
_DJANGO = re.compile(
    r"\b(?:path|re_path|url)\s*\(\s*r?[\"'](?P<prefix>[^\"'\n]*)[\"']\s*,\s*include\s*\(\s*\(?\s*"
    r"(?:[\"'](?P<module>[\w.]+)[\"']|(?P<name>[A-Za-z_]\w*))"
)
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


def routes(graph: Graph, file: File, receiver: str, route: str) -> list[str]:
    """The paths at which `route` answers, registered on `receiver` in a file: one for each mount."""
    return [joined(each, route) for each in _prefixes(graph, (file.root, file.id, receiver))]


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
    own = next((told[1] for each in made if (told := _OWN.search(each.signature))), "")
    mounts = _mounts(graph)
    found = [*mounts.get(router, ()), *(mounts.get((root, id_, ""), ()) if name else ())]
    if not found or depth == _DEEPEST:
        return [own]
    return [
        joined(joined(above, each.prefix), "" if each.instead else own)
        for each in found
        for above in _prefixes(graph, each.holder, depth + 1)
    ]


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
    ):
        places = {(use.root, use.file) for use in graph.stored.uses(name, _MOST) if use.kind == "call"}
        for root, id_ in sorted(places):
            if graph.stored.language(root, id_) in languages:
                file = graph.stored.file(root, id_)
                yield from read(graph, file, graph.stored.source(file))


def _of_python(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    for each in _PYTHON.finditer(source):
        told = _OWN.search(source, each.end(), closing(source, source.index("(", each.start())))
        flask = each["verb"] == "register_blueprint"
        router = _python_router(graph, file, each["mounted"])
        if router is not None and (told or not flask):
            prefix = told[1] if told else ""
            yield router, _Mount(prefix, flask, (file.root, file.id, each["receiver"]))


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
        if each["module"]:
            module = graph.modules.python(file.root, file.relative, each["module"])
            router = (*module, "") if module is not None else None
        else:
            router = _python_router(graph, file, each["name"])
        if router is not None:
            yield router, _Mount(each["prefix"].removeprefix("^"), False, (file.root, file.id, ""))


def _of_script(graph: Graph, file: File, source: str) -> Iterator[tuple[_Router, _Mount]]:
    for each in _SCRIPT.finditer(source):
        # Behind the path: middleware, and the router last.
        last = source[each.end() : closing(source, source.index("(", each.start()))].strip().rstrip(",")
        name = re.search(r"(?:^|[\s,])(\w+)$", last)
        router = _script_router(graph, file, source, name[1] if name else "", _REQUIRED.search(last))
        if router is not None:
            yield router, _Mount(each["prefix"], False, (file.root, file.id, each["receiver"]))


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
