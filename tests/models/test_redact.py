"""Secrets out of a text and back into the answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest

from devflow.models.guard.redact import Vault, secrets_in

# Made up, but in the issuers' formats. Put together from parts so that scanners let this file be.
TOKENS = {
    "aws id": "AKIA" + "Z7Q2M5XK3WJ6R4TN",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "github fine": "github_pat_" + "11ABCDEFG0abcdefghijkl_" + "Zx9" * 20,
    "gitlab": "glpat-" + "Xy7_kd82nFq0Lw3RtB5v",
    "slack": "xoxb-" + "123456789012-123456789012-AbCdEfGhIjKlMnOpQrStUvWx",
    "slack hook": "https://hooks.slack.com/services/" + "T00000000/B00000000/" + "q8Wd72kLm0Pz5Xc1Vb9Nn4Aa",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "openai": "sk-proj-" + "Abc123Def456Ghi789Jkl012Mno345Pqr678",
    "anthropic": "sk-ant-" + "api03-" + "R4nd0mT3xtTh4tIsL0ng3n0ughT0M4tch-AA",
    "google": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "hugging face": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + "CJDk4MjYzOTk3LTE3NjYtNGQ2OC05" * 2,
    "sendgrid": "SG." + "ngeVfQFYQlKU0ufo8x5d1A." + "TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr",
    "jwt": "eyJhbGciOiJIUzI1NiJ9."
    + "eyJzdWIiOiIxMjM0NTY3ODkwIn0."
    + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}
PEM = (
    "-----BEGIN RSA PRIVATE "
    + "KEY-----\n"
    + "MIIEowIBAAKCAQEAx7Zk2mPq0Lw3RtB5vXy7kd82nFq\n" * 4
    + "-----END RSA PRIVATE KEY-----"
)


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("line", ["key = '{}'\n", "{}", "call({}, 1)", "export KEY={}\n", "# see {} for it"])
def test_a_token_in_its_issuer_s_format_is_found_wherever_it_stands(token: str, line: str) -> None:
    text = line.format(token)
    assert token not in Vault([text]).texts[0]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key = '''{PEM}'''", PEM),
        ("url = 'postgres://app:s3cr3t-Pa55@db.example.com/x'", "s3cr3t-Pa55"),
        ("Authorization: Bearer abcdefghij0123456789xyz", "abcdefghij0123456789xyz"),
        ('password = "hunter2hunter2"', "hunter2hunter2"),
        ("db_password: 'correct-horse-battery'", "correct-horse-battery"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY",
        ),
        ('token = "8f14e45fceea167a5a36dedd4bea2543"', "8f14e45fceea167a5a36dedd4bea2543"),
        ("Server=db;User ID=sa;Password=P@ssw0rd!x9;Encrypt=true", "P@ssw0rd!x9"),
        ("jdbc:mysql://db/app?user=app&password=s3cr3tPw", "s3cr3tPw"),
        ("curl -u admin:S3cretPw9 https://api.example.com", "S3cretPw9"),
        ("mysql -uroot -pS3cretPw9 app", "S3cretPw9"),
        ("machine example.com login deploy password S3cretPw9", "S3cretPw9"),
        ("CREATE USER app IDENTIFIED BY 'S3cretPw9';", "S3cretPw9"),
        ("DB_PASS=correcthorse", "correcthorse"),
        ("# password: Tr0ub4dor3x\n", "Tr0ub4dor3x"),
        ("x = 1  // the db password is Tr0ub4dor3x\n", "Tr0ub4dor3x"),
        (" * user: admin, password: Tr0ub4dor3x\n */", "Tr0ub4dor3x"),
        ("kind: Secret\ndata:\n  password: cGFzc3dvcmQxMjM0\n", "cGFzc3dvcmQxMjM0"),
        ("- name: API_KEY\n  value: 4f9a8b7c6d5e4f3a2b1c0d9e\n", "4f9a8b7c6d5e4f3a2b1c0d9e"),
        ("<password>\n  Tr0ub4dor&3\n</password>", "Tr0ub4dor&3"),
        ("'Authorization': 'Token 9944b09199c62bcf9418ad846dd0e4bb'", "9944b09199c62bcf9418ad846dd0e4bb"),
        ("DATADOG_APP_KEY: 4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c", "4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"),
        ('var fastly_key string = "zwYiZYexXZOqAHleFwFxTPDCKWqhchc4"', "zwYiZYexXZOqAHleFwFxTPDCKWqhchc4"),
    ],
)
def test_other_secrets_are_found(text: str, secret: str) -> None:
    assert secret not in Vault([text]).texts[0]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("user: app\r\npassword: Tr0ub4dor3x\r\nhost: db\r\n", "Tr0ub4dor3x"),
        ("user: app\rpassword: Tr0ub4dor3x\rhost: db\r", "Tr0ub4dor3x"),
        (f"key = '{TOKENS['github'][:12]}\u200b{TOKENS['github'][12:]}'\n", TOKENS["github"][12:]),
        (f"key = '{TOKENS['gitlab'][:9]}\u00ad{TOKENS['gitlab'][9:]}'\n", TOKENS["gitlab"][9:]),
        (f"see \u200b{TOKENS['npm']}\ufeff.", TOKENS["npm"]),
        ("# password：Tr0ub4dor3x\n", "Tr0ub4dor3x"),
        ("password\u00a0=\u00a0'Tr0ub4dor3x'\n", "Tr0ub4dor3x"),
        ("kennwort = 'Tr0ub4dor3x'", "Tr0ub4dor3x"),
        ("$motDePasse = 'Tr0ub4dor3x'", "Tr0ub4dor3x"),
        ("DB_SENHA=Tr0ub4dor3x", "Tr0ub4dor3x"),
        ('пароль = "Tr0ub4dor3x"', "Tr0ub4dor3x"),
        ('"密码": "Tr0ub4dor3x"', "Tr0ub4dor3x"),
    ],
)
def test_a_secret_is_found_whatever_line_ends_letters_and_language_dress_it(text: str, secret: str) -> None:
    vault = Vault([text])
    assert secret not in vault.texts[0]
    assert vault.restored(vault.texts[0]) == text


@pytest.mark.parametrize(
    "text",
    [
        "def password_of(user): return user.password\n",
        "password = get_password()\n",
        "password: str\n",
        "login(user, password=password, token=token2)\n",
        'password = get("name")\n',
        "password = os.environ['PASSWORD']\n",
        'password = "<your password>"\n',
        'password = "{password}"\n',
        'token = ""\n',
        "url = 'https://example.com/a/b?c=d'\n",
        "url = f'https://{user}:{password}@{host}/'\n",
        "from sk_learn_helpers import task_force_risk_assessment_calculator\n",
        "name = 'skeleton-of-a-very-long-kebab-case-name'\n",
        "class GithubPatternMatcher: pass\n",
        "x = 'The quick brown fox jumps over the lazy dog'\n",
        "import get_user_profile_by_identifier_and_organisation\n",
        "version = '1.2.3.dev4+g1234567'\n",
        "assert isinstance(value, Decimal), 'expected a Decimal here'\n",
        "ssh://git@github.com/owner/repo.git\n",
        "def login(username: str, password: str) -> Token:\n",
        "password: Optional[str] = None\n",
        "token: Token = Depends(get_token)\n",
        "PASSWORD_HASHERS = ['django.contrib.auth.hashers.PBKDF2PasswordHasher']\n",
        "sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n",
        "commit = '1f3870be274f6c49b3e31a0c6728957f0a1b2c3d'\n",
        "keyring.set_password(service, user, pw)\n",
        'cannot pass "subdomain" or "url_scheme"\n',
        "dependencies = [('auth', '0008_alter_user_username_max_length')]\n",
        "primary_key=True, sort_keys=True, cache_key=f'user:{id}'\n",
        "logger.info('token expired at %s', when)\n",
        "# password: sha256 of the user's, salted\n",
        "x = 1  # password: a string of 12 letters\n",
        "if hasLoaded: chosenHandler = 'frozen123'\n",
        "ключ = 'имя'\n",
    ],
)
def test_ordinary_code_is_left_as_it_is(text: str) -> None:
    assert secrets_in(text) == []


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ('passwd = f"Sw0rdfish"', ["Sw0rdfish"]),
        ('let password: &str = "Sw0rdfish";', ["Sw0rdfish"]),
        ('let password = String::from("Sw0rdfish");', ["Sw0rdfish"]),
        ('password = os.environ.get("PW", default="Sw0rdfish")', ["Sw0rdfish"]),
        ('PASSWORD = (\n    "Sw0rdfish"\n)', ["Sw0rdfish"]),
        ('PASSWORD = [\n    "Sw0rdfish"\n]', ["Sw0rdfish"]),
        ('auth=("bob", "Sw0rdfish")', ["Sw0rdfish"]),
        ('password = "Sw0r" + "dfish9x"', ["Sw0r", "dfish9x"]),
        (r"password = 'Sw0r\'dfish9x'", ["Sw0r", "dfish9x"]),
        ("password: Sw0rdfish", ["Sw0rdfish"]),
        ("password = Sw0rdfish", ["Sw0rdfish"]),
        ("env PGPASSWORD=Sw0rdfish psql", ["Sw0rdfish"]),
        ("ENV DB_PASSWORD Sw0rdfish", ["Sw0rdfish"]),
        ("run --password=Sw0rdfish", ["Sw0rdfish"]),
        ("run --password Sw0rdfish", ["Sw0rdfish"]),
        ('#define PASSWORD "Sw0rdfish"', ["Sw0rdfish"]),
        ('token = b"Sw0rdfish"', ["Sw0rdfish"]),
    ],
)
def test_passwords_are_found_in_the_shapes_of_languages_and_tools(text: str, secrets: list[str]) -> None:
    [hidden] = Vault([text]).texts
    assert not [secret for secret in secrets if secret in hidden]


JOINED = {
    "plus": 'key = "{}" + "{}"\n',
    "plus over lines": "const key =\n  '{}' +\n  '{}';\n",
    "implicit": 'key = "{}" "{}"\n',
    "implicit over lines": 'key = (\n    "{}"  # first half\n    "{}"\n)\n',
    "dot": "$key = '{}' . '{}';\n",
    "two dots": "key = '{}' .. '{}'\n",
    "a method": "key = '{}'.concat('{}')\n",
    "a macro": 'let key = concat!("{}", "{}");\n',
    "an array": "const key = ['{}', '{}'].join('')\n",
    "a list": "key = ''.join(['{}', '{}'])\n",
    "a template": "const key = `${{'{}'}}${{'{}'}}`\n",
    "a line that goes on": 'key = "{}\\\n{}"\n',
    "a statement that goes on": 'key = "{}" \\\n    "{}"\n',
}


@pytest.mark.parametrize("form", JOINED.values(), ids=JOINED)
@pytest.mark.parametrize("token", [TOKENS["aws id"], TOKENS["github"], TOKENS["stripe"]])
def test_a_token_joined_from_parts_in_one_expression_is_found(form: str, token: str) -> None:
    for at in (4, 11, len(token) - 3):
        text = form.format(token[:at], token[at:])
        vault = Vault([text])
        assert token[:at][4:] not in vault.texts[0] or at == 4
        assert token[at:] not in vault.texts[0]
        assert vault.restored(vault.texts[0]) == text


DIGEST = "4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"  # only the name beside it tells


@pytest.mark.parametrize(
    "text",
    [
        "datadog_api_key: |\n  {}\nregion: eu\n",
        "a:\n  datadog_api_key: >-\n    {}\n  region: eu\n",
        "read DATADOG_API_KEY <<'EOF'\n{}\nEOF\n",
        "datadog_api_key = <<-EOT\n    {}\n  EOT\n",
        "cat > .env <<EOF\nREGION=eu\nDD_API_KEY={}\nEOF\n",
        'variable "datadog_api_key" {{\n  type = string\n  default = "{}"\n}}\n',
        '{{"name": "DATADOG_API_KEY", "value": "{}"}}\n',
        'DATADOG_API_KEY = (\n    "{}"\n)\n',
        'DATADOG_API_KEY = """\\\n{}"""\n',
    ],
)
def test_a_value_below_the_name_that_tells_is_found(text: str) -> None:
    vault = Vault([text.format(DIGEST)])
    assert DIGEST not in vault.texts[0]
    assert vault.restored(vault.texts[0]) == text.format(DIGEST)


@pytest.mark.parametrize(
    "text",
    [
        "ansible_become_pass: {}\n",
        "spring.datasource.password: {}\n",
        "environment:\n  - 'DB_PASSWORD={}'\n",
        "- value: {}\n  name: DB_PASSWORD\n",
        '{{"Name": "DB_PASSWORD", "Value": "{}"}}',
        '{{"b": "{{\\"c\\": \\"{{\\\\\\"password\\\\\\": \\\\\\"{}\\\\\\"}}\\"}}"}}',
        "apiVersion: v1\nkind: Secret\ndata:\n  database: {}\n",
        "kind: ConfigMap\ndata:\n  a: b\n---\nstringData:\n\n  database: {}\n\nkind: Secret\n",
        "kind: Secret # of the shop\nstringData:\n  database: {} or two\n",
        "kind: Secret\nstringData:\n  database: one and {}\n",
        'kind: Secret\nstringData:\n  database: "one and {}"\n',
        "kind: Secret\nstringData:\n  config: |-\n    only {} here\n  other: b\n",
        "docker login -u me -p {} registry.example.com",
        "openssl rsa -passin pass:{} -in key",
        "keytool -storepass {} -list",
        "cmdkey /add:host /user:me /pass:{}",
        "redis-cli -h cache -a {}",
        "sqlplus scott/{}@orcl",
        "jdbc:oracle:thin:scott/{}@//db:1521/x",
        "postgres://app:p@{}@db/app",
        'ConvertTo-SecureString "{}" -AsPlainText',
        "<password><![CDATA[{}]]></password>",
        "<key>Password</key>\n<string>{}</string>",
        "login user=bob password={} from 10.0.0.5",
        'password: str = Field(default="{}")',
        'static const char password[] = "{}";',
        'char *passwords[] = {{"a"}}, password[] = {{ "{}" }};',
        "a\u2028password: {}\u2028b",
        'access_key = "x"\nsecret_key = "{}"',
    ],
)
def test_a_password_is_found_where_tools_are_given_one(text: str) -> None:
    secret = "Tr0ub4dor3x" if "access_key" not in text else "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY"
    vault = Vault([text.format(secret)])
    assert secret not in vault.texts[0]
    assert vault.restored(vault.texts[0]) == text.format(secret)


def test_what_a_template_of_a_secret_asks_for_is_no_secret() -> None:
    text = "kind: Secret\ndata:\n  # of the shop\n  a: {{ .Values.a }}\n  b: |\n    {{ .Values.b }}\n"
    assert Vault([text]).texts[0] == text


def test_what_a_config_map_beside_a_secret_holds_is_no_secret() -> None:
    text = "kind: ConfigMap\ndata:\n  database: orders\n---\nkind: Secret\ndata:\n  a: b\n"
    assert Vault([text]).texts[0] == text


@pytest.mark.parametrize("at", [8, 11, 14, 20, 30, 37])
def test_a_token_joined_from_parts_round_the_cursor_is_taken_out_on_both_sides(at: int) -> None:
    text = f'key = "{TOKENS["aws id"][:9]}" + "{TOKENS["aws id"][9:]}"\n'
    vault = Vault((text[:at], text[at:], ""), hole=True)
    prefix, suffix, _ = vault.texts
    assert not [part for part in ("Z7Q2M", "3WJ6R4TN") if part in prefix + suffix]
    assert vault.restored(prefix + suffix) == text


def test_a_value_folded_over_lines_is_taken_out_whole() -> None:
    text = f"datadog_api_key: >-\n  {DIGEST[:16]}\n  {DIGEST[16:]}\nregion: eu\n"
    assert Vault([text]).texts[0] == "datadog_api_key: >-\n  DEVFLOW_SECRET_1_\nregion: eu\n"


def _each(token: str, form: str) -> str:
    return "".join(form.format(ord(sign)) for sign in token)


CODES = {
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "base64 without its end": lambda token: base64.b64encode(token.encode()).decode().rstrip("="),
    "base64 of settings": lambda token: base64.b64encode(f"A=1\nKEY={token}\n".encode()).decode(),
    "hexadecimal": lambda token: token.encode().hex(),
    "of an address": lambda token: _each(token, "%{:02x}"),
    "of a string": lambda token: _each(token, "\\x{:02x}"),
    "of JSON": lambda token: _each(token, "\\u{:04x}"),
    "of HTML": lambda token: _each(token, "&#{};"),
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_token_in_another_code_is_found(code: Callable[[str], str], token: str) -> None:
    text = f'x = "{code(token)}"\n'
    vault = Vault([text])
    assert code(token)[8:-8] not in vault.texts[0]
    assert vault.restored(vault.texts[0]) == text


def test_a_secret_behind_a_long_row_of_names_is_found() -> None:
    text = "password=" * 2_000 + "hunter2xQ9"
    assert any(end == len(text) for _, end in secrets_in(text))


def test_the_same_secret_has_the_same_placeholder_everywhere() -> None:
    token = TOKENS["github"]
    vault = Vault([f"a = '{token}'", f"b = '{token}'", "c = 1"])
    first, second, third = vault.texts
    assert first[5:-1] == second[5:-1]
    assert third == "c = 1"
    assert len(vault) == 1


def test_a_text_that_already_holds_a_placeholder_is_not_changed_on_the_way_back() -> None:
    text = f"DEVFLOW_SECRET_1_ = '{TOKENS['stripe']}'"
    vault = Vault([text])
    assert vault.restored(vault.texts[0]) == text
    assert vault.restored("DEVFLOW_SECRET_1_") == "DEVFLOW_SECRET_1_"


def test_a_secret_the_cursor_stands_in_is_taken_out_on_both_sides() -> None:
    token = TOKENS["github"]
    vault = Vault((f"k = '{token[:12]}", f"{token[12:]}'\n", ""), hole=True)
    prefix, suffix, _ = vault.texts
    assert token[:12] not in prefix
    assert token[12:] not in suffix
    assert vault.restored(prefix + suffix) == f"k = '{token}'\n"


def test_a_private_key_cut_off_by_the_window_is_still_one() -> None:
    lines = PEM.splitlines()
    tail = "\n".join(lines[2:]) + "\nx = 1\n"
    head = "x = 1\n" + "\n".join(lines[:3]) + "\n"
    for text in (tail, head):
        [hidden] = Vault([text]).texts
        assert "MIIEow" not in hidden
        assert "x = 1" in hidden


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
async def test_a_placeholder_split_over_pieces_becomes_the_secret_again(size: int) -> None:
    secrets = [f"AKIA{'ABCDEFGHIJKLMNOP'[i:] + 'Z' * i}" for i in range(12)]
    vault = Vault([" ".join(secrets)])
    assert len(vault) == 12
    text = f"x = {vault.texts[0]} DEVFLOW_SECRE DEVFLOW_SECRET_99_ end DEVFLOW"

    async def pieces() -> AsyncIterator[str]:
        for at in range(0, len(text), size):
            yield text[at : at + size]

    restored = "".join([piece async for piece in vault.restore(pieces())])
    assert restored == f"x = {' '.join(secrets)} DEVFLOW_SECRE DEVFLOW_SECRET_99_ end DEVFLOW"


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("shown", [False, True])
async def test_a_placeholder_that_a_model_writes_otherwise_becomes_the_secret_again(
    size: int, shown: bool
) -> None:
    secret = "AKIAABCDEFGHIJKLMNOP"
    vault = Vault([secret])
    for written in (
        "devflow_secret_1_",
        "Devflow_Secret_1_",
        "DEVFLOW_SECRET_1",
        "DEVFLOW_SECRET_1\\_",
        "devflow\\_secret\\_1",
    ):
        text = f"the key is {written}, not DEVFLOW_SECRET_21_ or devflow {written}"

        async def pieces(text: str = text) -> AsyncIterator[str]:
            for at in range(0, len(text), size):
                yield text[at : at + size]

        restored = "".join([piece async for piece in vault.restore(pieces(), shown=shown)])
        assert restored == text.replace(written, secret)
    assert vault.restored("devflow_secret_1_") == secret


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_in_an_answer_that_is_json_a_secret_of_several_lines_breaks_nothing(size: int) -> None:
    code = f'key = "{TOKENS["aws id"][:9]}" \\\n    "{TOKENS["aws id"][9:]}"\n{PEM}\n'
    vault = Vault([code])
    answer = json.dumps({"quote": vault.texts[0]})

    async def pieces() -> AsyncIterator[str]:
        for at in range(0, len(answer), size):
            yield answer[at : at + size]

    restored = "".join([piece async for piece in vault.restore(pieces(), json=True)])
    assert json.loads(restored) == {"quote": code}


@pytest.mark.parametrize("own", ["devflow_secret_1_", "DEVFLOW\\_SECRET\\_1\\_", "Devflow_Email_3_"])
def test_what_a_text_holds_that_looks_like_a_placeholder_stays_what_it_is(own: str) -> None:
    text = f"{own} = 'AKIAABCDEFGHIJKLMNOP'"
    vault = Vault([text])
    assert "AKIA" not in vault.texts[0]
    assert vault.restored(vault.texts[0]) == text


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("answer", "is_back"),
    [
        ("the key is PH, used twice", True),
        ("`key = 'PH'` and [the docs](https://docs.example/) say PH", True),
        ("```python\nurl = 'https://e.example/?k=PH'\n```\n", True),
        ("see https://docs.example/\nthe key is PH", True),
        ("[x](https://e.example/?k=PH)", False),
        ("[x](  <//e.example/a b PH>)", False),
        ("[x](\nhttps://e.example/PH)", False),
        ("[x](//e.example/PH)", False),
        ("see https://e.example/PHPH now", False),
        ("see www.e.example/PH", False),
        ("<https://e.example/PH>", False),
        ("[1]: //e.example/PH", False),
        ("[1]:\n  //e.example/PH", False),
        ("```\ncode\n```\nhttps://e.example/PH", False),
        ("```a`b\nhttps://e.example/PH", False),
        ("1. a\n   ```\n   code\nhttps://e.example/PH", False),
        ("`https://e.example/PH", False),
        ("https://e.example/" + "a" * 9000 + "PH", False),
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
async def test_a_link_of_a_shown_answer_never_gets_a_secret(
    answer: str, is_back: bool, size: int, escaped: bool
) -> None:
    secret = "AKIAABCDEFGHIJKLMNOP"
    vault = Vault([secret])
    placeholder = vault.texts[0].replace("_", "\\_") if escaped else vault.texts[0]
    written = answer.replace("PH", placeholder)

    async def pieces() -> AsyncIterator[str]:
        for at in range(0, len(written), size):
            yield written[at : at + size]

    restored = "".join([piece async for piece in vault.restore(pieces(), shown=True)])
    assert restored == (answer.replace("PH", secret) if is_back else written)


def test_a_secret_never_shows_in_a_repr() -> None:
    assert TOKENS["stripe"] not in repr(Vault([TOKENS["stripe"]]))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "sk-" * 50_000,
        "eyJ" * 50_000,
        "password = '" * 5_000,
        "password=" * 20_000,
        "://" * 50_000,
        "-----BEGIN " * 5_000,
        '"' * 100_000,
        "'a' + " * 20_000,
        "'a'," * 20_000 + "].join('')" * 2_000,
        "[" * 20_000 + "].join('')" * 2_000,
        "concat(" * 20_000,
        "\\x41" * 50_000,
        "%41" * 50_000,
        "4142434445464748495a" * 10_000,
        "password: |\n  " * 10_000,
        "pass <<EOF\n" * 10_000,
        "password: |\n  aaaa" + "\n  aaaa" * 20_000,
        'pass" {' * 20_000,
        "[65," * 40_000,
        "[" + "65, " * 40_000,
        "{'a'," * 20_000,
        "| password |\n" * 10_000,
        "password,b\n" * 10_000,
        "VALUES (" * 10_000,
        "(password) VALUES " + "('a'), " * 10_000,
        "a:b@" * 40_000,
        "kind: Secret\n" + "data:\n  a: bbbb\n" * 5_000,
        "-----BEGIN CERTIFICATE-----\n" * 5_000,
        ("A" * 40 + "\n") * 4_000,
        "H4sI" * 20_000,
        "passwords = ['a', " * 5_000,
        "echo a:b | " * 10_000,
        "$ANSIBLE_VAULT;1\n" + ("a" * 80 + "\n") * 5_000,
        "pаss " * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_does_not_take_for_ever(text: str) -> None:
    started = time.process_time()
    secrets_in(text)
    assert time.process_time() - started < 5
