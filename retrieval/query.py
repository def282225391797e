"""What a query is: its kind, its words with their weights, the names and paths it mentions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from devflow.retrieval.stems import stem
from devflow.retrieval.words import STOP_WORDS, parts, words

_REPORT = 60
"""Words from which a text is a report (an issue, a description) and not a question."""
_LONGEST = 20_000
"""Characters of a query that are read."""
_TITLE, _NAMED, _FRAME, _REPEATED = 2.0, 1.5, 2.0, 0.25
"""What a word weighs in the title of a report, in a name, in a line of a traceback; and for every
repetition."""
_MOST_REPEATED = 4

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_NAME_LIKE = re.compile(r"[a-z0-9][A-Z]|[A-Za-z0-9]_[A-Za-z0-9]|^__\w+__$|^_[a-z]|^[A-Z]{2,}[a-z]")
_DOTTED = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:(?:\.|::|#)[A-Za-z_]\w*)+")
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\(\)?")
_QUOTED = re.compile(r"`{1,2}([^`\n]{2,80})`{1,2}")
_PATH = re.compile(
    r"(?<![\w/.-])(?:[\w.@+-]+[/\\])*[\w.@+-]+\.[A-Za-z]\w{0,6}(?![\w/])|(?:[\w.@+-]+/){2,}[\w.@+-]+"
)
_EXTENSION = re.compile(
    r"\.(py|pyi|js|jsx|mjs|ts|tsx|java|go|cs|c|h|cc|cpp|hpp|rs|rb|php|kt|swift|md|rst|txt|html|css|toml|ini|cfg|json|ya?ml|sh|sql|ipynb)$"
)
_FRAME_LINE = re.compile(
    r'File "(?P<py>[^"\n]+)", line (?P<line>\d+)(?:, in (?P<in>[\w.<>]+))?'
    r"|\bat (?P<jsin>[\w.$<>]+) ?\((?P<js>[^()\n:]+):(?P<jsline>\d+)(?::\d+)?\)"
)
_ERROR = re.compile(r"\b\w*(?:Error|Exception|Warning|Fault|Panic)\b|Traceback|panic:|\berror:", re.I)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(def|class|func|function|public|private|import|from|return|const|let|var)\b|\w\(.*\)\s*:?\s*$",
    re.M,
)


class Kind(StrEnum):
    """What somebody who writes such a query wants."""

    NAME = "name"
    PATH = "path"
    ERROR = "error"
    CODE = "code"
    QUESTION = "question"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Analysed:
    """A query taken apart."""

    kind: Kind
    terms: dict[str, float]
    """Stem → weight, in order of appearance; stop words are left out."""
    spelled: dict[str, str]
    """Stem → a word that has it, as the full-text table wants to be asked."""
    names: tuple[str, ...]
    """Identifiers that are meant as names, as written, most telling first."""
    dotted: tuple[str, ...]
    """Dotted names (`Model.save`, `django.db.models`), as written, parted by dots."""
    paths: tuple[str, ...]
    """Mentioned files and folders, with `/`."""
    plain: tuple[str, ...]
    """The first identifiers in order, lower case: neighbours may be a name written in words."""
    words: list[str]
    """The first words in order, lower case, as they are written."""
    title: frozenset[str]
    """Stems of the words in a report's first line; empty for any other kind."""


def analysed(query: str) -> Analysed:
    """Take a query apart."""
    query = query[:_LONGEST]
    frames = list(_FRAME_LINE.finditer(query))
    paths = [found["py"] or found["js"] for found in frames]
    framed = [name for found in frames if (name := found["in"] or found["jsin"])]
    paths += [found[0] for found in _PATH.finditer(query) if "/" in found[0] or _EXTENSION.search(found[0])]
    paths = [path.replace("\\", "/").strip("./") for path in paths]
    dotted = [re.sub(r"::|#", ".", found[0]) for found in _DOTTED.finditer(query)]
    dotted = [name for name in dotted if not _EXTENSION.search(name)]
    names = _names(query, framed, dotted)
    kind = _kind(query, frames, paths, names)
    title = query.strip().partition("\n")[0] if kind == Kind.REPORT else ""
    heavy = frozenset(stem(word) for word in words(title))
    terms, spelled = _terms(query, heavy, names, framed)
    plain = tuple(word.lower() for word in _IDENTIFIER.findall(query)[:_REPORT])
    return Analysed(
        kind,
        terms,
        spelled,
        tuple(names),
        tuple(dict.fromkeys(dotted)),
        tuple(dict.fromkeys(paths)),
        plain,
        re.findall(r"\w+", query.lower())[:_REPORT],
        heavy,
    )


def _names(query: str, framed: list[str], dotted: list[str]) -> list[str]:
    found = [name.rpartition(".")[2] for name in framed if not name.endswith(">")]
    for quoted in _QUOTED.findall(query):
        found += _IDENTIFIER.findall(quoted) if len(quoted.split()) <= 3 else ()
    found += _CALLED.findall(query)
    for name in dotted:
        found += name.split(".")[::-1]
    every = _IDENTIFIER.findall(query)
    found += [word for word in every if _NAME_LIKE.search(word)]
    # A capital inside a sentence is a name, too; at its beginning it says nothing.
    found += re.findall(r"(?<=[a-z,] )[A-Z]\w+", query)
    if len(every) == 1:
        found += every
    alone = len(query.split()) == 1  # `get` is a word of a sentence, and a name in `Session.get`
    kept = (name for name in found if len(name) > 2 and (alone or name.lower() not in STOP_WORDS))
    return list(dict.fromkeys(kept))[:200]


def _kind(query: str, frames: list[re.Match[str]], paths: list[str], names: list[str]) -> Kind:
    stripped = query.strip()
    count = len(stripped.split())
    if count == 1:
        if paths and paths[0] == stripped.replace("\\", "/").strip("./"):
            return Kind.PATH
        return Kind.NAME
    if count >= _REPORT:
        return Kind.REPORT
    if frames or (_ERROR.search(stripped) and count <= 30 and ":" in stripped):
        return Kind.ERROR
    if "\n" in stripped and len(_CODE.findall(stripped)) * 2 > stripped.count("\n"):
        return Kind.CODE
    return Kind.QUESTION


def _terms(
    query: str, heavy: frozenset[str], names: list[str], framed: list[str]
) -> tuple[dict[str, float], dict[str, str]]:
    terms: dict[str, float] = {}
    spelled: dict[str, str] = {}
    times: dict[str, int] = {}
    named = {stem(word) for name in names for word in words(name)}
    traced = {stem(word) for name in framed for word in words(name)}
    found = words(query)
    useful = [word for word in found if word not in STOP_WORDS and len(word) > 1] or found
    for word in useful:
        key = stem(word)
        times[key] = times.get(key, 0) + 1
        spelled.setdefault(key, word)
    for key, seen in times.items():
        weight = 1.0 + _REPEATED * (min(seen, _MOST_REPEATED) - 1)
        weight *= _TITLE if key in heavy else 1.0
        weight *= _NAMED if key in named else 1.0
        weight *= _FRAME if key in traced else 1.0
        terms[key] = weight
    return terms, spelled


def name_parts(name: str) -> frozenset[str]:
    """The stems of a name's parts."""
    return frozenset(stem(part) for part in parts(name))
