"""Everything the index keeps of one file, from its text alone."""

from __future__ import annotations

from devflow.analysis.chunks import chunks, line_chunks
from devflow.analysis.facts import FileFacts
from devflow.analysis.imports import imports
from devflow.analysis.references import references
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text


def extract(text: Text, language: str) -> FileFacts:
    """The facts of a file in `language` (`""` for an unknown one: line chunks only).

    Broken code gives the facts of what can be read and never an error.
    """
    tree = parse(text, language) if language else None
    if tree is None:
        return FileFacts(language, (), (), (), line_chunks(text, language))
    tree.look_up("definitions", "imports")
    defined = symbols(tree)
    return FileFacts(language, defined, references(tree, defined), imports(tree), chunks(tree, defined))
