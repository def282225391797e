"""Truth sets of our own: a function's doc comment asks for the function, which is indexed without it.

The corpus is a copy of a package in which no function has a doc comment any more, so nothing that is asked
stands in what is searched. A query is the comment's first paragraph without markup.
"""

from __future__ import annotations

import ast
import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from devflow.analysis.facts import Symbol
from devflow.analysis.python_ast import python_ast
from devflow.analysis.symbols import FUNCTION_LIKE
from devflow.analysis.syntax.parse import SyntaxTree
from devflow.retrieval.evaluation.corpora import fetched
from devflow.retrieval.evaluation.functions import parsed_files
from devflow.retrieval.evaluation.truth import Gold, Query, TruthSet

PACKAGES: dict[str, tuple[str, ...]] = {
    "python": ("pypi:marshmallow==3.26.1", "pypi:httpx==0.28.1", "pypi:celery==5.4.0", "pypi:scrapy==2.12.0"),
    "typescript": ("npm:@tanstack/query-core@5.72.0", "npm:@trpc/server@11.1.0", "npm:puppeteer-core@24.6.0"),
    "java": (
        "debsrc:libcommons-cli-java=1.6.0-1",
        "debsrc:libcommons-validator-java=1:1.9.0-1",
        "npm:cordova-android@13.0.0",
    ),
    "go": ("deb:golang-github-spf13-afero-dev=1.9.3-1", "deb:golang-github-nats-io-go-nats-dev=1.22.1-1"),
    "csharp": ("debsrc:log4net=1.2.10+dfsg-9", "npm:react-native-windows@0.74.0"),
}
"""What each language is measured on; all permissively licensed, and none of
what `devflow-static` learned from (training/static/sources.toml)."""

_MOST_QUERIES = 120
"""Of one package."""
_WORDS = range(4, 61)
_DECLARATIONS = ".d.ts"
"""Generated copies of heads and comments."""
_SHORTEST = 3
"""Lines: what is shorter says nothing but its name."""
_TEST = re.compile(r"(^|/|_|\.)(tests?|testing|specs?|examples?)([/_.]|$)|[a-z]Tests?(\.|/)", re.I)
_ENDS = re.compile(
    r"^\s*(@\w|:\w+[^:]*:|\.\. |>>> |```|(Args|Arguments|Parameters|Returns|Raises|Examples?)\b:?\s*$"
    r"|<(param|returns|remarks|example))"
)
_SEE = re.compile(r"""<(?:see|seealso|paramref|typeparamref)\s+\w+=["'](?:\w:)?(?:\w+\.)*(\w+)[^>]*/>""")
"""C#'s reference to a name, which is a word of the sentence."""
_MARKUP = re.compile(r"\{@\w+\s+([^}]*)\}|</?[A-Za-z][^>]*>|:\w+:(?=`)|[`*]+")


def doc_comment_set(language: str, cache: Path) -> TruthSet:
    """The set of one language of `PACKAGES`. Raises CorpusUnavailable."""
    queries = tuple(
        query for package in PACKAGES[language] for query in _queries_of(package, language, cache)
    )
    return TruthSet(f"doc comment→function, {language}", "function", queries)


def undocumented(package: str, language: str, cache: Path) -> Path:
    """The copy of a package without doc comments on functions. Raises CorpusUnavailable."""
    original = fetched(package, cache)
    copy = cache / "undocumented" / re.sub(r"[^\w.=-]", "_", f"{package}-{language}")
    if (copy / ".complete").exists():
        return copy / "files"
    shutil.rmtree(copy, ignore_errors=True)
    for path, tree, symbols in parsed_files(original):
        if tree.language == language and not path.endswith(_DECLARATIONS):
            target = copy / "files" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(without_docs(tree, symbols), "utf-8")
    (copy / ".complete").touch()
    return copy / "files"


def without_docs(tree: SyntaxTree, symbols: Sequence[Symbol]) -> str:
    """The source without the doc comments of its functions."""
    lines = tree.text.source.splitlines(keepends=True)
    doomed: set[int] = set()
    if tree.language == "python":
        doomed = _docstring_lines(tree.text.source)
    else:
        for symbol in symbols:
            if symbol.kind in FUNCTION_LIKE and symbol.doc:
                doomed |= _comment_above(lines, tree.text.line_at(symbol.start))
    return "".join(line for number, line in enumerate(lines) if number not in doomed)


def _docstring_lines(source: str) -> set[int]:
    module = python_ast(source)
    doomed: set[int] = set()
    for node in ast.walk(module) if module is not None else ():
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or ast.get_docstring(node) is None:
            continue
        first = node.body[0]
        # A function that is nothing but its docstring would no longer be one.
        if len(node.body) > 1 and first.lineno > node.lineno and first.end_lineno is not None:
            doomed.update(range(first.lineno - 1, first.end_lineno))
    return doomed


def _comment_above(lines: Sequence[str], line: int) -> set[int]:
    doomed: set[int] = set()
    at = line - 1
    while at >= 0:
        text = lines[at].strip()
        if text.endswith("*/"):
            while at >= 0 and "/*" not in lines[at]:
                doomed.add(at)
                at -= 1
            doomed.add(max(at, 0))
        elif text.startswith("//"):
            doomed.add(at)
        elif not text.startswith(("@", "[")):  # decorators and attributes may stand between
            break
        at -= 1
    return doomed


def _queries_of(package: str, language: str, cache: Path) -> list[Query]:
    bare = undocumented(package, language, cache)
    kept = {
        (path, symbol.qualified_name)
        for path, tree, symbols in parsed_files(bare)
        for symbol in symbols
        if symbol.kind in FUNCTION_LIKE and _lines(tree, symbol) >= _SHORTEST
    }
    found: list[Query] = []
    for path, tree, symbols in parsed_files(fetched(package, cache)):
        if tree.language != language or path.endswith(_DECLARATIONS) or _TEST.search(path):
            continue
        inside = _inside_functions(symbols)
        names = Counter(symbol.qualified_name for symbol in symbols)
        for symbol in symbols:
            text = first_paragraph(symbol.doc)
            if (
                symbol.kind in FUNCTION_LIKE
                and len(text.split()) in _WORDS
                and names[symbol.qualified_name] == 1
                and symbol.qualified_name not in inside
                and not symbol.name.startswith("__")
                and (path, symbol.qualified_name) in kept
            ):
                gold = Gold(path, symbol.qualified_name)
                found.append(
                    Query(f"{path}:{symbol.qualified_name}", text, f"bare-{language}:{package}", (gold,))
                )
    times = Counter(query.text for query in found)
    clear = [query for query in found if times[query.text] == 1]
    # By hash: a sample that another machine draws as well.
    return sorted(clear, key=lambda query: hashlib.sha256(query.id.encode()).digest())[:_MOST_QUERIES]


def _inside_functions(symbols: Sequence[Symbol]) -> set[str]:
    """Functions that others hold: part of those, not answers of their own."""
    found: set[str] = set()
    end = -1
    for symbol in symbols:
        if symbol.kind in FUNCTION_LIKE:
            if symbol.start < end:
                found.add(symbol.qualified_name)
            end = max(end, symbol.end)
    return found


def _lines(tree: SyntaxTree, symbol: Symbol) -> int:
    return tree.text.line_at(max(symbol.end - 1, 0)) - tree.text.line_at(symbol.start) + 1


def first_paragraph(doc: str) -> str:
    """The first paragraph of a doc comment on one line, without tags, quotes and braces."""
    taken: list[str] = []
    for line in doc.strip().splitlines():
        if not line.strip() or _ENDS.match(line):
            break
        taken.append(line.strip())
    text = _SEE.sub(r"\1", " ".join(taken))
    return " ".join(_MARKUP.sub(lambda found: found[1] or "", text).split())
