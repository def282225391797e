"""Secrets that no format gives away, by the names they stand beside and by how random they look.

`password = "…"`, `"api_key": "…"`, `--token …`, `X-Api-Key: …`, `<password>…</password>`: a name that says
what its value is, a sign that gives a value, and a value that can be a secret. Names that say it outright
(`password`, `client_secret`) need little of the value; names that may mean anything (`key`, `token`, an
issuer) need one that looks random. Strings that look random beside no name at all count when they mix cases
and digits as words, names and digests do not.
"""

from __future__ import annotations

import bisect
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from devflow.models.guard.letters import AnyOf, found_at, names_in, small
from devflow.models.guard.secret_formats import places

LONGEST_VALUE = 1_024

_OUTRIGHT = re.compile(
    r"passwo?r?d|passwort|passphrase|secret|contrase|credential|(?<![a-z])(?:pass|pwd|pw|psk|senha|parola)(?![a-z])|"
    r"kennwort|wachtwoord|mot_?de_?passe|пароль|密码|密碼|パスワード|비밀번호|hasło|lösenord|"
    r"(?:api|access|private|signing|encryption|auth|account|master|service|client|license|subscription)[_-]?key|"
    r"(?:auth|access|refresh|bearer|session|api|bot|app|id|oauth|personal|deploy|private|service)[_-]?token",
    re.IGNORECASE,
)
"""Names that say what their value is."""

_WORDS = """
    passw passphrase contrase kennwort wachtwoord motdepasse mot_de_passe senha parola secret credential
    pass pwd pw psk token key auth salt pin sid seed mnemonic session sessionid session_id sessid cloudant
    softlayer
    webhook dsn cookie jwt nonce signature adobe airtable algolia alchemy asana atlassian aws azure beamer
    bitbucket bittrex binance cloudflare codecov cohere coinbase confluent contentful datadog dd_api
    deepgram digitalocean discord doppler droneci dropbox elastic etherscan etsy facebook fastly figma
    finicity finnhub firebase flickr freshbooks github gitlab gitter grafana heroku hubspot huggingface
    infura intercom jenkins jira kraken kucoin launchdarkly linkedin linode looker mailchimp mailgun mapbox
    mattermost messagebird mistral mixpanel nessus netlify newrelic new_relic notion npm nuget nytimes okta
    openai opsgenie pagerduty pinecone plaid plivo postmark pusher pypi rapidapi rollbar salesforce sendbird
    sendgrid sentry shodan shopify slack snowflake snyk sonar spotify squarespace strava stripe sumo
    supabase telegram travis trello twilio twitch twitter typeform vault vercel virustotal vultr wandb
    yandex zendesk
""".split()  # noqa: SIM905 - a hundred words are read as text
"""What the name of a secret holds: a word for it, or an issuer whose tokens have no format."""
_ANY_WORD = AnyOf(_WORDS)
_BEYOND_ASCII = ("пароль", "密码", "密碼", "パスワード", "비밀번호", "hasło", "lösenord")
_WHOLE = frozenset(
    {"pass", "pwd", "pw", "psk", "senha", "parola", "pin", "sid", "seed", "salt", "aws", "npm"}
)
"""Words that are parts of too many others: no letter may stand beside them."""

_GIVES = re.compile(
    r"""(?P<rest>[\w.\-]{0,48}+)
    (?:\\{0,7}["'`\])*]){0,4}(?:\[\d{0,6}\])?  # "name", ['name'], **name**
    (?:[ \t]{0,2}:?[ \t]{0,2}(?:&(?:'static\x20)?)?[A-Za-z_][\w.\[\]|\x20]{0,40}?(?=\s{0,4}=\s))?  # a type
    (?P<sign>
        (?P<block>\s{0,4}:\s{0,4}[|>][+\-\d]{0,2}[ \t]{0,8}\n[ \t]+     # name: | \n value
          (?=[^\s]{4,1024}[ \t]*(?:\n|\Z))
        | [^\n"'`<]{0,40}?<<[\-~]?[ ]?["']?(?P<word>[A-Za-z_]\w{0,20})["']?\)?[^\n]{0,40}\n[ \t]* # <<EOF
          (?=(?:[^\s]{4,1024}[ \t]*\n[ \t]{0,80}){1,20}?(?P=word)\b))
      | :[ \t]{0,4}\n[ \t]{1,40}value:[ \t]{0,4}                           # NAME: \n value: …
      | \s{0,4},\s{0,40}["'][Vv]alue["']\s{0,4}:\s{0,4}(?=["'])          # {"name": "NAME", "value": "…"}
      | \s{0,4}\{[^{}]{0,200}?\bdefault\s{0,20}=\s{0,4}(?=["'])  # variable "name" { default = "…" }
      | \s{0,12}(?:=>|::?=|\|\|?:?|[=!]={1,2}|<-|\?=|=|:)\s{0,12}
      | (?:(?<=["'`])\s{0,40},\s{0,40}|[ \t]{0,4},[ \t]{0,4})(?=[bru]?["'`])  # set("name", "value")
      | \s{0,4},[^()\n]{0,80}?\bdefault(?:Value)?\s{0,4}[=:]\s{0,4}(?=["'])  # option("name", default="value")
      | \s{0,2}\(\s{0,2}(?=[bru]?["'`])                                  # set_name("value")
      | \x20(?:is|as|to|value|by)?:?\x20?(?=["'`])                       # IDENTIFIED BY "value"
      | \x20+(?=[^\s"'`=:(){}\[\],;<>]{0,64}\d|[A-Za-z]{16})             # --name value
      | ["']?\s+value\s*=\s*(?=["'])                                     # <add key="name" value="…">
      | \s*\n\s*(?:-\s*)?["']?value["']?\s*:\s*                      # name: NAME \n value: "…"
      | </key>\s{0,40}<string>\s{0,40}(?=[^<>\s]{4,256}\s*</)
      | >\s{0,40}(?:<!\[CDATA\[)?(?=[^<>\s]{4,256}(?:\]\]>)?\s*</)  # <name>value</name>
    )
    (?P<bold>\*\*[ ]{0,4})?                                                    # **name:** `value`
    (?:[(\[]\s{0,80}(?=[bru]{0,2}["'`]))?                                # name = (\n "value")
    (?:(?:Basic|Bearer|Token|ApiKey|Digest|AWS|GoogleLogin\ auth=|token|key)\s+)?
    (?P<quote>[@$]{0,2}[bru]{0,2}\#?(?:"(?=\\{1,7}"))?\\{0,7}(?:\"{3}|'{3}|["'`]))?""",
    re.VERBOSE,
)
_MARK = re.compile(r"""\\*(?:\"{3}|'{3}|["'`])\Z""")
"""What ends a string, of what begins it: of `r#"` the sign, of `"\\"` the escaped one."""
_DEEPEST = 4
"""Names inside the value of another that are looked at, from its beginning, and again from its end."""
_UNQUOTED = re.compile(r"[^\s\"'`<>(){}\[\];,|&\\]{4,1024}")
_TOKEN = re.compile(r"(?<![A-Za-z0-9+/=_\-])[A-Za-z0-9+/_\-]{20,512}={0,2}(?![A-Za-z0-9+/=_\-])")
_MERELY_NAMED = re.compile(
    r"(?:hash|digest|sha\d*|md5|checksum|fingerprint|public|publishable|id|ids|name|names|path|file|files|url|uri|"
    r"type|types|field|fields|length|size|len|label|prompt|hint|help|text|message|error|errors|policy|reset|class|"
    r"backend|backends|hasher|hashers|validators?|view|form|template|format|pattern|regex|prefix|suffix|header|"
    r"param|parameter|column|index|version|count|expiry|expires|timeout|age|algorithm|alg|method|methods|scope|scopes|"
    r"endpoint|env|var|variable|location|dir|directory|source|mode|style|kind|manager|provider|store|func|"
    r"function|widget|required|enabled|changed|list|map|word|words|board|error_message)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[<\[{(%$*#].*|.*[>\])}]|[+,)&.;]\s*[A-Za-z_.]+\((?:[\s)\"'].*)?|x+|\*+|\.+|-+|(?:your|my|some|insert|enter|example|sample|dummy|fake|foo|bar|replace|"
    r"change|todo|null|none|nil|true|false|undefined|test|redacted|optional|required|string|str|bytes|int|text|value|"
    r"abc|xxx|placeholder)[A-Za-z]{0,16}(?:[_\-. ][A-Za-z]{1,16})*\d?|function|object|number|boolean|symbol|"
    r"[A-Za-z_]{1,30}[=:]|"
    r".*(?:\.\.\.|\$\{|\{\{|%\(|xxxx|<[a-z]).*|"
    r"(?:[A-Za-z]*[_\-.]){0,6}[A-Za-z]*(?:password|passwd|secret|token|api_?key|apikey|credential)s?"
    r"(?:[_\-]?[a-z]*|[_\-][a-z_]{1,32}|[12]:?)",
    re.IGNORECASE | re.DOTALL,
)
_NAME_LIKE = re.compile(
    r"[A-Za-z_$][\w$]*(?:(?:\.|->|::|/)[A-Za-z_$][\w$]*)+|[A-Z][A-Z_]+|[a-z]+(?:_[a-z]+)+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+"
)
_OF_KEYS = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9/]{24,}")
"""Base64 with slashes reads as a path does."""
_SETTING = re.compile(r"\s*(?:-\s+)?[\"']?(?:export\s+|set\s+|ENV\s+|-e\s+|-D)?[A-Za-z][\w.\-]*")
_EXPRESSION = re.compile(r"[\w.]+[(\[]|.*[,)]\s*$")
_ADDRESS = re.compile(
    r"(?:https?|ftp|file|git|ssh)://|\w*::\d{12}:\w+/|\.{0,2}/|[A-Za-z]:\\|"
    r"[\w.\-]+\.(?:py|js|ts|pem|key|json|ya?ml|txt|html|com|org|net|io)(?::\d+)?$"
)


def named(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of the values that a name in `text` calls a secret; they may overlap."""
    end = stop = rejected = 0
    words = _ends_of_words(text)
    at = -1
    while (at := at + 1) < len(words):
        after = words[at]
        if after < end:
            continue
        rejected = rejected + 1 if after < stop else 0
        if rejected == _DEEPEST:  # `password=password=…`: each would be the value of the one before
            rejected, at = 0, max(at, bisect.bisect_left(words, stop) - _DEEPEST)
            after = words[at]
        gives = _GIVES.match(text, after)
        if gives is None:
            continue
        rest = gives["rest"]
        end = gives.end("rest")
        if (rest and _MERELY_NAMED.search(rest)) or _is_call(text, after, gives):
            continue
        value = _block(text, gives.end()) if gives["block"] else _value(text, gives)
        if value is None:
            continue
        stop = stop if gives["quote"] else value[1]
        name = text[_start_of_name(text, after) : end]
        sign = gives["sign"].strip()
        quoted = (
            sign.startswith((">", "</key>"))
            or gives["block"] is not None
            or (gives["quote"] is not None and sign != "")
        )
        written = text[slice(*value)]
        shown = gives["bold"] is not None or text[end : end + 1] == "*" or "value" in sign.lower()
        if gives["quote"] and written != written.strip():
            continue  # words that go on
        if can_be_secret(
            "".join(written.split()) if gives["block"] else written,
            outright=_OUTRIGHT.search(name) is not None,
            quoted=quoted,
            env=not quoted and (_environment(text, after, gives) or (shown and is_mixed(written))),
        ):
            yield value
            end = value[1]


def says_secret(name: str) -> bool | None:
    """Whether a name says outright that its value is a secret, or only may; None where it says neither."""
    name = name.replace(" ", "_")
    found = _OUTRIGHT.search(name) or _VAGUE.search(name)
    if found is None or _MERELY_NAMED.search(name, found.end()):
        return None
    return found.re is _OUTRIGHT


_VAGUE = re.compile(r"(?:token|key)s?\Z", re.IGNORECASE)


def _is_call(text: str, after: int, gives: re.Match[str]) -> bool:
    """Whether the name is a call's or one of its arguments, and the value another one: `t.pass("done")`,
    `Credentials("user", …)`, `encode(password, "utf8")`, `{"type": "password", "name": "x"}`."""
    sign = gives["sign"]
    if sign[0] in "( " and text[after - 4 : after].lower() == "pass" and text[after - 5 : after - 4] != "-":
        return not gives["rest"]
    if sign.lstrip()[:1] not in ("(", ",") or not gives["quote"]:
        return False
    value = _value(text, gives)
    if value is None:
        return True
    name, written = text[_start_of_name(text, after) : gives.end("rest")], text[slice(*value)]
    if not _ALGORITHM.search(written) and (
        _varied(written) or (len(written) > 5 and name.isupper() and is_mixed(written))
    ):
        return False
    if "\n" in sign:
        return True  # a list of names, one below the other
    if sign.lstrip()[0] == "," and text[gives.start("sign") - 1] not in "\"'`":
        return "default" not in sign
    behind = text[value[1] + 1 : value[1] + 5].lstrip()
    if "," not in sign:
        return behind.startswith(",")
    if text[max(0, after - 60) : _start_of_name(text, after)].rstrip("\"'` ").endswith("("):
        return False
    in_words = written.isalpha() and written.islower()  # a list of names
    return behind.startswith(":") or (in_words and "default" not in sign) or gives["rest"][-1:].isdigit()


def _ends_of_words(text: str) -> list[int]:
    """Where the words end that the names of secrets hold."""
    lower = small(text)
    names = names_in(text)
    ends: set[int] = set()
    for word in _ANY_WORD.within(names):
        for at in found_at(lower, word):
            end = at + len(word)
            if word not in _WHOLE or not (
                (at and lower[at - 1].isalpha()) or (end < len(lower) and lower[end].isalpha())
            ):
                ends.add(end)
    if not lower.isascii():
        ends.update(at + len(word) for word in _BEYOND_ASCII for at in found_at(lower, word))
    return sorted(ends)


def _start_of_name(text: str, at: int) -> int:
    start = at
    while start > max(0, at - 48) and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        start -= 1
    return start


def random_strings(text: str, runs: Sequence[str], known: Collection[str] = ()) -> Iterator[tuple[int, int]]:
    """The ranges of strings among the `long_runs` of `text` that look random by themselves: base62 or base64
    that mixes both cases and digits throughout. Hexadecimal does not count: it is mostly digests; nor does
    what is `known`, and certificates."""
    public = [found.span() for found in _CERTIFICATE.finditer(text)] if "-----BEGIN " in text else []
    for run in runs:
        if len(run) < 20 or run in known:
            continue
        for found in _TOKEN.finditer(run):
            if run[found.start() - 1 : found.start()] != "." and _mixed(found[0]):
                for start, end in places(text, found[0]):
                    if not (
                        _DIGEST.match(found[0])
                        or _BEFORE_PUBLIC.search(text, max(0, start - 8), start)
                        or any(begin < start < stop for begin, stop in public)
                    ):
                        yield start, end


def looks_random(value: str) -> bool:
    """Whether a value is no word, name, number or path: characters of several kinds, alternating as
    chance would have it."""
    if len(value) < 12 or not value.isascii() or "," in value or _is_of_words(value):
        return False
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    if letters < 2 or digits + letters < 0.8 * len(value) or entropy(value) < 2.8:
        return False
    if digits < 2:
        return len(value) >= 16 and _changes(value) >= 0.35
    return _changes(value) >= 0.14


def entropy(value: str) -> float:
    """Shannon's entropy of the characters, in bits each (as detect-secrets computes it)."""
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())


def _value(text: str, gives: re.Match[str]) -> tuple[int, int] | None:
    """The range of the value behind the sign; None when there is none on the line."""
    start = gives.end()
    quote = gives["quote"]
    if quote:
        sign = _MARK.search(quote)[0]  # type: ignore[index]  # a quote ends in one
        stop = text.find(sign, start, start + LONGEST_VALUE)
        line = text.find("\n", start, start + LONGEST_VALUE)
        if stop < 0 or (0 <= line < stop and len(sign) == 1):
            stop = line if line >= 0 else min(len(text), start + LONGEST_VALUE)
        return (start, stop) if stop > start else None
    found = _UNQUOTED.match(text, start)
    return found.span() if found else None


def _block(text: str, start: int) -> tuple[int, int]:
    """The range of the lines below each other that are one word each."""
    end = _WORD.match(text, start).end()  # type: ignore[union-attr]
    at = text.rfind("\n", 0, start)
    indent = start - at - 1
    while (found := _WORD_LINE.match(text, end)) and len(found["indent"]) == indent and indent:
        end = found.end()
    return start, end


_WORD = re.compile(r"\S*")
_WORD_LINE = re.compile(r"[ \t]*\n(?P<indent>[ \t]*)\S{4,1024}(?=[ \t]*(?:\n|\Z))")


def _environment(text: str, at: int, gives: re.Match[str]) -> bool:
    """Whether this is `NAME=value` of a shell, an .env file, a properties file or an address: there an
    unquoted value is the text itself and not the name of something."""
    name = _start_of_name(text, at)
    if gives["sign"] == "=" and name and text[name - 1] in "?&;":
        return True  # a parameter of an address, a connection string
    line = text.rfind("\n", max(0, at - 400), at) + 1 or max(0, at - 400)  # long lines: no name is longer
    head = text[line : gives.start("sign")]
    behind = text[gives.end() : gives.end() + 200].partition("\n")[0]
    return gives["sign"] == "=" and _SETTING.fullmatch(head) is not None and _EXPRESSION.match(behind) is None


def can_be_secret(value: str, *, outright: bool, quoted: bool = False, env: bool = False) -> bool:
    """Whether a value can be a secret. Beside a name that says so outright, in quotes or as a setting, that
    is anything but a placeholder, a name, an address or prose; else what looks random."""
    value = value.strip()
    if not 4 <= len(value) <= LONGEST_VALUE or _PLACEHOLDER.fullmatch(value) or len(set(value)) < 4:
        return False
    if _ADDRESS.match(value) or re.search(r"\s", value):
        return False
    if not outright:
        return looks_random(value) and not _NAME_LIKE.fullmatch(value)
    if quoted or env:
        plain = value.isalpha() and value.islower()
        is_name = _NAME_LIKE.fullmatch(value) and not ("/" in value and _OF_KEYS.fullmatch(value))
        return not is_name and (not plain or len(value) >= 6)
    # Neither quoted nor a setting: in code such a value is a name or an expression.
    has_digit = re.search(r"\d", value) is not None
    strange = not re.fullmatch(r"[\w.]+", value)
    return (
        has_digit
        and (looks_random(value) or strange)
        and not re.match(r"[\d.]+$|[A-Za-z_][\w.]*\(", value)
        and (strange or not _NAME_LIKE.fullmatch(value))
    )


def is_mixed(value: str) -> bool:
    """Whether a value cannot be the name of something, nor a word: a digit among letters, a sign in it."""
    return (any(map(str.isdigit, value)) and any(map(str.isalpha, value))) or _SIGNED.search(
        value
    ) is not None


_SIGNED = re.compile(r"[A-Za-z0-9][@#%^~!][A-Za-z0-9]")


def _varied(value: str) -> bool:
    """Whether a value is long enough for a password and has small letters, capitals and digits."""
    kinds = set(value.translate(_KINDS))
    return len(value) >= 8 and {"0", "A", "a"} <= kinds


_ALGORITHM = re.compile(
    r"(?i)pbkdf|hmac|sha-?\d|aes|rsa|ecdsa|ed25519|md5|utf-?\d|base64|x509|pkcs|iso-?8859"
)


def _is_of_words(value: str) -> bool:
    """Whether a value is a name: half of it words that begin with a capital and have a vowel and no rare
    letter. Chance writes one in 200 strings of 20 characters so, and one in a thousand of 40."""
    return 2 * sum(map(len, _CAPITAL_WORDS.findall(value))) > len(value)


_CAPITAL_WORDS = re.compile(
    r"(?:[A-Z](?=[a-z]*[aeiouy])|[AEIOU])[a-ik-pr-wy]{2,}|^(?=[a-z]*[aeiouy])[a-z]{3,}"
)
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9A-Fa-f]+(?:/\w{0,8})?=*")
_DIGEST = re.compile(r"sha(?:1|256|384|512)-")
_BEFORE_PUBLIC = re.compile(r"(?<!\w)(?:sha(?:1|256|384|512)-|h1:|base64,)\Z")
"""What stands before a digest of a package or before a picture."""
_CERTIFICATE = re.compile(
    r"-----BEGIN (?P<what>(?:TRUSTED |X509 |RSA |EC |SSH2 |PGP )?"
    r"(?:CERTIFICATE|PUBLIC KEY)(?: REQUEST| BLOCK)?)-----"
    r"(?:[^-]{1,20000}+-----END (?P=what)|[A-Za-z0-9+/=\s\\]{1,20000}+\Z)"
)


def _mixed(token: str) -> bool:
    if token.islower() or token.isupper() or _HEXADECIMAL.fullmatch(token):  # most are names
        return False
    kinds = token.translate(_KINDS)
    digits, capitals, small_letters = kinds.count("0"), kinds.count("A"), kinds.count("a")
    signs = len(token) - digits - capitals - small_letters
    if digits < 2 or capitals < 3 or small_letters < 3 or signs > 0.12 * len(token) + 1:
        return False
    return (
        _changes(token) >= 0.4
        and entropy(token) >= min(4.0, 0.8 * math.log2(len(token)))
        and not _is_of_words(token)
    )


def _changes(value: str) -> float:
    """How often two neighbours are of different kinds (digit, capital, small), from 0 to 1."""
    kinds = value.translate(_KINDS)
    return sum(a != b for a, b in pairwise(kinds)) / max(1, len(kinds) - 1)


_KINDS = str.maketrans(
    dict.fromkeys("_-./+=", "")
    | {chr(code): "0" for code in range(48, 58)}
    | {chr(code): "A" for code in range(65, 91)}
    | {chr(code): "a" for code in range(97, 123)}
)
