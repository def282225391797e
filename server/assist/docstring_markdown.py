"""Docstrings as Markdown: reStructuredText fields, Google and NumPy sections, doctests, literal blocks.

Own code because the parsers of the field (docstring-parser, griffe) give sections as data and drop the
free text between them; a card wants the text as it was written, only readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 3_000
_ROLE = re.compile(r":(?:[\w.+-]+:)?[\w.+-]+:`[~!.]?([^`<]*[^`<\s])(?:\s*<[^`]*>)?`")
_LITERAL = re.compile(r"``([^`]+)``")
_HYPERLINK = re.compile(r"`([^`<]+?)\s*<(https?://[^>`\s]+)>`__?")
_REFERENCE = re.compile(r"`([^`]+)`__?(?!\w)")
_FIELD = re.compile(
    r"\s*:(param|parameter|arg|argument|key|keyword|type|returns?|rtype|raises?|except|exception|yields?|"
    r"ivar|cvar|var|vartype)\b\s*([^:]*):\s*(.*)"
)
_GOOGLE = re.compile(
    r"(\s*)(Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Other Parameters|Returns?|Raises|"
    r"Yields?|Receives|Attributes|Methods|Examples?|Notes?|Warnings?|Warns|See Also|References|Todo|Usage)"
    r":\s*$"
)
_UNDERLINE = re.compile(r"\s*([-=~^\"'+*#])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"(\s*)\.\.\s+([\w:-]+)::\s*(.*)")
_ITEM = re.compile(r"(\*{0,2}[\w.]+(?:,\s*\*{0,2}[\w.]+)*)\s*(?:\(([^)]*)\))?\s*:\s+(.*)")
_NUMPY_ITEM = re.compile(r"(\*{0,2}[\w.]+(?:,\s*\*{0,2}[\w.]+)*)(?:\s*:\s*(.*))?$")
_WITH_ITEMS = frozenset(
    {"args", "arguments", "parameters", "params", "keyword args", "keyword arguments", "other parameters"}
    | {"raises", "attributes", "methods", "warns"}
)
_CODE = frozenset({"code", "code-block", "sourcecode", "ipython", "prompt"})
_NOTES = frozenset({"note", "warning", "tip", "hint", "important", "caution", "danger", "seealso", "todo"})
_VERSIONS = frozenset({"versionadded", "versionchanged", "deprecated", "versionremoved"})


def as_markdown(doc: str) -> str:
    """A docstring as Markdown; plain text stays as it is. Cut at `LONGEST` code points."""
    text = doc.expandtabs().strip("\n")
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit("\n", 1)[0] + "\n…"
    return _Renderer([line.rstrip() for line in text.split("\n")]).run()


class _Renderer:
    """One pass over the lines; each block it knows takes its lines and writes its own."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.out: list[str] = []

    def run(self) -> str:
        blocks: tuple[Callable[[str], bool], ...] = (
            self._doctest,
            self._directive,
            self._fields,
            self._underlined,
            self._google,
            self._paragraph_with_literal,
        )
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not any(block(line) for block in blocks):
                self.out.append(_inline(line.strip() if _indent(line) < 8 and not _listed(line) else line))
                self.at += 1
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self.out))
        return text.strip()

    def _doctest(self, line: str) -> bool:
        if not line.lstrip().startswith(">>>"):
            return False
        code: list[str] = []
        while self.at < len(self.lines) and self.lines[self.at].strip():
            code.append(self.lines[self.at])
            self.at += 1
        self._fence(code, "python")
        return True

    def _directive(self, line: str) -> bool:
        found = _DIRECTIVE.match(line)
        if found is None:
            return False
        self.at += 1
        body = self._indented(len(found[1]))
        name = found[2].rpartition(":")[2].lower()
        if name in _CODE:
            while body and re.match(r"\s*:\w+:", body[0]):
                body.pop(0)
            self._fence(body, found[3].strip() or "python")
        elif name in _NOTES or name in _VERSIONS:
            title = (
                name.replace("version", "version ").capitalize() if name in _VERSIONS else name.capitalize()
            )
            version = f" {found[3]}" if name in _VERSIONS and found[3] else ""
            words = [found[3]] if found[3] and name in _NOTES else []
            inside = " ".join([*words, *(each.strip() for each in body if each.strip())])
            self._space()
            self.out += [f"> **{title}{version}**" + (f" {_inline(inside)}" if inside else ""), ""]
        elif name not in (
            "highlight",
            "index",
            "currentmodule",
            "module",
            "py:module",
            "automodule",
            "toctree",
        ):
            self.out += [_inline(each.strip()) for each in (found[3], *body) if each.strip()]
        return True

    def _fields(self, line: str) -> bool:
        if _FIELD.match(line) is None:
            return False
        items: dict[tuple[str, str], list[str]] = {}
        types: dict[str, str] = {}
        while self.at < len(self.lines):
            found = _FIELD.match(self.lines[self.at])
            if found is None:
                if self.lines[self.at].strip() or not self._field_follows():
                    break
                self.at += 1
                continue
            indent = _indent(self.lines[self.at])
            self.at += 1
            words = [found[3], *(each.strip() for each in self._indented(indent, blank=False))]
            name, what = found[2].strip(), " ".join(word for word in words if word)
            kind = found[1]
            if kind in ("type", "vartype", "rtype"):
                types[name if kind != "rtype" else "return"] = what
                continue
            label = (
                "Parameters"
                if kind in ("param", "parameter", "arg", "argument", "key", "keyword")
                else (
                    "Raises"
                    if kind in ("raises", "raise", "except", "exception")
                    else "Yields"
                    if kind.startswith("yield")
                    else "Attributes"
                    if kind.endswith("var")
                    else "Returns"
                )
            )
            items.setdefault((label, name), []).append(what)
        if "return" in types and not any(label == "Returns" for label, _ in items):
            items["Returns", ""] = [""]
        for label in dict.fromkeys(each for each, _ in items):
            self._title(label)
            for (of, name), words in items.items():
                if of == label:
                    parts = name.rsplit(" ", 1)
                    kind = types.get(parts[-1] if label != "Returns" else "return", "") or (
                        parts[0] if len(parts) > 1 else ""
                    )
                    self._item(parts[-1] if name else "", kind, " ".join(words))
        self.out.append("")
        return True

    def _underlined(self, line: str) -> bool:
        under = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if not line.strip() or not _UNDERLINE.match(under) or len(under.strip()) < min(3, len(line.strip())):
            return False
        title, indent = line.strip(), _indent(line)
        self.at += 2
        self._title(title)
        if title.lower() not in _WITH_ITEMS | {"returns", "return", "yields", "yield"}:
            return True
        while self.at < len(self.lines):
            each = self.lines[self.at]
            following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
            if not each.strip():
                self.at += 1
                if not (
                    following.strip()
                    and _indent(following) >= indent
                    and _NUMPY_ITEM.match(following.strip())
                ):
                    break
                continue
            if _UNDERLINE.match(following) or _indent(each) < indent:
                break
            found = _NUMPY_ITEM.match(each.strip())
            self.at += 1
            body = " ".join(line.strip() for line in self._indented(_indent(each), blank=False))
            if found is None or (title.lower().startswith(("return", "yield")) and found[2] is None):
                self._item("", each.strip(), body)
            else:
                self._item(found[1], found[2] or "", body)
        self.out.append("")
        return True

    def _google(self, line: str) -> bool:
        found = _GOOGLE.match(line)
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if found is None or _indent(following) <= len(found[1]) or not following.strip():
            return False
        self.at += 1
        body = self._indented(len(found[1]))
        self._title(found[2])
        inner = min((_indent(each) for each in body if each.strip()), default=0)
        if found[2].lower() in _WITH_ITEMS:
            self._google_items(body, inner)
        else:
            self.out.append(_Renderer([each[inner:] for each in body]).run())
        self.out.append("")
        return True

    def _google_items(self, body: list[str], inner: int) -> None:
        current: tuple[str, str, list[str]] | None = None
        for each in body:
            item = _ITEM.match(each.strip()) if _indent(each) == inner else None
            if item is not None:
                if current is not None:
                    self._item(current[0], current[1], " ".join(current[2]))
                current = (item[1], item[2] or "", [item[3]])
            elif each.strip() and current is not None:
                current[2].append(each.strip())
            elif each.strip():
                self.out.append(f"- {_inline(each.strip())}")
        if current is not None:
            self._item(current[0], current[1], " ".join(current[2]))

    def _paragraph_with_literal(self, line: str) -> bool:
        """A paragraph that ends with `::` announces a block of code."""
        if not line.rstrip().endswith("::"):
            return False
        start = self.at + 1
        while start < len(self.lines) and not self.lines[start].strip():
            start += 1
        if start == self.at + 1 or start >= len(self.lines) or _indent(self.lines[start]) <= _indent(line):
            return False
        words = line.strip().removesuffix("::").rstrip()
        if words:
            self.out.append(_inline(f"{words}:"))
        self.at = start
        self._fence(self._indented(_indent(line)), "python")
        return True

    def _indented(self, indent: int, *, blank: bool = True) -> list[str]:
        """The lines from here on that stand deeper than `indent`; `blank`: blank lines between them too."""
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and _indent(line) <= indent:
                break
            if not line.strip() and not blank:
                break
            taken.append(line)
            self.at += 1
        while taken and not taken[-1].strip():
            taken.pop()
        while taken and not taken[0].strip():
            taken.pop(0)
        return taken

    def _field_follows(self) -> bool:
        rest = self.lines[self.at + 1 : self.at + 2]
        return bool(rest and _FIELD.match(rest[0]))

    def _fence(self, code: list[str], language: str) -> None:
        if not code:
            return
        indent = min((_indent(line) for line in code if line.strip()), default=0)
        fence = "````" if any("```" in line for line in code) else "```"
        word = re.match(r"[\w+-]*", language)
        self._space()
        self.out += [f"{fence}{word[0] if word else ''}", *(line[indent:] for line in code), fence, ""]

    def _title(self, title: str) -> None:
        self._space()
        self.out += [f"**{title}**", ""]

    def _item(self, name: str, kind: str, words: str) -> None:
        label = ", ".join(f"`{each.strip()}`" for each in name.split(",")) if name else ""
        of = f" ({_inline(kind)})" if kind and name else f"`{kind}`" if kind else ""
        head = f"{label}{of}"
        self.out.append(f"- {head}{': ' if head and words else ''}{_inline(words)}")

    def _space(self) -> None:
        if self.out and self.out[-1]:
            self.out.append("")


def _inline(line: str) -> str:
    """Roles, literals and links of one line. What would be HTML is escaped outside code."""
    line = _HYPERLINK.sub(r"[\1](\2)", line)
    line = _ROLE.sub(r"`\1`", line)
    line = _LITERAL.sub(r"`\1`", line)
    line = _REFERENCE.sub(lambda found: found[0].rstrip("_"), line)
    pieces = line.split("`")
    for number in range(0, len(pieces), 2):
        pieces[number] = re.sub(r"<(?=[A-Za-z/!])", r"\\<", pieces[number])
    return "`".join(pieces)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _listed(line: str) -> bool:
    return bool(re.match(r"\s*(?:[-*+•]|\d+[.)])\s", line))
