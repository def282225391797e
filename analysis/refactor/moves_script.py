"""Moved TypeScript and JavaScript files: the relative imports of them, and those inside them.

A specifier keeps its style: with or without an ending, a folder for its `index` file. What a bundler or
`paths` resolves is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import tree_sitter

from devflow.analysis.syntax.parse import SyntaxTree
from devflow.analysis.text import Edit

_ENDINGS = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".vue", ".svelte")
_COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
_CALLS = frozenset({"require", "import", "jest.mock", "vi.mock", "require.resolve", "jest.requireActual"})


def moved_specifiers(
    tree: SyntaxTree, path: Path, moves: Mapping[Path, Path], exists: Callable[[Path], bool]
) -> list[Edit]:
    """The edits of one file, where it is before the move. `moves`: old path → new path, single files."""
    new_folder = moves.get(path, path).parent
    edits = []
    for start, end, written in specifiers(tree):
        target = _resolved(path.parent, written, exists)
        if target is None or (target not in moves and new_folder == path.parent):
            continue
        spelled = _spelled(new_folder, moves.get(target, target), target, written)
        if spelled != written:
            edits.append(Edit(start, end, spelled))
    return edits


def specifiers(tree: SyntaxTree) -> Iterator[tuple[int, int, str]]:
    """The relative module names in imports, re-exports, `require` and `import()`: start, end, text, without
    their quotes."""
    pending = [tree.root]
    while pending:
        node = pending.pop()
        pending += node.named_children
        if node.type in ("import_statement", "export_statement", "import_require_clause"):
            strings: Iterable[tree_sitter.Node | None] = [node.child_by_field_name("source")]
        elif node.type == "call_expression":
            function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            if function is None or arguments is None or tree.slice(function) not in _CALLS:
                continue
            strings = arguments.named_children[:1]
        else:
            continue
        for string in strings:
            if string is not None and string.type == "string":
                span = tree.span(string)
                written = tree.text.source[span.start + 1 : span.end - 1]
                if written.startswith(("./", "../")) or written in (".", ".."):
                    yield span.start + 1, span.end - 1, written


def _resolved(folder: Path, written: str, exists: Callable[[Path], bool]) -> Path | None:
    base = Path(os.path.normpath(folder / written))
    candidates = [base]
    candidates += [base.with_name(base.name + ending) for ending in _ENDINGS]
    candidates += [base.with_suffix(ending) for ending in _COMPILED.get(base.suffix, ())]
    candidates += [base / f"index{ending}" for ending in _ENDINGS]
    return next((each for each in candidates if each.suffix and exists(each)), None)


def _spelled(folder: Path, new: Path, old: Path, written: str) -> str:
    last = PurePosixPath(written).name
    relative = PurePosixPath(os.path.relpath(new, folder).replace(os.sep, "/"))
    if (
        old.stem.split(".")[0] == "index" and last.split(".")[0] != "index"
    ):  # a folder stands for its index file
        if new.stem.split(".")[0] == "index":
            relative = relative.parent
        else:
            relative = relative.with_name(_bare(relative.name))
    elif last == old.name:
        pass
    elif PurePosixPath(last).suffix in _COMPILED and _bare(old.name) == PurePosixPath(last).stem:
        relative = relative.with_name(_bare(relative.name) + PurePosixPath(last).suffix)
    else:
        relative = relative.with_name(_bare(relative.name))
    text = str(relative)
    return text if text.startswith(("../", "./")) or text in (".", "..") else f"./{text}"


def _bare(name: str) -> str:
    ending = next((each for each in sorted(_ENDINGS, key=len, reverse=True) if name.endswith(each)), "")
    return name.removesuffix(ending)
