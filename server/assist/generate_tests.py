"""The "Generate tests" action: a chat model writes them, they are parsed, and they go into the test
file that belongs to the code: a new one, or the end of the one there is. They are never run."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.document import Document
from devflow.analysis.paths import told_path
from devflow.analysis.python_ast import python_ast
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text
from devflow.models.guard.egress import rule_paths
from devflow.server.assist import prompts
from devflow.server.assist.chat import Progress, answer, fenced_code, has_chat, how_to_have_one
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.related import Related, related, with_and_without
from devflow.server.assist.target import Target, sent_paths, target_at

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.server.assist.base import Codebase

_MOST_EXAMPLE = 1_500
_MOST_FOLDERS = 2_000


async def generated_tests(
    doc: Document, start: int, end: int, code: Codebase, progress: Progress | None = None
) -> tuple[Path, str | None, tuple[Edit, ...], str]:
    """The test file; its text when it is new, else the edits of it; and who wrote them. Raises
    ModelError and ActionRefused."""
    target = await asyncio.to_thread(target_at, doc, start, end, code.memory)
    if target is None or target.symbol is None:
        raise ActionRefused("There is no function or class here to test.")
    if doc.path is None:
        raise ActionRefused("Save the document first: its tests go into a file beside it.")
    if not has_chat(code):
        raise ActionRefused(f"Generating tests needs a chat model; {how_to_have_one(code)}.")
    path = await asyncio.to_thread(test_file, doc.path, code.roots, doc.language)
    if path is None:
        raise ActionRefused(f"Tests for {doc.language} are not generated yet.")
    existing = await code.texts.text_of(path)
    context = await related(target, doc, code, prompts.CONTEXT_CHARACTERS)
    own = await sent_paths(doc, code)
    if existing is not None:
        own += await asyncio.to_thread(rule_paths, path, "", code.roots)

    def request(around: Related) -> ChatRequest:
        return prompts.tests(
            prompts.shortened(doc.text.source[target.start : target.end], prompts.CODE_CHARACTERS),
            target.title,
            doc.language,
            _how(doc, target, code, path),
            existing.source[:_MOST_EXAMPLE] if existing is not None else "",
            around.text,
            (*own, *around.paths),
        )

    reply = await answer(code, *with_and_without(request, context), progress=progress)
    written = await asyncio.to_thread(_checked, reply.text, doc.language, target)
    engine = reply.model or "model"
    if existing is None:
        return path, written, (), engine
    edits = await asyncio.to_thread(added_to, existing, written, doc.language)
    return path, None, edits, engine


def test_file(path: Path, roots: tuple[Path, ...], language: str) -> Path | None:
    """Where the tests of `path` are, or would be by the habits of its language; None when they would be
    in the file itself. Looks at the disk."""
    root = next((root for root in roots if path.is_relative_to(root)), path.parent)
    stem = path.stem
    match language:
        case "python":
            names = [f"test_{stem}.py", f"{stem}_test.py"]
            if stem == "__init__":
                names = [f"test_{path.parent.name}.py"]
            folders = [path.parent, path.parent / "tests", root / "tests", root / "test"]
            found = _first(folders, names) or _below(root, names)
            if found is not None:
                return found
            home = next((one for one in folders[1:] if one.is_dir()), None)
            return (home or path.parent) / names[0]
        case "typescript" | "tsx" | "javascript":
            names = [f"{stem}.test{path.suffix}", f"{stem}.spec{path.suffix}"]
            folders = [path.parent, path.parent / "__tests__", root / "tests", root / "test"]
            found = _first(folders, names)
            home = path.parent / "__tests__"
            return found or (home if home.is_dir() else path.parent) / names[0]
        case "go":
            return path.with_name(f"{stem}_test.go")
        case "java":
            parts = list(path.parts)
            if "main" in parts[:-1]:
                parts[len(parts) - 1 - parts[::-1].index("main")] = "test"
            return Path(*parts).with_name(f"{stem}Test.java")
        case "ruby":
            folder = root / "test"
            if folder.is_dir() and not (root / "spec").is_dir():
                return folder / f"{stem}_test.rb"
            return root / "spec" / f"{stem}_spec.rb"
        case _:
            return None


def added_to(existing: Text, written: str, language: str) -> tuple[Edit, ...]:
    """The edits that put new tests at the end of an existing file. For Python the imports it lacks go
    to its other imports, and definitions that it has already are left out. Raises ActionRefused."""
    newline = existing.line_ending
    body = written.strip("\n")
    edits: list[Edit] = []
    if language == "python":
        there, new = python_ast(existing.source), python_ast(written)
        if there is None or new is None:
            raise ActionRefused("The existing test file has a syntax error; mend it first.")
        imports, body = _split(written, new, there)
        if imports:
            line = max(
                (n.end_lineno or 0 for n in there.body if isinstance(n, ast.Import | ast.ImportFrom)),
                default=0,
            )
            at = existing.line_start(line)
            edits.append(Edit(at, at, newline.join(imports) + newline))
        if not body.strip():
            raise ActionRefused(
                "The tests the model wrote are in the test file already; nothing was changed."
            )
    end = len(existing.source)
    gap = "" if existing.source.endswith(("\n", "\r")) or not existing.source else newline
    addition = (
        gap + (newline * 2 if existing.source.strip() else "") + newline.join(body.splitlines()) + newline
    )
    edits.append(Edit(end, end, addition))
    if language == "python" and python_ast(existing.replaced(edits).source) is None:
        raise ActionRefused("The new tests do not fit into the existing test file; nothing was changed.")
    return tuple(edits)


def _split(written: str, new: ast.Module, there: ast.Module) -> tuple[list[str], str]:
    """Import lines that `there` lacks, and the other new statements."""
    lines = written.splitlines()
    known = {ast.unparse(node) for node in there.body if isinstance(node, ast.Import | ast.ImportFrom)}
    names = {
        n.name for n in there.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    imports: list[str] = []
    kept: list[str] = []
    for node in new.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = ast.unparse(node)
            if line not in known and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                imports.append(line)
            continue
        first = node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name in names:
                continue
            first = min([first, *(one.lineno for one in node.decorator_list)])
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring of the file it would have been
        kept.append("\n".join(lines[first - 1 : node.end_lineno]))
    return imports, "\n\n\n".join(kept)


def _checked(reply: str, language: str, target: Target) -> str:
    """The code of a reply, when it is whole and has a test of the target in it."""
    assert target.symbol is not None
    written = fenced_code(reply)
    refusal = f"The model's answer held no usable tests of {target.title}; nothing was changed."
    if written is None or not written.strip():
        raise ActionRefused(refusal)
    written = written.strip("\n") + "\n"
    name = target.symbol.name
    if name == "__init__" or name == "constructor":
        name = target.symbol.owner or name
    if not re.search(rf"\b{re.escape(name)}\b", written):
        raise ActionRefused(refusal)
    if language == "python":
        tree = python_ast(written)
        if tree is None:
            raise ActionRefused("The tests the model wrote are not valid Python; nothing was changed.")
        tests = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name.lower().startswith("test")
        ]
        if not tests:
            raise ActionRefused(refusal)
        return written
    parsed = parse(Text(written), language)
    if parsed is None or parsed.has_error():
        raise ActionRefused(f"The tests the model wrote are not valid {language}; nothing was changed.")
    if not symbols(parsed) and "(" not in written:
        raise ActionRefused(refusal)
    return written


def _how(doc: Document, target: Target, code: Codebase, path: Path) -> str:
    assert doc.path is not None
    place = told_path(doc.path, code.roots)
    match doc.language:
        case "python":
            how = "Use pytest: plain functions, `pytest.mark.parametrize` where cases differ in values only."
        case "typescript" | "tsx" | "javascript":
            how = "Use the framework the related code shows, else Vitest's `describe`, `it` and `expect`."
        case "go":
            how = "Use the `testing` package with a table of cases, in the same package."
        case "java":
            how = "Use JUnit 5."
        case "ruby":
            how = "Use RSpec." if path.name.endswith("_spec.rb") else "Use Minitest."
        case _:
            how = ""
    inside = (
        f" of `{target.symbol.container}`" if target.symbol is not None and target.symbol.container else ""
    )
    return f"{how} The code is{inside} in `{place}`; the tests will be `{told_path(path, code.roots)}`."


def _first(folders: list[Path], names: list[str]) -> Path | None:
    return next((folder / name for folder in folders for name in names if (folder / name).is_file()), None)


def _below(root: Path, names: list[str]) -> Path | None:
    """A file of one of `names` in the folders below `tests`, as long as there are not too many."""
    for top in ("tests", "test"):
        found: list[Path] = []
        pending = [root / top]
        for _ in range(_MOST_FOLDERS):
            if not pending:
                break
            try:
                inside = list(pending.pop().iterdir())
            except OSError:
                continue
            found += [one for one in inside if one.name in names]
            pending += [
                one for one in inside if one.is_dir() and not one.is_symlink() and one.name[:1] not in "._"
            ]
        if len(found) == 1:
            return found[0]
    return None
