"""How languages without a resolver of their own write down what a name is: types, bases, parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from devflow.analysis.languages import SCRIPTS
from devflow.retrieval.graph.base import Definition


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a language writes down what a name is. In the patterns `NAME` is the name that is asked for;
    their only group is the type."""

    types: tuple[str, ...]
    selves: frozenset[str] = frozenset({"this"})
    implicit: bool = False
    """Whether a plain call may mean a method of the class around it."""
    package: bool = False
    """Whether files of one folder see each other's names."""
    everywhere: bool = False
    """Whether any file's names are seen without an import that names the file."""


_TYPE = r"([A-Za-z_][\w.]*)"
_SCRIPT = Dialect(
    (
        rf"\bNAME\s*[?!]?\s*:\s*(?:readonly\s+)?{_TYPE}",
        rf"\bNAME\s*=\s*(?:await\s+)?new\s+{_TYPE}",
    )
)
_C_LIKE = (rf"\b{_TYPE}\s*(?:<[^<>;(){{}}]*(?:<[^<>]*>[^<>;(){{}}]*)?>)?[\s*&?\[\]]+NAME\s*[=;,):{{(]",)
DIALECTS = MappingProxyType(
    {
        **dict.fromkeys(SCRIPTS, _SCRIPT),
        "go": Dialect(
            (
                r"\bNAME\s*:?=\s*&?([\w.]+)\{",
                r"\bNAME(?:\s*,\s*\w+)*\s*:?=\s*([\w.]+)\(",
                r"[(,]\s*NAME\s+[*\[\]]*([\w.]+)",
                r"\bvar\s+NAME\s+[*\[\]]*([\w.]+)",
                r"^\s*NAME\s+[*\[\]]*([\w.]+)\s*(?:`|//|;|$)",
                r"^\s*\*?((?:\w+\.)?NAME)\s*(?:`|//|;|$)",
            ),
            frozenset(),
            package=True,
        ),
        "java": Dialect((rf"\bvar\s+NAME\s*=\s*new\s+{_TYPE}", *_C_LIKE), implicit=True, package=True),
        "csharp": Dialect(
            (rf"\bvar\s+NAME\s*=\s*(?:await\s+)?new\s+{_TYPE}", *_C_LIKE), implicit=True, everywhere=True
        ),
        "rust": Dialect(
            (
                r"\blet\s+(?:mut\s+)?NAME\s*=\s*&?(?:mut\s+)?([A-Z]\w*)(?:::\w+\(|\s*\{)",
                r"\bNAME\s*:\s*&?(?:'\w+\s+)?(?:mut\s+)?(?:(?:Arc|Rc|Box|Option|RefCell|Mutex)<)*(?:dyn\s+|impl\s+)?([\w:]+)",
            ),
            frozenset({"self", "Self"}),
            everywhere=True,
        ),
        "ruby": Dialect(
            (r"(?<!\w)NAME\s*(?:\|\|)?=\s*([A-Z][\w:]*)\.new\b",),
            frozenset({"self"}),
            implicit=True,
            everywhere=True,
        ),
        "c": Dialect(_C_LIKE, frozenset(), everywhere=True),
        "cpp": Dialect(
            (*_C_LIKE, rf"\bauto\s+[*&]?NAME\s*=\s*(?:new\s+|std::make_(?:unique|shared)<){_TYPE}"),
            implicit=True,
            everywhere=True,
        ),
    }
)
_JAVA_SOURCES = re.compile(r".*/src/[^/]+/java(?=/|$)")


def same_package(one: Path, other: Path) -> bool:
    """Whether two files are of one package: of one folder, or of folders of that name among Java's sources
    and tests."""
    here, there = one.parent, other.parent
    if here == there or one.suffix != ".java" or here.name != there.name:
        return here == there
    first, second = (_JAVA_SOURCES.sub("", each.as_posix()) for each in (here, there))
    return first == second


_BASES = MappingProxyType(
    {
        "java": r"\b(?:extends|implements)\s+([^{]+?)(?=\bimplements\b|\{|$)",
        "csharp": r":\s*([^{]+?)(?=\bwhere\b|\{|$)",
        "cpp": r"(?<!:):(?!:)\s*([^{]+)",
        "ruby": r"<\s*([\w:]+)",
        "rust": r":\s*([^{]+)",
        **dict.fromkeys(SCRIPTS, r"\b(?:extends|implements)\s+([^{]+?)(?=\bimplements\b|\{|$)"),
    }
)
_BASE_NOISE = frozenset({"public", "private", "protected", "virtual", "final", "permits"})


def base_names(definition: Definition) -> list[str]:
    """The types that the head of a class names as its bases, as written."""
    pattern = _BASES.get(definition.language)
    if pattern is None:
        return []
    _, _, rest = definition.signature.partition(definition.name)
    names: list[str] = []
    rest = re.sub(r"^\s*<[^{]*?>(?=\s*(?:extends|implements|:|\())", "", rest)
    for found in re.finditer(pattern, rest):
        flat = found[1]
        while "<" in flat and (shorter := re.sub(r"<[^<>]*>", "", flat)) != flat:
            flat = shorter
        for piece in re.split(r"[,&+]", re.sub(r"\([^()]*\)", "", flat)):
            words = [word for word in re.findall(r"[\w.:]+", piece) if word not in _BASE_NOISE]
            if words:
                names.append(words[0])
    return names


_MADE_OF = re.compile(r"(?:type\s+)?\w+\s*=?\s*\*?([A-Za-z_][\w.]*)")
_EMBEDDED = re.compile(r"^[ \t]*\*?([A-Za-z_][\w.]*)[ \t]*(?:`[^`\n]*`)?[ \t]*(?://[^\n]*)?$", re.MULTILINE)


def embedded_names(text: str) -> list[str]:
    """The types whose members a Go type has, as written: those it embeds (lines of its body with a type
    alone), the one it is made of (`type GaugeOpts Opts`)."""
    if made := _MADE_OF.fullmatch(text.strip()):
        return [made[1]]
    body = text[text.find("{") + 1 : text.rfind("}")]
    while "{" in body and (flat := re.sub(r"\{[^{}]*\}", "", body)) != body:
        body = flat
    return [found[1] for found in _EMBEDDED.finditer(body)] if "{" in text else []


@lru_cache(maxsize=8_192)
def _pattern(written: str, name: str) -> re.Pattern[str]:
    return re.compile(written.replace("NAME", re.escape(name)), re.MULTILINE)


_NO_TYPES = frozenset(
    """return new await throw typeof delete in of as else case yield goto using import package const static
    final public private protected var let auto func struct range go defer""".split()  # noqa: SIM905
)


def declared_type(text: str, name: str, dialect: Dialect, *, last: bool = False) -> str:
    """The type that `text` writes beside a declaration of `name`; "" when it writes none."""
    for written in dialect.types:
        found = [each[1] for each in _pattern(written, name).finditer(text) if each[1] not in _NO_TYPES]
        if found:
            return found[-1] if last else found[0]
    return ""


_TYPE_FIRST = frozenset({"java", "csharp", "c", "cpp"})


def is_parameter(definition: Definition, name: str) -> bool:
    """Whether a function's head writes a parameter of this name."""
    given = definition.signature.partition(definition.name)[2].partition("(")[2].rpartition(")")[0]
    if definition.language in _TYPE_FIRST:
        written = r"[\w>\]*&][\s*&]+NAME\s*(?:[,=\[]|$)"
    else:
        written = r"(?:^|,)\s*(?:(?:mut|readonly|public|private|protected)\s+)*[.*&]*NAME\s*(?:[:,=?\s]|$)"
    return bool(_pattern(written, name).search(given))
