"""The one way off the machine: policy, path rules, secret redaction, then the call.

A server on a loopback address (127.0.0.0/8, ::1, `localhost`) does not leave the machine: it is allowed
under `local_only` and sees the text as it is. Where such a server only passes text on to a provider, the
user says so with `options = { forwards = "true" }`, and it is treated as the provider it is.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from devflow.models.base import ChatRequest, EmbedRequest, FillRequest, Message
from devflow.models.errors import NotAllowed, Unreachable
from devflow.models.redact import Vault
from devflow.models.streams import closing

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

log = logging.getLogger(__name__)

_Request = TypeVar("_Request", FillRequest, ChatRequest)

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


@dataclass(frozen=True)
class Outbound:
    """What every engine that calls a server is given; its stream comes only through here."""

    local_only: bool = True
    never_send: tuple[str, ...] = ()
    timeout: float = 60.0
    """Seconds to wait for the next piece of an answer."""

    def allows(self, base_url: str, *, forwards: bool = False) -> bool:
        """Whether the policy lets text go to `base_url`."""
        return not self.local_only or not leaves_machine(base_url, forwards=forwards)

    def fill(
        self,
        name: str,
        base_url: str,
        request: FillRequest,
        call: Callable[[FillRequest], AsyncIterator[str]],
        *,
        forwards: bool = False,
        ready: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[str]:
        """`call` with what may be sent of `request`; secrets come back in the answer.

        `ready` prepares the call (imports, a client); its time is not the server's.
        Raises NotAllowed before anything is sent, Unreachable when no piece comes in time."""
        return self._stream(name, base_url, request, call, _without_secrets_fill, forwards, ready)

    def chat(
        self,
        name: str,
        base_url: str,
        request: ChatRequest,
        call: Callable[[ChatRequest], AsyncIterator[str]],
        *,
        forwards: bool = False,
        ready: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[str]:
        """As `fill`, for a conversation."""
        return self._stream(name, base_url, request, call, _without_secrets_chat, forwards, ready)

    async def embed(
        self,
        name: str,
        base_url: str,
        request: EmbedRequest,
        call: Callable[[EmbedRequest], Awaitable[list[list[float]]]],
        *,
        forwards: bool = False,
    ) -> list[list[float]]:
        """The vectors `call` gives for what may be sent of `request`, without its secrets. Raises NotAllowed
        for a file that is kept back, Unreachable when there is no answer in time."""
        if leaves_machine(base_url, forwards=forwards):
            await asyncio.to_thread(self._check, name, base_url, request)
            vault = await asyncio.to_thread(Vault, request.texts)
            request = replace(request, texts=vault.texts)
            log.info("sending to %s (%s), %d secrets taken out", name, host_of(base_url), len(vault))
        try:
            async with asyncio.timeout(self.timeout):
                return await call(request)
        except TimeoutError:
            raise Unreachable(
                f"{name} at {host_of(base_url)} sent nothing for {self.timeout:g} s; try again, "
                "or raise models.timeout_s."
            ) from None

    async def _stream(
        self,
        name: str,
        base_url: str,
        request: _Request,
        call: Callable[[_Request], AsyncIterator[str]],
        redact: Callable[[_Request], tuple[_Request, Vault]],
        forwards: bool,
        ready: Callable[[], Awaitable[object]] | None,
    ) -> AsyncIterator[str]:
        leaves = leaves_machine(base_url, forwards=forwards)
        if leaves:
            # Both in a thread: the first use imports their libraries, and long texts take milliseconds.
            await asyncio.to_thread(self._check, name, base_url, request)
            request, vault = await asyncio.to_thread(redact, request)
            pieces = vault.restore(call(request))
            log.info("sending to %s (%s), %d secrets taken out", name, host_of(base_url), len(vault))
        else:
            pieces = call(request)
        if ready is not None:
            await ready()
        async with closing(pieces):
            while True:
                try:
                    async with asyncio.timeout(self.timeout):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    raise Unreachable(
                        f"{name} at {host_of(base_url)} sent nothing for {self.timeout:g} s; try again, "
                        "or raise models.timeout_s."
                    ) from None
                if piece is None:
                    return
                yield piece

    def _check(self, name: str, base_url: str, request: FillRequest | ChatRequest | EmbedRequest) -> None:
        if self.local_only:
            raise NotAllowed(
                f"{name} at {host_of(base_url)} is not on this machine and models.local_only is on; "
                "set it to false to allow the providers you named."
            )
        if isinstance(request, FillRequest):
            paths: Iterable[str] = (request.path, *request.context_paths)
        else:
            paths = request.paths
        for path in filter(None, paths):
            try:
                kept_back = self.kept_back(path)
            except ValueError as error:  # a pattern that is none: no guessing what it was to keep back
                raise NotAllowed(
                    f"models.never_send holds a pattern that cannot be read ({error}); "
                    "nothing is sent until that is mended."
                ) from None
            if kept_back:
                raise NotAllowed(
                    f"{path} is never sent off this machine (models.never_send); {name} was not asked."
                )

    def kept_back(self, path: str) -> bool:
        """Whether a path rule keeps the text of `path` (relative to its root) on the machine. Letter
        case does not matter: on some systems `.ENV` is `.env`."""
        plain = posixpath.normpath(path.replace("\\", "/")).lstrip("/").casefold()
        while plain.startswith("../"):
            plain = plain[3:]
        return self._rules.match_file(plain)

    @cached_property
    def _rules(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(pattern.casefold() for pattern in (*NEVER_SENT, *self.never_send))


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


def _without_secrets_fill(request: FillRequest) -> tuple[FillRequest, Vault]:
    vault = Vault((request.prefix, request.suffix, request.context), hole=True)
    prefix, suffix, context = vault.texts
    stop = tuple(vault.hidden(stop) for stop in request.stop)
    return replace(request, prefix=prefix, suffix=suffix, context=context, stop=stop), vault


def _without_secrets_chat(request: ChatRequest) -> tuple[ChatRequest, Vault]:
    vault = Vault([message.content for message in request.messages])
    messages = tuple(
        Message(message.role, content) for message, content in zip(request.messages, vault.texts, strict=True)
    )
    stop = tuple(vault.hidden(stop) for stop in request.stop)
    return replace(request, messages=messages, stop=stop), vault
