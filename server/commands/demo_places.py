"""The code `devflow demo` is shown on: places of a workspace that are likely to have an answer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file: an identifier after a dot."""

    path: Path
    text: str
    start: int
    end: int


def copy_of_jedi(scratch: Path) -> Path:
    import jedi

    target = scratch / "jedi-sources"
    # The type stubs that jedi carries are not its code.
    shutil.copytree(
        Path(jedi.__file__).parent,
        target / "jedi",
        ignore=shutil.ignore_patterns("third_party", "__pycache__"),
    )
    return target


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Files of a size to show, the larger first: they have more to say."""
    from devflow.analysis.languages import language_of
    from devflow.retrieval.walk import Skip, walk

    found: list[tuple[bool, int, Path]] = []
    for entry in walk(root):
        if isinstance(entry, Skip):
            continue
        path = Path(entry.path)
        language = language_of(path)
        if language is not None and language.grammar and 0 < entry.size < 200_000:
            found.append((2_000 < entry.size < 60_000, entry.size, path))
    for _, _, path in sorted(found, reverse=True)[:40]:
        yield path, path.read_text("utf-8", errors="replace").replace("\r\n", "\n")


def places_in(root: Path) -> Iterator[Place]:
    """One dotted name after the other, going round the files."""
    dotted = re.compile(r"^(?!\s*(?:#|//|\*|import|from)).*?[\w)\]]\.([A-Za-z_]\w{3,})", re.M)
    rounds = [
        [Place(path, text, match.start(1), match.end(1)) for match in dotted.finditer(text)]
        for path, text in _files(root)
    ]
    for turn in (*range(1, 8), 0):
        for places in rounds:
            if len(places) > turn * 5:
                yield places[turn * 5]


def functions_in(root: Path) -> Iterator[tuple[Path, str, int]]:
    """Functions without a docstring, as `(path, text, offset of the name)`."""
    from devflow.analysis.extract import extract
    from devflow.analysis.facts import SymbolKind
    from devflow.analysis.languages import language_of
    from devflow.analysis.text import Text

    for path, text in _files(root):
        language = language_of(path)
        if language is None:
            continue
        wanted = [
            symbol
            for symbol in extract(Text(text), language.name).symbols
            if symbol.kind in (SymbolKind.FUNCTION, SymbolKind.METHOD)
            and not symbol.doc
            and not symbol.name.startswith("_")
            and text.count("\n", symbol.start, symbol.end) > 4
        ]
        for symbol in wanted[:2]:
            yield path, text, symbol.name_start


def planted(root: Path) -> tuple[Path, str]:
    """A document that exists in the client only: a call that cannot fit a real function of the
    workspace, a near copy of a real function, and a made-up secret."""
    from devflow.analysis.extract import extract
    from devflow.analysis.facts import SymbolKind
    from devflow.analysis.text import Text

    secret = "ghp_" + "q7RkZ2mWc9TxV4bNs8LdYh3PfJ6gAe1uKo5X"
    call = copy = ""
    for path, text in _files(root):
        if path.suffix != ".py":
            continue
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for symbol in extract(Text(text), "python").symbols:
            if symbol.kind is not SymbolKind.FUNCTION or symbol.container or symbol.name.startswith("_"):
                continue
            body = text[symbol.start : symbol.end]
            plain = body.startswith("def ") and "*" not in symbol.signature and "yield" not in body
            if plain and not call:
                many = ", ".join(map(str, range(30)))
                call = f"from {module} import {symbol.name}\n\n{symbol.name}({many})\n"
            elif plain and not copy and 12 < body.count("\n") < 60:
                copy = body.replace(f"def {symbol.name}(", f"def {symbol.name}_again(", 1) + "\n"
        if call and copy:
            break
    text = f'{call}\n\n{copy}\n\nTOKEN = "{secret}"\n'
    return root / "planted_mistakes.py", text


def query(root: Path) -> str:
    """Words of a real function's name, so that the question has an answer in any workspace."""
    from devflow.analysis.tokens import subtokens

    names = [match[0] for _, text, start in functions_in(root) if (match := re.match(r"\w+", text[start:]))]
    long = [name for name in names if len(subtokens(name)) >= 3]
    return " ".join(subtokens((long or names)[0])) if names else "parse the arguments"
