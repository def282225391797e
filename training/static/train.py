"""Trains `devflow-static`: `python train.py PAIRS.jsonl.gz WORK static.npz`.

1. The vocabulary: the sub-words that occur in the most packages.
2. Distillation: each word's vector is what the teacher (all-MiniLM-L6-v2) makes of the word alone, brought to
   `DIMENSIONS` by principal components and weighted by how rare the word is (as in model2vec, and SIF, Arora
   et al. 2017). WORK keeps the result, which takes minutes.
3. Contrast: InfoNCE with in-batch negatives (van den Oord et al. 2018) between what is said of a function and
   the function; half of the batches from few packages, because a search looks inside one codebase.
4. int8, one scale a word.

One process, one thread, fixed seeds: on the same machine and PyTorch the same file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # its usual name
from teacher import Teacher

from devflow.retrieval.embedders.static import StaticEmbedder, pieces, spelled

DIMENSIONS = 256
WORDS = 40_000
SEED = 7
BATCH = 1_024
STEPS = 1_500
NEW_VIEWS = 700
"""Steps after which questions and chunks are made of the pairs anew."""
RATE = 0.01
TEMPERATURE = 0.05
MOST, MOST_OTHER = {"python": 107_000, "java": 54_000, "go": 27_000}, 28_000
"""Pairs of one language."""
HELD_OUT = 0.06
"""Share of the packages that only the scores are taken from."""
MOST_OF_CODE, MOST_OF_DOC = 160, 48
"""Distinct sub-words that training looks at."""
HEAD = 2.0


@dataclass(frozen=True, slots=True)
class Pair:
    """One documented function."""

    language: str
    package: str
    path: str
    name: str
    doc: str
    code: str


def read_pairs(path: Path) -> list[Pair]:
    """All of them, in the file's order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Pair(**json.loads(line)) for line in lines]


def held_out(package: str) -> bool:
    """Whether a package is kept for scores."""
    digest = hashlib.md5(package.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT or package in ALWAYS_HELD_OUT


ALWAYS_HELD_OUT = frozenset(["deb-newtonsoft-json", "deb-nunit", "deb-dbus-sharp"])
"""C# comes from so few packages that chance might keep none."""


def balanced(pairs: Sequence[Pair]) -> list[Pair]:
    """At most `MOST` of a language, by chance."""
    chance = random.Random(SEED)
    languages: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        languages[pair.language].append(at)
    kept = [
        at
        for name in sorted(languages)
        for at in chance.sample(languages[name], min(len(languages[name]), MOST.get(name, MOST_OTHER)))
    ]
    return [pairs[at] for at in sorted(kept)]


def first_sentence(doc: str) -> str:
    """What a documentation says first: up to a full stop, a blank line or a tag."""
    doc = re.split(r"\n\s*\n|\n\s*(?:[@:]\w|Args:|Parameters|Returns)", doc, maxsplit=1)[0]
    return re.split(r"(?<=[a-z\)])\.(?:\s|$)", doc, maxsplit=1)[0]


def plain(doc: str) -> str:
    """Without XML and HTML tags."""
    return re.sub(r"</?[a-zA-Z][^>]{0,80}>", " ", doc)


def vocabulary(pairs: Sequence[Pair]) -> tuple[list[str], np.ndarray]:
    """The words, and the share of the texts that each occurs in."""
    texts: Counter[str] = Counter()
    packages: dict[str, set[str]] = defaultdict(set)
    spellings: dict[str, str] = {}
    for pair in pairs:
        found = {
            spellings.setdefault(piece, piece.lower())
            for piece in pieces(f"{pair.path} {pair.name} {pair.doc} {pair.code}")
        }
        texts.update(found)
        for word in found:
            if len(packages[word]) < 4:
                packages[word].add(pair.package)
    usual = [
        word
        for word in texts
        if len(packages[word]) > 2 and texts[word] > 4 and word.isascii() and len(word) < 25
    ]
    usual.sort(key=lambda word: (-texts[word], word))
    kept = usual[:WORDS]
    return kept, np.array([texts[word] / len(pairs) for word in kept], np.float32)


def distilled(words: Sequence[str], shares: np.ndarray, cache: Path) -> np.ndarray:
    """The teacher's view of each word in `DIMENSIONS`, weighted by rarity."""
    if cache.exists():
        whole = np.load(cache)
    else:
        whole = Teacher(most=16).embed(words, batch=512)
        np.save(cache, whole)
    centred = whole - whole.mean(axis=0)
    _, _, components = np.linalg.svd(centred[:20_000], full_matrices=False)
    reduced = centred @ components[:DIMENSIONS].T
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-9
    return (reduced * (1e-3 / (1e-3 + shares))[:, None] ** 0.5).astype(np.float32)


class Texts:
    """Texts as bags: for each the rows of its distinct words and their weights."""

    def __init__(self, rows: list[np.ndarray], weights: list[np.ndarray]) -> None:
        lengths = np.array([len(each) for each in rows])
        self.ends = np.cumsum(lengths)
        self.starts = self.ends - lengths
        self.rows = np.concatenate(rows) if rows else np.zeros(0, np.int32)
        self.weights = np.concatenate(weights) if rows else np.zeros(0, np.float32)

    def batch(self, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`(rows, offsets, weights)` for `embedding_bag`."""
        at = np.concatenate([np.arange(self.starts[one], self.ends[one]) for one in chosen])
        lengths = self.ends[chosen] - self.starts[chosen]
        return (
            torch.from_numpy(self.rows[at].astype(np.int64)),
            torch.from_numpy(np.cumsum(lengths) - lengths),
            torch.from_numpy(self.weights[at]),
        )


class Bags:
    """Makes bags of texts with a vocabulary."""

    def __init__(self, words: Sequence[str]) -> None:
        self._known = {word: row for row, word in enumerate(words)}
        self._longest = max(map(len, words))
        self._met: dict[str, tuple[int, ...]] = {}

    def of(self, head: str, body: str, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The first `most` distinct words with `1 + log(times)`, more for those of the head."""
        counts: dict[int, int] = {}
        heads: set[int] = set()
        for text in (head, body):
            for piece in pieces(text)[:400]:
                for row in self._rows(piece):
                    if row in counts:
                        counts[row] += 1
                    elif len(counts) < most:
                        counts[row] = 1
            if text is head and body:
                heads = set(counts)
        rows = np.fromiter(counts, np.int32, len(counts))
        weights = 1.0 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
        for at, row in enumerate(counts):
            if row in heads:
                weights[at] *= HEAD
        return rows, weights.astype(np.float32)

    def _rows(self, piece: str) -> tuple[int, ...]:
        found = self._met.get(piece)
        if found is None:
            word = piece.lower()
            row = self._known.get(word)
            found = self._met[piece] = (
                (row,) if row is not None else tuple(spelled(word, self._known, self._longest))
            )
        return found


def views(pairs: Sequence[Pair], bags: Bags, chance: random.Random) -> tuple[Texts, Texts]:
    """One question and one chunk for each pair, as a search meets them: the question is a sentence or all
    that is said; the chunk has its path and name mostly, and what else is said sometimes."""
    questions: list[tuple[np.ndarray, np.ndarray]] = []
    chunks: list[tuple[np.ndarray, np.ndarray]] = []
    for pair in pairs:
        doc = plain(pair.doc)
        sentence = first_sentence(doc)
        luck = chance.random()
        asked = sentence if luck < 0.55 else doc if luck < 0.85 else pair.name
        head, body = f"{pair.path} {pair.name}", pair.code
        luck = chance.random()
        if asked is pair.name:
            # The body must be known without its name.
            head = pair.path if luck < 0.5 else ""
            body = pair.code.replace(pair.name.rpartition(".")[2], " ")
        elif luck < 0.3:
            head = ""
        elif luck < 0.55 and asked is sentence:
            body = f"{doc[len(sentence) :]}\n{pair.code}"
        questions.append(bags.of("", asked, MOST_OF_DOC))
        chunks.append(bags.of(head, body, MOST_OF_CODE))
    return Texts(*map(list, zip(*questions, strict=True))), Texts(*map(list, zip(*chunks, strict=True)))


def batches(pairs: Sequence[Pair], seed: int) -> Iterator[np.ndarray]:
    """Forever: every other batch from one language, the others from a few packages of one language."""
    chance = np.random.default_rng(seed)
    languages: dict[str, list[int]] = defaultdict(list)
    packages: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        languages[pair.language].append(at)
        packages[f"{pair.language} {pair.package}"].append(at)
    names = sorted(languages)
    sizes = np.array([len(languages[name]) for name in names], float) ** 0.7
    of_language = {
        name: [each for key, each in sorted(packages.items()) if key.startswith(f"{name} ")] for name in names
    }
    arrays = {name: np.array(languages[name]) for name in names}
    turn = 0
    while True:
        name = names[chance.choice(len(names), p=sizes / sizes.sum())]
        turn += 1
        if turn % 2:
            yield chance.choice(arrays[name], min(BATCH, len(arrays[name])), replace=False)
            continue
        chosen: list[int] = []
        groups = of_language[name]
        for group in chance.permutation(len(groups)):
            members = groups[group]
            take = min(len(members), 256, BATCH - len(chosen))
            chosen += chance.choice(members, take, replace=False).tolist()
            if len(chosen) >= BATCH:
                break
        yield np.array(chosen)


def contrasted(table: np.ndarray, pairs: Sequence[Pair], bags: Bags, steps: int = STEPS) -> np.ndarray:
    """The table after `steps` of InfoNCE, both ways."""
    weight = torch.nn.Parameter(torch.from_numpy(table.copy()))
    optimizer = torch.optim.Adam([weight], lr=RATE, fused=True)
    source = batches(pairs, SEED)
    chance = random.Random(SEED)
    started = time.monotonic()
    questions, chunks = views(pairs, bags, chance)
    for step in range(steps):
        if step and step % NEW_VIEWS == 0:
            questions, chunks = views(pairs, bags, chance)
        progress = step / steps
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * progress))
        chosen = next(source)
        one, other = (
            F.normalize(F.embedding_bag(rows, weight, offsets, mode="sum", per_sample_weights=weights), dim=1)
            for rows, offsets, weights in (questions.batch(chosen), chunks.batch(chosen))
        )
        scores = one @ other.T / TEMPERATURE
        target = torch.arange(len(chosen))
        loss = 0.5 * (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            right = float((scores.argmax(1) == target).float().mean())
            spent = time.monotonic() - started
            print(f"{step} loss {float(loss):.3f} first {right:.3f} {spent:.0f} s", flush=True)
    return weight.detach().numpy()


def packed(words: Sequence[str], table: np.ndarray, target: Path) -> None:
    """Write the file that ships: int8 rows, a scale each, and a name that changes with them."""
    largest = np.abs(table).max(axis=1)
    scales = np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)
    vectors = np.rint(table / scales[:, None]).astype(np.int8)
    content = "\n".join(words).encode()
    digest = hashlib.blake2b(content + vectors.tobytes() + scales.tobytes(), digest_size=4).hexdigest()
    np.savez(
        target,
        words=np.frombuffer(content, np.uint8),
        vectors=vectors,
        scales=scales,
        name=np.frombuffer(f"devflow-static-{digest}".encode(), np.uint8),
    )


def scored(path: Path, pairs: Sequence[Pair]) -> None:
    """MRR@10 of first sentence → function (its documentation taken out) among up to 3,000 of the held-out."""
    embedder = StaticEmbedder(path.read_bytes())
    for language in sorted({pair.language for pair in pairs}):
        mine = [pair for pair in pairs if pair.language == language]
        random.Random(SEED).shuffle(mine)
        mine = mine[:3_000]
        questions = embedder.embed([first_sentence(plain(pair.doc)) for pair in mine])
        chunks = embedder.embed([f"{pair.path} {pair.name}\n{pair.code}" for pair in mine])
        scores = questions @ chunks.T
        ranks = (scores > np.diag(scores)[:, None]).sum(1) + 1
        print(f"{language}: MRR@10 {np.where(ranks <= 10, 1 / ranks, 0).mean():.3f} of {len(mine)}")


def main(source: Path, work: Path, target: Path) -> None:
    """The whole recipe."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    everything = read_pairs(source)
    kept = [pair for pair in everything if held_out(pair.package)]
    pairs = balanced([pair for pair in everything if not held_out(pair.package)])
    print(f"{len(pairs)} pairs, {len(kept)} held out", flush=True)
    words, shares = vocabulary(pairs)
    digest = hashlib.md5("\n".join(words).encode()).hexdigest()[:8]
    table = distilled(words, shares, work / f"teacher-{digest}.npy")
    packed(words, table, work / "distilled.npz")
    scored(work / "distilled.npz", kept)
    table = contrasted(table, pairs, Bags(words))
    packed(words, table, target)
    scored(target, kept)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
