"""What a server, the HTTP client or the wire raised, as one of our sentences. The exceptions of the SDKs
themselves are told apart where each is used (`problem_of`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devflow.models.errors import (
    KeyRefused,
    ModelError,
    NotConfigured,
    RateLimited,
    Rejected,
    Silent,
    Unreachable,
    Unsendable,
)
from devflow.models.outbound import host_of

if TYPE_CHECKING:
    from devflow.models.engines.remote import Server


def stale(error: BaseException | None) -> bool:
    """Whether the server closed a kept connection just as it was used again, before it read the request:
    the one failure that is worth repeating at once."""
    import httpx2

    if isinstance(error, httpx2.RemoteProtocolError):
        return "without sending a response" in str(error)
    return isinstance(error, httpx2.ReadError | httpx2.WriteError)


class Unreadable(ValueError):
    """An answer of another shape than the API's."""


_OVER_SHAPES = (ValueError, TypeError, AttributeError, KeyError, IndexError)
"""What the SDKs raise over JSON that is broken or has another shape than the API's."""
_THEIRS = frozenset({"openai", "anthropic", "httpx2", "httpcore2", "pydantic", "pydantic_core"})


def _is_ours(error: Exception) -> bool:
    """Whether it was raised by our own code, or by what that called, rather than by an SDK: a bug here, which
    is no fault of the provider's."""
    ours, at = False, error.__traceback__
    while at is not None:
        package = str(at.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package == "devflow" or package in _THEIRS:
            ours = package == "devflow"
        at = at.tb_next
    return ours


def transport_problem(server: Server, error: Exception) -> ModelError | None:
    """The sentence for what the HTTP client or the wire format raised; None for anything else."""
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return Silent(f"{server.place} did not answer in time; try again, or raise models.timeout_s.")
    if isinstance(error, httpx2.ConnectError):
        return Unreachable(_unreached(server, error))
    if isinstance(error, httpx2.HTTPError | httpx2.StreamError):
        return Unreachable(f"{server.place} cut the connection in the middle of an answer; try again.")
    if isinstance(error, httpx2.InvalidURL):
        return NotConfigured(f"The address of {server.name} is not a URL: {host_of(server.base_url)!r}.")
    if isinstance(error, UnicodeEncodeError):
        # Raised over what is sent, never over an answer; before the ValueErrors, of which it is one.
        return Unsendable(
            f"The request to {server.name} cannot be written as {error.encoding}; it was not sent. "
            "Is its key plain text?"
        )
    if isinstance(error, Unreadable) or (isinstance(error, _OVER_SHAPES) and not _is_ours(error)):
        return Unreachable(
            f"{server.place} sent an answer that cannot be read; is it really that kind of API?"
        )
    return None


def _unreached(server: Server, error: Exception) -> str:
    """What kept the connection from being made, as far as the libraries below tell."""
    import socket
    import ssl

    split = urlsplit(server.base_url)
    address = f"{split.hostname}:{split.port or (443 if split.scheme == 'https' else 80)}"
    proxy = host_of(server.proxy) if server.proxy else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):  # often a proxy's that looks into what it passes
            by = f" through the proxy {proxy}" if proxy else ""
            return f"{server.place} shows{by} a certificate that is not trusted here: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError) and not proxy:
            return f"{server.place} does not speak TLS at {address}; should its base_url begin with http://?"
        if isinstance(cause, socket.gaierror) and not proxy:
            return (
                f"{server.place} has no address on this network; is its base_url right, and the network up?"
            )
        cause = cause.__cause__ or cause.__context__
    if proxy:
        return f"{server.name} cannot be reached at {address} through the proxy {proxy}; is that running?"
    return f"{server.place} cannot be reached at {address}; is the server running and the address right?"


def status_problem(
    server: Server, status: int, kind: str, message: str, retry_after: str | None
) -> ModelError:
    """The sentence for an HTTP status. `kind` is the provider's error type, `message` its words."""
    said = _first_line(message, server.api_key)
    problem = _of_status(server, status, kind, said, _seconds(retry_after))
    problem.said = said if said in str(problem) else ""
    return problem


def _of_status(server: Server, status: int, kind: str, said: str, wait: float | None) -> ModelError:
    if status == 401 or kind == "authentication_error":
        return KeyRefused(_key_refused(server))
    if status == 402 or kind in ("billing_error", "insufficient_quota"):
        return Rejected(f"{server.place} asks for payment: {said}")
    if status == 403 or kind == "permission_error":
        return KeyRefused(
            f"{server.place} does not allow this key to use {server.model}: {said} "
            "Give it a key that may, or name another `model`."
        )
    if status == 404 or kind == "not_found_error":
        return Rejected(f"{server.place} does not know the model {server.model!r} or the address: {said}")
    if status in (413, 431) or kind == "request_too_large":
        return Rejected(f"{server.place} finds the request too long; lower `context` for it.")
    if status == 429 or kind == "rate_limit_error":
        when = f"in {wait:g} s" if wait is not None else "later"
        return RateLimited(f"{server.place} asks to slow down; try again {when}.", wait)
    if status >= 500 or status in (408, 409) or kind in ("overloaded_error", "api_error", "timeout_error"):
        return Unreachable(f"{server.place} has a problem of its own (status {status}): {said}")
    if 300 <= status < 400:
        return Unreachable(
            f"{server.place} redirects elsewhere, which is not followed; give its final address."
        )
    return Rejected(f"{server.place} refused the request (status {status}): {said}")


def _key_refused(server: Server) -> str:
    """What to do is where the key comes from; it is read when the server starts."""
    if server.key_store:
        service, _, user = server.key_store.rpartition("/")
        put = f"put a valid one there by `keyring set {service} {user}`"
    elif not server.api_key_env:
        return f"{server.place} wants an API key; name the environment variable that holds it in api_key_env."
    elif not server.api_key:
        put = f"{server.api_key_env} is empty: set it and restart the editor."
        return f"{server.place} wants an API key and {put}"
    else:
        put = f"put a valid one into {server.api_key_env}"
    return f"{server.place} refused the API key; {put} and restart the editor."


def _first_line(message: str, secret: str) -> str:
    line = " ".join(message.split())[:200] or "no reason given"
    if secret:
        line = line.replace(secret, "[the key]")
    return line if line.endswith((".", "!", "?")) else line + "."


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds, a date as well; None when absent, unreadable or out of all proportion."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
        seconds = max(0.0, seconds)
    return seconds if 0 <= seconds < 86_400 else None
