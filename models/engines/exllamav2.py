"""EXL2 models on an NVIDIA GPU through exllamav2, in a model worker. Uses the library's non-paged streaming
generator, which works without flash-attn."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devflow.models.base import ModelSpec
from devflow.models.engines.native import family
from devflow.models.errors import ModelError, NotConfigured, NotInstalled, Rejected
from devflow.models.prompt import Prompt
from devflow.models.streams import StopCut

DRIVER = Path("/proc/driver/nvidia/version")


def load(spec: ModelSpec) -> ExLlamaEngine:
    """Load an EXL2 folder onto the GPUs of the machine. Raises ModelError."""
    if (problem := problem_with(spec)) is not None:
        raise problem
    return ExLlamaEngine(spec, library(spec))


def problem_with(spec: ModelSpec) -> ModelError | None:
    """What is missing, told without importing the library or torch."""
    for module in ("exllamav2", "torch", "tokenizers"):  # the last is imported but not declared by the first
        if importlib.util.find_spec(module) is None:
            return NotInstalled(f"{spec.name} needs the {module} library: pip install 'devflow-lsp[gpu]'.")
    if not DRIVER.exists() and shutil.which("nvidia-smi") is None:
        return NotConfigured(
            f"{spec.name} needs an NVIDIA GPU and this machine shows none; "
            'use a GGUF model (engine = "ctransformers"), or install the NVIDIA driver.'
        )
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
        if not any(folder.glob("*.safetensors")):
            return NotConfigured(f"{folder} holds no .safetensors file; download the model again.")
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


@dataclass(frozen=True, slots=True)
class Library:
    """The parts of exllamav2 that are used. Untyped: the library has no types, and tests stand in for it."""

    config: Any
    model: Any
    cache: Any
    tokenizer: Any
    generator: Any
    settings: Any
    join: Callable[[list[Any]], Any]
    """Joins token tensors of shape (1, n) along n."""


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
    try:
        import exllamav2
        from exllamav2 import generator
    except (ImportError, OSError, RuntimeError) as error:
        raise NotInstalled(
            f"{spec.name}: exllamav2 could not build its CUDA kernels ({_first_line(error)}); install the "
            f"CUDA toolkit {torch.version.cuda} with nvcc, or a wheel of exllamav2 built for this torch."
        ) from error
    caches = {
        "": exllamav2.ExLlamaV2Cache,
        "fp16": exllamav2.ExLlamaV2Cache,
        "q8": exllamav2.ExLlamaV2Cache_Q8,
        "q6": exllamav2.ExLlamaV2Cache_Q6,
        "q4": exllamav2.ExLlamaV2Cache_Q4,
    }
    wanted = spec.options.get("cache", "").lower()
    if wanted not in caches:
        raise NotConfigured(f"{spec.name}: options.cache is fp16, q8, q6 or q4, not {wanted!r}.")
    return Library(
        config=exllamav2.ExLlamaV2Config,
        model=exllamav2.ExLlamaV2,
        cache=caches[wanted],
        tokenizer=exllamav2.ExLlamaV2Tokenizer,
        generator=generator.ExLlamaV2StreamingGenerator,
        settings=generator.ExLlamaV2Sampler.Settings,
        join=lambda tensors: torch.cat(tensors, dim=-1),
    )


class ExLlamaEngine:
    """A loaded EXL2 model."""

    def __init__(self, spec: ModelSpec, library: Library) -> None:
        folder = Path(spec.model).expanduser()
        self._library = library
        try:
            config = library.config(str(folder))
            config.no_flash_attn = True
            self.context = config.max_seq_len = min(spec.context, config.max_seq_len)
            model = library.model(config)
            cache = library.cache(model, max_seq_len=self.context, lazy=True)
            model.load_autosplit(cache)
            self._tokenizer = library.tokenizer(config)
            self._generator = library.generator(model, cache, self._tokenizer)
            self._generator.warmup()
        except (RuntimeError, AssertionError, KeyError, ValueError, OSError) as error:
            if "out of memory" in str(error).lower() or "insufficient" in str(error).lower():
                raise NotConfigured(
                    f"{folder} does not fit into the GPU's memory; use a model with fewer bits per weight, "
                    'a smaller `context`, or options = { cache = "q4" }.'
                ) from error
            raise NotConfigured(
                f"{folder} could not be loaded ({_first_line(error)}); download it again."
            ) from error
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
        """The pieces of the answer. Raises Rejected when the GPU runs out of memory on the way."""
        settings = self._library.settings()
        settings.temperature = temperature or 1.0
        settings.top_k = 50 if temperature > 0 else 1
        settings.top_p = 0.95
        settings.token_repetition_penalty = 1.0
        cutter = StopCut(prompt.stop)
        generator = self._generator
        try:
            generator.set_stop_conditions([token for token in self._ends if token is not None])
            generator.begin_stream_ex(
                self._encoded(prompt), settings, token_healing=False, abort_event=_Sign(cancelled)
            )
            for _ in range(max_tokens):
                if cancelled():
                    return
                step = generator.stream_ex()
                if out := cutter.feed(step["chunk"]):
                    yield out
                if cutter.stopped:
                    return
                if step["eos"]:
                    break
        except RuntimeError as error:
            raise Rejected(
                f"The GPU gave up ({_first_line(error)}); a smaller `context` may help."
            ) from error
        if out := cutter.rest():
            yield out

    def _encoded(self, prompt: Prompt) -> Any:
        tokenizer = self._tokenizer
        parts = []
        for number, piece in enumerate(prompt.pieces):
            parts.append(
                tokenizer.encode(piece.text, add_bos=number == 0, encode_special_tokens=piece.control)
            )
        return self._library.join(parts or [tokenizer.encode("", add_bos=True)])


class _Sign:
    """What the library asks between the parts of a long prompt, as it would a threading.Event."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def is_set(self) -> bool:
        return self._cancelled()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
