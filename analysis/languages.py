"""The table of languages: names, file extensions, comment signs, grammars. It loads no grammar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `name` is its LSP language id where it has one of its own."""

    name: str
    extensions: tuple[str, ...]
    """Lower case, with the dot."""
    comment: str = "#"
    """The sign that makes the rest of a line a comment; `""` where there is none."""
    grammar: str | None = None
    """`module:function` of the grammar's wheel; None: no syntax, text chunks only."""
    queries: tuple[str, ...] = ()
    """Files of `syntax/queries`, read one after the other."""
    aliases: tuple[str, ...] = ()
    """Other names editors use."""
    filenames: tuple[str, ...] = ()
    """Whole file names, lower case, for files without a telling extension."""


LANGUAGES: tuple[Language, ...] = (
    Language(
        "python",
        (".py", ".pyi", ".pyw"),
        "#",
        "tree_sitter_python:language",
        ("python",),
        ("python3", "py"),
        ("sconstruct", "sconscript"),
    ),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        "//",
        "tree_sitter_typescript:language_typescript",
        ("ecmascript", "typescript"),
        ("ts",),
    ),
    Language(
        "tsx",
        (".tsx",),
        "//",
        "tree_sitter_typescript:language_tsx",
        ("ecmascript", "typescript", "jsx"),
        ("typescriptreact", "typescript-tsx", "typescript.tsx"),
    ),
    Language(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        "//",
        "tree_sitter_javascript:language",
        ("ecmascript", "javascript", "jsx"),
        ("javascriptreact", "js", "jsx", "js2", "javascript.jsx"),
    ),
    Language("go", (".go",), "//", "tree_sitter_go:language", ("go",), ("golang",)),
    Language("java", (".java",), "//", "tree_sitter_java:language", ("java",)),
    Language("rust", (".rs",), "//", "tree_sitter_rust:language", ("rust",), ("rs",)),
    Language("c", (".c", ".h"), "//", "tree_sitter_c:language", ("c",)),
    Language(
        "cpp",
        (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".inl", ".ipp"),
        "//",
        "tree_sitter_cpp:language",
        ("c", "cpp"),
        ("c++", "cxx"),
    ),
    Language("csharp", (".cs",), "//", "tree_sitter_c_sharp:language", ("csharp",), ("c#", "cs")),
    Language(
        "ruby",
        (".rb", ".rake", ".gemspec"),
        "#",
        "tree_sitter_ruby:language",
        ("ruby",),
        ("rb",),
        ("rakefile", "gemfile", "guardfile", "podfile"),
    ),
    Language("markdown", (".md", ".markdown", ".mdx"), "", aliases=("md",)),
    Language("restructuredtext", (".rst",), ".."),
    Language("plaintext", (".txt", ".adoc"), "", aliases=("text",), filenames=("readme", "changelog")),
    Language("toml", (".toml",)),
    Language("json", (".json",), "", aliases=("jsonc",)),
    Language("yaml", (".yaml", ".yml"), aliases=("yml",)),
    Language("ini", (".ini", ".cfg"), aliases=("dosini", "conf", "properties")),
    Language("shellscript", (".sh", ".bash", ".zsh"), aliases=("sh", "bash", "shell", "zsh")),
    Language("sql", (".sql",), "--"),
    Language("jupyter", (".ipynb",), "", aliases=("ipynb",)),
    Language("html", (".html", ".htm", ".jinja", ".j2"), ""),
    Language("css", (".css", ".scss", ".less"), ""),
    Language("proto", (".proto",), "//", aliases=("proto3", "protobuf")),
    Language("dockerfile", (".dockerfile",), filenames=("dockerfile", "containerfile")),
    Language("makefile", (".mk",), aliases=("make",), filenames=("makefile", "gnumakefile")),
)

_BY_NAME = MappingProxyType(
    {name: language for language in LANGUAGES for name in (language.name, *language.aliases)}
)
_BY_EXTENSION = MappingProxyType(
    {extension: language for language in LANGUAGES for extension in language.extensions}
)
_BY_FILENAME = MappingProxyType({name: language for language in LANGUAGES for name in language.filenames})


SCRIPTS = frozenset({"typescript", "tsx", "javascript"})
_FAMILIES = MappingProxyType({"typescript": "javascript", "tsx": "javascript", "cpp": "c"})


def family(language: str) -> str:
    """One name for the languages whose code can use each other's names."""
    return _FAMILIES.get(language, language)


def language_named(name: str) -> Language | None:
    """The language an editor calls `name`: its id or an alias, in any case."""
    return _BY_NAME.get(name.lower())


def language_of(path: PurePath) -> Language | None:
    """The language of a file, by its extension or its whole name; None for unknown ones."""
    return _BY_EXTENSION.get(path.suffix.lower()) or _BY_FILENAME.get(path.name.lower())
