"""Secrets are found, placeholders are not, and no message repeats what it found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePath

import pytest

from devflow.analysis.checks.secrets import hard_coded_secrets
from devflow.analysis.text import Text

# Put together here, so that no scanner (ours included) takes this file for a leak.
GITHUB = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
AWS = "AKIA" + "Z7QX4R2MWP5KLJ3D"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI4NDE5In0" + ".dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BODY = "MIIEpAIBAAKCAQEA7bq3x0K9mVQ5e2Zt8JrYcW4nLhP6sGfDk1uTaBv"


def found(code: str, path: str = "app/settings.py") -> list[str]:
    """What the findings in `code` cover."""
    text = Text(code)
    return [text.source[f.start : f.end] for f in hard_coded_secrets(text, PurePath(path))]


@pytest.mark.parametrize("secret", [GITHUB, AWS, STRIPE, JWT])
def test_tokens_of_known_formats_are_found(secret: str) -> None:
    assert found(f'client = connect(1, "{secret}")\n') == [secret]


@pytest.mark.parametrize(
    "line",
    [
        'DB_PASSWORD = "kX9$vmQ2pLw7"',
        "password: str = 'kX9$vmQ2pLw7'",
        '{"api_key": "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"}',
        'const apiKey = "Zm9vYTI4c2RmODdoMzJrajRoMjM0";',
        "secret = 'vJ8#kq2Lm9!x'",
    ],
)
def test_values_given_to_telling_names_are_found(line: str) -> None:
    [secret] = found(line + "\n")
    assert len(secret) >= 12


def test_a_password_in_an_address_is_found() -> None:
    assert found('url = "postgres://app:kX9vmQ2pLw7@db.internal/app"\n') == ["kX9vmQ2pLw7"]


def test_a_private_key_needs_a_body() -> None:
    head = "-----BEGIN RSA " + "PRIVATE KEY-----"
    assert found(f'KEY = """{head}\n{BODY}\n"""\n') == [head]
    assert found(f'if text.startswith("{head}"):\n    pass\n') == []


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme123"',
        'password = "your-password-1"',
        'password = os.environ["DB_PASSWORD"]',
        'password = getpass("Password: ")',
        'api_key = "<API_KEY>"',
        'api_key = f"{prefix}{key}"',
        'api_key = "${API_KEY}"',
        'secret_name = "prod/database/main"',
        'PASSWORD_FIELD = "user_password_2"',
        'sha = "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"',
        'integrity = "sha512-Zm9vYTI4c2RmODdoMzJrajRoMjM0Zm9vYTI4c2RmODdoMzJrajRoMjM0"',
        'key = "user_id"',
        'if password == "kX9$vmQ2pLw7": pass',
        'api_key = "AKIAIOSFODNN7EXAMPLE"',
        'url = "https://user:password@host/"',
        'password = "kX9$vmQ2pLw7"  # pragma: allowlist secret',
        'token_url = "https://auth.service/oauth2/v2/token"',
    ],
)
def test_what_is_no_secret_is_passed_over(line: str) -> None:
    assert found(line + "\n") == []


@pytest.mark.parametrize("path", ["tests/test_app.py", "examples/run.py", "src/app.spec.ts", "docs/conf.py"])
def test_tests_and_examples_are_left_alone(path: str) -> None:
    assert found(f'token = "{GITHUB}"\n', path) == []


def test_the_message_does_not_hold_the_secret() -> None:
    [finding] = hard_coded_secrets(Text(f'token = "{GITHUB}"\n'), PurePath("app.py"))
    assert GITHUB not in repr(finding)
    assert "GitHub token" in finding.message


def test_one_secret_is_one_finding_although_several_detectors_see_it() -> None:
    assert found(f'GITHUB_SECRET_KEY = "{GITHUB}"\n') == [GITHUB]


def test_a_very_long_line_is_not_scanned() -> None:
    assert found(f'x = "{"a" * 3000}"; token = "{GITHUB}"\n') == []


def test_ordinary_code_does_not_load_the_library() -> None:
    """It takes 10 MB, and most files hold nothing that could be a secret."""
    source = (
        "from urllib.parse import urlsplit_with_a_long_name\n\n\n"
        "class ConnectionPoolRegistry:\n"
        "    docs = 'https://example.org/documentation/index.html'\n\n"
        "    def lookup(self, key: str, fallback_when_missing: object) -> object:\n"
        "        return self.entries_by_name.get(key, fallback_when_missing)\n"
    )
    program = (
        "import sys\n"
        "from devflow.analysis.checks.secrets import hard_coded_secrets\n"
        "from devflow.analysis.text import Text\n"
        f"assert hard_coded_secrets(Text({source!r}), None) == []\n"
        "assert not any(name.startswith('detect_secrets') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
