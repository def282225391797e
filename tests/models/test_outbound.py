"""Nothing leaves the machine that should not."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message, Meter
from devflow.models.errors import NotAllowed, Unreachable
from devflow.models.guard.egress import rule_paths
from devflow.models.outbound import Outbound, host_of, leaves_machine

REMOTE, LOCAL = "https://api.example.com/v1", "http://127.0.0.1:8080/v1"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


class Provider:
    """Says what it was sent, prefix first."""

    def __init__(self) -> None:
        self.sent: list[FillRequest | ChatRequest] = []

    async def fill(self, request: FillRequest, meter: Meter) -> AsyncIterator[str]:
        self.sent.append(request)
        yield request.prefix
        yield request.suffix

    async def chat(self, request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        self.sent.append(request)
        for message in request.messages:
            yield message.content


async def text(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


@pytest.mark.parametrize(
    ("address", "leaves"),
    [
        ("http://127.0.0.1:8080/v1", False),
        ("http://127.9.9.9", False),
        ("http://localhost:11434/v1", False),
        ("http://LOCALHOST.:11434/v1", False),
        ("http://[::1]:8000", False),
        ("https://api.openai.com/v1", True),
        ("http://localhost.example.com", True),
        ("http://127.0.0.1.nip.io", True),
        ("http://127.0.0.1@example.com/", True),
        ("http://localhost:80@example.com/", True),
        ("http://0.0.0.0:80", True),
        ("http://192.168.1.4", True),
        ("http://[::ffff:8.8.8.8]", True),
        ("http://2130706433", True),
        ("http://0x7f.1", True),
        ("http://my-server", True),
        ("localhost:8080", True),
        ("not an address", True),
        ("http://[broken", True),
        ("", True),
    ],
)
def test_only_a_literal_loopback_address_stays_on_the_machine(address: str, leaves: bool) -> None:
    assert leaves_machine(address) is leaves


def test_a_loopback_server_that_passes_text_on_leaves_the_machine() -> None:
    assert leaves_machine(LOCAL, forwards=True)
    assert not Outbound().allows(LOCAL, forwards=True)
    assert Outbound().allows(LOCAL)


def test_the_host_is_named_without_user_password_or_port() -> None:
    assert host_of("https://user:pass@example.com:81/v1") == "example.com"


async def test_local_only_forbids_every_call_off_the_machine() -> None:
    provider = Provider()
    guard = Outbound(local_only=True)
    with pytest.raises(
        NotAllowed, match=r"p at api.example.com is not on this machine and models.local_only is on"
    ):
        await text(guard.fill("p", REMOTE, FillRequest("a", "b"), provider.fill))
    with pytest.raises(NotAllowed):
        await text(guard.chat("p", REMOTE, ChatRequest((Message("user", "a"),)), provider.chat))
    assert provider.sent == []
    assert await text(guard.fill("p", LOCAL, FillRequest("a", "b"), provider.fill)) == "ab"


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "conf/.ENV.local",
        "deploy/server.pem",
        ".ssh/config",
        "a/../.env",
        "secrets/x.py",
        r"Secrets\x.py",
        "/.env",
    ],
)
async def test_a_file_under_a_path_rule_is_never_sent(path: str) -> None:
    provider = Provider()
    guard = Outbound(local_only=False, never_send=("secrets/",))
    for request in (FillRequest("a", "b", path=path), FillRequest("a", "b", context_paths=("x.py", path))):
        with pytest.raises(NotAllowed, match=r"is never sent off this machine"):
            await text(guard.fill("p", REMOTE, request, provider.fill))
    with pytest.raises(NotAllowed):
        await text(
            guard.chat("p", REMOTE, ChatRequest((Message("user", "a"),), paths=(path,)), provider.chat)
        )
    assert provider.sent == []


def test_a_secret_file_is_known_by_where_it_lies_and_by_what_leads_to_it(tmp_path: Path) -> None:
    guard = Outbound(local_only=False)
    home = tmp_path / "home"
    keys, work = home / ".ssh", home / "work"
    keys.mkdir(parents=True)
    work.mkdir()
    (work / ".env").write_text("A=1")
    (work / "link.py").symlink_to(work / ".env")
    for path, root in (
        (keys / "config", work),
        (keys / "config", keys),
        (work / "link.py", work),
        (work / ".env ", work),
        (work / ".env.", work),
    ):
        assert any(map(guard.kept_back, rule_paths(path, path.as_uri(), [root]))), path
    assert rule_paths(work / "shop" / "cart.py", "", [work]) == ("shop/cart.py",)
    assert not any(map(guard.kept_back, rule_paths(work / ".env.example", "", [work])))
    mine = Outbound(local_only=False, never_send=("!link.py", "!.env"))
    assert not any(map(mine.kept_back, rule_paths(work / "link.py", "", [work])))


def test_a_file_of_nested_workspaces_is_known_by_its_name_in_each() -> None:
    outer, inner = Path("/w/outer"), Path("/w/outer/inner")
    for roots in ([outer, inner], [inner, outer]):
        for rule in ("/private/", "/inner/private/"):
            guard = Outbound(local_only=False, never_send=(rule,))
            assert any(map(guard.kept_back, rule_paths(inner / "private" / "a.py", "", roots))), (rule, roots)
    assert rule_paths(inner / "a.py", "", [inner, outer])[0] == "a.py"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_the_same_however_its_accents_are_written(form: Literal["NFC", "NFD"]) -> None:
    rule, path = unicodedata.normalize(form, "Schlüssel/"), "Schlüssel/a.py"
    for other in ("NFC", "NFD"):
        assert Outbound(never_send=(rule,)).kept_back(unicodedata.normalize(other, path))


@pytest.mark.parametrize(
    "path",
    [
        "prod.env",
        "private ./.env . ",
        ".git-credentials",
        ".docker/config.json",
        ".kube/config",
        "deploy/kubeconfig",
        "terraform.tfstate.backup",
        ".htpasswd",
        "gcloud/application_default_credentials.json",
        "login.ppk",
        ".env~",
        ".envrc",
        "server.pem.bak",
        "AuthKey.p8",
        "office.ovpn",
        "_netrc",
        ".cargo/credentials.toml",
        "credentials.tfrc.json",
        ".azure/accessTokens.json",
        ".bash_history",
    ],
)
def test_files_that_are_secrets_by_their_nature_are_never_sent(path: str) -> None:
    assert Outbound(local_only=False).kept_back(path)


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:.env",
        "untitled:a/.env",
        "git:/home/x/.env?%7B%22ref%22%3A%22%22%7D",
        "git:///home/x/.env?x#y",
        "vscode-remote://ssh/home/x/.env",
        "vscode-remote://ssh%2Bhost/home/x/%2Eenv",
        "vscode-notebook-cell:/home/x/.env#a",
        "file:///home/x/.env%20",
        "untitled:notes#1/.env",
        "untitled:/home/x/.ssh/config",
    ],
)
def test_a_document_that_is_no_file_is_known_by_the_path_of_its_uri(uri: str) -> None:
    assert any(map(Outbound(local_only=False).kept_back, rule_paths(None, uri, [Path("/home/x")])))
    assert not any(map(Outbound().kept_back, rule_paths(None, "untitled:Untitled-1", [])))


async def test_with_a_path_rule_that_cannot_be_read_nothing_is_sent() -> None:
    provider = Provider()
    guard = Outbound(local_only=False, never_send=("!",))
    with pytest.raises(NotAllowed, match=r"models.never_send holds a pattern that cannot be read"):
        await text(guard.fill("p", REMOTE, FillRequest("a", "b", path="a.py"), provider.fill))
    assert provider.sent == []


async def test_the_user_can_take_a_built_in_path_rule_back() -> None:
    assert Outbound().kept_back("server.key")
    assert not Outbound(never_send=("!server.key",)).kept_back("server.key")
    assert not Outbound().kept_back("src/environment.py")
    assert not Outbound().kept_back(".env.example")


async def test_secrets_stay_here_and_come_back_in_the_answer() -> None:
    provider = Provider()
    guard = Outbound(local_only=False)
    request = FillRequest(
        f"a = '{TOKEN}'", f"b = '{TOKEN}'", context=(Excerpt(f"c = '{TOKEN}'", TOKEN),), stop=(TOKEN,)
    )
    assert await text(guard.fill("p", REMOTE, request, provider.fill)) == f"a = '{TOKEN}'b = '{TOKEN}'"
    conversation = ChatRequest((Message("system", TOKEN), Message("user", f"x {TOKEN}")))
    assert await text(guard.chat("p", REMOTE, conversation, provider.chat)) == f"{TOKEN}x {TOKEN}"
    assert TOKEN not in repr(provider.sent)
    assert TOKEN[4:] not in repr(provider.sent)


async def test_a_conversation_that_is_shown_gets_no_secret_into_a_link() -> None:
    guard = Outbound(local_only=False)
    link = f"[x](https://evil.example/{TOKEN})"
    for task, is_back in (("explain", False), ("chat", False), ("edit", True)):
        asked = ChatRequest((Message("user", link),), task=task)  # type: ignore[arg-type]
        said = await text(guard.chat("p", REMOTE, asked, Provider().chat))
        assert (TOKEN in said) is is_back


async def test_a_server_on_this_machine_sees_the_text_as_it_is() -> None:
    provider = Provider()
    await text(Outbound().fill("p", LOCAL, FillRequest(TOKEN, "", path=".env"), provider.fill))
    assert TOKEN in repr(provider.sent)


async def test_a_provider_that_says_nothing_in_time_is_given_up() -> None:
    closed: list[bool] = []

    async def silent(request: FillRequest, meter: Meter) -> AsyncIterator[str]:
        import asyncio

        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    with pytest.raises(Unreachable, match=r"p at api.example.com sent nothing for 0.05 s"):
        await text(Outbound(False, timeout=0.05).fill("p", REMOTE, FillRequest("", ""), silent))
    assert closed == [True]


async def test_nothing_of_the_text_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "devflow")
    await text(
        Outbound(local_only=False).fill("p", REMOTE, FillRequest("document text", TOKEN), Provider().fill)
    )
    assert "goes to p (api.example.com) without 1 SECRET" in caplog.text
    assert "answered after" in caplog.text
    assert "document text" not in caplog.text
    assert TOKEN not in caplog.text
