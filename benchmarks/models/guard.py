"""What the guard keeps in, what it takes out by mistake, and what it costs.

Clean code is that of installed packages and of the folders in DEVFLOW_CLEAN_CODE (paths, as in PATH); the
labelled set of personal data is `guard/pii_presidio.jsonl.gz` below the folder DEVFLOW_EVAL_SETS names.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import os
import random
import re
import statistics
import tempfile
import time
import tokenize
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_paths

from devflow.models.base import ChatRequest, FillRequest, Message, Meter
from devflow.models.errors import OverBudget
from devflow.models.guard.answers import Answers
from devflow.models.guard.books import Books, Budget, Keeping, Price
from devflow.models.guard.pii import CLAIMED, personal_data
from devflow.models.guard.redact import Vault, secrets_in
from devflow.models.guard.spending import forecast
from devflow.models.outbound import Outbound

from .rows import Row, at_most, percentile, shown
from .token_formats import DRESSES, FORMATS, NAMED, dressed, labelled

SETS = "DEVFLOW_EVAL_SETS"
_PII = {
    "EMAIL": "EMAIL_ADDRESS",
    "PHONE": "PHONE_NUMBER",
    "CARD": "CREDIT_CARD",
    "IBAN": "IBAN_CODE",
    "IP": "IP_ADDRESS",
    "SSN": "US_SSN",
    "PERSON": "PERSON",
}
_CLEAN = ("rich", "jedi", "pygls", "hypothesis", "chromadb", "numpy", "sympy", "huggingface_hub", "pip")


async def measure(*, quick: bool) -> list[Row]:
    """The guard's figures."""
    files = list(_clean_files(60 if quick else 400))
    rows = [
        *_secrets(2 if quick else 10),
        *_clean(files),
        *_other_languages(100 if quick else 900),
        _time(files, 40 if quick else 300),
    ]
    rows += [*_personal(), *[await _overspent(calls) for calls in (50,)], await _cost(quick=quick)]
    return [*rows, await _kept_answers(), _forecasts(20 if quick else 100)]


def _secrets(each: int) -> Iterator[Row]:
    """Recall on tokens made from the issuers' documentation, and that of detect-secrets alone."""
    cases = labelled(random.Random(20_251), each)
    missed = Counter(name for name, line, token in cases if token in Vault([line]).texts[0])
    recall = 1 - sum(missed.values()) / len(cases)
    worst = ", ".join(f"{name} {count}/{each}" for name, count in missed.most_common(3)) or "none"
    note = (
        f"{len(FORMATS)} formats and {len(NAMED)} without one, {len(cases)} lines; missed: {worst}; "
        f"detect-secrets alone {_by_library_alone(cases):.2f}"
    )
    yield Row("secrets kept in, recall", f"{recall:.3f}", "≥ .95", recall >= 0.95, note)
    dresses = dressed(random.Random(20_252))
    left = Counter(name for name, lines, token in dresses if _is_left(lines, token))
    recall = 1 - sum(left.values()) / len(dresses)
    worst = "; ".join(name for name, _ in left.most_common(4)) or "none"
    note = f"{len(DRESSES)} ways to write a token otherwise, {len(dresses)} cases; missed: {worst}"
    yield Row("the same joined, encoded, below their names", f"{recall:.3f}", "≥ .95", recall >= 0.95, note)


def _is_left(lines: str, token: str) -> bool:
    """Whether half of the token or more is sent, as it is, in base64 or as a list."""
    sent = Vault([lines]).texts[0]
    codes = (", ".join(str(ord(sign)) for sign in token), ", ".join(map(repr, token)))
    forms = (*codes, token, base64.b64encode(token.encode()).decode())
    return any(
        form[at : at + len(form) // 2] in sent for form in forms for at in range(len(form) - len(form) // 2)
    )


def _by_library_alone(cases: list[tuple[str, str, str]]) -> float:
    """The share of tokens that detect-secrets finds in a file of those lines, with its usual settings."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    lines: list[str] = []
    first: dict[int, str] = {}
    for _, line, token in cases:
        first[len(lines) + 1] = token
        lines += line.split("\n")
    found = set()
    with tempfile.TemporaryDirectory() as folder, default_settings():
        path = Path(folder) / "tokens.txt"
        path.write_text("\n".join(lines), "utf-8")
        for secret in scan_file(str(path)):
            number = max(each for each in first if each <= secret.line_number)
            value = secret.secret_value or ""
            if len(value) > 3 and (value in first[number] or first[number] in value):
                found.add(number)
    return len(found) / len(cases)


def _clean(files: list[str]) -> Iterator[Row]:
    """Lines with strings that would be changed although they hold nothing secret."""
    lines = 0
    taken: Counter[str] = Counter()
    for source in files:
        lines += len(_lines_with_strings(source))
        vault = Vault([source])
        changed = sum(a != b for a, b in zip(source.split("\n"), vault.texts[0].split("\n"), strict=False))
        kinds = vault.redactions.kinds
        for kind, count in kinds.items():
            taken[kind] += count
        taken["lines"] += changed
    changed = taken.pop("lines", 0)
    kinds_shown = ", ".join(f"{count} {kind}" for kind, count in taken.most_common())
    note = f"{len(files)} files, {lines} lines with strings; taken out: {kinds_shown or 'nothing'}"
    yield at_most("false redactions on clean code", 100 * changed / max(lines, 1), 2.0, "%", note)


def _other_languages(most: int) -> Iterator[Row]:
    """The same for code in other languages, where the folders given hold some: every line with a quote
    counts as one with a string. Test credentials are taken out too, and are not told from mistakes."""
    notes = []
    highest = 0.0
    for language, suffixes in _OTHER_LANGUAGES.items():
        paths = sorted(
            path
            for folder in _folders()
            for path in folder.rglob("*")
            if path.suffix in suffixes and path.is_file() and not _MADE.search(path.name)
        )
        random.Random(7).shuffle(paths)
        lines = changed = 0
        for path in paths[:most]:
            source = path.read_text("utf-8", "replace")
            if len(source) > 400_000 or max(map(len, source.split("\n"))) > 2_000:
                continue
            lines += sum(any(quote in line for quote in "\"'`") for line in source.split("\n"))
            changed += len(
                {
                    line
                    for start, end in secrets_in(source)
                    for line in range(source.count("\n", 0, start), source.count("\n", 0, end) + 1)
                }
            )
        if lines:
            share = 100 * changed / lines
            highest = max(highest, share)
            notes.append(f"{language} {share:.3f} % of {lines}")
    if notes:
        yield at_most("false redactions in other languages, highest", highest, 2.0, "%", "; ".join(notes))


_OTHER_LANGUAGES = {
    "TypeScript": (".ts", ".tsx"),
    "JavaScript": (".js", ".mjs", ".cjs"),
    "Go": (".go",),
    "Java": (".java",),
}
_MADE = re.compile(r"\.min\.|\.d\.ts$")


def _time(files: list[str], rounds: int) -> Row:
    """CPU milliseconds for 32 kB of code, secrets and personal data."""
    text = "\n".join(files)
    size = 32_768
    seed = random.Random(1)
    seconds = []
    for _ in range(rounds):
        at = seed.randrange(max(1, len(text) - size))
        part = text[at : at + size]
        started = time.process_time()
        Vault([part])
        seconds.append(time.process_time() - started)
    text = "".join(random.Random(2).choices("abcdefgh ", k=size))
    started = time.process_time()
    for _ in range(1_000):
        text.find("xyz")
    unit = time.process_time() - started
    note = (
        f"median {1000 * statistics.median(seconds):.1f} ms, CPU time; one look through 32 kB for three "
        f"letters takes {1e3 * unit:.0f} µs here"
    )
    return at_most("redaction of 32 kB, p95", 1000 * percentile(seconds, 0.95), 10.0, "ms", note)


def _personal() -> Iterator[Row]:
    """Spans of the public set, of the kinds that are claimed."""
    path = Path(os.environ.get(SETS, "")) / "guard" / "pii_presidio.jsonl.gz"
    if not os.environ.get(SETS) or not path.exists():
        missing = f"set {SETS} to the folder that holds guard/pii_presidio.jsonl.gz"
        yield Row("personal data, recall and precision", "", "≥ .90, ≥ .80", None, missing)
        return
    hit, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            gold = [(each["start"], each["end"], each["type"]) for each in case["spans"]]
            found = [(each.start, each.end, _PII.get(each.kind, "")) for each in personal_data(case["text"])]
            for start, end, kind in gold:
                whole = any(kind == k and s <= start and end <= e for s, e, k in found)
                (hit if whole else missed)[kind] += 1
            for start, end, kind in found:
                if not any(kind == k and start < e and s < end for s, e, k in gold):
                    wrong[kind] += 1
    kinds = [_PII[kind] for kind in CLAIMED]
    hits, misses, wrongs = (sum(each[kind] for kind in kinds) for each in (hit, missed, wrong))
    recall, precision = hits / max(1, hits + misses), hits / max(1, hits + wrongs)
    each = ", ".join(f"{kind} {hit[kind]}/{hit[kind] + missed[kind]}" for kind in kinds)
    note = f"{each}; not claimed: people's names, {hit['PERSON']}/{hit['PERSON'] + missed['PERSON']} found"
    measured = f"{recall:.3f}, {precision:.3f}"
    met = recall >= 0.9 and precision >= 0.8
    yield Row("personal data, recall and precision", measured, "≥ .90, ≥ .80", met, note)


@dataclass
class _Provider:
    """Answers at once and says what it used."""

    read: int = 300
    written: int = 40
    asked: int = 0

    async def chat(self, request: ChatRequest, meter: Meter) -> AsyncIterator[str]:
        self.asked += 1
        await asyncio.sleep(0)
        yield "yes"
        meter.read, meter.written = self.read, self.written

    async def fill(self, request: FillRequest, meter: Meter) -> AsyncIterator[str]:
        yield "return"


async def _overspent(calls: int) -> Row:
    """Calls at the same time against a budget that covers half of them."""
    most = 0.0
    answered = 0
    for budget in (0.05, 0.2, 0.5):
        with tempfile.TemporaryDirectory() as folder:
            books = Books(folder=folder, budget=Budget(day=budget), prices={"m": Price(10.0, 30.0)})
            guard, provider = Outbound(False, books=books), _Provider()
            asked = ChatRequest((Message("user", "why? " * 200),), max_tokens=200)
            ended = await asyncio.gather(
                *(_whole(guard.chat("m", _URL, asked, provider.chat)) for _ in range(calls)),
                return_exceptions=True,
            )
            assert all(end == "yes" or isinstance(end, OverBudget) for end in ended), ended
            ledger = guard.accounts.ledger()
            assert ledger is not None
            most = max(most, ledger.spent(0.0) - budget)
            answered += provider.asked
            guard.accounts.close()
    note = f"{calls} at once, three budgets of which each covers a part; {answered} were answered"
    return at_most("budget overspent", max(most, 0.0), 0.0, "", note)


async def _cost(*, quick: bool) -> Row:
    """What guard, ledger and audit log add to a request of 8,000 characters whose answer is there at once."""
    with tempfile.TemporaryDirectory() as folder:
        books = Books(folder=folder, budget=Budget(day=1e6), prices={"m": Price(1.0, 1.0)})
        guard, provider = Outbound(False, books=books), _Provider()
        seconds, cpu = [], []
        for number in range(100 if quick else 1_000):
            request = FillRequest(f"# {number}\n" + _CODE * 75, _CODE * 25, "python", "a.py")
            started, burnt = time.perf_counter(), time.process_time()
            await _whole(guard.fill("m", _URL, request, provider.fill))
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - burnt)
        guard.accounts.close()
    used = sorted(seconds[10:])
    note = (
        f"median {1000 * statistics.median(used):.2f} ms, {1000 * statistics.median(cpu[10:]):.2f} ms of CPU"
    )
    return at_most(
        "guard, ledger and audit log, added to a call, p95", 1000 * percentile(used, 0.95), 3.0, "ms", note
    )


async def _kept_answers() -> Row:
    """Questions in other words about the same material, and others that only look alike, by the embedder
    that ships."""
    from devflow.retrieval.embedders.choose import STATIC, load_embedder

    embedder = load_embedder(STATIC)
    keeping = Keeping()
    right = wrong = 0
    for first, same, other in _QUESTIONS:
        with tempfile.TemporaryDirectory() as folder:
            answers = Answers(
                Keeping(folder, threshold=keeping.threshold, checked=0.0), lambda t: embedder.embed(t)
            )
            answers.keep("m", _question(first), "answer", 1.0)
            right += answers.find("m", _question(same)) is not None
            wrong += answers.find("m", _question(other)) is not None
            answers.close()
    note = f"{right} of {len(_QUESTIONS)} rewordings were hits, threshold {keeping.threshold}"
    return at_most("kept answers given to another question", wrong, 0, "", note)


def _question(words: str) -> ChatRequest:
    return ChatRequest((Message("user", f"Question: {words}\n\ncode"),), question=words, paths=("a.py",))


_QUESTIONS = (
    ("where are retries configured?", "where are the retries configured", "where are retries disabled?"),
    ("how is a session opened?", "how is the session opened?", "how is a session closed?"),
    ("what does the parser return", "what does the parser return?", "what does the parser raise"),
    ("where is the cache invalidated?", "where is our cache invalidated?", "when is the cache invalidated?"),
    (
        "which function writes the index?",
        "which functions write the index?",
        "which function reads the index?",
    ),
    ("how are errors logged?", "how are the errors logged", "why are errors logged?"),
    ("where is max_retries used?", "where is max_retries being used?", "where is min_retries used?"),
    ("what calls connect()?", "what is calling connect()?", "what does connect() call?"),
)


def _forecasts(months: int) -> Row:
    """How often a month of made-up spending (working days, quiet weekends, now and then a dear day) ends
    inside the interval forecast on its tenth."""
    from datetime import date, timedelta

    inside = 0
    for number in range(months):
        seed = random.Random(number)
        today = date(2025, 3 + number % 9, 10)
        days = [today.replace(day=1) - timedelta(days=56) + timedelta(days=each) for each in range(95)]
        spent = {
            day: (0.2 if day.weekday() >= 5 else 1.0) * seed.lognormvariate(0, 0.6)
            + (5.0 if seed.random() < 0.03 else 0.0)
            for day in days
        }
        end = forecast({day: cost for day, cost in spent.items() if day <= today}, today)
        whole = sum(cost for day, cost in spent.items() if (day.year, day.month) == (today.year, today.month))
        inside += end.low is not None and end.high is not None and end.low <= whole <= end.high
    share = inside / months
    met = 0.7 <= share <= 0.9
    return Row(
        "months that end inside the forecast", shown(100 * share, "%"), "80 %", met, "interval of 80 %"
    )


_URL = "https://api.example.com/v1"
_CODE = "def area(shape: Shape) -> float:\n    '''Of one shape.'''\n    return shape.width\n\n"


async def _whole(pieces: AsyncIterator[str]) -> str:
    return "".join([piece async for piece in pieces])


def _folders() -> list[Path]:
    return [Path(each) for each in os.environ.get("DEVFLOW_CLEAN_CODE", "").split(os.pathsep) if each]


def _clean_files(most: int) -> Iterator[str]:
    folders = _folders()
    installed = Path(get_paths()["purelib"])
    folders = folders or [installed / name for name in _CLEAN if (installed / name).is_dir()]
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    random.Random(7).shuffle(paths)
    for path in paths[:most]:
        try:
            yield path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def _lines_with_strings(source: str) -> set[int]:
    lines: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.STRING:
                lines.update(range(token.start[0], token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        pass
    return lines
