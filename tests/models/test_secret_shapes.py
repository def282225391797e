"""Where real code keeps secrets: in columns, lists of characters, packed, in the files and commands of tools;
and what only looks like one."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from devflow.models.guard.joined import encoded
from devflow.models.guard.redact import Vault, secrets_in
from support.steps import steps

# Made up. Put together from parts so that scanners let this file be.
AWS = "AKIA" + "Z7Q2M5XK3WJ6R4TN"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
HIDDEN = "Tr0ub4dor3x"
DIGEST = "4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"


def _taken_out(text: str, *secrets: str) -> None:
    vault = Vault([text])
    assert not [secret for secret in secrets if secret in vault.texts[0]]
    assert vault.restored(vault.texts[0]) == text


@pytest.mark.parametrize(
    "text",
    [
        "| user | password |\n|---|---|\n| bob | {} |\n| eve | `{}9` |\n",
        "| `user` | **Password** |\n| --- | --- |\n| bob | {} |\n| eve | {}9 |\n",
        "Examples:\n  | user | password |\n  | bob  | {} |\n  | eve  | {}9 |\n",
        "email,password,role\nbob@corp.io,{},admin\neve@corp.io,{}9,user\n",
        '"email";"api_key"\n"bob";"{}"\n"eve";"{}9"\n',
        "user\tsecret\nbob\t{}\neve\t{}9\n",
        "INSERT INTO users (name, `password`) VALUES ('bob', '{}'), ('e,ve', '{}9');\n",
    ],
)
def test_a_value_in_a_column_of_secrets_is_found(text: str) -> None:
    secret = DIGEST if "api_key" in text else HIDDEN
    _taken_out(text.format(secret, secret), secret)


@pytest.mark.parametrize(
    "text",
    [
        "| key | meaning |\n|---|---|\n| F5 | run |\n| Ctrl1 | stop |\n",
        "| Setting | Password policy |\n|---|---|\n| length | at least 12 |\n",
        "call(\n    user, password, role,\n    Session1, Required2, Admin3,\n)\n",
        "def login(user, password):\n    first1, second2\n",
        "INSERT INTO users (name, password_reset) VALUES ('bob', 'never2');\n",
    ],
)
def test_columns_of_other_things_are_left(text: str) -> None:
    assert secrets_in(text) == []


def _characters(token: str, quote: str) -> str:
    return ", ".join(f"{quote}{sign}{quote}" for sign in token)


def _codes(token: str, form: str = "{}") -> str:
    return ", ".join(form.format(ord(sign)) for sign in token)


SPELT: dict[str, Callable[[str], str]] = {
    "characters, joined": lambda token: f'x = "".join([{_characters(token, chr(34))}])\n',
    "characters of Java": lambda token: f"char[] x = new char[] {{{_characters(token, chr(39))}}};\n",
    "bytes": lambda token: f"x = bytes([{_codes(token)}])\n",
    "of JavaScript": lambda token: f"const x = String.fromCharCode({_codes(token)})\n",
    "of Go": lambda token: f"x := []byte{{{_codes(token, '0x{:02x}')}}}\n",
    "of C, over lines": lambda token: (
        f"char x[] = {{\n{_codes(token[:9], '0x{:02X}')},\n{_codes(token[9:], '0x{:02X}')}, 0x00\n}};\n"
    ),
}


@pytest.mark.parametrize("form", SPELT.values(), ids=SPELT)
@pytest.mark.parametrize("token", [AWS, STRIPE])
def test_a_token_spelt_as_a_list_is_found(form: Callable[[str], str], token: str) -> None:
    text = form(token)
    assert len(Vault([text]).texts[0]) < len(text) - 3 * len(token)
    _taken_out(text)


def test_a_value_spelt_as_a_list_is_found_by_its_name() -> None:
    text = f"api_key = bytes([{_codes(DIGEST)}])\n"
    _taken_out(text, _codes(DIGEST)[20:60])


@pytest.mark.parametrize(
    "text", ["x = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]\n", "x = [65] * 99\n"]
)
def test_a_list_of_numbers_is_left(text: str) -> None:
    assert Vault([text]).texts[0] == text


def _wrapped(data: bytes) -> str:
    code = base64.b64encode(data).decode()
    return "\n".join(code[at : at + 76] for at in range(0, len(code), 76))


PACKED: dict[str, Callable[[bytes], str]] = {
    "gzip": lambda data: base64.b64encode(gzip.compress(data)).decode(),
    "zlib": lambda data: base64.b64encode(zlib.compress(data)).decode(),
    "zlib, hexadecimal": lambda data: data.hex(),
    "base32": lambda data: base64.b32encode(data).decode(),
    "UTF-16": lambda data: base64.b64encode(data.decode().encode("utf-16-le")).decode(),
    "base64 over lines": lambda data: _wrapped(
        b"HOST=db.corp.io\nMODE=production\nREGION=eu-west-1\n" * 2 + data
    ),
}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_a_token_that_is_packed_is_found(pack: Callable[[bytes], str]) -> None:
    packed = pack(f"key={STRIPE}\n".encode())
    _taken_out(f"x = '''\n{packed}\n'''\n", packed[-30:-8])


def test_of_what_is_packed_no_more_is_unpacked_than_is_looked_at() -> None:
    bomb = base64.b64encode(zlib.compress(b"a" * 5_000_000, 9)).decode()
    [(_, plain)] = encoded([bomb])
    assert len(plain) < 100_000


def test_a_token_wrapped_over_lines_is_found() -> None:
    token = "pypi-" + "AgEIcHlwaS5vcmc" + "CJDk4MjYzOTk3LTE3NjYtNGQ2OC05" * 4
    text = "\n".join(token[at : at + 60] for at in range(0, len(token), 60))
    _taken_out(f"use\n{text}\nnow\n", token[:50], token[60:110], token[-8:])


def test_a_token_that_is_added_to_is_found() -> None:
    _taken_out(f'key = "{STRIPE[:14]}"\nkey += "{STRIPE[14:]}"\n', STRIPE[:14], STRIPE[14:])


@pytest.mark.parametrize(
    "text",
    [
        'a = "{0}"\nb = "{1}"\nkey = a + b\n',
        'PREFIX = "{0}"\n\n\ndef client():\n    return Client(PREFIX + "{1}")\n',
        'first = "{0}"  # half\nrest = "{1}"\nkey = f"{{first}}{{rest}}"\n',
        "const first: string = '{0}';\nconst key = `${{first}}{1}`;\n",
        'String first = "{0}";\nString key = first + "{1}";\n',
        '$first = "{0}";\n$key = $first . "{1}";\n',
    ],
)
@pytest.mark.parametrize("at", [4, 9, 14])
def test_a_token_whose_parts_have_names_is_found(text: str, at: int) -> None:
    _taken_out(text.format(AWS[:at], AWS[at:]), AWS[at:], AWS[:at] if at > 4 else AWS[at:])


def test_strings_with_names_that_make_no_token_are_left() -> None:
    text = (
        'HOST = "api.corp.io"\nPATH = "/v1/items"\nurl = "https://" + HOST + PATH\nkey = f"{HOST}:{PATH}"\n'
    )
    assert Vault([text]).texts[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "db.corp.io:5432:app:deploy:{}\n",
        "*:*:*:postgres:{}\n",
        "machine api.corp.io login bob account x password {}\n",
        "dsn := 'root:{}@tcp(127.0.0.1:3306)/app'\n",
        "http_proxy=bob:{}@proxy.corp.io:3128\n",
        "smb://CORP;bob:{}@files/share\n",
        "Driver={{SQL}};UID=sa;PWD={{{}!}};\n",
        "jdbc:oracle:thin:app/{}@db@corp:1521:xe\n",
        "sqlcmd -S db -U sa -P '{}' -Q x\n",
        "ldapsearch -x -D cn=admin -w {} -b dc=x\n",
        "az login --service-principal -u x -p {} --tenant y\n",
        "mongo -u admin -p {} --authenticationDatabase admin\n",
        "smbclient //srv/x -U bob%{}\n",
        "htpasswd -bc .htpasswd bob {}\n",
        "rabbitmqctl add_user bob {}\n",
        "kubectl create secret generic db --from-literal=x={}\n",
        "requirepass {}\n",
        "echo 'root:{}' | chpasswd\n",
        "echo {} | docker login -u bob --password-stdin\n",
        "storePassword '{}'\n",
        'psk="{}"\n',
        'WiFi.begin("home", "{}");\n',
        "client = HTTPBasicAuth('bob', '{}')\n",
        "ftp.login('bob', '{}')\n",
        'DriverManager.getConnection(url, "root", "{}");\n',
        "CREATE LOGIN x WITH PASSWORD = N'{}';\n",
        "- **Password:** {}\n",
        "**Password**: `{}`\n",
        'buildConfigField("String", "PASSWORD", "\\"{}\\"")\n',
        "parser.add_argument('--password', help='for the database', default='{}')\n",
        'var password = $"{}";\n',
        'const PASSWORD: &str = r#"{}"#;\n',
        "passwords = ['a', '{}']\n",
        "DB_PASSWORD:\n  value: {}\n",
        "the password is {}\n",
        'pаsswоrd = "{}"\n',  # two letters are Cyrillic
        "items:\n- kind: ConfigMap\n- apiVersion: v1\n  kind: Secret\n  data:\n    db: {}\n",
    ],
)
def test_a_password_is_found_in_the_files_commands_and_calls_of_tools(text: str) -> None:
    _taken_out(text.format(HIDDEN), HIDDEN)


def test_a_password_of_letters_is_found_beside_a_name_in_capitals() -> None:
    _taken_out("environment:\n  POSTGRES_PASSWORD: saffronfalcon\n", "saffronfalcon")


def test_each_value_of_a_secret_in_json_is_found() -> None:
    text = json.dumps({"kind": "Secret", "metadata": {"name": "x"}, "data": {"db": "YWJj", "b": "YWJjZGVm"}})
    _taken_out(text, "YWJj", "YWJjZGVm")


@pytest.mark.parametrize(
    "text",
    [
        "bob:$apr1$CD4aletI$xYLQRESlrYxywOlAhwNQyf\n",
        "bob:$2y$10$k1mjYt/5EwY8d.zfWwG9hJsgc2ToqrWW9sklBVQXlBfY/wB3ScZ06\n",
        "root:$6$X63sgXhy$" + "gER4ZMlUBD2MGem9" * 5 + "gER4ZM:19000:0:99999:7:::\n",
        "bob:{SHA}ad9WOUwXjYykYCBaSkDGMCISDhD=\n",
        "hash = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b5dWRWJTmaaaaaaa'\n",
    ],
)
def test_the_hash_of_a_password_is_found(text: str) -> None:
    assert secrets_in(text)


def test_a_vault_of_ansible_is_found() -> None:
    lines = ["6638" + DIGEST * 2 for _ in range(3)]
    _taken_out("db: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  " + "\n  ".join(lines) + "\n", DIGEST)


def test_an_account_in_base64_is_found() -> None:
    code = base64.b64encode(b"deploy:Tr0ub4dor3x").decode()
    _taken_out(f'{{"auths": {{"r.io": {{"auth": "{code}"}}}}}}\n', code)
    _taken_out(f'headers["X"] = "Basic " + "{code}"\n', code)


def test_a_value_that_is_a_secret_in_one_place_is_one_everywhere() -> None:
    texts = (f'password = "{HIDDEN}"\n', f"connect(host, {HIDDEN!r})\n", f"not_{HIDDEN}s\n")
    vault = Vault(texts)
    assert HIDDEN not in vault.texts[0] + vault.texts[1]
    assert vault.texts[2] == texts[2]
    assert vault.restored(vault.texts[1]) == texts[1]


@pytest.mark.parametrize(
    "text",
    [
        "public class TestHttp2Section_6_7 extends Http2TestBase {\n",
        "func TestFetchAndParseRIBOnFreeBSD10AndAbove(t *testing.T) {\n",
        "public void testKeyEncryptedPkcs8HmacSha256DesEde3Cbc() throws Exception {\n",
        "key: Ed25519PublicKey | ISO8601DateTimeOrFloat\n",
        'const bigIntKeys = "chainId,gasLimit,maxFeePerBlobGas,maxPriorityFeePerGas,value".split(/,/);\n',
        "getAddress('0x8Ba1f109551bD432803012645Ac136ddd64DBA72')\n",
        "t.pass('called')\n",
        "If you pass to `generate` the same, or pass HTTP/1.1 on\n",
        "if (typeof credentials === 'function') return\n",
        "await importKey('raw', encode(password), 'PBKDF2', false)\n",
        "Buffer.from(pendingCredential, 'base64')\n",
        'new UsernamePasswordCredentials("user1", "password1");\n',
        '{"autocomplete": "current-password", "autofocus": True}\n',
        "words = ['password', 'username', 'session']\n",
        'fields = [\n    "x443.pw",\n    "now-dns.top",\n]\n',
        "url = 'mongodb://username:password@host:1234/db'\n",
        'RESET_TOKEN = "_password_reset_token"\n',
        "credentials.mechanism === AuthMechanism.MONGODB_X509;\n",
        's = append(s, "Secret: "+fmt.Sprintf("%#v", this.Secret)+",")\n',
        'KEY_ENCRYPTED_PKCS1 = "key-encrypted-pkcs1-aes256.pem"\n',
        '"integrity": "sha512-z4PhNX7vuL3xVC2AB9Yg5/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+S=="\n',
        "github.com/x/y v1.2.3 h1:RV8uQoY9fQ5x1q0jTqW0b2VjM4bYxKe1PkD7sH3aLmE=\n",
        f"x = '{base64.b64encode(b'Some other words, without a secret in them 12').decode()}'\n",
    ],
)
def test_what_only_looks_like_a_secret_is_left(text: str) -> None:
    assert secrets_in(text) == []


def test_a_certificate_is_public() -> None:
    body = (
        "MIIFXTCCA0WgAwIBAgIJANFf3YTJgYifMA0GCSqGSIb3DQEBCwUAMEUxCzAJBgNV\nBAYTAkFVMRMwEQYDVQQIDApTb21lLVN0"
    )
    text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    assert secrets_in(text) == []
    assert secrets_in(text.replace("CERTIFICATE", "PRIVATE KEY"))


@pytest.mark.parametrize(
    "times",
    [
        lambda n: "".join(f"AKIA{each:016d}\n".replace("0", "Q") for each in range(n)),
        lambda n: "a = 'bcd'\n" + "a + a + " * n,
        lambda n: "".join(f"a{each} = 'bcd'\n" for each in range(n)) + "{a1}{a2}" * n,
        lambda n: "a = 'bcd'\n" * n + "`${a}" * n,
        lambda n: "| password |\n" * n,
    ],
)
def test_a_longer_request_takes_as_much_longer(times: Callable[[int], str]) -> None:
    assert steps(lambda: Vault([times(800)])) < 6 * steps(lambda: Vault([times(200)]))


@pytest.mark.parametrize("numbers", ["01, 02, 03, 04, 05, 06, 07, 08, 09, 010, 011, 012", "065, " * 12])
def test_numbers_with_zeros_in_front_are_no_fault(numbers: str) -> None:
    assert secrets_in(f"x = [{numbers}]\n") == []


def test_a_password_written_as_numbers_with_zeros_in_front_is_found() -> None:
    _taken_out(f"password = bytes([{', '.join(f'{ord(sign):03}' for sign in HIDDEN + 'y9')}])\n", "084, ")


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD=8fK2pQ9x_secret\n",
        "DB_PASSWORD=x7Kq9-2mPz-token\n",
        'POSTGRES_PASSWORD: "Zq81.9xK-secret"\n',
        'password: "Xk9.2mPz-mypassword"\n',
        'password = "+k9XQ2(mZ7pLw4"\n',
        'env.put(PASSWORD, "Tr0ub4dor&3x");\n',
        'os.environ.setdefault(DB_PASSWORD, "Tr0ub4dor&3x")\n',
        'config.set(Keys.API_SECRET, "tr0ub4dor-3x");\n',
        'user.set_password("Tr0ub4dor&3x", rounds=12)\n',
        'factory.setPassword("Tr0ub4dor&3x", true);\n',
        'Map.of("password"\n    , "Tr0ub4dor&3x")\n',
        "path1: kq9XbQ2mZ7pLw4RtY8vNcKq9ZQ2mLw4d\n",
        'if line == "-----BEGIN CERTIFICATE-----":\n    return client("kq9XbQ2mZ7pLw4RtY8vNcKq9ZQ2mLw4d")\n',
        'api_key = "x::123456789012:Kq9ZQ2mLw"\n',
    ],
)
def test_what_is_left_as_a_name_or_an_argument_is_no_password(text: str) -> None:
    assert secrets_in(text)


@pytest.mark.parametrize(
    "text",
    [
        'SecretKeyFactory.getInstance(password, "PBKDF2WithHmacSHA256")\n',
        'encode(PASSWORD, "utf8")\n',
        'fields = [\n    "password",\n    "first_name",\n]\n',
    ],
)
def test_how_a_password_is_hashed_or_written_is_no_password(text: str) -> None:
    assert secrets_in(text) == []


def test_what_is_packed_very_small_is_read_in_part() -> None:
    packed = base64.b64encode(zlib.compress(b'a1="key1" ' * 100_000)).decode()
    [(_, plain)] = encoded([packed])
    assert len(plain) <= 8 * len(packed)
