"""The "Document" action: a docstring or a comment is added, and nothing else changes.

What the model (or, for Python, the code itself) says is only ever inserted as documentation, and the
result is compared with the code before: a difference refuses the edit.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devflow.analysis.docstrings import Documented, read_definition, skeleton, style_of
from devflow.analysis.document import Document
from devflow.analysis.languages import language_named
from devflow.analysis.python_ast import python_ast
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Edit, Text
from devflow.server.assist import prompts
from devflow.server.assist.chat import Progress, answer, fenced_code, has_chat, how_to_have_one
from devflow.server.assist.refused import ActionRefused
from devflow.server.assist.related import Related, related, with_and_without
from devflow.server.assist.target import Target, sent_paths, target_at

if TYPE_CHECKING:
    from devflow.models.base import ChatRequest
    from devflow.models.streams import Whole
    from devflow.server.assist.base import Codebase

_MOST_SIBLINGS = 8
_MOST_DOC = 4_000
_CHATTER = re.compile(
    r"(?:sure|certainly|of course|here(?:'s| is| are)|okay|ok\b|i |i'|as an ai|sorry)", re.IGNORECASE
)
_WIDTH = 100
_STYLES = {
    "google": "Google style: one summary line, then Args, Returns and Raises sections where they apply.",
    "numpy": "numpydoc: one summary line, then Parameters, Returns and Raises sections with underlines.",
    "sphinx": "Sphinx style: one summary line, then :param:, :returns: and :raises: fields.",
}


async def documented(
    doc: Document, start: int, end: int, code: Codebase, progress: Progress | None = None
) -> tuple[tuple[Edit, ...], str]:
    """The edits that document the definition at `start:end`, and who wrote it. Raises ModelError and
    ActionRefused."""
    target = await asyncio.to_thread(target_at, doc, start, end, code.memory)
    if target is None or target.symbol is None or doc.tree is None:
        raise ActionRefused("There is no definition here to document.")
    if doc.language == "python":
        edit, engine = await _python(target, doc, code, progress)
    else:
        edit, engine = await _comment(target, doc, code, progress)
    await asyncio.to_thread(_check_unchanged, doc, edit)
    return (edit,), engine


async def _python(
    target: Target, doc: Document, code: Codebase, progress: Progress | None
) -> tuple[Edit, str]:
    assert target.symbol is not None
    assert doc.tree is not None
    found = await asyncio.to_thread(read_definition, doc.tree, target.symbol.name_start)
    if found is None:
        raise ActionRefused(f"{target.title} cannot be documented while its code is incomplete.")
    style = style_of([doc.text.source])
    if not any(sign in doc.text.source for sign in ("Args:", "Returns:", ":param", "Parameters")):
        style = style_of(await _siblings(doc, code))
    if not has_chat(code):
        if found.exists:
            raise ActionRefused(
                f"{target.title} has a docstring; to rewrite it a chat model is needed: "
                f"{how_to_have_one(code)}."
            )
        return docstring_edit(doc.text, found, skeleton(found, style)), "devflow"
    reply = await _reply(target, doc, code, _STYLES[style], progress)
    return docstring_edit(doc.text, found, _said(reply.text, target)), reply.model or "model"


async def _comment(
    target: Target, doc: Document, code: Codebase, progress: Progress | None
) -> tuple[Edit, str]:
    assert target.symbol is not None
    if not has_chat(code):
        raise ActionRefused(f"Documenting {doc.language} needs a chat model; {how_to_have_one(code)}.")
    if target.symbol.doc:
        raise ActionRefused(
            f"{target.title} has a documentation comment already; remove it to get a new one."
        )
    reply = await _reply(target, doc, code, _comment_style(doc.language), progress)
    said = _said(reply.text, target)
    text = doc.text
    line = text.line_at(target.start)
    content = text.line(line)
    indent = content[: len(content) - len(content.lstrip())]
    newline = text.line_ending
    block = newline.join(f"{indent}{part}".rstrip() for part in _comment_lines(said, doc.language)) + newline
    at = text.line_start(line)
    return Edit(at, at, block), reply.model or "model"


async def _reply(
    target: Target, doc: Document, code: Codebase, style: str, progress: Progress | None
) -> Whole:
    source = prompts.shortened(doc.text.source[target.start : target.end], prompts.CODE_CHARACTERS)
    own = await sent_paths(doc, code)

    def request(around: Related) -> ChatRequest:
        paths = (*own, *around.paths)
        return prompts.document(source, target.title, doc.language, style, around.text, paths)

    context = await related(target, doc, code, prompts.CONTEXT_CHARACTERS)
    return await answer(code, *with_and_without(request, context), progress=progress)


def docstring_edit(text: Text, found: Documented, said: str) -> Edit:
    """The edit that gives a definition this docstring. Raises ActionRefused when there is no text in it."""
    said = inspect.cleandoc(said.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not said or "\0" in said:
        raise ActionRefused("The answer held no documentation; nothing was changed.")
    said = said.replace('"""', "'''")
    prefix = "r" if "\\" in said else ""
    if said.endswith(('"', "\\")):
        said += " "
    newline = text.line_ending
    lines = said.split("\n")
    if len(lines) == 1 and len(found.indent) + len(said) + 6 <= _WIDTH:
        block = f'{prefix}"""{said}"""'
    else:
        block = newline.join(
            [
                f'{prefix}"""{lines[0]}',
                *((found.indent + line).rstrip() for line in lines[1:]),
                f'{found.indent}"""',
            ]
        )
    if found.exists:
        return Edit(found.start, found.end, block)
    if found.one_line:
        return Edit(found.start, found.end, f"{newline}{found.indent}{block}{newline}{found.indent}")
    return Edit(found.start, found.end, f"{newline}{found.indent}{block}")


async def _siblings(doc: Document, code: Codebase) -> list[str]:
    """Texts of some files beside the document: their docstrings show the project's style."""
    if doc.path is None:
        return []
    path = doc.path

    def beside() -> list[Path]:
        try:
            return sorted(one for one in path.parent.glob("*.py") if one != path)[:_MOST_SIBLINGS]
        except OSError:
            return []

    texts = [await code.texts.text_of(one) for one in await asyncio.to_thread(beside)]
    return [text.source for text in texts if text is not None]


def _said(reply: str, target: Target) -> str:
    """The documentation in a reply: of a fenced block, of a function repeated with its docstring, or
    the reply itself when it is short and holds no code."""
    said = fenced_code(reply)
    if said is None:
        said = reply.strip()
        if "```" in said or _CHATTER.match(said):
            said = ""
    inside = _docstring_of_code(said)
    said = (said if inside is None else inside).strip()
    for quotes in ('"""', "'''"):
        if said.startswith((quotes, f"r{quotes}")):
            said = said.removeprefix("r").removeprefix(quotes).removesuffix(quotes)
    if not said.strip() or len(said) > _MOST_DOC:
        raise ActionRefused(
            f"The model's answer held no documentation of {target.title}; nothing was changed."
        )
    return said


def _docstring_of_code(said: str) -> str | None:
    """The docstring of the definition in `said`, "" when it has none; None when `said` is no code."""
    tree = python_ast(textwrap.dedent(said))
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return ast.get_docstring(node) or ""
    return None


def _check_unchanged(doc: Document, edit: Edit) -> None:
    """Raise ActionRefused unless the code after `edit` is the code before, documentation aside."""
    after = doc.text.replaced([edit])
    if doc.language == "python":
        if _bare(doc.text.source) == _bare(after.source) is not None:
            return
        if _bare(doc.text.source) is None and _same_tree(doc, after):
            return
    elif _same_tree(doc, after):
        return
    raise ActionRefused("The documentation would have changed the code; nothing was changed.")


def _bare(source: str) -> str | None:
    """The code without its docstrings, in a form to compare; None when it is broken elsewhere."""
    tree = python_ast(source)
    if tree is None:
        return None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _same_tree(doc: Document, after: Text) -> bool:
    """The same definitions with the same heads, and no more errors than before."""
    new = parse(after, doc.language)
    if new is None or doc.tree is None:
        return False
    heads = [(s.kind, s.qualified_name, s.signature) for s in symbols(doc.tree)]
    return heads == [(s.kind, s.qualified_name, s.signature) for s in symbols(new)] and (
        len(list(new.errors())) <= len(list(doc.tree.errors()))
    )


def _comment_style(language: str) -> str:
    match language:
        case "typescript" | "tsx" | "javascript":
            return "JSDoc: a summary line, then @param, @returns and @throws."
        case "java":
            return "Javadoc: a summary sentence, then @param, @return and @throws."
        case "c" | "cpp":
            return "Doxygen: a brief line, then @param and @return."
        case "go":
            return "A Go doc comment: full sentences that begin with the name."
        case "rust":
            return (
                "A rustdoc comment in Markdown: a summary line, then # Errors and # Panics where they apply."
            )
        case "csharp":
            return "C# XML documentation: <summary>, <param>, <returns>, <exception>."
        case _:
            return "A summary sentence, then parameters and result in plain words."


def _comment_lines(said: str, language: str) -> Sequence[str]:
    lines = inspect.cleandoc(said).splitlines()
    stripped = [re.sub(r"^\s*(?:/\*\*?|\*/|\*(?!\*)|///?!?|#)\s?|\s*\*/\s*$", "", line) for line in lines]
    while stripped and not stripped[0].strip():
        stripped.pop(0)
    while stripped and not stripped[-1].strip():
        stripped.pop()
    if language in ("rust", "csharp"):
        return [f"/// {line}" for line in stripped]
    if language in ("typescript", "tsx", "javascript", "java", "c", "cpp"):
        inner = [f" * {line}".replace("*/", "* /") for line in stripped]
        return ["/**", *inner, " */"]
    known = language_named(language)
    sign = known.comment if known is not None and known.comment else "//"
    return [f"{sign} {line}" for line in stripped]
