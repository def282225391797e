"""What is known about each model family: how it marks the hole to fill, how it marks turns, what ends
its answers. Facts come from the model cards and tokenizer files of the families."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from devflow.models.base import ChatRequest, FillRequest, Message
from devflow.models.prompt import Piece, Prompt, neutralised


@dataclass(frozen=True, slots=True)
class Fim:
    """The control tokens round a hole. Order `psm`: prefix, suffix, middle; `spm`: suffix, prefix, middle."""

    prefix: str
    suffix: str
    middle: str
    order: Literal["psm", "spm"] = "psm"
    end: tuple[str, ...] = ()
    file: str = ""
    """Starts a file's name where the family was trained on several files in one prompt."""
    glue: str = ""
    """Plain text between a control token and what follows it (CodeLlama was trained with a space)."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """How turns are written. Each of `system`, `user`, `assistant` is `(before, after)`; control tokens
    among them are listed in `Profile.control`."""

    user: tuple[str, str]
    assistant: tuple[str, str]
    system: tuple[str, str] | None = None
    """None: the family has no system role, its text goes before the first user turn."""
    start: str = ""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One family."""

    name: str
    fim: Fim | None = None
    """None: it only holds conversations, and a hole is filled by asking."""
    template: ChatTemplate | None = None
    stop: tuple[str, ...] = ()
    """End-of-text tokens a server may print instead of stopping."""
    context: int = 4096
    """Tokens the family was trained to read."""

    @property
    def control(self) -> tuple[str, ...]:
        """Every control token, longest first."""
        found: set[str] = set(self.stop)
        if self.fim is not None:
            found |= {self.fim.prefix, self.fim.suffix, self.fim.middle, self.fim.file, *self.fim.end}
        if self.template is not None:
            parts = (
                *self.template.user,
                *self.template.assistant,
                *(self.template.system or ()),
                self.template.start,
                *self.template.stop,
            )
            for part in parts:
                found |= set(_CONTROL.findall(part))
        return tuple(sorted((token for token in found if token.strip()), key=lambda t: (-len(t), t)))


_CONTROL = re.compile(
    r"<[|｜][^<>]*?[|｜]>|</?(?:s|SYS|start_of_turn|end_of_turn)>|<<SYS>>|<</SYS>>|\[/?INST\]"
)

_CHATML = ChatTemplate(
    system=("<|im_start|>system\n", "<|im_end|>\n"),
    user=("<|im_start|>user\n", "<|im_end|>\n"),
    assistant=("<|im_start|>assistant\n", "<|im_end|>\n"),
    stop=("<|im_end|>", "<|endoftext|>"),
)
_LLAMA2 = ChatTemplate(user=("[INST] ", " [/INST]"), assistant=(" ", " </s>"), stop=("</s>", "[INST]"))
_INSTRUCTION = ChatTemplate(
    system=("", "\n"),
    user=("### Instruction:\n", "\n"),
    assistant=("### Response:\n", "\n"),
    stop=("### Instruction:", "### Response:"),
)

PROFILES: tuple[Profile, ...] = (
    Profile(
        "codellama",
        Fim("<PRE>", "<SUF>", "<MID>", end=("<EOT>",), glue=" "),
        _LLAMA2,
        stop=("<EOT>", "</s>"),
        context=16384,
    ),
    Profile(
        "starcoder2",
        Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>", end=("<|endoftext|>",), file="<file_sep>"),
        ChatTemplate(
            system=("", "\n\n"),
            user=("### Instruction\n", "\n\n"),
            assistant=("### Response\n", "<|endoftext|>"),
            stop=("### Instruction", "<|endoftext|>"),
        ),
        stop=("<|endoftext|>", "<file_sep>", "<repo_name>"),
        context=16384,
    ),
    Profile(
        "starcoder",
        Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>", end=("<|endoftext|>",), file="<filename>"),
        _INSTRUCTION,
        stop=("<|endoftext|>", "<filename>", "<reponame>"),
        context=8192,
    ),
    Profile(
        "deepseek-coder",
        Fim(
            "<｜fim▁begin｜>",
            "<｜fim▁hole｜>",
            "<｜fim▁end｜>",
            end=("<｜end▁of▁sentence｜>", "<|EOT|>"),
        ),
        ChatTemplate(
            system=("", "\n"),
            user=("### Instruction:\n", "\n"),
            assistant=("### Response:\n", "\n<|EOT|>\n"),
            stop=("<|EOT|>", "### Instruction:"),
        ),
        stop=("<｜end▁of▁sentence｜>", "<|EOT|>"),
        context=16384,
    ),
    Profile(
        "qwen-coder",
        Fim(
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            end=("<|endoftext|>", "<|fim_pad|>", "<|cursor|>"),
            file="<|file_sep|>",
        ),
        _CHATML,
        stop=("<|endoftext|>", "<|im_end|>", "<|file_sep|>", "<|repo_name|>"),
        context=32768,
    ),
    Profile(
        "codestral",
        Fim("[PREFIX]", "[SUFFIX]", "", order="spm", end=("</s>",)),
        _LLAMA2,
        stop=("</s>",),
        context=32768,
    ),
    Profile(
        "codegemma",
        Fim(
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            end=("<|file_separator|>", "<eos>"),
            file="<|file_separator|>",
        ),
        ChatTemplate(
            user=("<start_of_turn>user\n", "<end_of_turn>\n"),
            assistant=("<start_of_turn>model\n", "<end_of_turn>\n"),
            stop=("<end_of_turn>",),
        ),
        stop=("<|file_separator|>", "<eos>"),
        context=8192,
    ),
    Profile(
        "granite",
        Fim("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", end=("<|end_of_text|>",)),
        ChatTemplate(
            system=("<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"),
            user=("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"),
            assistant=("<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n"),
            stop=("<|end_of_text|>",),
        ),
        stop=("<|end_of_text|>",),
        context=131072,
    ),
    Profile(
        "granite-code",
        Fim("<fim_prefix>", "<fim_suffix>", "<fim_middle>", end=("<|endoftext|>",)),
        ChatTemplate(
            system=("System:\n", "\n\n"),
            user=("Question:\n", "\n\n"),
            assistant=("Answer:\n", "\n\n"),
            stop=("Question:\n", "<|endoftext|>"),
        ),
        stop=("<|endoftext|>",),
        context=8192,
    ),
    Profile("gpt", context=128000),
    Profile("claude", context=200000),
    Profile("llama", None, _LLAMA2, stop=("</s>",), context=4096),
)
"""`llama` comes last: a plain model continues the prefix and never sees the suffix."""

_GUESSES: tuple[tuple[str, str], ...] = (
    (r"code-?llama", "codellama"),
    (r"starcoder-?2", "starcoder2"),
    (r"starcoder|santacoder|starcoderbase", "starcoder"),
    (r"deepseek", "deepseek-coder"),
    (r"qwen", "qwen-coder"),
    (r"codestral|mistral|devstral", "codestral"),
    (r"code-?gemma|gemma", "codegemma"),
    (r"granite.*code", "granite-code"),
    (r"granite", "granite"),
    (r"gpt|^o\d|chatgpt|davinci", "gpt"),
    (r"claude", "claude"),
)


def profile_named(name: str) -> Profile | None:
    """The family called `name`."""
    return next((profile for profile in PROFILES if profile.name == name.strip().lower()), None)


def guessed(model: str) -> Profile:
    """The family guessed from a model id or a path: its last part decides, then the folder above."""
    parts = [part for part in re.split(r"[\\/]", model.lower()) if part]
    for part in reversed(parts[-3:]):
        for pattern, name in _GUESSES:
            if re.search(pattern, part):
                found = profile_named(name)
                assert found is not None
                return found
    return PROFILES[-1]


def fill_prompt(profile: Profile, request: FillRequest) -> Prompt:
    """The hole in the family's own marks; source text in it cannot be taken for a mark."""
    control = profile.control
    prefix, suffix = neutralised(request.prefix, control), neutralised(request.suffix, control)
    context = neutralised(request.context, control)
    path = neutralised(request.path, control)
    fim = profile.fim
    stop = _distinct((*request.stop, *profile.stop, *(fim.end if fim else ())))
    if fim is None:
        return Prompt(_pieces((context, prefix)), stop)
    name = (Piece(fim.file, control=True), Piece(path + "\n")) if fim.file and path else ()
    before: tuple[Piece, ...] = (Piece(fim.prefix, control=True), Piece(fim.glue + context + prefix))
    after: tuple[Piece, ...] = (Piece(fim.suffix, control=True), Piece(suffix))
    if fim.glue:  # "<PRE> {prefix} <SUF>{suffix} <MID>", the spaces belong to the format
        before, after = (*before, Piece(fim.glue)), (*after, Piece(fim.glue))
    middle = (Piece(fim.middle, control=True),)
    body = (*before, *after, *middle) if fim.order == "psm" else (*after, *before, *middle)
    stop = _distinct((*stop, fim.prefix, fim.suffix, fim.middle, fim.file))
    return Prompt(tuple(piece for piece in (*name, *body) if piece.text), stop)


def chat_prompt(profile: Profile, request: ChatRequest) -> Prompt:
    """The conversation in the family's template, ending where the assistant is to speak."""
    template = profile.template or _INSTRUCTION
    control = profile.control
    pieces: list[Piece] = []

    def add(wrap: tuple[str, str], content: str) -> None:
        pieces.extend(_marked(wrap[0]))
        pieces.append(Piece(neutralised(content, control)))
        pieces.extend(_marked(wrap[1]))

    pieces.extend(_marked(template.start))
    for message in _for_template(request.messages, template):
        match message.role:
            case "system":
                add(template.system or ("", "\n\n"), message.content)
            case "user":
                add(template.user, message.content)
            case "assistant":
                add(template.assistant, message.content)
    pieces.extend(_marked(template.assistant[0].rstrip(" ")))
    return Prompt(
        tuple(piece for piece in pieces if piece.text),
        _distinct((*request.stop, *template.stop, *profile.stop)),
    )


def _for_template(messages: tuple[Message, ...], template: ChatTemplate) -> list[Message]:
    """Without a system role, its text opens the first user turn."""
    if template.system is not None:
        return list(messages)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return rest
    for index, message in enumerate(rest):
        if message.role == "user":
            rest[index] = Message("user", f"{system}\n\n{message.content}")
            return rest
    return [Message("user", system), *rest]


def _marked(text: str) -> list[Piece]:
    """Template text split at its control tokens."""
    pieces: list[Piece] = []
    at = 0
    for match in _CONTROL.finditer(text):
        pieces += [Piece(text[at : match.start()]), Piece(match[0], control=True)]
        at = match.end()
    return [piece for piece in (*pieces, Piece(text[at:])) if piece.text]


def _pieces(texts: tuple[str, ...]) -> tuple[Piece, ...]:
    return tuple(Piece(text) for text in texts if text)


def _distinct(stops: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stop for stop in stops if stop))
