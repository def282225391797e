"""`hard-coded-secret`: a key or password in the source, found by the detect-secrets library.

Only the library's line detectors are used, called one by one: they read no settings, verify nothing
over the network and write no files. What they find is filtered further, since a finding on a
placeholder or a checksum costs more trust than it is worth. A message never holds the secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from devflow.analysis.facts import Finding

if TYPE_CHECKING:
    from devflow.analysis.text import Text

CODE = "hard-coded-secret"

_MAX_LINE = 2_000
_NOT_REAL = re.compile(
    r"(?:^|[_\-./\\])(?:tests?|testing|spec|examples?|samples?|fixtures?|mocks?|docs?|demo)(?:$|[_\-./\\])"
)
_PLACEHOLDER = re.compile(
    r"example|sample|change.?me|your|placeholder|dummy|fake|foo|bar|redacted|insert|replace|todo|xxx|\*\*\*|"
    r"\.\.\.|test|secret|passw|token|api.?key|hunter2|abc.?123|12345|qwerty|default|none|null|<|>|\$\{|\{\{|%\(|%s",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(?:secret|passw(?:or)?d|passphrase|api_?key|auth_?key|access_?key|private_?key|signing_?key|"
    r"encryption_?key|auth_?token|access_?token|bearer|credentials?)\w*[\"'\]]*\s*(?::\s*\w+\s*)?[:=]",
    re.IGNORECASE,
)
_WORTH_A_LOOK = re.compile(
    r"(?=[\w+/=\-]{0,200}\d)[\w+/=\-]{16}|(?-i:[A-Z]{16})|\bgl[a-z]{1,6}-|[rs]k_live|passw|pwd|secret|"
    r"key[\w\"'\]]*\s*(?::\s*\w+\s*)?[:=]\s*\w?[\"'`]|://[^\s/:@]*:[^\s@]+@|-----BEGIN",
    re.IGNORECASE,
)
"""What all that the detectors find has: a long word with a digit (some issuers give a few without), a telling
name, a password in an address. Most files have none, and the library takes 10 MB of memory."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{40}")
_ANNOTATION = re.compile(r"(\w):\s*[A-Za-z_][\w.\[\], |]*(?=\s*=[^=])")
_TOKEN = re.compile(r"[\w.+/=\-]")
_WORDS = re.compile(r"[A-Za-z]+(?:[ _\-./:,][A-Za-z]+)*[.!?:]?")
_ALLOWED = re.compile(r"pragma: allowlist secret|#\s*nosec|gitleaks:allow|noqa:\s*S10[567]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Detector:
    plugin: Any
    shown: str
    kind: str
    """`token` (a format nothing else has), `exact` (the same, found whole), `named` (a telling name) or
    `random` (entropy behind a telling name)."""


def hard_coded_secrets(text: Text, path: PurePath | None) -> list[Finding]:
    """One finding for each secret in `text`. Tests, examples and documentation are left alone, as
    `path` (best given below its workspace root) shows them.

    CPU-bound and slow to import: call it in a thread.
    """
    if path is not None and _NOT_REAL.search(_near(path)):
        return []
    detectors: tuple[_Detector, ...] = ()
    findings: list[Finding] = []
    for line in range(text.line_count):
        content = text.line(line)
        if (
            not 8 <= len(content) <= _MAX_LINE
            or not _WORTH_A_LOOK.search(content)
            or _ALLOWED.search(content)
        ):
            continue
        taken: list[tuple[int, int]] = []
        head = _PRIVATE_KEY.search(content)
        if head and (_KEY_BODY.search(content, head.end()) or _KEY_BODY.search(text.line(line + 1))):
            at = text.line_start(line)
            findings.append(_finding(at + head.start(), at + head.end(), "a private key"))
            continue
        detectors = detectors or _detectors()  # many a file has no line that is worth the import
        for start, end, shown in _in_line(content, detectors, path):
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            at = text.line_start(line)
            findings.append(_finding(at + start, at + end, shown))
    return findings


def _finding(start: int, end: int, shown: str) -> Finding:
    message = (
        f"This looks like {shown} in the source. Read it from the environment or a secret store, "
        "and replace it at its issuer if it was ever shared."
    )
    return Finding(start, end, CODE, message, "warning")


def _in_line(
    content: str, detectors: tuple[_Detector, ...], path: PurePath | None
) -> Iterator[tuple[int, int, str]]:
    for detector in detectors:
        if detector.kind == "random" and not _SECRET_NAME.search(content):
            continue
        # `password: str = "…"` is the same to us as `password = "…"`, but not to the library.
        seen = _ANNOTATION.sub(r"\1", content) if detector.kind == "named" else content
        for part in detector.plugin.analyze_string(seen):
            start = content.find(part) if isinstance(part, str) and part else -1
            if start < 0:
                continue
            end = start + len(part)
            if detector.kind == "token":  # the library may give only a part of it
                start, end = _whole(content, start, end)
            if _is_real(content[start:end], content, detector):
                yield start, end, detector.shown


def _whole(content: str, start: int, end: int) -> tuple[int, int]:
    while start and _TOKEN.match(content[start - 1]):
        start -= 1
    while end < len(content) and _TOKEN.match(content[end]):
        end += 1
    return start, end


def _is_real(secret: str, content: str, detector: _Detector) -> bool:
    from detect_secrets.filters import heuristic

    if _PLACEHOLDER.search(secret) or heuristic.is_sequential_string(secret) or len(set(secret)) < 5:
        return False
    if detector.kind in ("token", "exact"):
        return True
    if (
        len(secret) < 8
        or " " in secret
        or _WORDS.fullmatch(secret)
        or heuristic.is_potential_uuid(secret)
        or heuristic.is_templated_secret(secret)
        or heuristic.is_prefixed_with_dollar_sign(secret)
        or heuristic.is_indirect_reference(content)
        or heuristic.is_not_alphanumeric_string(secret)
        or heuristic.is_likely_id_string(secret, content, detector.plugin)
    ):
        return False
    if detector.kind == "random":
        entropy: float = detector.plugin.calculate_shannon_entropy(secret)
        return entropy > detector.plugin.entropy_limit and _is_assigned(secret, content)
    # A name like `password` with a value that is no word: it must at least mix letters and digits.
    return bool(re.search(r"[A-Za-z]", secret) and re.search(r"\d", secret)) and _is_assigned(secret, content)


def _is_assigned(secret: str, content: str) -> bool:
    """Whether the secret is a whole string literal behind `=` or `:`, not part of a larger text or a
    comparison."""
    before, found, after = content.partition(secret)
    return bool(
        found
        and re.search(r"(?<![=!<>])[:=]\s*(?:\w+\()?[bru]?[\"'`]$", before, re.IGNORECASE)
        and after[:1] in ("'", '"', "`")
    )


def _near(path: PurePath) -> str:
    """The folders that say what the file is for: of a path below its root all, of an absolute one the
    last, since `/home/demo/…` must not hide everything below."""
    parts = path.parts[-2:] if path.is_absolute() else path.parts
    return "/".join(parts).lower()


def _detectors() -> tuple[_Detector, ...]:
    """The library's detectors with what each finds; those for public addresses are left out."""
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        high_entropy_strings,
        jwt,
        keyword,
        mailchimp,
        npm,
        openai,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    return (
        _Detector(aws.AWSKeyDetector(), "an AWS key", "token"),
        _Detector(azure_storage_key.AzureStorageKeyDetector(), "an Azure storage key", "token"),
        _Detector(basic_auth.BasicAuthDetector(), "a password in an address", "exact"),
        _Detector(discord.DiscordBotTokenDetector(), "a Discord bot token", "token"),
        _Detector(github_token.GitHubTokenDetector(), "a GitHub token", "token"),
        _Detector(gitlab_token.GitLabTokenDetector(), "a GitLab token", "token"),
        _Detector(jwt.JwtTokenDetector(), "a JSON web token", "token"),
        _Detector(mailchimp.MailchimpDetector(), "a Mailchimp key", "token"),
        _Detector(npm.NpmDetector(), "an npm token", "token"),
        _Detector(openai.OpenAIDetector(), "an OpenAI key", "token"),
        _Detector(pypi_token.PypiTokenDetector(), "a PyPI token", "token"),
        _Detector(sendgrid.SendGridDetector(), "a SendGrid key", "token"),
        _Detector(slack.SlackDetector(), "a Slack token", "token"),
        _Detector(square_oauth.SquareOAuthDetector(), "a Square secret", "token"),
        _Detector(stripe.StripeDetector(), "a Stripe key", "token"),
        _Detector(telegram_token.TelegramBotTokenDetector(), "a Telegram bot token", "token"),
        _Detector(twilio.TwilioKeyDetector(), "a Twilio key", "token"),
        _Detector(high_entropy_strings.Base64HighEntropyString(limit=4.0), "a random key", "random"),
        _Detector(high_entropy_strings.HexHighEntropyString(limit=3.0), "a random key", "random"),
        _Detector(keyword.KeywordDetector(), "a password or key", "named"),
    )
