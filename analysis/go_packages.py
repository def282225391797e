"""What Go packages outside the workspace declare, read from their sources where the tool chain, the module
cache, `vendor` or a GOPATH has them. Nothing is run. Read line by line as gofmt leaves them, without a tree:
`net/http` takes 30 ms.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from devflow.analysis.facts import Symbol, SymbolKind
from devflow.analysis.text import Text
from devflow.analysis.toolchains import told

_MOST_BYTES = 3_000_000
_PLACES = ("/usr/local/go/src", "/usr/lib/go/src", "/opt/homebrew/opt/go/libexec/src")
_SYSTEMS = re.compile(
    r"_(?:test|windows|plan9|js|wasm|darwin|freebsd|netbsd|openbsd|solaris|illumos|aix|android|ios|dragonfly"
    r"|zos|wasip1)(?:_\w+)?$|_(?:386|arm|mips\w*|ppc64\w*|s390x|riscv64|loong64|sparc64)$"
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
_BUILT_IN = re.compile(r"^(?P<kind>func |type |var |\t)(?P<name>[a-z]\w*)\b", re.MULTILINE)
_BUILT_KINDS = {
    "func ": SymbolKind.FUNCTION, "type ": SymbolKind.TYPE, "var ": SymbolKind.VARIABLE,
    "\t": SymbolKind.CONSTANT,
}  # fmt: skip
_KINDS = {"var": SymbolKind.VARIABLE, "const": SymbolKind.CONSTANT, "type": SymbolKind.TYPE}
_MADE = {"struct": SymbolKind.STRUCT, "interface": SymbolKind.INTERFACE}


@lru_cache(1)
def standard_library() -> Path | None:
    """The sources of Go's standard library, beside the `go` that is on the path."""
    program, named = shutil.which("go"), told("GOROOT")
    beside = [Path(named) / "src"] if named else []
    beside += [Path(program).resolve().parents[1] / "src"] if program else []
    for folder in (*beside, *map(Path, _PLACES)):
        if (folder / "fmt").is_dir():
            return folder.resolve()
    return None


@lru_cache(512)
def package_folder(module: str, root: Path, standard: Path | None) -> Path | None:
    """The folder of the package that files of the workspace folder `root` import as `module`: of the standard
    library, vendored, of a GOPATH around `root` or in the environment, or of the module cache."""
    if "." not in module.partition("/")[0]:
        folder = standard / module if standard is not None else None
        return folder if folder is not None and folder.is_dir() else None
    paths = [Path(each) for each in told("GOPATH").split(os.pathsep) if each]
    gopaths = [each for each in root.parents if each.name == "src"] + [each / "src" for each in paths]
    kept = told("GOMODCACHE")
    cache = Path(kept) if kept else (*paths, Path.home() / "go")[0] / "pkg" / "mod"
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


@lru_cache(1)
def builtins(standard: Path | None) -> dict[str, tuple[Path, Symbol]]:
    """What Go has of itself (`append`, `error`), as the standard library documents it."""
    found: dict[str, tuple[Path, Symbol]] = {}
    path = standard / "builtin" / "builtin.go" if standard is not None else None
    with contextlib.suppress(OSError):
        source = path.read_text("utf-8", "replace") if path is not None else ""
        for each in _BUILT_IN.finditer(source):
            line = source[each.start() : source.find("\n", each.start())]
            made = _symbol(source, each, "name", each["name"], _BUILT_KINDS[each["kind"]], "", line)
            found.setdefault(each["name"], (path or Path(), made))
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
