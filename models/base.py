"""The protocols of the models layer and the values they exchange.

An engine streams pieces of text; closing the stream (or cancelling the task that reads it) stops the
engine within 50 ms. Failures are `models.errors.ModelError`, whose message is a sentence for the user.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from devflow.models.guard.books import Books, Keeping
from devflow.models.guard.egress import leaves_machine

if TYPE_CHECKING:
    import numpy

    from devflow.models.families import Profile
    from devflow.models.routing.experiments import Experiment
    from devflow.models.routing.rules import Rule


Task = Literal["fill", "explain", "edit", "review", "chat", "embed"]
NativeEngineName = Literal["exllamav2", "ctransformers", "llama"]
"""Engines that run in a model worker on this machine."""
EngineName = Literal[NativeEngineName, "openai", "anthropic", "fake"]
ChatTask = Literal["explain", "edit", "review", "chat"]
TASKS: tuple[Task, ...] = ("fill", "explain", "edit", "review", "chat", "embed")


def serves(tasks: Collection[str], task: str) -> bool:
    """Whether a model that is configured for `tasks` is used for `task`: `chat` stands for explain, edit and
    review as well."""
    return task in tasks or ("chat" in tasks and task in ("explain", "edit", "review"))


CHARACTERS_PER_TOKEN = 3.2
"""Of code, on average: for estimates where nobody counts."""
FEW_CHARACTERS_PER_TOKEN = 3
"""Of code that has many tokens: what is cut to so many characters keeps within a context."""
_LONE = re.compile("[\\ud800-\\udfff]")


def sendable(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which an editor can send and UTF-8 cannot say: as long as
    it was, so offsets stay. The requests below are made of such text, whoever makes them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE.sub("\ufffd", text)
    return text


def _make_sendable(request: object, *names: str) -> None:
    """The same for fields of a request that is being made: texts, or tuples of them."""
    for name in names:
        value = getattr(request, name)
        clean = sendable(value) if isinstance(value, str) else tuple(map(sendable, value))
        if clean != value:
            object.__setattr__(request, name, clean)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Text a model is told besides the document."""

    text: str
    """Whole lines, without the last line break."""
    path: str = ""
    """The file it is from, relative to the workspace root; "" for a note, which is written as comments."""

    def __post_init__(self) -> None:
        _make_sendable(self, "text", "path")


@dataclass(frozen=True, slots=True)
class FillRequest:
    """Fill the hole between `prefix` and `suffix`."""

    prefix: str
    suffix: str
    language: str = ""
    path: str = ""
    """Relative to the workspace root; shown to the model, checked by path rules."""
    context: tuple[Excerpt, ...] = ()
    """Retrieved code, already within its budget: what changes least from one request to the next first."""
    context_paths: tuple[str, ...] = ()
    """The workspace files whose text is in `context`, for the path rules."""
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    deadline: float = 0.0
    """Seconds until the whole answer is wanted, waiting and falling back included; 0: no limit."""
    ahead: bool = False
    """Only to be read, so that the same without this is answered sooner: nothing is written."""
    comment: str = "#"
    """Starts a comment in the document's language."""
    repository: str = ""
    """What the workspace is called, for families that are told."""

    def __post_init__(self) -> None:
        _make_sendable(self, "prefix", "suffix", "path", "context_paths", "stop", "repository")

    @property
    def unit(self) -> str:
        """What an experiment assigns: the file it is about."""
        return self.path

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is read of it."""
        parts = (part for each in self.context for part in (each.path, each.text))
        return self.prefix, self.suffix, self.path, self.repository, *parts

    def above(self, excerpts: Sequence[Excerpt] | None = None) -> str:
        """These excerpts, or all of the context, as they stand above the prefix where a model is not told of
        files: each behind a comment that names its file, the document itself behind the last of them."""
        chosen = self.context if excerpts is None else excerpts
        parts = [
            f"{self.comment} {each.path}\n{each.text}\n" if each.path else f"{each.text}\n" for each in chosen
        ]
        if self.path and chosen and chosen[-1].path:  # a note names it itself
            parts.append(f"{self.comment} {self.path}\n")
        return "\n".join(parts)

    @property
    def files(self) -> tuple[str, ...]:
        """The files whose text is inside, each once, for the path rules."""
        return tuple(dict.fromkeys(filter(None, (self.path, *self.context_paths))))


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str

    def __post_init__(self) -> None:
        _make_sendable(self, "content")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`paths` are the workspace files whose text is inside the messages, for the path rules."""

    messages: tuple[Message, ...]
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    temperature: float = 0.0
    task: ChatTask = "chat"
    """What the answer is for; the router's rules tell these apart."""
    language: str = ""
    """Of the code it is about, as `analysis.languages` names it; "" when it is about none or several."""
    deadline: float = 0.0
    """As in `FillRequest`."""
    schema: str = ""
    """The JSON schema, as JSON, that the answer must fit; engines that cannot hold a model to one ask for
    it in words."""
    question: str = ""
    """The user's own words among the messages: an answer to the same in other words may be one that was
    kept."""

    def __post_init__(self) -> None:
        _make_sendable(self, "stop", "paths", "question")

    @property
    def unit(self) -> str:
        """What an experiment assigns: the conversation, known by a digest of the user's first words; "" where
        there are none."""
        first = self.question or next((each.content for each in self.messages if each.role == "user"), "")
        return hashlib.blake2b(first.encode("utf-8", "replace"), digest_size=16).hexdigest() if first else ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is read of it."""
        return tuple(message.content for message in self.messages)

    @property
    def files(self) -> tuple[str, ...]:
        """As in `FillRequest`."""
        return tuple(dict.fromkeys(filter(None, self.paths)))


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to make vectors of. `paths` are the workspace files they stand in, for the path rules."""

    texts: tuple[str, ...]
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _make_sendable(self, "texts", "paths")

    @property
    def files(self) -> tuple[str, ...]:
        """As in `FillRequest`."""
        return tuple(dict.fromkeys(filter(None, self.paths)))


@dataclass(slots=True)
class Meter:
    """What a call used, as the provider counted it; None where it did not say."""

    read: int | None = None
    """Tokens of the prompt, those from its cache included."""
    cached: int = 0
    written: int | None = None


class Health(StrEnum):
    """What a model can do right now."""

    READY = "ready"
    LOADING = "loading"
    UNAVAILABLE = "unavailable"
    """Not installed, not configured or not allowed: trying again does not help."""
    FAILING = "failing"
    """It failed lately and is left alone for a while."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One configured model as `devflow doctor` and the status line show it."""

    name: str
    engine: str
    health: Health
    detail: str = ""
    """One sentence: what is missing and what to do."""
    remote: bool = False
    refused: bool = False
    """The budget kept it from being asked the last time. It is ready all the same: a budget comes back."""


class Model(Protocol):
    """What every engine has."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def remote(self) -> bool:
        """Whether text given to it leaves this machine."""
        ...

    def status(self) -> ModelStatus:
        """Whether it can be asked, told without asking it."""
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...


class FillModel(Model, Protocol):
    """Completes code in the middle."""

    def fill(self, request: FillRequest) -> AsyncIterator[str]:
        """Stream the pieces of the filled text. Raises ModelError."""
        ...


class ChatModel(Model, Protocol):
    """Answers a conversation."""

    def chat(self, request: ChatRequest) -> AsyncIterator[str]:
        """Stream the pieces of the answer. Raises ModelError."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors. Synchronous and CPU-bound: call it in a worker or a thread."""

    @property
    def name(self) -> str:
        """Names model and version: stored with the vectors, a change re-embeds."""
        ...

    @property
    def dimensions(self) -> int: ...

    def embed(
        self, texts: Sequence[str], paths: Sequence[str] = ()
    ) -> numpy.ndarray | Sequence[Sequence[float]]:
        """One vector per text, of shape (len(texts), dimensions), L2-normalised (all zeros for a text
        without a token). `paths` are the workspace files the texts stand in, none for questions: path rules
        need them where text leaves the machine."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One configured model, from the user's settings (never from a workspace file)."""

    name: str
    engine: EngineName
    model: str = ""
    """Model id at the provider, or the path of a GGUF file or EXL2 directory."""
    base_url: str = ""
    api_key_env: str = ""
    api_key_store: str = ""
    """`service/user` of the key in the operating system's key store."""
    family: str = ""
    """A name from `models.families` or of the user's own; "" means guess from `model`."""
    context: int = 4096
    """Tokens it reads; the settings take the family's where none is written."""
    tasks: tuple[str, ...] = ("fill", "chat")
    """`chat` stands for explain, edit and review as well."""
    languages: tuple[str, ...] = ()
    """The languages it is an expert in."""
    options: dict[str, str] = field(default_factory=dict)
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None

    def switched_on(self, option: str) -> bool:
        """Whether an option that is a switch is on."""
        return self.options.get(option, "").lower() in ("1", "true", "yes", "on")

    @property
    def forwards(self) -> bool:
        """Whether text leaves the machine wherever the server is: it passes text on, or is asked through a
        proxy that is elsewhere."""
        proxy = self.options.get("proxy", "")
        return self.switched_on("forwards") or (proxy != "" and leaves_machine(proxy))


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """What the models layer needs to know. `models` is in order of preference."""

    local_only: bool = True
    models: tuple[ModelSpec, ...] = ()
    never_send: tuple[str, ...] = ()
    """gitignore-style patterns of workspace paths whose text must not leave the machine."""
    timeout: float = 60.0
    rules: tuple[Rule, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    families: tuple[Profile, ...] = ()
    """The user's own, before those of `models.families`."""
    learn: bool = True
    """Whether acceptance reorders models that are otherwise equal."""
    hedge: bool = True
    """Whether a second request may be sent when the first is late."""
    personal: bool = True
    """Whether personal data is taken out of what leaves the machine."""
    books: Books = Books()
    keeping: Keeping | None = Keeping()
    """How answers are kept; None: they are not."""

    def within(self, workspace: str) -> ModelsConfig:
        """The same, for calls that are made in a workspace."""
        return replace(self, books=replace(self.books, workspace=workspace))
