"""What may leave the machine, and where that is: addresses and files.

A server on a loopback address (127.0.0.0/8, ::1, `localhost`) does not leave the machine: it is allowed
under `local_only` and sees the text as it is. Where such a server only passes text on to a provider, the
user says so with `options = { forwards = "true" }`, and it is treated as the provider it is.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NEVER_SENT: tuple[str, ...] = (
    ".env",
    ".env.*",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.keystore",
    "*.jks",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    ".pgpass",
    ".npmrc",
    ".pypirc",
    ".aws/",
    ".ssh/",
    ".gnupg/",
    "credentials.json",
    "*.tfstate",
    "*.tfvars",
)
"""Files that are secrets by their nature; the user's own patterns come after and may say `!name`."""


def path_rules(never_send: Iterable[str]) -> GitIgnoreSpec:
    """The rules of `NEVER_SENT` with the user's behind them. Raises ValueError for a pattern that is none."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(pattern.casefold() for pattern in (*NEVER_SENT, *never_send))


def plain_path(path: str) -> str:
    """A path as the rules see it. Letter case does not matter: on some systems `.ENV` is `.env`."""
    plain = posixpath.normpath(path.replace("\\", "/")).lstrip("/").casefold()
    while plain.startswith("../"):
        plain = plain[3:]
    return plain


def leaves_machine(base_url: str, *, forwards: bool = False) -> bool:
    """Whether text sent to `base_url` leaves this machine. Only literal loopback addresses and the name
    `localhost` do not; a name that merely resolves to loopback today is not trusted."""
    if forwards:
        return True
    host = host_of(base_url).rstrip(".").lower()
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def host_of(base_url: str) -> str:
    """The host an address names, without user, password or port; "" when it names none."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
