"""Personal data in a text: what names, reaches or pays for one person.

Claimed, and measured against a public labelled set (`benchmarks/models/guard.py`): e-mail addresses,
telephone numbers, payment cards (Luhn's check), IBANs (ISO 7064's check), public IP addresses, US social
security numbers. People's names and licence numbers are taken where the words around them say what they are
(`Dr. …`, `Author: …`, `my name is …`); names in running text are not claimed: that takes a model of language.

Addresses that belong to nobody (example.com, loopback, private and documentation networks) are left. A mail
address at a company's own names (`.internal`, `.lan`, `.local`) belongs to somebody.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from devflow.models.guard.letters import small

Kind = Literal["EMAIL", "PHONE", "CARD", "IBAN", "IP", "SSN", "PERSON", "ID"]
CLAIMED: tuple[Kind, ...] = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "SSN")


@dataclass(frozen=True, slots=True, order=True)
class Personal:
    """One place of personal data."""

    start: int
    end: int
    kind: Kind


def personal_data(text: str) -> list[Personal]:
    """The places in order, none touching another. About 10 MB/s: for long texts call it in a thread."""
    found: list[Personal] = []
    taken = bytearray(len(text))
    for search in (_emails, _ibans, _numbers, _sixes, _people, _licences):
        for place in search(text):
            if not any(taken[place.start : place.end]):
                taken[place.start : place.end] = b"\1" * (place.end - place.start)
                found.append(place)
    return sorted(found)


_EMAIL = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~\-]{1,64}@((?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[\w\-]{2,59}))(?![\w@])"
)
_NOBODY = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost)(?:\.\w+)?$|(?:^|\.)(?:domain|foo|bar)\.\w+$", re.IGNORECASE
)
_NO_MAILBOX = frozenset(
    {"git", "hg", "svn", "noreply", "no-reply", "donotreply", "user", "username", "root", "you", "me"}
)
_FILES = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "css", "py", "html", "json", "md"}
)


def _emails(text: str) -> Iterator[Personal]:
    at = text.find("@")
    while at >= 0:
        start = at
        while start > max(0, at - 64) and (text[start - 1].isalnum() or text[start - 1] in "._%+-'"):
            start -= 1
        while start < at and not text[start].isalnum():
            start += 1
        found = _EMAIL.match(text, start) if start < at else None
        if found and not (
            _NOBODY.search(found[1])
            or found[2].lower() in _FILES
            or text[start:at].lower() in _NO_MAILBOX
            or text[max(0, start - 3) : start] == "://"
            or (start and text[start - 1] == ":")  # user:password@host
        ):
            yield Personal(start, found.end(), "EMAIL")
        at = text.find("@", at + 1)


_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,4})?")
_CHECK_DIGITS = re.compile(r"\d\d(?=[ \-]?[A-Za-z0-9]{4})")
_IBAN_LENGTHS = {
    **{
        "AD": 24,
        "AE": 23,
        "AL": 28,
        "AT": 20,
        "AZ": 28,
        "BA": 20,
        "BE": 16,
        "BG": 22,
        "BH": 22,
        "BR": 29,
        "BY": 28,
    },
    **{
        "CH": 21,
        "CR": 22,
        "CY": 28,
        "CZ": 24,
        "DE": 22,
        "DK": 18,
        "DO": 28,
        "EE": 20,
        "EG": 29,
        "ES": 24,
        "FI": 18,
    },
    **{
        "FO": 18,
        "FR": 27,
        "GB": 22,
        "GE": 22,
        "GI": 23,
        "GL": 18,
        "GR": 27,
        "GT": 28,
        "HR": 21,
        "HU": 28,
        "IE": 22,
    },
    **{
        "IL": 23,
        "IQ": 23,
        "IS": 26,
        "IT": 27,
        "JO": 30,
        "KW": 30,
        "KZ": 20,
        "LB": 28,
        "LC": 32,
        "LI": 21,
        "LT": 20,
    },
    **{
        "LU": 20,
        "LV": 21,
        "MC": 27,
        "MD": 24,
        "ME": 22,
        "MK": 19,
        "MR": 27,
        "MT": 31,
        "MU": 30,
        "NL": 18,
        "NO": 15,
    },
    **{
        "PK": 24,
        "PL": 28,
        "PS": 29,
        "PT": 25,
        "QA": 29,
        "RO": 24,
        "RS": 22,
        "SA": 24,
        "SC": 31,
        "SE": 24,
        "SI": 19,
    },
    **{
        "SK": 24,
        "SM": 27,
        "ST": 25,
        "SV": 28,
        "TL": 23,
        "TN": 24,
        "TR": 26,
        "UA": 29,
        "VA": 22,
        "VG": 24,
        "XK": 20,
    },
    **{
        "BI": 27,
        "DJ": 27,
        "FK": 18,
        "HN": 28,
        "LY": 25,
        "MN": 20,
        "NI": 28,
        "OM": 23,
        "RU": 33,
        "SD": 18,
        "SO": 23,
        "ST": 25,
        "YE": 30,
    },
}
"""Characters by country, from the registry of ISO 13616."""
_UNGROUPED = str.maketrans("", "", " -")


def _ibans(text: str) -> Iterator[Personal]:
    for digits in _CHECK_DIGITS.finditer(text):
        start = digits.start() - 2
        if start < 0 or not text[start : start + 2].isalpha() or text[start - 1 : start].isalnum():
            continue
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None or not (found := _IBAN.match(text, start)):
            continue
        end = start
        count = 0
        while end < found.end() and count < length:
            count += text[end] not in " -"
            end += 1
        plain = text[start:end].translate(_UNGROUPED).upper()
        if count == length and not text[end : end + 1].isalnum() and _checked(plain):
            yield Personal(start, end, "IBAN")


def _checked(iban: str) -> bool:
    """ISO 7064 MOD 97-10 over the number with its head behind."""
    return iban.isascii() and int("".join(str(int(each, 36)) for each in iban[4:] + iban[:4])) % 97 == 1


_RUN = re.compile(r"\d[\d ().\-/]{5,28}\d")
_DATE = re.compile(r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}$")
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}$")
_PLAIN_PHONE = re.compile(
    r"(?:00|\+)\d[\d ().\-/]{7,}$|\(\d{2,5}\)[ \-.]?\d[\d \-.]{4,}$|"
    r"(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}$"
    r"|0\d{1,4}(?:[ .\-/]\d{2,4}){2,4}$"
)
_CALLED = re.compile(
    r"(?:phone|mobile|cell|fax|whats ?app|sms|tel|desk|handy|t[eé]l[eé]fono?|hotline|contact number)\w{0,6}\b"
    r"[^\w\n]{0,4}(?:no|number|nr|is|at|:|#|\s)*[^\w\n]{0,6}\n?\s{0,8}$",
    re.IGNORECASE,
)
_REACHED = re.compile(
    r"(?:\bcall|\bdial|\breach|\btext|\bring|answering|\bcontact|messages?\b|registered|\bnumber)\w{0,4}"
    r"(?:\W{1,3}(?:me|us|him|her|them|at|on|to|is|number|back|or|the|my|this|by)){0,4}[^\w\n]{0,4}$",
    re.IGNORECASE,
)
_OTHER_NUMBERS = re.compile(
    r"(?:card|account|order|licen[sc]e|passport|invoice|port|issue|ticket|line|part|serial|version|id)"
    r"\W{1,3}(?:number|no)?",
    re.IGNORECASE,
)
_CALLED_BEHIND = re.compile(r"[ \-,(]{1,3}(?:office|fax|mobile|cell|home|work|tel)\b", re.IGNORECASE)
_EXTENSION = re.compile(r"\s?(?:x|ext\.?)\s?\d{1,5}(?!\w)", re.IGNORECASE)


def _numbers(text: str) -> Iterator[Personal]:
    """Cards, social security numbers, IP addresses and telephone numbers: all begin as runs of digits."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        before, behind = text[max(0, start - 1) : start], text[end : end + 1]
        if before.isalnum() or before in ("_", "$", "€", "#", "%"):
            continue
        if before in (".", "-", "/", "=") and text[max(0, start - 2) : start - 1].isalnum():
            continue
        if behind.isalnum() and not _EXTENSION.match(text, end):
            continue
        while text[start:end].count(")") > text[start:end].count("(") and text[start - 1 : start] != "(":
            end = start + text[start:end].rindex(")")
        yield from _number(text, start, len(text[start:end].rstrip(" ().-/")) + start)


def _number(text: str, start: int, end: int) -> Iterator[Personal]:
    found = text[start:end]
    digits = re.sub(r"\D", "", found)
    if _SSN.match(found):
        yield Personal(start, end, "SSN")
    elif _QUAD.match(found):
        if _somebody_s(found) and not re.search(
            r"(?:version|ver|v|==|>=|~=)\W{0,5}$", text[max(0, start - 14) : start], re.I
        ):
            yield Personal(start, end, "IP")
    elif text[start - 1 : start] != "+" and _card(text, start, found, digits):
        yield Personal(start, end, "CARD")
    elif 7 <= len(digits) <= 15 and not _DATE.match(found):
        if (extension := _EXTENSION.match(text, end)) is not None:
            end = extension.end()
        if text[start - 1 : start] == "(" and ")" in found:
            start -= 1
        if text[start - 1 : start] == "+":
            start -= 1
        if _is_phone(text, start, end, digits, extension is not None):
            yield Personal(start, end, "PHONE")


def _is_phone(text: str, start: int, end: int, digits: str, extended: bool) -> bool:
    found = text[start:end]
    if text[start] == "+":
        return len(digits) >= 8
    line = text.rfind("\n", 0, start) + 1
    before = text[max(0, line - 24 if start - line < 10 else line, start - 60) : start]
    if _CALLED.search(before) or _CALLED_BEHIND.match(text, end):
        return True
    if _OTHER_NUMBERS.search(before[-24:]):
        return False
    grouped = not found.isdigit()
    if grouped and (_REACHED.search(before) or (extended and len(digits) >= 10)):
        return True
    return 9 <= len(digits) <= 13 and _PLAIN_PHONE.match(found) is not None and found.count("/") < 2


def _card(text: str, start: int, found: str, digits: str) -> bool:
    """A number a payment network could have given out: its first digits (or a word for it before), its
    length, Luhn's check."""
    return (
        12 <= len(digits) <= 19
        and re.fullmatch(r"\d+|\d{4}([ \-])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ \-])\d{6}\2\d{5}", found) is not None
        and (_NETWORKS.match(digits) or _CARD_BEFORE.search(text[max(0, start - 24) : start])) is not None
        and len(set(digits)) > 2
        and _luhn(digits)
    )


_NETWORKS = re.compile(r"3[04-9]|4|5[0-8]|6|2[2-7]|2131|1800")
_CARD_BEFORE = re.compile(r"\bcards?\b(?:\W{1,3}(?:number|no|is))*\W{0,4}$", re.IGNORECASE)


def _luhn(digits: str) -> bool:
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])) % 10 == 0


_KNOWN = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "1.2.3.4", "4.3.2.1", "5.6.7.8"})


def _somebody_s(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    nobodys = (ip.is_private, ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_unspecified)
    a_version = ip.version == 4 and (ip.is_reserved or address.endswith(".0.0") or int(ip) >> 24 < 3)
    return not (any(nobodys) or a_version or address in _KNOWN)


_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_SIX = re.compile(r"[0-9A-Fa-f:]{7,39}")


def _sixes(text: str) -> Iterator[Personal]:
    at = 0
    while colons := _COLONS.search(text, at):
        start = colons.start()
        while start > max(at, colons.start() - 4) and text[start - 1] in _HEX:
            start -= 1
        found = _SIX.match(text, start)
        at = max(colons.end() - 1, found.end() if found else 0)
        if (
            found
            and not text[start - 1 : start].isalnum()
            and not text[found.end() : found.end() + 1].isalnum()
            and found[0].replace("::", ":").count(":") >= 3
            and _somebody_s(found[0])
        ):
            yield Personal(*found.span(), "IP")


_HEX = frozenset("0123456789abcdefABCDEF")
_WORD = r"[^\W\d_a-zα-ω][^\W\d_A-Z]{1,24}(?:['’\-][^\W\d_]{1,24})?"
_FULL = rf"{_WORD}(?: (?:[^\W\d_](?:\.|(?![^\W\d_]))|van|von|de|der|da|di|del|la|le|bin|al|{_WORD})){{0,3}}"
_TITLE = re.compile(r"(?:Mrs?|Ms|Dr|Prof|Herr|Frau|Mme|Sir)\.? ")
_TITLED = re.compile(_FULL)
_SAYING = (
    *(
        "my name is",
        "full name",
        "author",
        "maintainer",
        "reviewer",
        "reviewed-by",
        "signed-off-by",
        "copyright",
    ),
    *(
        "co-authored-by",
        "acked-by",
        "reported-by",
        "tested-by",
        "customer",
        "employee",
        "patient",
        "contact",
        "attn",
    ),
    *("assignee", "owner"),
)
"""After these a name follows, in comments, in headers of files and in records."""
_SAID = re.compile(
    rf"s?[\"']?\s?[:=]?(?: \(c\)| ©)?(?: \d{{4}}(?:[-–, ]+\d{{4}})*,?)?(?: by)?\s{{0,2}}[\"']?"
    rf"({_WORD}(?: [^\W\d_]\.)?(?: {_WORD}){{1,2}})\b"
)
_MAILED = re.compile(rf"({_WORD}(?: [^\W\d_]\.)?(?: {_WORD}){{1,2}}) ?[<(][\w.+\-]{{1,64}}$")
_NOT_A_NAME = re.compile(
    r"\b(?:The|This|Inc|Ltd|LLC|GmbH|Corp|Corporation|Foundation|Software|Project|Team|Group|Contributors?|Authors?|Developers?|"
    r"Company|University|Institute|Systems?|Technologies|Google|Microsoft|Django|Python|Apache|License|All|Rights|Reserved|Free|Open|"
    r"Limited|Committee|Association|Community|Labs?|Studios?|Solutions|Services|Network|Media|Data|Model|Class|Type)\b"
)


def _people(text: str) -> Iterator[Personal]:
    found: list[re.Match[str] | None] = []
    for title in _TITLE.finditer(text):
        if not text[title.start() - 1 : title.start()].isalnum():
            found.append(_TITLED.match(text, title.end()))
    lower = small(text)
    for saying in _SAYING:
        at = lower.find(saying)
        while at >= 0:
            found.append(_SAID.match(text, at + len(saying)))
            at = lower.find(saying, at + len(saying))
    at = text.find("@")
    while at >= 0:
        found.append(_MAILED.search(text, max(0, at - 120), at))
        at = text.find("@", at + 1)
    for name in found:
        if name is not None and not _NOT_A_NAME.search(name[0]):
            yield Personal(*name.span(len(name.groups())), "PERSON")


_LICENCES = ("licence", "license", "passport", "national id", "identity card")
_LICENCE = re.compile(
    r"(?: number| no\.?| id)?(?: is|:|=|#)?\s{0,2}([A-Z]{0,2}\d[\d\-]{5,14})\b", re.IGNORECASE
)


def _licences(text: str) -> Iterator[Personal]:
    lower = small(text)
    for word in _LICENCES:
        at = lower.find(word)
        while at >= 0:
            if found := _LICENCE.match(text, at + len(word)):
                yield Personal(*found.span(1), "ID")
            at = lower.find(word, at + len(word))
