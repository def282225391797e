# ruff: noqa: E501 - a token in one piece
"""Tokens as their issuers' public documentation describes them, made by a seeded generator.

Written from the documentation and not from the patterns of `models/guard/secret_formats.py`, so that the one can be
measured with the other. `{b62:36}` is 36 random characters of base62; `named` are tokens without a format of their
own, which only the name beside them tells.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import string
import uuid
from collections.abc import Callable

ALPHABETS = {
    "b62": string.ascii_letters + string.digits,
    "b64": string.ascii_letters + string.digits + "+/",
    "url": string.ascii_letters + string.digits + "-_",
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "b36": string.ascii_lowercase + string.digits,
    "B36": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "low": string.ascii_lowercase,
    "let": string.ascii_letters,
    "dig": string.digits,
}

FORMATS: dict[str, str] = {
    "AWS access key": "AKIA{b32:16}",
    "AWS temporary key": "ASIA{b32:16}",
    "Google API key": "AIza{url:35}",
    "Google OAuth secret": "GOCSPX-{url:28}",
    "Google OAuth access token": "ya29.a0A{url:150}",
    "Google OAuth refresh token": "1//0{dig:1}{url:60}",
    "Azure AD client secret": "{b62:3}8Q~{url:34}",
    "Azure storage connection": "DefaultEndpointsProtocol=https;AccountName=app;AccountKey={b64:86}==;EndpointSuffix=core.windows.net",
    "Azure service bus": "Endpoint=sb://app.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={b64:43}=",
    "Azure SAS": "https://app.blob.core.windows.net/c/f?sv=2022-11-02&sp=r&sig={b62:43}%3D",
    "Azure OpenAI": "{b62:52}JQQJ99{b62:10}AC{b62:14}",
    "Alibaba access key": "LTAI5t{b62:18}",
    "Tencent secret id": "AKID{b62:32}",
    "Yandex API key": "AQVN{url:36}",
    "DigitalOcean PAT": "dop_v1_{hex:64}",
    "DigitalOcean OAuth": "doo_v1_{hex:64}",
    "DigitalOcean refresh": "dor_v1_{hex:64}",
    "Heroku": "HRKU-AA{url:58}",
    "Fly.io": "fm2_{b64:150}",
    "Netlify": "nfp_{b62:36}",
    "Cloudflare origin CA": "v1.0-{hex:24}-{hex:146}",
    "Supabase": "sbp_{hex:40}",
    "PlanetScale": "pscale_tkn_{url:43}",
    "PlanetScale password": "pscale_pw_{url:43}",
    "Databricks": "dapi{hex:32}",
    "Doppler": "dp.pt.{b62:43}",
    "Pulumi": "pul-{hex:40}",
    "Terraform Cloud": "{b62:14}.atlasv1.{url:67}",
    "Vault service": "hvs.{url:92}",
    "Vault batch": "hvb.{url:138}",
    "Vault old": "s.{b62:22}4Q",
    "Infracost": "ico-{b62:32}",
    "Prefect": "pnu_{b36:36}",
    "Dynatrace": "dt0c01.{b32:24}.{b32:64}",
    "OpenShift": "sha256~{url:43}",
    "Tailscale": "tskey-auth-{b62:11}CNTRL-{b62:32}",
    "age": "AGE-SECRET-KEY-1{B36:58}",
    "Scaleway": "SCW{B36:17}",
    "Backblaze": "K003{b64:27}",
    "Neon": "napi_{b36:64}",
    "Aiven": "AVNS_{url:19}",
    "GitHub PAT": "ghp_{b62:36}",
    "GitHub OAuth": "gho_{b62:36}",
    "GitHub server": "ghs_{b62:36}",
    "GitHub refresh": "ghr_{b62:76}",
    "GitHub fine-grained": "github_pat_{b62:22}_{b62:59}",
    "GitLab PAT": "glpat-{url:20}",
    "GitLab runner": "glrt-{url:20}",
    "GitLab trigger": "glptt-{hex:40}",
    "GitLab deploy": "gldt-{url:20}",
    "GitLab feed": "glft-{url:20}",
    "GitLab agent": "glagent-{url:50}",
    "Bitbucket app password": "ATBB{b62:24}{HEX:8}",
    "Bitbucket repository token": "ATCTT3xFfGN0{url:171}={HEX:8}",
    "Atlassian API token": "ATATT3xFfGF0{url:171}={HEX:8}",
    "Sourcegraph": "sgp_{hex:16}_{hex:40}",
    "CircleCI": "CCIPAT_{b62:22}_{hex:40}",
    "Buildkite": "bkua_{hex:40}",
    "Octopus": "API-{B36:26}",
    "Harness": "pat.{url:22}.{hex:24}.{b62:20}",
    "Artifactory": "AKCp8{b62:68}",
    "Artifactory reference": "cmVmdGtu{b62:56}",
    "SonarQube": "sqp_{hex:40}",
    "npm": "npm_{b62:36}",
    "PyPI": "pypi-AgEIcHlwaS5vcmc{url:150}",
    "RubyGems": "rubygems_{hex:48}",
    "crates.io": "cio{b62:32}",
    "NuGet": "oy2{b36:43}",
    "Docker": "dckr_pat_{url:27}",
    "Clojars": "CLOJARS_{b36:60}",
    "Slack bot": "xoxb-{dig:12}-{dig:13}-{b62:24}",
    "Slack user": "xoxp-{dig:12}-{dig:12}-{dig:12}-{hex:32}",
    "Slack app": "xapp-1-A{B36:10}-{dig:13}-{hex:64}",
    "Slack refresh": "xoxe-1-{b62:146}",
    "Slack webhook": "https://hooks.slack.com/services/T{B36:8}/B{B36:10}/{b62:24}",
    "Discord bot": "MT{b62:24}.G{url:5}.{url:38}",
    "Discord webhook": "https://discord.com/api/webhooks/{dig:18}/{url:68}",
    "Telegram": "{dig:10}:AA{url:33}",
    "Teams webhook": "https://corp.webhook.office.com/webhookb2/{uuid}@{uuid}/IncomingWebhook/{hex:32}/{uuid}",
    "Twilio API key": "SK{hex:32}",
    "Twilio account": "AC{hex:32}",
    "Stripe secret": "sk_live_{b62:24}",
    "Stripe new secret": "sk_live_51{b62:97}",
    "Stripe restricted": "rk_live_{b62:24}",
    "Stripe test": "sk_test_{b62:24}",
    "Stripe webhook": "whsec_{b62:32}",
    "Square access": "EAAA{url:60}",
    "Square secret": "sq0csp-{url:43}",
    "Square token": "sq0atp-{url:22}",
    "Braintree": "access_token$production${b36:16}${hex:32}",
    "Razorpay": "rzp_live_{b62:14}",
    "Plaid": "access-production-{uuid}",
    "Lob": "live_{hex:35}",
    "Flutterwave": "FLWSECK-{hex:32}-X",
    "Shippo": "shippo_live_{hex:40}",
    "EasyPost": "EZAK{b62:54}",
    "Duffel": "duffel_live_{url:43}",
    "Paystack": "sk_live_{hex:40}",
    "Amazon MWS": "amzn.mws.{uuid}",
    "SendGrid": "SG.{url:22}.{url:43}",
    "Mailgun": "key-{hex:32}",
    "Mailgun new": "{hex:32}-{hex:8}-{hex:8}",
    "Mailchimp": "{hex:32}-us12",
    "Brevo": "xkeysib-{hex:64}-{b62:16}",
    "Resend": "re_{b62:8}_{b62:24}",
    "OpenAI": "sk-{b62:20}T3BlbkFJ{b62:20}",
    "OpenAI project": "sk-proj-{url:74}T3BlbkFJ{url:74}",
    "OpenAI service": "sk-svcacct-{url:74}T3BlbkFJ{url:74}",
    "Anthropic": "sk-ant-api03-{url:93}AA",
    "Anthropic admin": "sk-ant-admin01-{url:93}AA",
    "Hugging Face": "hf_{let:34}",
    "Groq": "gsk_{b62:52}",
    "Perplexity": "pplx-{b62:48}",
    "Replicate": "r8_{b62:37}",
    "xAI": "xai-{b62:80}",
    "OpenRouter": "sk-or-v1-{hex:64}",
    "DeepSeek": "sk-{hex:32}",
    "NVIDIA": "nvapi-{url:64}",
    "Pinecone": "pcsk_{b62:6}_{b62:63}",
    "LangSmith": "lsv2_pt_{hex:32}_{hex:10}",
    "Langfuse": "sk-lf-{uuid}",
    "Tavily": "tvly-{b62:32}",
    "ElevenLabs": "sk_{hex:48}",
    "New Relic user": "NRAK-{B36:27}",
    "New Relic insert": "NRII-{url:32}",
    "New Relic browser": "NRJS-{hex:19}",
    "New Relic licence": "{hex:36}NRAL",
    "Sentry user": "sntryu_{hex:64}",
    "Sentry organisation": "sntrys_eyJ{b64:120}_{b64:43}",
    "Sentry DSN": "https://{hex:32}@o{dig:6}.ingest.sentry.io/{dig:7}",
    "Grafana service account": "glsa_{b62:32}_{hex:8}",
    "Grafana cloud": "glc_eyJ{b64:80}",
    "Honeycomb": "hcaik_{b36:58}",
    "PostHog": "phx_{b62:43}",
    "LaunchDarkly": "sdk-{uuid}",
    "PagerDuty": "u+{url:18}",
    "Shopify": "shpat_{hex:32}",
    "Shopify app": "shpss_{hex:32}",
    "Linear": "lin_api_{b62:40}",
    "Notion": "ntn_{b62:46}",
    "Notion old": "secret_{b62:43}",
    "Figma": "figd_{url:40}",
    "Airtable": "pat{b62:14}.{hex:64}",
    "Asana": "1/{dig1:16}:{hex:32}",
    "ClickUp": "pk_{dig:8}_{B36:32}",
    "HubSpot": "pat-na1-{uuid}",
    "Contentful": "CFPAT-{url:43}",
    "Typeform": "tfp_{url:59}",
    "Dropbox": "sl.{url:135}",
    "Postman": "PMAK-{hex:24}-{hex:34}",
    "ReadMe": "rdme_{b36:70}",
    "Mapbox": "sk.eyJ{b62:80}.{url:22}",
    "Adafruit": "aio_{b62:28}",
    "Adobe": "p8e-{b36:32}",
    "X bearer": "AAAAAAAAAAAAAAAAAAAAA{b62:90}",
    "Facebook": "EAAC{b62:120}",
    "WakaTime": "waka_{uuid}",
    "Trello": "ATTA{hex:64}{HEX:8}",
    "RapidAPI": "{hex:10}msh{hex:15}p1{hex:5}jsn{hex:12}",
    "Intra42": "s-s4t2ud-{hex:64}",
    "JWT": "{jwt}",
    "PostgreSQL URL": "postgresql://app:{b62:16}@db.corp.io:5432/app",
    "MySQL URL": "mysql+pymysql://root:{b62:12}@10.0.0.5/app",
    "MongoDB URL": "mongodb+srv://app:{b62:14}@cluster0.ab1cd.mongodb.net/app",
    "Redis URL": "redis://:{b62:20}@cache.corp.io:6379/0",
    "AMQP URL": "amqp://app:{b62:12}@mq.corp.io:5672//",
    "basic-auth URL": "https://deploy:{b62:18}@git.corp.io/app.git",
    "bearer header": "Authorization: Bearer {url:40}",
    "basic header": "Authorization: Basic {b64:32}",
    "private key, one line": "-----BEGIN PRIVATE KEY-----\\n{b64:64}\\n{b64:64}\\n{b64:60}==\\n-----END PRIVATE KEY-----\\n",
}
"""What documentation calls the token → how it is made."""

NAMED: dict[str, tuple[str, str]] = {
    "AWS secret key": ("aws_secret_access_key", "{b64:40}"),
    "AWS session token": ("AWS_SESSION_TOKEN", "{b64:200}=="),
    "Azure client secret": ("AZURE_CLIENT_SECRET", "{b62:40}"),
    "Datadog API key": ("DD_API_KEY", "{hex:32}"),
    "Datadog app key": ("datadog_app_key", "{hex:40}"),
    "Algolia admin key": ("algolia_admin_api_key", "{hex:32}"),
    "Cloudflare API token": ("CLOUDFLARE_API_TOKEN", "{url:40}"),
    "Cloudflare global key": ("cloudflare_api_key", "{hex:37}"),
    "Twilio auth token": ("TWILIO_AUTH_TOKEN", "{hex:32}"),
    "Heroku API key": ("HEROKU_API_KEY", "{uuid}"),
    "Snyk token": ("SNYK_TOKEN", "{uuid}"),
    "Postmark": ("postmark_server_token", "{uuid}"),
    "Fastly": ("fastly_api_token", "{url:32}"),
    "Linode": ("LINODE_TOKEN", "{hex:64}"),
    "Hetzner": ("HCLOUD_TOKEN", "{b62:64}"),
    "Okta": ("okta_api_token", "00{url:40}"),
    "Confluent": ("confluent_api_secret", "{b64:64}"),
    "Coinbase": ("coinbase_api_secret", "{url:64}"),
    "Binance": ("BINANCE_SECRET_KEY", "{b62:64}"),
    "Codecov": ("CODECOV_TOKEN", "{uuid}"),
    "Travis": ("travis_access_token", "{b62:22}"),
    "Zendesk": ("zendesk_secret_key", "{b36:40}"),
    "Mistral": ("MISTRAL_API_KEY", "{b62:32}"),
    "Cohere": ("COHERE_API_KEY", "{b62:40}"),
    "Together": ("TOGETHER_API_KEY", "{hex:64}"),
    "Weights & Biases": ("WANDB_API_KEY", "{hex:40}"),
    "Azure OpenAI key": ("AZURE_OPENAI_API_KEY", "{hex:32}"),
    "Mattermost": ("mattermost_token", "{b36:26}"),
    "Rollbar": ("ROLLBAR_ACCESS_TOKEN", "{hex:32}"),
    "Etherscan": ("etherscan_api_key", "{B36:34}"),
    "Infura": ("infura_project_secret", "{hex:32}"),
    "Spotify": ("spotify_client_secret", "{hex:32}"),
    "LinkedIn": ("linkedin_client_secret", "{b62:16}"),
    "Django": ("SECRET_KEY", "django-insecure-{b36:50}"),
    "Flask": ("app.secret_key", "{hex:48}"),
    "Kubernetes password": ("password", "{b64:24}=="),
    "database password": ("DB_PASSWORD", "{b62:14}"),
    "SMTP password": ("smtp_password", "{low:4}-{low:4}-{low:4}-{dig:2}"),
    "chosen password": ("password", "{low:6}{dig:3}!"),
    "passphrase": ("ssl_key_passphrase", "{b62:20}"),
    "webhook secret": ("webhook_secret", "{hex:40}"),
    "JWT signing key": ("jwt_signing_key", "{b64:43}="),
    "encryption key": ("ENCRYPTION_KEY", "{url:43}="),
    "service token": ("service_token", "{b62:32}"),
    "client id and secret": ("client_secret", "{url:36}"),
    "API key, plain": ("api_key", "{b62:32}"),
    "auth token": ("auth_token", "{hex:40}"),
    "New Relic licence key": ("new_relic_license_key", "{hex:40}"),
    "Shodan": ("shodan_api_key", "{b62:32}"),
    "Wireguard": ("PrivateKey", "{b64:43}="),
}
"""Tokens without a format of their own → the name they stand beside, and how they are made."""

ANYWHERE = (
    'key = "{}"',
    "value: '{}'",
    "export TOKEN={}",
    "TOKEN={}",
    "client = Client({!r})",
    '{{"credential": "{}"}}',
    "# it was {} until May",
    "curl -H 'X-Key: {}' https://api.corp.io",
    "connect('{}', timeout=3)",
    "- {}",
    "{}",
    '<add key="k" value="{}"/>',
)
NAMED_LINES = (
    '{0} = "{1}"',
    "{0} = '{1}'",
    '"{0}": "{1}",',
    "{0}: {1}",
    "{0}: '{1}'",
    "export {0}={1}",
    "{0}={1}",
    "os.environ['{0}'] = '{1}'",
    "    {0}='{1}',",
    'const {0} = "{1}";',
    'config.set("{0}", "{1}")',
    "<{0}>{1}</{0}>",
    "--{0} {1}",
    'var {0} string = "{1}"',
    '{0} := "{1}"',
    'private static final String {0} = "{1}";',
    'System.setProperty("{0}", "{1}")',
    '"{0}" => "{1}"',
    "const {0} = `{1}`",
    "<{0}>\n    {1}\n</{0}>",
    "$env:{0} = '{1}'",
    "https://api.corp.io/v1?{0}={1}",
    "ENV {0} {1}",
    "{0} ?= {1}",
    'if ({0} == "{1}") {{',
)


DRESSES: dict[str, Callable[[str, str], str]] = {
    "plus": lambda name, token: f'{name} = "{token[:5]}" + "{token[5:]}"\n',
    "plus over lines": lambda name, token: f"const {name} = '{token[:9]}' +\n  '{token[9:]}';\n",
    "implicit": lambda name, token: f'{name} = (\n    "{token[:7]}"\n    "{token[7:]}"\n)\n',
    "joined list": lambda name, token: f"const {name} = ['{token[:8]}', '{token[8:]}'].join('')\n",
    "template": lambda name, token: f"const {name} = `${{'{token[:6]}'}}${{'{token[6:]}'}}`\n",
    "line that goes on": lambda name, token: f'{name} = "{token[:9]}\\\n{token[9:]}"\n',
    "YAML block": lambda name, token: f"a:\n  {name}: |\n    {token}\n  b: 1\n",
    "heredoc": lambda name, token: f"read {name} <<'EOF'\n{token}\nEOF\n",
    "file in a heredoc": lambda name, token: f"cat > .env <<EOF\nA=1\n{name}={token}\nEOF\n",
    "Secret manifest": lambda name, token: f"kind: Secret\ndata:\n  {name}: {_base64(token)}\n",
    "base64": lambda name, token: f'{name} = b64decode("{_base64(token)}")\n',
    "notebook": lambda name, token: json.dumps({"source": [f'{name} = "{token}"\n']}),
    "Terraform": lambda name, token: f'variable "{name}" {{\n  default = "{token}"\n}}\n',
    "name and value": lambda name, token: json.dumps({"name": name, "value": token}),
    "Windows lines": lambda name, token: f"a: 1\r\n{name}: {token}\r\nb: 2\r\n",
    "two names": lambda name, token: f'a = "{token[:9]}"\nb = "{token[9:]}"\n{name} = a + b\n',
    "template of names": lambda name, token: (
        f"const a = '{token[:6]}';\nconst {name} = `${{a}}{token[6:]}`;\n"
    ),
    "added to": lambda name, token: f'{name} = "{token[:8]}"\n{name} += "{token[8:]}"\n',
    "table": lambda name, token: f"| user | {name} |\n|---|---|\n| bob | `{token}` |\n",
    "columns": lambda name, token: f"user,{name},note\nbob,{token},x\n",
    "SQL": lambda name, token: f"INSERT INTO t (user, {name}) VALUES ('bob', '{token}');\n",
    "codes": lambda name, token: f"{name} = bytes([{', '.join(str(ord(sign)) for sign in token)}])\n",
    "characters": lambda name, token: f"char[] {name} = {{{', '.join(map(repr, token))}}};\n",
    "gzip": lambda name, token: (
        f'x = "{base64.b64encode(gzip.compress(f"{name}={token}".encode())).decode()}"\n'
    ),
    "option": lambda name, token: f"parser.add_argument('--{name}', help='of the API', default='{token}')\n",
    "bold": lambda name, token: f"- **{name}:** `{token}`\n",
    "zero width": lambda name, token: f'{name} = "{token[:6]}\u200b{token[6:]}"\n',
}
"""Lines that hold a token otherwise than it is, by a name and the token."""


def dressed(seed: random.Random) -> list[tuple[str, str, str]]:
    """(dress, lines, token) of each format in each dress; a token without a format beside its name."""
    cases = []
    for dress, lines in DRESSES.items():
        for name, pattern in FORMATS.items():
            if not re.search(r"[ :]|\\\\", token := made(pattern, seed)):
                cases.append((f"{dress}, {name}", lines("value", token), token))
        for name, (variable, pattern) in NAMED.items():
            token = made(pattern, seed)
            cases.append((f"{dress}, {name}", lines(variable, token), token))
    return cases


def _base64(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


def made(pattern: str, seed: random.Random) -> str:
    """One token of a format."""

    def part(found: re.Match[str]) -> str:
        kind, _, count = found[1].partition(":")
        if kind == "uuid":
            return str(uuid.UUID(int=seed.getrandbits(128), version=4))
        if kind == "jwt":
            return _jwt(seed)
        if kind == "dig1":
            return "1" + "".join(seed.choices(string.digits, k=int(count) - 1))
        return "".join(seed.choices(ALPHABETS[kind], k=int(count)))

    return re.sub(r"\{(\w+(?::\d+)?)\}", part, pattern)


def labelled(seed: random.Random, each: int) -> list[tuple[str, str, str]]:
    """(format, line, token) `each` times a format, each time in another kind of line."""
    cases = []
    for name, pattern in FORMATS.items():
        for _ in range(each):
            token = made(pattern, seed)
            cases.append((name, seed.choice(ANYWHERE).format(token), _secret_part(name, token)))
    for name, (variable, pattern) in NAMED.items():
        for _ in range(each):
            token = made(pattern, seed)
            cases.append((name, seed.choice(NAMED_LINES).format(variable, token), token))
    return cases


def _secret_part(name: str, token: str) -> str:
    """What of a token must not be left: of an address only its password."""
    if name.startswith(("private key", "Slack webhook", "Discord webhook", "Teams webhook")):
        return token.rstrip("\\n")[-40:-30] if name.startswith("private") else token[-20:]
    if "Authorization: " in token:
        return token.split()[-1]
    found = re.search(
        r"(?:AccountKey|SharedAccessKey|sig)=([^;&]+)|://[^/:@]*:([^@]+)@|://([0-9a-f]{32})@", token
    )
    return next(filter(None, found.groups())) if found else token


def _jwt(seed: random.Random) -> str:
    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = {"alg": "HS256", "typ": "JWT"}
    body = {"sub": str(seed.getrandbits(40)), "iat": seed.randrange(1_500_000_000, 1_700_000_000)}
    signature = base64.urlsafe_b64encode(seed.randbytes(32)).decode().rstrip("=")
    return f"{encoded(head)}.{encoded(body)}.{signature}"
