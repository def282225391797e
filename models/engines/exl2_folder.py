"""The folder of an EXL2 model, read without the library: what is wrong with it, and its control tokens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from devflow.models.base import ModelSpec
from devflow.models.errors import NotConfigured


def folder_problem(spec: ModelSpec) -> NotConfigured | None:
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


def added_tokens(folder: Path) -> tuple[str, ...]:
    """What stands beside the vocabulary in the model's tokenizer: it is read as these in any text."""
    try:
        known = json.loads((folder / "tokenizer.json").read_text("utf-8"))["added_tokens"]
        return tuple(str(each["content"]) for each in known)
    except (OSError, ValueError, TypeError, KeyError):
        return ()
