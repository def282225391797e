"""What the engines that speak to a server share: where it is, with which key, and its HTTP client."""

from __future__ import annotations

import abc
import asyncio
import importlib.util
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

from devflow.models.base import (
    FEW_CHARACTERS_PER_TOKEN,
    ChatRequest,
    FillRequest,
    Health,
    Meter,
    ModelStatus,
)
from devflow.models.errors import (
    ModelError,
    NotConfigured,
    NotInstalled,
    Rejected,
)
from devflow.models.outbound import Outbound, host_of, leaves_machine
from devflow.models.streams import closing

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class Server:
    """A model at a server. The key never shows in a repr."""

    name: str
    """How messages call it."""
    model: str
    base_url: str
    api_key: str = field(default="", repr=False)
    api_key_env: str = ""
    """Where the key comes from, for messages."""
    family: str = ""
    context: int = 4096
    timeout: float = 60.0
    forwards: bool = False
    """A loopback server that passes text on to a provider."""
    proxy: str = field(default="", repr=False)
    fill: str = ""
    """How a hole is sent, "" for what the family and address suggest."""
    key_store: str = ""
    """`service/user` of the key in the operating system's key store."""
    slot: str = ""
    """The slot of llama.cpp's server that keeps what fills have read; "" leaves it to the server."""
    counts: bool = False
    """It says how many tokens a stream used when asked to; some compatible servers refuse the question."""
    thinking: str = ""
    """Tokens it may think before it answers; "" for what is usual for its name."""
    api_version: str = ""
    """Azure's, sent as a query parameter; the key then goes in Azure's header as well."""

    @property
    def remote(self) -> bool:
        """Whether text sent to it leaves this machine."""
        return leaves_machine(self.base_url, forwards=self.forwards)

    @property
    def place(self) -> str:
        """Name and host, for messages."""
        return f"{self.name} ({host_of(self.base_url)})"


class Client(Protocol):
    """What the clients of the SDKs have in common."""

    async def close(self) -> None:
        """Close the connections."""
        ...


C = TypeVar("C", bound=Client)
_Request = TypeVar("_Request", FillRequest, ChatRequest, FillRequest | ChatRequest)
_THOUGHTS = 4_096
"""Tokens a model may think of its own accord: without room for them it says nothing."""


class RemoteModel(abc.ABC, Generic[C]):
    """A FillModel and ChatModel at a server, but for the words the API wants: those are `_fill`, `_chat`
    and `_open` of the class below. Every request goes through the guard."""

    library: ClassVar[str]
    """The SDK, which is the engine's name and that of the extra that installs it."""
    thinkers: ClassVar[re.Pattern[str]]
    """What the names of models begin with that think before they answer."""

    def __init__(self, server: Server, outbound: Outbound) -> None:
        self.name = server.name
        self.remote = server.remote
        self._server = server
        self._outbound = outbound
        self._opening: asyncio.Task[C] | None = None
        self._thinks = self.thinkers.match(server.model.rpartition("/")[2]) is not None
        self._thoughts = int(server.thinking) if server.thinking else _THOUGHTS if self._thinks else 0
        self._holds_to_schemas = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._server!r})"

    def status(self) -> ModelStatus:
        """Whether it can be asked, without asking it."""
        problem = self._problem()
        health = Health.UNAVAILABLE if problem else Health.READY
        where = host_of(self._server.base_url)
        accounts = self._outbound.accounts
        refusal = accounts.refusals.get(self.name, "")
        well = refusal or f"{self._server.model} at {where}. {accounts.warning}"
        said = str(problem or well).rstrip()
        return ModelStatus(self.name, self.library, health, said, self.remote, bool(refusal))

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream what belongs in the hole. Raises ModelError."""
        server = self._server
        return self._outbound.fill(
            self.name,
            server.base_url,
            self._with_thoughts(request) if self._fills_by_asking else request,
            self._fill,
            model=server.model,
            forwards=server.forwards,
            ready=self._ready,
        )

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the answer. Raises ModelError."""
        server = self._server
        return self._outbound.chat(
            self.name,
            server.base_url,
            self._with_thoughts(request),
            self._chat,
            model=server.model,
            forwards=server.forwards,
            ready=self._ready,
        )

    def refusal(self, request: FillRequest | ChatRequest) -> str:
        """Why the budget would not let it be asked, "" where it would. Sends nothing; waits for the disk."""
        server, asks = self._server, isinstance(request, ChatRequest) or self._fills_by_asking
        return self._outbound.refusal(
            self.name,
            server.base_url,
            self._with_thoughts(request) if asks else request,
            model=server.model,
            forwards=server.forwards,
        )

    async def warm(self) -> None:
        """Import the SDK, which takes seconds, before the first request waits for it. Nothing is sent.
        Raises ModelError."""
        await self._ready()

    async def close(self) -> None:
        """Close the connections."""
        opening, self._opening = self._opening, None
        if opening is None or _failed(opening):
            return
        if not opening.done():
            opening.cancel()
            return
        await opening.result().close()

    @abc.abstractmethod
    def _fill(self, request: FillRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        """The pieces for a hole, of a request that has passed the guard; `meter` is told what it used."""

    @abc.abstractmethod
    def _chat(self, request: ChatRequest, meter: Meter | None = None) -> AsyncIterator[str]:
        """The pieces of an answer to a conversation that has passed the guard."""

    @abc.abstractmethod
    def _open(self) -> C:
        """A client of the SDK; called in a thread, for it imports the SDK."""

    def _problem(self) -> ModelError | None:
        return problem_with(self._server, self._outbound, self.library)

    async def _ready(self) -> C:
        if (problem := self._problem()) is not None:
            raise problem
        if self._opening is None or _failed(self._opening):
            self._opening = asyncio.create_task(asyncio.to_thread(self._open))
        # Who gives up leaves it going: a key store may wait for its user, and a new try would take a thread
        # and ask once more.
        return await asyncio.shield(self._opening)

    @property
    def _fills_by_asking(self) -> bool:
        return True

    def _with_thoughts(self, request: _Request) -> _Request:
        """With room for what it thinks, which is written and paid for as the answer is."""
        return replace(request, max_tokens=request.max_tokens + self._thoughts) if self._thoughts else request

    def _unsaid(self, tokens: int) -> Rejected:
        return Rejected(
            f"{self._server.place} thought for all of the {tokens:,} tokens it may write and said nothing; "
            "raise options.thinking for it, or name a model that does not think."
        )

    async def _formed(
        self, request: ChatRequest, said: Callable[[bool], AsyncIterator[str]]
    ) -> AsyncIterator[str]:
        """What it says, held to the request's schema by `said(True)`. Not every compatible server knows them,
        nor can every model that thinks be held to one; the words of the request ask for the same."""
        if request.schema and self._holds_to_schemas:
            async with closing(pieces := said(True)):
                try:
                    async for piece in pieces:
                        yield piece
                    return
                except Rejected as error:
                    if getattr(error.__cause__, "status_code", 0) not in (400, 422):
                        raise
        async with closing(again := said(False)):
            async for piece in again:
                yield piece
        if request.schema:  # without it, it does
            self._holds_to_schemas = False

    def _room(self, max_tokens: int) -> int:
        """Characters of prompt that leave room for an answer of `max_tokens` in the context."""
        return max(self._server.context - max_tokens - 64, 64) * FEW_CHARACTERS_PER_TOKEN


def _failed(opening: asyncio.Task[C]) -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)


def problem_with(server: Server, outbound: Outbound, library: str) -> ModelError | None:
    """What keeps the server from being asked, told without asking it or importing the library."""
    name, base_url = server.name, server.base_url
    if importlib.util.find_spec(library) is None:
        return NotInstalled(f"{name} needs the {library} library: pip install 'devflow-lsp[{library}]'.")
    if not server.model:
        return NotConfigured(f"{name} names no model; set `model` for it.")
    if not base_url.startswith(("http://", "https://")) or not host_of(base_url):
        return NotConfigured(f"The base_url of {name} is no address; it begins with http:// or https://.")
    if not outbound.allows(base_url, forwards=server.forwards):
        return NotConfigured(
            f"{name} is not on this machine and models.local_only is on, so nothing is sent to it; "
            "to allow it, set local_only = false under [models] in your own devflow.toml."
        )
    if server.proxy and (not server.proxy.startswith(_PROXIES) or not host_of(server.proxy)):
        return NotConfigured(f"options.proxy of {name} is no address; it begins with http:// or https://.")
    if (wrong := _pasted(server, library)) is not None:
        return wrong
    if server.key_store and importlib.util.find_spec("keyring") is None:
        return NotInstalled(f"{name} needs the keyring library for its key: pip install 'devflow-lsp[keys]'.")
    if server.api_key_env and not server.api_key_env.isidentifier():
        return NotConfigured(
            f"api_key_env of {name} is no name of an environment variable; write the name of the one that "
            "holds the key there, not the key."
        )
    if not server.api_key and not server.key_store and server.remote:
        return NotConfigured(
            f"{name} has no API key; set the environment variable {server.api_key_env} "
            "and restart the editor."
            if server.api_key_env
            else f"{name} has no API key; name the variable that holds it in api_key_env."
        )
    return None


_PROXIES = ("http://", "https://", "socks5://", "socks5h://")
_CALLS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")


def _pasted(server: Server, library: str) -> NotConfigured | None:
    """The complaint about the address of one call, as consoles show it, in place of where calls begin."""
    split = urlsplit(server.base_url)
    path = split.path.rstrip("/")
    if tail := next((call for call in _CALLS if path.endswith(call)), ""):
        return NotConfigured(f"The base_url of {server.name} is that of one call; end it before {tail}.")
    if library == "anthropic" and path.endswith("/v1"):
        return NotConfigured(
            f"The base_url of {server.name} must end before /v1, which Anthropic's SDK adds."
        )
    azure = "/openai/deployments/" in path
    if split.query or (azure and not server.api_version):
        version = ' and give options = { api_version = "…" }' if azure or "api-version" in split.query else ""
        return NotConfigured(
            f"The base_url of {server.name} must end before any '?'{version}; see docs/models.md."
            if split.query
            else f"The base_url of {server.name} is an Azure deployment's; give options = {{ api_version = "
            '"…" } for it.'
        )
    return None


def key_of(server: Server) -> str:
    """The API key: given, or read from the operating system's key store, which may ask the user to unlock it:
    call it in a thread. Raises NotConfigured."""
    if server.api_key or not server.key_store:
        return server.api_key
    import keyring

    service, _, user = server.key_store.rpartition("/")
    try:
        key: str | None = keyring.get_password(service, user)
    except Exception as error:  # besides its own, those of whatever it speaks to: a bus, a helper
        raise NotConfigured(
            f"The key store could not be read for {server.name} ({type(error).__name__}); "
            "name an environment variable in api_key_env instead."
        ) from error
    if not key:
        raise NotConfigured(
            f"The key store holds no key {server.key_store!r} for {server.name}; "
            f"`keyring set {service or 'SERVICE'} {user or 'USER'}` puts it there."
        )
    return key.strip()


def http_client(server: Server, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    """A client without surprises: no proxies or netrc from the environment, and no redirects, which
    could lead off the machine or carry the key to another host. Takes 30 ms: call it in a thread."""
    import httpx2

    for noisy in ("openai", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # at DEBUG they log bodies
    return httpx2.AsyncClient(
        timeout=timeout, trust_env=False, follow_redirects=False, proxy=server.proxy or None
    )
