"""The servers that are measured, and how each is started and told of an interpreter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .client import Client
from .corpora import environment

PEERS = (
    "jedi-language-server==0.47.0",
    "python-lsp-server==1.15.0",
    "basedpyright==1.40.2",
    "pyrefly==1.4.1",
    "ty==0.0.104",
    "zuban==0.10.2",
)
"""Installed into a scratch environment and run as programs; DevFlow depends on none of them for this.
zuban is AGPL: it is run here to be compared with, nothing more."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test. `ours`: DevFlow; only we give ghost text."""

    name: str
    command: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = False
    version: str = ""


def our_servers() -> list[Server]:
    """DevFlow with jedi, and with its fast engine."""
    command = (str(Path(sys.executable).parent / "devflow-lsp"),)
    return [
        Server("devflow", command, {"python": {"engine": "jedi"}}, ours=True),
        Server("devflow-fast", command, {"python": {"engine": "ty"}}, ours=True),
    ]


def peers(scratch: Path) -> list[Server]:
    """The other servers, installed from PyPI if they are not yet.

    Raises `subprocess.CalledProcessError` if pip cannot install them.
    """
    programs = environment(scratch / "peers", PEERS)
    commands = {
        "jedi-language-server": ("jedi-language-server",),
        "python-lsp-server": ("pylsp",),
        "basedpyright": ("basedpyright-langserver", "--stdio"),
        "pyrefly": ("pyrefly", "lsp"),
        "ty": ("ty", "server"),
        "zuban": ("zuban", "server"),
    }
    versions = dict(peer.split("==") for peer in PEERS)
    return [
        Server(name, (str(programs / program), *rest), version=versions[name])
        for name, (program, *rest) in commands.items()
    ]


def start(server: Server, root: Path, home: Path, *, keep: bool = False, venv: Path | None = None) -> Client:
    """The server at work on `root`. Its caches are empty unless `keep`, and lie in `home`.

    Nothing of the user's own configuration reaches it. Raises as `Client` does.
    """
    if not keep:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    known = {"PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE"}
    variables = {name: value for name, value in os.environ.items() if name in known}
    variables |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
    }
    options, settings = dict(server.options), {}
    if venv is not None:
        python = str(venv / "bin" / "python")
        variables |= {"VIRTUAL_ENV": str(venv), "PATH": f"{venv / 'bin'}:{variables.get('PATH', '')}"}
        settings = {
            "python": {"pythonPath": python, "defaultInterpreterPath": python},
            "pylsp": {"plugins": {"jedi": {"environment": str(venv)}}},
        }
        if server.name == "jedi-language-server":
            options |= {"workspace": {"environmentPath": python}}
    return Client(
        server.command,
        root,
        environment=variables,
        options=options,
        settings=settings or None,
        stderr=home / "stderr.log",
    )
