"""What the engines that speak to a server share: where it is, with which key, and its HTTP client."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devflow.models.errors import ModelError, NotConfigured, RateLimited, Rejected, Unreachable
from devflow.models.outbound import host_of, leaves_machine

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

    @property
    def remote(self) -> bool:
        """Whether text sent to it leaves this machine."""
        return leaves_machine(self.base_url, forwards=self.forwards)

    @property
    def place(self) -> str:
        """Name and host, for messages."""
        return f"{self.name} ({host_of(self.base_url)})"


def http_client(server: Server, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    """A client without surprises: no proxies or netrc from the environment, and no redirects, which
    could lead off the machine or carry the key to another host. Takes 30 ms: call it in a thread."""
    import httpx2

    for noisy in ("openai", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # at DEBUG they log bodies
    return httpx2.AsyncClient(
        timeout=timeout, trust_env=False, follow_redirects=False, proxy=server.proxy or None
    )


def stale(error: BaseException | None) -> bool:
    """Whether the server closed a kept connection just as it was used again, before it read the request:
    the one failure that is worth repeating at once."""
    import httpx2

    if isinstance(error, httpx2.RemoteProtocolError):
        return "without sending a response" in str(error)
    return isinstance(error, httpx2.ReadError | httpx2.WriteError)


def transport_problem(server: Server, error: Exception) -> ModelError | None:
    """The sentence for what the HTTP client or the wire format raised; None for anything else."""
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return Unreachable(f"{server.place} did not answer in time; try again, or raise models.timeout_s.")
    if isinstance(error, httpx2.ConnectError):
        return Unreachable(f"{server.place} cannot be reached; is the server running and the address right?")
    if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
        return Unreachable(f"{server.place} cut the connection in the middle of an answer; try again.")
    if isinstance(error, httpx2.InvalidURL):
        return NotConfigured(f"The address of {server.name} is not a URL: {host_of(server.base_url)!r}.")
    if isinstance(error, ValueError | TypeError | AttributeError | KeyError | IndexError):
        # What the SDKs raise over JSON that is broken or has another shape than the API's.
        return Unreachable(
            f"{server.place} sent an answer that cannot be read; is it really that kind of API?"
        )
    return None


def status_problem(
    server: Server, status: int, kind: str, message: str, retry_after: str | None
) -> ModelError:
    """The sentence for an HTTP status. `kind` is the provider's error type, `message` its words."""
    said = _first_line(message, server.api_key)
    if status == 401 or kind == "authentication_error":
        key = (
            f"check the key in {server.api_key_env}"
            if server.api_key_env
            else "name the variable of its key in api_key_env"
        )
        return Rejected(f"{server.place} refused the API key; {key}.")
    if status == 402 or kind in ("billing_error", "insufficient_quota"):
        return Rejected(f"{server.place} asks for payment: {said}")
    if status == 403 or kind == "permission_error":
        return Rejected(f"{server.place} does not allow this key to use {server.model}: {said}")
    if status == 404 or kind == "not_found_error":
        return Rejected(f"{server.place} does not know the model {server.model!r} or the address: {said}")
    if status in (413, 431) or kind == "request_too_large":
        return Rejected(f"{server.place} finds the request too long; lower `context` for it.")
    if status == 429 or kind == "rate_limit_error":
        wait = _seconds(retry_after)
        when = f"in {wait:g} s" if wait is not None else "later"
        return RateLimited(f"{server.place} asks to slow down; try again {when}.", wait)
    if status >= 500 or status in (408, 409) or kind in ("overloaded_error", "api_error", "timeout_error"):
        return Unreachable(f"{server.place} has a problem of its own (status {status}): {said}")
    if 300 <= status < 400:
        return Unreachable(
            f"{server.place} redirects elsewhere, which is not followed; give its final address."
        )
    return Rejected(f"{server.place} refused the request (status {status}): {said}")


def _first_line(message: str, secret: str) -> str:
    line = " ".join(message.split())[:200] or "no reason given"
    if secret:
        line = line.replace(secret, "[the key]")
    return line if line.endswith((".", "!", "?")) else line + "."


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; None when absent or a date."""
    try:
        seconds = float(header) if header is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 86_400 else None
