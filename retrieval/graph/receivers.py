"""What a plain receiver is (`x` of `x.y`), by the type that is written beside its declaration."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from devflow.analysis.facts import SymbolKind
from devflow.analysis.languages import SCRIPTS
from devflow.analysis.symbols import CLASS_LIKE, FUNCTION_LIKE
from devflow.retrieval.graph.base import Definition, Meaning, Use
from devflow.retrieval.graph.dialects import Dialect, declared_type, is_parameter, same_package
from devflow.retrieval.graph.library_values import SHAPED
from devflow.retrieval.graph.narrowing import TYPES, declares, overloads, values_first
from devflow.retrieval.graph.stored import File

if TYPE_CHECKING:
    from devflow.retrieval.graph.declared import DeclaredMeanings

_RUN = FUNCTION_LIKE - {SymbolKind.PROPERTY}


class Receivers:
    """Reads receivers with what `declared` knows of names and members."""

    def __init__(self, declared: DeclaredMeanings, source: Callable[[File], str]) -> None:
        self._declared = declared
        self._source = source

    def told(self, file: File, dialect: Dialect, use: Use) -> list[Meaning] | None:
        """What the member that a use names is; [] when it is nothing of the workspace, None when the code
        does not say."""
        parts = [part for part in re.split(r"\?\.|&\.|->|::|\.", use.receiver) if part]
        owners = self._value(file, dialect, parts[0], use.start)
        if owners is None:
            inside = self._declared.package(file, parts[0], (*parts, use.name)[1])
            if len(parts) == 1 and inside:
                return overloads(inside, 0.95, "import")
            if not inside:
                return [] if self._declared.is_imported_from_outside(file, parts[0]) else None
            del parts[0]
            owners = inside[:1] if inside[0].kind in TYPES else self._held(inside[0], dialect)
        for part in parts[1:]:
            if not owners:
                break
            members = self._declared.member(owners[0], part)
            owners = self._held(members[0], dialect) if members else None
        if not owners:
            return None if owners is None else []
        members = self._declared.member(owners[0], use.name)
        if members:
            return overloads(members, 0.85, "type")
        return [] if self._declared.has_all_bases(owners[0]) else None

    def _held(self, member: Definition, dialect: Dialect) -> list[Definition] | None:
        """As `_value`, of what a field or a variable holds."""
        written = declared_type(member.signature + ";", member.name, dialect)
        return self._typed(self._declared.file_of(member), written) if written else None

    def _value(self, file: File, dialect: Dialect, name: str, at: int) -> list[Definition] | None:
        """The class of what `name` holds at `at`, or the class it names; [] where that is none of the
        workspace, None where the code does not say."""
        around = file.around(at)
        owner = next((each for each in reversed(around) if each.kind in CLASS_LIKE), None)
        function = next((each for each in reversed(around) if each.kind in FUNCTION_LIKE), None)
        if name in dialect.selves:
            if owner is None and function is not None and function.container:
                return self._declared.types(file, function.container.rpartition(".")[2])[:1] or None
            return [owner] if owner is not None else None
        if (
            name in ("super", "base", "parent")
            and owner is not None
            and file.language in ("java", "csharp", "typescript", "tsx", "javascript")
        ):
            return self._declared.bases(owner)[:1] or None
        source = self._source(file)
        if function is not None:
            head = source[function.start : function.name_start + 2 * len(function.signature) + 8]
            before = source[function.start : at]
            written = declared_type(before, name, dialect, last=True) or declared_type(head, name, dialect)
            if (
                not written
                and file.language == "go"
                and function.container
                and re.search(rf"\(\s*{re.escape(name)}\s+\*?", head)
            ):
                written = function.container
            if written:
                return self._typed(file, written)
            if is_parameter(function, name) or declares(before, name):
                return None
        if owner is not None and dialect.implicit:
            members = self._declared.member(owner, name)
            if members and members[0].kind not in _RUN | CLASS_LIKE:
                return self._held(members[0], dialect)
        top = values_first([each for each in file.named("", name) if each.kind not in FUNCTION_LIKE])
        if not top and dialect.package:  # a variable of another file of the package
            top = [
                each
                for each in self._declared.every(name, file.language)
                if same_package(each.path, file.path)
                and not each.container
                and each.kind not in FUNCTION_LIKE
            ]
        if top and top[0].kind not in TYPES:
            return self._held(top[0], dialect)
        if name[:1].isupper() or top:
            return self._declared.types(file, name)[:1] or None
        if file.language in SCRIPTS and (found := values_first(self._declared.imported(file, name) or [])):
            return found[:1] if found[0].kind in TYPES else self._held(found[0], dialect)
        return None

    def _typed(self, file: File, written: str) -> list[Definition] | None:
        """As `_value`, of what is declared with a type; Go's `x := pkg.New(…)` has that of the function."""
        if found := self._declared.types(file, written):
            return found[:1]
        qualifier, _, name = written.rpartition(".")
        if file.language == "go":
            made = (
                self._declared.package(file, qualifier, name)
                if qualifier
                else [
                    each
                    for each in self._declared.every(name, "go")
                    if same_package(each.path, file.path) and not each.container
                ]
            )
            for each in made[:1]:
                given = re.search(r"\)\s*\(?\s*(?:\w+\s+)?\*?([\w.]+)[^)]*\)?\s*$", each.signature)
                return self._declared.types(self._declared.file_of(each), given[1])[:1] if given else None
            if qualifier and self._declared.is_imported_from_outside(file, qualifier):
                return []
        if file.language in SCRIPTS and written in SHAPED:
            return None  # what it is made of counts
        # A type parameter is of any type; a type that nothing here defines is of a library or built in.
        is_known = len(name) > 1 and not qualifier
        return (
            []
            if is_known and not any(each.kind in TYPES for each in self._declared.every(name, file.language))
            else None
        )
