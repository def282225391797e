"""Secrets out of a text, and back into the answer.

Finds secrets by the formats their issuers gave them and by the detect-secrets library (keywords, entropy).
Each is replaced by a placeholder that a model can copy like a name; in the answer the placeholder becomes
the secret again, so code that mentions a key still does. All in memory: nothing is written or verified
over the network. `find` is CPU-bound (about 1 MB/s): call it in a thread.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol, cast

from devflow.models.streams import closing, overlap

LONGEST_LINE = 4_000
"""Longer lines are looked at in pieces of this many characters, overlapping by 200."""


def secrets_in(text: str) -> list[tuple[int, int]]:
    """The ranges of the secrets in `text`, in order, none touching another."""
    ranges = [(match.start(1), match.end(1)) for pattern in _FORMATS for match in pattern.finditer(text)]
    ranges += _half_keys(text)
    ranges += _by_library(text)
    return _merged(ranges)


class Vault:
    """The secrets taken out of one request. The same secret gets the same placeholder everywhere in it."""

    def __init__(self, texts: Sequence[str], *, hole: bool = False) -> None:
        """Takes the secrets out of `texts`; `.texts` are the results. With `hole`, the first two texts are
        the sides of one hole: a secret the cursor stands in is seen whole, and taken out on both sides."""
        self._mark = "DEVFLOW_SECRET"
        while any(self._mark in text for text in texts):
            self._mark += "X"
        self._placeholders: dict[str, str] = {}
        ranges = [secrets_in(text) for text in texts]
        if hole:
            at = len(texts[0])
            for start, end in secrets_in(texts[0] + texts[1]):
                if start < at < end:
                    ranges[0] = _merged([*ranges[0], (start, at)])
                    ranges[1] = _merged([*ranges[1], (0, end - at)])
        self.texts = tuple(self._hide(text, found) for text, found in zip(texts, ranges, strict=True))

    def __len__(self) -> int:
        return len(self._placeholders)

    def __repr__(self) -> str:
        return f"<Vault of {len(self)} secrets>"

    def hidden(self, text: str) -> str:
        """`text` with the secrets already known taken out (for stop strings)."""
        for secret, placeholder in self._placeholders.items():
            text = text.replace(secret, placeholder)
        return text

    def restored(self, text: str) -> str:
        """`text` with the placeholders turned back."""
        for secret, placeholder in self._placeholders.items():
            text = text.replace(placeholder, secret)
        return text

    async def restore(self, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        """The stream with the placeholders turned back, also those split over pieces."""
        async with closing(pieces):
            if not self._placeholders:
                async for piece in pieces:
                    yield piece
                return
            placeholders = tuple(self._placeholders.values())
            held = ""
            async for piece in pieces:
                text = self.restored(held + piece)
                size = overlap(text, placeholders)
                held = text[len(text) - size :]
                if out := text[: len(text) - size]:
                    yield out
            if held:
                yield held

    def _hide(self, text: str, ranges: Iterable[tuple[int, int]]) -> str:
        parts: list[str] = []
        at = 0
        for start, end in ranges:
            secret = text[start:end]
            if secret not in self._placeholders:
                # Ends in a sign no digit can follow, so that number 1 is not the start of number 10.
                self._placeholders[secret] = f"{self._mark}_{len(self._placeholders) + 1}_"
            parts += [text[at:start], self._placeholders[secret]]
            at = end
        return "".join((*parts, text[at:]))


_FORMATS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        # AWS access key ids, and the secret that stands beside its name
        (r"(?<![A-Z0-9])((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})(?![A-Z0-9])", 0),
        (r"aws.{0,20}?(?:secret|key).{0,20}?[\"'=:\s]([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", re.I),
        # GitHub, GitLab
        (r"\b((?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,255})\b", 0),
        (r"\b(github_pat_[A-Za-z0-9_]{60,255})\b", 0),
        (r"\b(gl(?:pat|ptt|rt|dt)-[A-Za-z0-9_\-]{20,})", 0),
        # Slack tokens and webhooks
        (r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,250})\b", 0),
        (r"(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{20,})", 0),
        # Stripe
        (r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,247})\b", 0),
        (r"\b(whsec_[A-Za-z0-9+/=]{24,})", 0),
        # OpenAI, Anthropic, and others who begin with sk-
        (r"\b(sk-(?:ant-|proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_\-]{20,300})", 0),
        # Google, Hugging Face, npm, PyPI, SendGrid, DigitalOcean, Telegram
        (r"\b(AIza[A-Za-z0-9_\-]{35})(?![A-Za-z0-9_\-])", 0),
        (r"\b(GOCSPX-[A-Za-z0-9_\-]{28})", 0),
        (r"\b(hf_[A-Za-z0-9]{30,})\b", 0),
        (r"\b(npm_[A-Za-z0-9]{36})\b", 0),
        (r"\b(pypi-[A-Za-z0-9_\-]{50,})", 0),
        (r"\b(SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,})", 0),
        (r"\b(do[opr]_v1_[a-f0-9]{64})\b", 0),
        (r"\b(\d{8,10}:AA[A-Za-z0-9_\-]{33})(?![A-Za-z0-9_\-])", 0),
        # JSON web tokens
        (r"\b(eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,})", 0),
        # Private keys, whole
        (
            r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]{1,20000}?"
            r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)",
            0,
        ),
        # Passwords in addresses
        (r"\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@\"'<>{}]{0,64}:([^\s:/@\"'<>{}$]{3,256})@(?=[\w\[])", re.I),
        # Authorization headers written out
        (r"\bBearer\s+([A-Za-z0-9_\-.=+/]{20,})", 0),
    )
)


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[\s\"'+\\n,]*[A-Za-z0-9+/=]{16,}[\s\"'+\\n,]*$")


def _half_keys(text: str) -> Iterator[tuple[int, int]]:
    """Private keys whose beginning or end was cut off with the text round the cursor."""
    last_begin = max((match.end() for match in _BEGIN.finditer(text)), default=-1)
    if last_begin >= 0 and not _END.search(text, last_begin):
        yield last_begin, _key_lines(text, last_begin, forward=True)
    first_end = _END.search(text)
    if first_end and not _BEGIN.search(text, 0, first_end.start()):
        yield _key_lines(text, first_end.start(), forward=False), first_end.start()


def _key_lines(text: str, at: int, *, forward: bool) -> int:
    """How far the base64 lines of a key reach from `at`."""
    if forward:
        for line in re.finditer(r"[^\n]*\n?", text[at:]):
            if line[0].strip() and not _KEY_LINE.match(line[0]) and line.start() > 0:
                return at + line.start()
        return len(text)
    edge = at
    for line in reversed(list(re.finditer(r"[^\n]*\n|[^\n]+$", text[:at]))):
        if line[0].strip() and not _KEY_LINE.match(line[0]):
            break
        edge = line.start()
    return edge


_WORTH_A_LOOK = re.compile(r"key|pass|pwd|secret|contrase", re.IGNORECASE)
"""Lines without any of these have nothing for the keyword detector, which is first and slowest."""


class _Plugin(Protocol):
    def analyze_string(self, string: str) -> Iterable[str]: ...


class _Entropy(_Plugin, Protocol):
    entropy_limit: float

    def calculate_shannon_entropy(self, data: str) -> float: ...


def _by_library(text: str) -> Iterator[tuple[int, int]]:
    plugins, entropy = _plugins()
    start = 0
    for line in text.splitlines(keepends=True):
        for offset in range(0, len(line), LONGEST_LINE - 200):
            part = line[offset : offset + LONGEST_LINE]
            if len(part) < 8:
                continue
            for plugin in plugins if _WORTH_A_LOOK.search(part) else plugins[1:]:
                for secret in plugin.analyze_string(part):
                    if secret and _plausible(secret):
                        yield from _places(part, secret, start + offset)
            if '"' in part or "'" in part:
                for detector in entropy:
                    for secret in detector.analyze_string(part):
                        if (
                            len(secret) >= 20
                            and any(character.isdigit() for character in secret)
                            and detector.calculate_shannon_entropy(secret) > detector.entropy_limit
                        ):
                            yield from _places(part, secret, start + offset)
        start += len(line)


def _places(line: str, secret: str, base: int) -> Iterator[tuple[int, int]]:
    at = line.find(secret)
    while at >= 0:
        yield base + at, base + at + len(secret)
        at = line.find(secret, at + len(secret))


def _plausible(secret: str) -> bool:
    """Whether a value beside a name like `password` can be one: not a placeholder, a name or a template."""
    return (
        len(secret) >= 4
        and not re.fullmatch(r"[<\[{(%$*].*|.*[>\])}]|x+|\*+|\.+", secret, re.I | re.S)
        and not re.search(r"\s.*\s", secret.strip())
        and secret.lower() not in _NOT_SECRET
    )


_NOT_SECRET = frozenset(
    {
        "none",
        "null",
        "true",
        "false",
        "password",
        "passwd",
        "secret",
        "token",
        "changeme",
        "change_me",
        "example",
        "test",
        "dummy",
        "placeholder",
        "string",
        "bytes",
        "text",
        "your_password",
        "your_token",
        "your-api-key",
        "api_key",
        "apikey",
    }
)


@lru_cache(maxsize=1)
def _plugins() -> tuple[tuple[_Plugin, ...], tuple[_Entropy, ...]]:
    """The library's detectors. Importing them takes 0.1-0.2 s, so it happens at the first use."""
    from detect_secrets.plugins.artifactory import ArtifactoryDetector
    from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
    from detect_secrets.plugins.discord import DiscordBotTokenDetector
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString
    from detect_secrets.plugins.keyword import KeywordDetector
    from detect_secrets.plugins.mailchimp import MailchimpDetector
    from detect_secrets.plugins.square_oauth import SquareOAuthDetector
    from detect_secrets.plugins.twilio import TwilioKeyDetector

    plugins = (
        KeywordDetector,
        ArtifactoryDetector,
        AzureStorageKeyDetector,
        DiscordBotTokenDetector,
        MailchimpDetector,
        SquareOAuthDetector,
        TwilioKeyDetector,
    )
    return (
        cast("tuple[_Plugin, ...]", tuple(plugin() for plugin in plugins)),
        cast("tuple[_Entropy, ...]", (Base64HighEntropyString(limit=4.5), HexHighEntropyString(limit=3.0))),
    )
