"""EXL2 models on an NVIDIA GPU through exllamav2, in a model worker.

The library's dynamic generator answers several requests at a time where flash-attn is installed, one at a
time without; both keep what they have read for the next prompt that begins alike (`exl2_jobs`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.engines import memory
from devflow.models.engines.exl2_folder import added_tokens, cut_shard, folder_problem
from devflow.models.engines.exl2_jobs import Jobs
from devflow.models.engines.native import Progress, family, number, wants_suffix_first
from devflow.models.errors import (
    ModelError,
    NoRoom,
    NotConfigured,
    NotInstalled,
    Rejected,
    WorkerDied,
)
from devflow.models.prompt import Prompt
from devflow.models.streams import StopCut

DRIVER = Path("/proc/driver/nvidia/version")


def load(spec: ModelSpec, progress: Progress = lambda share: None) -> ExLlamaEngine:
    """Load an EXL2 folder onto the GPUs of the machine; `progress` is told the share that is loaded. Raises
    ModelError."""
    if (problem := problem_with(spec) or cut_shard(spec)) is not None:
        raise problem
    return ExLlamaEngine(spec, library(spec), progress)


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What is missing, told without importing the library or torch."""
    if not DRIVER.exists() and shutil.which("nvidia-smi") is None:
        return NotConfigured(
            f"{spec.name} needs an NVIDIA GPU and this machine shows none; "
            'use a GGUF model (engine = "ctransformers"), or install the NVIDIA driver.'
        )
    for module in ("exllamav2", "torch", "tokenizers"):  # the last is imported but not declared by the first
        if importlib.util.find_spec(module) is None:
            return NotInstalled(f"{spec.name} needs the {module} library: pip install 'devflow-lsp[gpu]'.")
    return folder_problem(spec)


@dataclass(frozen=True, slots=True)
class Library:
    """The parts of exllamav2 that are used. Untyped: the library has no types, and tests stand in for it."""

    config: Any
    model: Any
    cache: Any
    tokenizer: Any
    generator: Any
    job: Any
    settings: Any
    lora: Any
    """Makes an adapter of `(model, folder)`."""
    tensor: Callable[[Sequence[int]], Any]
    """A tensor of shape (1, n) of n tokens."""
    free_bytes: Callable[[], int]
    """Of all GPUs together; what any process holds is not free."""
    total_bytes: Callable[[], int]
    paged: bool
    """flash-attn is there, which several requests at a time need."""
    cache_bytes: float
    """Of one number in the cache."""


def library(spec: ModelSpec) -> Library:
    """Import the library; the first import on a machine builds its CUDA kernels, which takes minutes and
    needs nvcc. Raises ModelError."""
    import torch

    if torch.version.cuda is None:
        raise NotInstalled(
            f"{spec.name} needs torch with CUDA and the one installed has none; install it from "
            "https://pytorch.org for your CUDA version."
        )
    if not torch.cuda.is_available():
        raise NotConfigured(f"{spec.name} needs an NVIDIA GPU, and torch finds none; is the driver loaded?")
    _put_tools_on_path()
    try:
        import exllamav2
        from exllamav2 import attn, generator
    except (ImportError, OSError, RuntimeError) as error:
        raise NotInstalled(
            f"{spec.name}: exllamav2 could not build its CUDA kernels ({first_line(error)}); install the "
            f"CUDA toolkit {torch.version.cuda} with nvcc, or a wheel of exllamav2 built for this torch."
        ) from error
    caches = {
        "fp16": (exllamav2.ExLlamaV2Cache, 2.0),
        "q8": (exllamav2.ExLlamaV2Cache_Q8, 1.0),
        "q6": (exllamav2.ExLlamaV2Cache_Q6, 0.75),
        "q4": (exllamav2.ExLlamaV2Cache_Q4, 0.5625),
    }
    wanted = spec.options.get("cache", "").lower() or "fp16"
    if wanted not in caches:
        raise NotConfigured(f"{spec.name}: options.cache is fp16, q8, q6 or q4, not {wanted!r}.")
    return Library(
        config=exllamav2.ExLlamaV2Config,
        model=exllamav2.ExLlamaV2,
        cache=caches[wanted][0],
        tokenizer=exllamav2.ExLlamaV2Tokenizer,
        generator=generator.ExLlamaV2DynamicGenerator,
        job=generator.ExLlamaV2DynamicJob,
        settings=generator.ExLlamaV2Sampler.Settings,
        lora=exllamav2.ExLlamaV2Lora.from_directory,
        tensor=lambda tokens: torch.tensor([tokens], dtype=torch.long),
        free_bytes=lambda: sum(torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())),
        total_bytes=lambda: sum(torch.cuda.mem_get_info(gpu)[1] for gpu in range(torch.cuda.device_count())),
        paged=bool(attn.has_flash_attn_with_paged),
        cache_bytes=caches[wanted][1],
    )


def _put_tools_on_path() -> None:
    """The kernels are built with `ninja`, looked for on PATH; pip puts it beside the interpreter, whose
    folder is not there when an editor starts us by our whole name. For a process of its own."""
    tools = sysconfig.get_path("scripts")
    if shutil.which("ninja") is None and shutil.which("ninja", path=tools) is not None:
        os.environ["PATH"] = os.pathsep.join(filter(None, (tools, os.environ.get("PATH", ""))))


PAGE = 256
"""Tokens; the library's caches are whole pages long."""
OVERHEAD = 600 * 2**20
"""Bytes that kernels, buffers and logits take beside weights and cache."""
CHUNK = 2 * PAGE
"""Prompt tokens read at a time, which nothing can stop; by itself the library reads 2,048."""


DRAFTED = 4
"""Tokens drafted at a time, as by itself."""


class ExLlamaEngine:
    """A loaded EXL2 model."""

    together = True
    """`Jobs` says who waits, so the worker need not."""

    def __init__(self, spec: ModelSpec, library: Library, progress: Progress = lambda share: None) -> None:
        folder = Path(spec.model).expanduser()
        self._library = library
        self.suffix_first = wants_suffix_first(spec)
        wanted = max(1, number(spec, "parallel", 4))
        draft = spec.options.get("draft", "")
        try:
            config = self._config(folder, library)
            # Some architectures (a sliding window, capped logits) cannot use the flash-attn that is there.
            paged = library.paged and not config.no_flash_attn
            self.parallel = wanted if paged else 1
            pages = config.max_seq_len = _whole_pages(min(spec.context, config.max_seq_len))
            too_large = does_not_fit(spec, folder, config, library, pages * self.parallel)
            if too_large is not None:
                raise too_large
            model, cache = self._loaded(config, library, pages * self.parallel, progress)
            self._tokenizer = library.tokenizer(config)
            drafting = self._drafting(draft, library, pages, pages * self.parallel)
            # The library ends an answer where the next draft might be longer than it, and has room for that.
            self._drafted = drafting.get("num_draft_tokens", 0)
            self.context = pages - self._drafted
            self._generator = library.generator(
                model=model,
                cache=cache,
                tokenizer=self._tokenizer,
                paged=paged,
                max_batch_size=self.parallel,
                max_seq_len=pages,
                max_chunk_size=min(CHUNK, pages),
                **drafting,
            )
            self._generator.warmup()
        except _UNLOADABLE as error:
            raise _unloadable(error, folder, "download it again") from error
        adapters = {}
        for language, path in adapters_of(spec).items():
            adapter = Path(path).expanduser()
            try:
                adapters[language] = library.lora(model, str(adapter))
            except _UNLOADABLE as error:
                raise _unloadable(error, adapter, f"correct options.lora of {spec.name}") from error
        self._jobs = Jobs(self._generator, adapters, self.parallel)
        profile = family(spec)
        texts = (*profile.stop, *(profile.fim.end if profile.fim else ()))
        ends = [self._tokenizer.eos_token_id, *map(self._mark, texts)]
        self._ends = [token for token in ends if token is not None]
        self.control = added_tokens(folder)
        # Qwen's and StarCoder's name a token for the beginning, and say that it is not put there.
        said = self._tokenizer.tokenizer_config_dict or {}
        self._begins = said.get("add_bos_token") is not False
        self._newline = self._plain("\n")

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        return len(self._encoded(prompt))

    def generate(
        self, prompt: Prompt, max_tokens: int, temperature: float, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        """The pieces of the answer. Raises WorkerDied when the GPU gives up: after a CUDA error nothing in
        the process can use it again."""
        settings = self._library.settings()
        settings.temperature = temperature or 1.0
        settings.top_k = 50 if temperature > 0 else 1
        settings.top_p = 0.95
        settings.token_repetition_penalty = 1.0
        cutter = StopCut(prompt.stop)
        tokens = self._encoded(prompt)

        def job(written: Sequence[int]) -> Any:
            return self._library.job(
                input_ids=self._library.tensor([*tokens, *written]),
                max_new_tokens=max(1, max_tokens - len(written)) + self._drafted,
                gen_settings=settings,
                stop_conditions=[*self._ends, *prompt.stop],
            )

        try:
            with closing(self._jobs.run(job, prompt.language, cancelled, fill=prompt.fill)) as pieces:
                for text in pieces:
                    yield cutter.feed(text) if max_tokens else ""
                    if cutter.stopped or not max_tokens:
                        return
        except (RuntimeError, AssertionError) as error:
            said = first_line(error)
            if "cuda" in said.lower() or "out of memory" in said.lower():
                raise WorkerDied(
                    f"The GPU gave up ({said}); the model is being loaded again. If that goes on, a smaller "
                    '`context` or options = { cache = "q4" } may help.'
                ) from error
            raise Rejected(f"The model could not read the request ({said}).") from error
        if not cancelled() and (out := cutter.rest()):
            yield out

    def _encoded(self, prompt: Prompt) -> list[int]:
        begin = self._tokenizer.bos_token_id if self._begins else None
        tokens = [begin] if begin is not None else []
        for piece in prompt.pieces:
            mark = self._mark(piece.text) if piece.control else None
            tokens += self._after_newline(piece.text) if mark is None else [mark]
        return tokens or self._newline

    def _mark(self, text: str) -> int | None:
        """The control token that is written so: `single_id` knows SentencePiece's (`▁<PRE>`) in full only."""
        text = text.strip()
        found = (self._tokenizer.single_id(form) for form in (text, "▁" + text))
        return next((token for token in found if isinstance(token, int)), None)

    def _after_newline(self, text: str) -> list[int]:
        """Tokens of `text` without the space that SentencePiece's put before every text, a newline too."""
        start = self._newline
        if len(start) > 1 and (tokens := self._plain("\n" + text))[: len(start)] == start:
            return tokens[len(start) :]
        return self._plain(text)

    def _plain(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text).tolist()[0]
        return tokens

    def _config(self, folder: Path, library: Library) -> Any:
        config = library.config(str(folder))
        if not library.paged:
            config.no_flash_attn = True
        config.arch_compat_overrides(quiet=True)
        return config

    def _loaded(
        self, config: Any, library: Library, tokens: int, progress: Progress = lambda share: None
    ) -> tuple[Any, Any]:
        model = library.model(config)
        cache = library.cache(model, max_seq_len=tokens, lazy=True)
        model.load_autosplit(cache, callback=lambda done, of: progress(done / of if of else 0.0))
        return model, cache

    def _drafting(self, draft: str, library: Library, pages: int, tokens: int) -> dict[str, Any]:
        """Speculative decoding: by n-grams copied from the prompt, or by a small model of the same
        vocabulary. Either way the answer is the one the model gives alone."""
        if not draft:
            return {}
        if draft == "ngram":
            return {"use_ngram_draft": True, "num_draft_tokens": DRAFTED}
        folder = Path(draft).expanduser()
        try:
            config = self._config(folder, library)
            config.max_seq_len = pages
            model, cache = self._loaded(config, library, tokens)
        except _UNLOADABLE as error:
            raise _unloadable(error, folder, "correct options.draft") from error
        return {"draft_model": model, "draft_cache": cache, "num_draft_tokens": DRAFTED}


def adapters_of(spec: ModelSpec) -> Mapping[str, str]:
    """The LoRA adapters by language, from `options.lora`: `python=/path, rust=/path`, or one path for every
    language ("")."""
    given = [part.strip() for part in spec.options.get("lora", "").split(",") if part.strip()]
    found: dict[str, str] = {}
    for part in given:
        language, equals, path = part.partition("=")
        found[language.strip() if equals else ""] = path.strip() if equals else part
    return found


def does_not_fit(
    spec: ModelSpec, folder: Path, config: Any, library: Library, tokens: int
) -> NotConfigured | None:
    """The complaint when weights and a cache of `tokens` need more memory than the GPUs have free."""
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    numbers = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    needed = weights + int(numbers * tokens * library.cache_bytes) + OVERHEAD
    free, total = library.free_bytes(), library.total_bytes()
    if needed <= free:
        return None
    giga = 2**30
    others = f", other processes hold the rest{memory.held()}" if total - free > OVERHEAD else ""
    return NoRoom(
        f"{spec.name} needs about {needed / giga:.1f} GiB of GPU memory ("
        f"{weights / giga:.1f} for the weights, "
        f"{numbers * tokens * library.cache_bytes / giga:.1f} for a context of {tokens:,} tokens) and "
        f"{free / giga:.1f} of {total / giga:.1f} are free{others}; {_ADVICE}"
    )


_UNLOADABLE = (RuntimeError, AssertionError, KeyError, ValueError, OSError)
"""What the library raises over a folder that it cannot read, or has no room for."""


def _unloadable(error: Exception, folder: Path, what_to_do: str) -> NotConfigured:
    said = str(error).lower()
    if "out of memory" in said or "insufficient" in said:
        return NotConfigured(_no_room(folder))
    return NotConfigured(f"{folder} could not be loaded ({first_line(error)}); {what_to_do}.")


_ADVICE = 'use a model with fewer bits per weight, a smaller `context`, or options = { cache = "q4" }.'


def _no_room(folder: Path) -> str:
    return f"{folder} does not fit into the GPU's memory; {_ADVICE}"


def _whole_pages(tokens: int) -> int:
    return max(PAGE, tokens // PAGE * PAGE)


def first_line(error: BaseException) -> str:
    """What a library said, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
