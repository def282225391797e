"""Every exception of the SDKs and the HTTP client is a sentence."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import httpx2
import pytest

from devflow.models.engines import anthropic as anthropic_engine
from devflow.models.engines import openai as openai_engine
from devflow.models.engines.provider_errors import transport_problem
from devflow.models.engines.remote import Server
from devflow.models.errors import ModelError, Unreachable, Unsendable
from support.remote_models import KEY


@pytest.mark.parametrize(
    ("cause", "proxy", "sentence"),
    [
        (
            ssl.SSLError(1, "wrong version number"),
            "",
            "does not speak TLS at 127.0.0.1:8443; should its base_url",
        ),
        (socket.gaierror(-2, "unknown"), "", "has no address on this network; is its base_url right"),
        (ConnectionRefusedError(), "", "cannot be reached at 127.0.0.1:8443; is the server running"),
        (
            ConnectionRefusedError(),
            "http://u:p@proxy.example:3128",
            "through the proxy proxy.example; is that",
        ),
    ],
)
def test_what_kept_a_connection_from_being_made_is_told(cause: Exception, proxy: str, sentence: str) -> None:
    server = Server("main", "m-1", "https://127.0.0.1:8443/v1", proxy=proxy)
    error = httpx2.ConnectError("All connection attempts failed")
    error.__cause__ = httpx2.TransportError("again")
    error.__cause__.__context__ = cause
    problem = transport_problem(server, error)
    assert isinstance(problem, Unreachable)
    assert sentence in str(problem)


def test_a_certificate_that_is_not_trusted_is_told_with_its_reason() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = httpx2.ConnectError("failed")
    error.__cause__ = cause
    problem = transport_problem(Server("main", "m-1", "https://127.0.0.1:8443/v1"), error)
    assert (
        str(problem)
        == "main (127.0.0.1) shows a certificate that is not trusted here: self-signed certificate."
    )


def test_a_certificate_that_is_not_trusted_is_told_behind_a_proxy_too() -> None:
    error = httpx2.ConnectError("failed")
    error.__cause__ = cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate in certificate chain"
    server = Server("main", "m-1", "https://api.example/v1", proxy="http://proxy.example:3128")
    said = str(transport_problem(server, error))
    assert "a certificate that is not trusted here: self-signed certificate in certificate chain." in said
    assert "through the proxy proxy.example" in said


def exceptions_of(module: Any, root: type[Exception]) -> set[type[Exception]]:
    return {
        value
        for value in (*vars(module).values(), *vars(module._exceptions).values())
        if isinstance(value, type) and issubclass(value, root)
    }


def raised(kind: type[Exception], httpx2: Any) -> Exception:
    """An instance, made without the constructor's many shapes."""
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    error = kind.__new__(kind)
    Exception.__init__(error, "words")
    status = getattr(kind, "status_code", 500)
    values = {
        "message": "words", "request": request, "body": None, "type": None, "code": None, "api_message": None,
        "response": httpx2.Response(status if isinstance(status, int) else 500, request=request),
        "status_code": status if isinstance(status, int) else 500,
    }  # fmt: skip
    for name, value in values.items():
        setattr(error, name, value)
    return error


def test_every_exception_of_the_sdks_becomes_a_sentence() -> None:
    import anthropic
    import httpx2
    import openai

    server = Server("main", "m-1", "http://127.0.0.1/v1", KEY, "TEST_KEY")
    for module, root, problem_of in (
        (openai, openai.OpenAIError, openai_engine.problem_of),
        (anthropic, anthropic.AnthropicError, anthropic_engine.problem_of),
    ):
        found = exceptions_of(module, root)
        assert len(found) > 10
        for kind in found:
            problem = problem_of(server, raised(kind, httpx2))
            assert isinstance(problem, ModelError), kind
            assert "main" in str(problem), kind
        for kind in exceptions_of_client(httpx2):
            assert isinstance(problem_of(server, raised(kind, httpx2)), Unreachable), kind
        assert problem_of(server, RuntimeError("a bug")) is None


def test_a_key_that_no_header_can_hold_is_not_the_server_s_failure() -> None:
    server = Server("main", "m-1", "http://127.0.0.1/v1", KEY, "TEST_KEY")
    with pytest.raises(UnicodeEncodeError) as told:
        "naïve".encode("ascii")
    for problem_of in (openai_engine.problem_of, anthropic_engine.problem_of):
        problem = problem_of(server, told.value)
        assert isinstance(problem, Unsendable)
        assert "main" in str(problem)


def exceptions_of_client(httpx2: Any) -> set[type[Exception]]:
    roots = (httpx2.HTTPError, httpx2.StreamError)
    return {value for value in vars(httpx2).values() if isinstance(value, type) and issubclass(value, roots)}
