"""Imports `lsprotocol.types` in a tenth of its time: its classes are finished when they are first used.

The module has 554 attrs classes; attrs compiles each one's methods when it is decorated, 0.3 s in all,
half of a language server's start. A session uses about a hundred of them. So while the module is being
imported, `attrs.define` only notes the class; the first look at its attributes (attrs and cattrs look at
`__attrs_attrs__`) or its first instance applies the real one. A finished class is what lsprotocol makes,
but for `__slots__`, which cannot be given to a class that exists, and `__repr__`, which would show the
user's text.
"""

from __future__ import annotations

import sys
import threading
import typing
from typing import Any

import attrs

_MODULE = "lsprotocol.types"
_LOCK = threading.RLock()


def import_types() -> None:
    """Import the module, once; where it has been imported before, its classes stay as they are."""
    if _MODULE in sys.modules:
        return
    define = attrs.define
    setattr(attrs, "define", _noted)  # noqa: B010 - not of the type that it has
    try:
        import lsprotocol.types  # noqa: F401
    finally:
        attrs.define = define
    from lsprotocol import _hooks

    # It would look at every class to resolve what its annotations name; `_finish` does that for one.
    _hooks._resolved_forward_references = True  # pyright: ignore[reportPrivateUsage]


def is_finished(kind: type) -> bool:
    """Whether the class `kind` of `lsprotocol.types` has its methods."""
    return not isinstance(vars(kind).get("__attrs_attrs__"), _Unfinished)


def _noted(kind: type) -> type:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        _finish(kind)
        self.__init__(*args, **kwargs)

    kind.__init__ = __init__  # type: ignore[misc]
    kind.__attrs_attrs__ = _Unfinished(kind)  # type: ignore[attr-defined]
    return kind


class _Unfinished:
    """Stands for the attributes of a class that has not been looked at."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __get__(self, instance: object, owner: type) -> Any:
        _finish(self._kind)
        return self._kind.__attrs_attrs__  # type: ignore[attr-defined]


def _finish(kind: Any) -> None:
    with _LOCK:
        if is_finished(kind):
            return
        from lsprotocol import types

        hints = typing.get_type_hints(kind, types.ALL_TYPES_MAP, {})

        def resolved(owner: type, fields: list[Any]) -> list[Any]:
            return [field.evolve(type=hints.get(field.name, field.type)) for field in fields]

        # Nothing is taken away first, and the attributes come whole: another thread may look at them. `init`
        # is said because attrs keeps an `__init__` it finds.
        attrs.define(slots=False, repr=False, init=True, field_transformer=resolved)(kind)
        kind.__attrs_types_resolved__ = kind
