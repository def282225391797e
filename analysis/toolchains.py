"""Where the environment says that Go and Java lie on this machine. It is told once, where the parts are put
together."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = ("JAVA_HOME", "GOROOT", "GOPATH", "GOMODCACHE")
_told: dict[str, str] = {}


def follow(environment: Mapping[str, str]) -> None:
    """Look for tool chains where these variables say."""
    _told.clear()
    _told.update({name: environment[name] for name in _NAMES if environment.get(name)})


def told(name: str) -> str:
    """What was told of a variable; "" where nothing was."""
    return _told.get(name, "")
