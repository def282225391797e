"""Reads the unpacked sources and writes what the model learns from: one JSON line a documented function.

`python pairs.py SOURCES PAIRS.jsonl.gz`, where SOURCES holds one folder per package, as `fetch.py` leaves
them. A line is `{"language", "package", "path", "name", "doc", "code"}`: `doc` the docstring or comment
without its signs, `code` the definition without it. Files are taken in a fixed order and with fixed bounds,
so that the same sources give the same lines.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from devflow.analysis.facts import Symbol
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE, symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

LANGUAGES = {
    ".py": "python",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".js": "javascript",
    ".mjs": "javascript",
    ".java": "java",
    ".go": "go",
    ".cs": "csharp",
}
_MOST = {"csharp": 25_000, "java": 8_000, "go": 8_000}
_MOST_OTHER = 5_000
"""The most pairs of one package; otherwise generated clients would be half of the data. C# comes from few
packages, one of them Mono's whole class library."""
_FILES_PER_PAIR = 0.25
_LARGEST = 400_000
_LEFT_OUT = re.compile(
    r"(^|/)(tests?|testing|__tests__|vendor|_vendor|third_party|node_modules|fixtures)/|\.d\.ts$|\.min\.|_test\.go$|_pb2|zz_generated|\.pb\.go$"
)
_DOCSTRING = re.compile(r'[rRuUbB]{0,2}("""|\'\'\').*?\1', re.DOTALL)
_NOTHING_SAID = re.compile(
    r"^(@?\{?@?inheritdoc|todo|fixme|copyright|license|eslint|noqa|type:|pylint|@internal|@ignore|@private\b|\W*$|-{3,}|={3,})",
    re.IGNORECASE,
)


def main(sources: Path, target: Path) -> None:
    """Write the pairs of every package and print how many there are of each language."""
    registry = ""
    seen: set[bytes] = set()
    docs: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    with gzip.open(target, "wt", encoding="utf-8", compresslevel=3) as out:
        for package in sorted(path for path in sources.iterdir() if path.is_dir()):
            if package.name.partition("-")[0] != registry:  # each could be read by itself
                registry = package.name.partition("-")[0]
                seen.clear()
                docs.clear()
            number = 0
            for pair in _of_package(package):
                digest = hashlib.blake2b(re.sub(r"\W+", "", pair["code"]).encode(), digest_size=8).digest()
                docs[pair["doc"]] += 1
                if digest in seen or docs[pair["doc"]] > 2:
                    continue
                seen.add(digest)
                out.write(json.dumps(pair) + "\n")
                languages[pair["language"]] += 1
                number += 1
                if number >= _MOST.get(pair["language"], _MOST_OTHER):
                    break
    print(dict(languages))


def _of_package(package: Path) -> Iterator[dict[str, str]]:
    files = [
        path
        for path in package.rglob("*")
        if path.suffix in LANGUAGES and not _LEFT_OUT.search(path.relative_to(package).as_posix())
    ]
    # By digest of the name: a fixed order that takes a little of every folder.
    files.sort(key=lambda path: hashlib.md5(path.relative_to(package).as_posix().encode()).digest())
    taken = 0
    for path in files:
        if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST:
            continue
        source = path.read_text("utf-8", "replace")
        if not source.strip() or len(source) / (source.count("\n") + 1) > 200:
            continue  # minified
        language = LANGUAGES[path.suffix]
        taken += 1
        if taken > _FILES_PER_PAIR * _MOST.get(language, _MOST_OTHER):
            return
        tree = parse(Text(source), language)
        if tree is None:
            continue
        for symbol in symbols(tree):
            pair = _pair(source, symbol, language)
            if pair is not None:
                yield {
                    "language": language,
                    "package": package.name,
                    "path": path.relative_to(package).as_posix(),
                    "name": symbol.qualified_name,
                    "doc": pair[0],
                    "code": pair[1],
                }


def _pair(source: str, symbol: Symbol, language: str) -> tuple[str, str] | None:
    if symbol.kind not in FUNCTION_LIKE and symbol.kind not in CLASS_LIKE:
        return None
    doc = symbol.doc.strip()[:1_000]
    if len(doc.split()) < 3 or sum(map(str.isascii, doc)) < 0.9 * len(doc) or _NOTHING_SAID.match(doc):
        return None
    code = source[symbol.start : symbol.end]
    if language == "python":
        code = _DOCSTRING.sub("", code, count=1)
    code = code[:2_500]
    return (doc, code) if len(code) > 40 else None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
