"""EXL2 models on an NVIDIA GPU through exllamav2, in a model worker.

The library's dynamic generator answers several requests at a time where flash-attn is installed, one at a
time without; both keep what they have read for the next prompt that begins alike (`exl2_jobs`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.engines import memory
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


def folder_problem(spec: ModelSpec) -> ModelError | None:
    """What is wrong with the model's folder."""
    if not spec.model:
        return NotConfigured(f"{spec.name} names no folder; set `model` to the folder of an EXL2 model.")
    folder = Path(spec.model).expanduser()
    try:
        if not folder.is_dir():
            return NotConfigured(
                f"The model folder {folder} does not exist; correct `model`, or download it there."
            )
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not (folder / "tokenizer.json").is_file():
            return NotConfigured(f"{folder} has no tokenizer.json; add the one of the original model.")
        shards = sorted(file.name for file in folder.glob("*.safetensors"))
        if not shards:
            return NotConfigured(f"{folder} holds no .safetensors file; download the model again.")
        if missing := _missing(shards):
            return NotConfigured(f"{folder} lacks {', '.join(missing)}; download the model again.")
    except FileNotFoundError:
        return NotConfigured(f"{folder} has no config.json; name the folder of an EXL2 model.")
    except (OSError, ValueError) as error:
        return NotConfigured(
            f"{folder / 'config.json'} cannot be read ({type(error).__name__}); download it again."
        )
    quantised = config.get("quantization_config") if isinstance(config, dict) else None
    method = quantised.get("quant_method") if isinstance(quantised, dict) else None
    if method not in (None, "exl2", "gptq"):
        return NotConfigured(f"{folder} is quantised with {method!r}; exllamav2 reads EXL2 and GPTQ.")
    return None


_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")


def _missing(shards: Sequence[str]) -> list[str]:
    """The files that others' names say there are besides them: `output-00001-of-00003.safetensors`."""
    parts = [match.groups() for shard in shards if (match := _SHARD.fullmatch(shard))]
    wanted = {
        f"{stem}-{number:05}-of-{total}.safetensors"
        for stem, total in {(stem, total) for stem, _, total in parts}
        for number in range(1, min(int(total), 1_000) + 1)
    }
    return sorted(wanted - set(shards))[:3]


def cut_shard(spec: ModelSpec) -> NotConfigured | None:
    """The complaint about a file of the model that is shorter than its head says; reads the heads only."""
    for file in sorted(Path(spec.model).expanduser().glob("*.safetensors")):
        try:
            with file.open("rb") as shard:
                size = int.from_bytes(shard.read(8), "little")
                head = json.loads(shard.read(size) if size < _LARGEST_HEAD else b"")
                there = shard.seek(0, os.SEEK_END)
            ends = [tensor["data_offsets"][1] for name, tensor in head.items() if name != "__metadata__"]
            lost = 8 + size + max(ends, default=0) - there
        except OSError as error:
            return NotConfigured(f"{file} cannot be read: {error.strerror or error}.")
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return NotConfigured(f"{file} is damaged (its head cannot be read); download it again.")
        if lost > 0:
            return NotConfigured(
                f"{file} is damaged ({lost:,} bytes are missing at its end); download it again."
            )
    return None


_LARGEST_HEAD = 100_000_000
"""Bytes, as the format has it."""


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
    join: Callable[[list[Any]], Any]
    """Joins token tensors of shape (1, n) along n."""
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
        join=lambda tensors: torch.cat(tensors, dim=-1),
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


class ExLlamaEngine:
    """A loaded EXL2 model."""

    def __init__(self, spec: ModelSpec, library: Library, progress: Progress = lambda share: None) -> None:
        folder = Path(spec.model).expanduser()
        self._library = library
        self.suffix_first = wants_suffix_first(spec)
        wanted = max(1, number(spec, "parallel", 4))
        draft = spec.options.get("draft", "")
        try:
            config = self._config(folder, library)
            # Some architectures (a sliding window, capped logits) cannot use the flash-attn that is there.
            self.together = library.paged and not config.no_flash_attn
            parallel = wanted if self.together else 1
            self.context = config.max_seq_len = _whole_pages(min(spec.context, config.max_seq_len))
            too_large = does_not_fit(spec, folder, config, library, self.context * parallel)
            if too_large is not None:
                raise too_large
            model, cache = self._loaded(config, library, self.context * parallel, progress)
            self._tokenizer = library.tokenizer(config)
            self._generator = library.generator(
                model=model,
                cache=cache,
                tokenizer=self._tokenizer,
                paged=self.together,
                max_batch_size=parallel,
                max_seq_len=self.context,
                max_chunk_size=min(CHUNK, self.context),
                **self._drafting(draft, library, self.context * parallel),
            )
            self._generator.warmup()
            adapters = {
                language: library.lora(model, str(Path(path).expanduser()))
                for language, path in adapters_of(spec).items()
            }
        except (RuntimeError, AssertionError, KeyError, ValueError, OSError) as error:
            if "out of memory" in str(error).lower() or "insufficient" in str(error).lower():
                raise NotConfigured(_no_room(folder)) from error
            raise NotConfigured(
                f"{folder} could not be loaded ({first_line(error)}); download it again."
            ) from error
        self._jobs = Jobs(self._generator, adapters)
        profile = family(spec)
        texts = (*profile.stop, *(profile.fim.end if profile.fim else ()))
        ends = [self._tokenizer.single_id(text) for text in texts]
        self._ends = [self._tokenizer.eos_token_id, *(token for token in ends if isinstance(token, int))]

    def count(self, prompt: Prompt) -> int:
        """How many tokens the prompt is."""
        return int(self._encoded(prompt).shape[-1])

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
        stops = [*(token for token in self._ends if token is not None), *prompt.stop]
        job = self._library.job(
            input_ids=self._encoded(prompt),
            max_new_tokens=max(1, max_tokens),
            gen_settings=settings,
            stop_conditions=stops,
        )
        try:
            with closing(self._jobs.run(job, prompt.language, cancelled)) as pieces:
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

    def _encoded(self, prompt: Prompt) -> Any:
        tokenizer = self._tokenizer
        parts = []
        for at, piece in enumerate(prompt.pieces):
            parts.append(tokenizer.encode(piece.text, add_bos=at == 0, encode_special_tokens=piece.control))
        return self._library.join(parts or [tokenizer.encode("", add_bos=True)])

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

    def _drafting(self, draft: str, library: Library, tokens: int) -> dict[str, Any]:
        """Speculative decoding: by n-grams copied from the prompt, or by a small model of the same
        vocabulary. Either way the answer is the one the model gives alone."""
        if not draft:
            return {}
        if draft == "ngram":
            return {"use_ngram_draft": True}
        config = self._config(Path(draft).expanduser(), library)
        config.max_seq_len = self.context
        model, cache = self._loaded(config, library, tokens)
        return {"draft_model": model, "draft_cache": cache}


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


_ADVICE = 'use a model with fewer bits per weight, a smaller `context`, or options = { cache = "q4" }.'


def _no_room(folder: Path) -> str:
    return f"{folder} does not fit into the GPU's memory; {_ADVICE}"


def _whole_pages(tokens: int) -> int:
    return max(PAGE, tokens // PAGE * PAGE)


def first_line(error: BaseException) -> str:
    """What a library said, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
