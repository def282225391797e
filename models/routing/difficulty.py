"""How hard a request is, from 0 (any model will do) to 1, told in microseconds from its text alone.

For ghost text it is a logistic regression on what stands around the cursor; its weights are learned on
public code, where "hard" means that the rest of the line is not what the rest of the workspace suggests
(`benchmarks/models/difficulty.py`, which also measures it on projects that were left out). For
conversations it is a formula: length, nesting, how many files, and words that ask for judgement rather than
for a description.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from devflow.models.base import Task

_WINDOW = 6_000
_NAME = re.compile(r"[^\W\d]\w*")
_WORDS = re.compile(r"\s*(?:\w+|[^\w\s])")
_FENCED = re.compile(r"^```", re.MULTILINE)
_JUDGEMENT = re.compile(
    r"\b(why|how|design|architect\w*|refactor\w*|race|deadlock\w*|concurren\w*|secur\w*|optimi[sz]e\w*|"
    r"perform\w*|prove|compare|trade-?offs?|migrat\w*|bug|fails?|wrong)\b",
    re.IGNORECASE,
)
_TASKS: dict[Task, float] = {
    "explain": -0.8, "chat": -0.4, "edit": 0.2, "review": 0.4
}  # fmt: skip

FEATURES = (
    "nothing on the line", "line length", "after a dot", "after an opening bracket", "after a comma",
    "after an equals sign", "code behind the cursor", "indentation", "line begun before", "last name before",
    "last name behind", "words on the line", "continued alike above", "never stood above",
)  # fmt: skip
"""What the numbers of `features_of_fill` are, each about 0 to 1."""
BIAS = 1.96
WEIGHTS = (1.66, 0.40, 0.43, 0.02, 1.02, 0.32, 0.02, 0.62, 1.40, 0.21, -0.07, -0.56, -1.08, -0.61)


def of_fill(prefix: str, suffix: str) -> float:
    """Of the rest of the line at a hole, as a probability that it is hard."""
    features = features_of_fill(prefix, suffix)
    return _logistic(BIAS + sum(map(float.__mul__, WEIGHTS, features)))


def of_chat(task: Task, text: str) -> float:
    """Of a question or an order about code."""
    words = len(text) / 6
    score = _TASKS.get(task, 0.0)
    score += 0.55 * math.log10(1 + words / 30)
    score += 0.35 * min(len(_JUDGEMENT.findall(text[:_WINDOW])), 4)
    score += 0.25 * min(len(_FENCED.findall(text)) // 2, 4)
    score += 0.2 * min(_depth(text), 8) / 4 - 0.6
    return _logistic(score)


def features_of_fill(prefix: str, suffix: str) -> tuple[float, ...]:
    """What is told of a hole, by the names of `FEATURES`."""
    near = prefix[-_WINDOW:]
    line = near[near.rfind("\n") + 1 :]
    above = near[: len(near) - len(line)]
    code = line.strip()
    behind = suffix[:_WINDOW]
    rest = behind[: behind.find("\n")] if "\n" in behind else behind
    names = _NAME.findall(line)
    last = names[-1] if names else ""
    end = line.rstrip()[-1:]
    return (
        float(not code),
        min(len(code) / 40, 2.0),
        float(end == "."),
        float(end in "([{" and bool(end)),
        float(end == ","),
        float(end == "="),
        float(bool(rest.strip(" \t\r)]}:,;\"'"))),
        min((len(line) - len(line.lstrip())) / 16, 2.0),
        math.log1p(above.count("\n" + line)) / 3 if code else 0.0,
        math.log1p(above.count(last)) / 4 if last else 0.0,
        math.log1p(behind.count(last)) / 4 if last else 0.0,
        min(len(names) / 5, 2.0),
        *_continued(above, line),
    )


def _continued(above: str, line: str) -> tuple[float, float]:
    """How alike what stood above went on after the last words of the line: the share of its most usual
    continuation, 0.0 where they never stood there; and whether they never stood there."""
    words = _WORDS.findall(line)
    for length in (3, 2):
        end = "".join(words[-length:]).lstrip()
        if len(words) < length or not end.strip():
            continue
        next_words: Counter[str] = Counter()
        at = above.rfind(end)
        while at >= 0 and next_words.total() < 8:
            found = _WORDS.match(above, at + len(end))
            next_words[found[0] if found else ""] += 1
            at = above.rfind(end, 0, at)
        if next_words:
            return next_words.most_common(1)[0][1] / next_words.total(), 0.0
    return 0.0, 1.0


def _depth(text: str) -> int:
    deepest = depth = 0
    for sign in text[:_WINDOW]:
        if sign in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
