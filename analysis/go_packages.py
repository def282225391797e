"""What Go packages outside the workspace declare, read from their sources where the tool chain, the module
cache, `vendor` or a GOPATH has them. Nothing is run. Read line by line as gofmt leaves them, without a tree:
`net/http` takes 30 ms.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.text import Text

_MOST_BYTES = 2_000_000
_PLACES = ("/usr/local/go/src", "/usr/lib/go/src", "/opt/homebrew/opt/go/libexec/src")
_SYSTEMS = re.compile(
    r"_(?:test|windows|plan9|js|wasm|darwin|freebsd|netbsd|openbsd|solaris|illumos|aix|android|ios|dragonfly"
    r"|zos|wasip1)(?:_\w+)?$"
)
_HEAD = re.compile(
    r"^(?:func (?:\((?:\w+ )?\*?(?P<owner>\w+)(?:\[[^\]]*\])?\) )?(?P<func>[A-Z]\w*)"
    r"|type (?P<type>\w+)\b[^\n]*?(?P<made>\b(?:struct|interface) ?\{)?(?P<whole>\})?$"
    r"|(?P<value>var|const) (?P<one>[A-Z]\w*)"
    r"|(?P<group>type|var|const) \($"
    r"|(?P<indent>\t\t?)(?:(?P<inner>[A-Z]\w*)(?:, \w+)*(?=(?: +[^/` \n]|\())"
    r"|(?P<embedded>\*?(?:\w+\.)?\w+)(?= *(?://|`|$)))"
    r"|(?P<close>\t?[)}]))",
    re.MULTILINE,
)
_MEMBER_TYPE = re.compile(r"\t(\w+) (struct|interface) ?\{$")
_COMMENT = re.compile(r"(?:^//[^\n]*\n|^\t//[^\n]*\n)+\Z", re.MULTILINE)
_KINDS = {"var": SymbolKind.VARIABLE, "const": SymbolKind.CONSTANT, "type": SymbolKind.TYPE}
_MADE = {"struct": SymbolKind.STRUCT, "interface": SymbolKind.INTERFACE}


@lru_cache(1)
def standard_library() -> Path | None:
    """The sources of Go's standard library, beside the `go` that is on the path."""
    program = shutil.which("go")
    beside = [Path(program).resolve().parents[1] / "src"] if program else []
    for folder in (*beside, *map(Path, _PLACES)):
        if (folder / "fmt").is_dir():
            return folder.resolve()
    return None


@lru_cache(512)
def package_folder(module: str, root: Path, standard: Path | None) -> Path | None:
    """The folder of the package that files of the workspace folder `root` import as `module`: of the standard
    library, vendored, of a GOPATH around `root`, or of the module cache."""
    if "." not in module.partition("/")[0]:
        folder = standard / module if standard is not None else None
        return folder if folder is not None and folder.is_dir() else None
    gopaths = [each for each in root.parents if each.name == "src"]
    cache = Path.home() / "go" / "pkg" / "mod"
    for base in (root / "vendor", *gopaths):
        for written in (module, re.sub(r"/v\d+(?=/|$)", "", module)):
            if (base / written).is_dir():
                return base / written
    with contextlib.suppress(OSError):
        wanted = (root / "go.mod").read_text("utf-8", "replace")
        for name, version in re.findall(r"^(?:require)?\s*([\w./~-]+) (v[\w.+-]+)", wanted, re.MULTILINE):
            if f"{module}/".startswith(f"{name}/"):
                cased = re.sub(r"[A-Z]", lambda found: "!" + found[0].lower(), name)
                folder = cache / f"{cased}@{version}" / module[len(name) :].strip("/")
                if folder.is_dir():
                    return folder
    return None


@lru_cache(48)
def declarations(folder: Path) -> dict[str, dict[str, tuple[Path, Symbol]]]:
    """What a package exports: by type (`""`: the package) and name, each with its file. The files of an
    installed package do not change: they are read once."""
    found: dict[str, dict[str, tuple[Path, Symbol]]] = {}
    read = 0
    with contextlib.suppress(OSError):
        for path in sorted(folder.glob("*.go")):
            if _SYSTEMS.search(path.stem) or read > _MOST_BYTES:
                continue
            text = Text(path.read_text("utf-8", "replace"))
            read += len(text)
            for symbol in _symbols(text.source):
                found.setdefault(symbol.container, {}).setdefault(symbol.name, (path, symbol))
    return found


def _symbols(source: str) -> Iterator[Symbol]:
    group = owner = ""
    for each in _HEAD.finditer(source):
        line_end = source.find("\n", each.start())
        line = source[each.start() : line_end if line_end >= 0 else len(source)]
        if each["close"]:
            owner = ""
            group = group if each["close"][0] == "\t" else ""
        elif name := each["func"]:
            kind = SymbolKind.METHOD if each["owner"] else SymbolKind.FUNCTION
            yield _symbol(source, each, "func", name, kind, each["owner"] or "", line)
        elif name := each["type"]:
            made = _MADE[each["made"].rstrip(" {")] if each["made"] else SymbolKind.TYPE
            owner = name if each["made"] and not each["whole"] else ""
            yield _symbol(source, each, "type", name, made, "", line)
        elif name := each["one"]:
            yield _symbol(source, each, "one", name, _KINDS[each["value"]], "", line)
        elif each["group"]:
            group, owner = each["group"], ""
        elif owner and each["indent"] == ("\t\t" if group else "\t"):
            field = "inner" if each["inner"] else "embedded"
            name = each[field].rpartition(".")[2].lstrip("*")
            called = line.strip().startswith(f"{name}(")
            yield _symbol(
                source, each, field, name, SymbolKind.METHOD if called else SymbolKind.FIELD, owner, line
            )
        elif group and each["indent"] == "\t" and (name := each["inner"] or each["embedded"]):
            built = _MEMBER_TYPE.match(line) if group == "type" else None
            owner = name if built is not None else ""
            kind = _MADE[built[2]] if built is not None else _KINDS[group]
            if name[0].isupper():
                yield _symbol(source, each, "inner" if each["inner"] else "embedded", name, kind, "", line)


def _symbol(
    source: str, found: re.Match[str], group: str, name: str, kind: SymbolKind, owner: str, line: str
) -> Symbol:
    start, end = found.span(group)
    above = _COMMENT.search(source, max(0, found.start() - 4_000), found.start())
    doc = re.sub(r"^\s*// ?", "", above[0], flags=re.MULTILINE).strip() if above else ""
    signature = re.sub(r"\s+", " ", line.partition(" // ")[0]).strip().removesuffix("{").rstrip()
    return Symbol(name, kind, found.start(), found.start() + len(line), start, end, owner, signature, doc)
