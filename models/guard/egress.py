"""What may leave the machine, and where that is: addresses and files.

A server on a loopback address (127.0.0.0/8, ::1, `localhost`) does not leave the machine: it is allowed
under `local_only` and sees the text as it is. Where such a server only passes text on to a provider, the
user says so with `options = { forwards = "true" }`, and it is treated as the provider it is.
"""

from __future__ import annotations

import ipaddress
import os
import posixpath
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NEVER_SENT: tuple[str, ...] = (
    ".env",
    ".env.*",
    ".env~",
    ".envrc",
    "*.env",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    "!example.env",
    "!sample.env",
    "!template.env",
    "*.pem",
    "*.pem.*",
    "*.p8",
    "*.ovpn",
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
    "_netrc",
    ".pgpass",
    "pgpass.conf",
    ".s3cfg",
    ".boto",
    ".dockercfg",
    ".terraformrc",
    "*.tfrc.json",
    ".cargo/credentials*",
    ".gem/credentials",
    ".*_history",
    ".npmrc",
    ".pypirc",
    ".aws/",
    ".azure/",
    ".ssh/",
    ".gnupg/",
    ".kube/",
    "kubeconfig",
    ".docker/config.json",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".vault-token",
    "credentials.json",
    "application_default_credentials.json",
    "*.ppk",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
)
"""Files that are secrets by their nature; the user's own patterns come after and may say `!name`."""


def path_rules(never_send: Iterable[str]) -> GitIgnoreSpec:
    """The rules of `NEVER_SENT` with the user's behind them. Raises ValueError for a pattern that is none."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(_folded(pattern) for pattern in (*NEVER_SENT, *never_send))


def plain_path(path: str) -> str:
    """A path as the rules see it. Letter case does not matter: on some systems `.ENV` is `.env`; nor how
    accents are written, which a checkout from another system may do otherwise."""
    plain = _folded(posixpath.normpath(path.replace("\\", "/")).lstrip("/"))
    while plain.startswith("../"):
        plain = plain[3:]
    # Blanks and dots at the end of a name are none on some systems, and easily overlooked on the others.
    return "/".join(part.strip().rstrip(". ") or part for part in plain.split("/"))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def rule_paths(path: Path | None, uri: str, roots: Sequence[Path]) -> tuple[str, ...]:
    """The names of one text that path rules look at, the one below its root first, and below each root where
    one lies in another.

    What a link leads to is named too, and the whole path where a rule of `NEVER_SENT` looks at a folder
    above the root. Of a document that is no file (`untitled:`, `git:`, a cell), the path of its URI counts.
    Reads links from the disk.
    """
    if path is None:
        inside = {uri, unquote(uri)}
        try:
            split = urlsplit(uri)
            inside |= {unquote(split.path), unquote(f"{split.path}#{split.fragment}")}
        except ValueError:
            pass  # the whole of it counts all the same
        named = sorted(filter(None, inside), key=len)
        return tuple(dict.fromkeys(shown for each in named for shown in _names(Path(each), roots)))
    names = _names(path, roots)
    try:
        leads_to = Path(os.path.realpath(path))
        real_roots = [Path(os.path.realpath(root)) for root in roots]
    except (OSError, ValueError):
        return names
    return tuple(dict.fromkeys((*names, *_names(leads_to, (*real_roots, *roots)))))


def _names(path: Path, roots: Sequence[Path]) -> tuple[str, ...]:
    whole = path.as_posix()
    below = [path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)]
    shown, *others = below or [whole]
    # A rule of the user may take back what is kept back below the root, but not what is so above it.
    rules = _built_in()
    undecided = rules.check_file(plain_path(shown)).include is None
    return (shown, *others, *((whole,) if undecided and rules.match_file(plain_path(whole)) else ()))


@lru_cache(maxsize=1)
def _built_in() -> GitIgnoreSpec:
    return path_rules(())


@lru_cache(maxsize=64)
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


@lru_cache(maxsize=64)
def host_of(base_url: str) -> str:
    """The host an address names, without user, password or port; "" when it names none."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
