"""Our values ↔ LSP's. The only file that turns offsets into positions and back."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types

from devflow.analysis.facts import Finding, SymbolKind
from devflow.analysis.text import Edit, Encoding, Text

SOURCE = "devflow"

SYMBOL_KINDS = {
    SymbolKind.MODULE: types.SymbolKind.Module,
    SymbolKind.CLASS: types.SymbolKind.Class,
    SymbolKind.INTERFACE: types.SymbolKind.Interface,
    SymbolKind.ENUM: types.SymbolKind.Enum,
    SymbolKind.STRUCT: types.SymbolKind.Struct,
    SymbolKind.FUNCTION: types.SymbolKind.Function,
    SymbolKind.METHOD: types.SymbolKind.Method,
    SymbolKind.CONSTRUCTOR: types.SymbolKind.Constructor,
    SymbolKind.PROPERTY: types.SymbolKind.Property,
    SymbolKind.FIELD: types.SymbolKind.Field,
    SymbolKind.VARIABLE: types.SymbolKind.Variable,
    SymbolKind.CONSTANT: types.SymbolKind.Constant,
    SymbolKind.PARAMETER: types.SymbolKind.Variable,
    SymbolKind.TYPE: types.SymbolKind.Class,
    SymbolKind.KEYWORD: types.SymbolKind.Key,
}

COMPLETION_KINDS = {
    SymbolKind.MODULE: types.CompletionItemKind.Module,
    SymbolKind.CLASS: types.CompletionItemKind.Class,
    SymbolKind.INTERFACE: types.CompletionItemKind.Interface,
    SymbolKind.ENUM: types.CompletionItemKind.Enum,
    SymbolKind.STRUCT: types.CompletionItemKind.Struct,
    SymbolKind.FUNCTION: types.CompletionItemKind.Function,
    SymbolKind.METHOD: types.CompletionItemKind.Method,
    SymbolKind.CONSTRUCTOR: types.CompletionItemKind.Constructor,
    SymbolKind.PROPERTY: types.CompletionItemKind.Property,
    SymbolKind.FIELD: types.CompletionItemKind.Field,
    SymbolKind.VARIABLE: types.CompletionItemKind.Variable,
    SymbolKind.CONSTANT: types.CompletionItemKind.Constant,
    SymbolKind.PARAMETER: types.CompletionItemKind.Variable,
    SymbolKind.TYPE: types.CompletionItemKind.TypeParameter,
    SymbolKind.KEYWORD: types.CompletionItemKind.Keyword,
    SymbolKind.FILE: types.CompletionItemKind.File,
    SymbolKind.FOLDER: types.CompletionItemKind.Folder,
}

SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}


def path_of(uri: str) -> Path | None:
    """The file `uri` names; None for other schemes and for what is no URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    path = unquote(parts.path)
    if parts.netloc and parts.netloc != "localhost":
        path = f"//{parts.netloc}{path}"
    if not path.startswith("/") or "\0" in path:
        return None
    # `root/../elsewhere` lies under the root by its name only.
    return Path(os.path.normpath(path))


def uri_of(path: Path) -> str:
    """The file URI of an absolute path. Bytes that are not UTF-8 survive."""
    return "file://" + quote(str(path).encode("utf-8", "surrogateescape"))


def offset(text: Text, position: types.Position, encoding: Encoding) -> int:
    """The code-point offset of a client's position, clamped into the text."""
    return text.offset(position.line, position.character, encoding)


def position(text: Text, at: int, encoding: Encoding) -> types.Position:
    """The client's position of an offset."""
    return types.Position(*text.position(at, encoding))


def range_of(text: Text, start: int, end: int, encoding: Encoding) -> types.Range:
    """The client's range of the code points `start:end`."""
    return types.Range(position(text, start, encoding), position(text, end, encoding))


def range_on(line: int, before: str | None, name: str, encoding: Encoding) -> types.Range:
    """The client's range of a name on a line of which only the text before it is known; the start of the line
    where not even that is."""
    if before is None:
        return types.Range(types.Position(line, 0), types.Position(line, 0))
    text = Text(before + name)
    start, end = (text.position(at, encoding)[1] for at in (len(before), len(text)))
    return types.Range(types.Position(line, start), types.Position(line, end))


def on_another_line(place: types.Position, lines: int) -> types.Position:
    """The same column so many lines further down."""
    return types.Position(max(place.line + lines, 0), place.character)


def span(text: Text, asked: types.Range, encoding: Encoding) -> tuple[int, int]:
    """The code points of a client's range; one that runs backwards is turned round."""
    start, end = offset(text, asked.start, encoding), offset(text, asked.end, encoding)
    return (start, end) if start <= end else (end, start)


def edit_of(text: Text, changed: types.Range, new: str, encoding: Encoding) -> Edit:
    """A change the editor made."""
    return Edit(*span(text, changed, encoding), new)


def text_edit(text: Text, edit: Edit, encoding: Encoding) -> types.TextEdit:
    """An edit the editor shall make."""
    return types.TextEdit(range_of(text, edit.start, edit.end, encoding), edit.new)


def markup(markdown: str, formats: object) -> types.MarkupContent:
    """Markdown where the client lists it among its `formats`, else the same as plain text."""
    if isinstance(formats, list | tuple) and types.MarkupKind.Markdown in formats:
        return types.MarkupContent(types.MarkupKind.Markdown, markdown)
    return types.MarkupContent(types.MarkupKind.PlainText, plain(markdown))


def documentation(markdown: str, formats: object) -> types.MarkupContent | str:
    """Documentation of an item or a signature: a bare string where the client lists no formats."""
    return markup(markdown, formats) if formats else plain(markdown)


def plain(markdown: str) -> str:
    """Markdown without its fences and emphasis, for clients that show text only."""
    lines = [line for line in markdown.split("\n") if not line.lstrip().startswith("```")]
    return "\n".join(lines).replace("**", "").replace("\\_", "_")


def diagnostic(
    text: Text, found: Finding, related: list[types.DiagnosticRelatedInformation], encoding: Encoding
) -> types.Diagnostic:
    """A finding as the editor shows it."""
    return types.Diagnostic(
        range=range_of(text, found.start, found.end, encoding),
        message=found.message,
        severity=SEVERITIES.get(found.severity, types.DiagnosticSeverity.Warning),
        code=found.code,
        source=SOURCE,
        related_information=related or None,
    )
