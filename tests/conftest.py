"""Guards every test stands behind."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail any test that reaches beyond loopback."""
    attempts: list[str] = []

    def local(address: Any) -> bool:
        if not isinstance(address, tuple):
            return True  # a Unix socket's path
        host = str(address[0])
        try:
            return ipaddress.ip_address(host.split("%")[0]).is_loopback
        except ValueError:
            return host in ("localhost", "")

    def guard(name: str) -> None:
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, *rest: Any) -> Any:
            if not local(address):
                attempts.append(f"{name} to {address!r}")
                raise OSError(f"tests may not reach beyond loopback: {address!r}")
            return real(self, address, *rest)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")
    real_lookup = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not local((name,)):
            attempts.append(f"lookup of {name!r}")
            raise socket.gaierror(f"tests may not reach beyond loopback: {name!r}")
        return real_lookup(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    yield
    assert not attempts, f"the test tried to leave the machine: {attempts}"


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache, config and data folders of the test's own: the user's are never read or written."""
    home = tmp_path_factory.mktemp("home")
    for variable, folder in (
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    return home


_status = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End although a test that failed left a thread (a connection to a database has one): Python would wait
    for it without end."""
    left = [each.name for each in threading.enumerate() if each.is_alive() and not each.daemon]
    left.remove(threading.main_thread().name)
    status = config.stash.get(_status, 1)
    if left:
        print("threads left behind:", *left, file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(status or 1)
