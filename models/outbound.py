"""The one way off the machine.

In this order: policy (is the provider allowed, may the text of these files go) → an answer kept from before →
secrets and personal data out → budget → rate limits → the call → ledger → audit log. What is taken out of the
request stands in the answer again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar

from devflow.models.base import ChatRequest, EmbedRequest, Excerpt, FillRequest, Message, Meter
from devflow.models.errors import ModelError, NotAllowed, Silent
from devflow.models.guard.accounting import Accounts, Entry, Sent
from devflow.models.guard.books import Books, Keeping
from devflow.models.guard.egress import NEVER_SENT, host_of, leaves_machine, path_rules, plain_path
from devflow.models.guard.ledger import Call
from devflow.models.routing.patience import gave_up
from devflow.models.streams import closing

if TYPE_CHECKING:
    from devflow.models.guard.answers import Answers, Embed, Kept
    from devflow.models.guard.redact import Vault

__all__ = ["NEVER_SENT", "Outbound", "host_of", "leaves_machine"]

log = logging.getLogger(__name__)

_Request = TypeVar("_Request", FillRequest, ChatRequest)
_Any = FillRequest | ChatRequest | EmbedRequest


@dataclass(frozen=True)
class Outbound:
    """What every engine that calls a server is given; its stream comes only through here."""

    local_only: bool = True
    never_send: tuple[str, ...] = ()
    timeout: float = 60.0
    """Seconds to wait for the next piece of an answer."""
    personal: bool = True
    """Whether personal data is taken out as well as secrets."""
    books: Books = field(default_factory=Books)
    keeping: Keeping | None = None
    """How answers are kept; None: none are."""
    vectors: Embed | None = field(default=None, compare=False)
    """Vectors of questions, for answers to the same question in other words."""

    def allows(self, base_url: str, *, forwards: bool = False) -> bool:
        """Whether the policy lets text go to `base_url`."""
        return not self.local_only or not leaves_machine(base_url, forwards=forwards)

    def fill(
        self,
        name: str,
        base_url: str,
        request: FillRequest,
        call: Callable[[FillRequest, Meter], AsyncIterator[str]],
        *,
        model: str = "",
        forwards: bool = False,
        ready: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[str]:
        """`call` with what may be sent of `request`; what was taken out comes back in the answer.

        `model` is its name at the provider, `ready` prepares the call (imports, a client); its time is not
        the server's. Raises NotAllowed, OverBudget, RateLimited before anything is sent, Unreachable when no
        piece comes in time."""
        to = _Server(name, model, base_url, forwards)
        return self._stream(to, request, call, _redacted_fill, ready)

    def chat(
        self,
        name: str,
        base_url: str,
        request: ChatRequest,
        call: Callable[[ChatRequest, Meter], AsyncIterator[str]],
        *,
        model: str = "",
        forwards: bool = False,
        ready: Callable[[], Awaitable[object]] | None = None,
    ) -> AsyncIterator[str]:
        """As `fill`, for a conversation; the answer may be one that was kept."""
        to = _Server(name, model, base_url, forwards)
        if self.keeping is None or not to.leaves:
            return self._stream(to, request, call, _redacted_chat, ready)
        return self._kept_or(to, request, call, ready)

    async def embed(
        self,
        name: str,
        base_url: str,
        request: EmbedRequest,
        call: Callable[[EmbedRequest], Awaitable[list[list[float]]]],
        *,
        model: str = "",
        forwards: bool = False,
    ) -> list[list[float]]:
        """The vectors `call` gives for what may be sent of `request`. Raises as `fill`."""
        to = _Server(name, model, base_url, forwards)
        request, _, entry = await self._admitted(to, request, _redacted_texts)
        outcome, why = "failed", ""
        entry.called = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                vectors = await call(request)
            outcome = "answered"
        except TimeoutError:
            raise self._silent(to) from None
        except ModelError as error:
            why = type(error).__name__
            _forget_text(error, request.texts)
            raise
        finally:
            await self._settled(to, entry, outcome, why)
        return vectors

    def kept_back(self, path: str) -> bool:
        """Whether a path rule keeps the text of `path` (relative to its root) on the machine."""
        return self._kept_back(path)

    def refusal(
        self, name: str, base_url: str, request: _Any, *, model: str = "", forwards: bool = False
    ) -> str:
        """Why the budget would not let a call be made, "" where it would. Sends nothing, waits for the
        disk."""
        return self.accounts.refusal(_sent(_Server(name, model, base_url, forwards), request, None))

    @cached_property
    def accounts(self) -> Accounts:
        """The books of this process."""
        return Accounts(self.books)

    @cached_property
    def answers(self) -> Answers | None:
        """The answers kept; None where none are or cannot be."""
        if self.keeping is None:
            return None
        from sqlite3 import Error

        from devflow.models.guard.answers import Answers

        try:
            return Answers(self.keeping, self.vectors)
        except (OSError, Error) as error:
            log.warning("answers cannot be kept in %s (%s)", self.keeping.folder, error)
            return None

    def close(self) -> None:
        """Close the books, if they were opened. Waits for the disk, and for a collector of traces."""
        if "accounts" in self.__dict__:
            self.accounts.close()

    async def _stream(
        self,
        to: _Server,
        request: _Request,
        call: Callable[[_Request, Meter], AsyncIterator[str]],
        redact: Callable[[_Request, bool], tuple[_Request, Vault]],
        ready: Callable[[], Awaitable[object]] | None,
    ) -> AsyncIterator[str]:
        request, vault, entry = await self._admitted(to, request, redact)
        outcome, why = "cancelled", ""
        try:
            if ready is not None:
                await ready()
            entry.called = time.monotonic()
            pieces = _bounded(call(request, entry.meter), request.max_tokens, entry)
            if vault is not None:
                shown = isinstance(request, ChatRequest) and request.task in ("chat", "explain")
                json = isinstance(request, ChatRequest) and bool(request.schema)
                pieces = vault.restore(pieces, shown=shown, json=json)
            async with closing(pieces):
                while True:
                    try:
                        async with asyncio.timeout(self.timeout):
                            piece = await anext(pieces, None)
                    except TimeoutError:
                        raise self._silent(to) from None
                    if piece is None:
                        break
                    entry.heard(len(piece))
                    yield piece
            outcome = "overran" if entry.overran else "answered"
        except ModelError as error:
            outcome, why = "failed", type(error).__name__
            _forget_text(error, request.texts)
            raise
        except asyncio.CancelledError:
            outcome = "stalled" if gave_up() else "cancelled"
            raise
        finally:
            await self._settled(to, entry, outcome, why)

    async def _kept_or(
        self,
        to: _Server,
        request: ChatRequest,
        call: Callable[[ChatRequest, Meter], AsyncIterator[str]],
        ready: Callable[[], Awaitable[object]] | None,
    ) -> AsyncIterator[str]:
        """The kept answer, else the model's, which is kept when it is whole."""
        await asyncio.to_thread(self._check, to, request)  # what must not be sent has no kept answer either
        answers = await asyncio.to_thread(lambda: self.answers)
        kept: Kept | None = None
        if answers is not None:
            kept = await asyncio.to_thread(answers.find, to.kept_as, request)
        if kept is not None and not kept.check:
            entry = self.accounts.entry(_sent(to, request, None))
            hit = Call(
                entry.id, entry.at, request.task, to.name, to.host, request.language,
                total=time.monotonic() - entry.asked, hit=kept.how, saved=kept.cost,
            )  # fmt: skip
            await asyncio.to_thread(self.accounts.write, hit)
            yield kept.answer
            return
        said: list[str] = []
        pieces = self._stream(to, request, call, _redacted_chat, ready)
        async with closing(pieces):
            async for piece in pieces:
                said.append(piece)
                yield piece
        answer = "".join(said)
        if answers is None or not answer or len(answer) >= _most_characters(request.max_tokens):
            return
        if kept is not None:
            await asyncio.to_thread(answers.compared, kept.answer, answer)
        cost = self.accounts.estimated(_sent(to, request, None), len(answer))
        await asyncio.to_thread(answers.keep, to.kept_as, request, answer, cost)

    async def _admitted(
        self,
        to: _Server,
        request: _AnyRequest,
        redact: Callable[[_AnyRequest, bool], tuple[_AnyRequest, Vault]],
    ) -> tuple[_AnyRequest, Vault | None, Entry]:
        """The request as it may be sent, with the money for it reserved."""
        entry = self.accounts.entry(_sent(to, request, None))
        if not to.leaves:
            if self.accounts.price(entry.sent) is not None:
                await self.accounts.admit(entry)
            return request, None, entry
        given = request
        prepared: list[tuple[_AnyRequest, Vault]] = []

        def prepare() -> None:
            """In a thread: the first use imports libraries, and long texts take milliseconds."""
            prepared.append(self._prepared(to, given, redact))
            entry.sent = _sent(to, *prepared[0], content=self.books.keep_content)

        await self.accounts.admit(entry, prepare)
        [(request, vault)] = prepared
        log.info("%s goes to %s (%s) without %s", entry.id, to.name, to.host, vault.redactions)
        return request, vault, entry

    def _prepared(
        self,
        to: _Server,
        request: _AnyRequest,
        redact: Callable[[_AnyRequest, bool], tuple[_AnyRequest, Vault]],
    ) -> tuple[_AnyRequest, Vault]:
        self._check(to, request)
        return redact(request, self.personal)

    async def _settled(self, to: _Server, entry: Entry, outcome: str, why: str) -> None:
        await self.accounts.settle(entry, outcome, why)
        log.info("%s %s after %.2f s", entry.id, outcome, time.monotonic() - entry.asked)

    def _silent(self, to: _Server) -> Silent:
        return Silent(
            f"{to.name} at {to.host} sent nothing for {self.timeout:g} s; try again, or raise "
            "models.timeout_s."
        )

    def _check(self, to: _Server, request: _Any) -> None:
        """Raises NotAllowed."""
        if self.local_only:
            raise NotAllowed(
                f"{to.name} at {to.host} is not on this machine and models.local_only is on; "
                "set it to false to allow the providers you named."
            )
        for path in request.files:
            try:
                kept_back = self.kept_back(path)
            except ValueError as error:  # a pattern that is none: no guessing what it was to keep back
                raise NotAllowed(
                    f"models.never_send holds a pattern that cannot be read ({error}); "
                    "nothing is sent until that is mended."
                ) from None
            if kept_back:
                raise NotAllowed(
                    f"{path} is never sent off this machine (models.never_send); {to.name} was not asked."
                )

    @cached_property
    def _kept_back(self) -> Callable[[str], bool]:
        """Of the files that are worked on, each is asked about at every call."""
        rules = path_rules(self.never_send)
        return lru_cache(maxsize=4_096)(lambda path: rules.match_file(plain_path(path)))


_AnyRequest = TypeVar("_AnyRequest", FillRequest, ChatRequest, EmbedRequest)


@dataclass(frozen=True, slots=True)
class _Server:
    """Whom a call is for."""

    name: str
    model: str
    base_url: str
    forwards: bool

    @property
    def host(self) -> str:
        return host_of(self.base_url)

    @property
    def kept_as(self) -> str:
        """Whose an answer is that is kept: providers call different models by one name."""
        return f"{self.model or self.name} at {self.base_url}"

    @property
    def leaves(self) -> bool:
        return leaves_machine(self.base_url, forwards=self.forwards)


def _forget_text(error: ModelError, texts: Iterable[str]) -> None:
    """Leave a provider's words out of `error` where they repeat the request, as servers do that check its
    form: sentences are logged, and no text may be."""
    said, sent = error.said, "\n".join(texts)
    if any(said[at : at + _REPEATED] in sent for at in range(len(said) - _REPEATED + 1)):
        error.args = (f"{str(error).removesuffix(said)}its words repeat the request and are left out.",)
        error.said = ""


_REPEATED = 20
"""Code points that a provider's words have in common with a request only by repeating it."""


async def _bounded(pieces: AsyncIterator[str], max_tokens: int, entry: Entry) -> AsyncIterator[str]:
    """`pieces`, closed where they are clearly more than the tokens that were asked for and reserved: some
    servers do not know the field, and some models never end."""
    left = _most_characters(max_tokens)
    async with closing(pieces):
        async for piece in pieces:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                entry.overran = True
                log.warning("%s wrote far more than the %d tokens asked for", entry.sent.name, max_tokens)
                return


def _most_characters(max_tokens: int) -> int:
    """No answer has eight characters a token, but for a short one of indentation or ruled lines."""
    return 8 * max_tokens + 200


def _sent(to: _Server, request: _Any, vault: Vault | None, *, content: bool = False) -> Sent:
    texts = request.texts
    if isinstance(request, FillRequest):
        feature = "read ahead" if request.ahead else "fill"
    else:
        feature = request.task if isinstance(request, ChatRequest) else "embed"
    return Sent(
        feature=feature,
        name=to.name,
        model=to.model,
        host=to.host if to.leaves else "",
        characters=sum(map(len, texts)),
        bytes=sum(len(text.encode("utf-8", "replace")) for text in texts),
        turns=len(texts),
        max_tokens=0 if isinstance(request, EmbedRequest) else request.max_tokens,
        language="" if isinstance(request, EmbedRequest) else request.language,
        files=request.files,
        unit="" if isinstance(request, EmbedRequest) else request.unit,
        redacted=vault.redactions.kinds if vault is not None else {},
        content="\n".join(texts) if content else "",
    )


def _redacted_fill(request: FillRequest, personal: bool) -> tuple[FillRequest, Vault]:
    vault = _vault(request.texts, hole=True, personal=personal)
    prefix, suffix, path, repository, *parts = vault.texts
    context = tuple(Excerpt(text, path) for path, text in zip(parts[::2], parts[1::2], strict=True))
    stop = tuple(vault.hidden(stop) for stop in request.stop)
    request = replace(request, path=path, repository=repository, context=context, stop=stop)
    return replace(request, prefix=prefix, suffix=suffix), vault


def _redacted_chat(request: ChatRequest, personal: bool) -> tuple[ChatRequest, Vault]:
    vault = _vault(request.texts, personal=personal)
    messages = tuple(
        Message(message.role, content) for message, content in zip(request.messages, vault.texts, strict=True)
    )
    stop = tuple(vault.hidden(stop) for stop in request.stop)
    return replace(request, messages=messages, stop=stop), vault


def _redacted_texts(request: EmbedRequest, personal: bool) -> tuple[EmbedRequest, Vault]:
    vault = _vault(request.texts, personal=personal)
    return replace(request, texts=vault.texts), vault


def _vault(texts: Sequence[str], *, hole: bool = False, personal: bool) -> Vault:
    # Its hundreds of patterns take a tenth of a second, which who asks nobody need not spend.
    from devflow.models.guard.redact import Vault

    return Vault(texts, hole=hole, personal=personal)
