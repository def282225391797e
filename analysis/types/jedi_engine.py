"""jedi behind the semantics of `analysis.types.base.TypeEngine`, synchronously; run only in its worker.

jedi's 1-based lines end here. No interpreter of a workspace is ever executed and none of its compiled
modules is loaded: a cloned repository's `.venv/bin/python` is data like the rest of it. Its installed
packages are read as source.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import jedi
import jedi.settings
import parso.cache
from jedi.api.environment import InterpreterEnvironment

from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.python_environment import environment_folder, package_folders
from devflow.analysis.regular_files import content
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text
from devflow.analysis.types.base import Candidate, Definition, Hint, Parameter, Signature
from devflow.analysis.types.jedi_kept import Kept

log = logging.getLogger(__name__)

_KINDS = {
    "module": SymbolKind.MODULE,
    "namespace": SymbolKind.MODULE,
    "class": SymbolKind.CLASS,
    "instance": SymbolKind.VARIABLE,
    "function": SymbolKind.FUNCTION,
    "param": SymbolKind.PARAMETER,
    "property": SymbolKind.PROPERTY,
    "statement": SymbolKind.VARIABLE,
    "keyword": SymbolKind.KEYWORD,
}
_PARAMETER_KINDS = {
    "POSITIONAL_ONLY": "positional-only",
    "POSITIONAL_OR_KEYWORD": "positional-or-keyword",
    "VAR_POSITIONAL": "var-positional",
    "KEYWORD_ONLY": "keyword-only",
    "VAR_KEYWORD": "var-keyword",
}
_MISTAKEN = "TypeVar"
"""What jedi takes the signature of a stub's type variable for (seen on the stubs of Django it brings)."""
_BOM = "\ufeff"
_LARGEST_FILE = 4_000_000
_DOC_LIMIT = 8_000
_PREPARE_SECONDS = 0.05
_HINT_SECONDS = 0.3

_P = ParamSpec("_P")
_T = TypeVar("_T")


_NOT_WHOLE = frozenset({"EOFError", "UnpicklingError"})


def keep_in(folder: Path) -> None:
    """Keep what jedi has parsed in `folder`, and leave alone what other programs keep.

    It holds the text of the code, and parso makes files that everybody may read: nobody else may enter.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as problem:  # parso keeps nothing then
        log.warning("what jedi has parsed cannot be kept: %s", problem.strerror)
    jedi.settings.cache_directory = str(folder)


def _guarded(empty: Callable[[], _T]) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """jedi fails on some code (RecursionError, AttributeError …): that is an empty answer. It also fails for
    ever on what a killed process has left half written in its cache: that is thrown away."""

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(function)
        def call(*args: _P.args, **options: _P.kwargs) -> _T:
            kept = options.get("kept")
            try:
                try:
                    return function(*args, **options)
                except Exception as problem:
                    if type(problem).__name__ not in _NOT_WHOLE:
                        raise
                    log.warning("a file in jedi's cache is not whole: the cache is made again")
                    parso.cache.clear_cache(Path(jedi.settings.cache_directory))
                    if isinstance(kept, Kept):
                        kept.forget()
                    return function(*args, **options)
            except Exception as problem:  # noqa: BLE001 - whatever jedi raises; logged without any code of the user's
                log.warning("jedi failed on %s: %s", function.__name__, type(problem).__name__)
                return empty()
            finally:
                if isinstance(kept, Kept):
                    kept.note_files()

        return call

    return decorate


@_guarded(list[Candidate])
def complete(
    roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None
) -> list[Candidate]:
    """Names that can stand at `at`, in jedi's order (alphabetical, private ones last)."""
    question = _Question(roots, path, source, kept)
    result: dict[str, Candidate] = {}
    for found in question.script.complete(*question.place(at)):
        kind = _KINDS.get(found.type)
        if kind is None:
            continue  # "path": the names of files inside a string
        name = found.name_with_symbols if kind is SymbolKind.PARAMETER else found.name
        result.setdefault(name, Candidate(name, kind))
    return list(result.values())


@_guarded(list[Definition])
def define(
    roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None
) -> list[Definition]:
    """Definitions of the name at `at`, imports followed to where the name is made."""
    question = _Question(roots, path, source, kept)
    found = [_definition(question, name) for name in _names_at(question, at)]
    if kept is not None and not all(question.stands(each) for each in found):
        kept.forget()  # a kept module has moved on: what it says is not where it says
        return define(roots, path, source, at)
    return found


@_guarded(list[Location])
def type_definition(
    roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None
) -> list[Location]:
    """Where the class of the value at `at` is made; the name itself where it is a class or function."""
    question = _Question(roots, path, source, kept)
    found = question.script.infer(*question.place(at))
    return list(dict.fromkeys(place for name in found if (place := question.location(name)) is not None))


@_guarded(list[Hint])
def hints(
    roots: Sequence[Path], path: Path | None, source: str, at: int, end: int, kept: Kept | None = None
) -> list[Hint]:
    """Inferred types of the names assigned between `at` and `end` without an annotation, for at most about
    `_HINT_SECONDS`: what is left is not told."""
    until = time.monotonic() + _HINT_SECONDS
    question = _Question(roots, path, source, kept)
    result: list[Hint] = []
    for name in question.script.get_names(all_scopes=True):
        place = question.location(name)
        if name.type != "statement" or place is None or not at <= place.start < end:
            continue
        written = name._name.tree_name.get_definition()
        if written is None or written.type != "expr_stmt" or written.children[1].type == "annassign":
            continue
        found = {each.name for each in name.infer() if each.type == "instance"}
        if len(found) == 1:
            result.append(Hint(place.end, f": {found.pop()}"))
        if time.monotonic() > until:
            break
    return result


@_guarded(list[Location])
def references(
    roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None
) -> list[Location]:
    """Uses of the name at `at` in the project, its definition included, file by file. Always asked anew:
    it looks into files that change."""
    del kept
    question = _Question(roots, path, source)
    found = question.script.get_references(
        *question.place(at), include_builtins=False, scope="project" if question.root else "file"
    )
    places = {place for name in found if (place := question.location(name)) is not None}
    return sorted(places, key=lambda place: (str(place.path), place.start))


@_guarded(list[Signature])
def signatures(
    roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None
) -> list[Signature]:
    """Signatures of the call whose parentheses hold `at`."""
    question = _Question(roots, path, source, kept)
    result: list[Signature] = []
    for found in question.script.get_signatures(*question.place(at)):
        if found.name == _MISTAKEN and _MISTAKEN not in source:
            continue
        parameters = tuple(
            Parameter(
                parameter.name,
                _PARAMETER_KINDS[parameter.kind.name],
                (label := parameter.to_string()),
                "=" in label,
            )
            for parameter in found.params
        )
        active = found.index if found.index is not None and found.index < len(parameters) else None
        result.append(
            Signature(found.to_string(), parameters, active, found.docstring(raw=True)[:_DOC_LIMIT])
        )
    return result


@_guarded(str)
def document(
    roots: Sequence[Path], path: Path | None, source: str, at: int, name: str, kept: Kept | None = None
) -> str:
    """Signature and docstring of the completion `name` at `at`, Markdown; "" when unknown."""
    text = Text(source)
    start = at
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] == "_"):
        start -= 1
    _, end = text.word_at(at)
    # Ask about the code as it would be with the completion in place.
    question = _Question(roots, path, source[:start] + name.rstrip("=") + source[end:], kept)
    for found in _names_at(question, start + 1):
        definition = _definition(question, found)
        parts = [f"```python\n{definition.signature}\n```"] if definition.signature else []
        if parts or definition.doc:
            return "\n\n".join([*parts, definition.doc]).strip()
    return ""


@_guarded(lambda: -1)
def prepare(roots: Sequence[Path], path: Path | None, source: str, at: int, kept: Kept | None = None) -> int:
    """Load what the imports of `source` name, from line `at` on, for at most about `_PREPARE_SECONDS`: a
    question must not wait long behind it. Returns the line to go on from, -1 when all is loaded."""
    until = time.monotonic() + _PREPARE_SECONDS
    question = _Question(roots, path, source, kept)
    for name in question.script.get_names():
        written = name._name.tree_name
        made = written.get_definition(import_name_always=True) if written is not None else None
        if name.line < at or made is None or made.type not in ("import_name", "import_from"):
            continue
        if time.monotonic() > until:
            return int(name.line)
        name.infer()
    return -1


@_guarded(lambda: None)
def warm(roots: Sequence[Path], kept: Kept | None = None) -> None:
    """Load what every question needs, so that the first one is not slow."""
    del kept
    source = "import os\nos.path.join('').upper().\nopen('').re"
    question = _Question(roots, None, source)
    question.script.complete(2, len("os.path.join('').upper()."))
    question.script.complete(3, len("open('').re"))


@dataclass
class _Question:
    """One source in its project. Texts of other files are read once per question."""

    roots: Sequence[Path]
    path: Path | None
    source: str
    kept: Kept | None = None
    root: Path | None = field(init=False)
    script: Any = field(init=False)
    text: Text = field(init=False)
    _texts: dict[Path, Text | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # Looking for the calls of a function in all files to guess what its parameters are takes seconds
        # (Django, 40 attributes: p95 1.0 s instead of 0.17 s) and finds no name more.
        jedi.settings.dynamic_params_for_other_modules = False
        # jedi does not count a byte order mark, a `Text` does.
        self._shift = 1 if self.source.startswith(_BOM) else 0
        self.text = Text(self.source[self._shift :])
        self.root = _root_of(self.roots, self.path)
        if self.kept is not None and self.path is not None:
            self.script = self.kept.script(self.root, self.path, self.source, self._script)
        else:
            self.script = self._script()

    def _script(self) -> Any:
        folder = self.root or (self.path.parent if self.path else Path(sys.prefix))
        added = list(_package_folders(self.root)) if self.root else []
        project = jedi.Project(
            folder,
            added_sys_path=[str(each) for each in added],
            smart_sys_path=self.root is not None or self.path is not None,
        )
        environment = _OwnInterpreter(with_packages=not any(each.name == "site-packages" for each in added))
        return jedi.Script(self.text.source, path=self.path, project=project, environment=environment)

    def place(self, at: int) -> tuple[int, int]:
        """jedi's `(line, column)` of an offset."""
        line, column = self.text.position(at - self._shift, "utf-32")
        return line + 1, column

    def location(self, name: Any) -> Location | None:
        """Where a name of jedi's stands; None for builtins and files that cannot be read."""
        if name.module_path is None or name.line is None or name.column is None:
            return None
        path = Path(name.module_path)
        if self.path is not None and path == self.path:
            text, shift = self.text, self._shift
        else:
            read = self._text_of(path)
            if read is None:
                return None
            text, shift = read, 0
            if text.source.startswith(_BOM):
                shift = 1 if name.line == 1 else 0
        start = text.offset(name.line - 1, name.column, "utf-32") + shift
        length = len(name.name)
        if name.type == "module" and (name.line, name.column) == (1, 0):
            length = 0  # the file itself, not a name in it
        return Location(path, start, min(start + length, len(text) + shift))

    def stands(self, found: Definition) -> bool:
        """Whether the text at a definition's place is its name."""
        where = found.location
        if where is None or where.start == where.end:
            return True
        own = self.path is not None and where.path == self.path
        text = Text(self.source) if own else self._text_of(where.path)
        return text is not None and text.source[where.start : where.end] == found.name

    def written_head(self, name: Any) -> str:
        """The head of the definition `name` as its file has it, on one line; "" when it has none."""
        where = self.location(name)
        if where is None:
            return ""
        own = self.path is not None and where.path == self.path
        text = Text(self.source) if own else self._text_of(where.path)
        tree = parse(text, "python") if text is not None else None
        defined = symbols(tree) if tree is not None else ()
        return next((each.signature for each in defined if each.name_start == where.start), "")

    def _text_of(self, path: Path) -> Text | None:
        if path not in self._texts:
            data = content(path, _LARGEST_FILE)
            self._texts[path] = Text(data.decode("utf-8", errors="replace")) if data is not None else None
        return self._texts[path]


class _OwnInterpreter(InterpreterEnvironment):  # type: ignore[misc]  # jedi is untyped
    """The interpreter this process runs in, without the working directory and other people's folders.

    jedi imports compiled modules found on this path, so nothing a workspace can write may be on it.
    """

    def __init__(self, *, with_packages: bool) -> None:
        super().__init__()
        own = tuple({os.path.realpath(prefix) + os.sep for prefix in (sys.prefix, sys.base_prefix)})
        self._paths = [
            entry
            for entry in sys.path
            if entry
            and Path(entry).is_absolute()
            and os.path.realpath(entry).startswith(own)
            and (with_packages or not entry.endswith(("site-packages", "dist-packages")))
        ]

    def get_sys_path(self) -> list[str]:
        return list(self._paths)


def _root_of(roots: Sequence[Path], path: Path | None) -> Path | None:
    """The innermost workspace folder that holds `path`; the first one for unsaved documents."""
    if path is None:
        return roots[0] if roots else None
    holding = [root for root in roots if path.is_relative_to(root)]
    return max(holding, key=lambda root: len(root.parts), default=None)


def _package_folders(root: Path) -> Iterator[Path]:
    """Folders of a workspace from which its code imports: `src`, and the packages of its environment."""
    if (root / "src").is_dir():
        yield root / "src"
    if (home := environment_folder(root)) is not None:
        yield from package_folders(home)[:1]


def _names_at(question: _Question, at: int) -> list[Any]:
    line, column = question.place(at)
    found = question.script.goto(line, column, follow_imports=True, follow_builtin_imports=True)
    # A name that leads nowhere but to its own import is better explained by what it holds.
    useful = [name for name in found if name.type != "param" or name.line is not None]
    return list(useful or question.script.infer(line, column))


def _definition(question: _Question, name: Any) -> Definition:
    kind = _KINDS.get(name.type, SymbolKind.VARIABLE)
    if kind is SymbolKind.FUNCTION:
        parent = name.parent()
        if parent is not None and parent.type == "class":
            kind = SymbolKind.CONSTRUCTOR if name.name == "__init__" else SymbolKind.METHOD
    return Definition(
        name.name,
        kind,
        name.full_name or name.name,
        _signature(question, name, kind),
        name.docstring(raw=True)[:_DOC_LIMIT],
        question.location(name),
    )


def _signature(question: _Question, name: Any, kind: SymbolKind) -> str:
    if kind is SymbolKind.MODULE:
        return f"module {name.full_name or name.name}"
    if kind in (SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CONSTRUCTOR, SymbolKind.CLASS):
        word = "class" if kind is SymbolKind.CLASS else "def"
        found = [each for each in name.get_signatures() if each.name == name.name]
        if found:
            label = found[0].to_string()
            return f"{word} {label.partition(' -> ')[0] if word == 'class' else label}"
        return question.written_head(name) or f"{word} {name.name}"
    description: str = name.description
    if kind is SymbolKind.PARAMETER:
        return description.removeprefix("param ")
    return description.split("\n", 1)[0][:400]
