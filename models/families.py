"""The table of model families: how each marks a hole, several files and turns, what ends its answers, how
much it reads, what a token costs at its provider. From the papers, model cards and tokenizer files of the
families.

Several files in one prompt: Qwen2.5-Coder (arXiv 2409.12186), StarCoder2 (arXiv 2402.19173), CodeGemma
(arXiv 2406.11409: `<|file_separator|>` between files, each behind its path). StarCoder's `<filename>` stands
for one file's metadata (arXiv 2305.06161); DeepSeek-Coder's model card writes `#path` as a comment above
each file, which is what all the others get too.

The suffix first: CodeLlama (arXiv 2308.12950) and StarCoder were trained so as well, with these
marks. CodeGemma says that it was, and not how it is written; Qwen2.5-Coder, DeepSeek-Coder, StarCoder2 and
Granite document prefix, suffix, middle only: there, what follows the cursor is read again with every key.

A user adds families, or changes these, under `[[models.families]]` in `devflow.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fim:
    """The control tokens round a hole. Order `psm`: prefix, suffix, middle; `spm`: suffix, prefix, middle."""

    prefix: str
    suffix: str
    middle: str
    order: Literal["psm", "spm"] = "psm"
    end: tuple[str, ...] = ()
    file: str = ""
    """Starts a file's name."""
    repo: str = ""
    """Starts the repository's name, before the first file."""
    together: bool = False
    """It was trained on the files of a repository one behind the other: code of other files is written so,
    before the file with the hole. Other families read it as comments and code above the prefix."""
    repo_end: str = ""
    """Stands between the repository's name and the first file."""
    name_inside: bool = False
    """The name of the file with the hole stands behind the prefix mark, not before it."""
    glue: str = ""
    """Plain text between a control token and what follows it (CodeLlama was trained with a space)."""
    suffix_first: bool = False
    """It was trained as well on `prefix-mark suffix-mark SUFFIX middle-mark PREFIX`: an engine that keeps
    what it has read then reads nothing again but the line that was typed."""


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
    special: tuple[str, ...] = ()
    """What else its tokenizer reads as a control token; those written `<|…|>` need not be named."""
    context: int = 4096
    """Tokens the family was trained to read."""
    tokenizer: str = ""
    """What kind it has, for people: engines take it from the model's own files."""
    price: tuple[float, float] | None = None
    """US dollars for a million tokens read and written, where only providers run it: what the middle model
    of the family cost when this was written. A model's own price, where it is configured, is meant to be
    used."""
    guess: str = ""
    """A regular expression; a model whose name it is found in belongs to the family. The first that fits."""

    @property
    def control(self) -> tuple[str, ...]:
        """Every control token, longest first."""
        found: set[str] = {*self.stop, *self.special}
        if self.fim is not None:
            found |= {
                self.fim.prefix,
                self.fim.suffix,
                self.fim.middle,
                self.fim.file,
                self.fim.repo,
                *self.fim.end,
            }
        if self.template is not None:
            parts = (
                *self.template.user,
                *self.template.assistant,
                *(self.template.system or ()),
                self.template.start,
                *self.template.stop,
            )
            for part in parts:
                found |= set(CONTROL.findall(part))
        return tuple(sorted((token for token in found if token.strip()), key=lambda t: (-len(t), t)))


CONTROL = re.compile(
    r"<[|｜][^<>]*?[|｜]>|</?(?:s|SYS|start_of_turn|end_of_turn)>|<<SYS>>|<</SYS>>|\[/?INST\]"
)

_SENTENCEPIECE = ("<s>", "</s>", "<unk>")
_LLAMA2_TURNS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
_MISTRAL = (
    *("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
    *("[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[/TOOL_CONTENT]", "[ARGS]"),
    *("[CALL_ID]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
    *("[THINK]", "[/THINK]", "<pad>"),
)
_GEMMA = ("<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<2mass>", "[@BOS@]")
_STARCODER = (
    *("<fim_pad>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>", "<jupyter_start>"),
    *("<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>"),
)
_STARCODER1 = ("<commit_before>", "<commit_msg>", "<commit_after>")
_STARCODER2 = (
    *("<jupyter_script>", "<code_to_intermediate>", "<intermediate_to_code>", "<pr>", "<pr_status>"),
    *("<pr_is_merged>", "<pr_base>", "<pr_file>", "<pr_base_code>", "<pr_diff>", "<pr_diff_hunk>"),
    *("<pr_comment>", "<pr_event_id>", "<pr_review>", "<pr_review_state>", "<pr_review_comment>"),
    *("<pr_in_reply_to_review_id>", "<pr_in_reply_to_comment_id>", "<pr_diff_hunk_comment_line>"),
    *("<NAME>", "<EMAIL>", "<KEY>", "<PASSWORD>"),
)
_QWEN = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")

_CHATML = ChatTemplate(
    system=("<|im_start|>system\n", "<|im_end|>\n"),
    user=("<|im_start|>user\n", "<|im_end|>\n"),
    assistant=("<|im_start|>assistant\n", "<|im_end|>\n"),
    stop=("<|im_end|>", "<|endoftext|>"),
)
_LLAMA2 = ChatTemplate(user=("[INST] ", " [/INST]"), assistant=(" ", " </s>"), stop=("</s>", "[INST]"))
INSTRUCTION = ChatTemplate(
    system=("", "\n"),
    user=("### Instruction:\n", "\n"),
    assistant=("### Response:\n", "\n"),
    stop=("### Instruction:", "### Response:"),
)

PROFILES: tuple[Profile, ...] = (
    Profile(
        "codellama",
        Fim("<PRE>", "<SUF>", "<MID>", end=("<EOT>",), glue=" ", suffix_first=True),
        _LLAMA2,
        stop=("<EOT>", "</s>"),
        special=(*_SENTENCEPIECE, *_LLAMA2_TURNS, "<FILL_ME>"),
        context=16384,
        tokenizer="SentencePiece, 32,016",
        guess=r"code-?llama",
    ),
    Profile(
        "starcoder2",
        Fim(
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            end=("<|endoftext|>",),
            file="<file_sep>",
            repo="<repo_name>",
            together=True,
            name_inside=True,
        ),
        ChatTemplate(
            system=("", "\n\n"),
            user=("### Instruction\n", "\n\n"),
            assistant=("### Response\n", "<|endoftext|>"),
            stop=("### Instruction", "<|endoftext|>"),
        ),
        stop=("<|endoftext|>", "<file_sep>", "<repo_name>"),
        special=(*_STARCODER, *_STARCODER2),
        context=16384,
        tokenizer="byte-level BPE, 49,152",
        guess=r"starcoder-?2",
    ),
    Profile(
        "starcoder",
        Fim(
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            end=("<|endoftext|>",),
            file="<filename>",
            repo="<reponame>",
            suffix_first=True,
        ),
        INSTRUCTION,
        stop=("<|endoftext|>", "<filename>", "<reponame>"),
        special=(*_STARCODER, *_STARCODER1),
        context=8192,
        tokenizer="byte-level BPE, 49,152",
        guess=r"starcoder|santacoder|starcoderbase",
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
        special=("<｜begin▁of▁sentence｜>", "<pad>", "<think>", "</think>"),
        context=16384,
        tokenizer="byte-level BPE, 32,022",
        guess=r"deepseek",
    ),
    Profile(
        "qwen-coder",
        Fim(
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            end=("<|endoftext|>", "<|fim_pad|>", "<|cursor|>"),
            file="<|file_sep|>",
            repo="<|repo_name|>",
            together=True,
            repo_end="\n",
        ),
        _CHATML,
        stop=("<|endoftext|>", "<|im_end|>", "<|file_sep|>", "<|repo_name|>"),
        special=_QWEN,
        context=32768,
        tokenizer="byte-level BPE, 151,936",
        guess=r"qwen",
    ),
    Profile(
        "codestral",
        Fim("[PREFIX]", "[SUFFIX]", "", order="spm", end=("</s>",)),
        _LLAMA2,
        stop=("</s>",),
        special=(*_SENTENCEPIECE, *_MISTRAL),
        context=32768,
        tokenizer="SentencePiece, 32,768",
        guess=r"codestral",
    ),
    Profile(
        "codegemma",
        Fim(
            "<|fim_prefix|>",
            "<|fim_suffix|>",
            "<|fim_middle|>",
            end=("<|file_separator|>", "<eos>"),
            file="<|file_separator|>",
            together=True,
        ),
        ChatTemplate(
            user=("<start_of_turn>user\n", "<end_of_turn>\n"),
            assistant=("<start_of_turn>model\n", "<end_of_turn>\n"),
            stop=("<end_of_turn>",),
        ),
        stop=("<|file_separator|>", "<eos>"),
        special=_GEMMA,
        context=8192,
        tokenizer="SentencePiece, 256,000",
        guess=r"code-?gemma|gemma",
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
        tokenizer="byte-level BPE, 49,160",
        guess=r"granite(?!.*code)",
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
        special=(*_STARCODER, *_STARCODER1, "<filename>", "<reponame>"),
        context=8192,
        tokenizer="byte-level BPE, 49,152",
        guess=r"granite.*code",
    ),
    Profile(
        "mistral",
        None,
        _LLAMA2,
        stop=("</s>",),
        special=(*_SENTENCEPIECE, *_MISTRAL),
        context=32768,
        tokenizer="SentencePiece or Tekken",
        guess=r"mistral|mixtral|ministral|devstral",
    ),
    Profile(
        "phi",
        None,
        ChatTemplate(
            system=("<|system|>\n", "<|end|>\n"),
            user=("<|user|>\n", "<|end|>\n"),
            assistant=("<|assistant|>\n", "<|end|>\n"),
            stop=("<|end|>", "<|endoftext|>"),
        ),
        stop=("<|end|>", "<|endoftext|>"),
        special=_SENTENCEPIECE,
        context=4096,
        tokenizer="SentencePiece, 32,064",
        guess=r"(?<![a-z])phi-?\d",
    ),
    Profile(
        "gpt",
        context=128000,
        tokenizer="tiktoken o200k",
        price=(2.0, 8.0),
        guess=r"gpt|^o\d|chatgpt|davinci",
    ),
    Profile("claude", context=200000, tokenizer="the provider's", price=(3.0, 15.0), guess=r"claude"),
    Profile(
        "llama",
        None,
        _LLAMA2,
        stop=("</s>",),
        special=(*_SENTENCEPIECE, *_LLAMA2_TURNS, "<|begin_of_text|>"),
        context=4096,
        tokenizer="SentencePiece, 32,000",
    ),
)
"""`llama` comes last: a plain model continues the prefix and never sees the suffix."""
