"""Values of passwords and keys in the shapes that languages and tools give them: behind a type or a call,
on the line below, in parts that are joined, bare in YAML, ini files, commands and comments. The name says
outright what the value is, so any value counts that `can_be_secret` takes for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from devflow.models.guard.letters import found_at, small
from devflow.models.guard.secret_names import can_be_secret, is_mixed

_NAME = (
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9]{0,20}[_.-]){0,4}+"
    r"(?:(?:pg)?passwo?r?d|passphrase|pass(?![ ][\"'])|pwd|secret|token|"
    r"(?:api|secret|access|private)[_-]?key)(?![A-Za-z0-9_])"
)
_STRING = r"""(?:"(?:[^"\\\n]|\\.){1,400}+"|'(?:[^'\\\n]|\\.){1,400}+')"""
_QUOTED = re.compile(
    _NAME
    + r"""["'`]?(?:\]|\[\d{0,6}\])?\s{0,8}
    (?::\s{0,4}&?(?:'static\s)?[A-Za-z]{2,12}\s{0,4})?(?:=|:=|:|\x20)\s{0,8}
    (?:[(\[{]\s{0,80}
      |(?:[A-Za-z_.:]{1,40}(?:\(|\.get\())\s{0,8}(?:["'][\w.]{1,60}["']\s{0,4},\s{0,4})?
       (?:default\s{0,2}=\s{0,2})?)?
    [bfru]{0,2}(?P<values>"""
    + _STRING
    + r"(?:\s{0,80}\+\s{0,80}"
    + _STRING
    + r"){0,8})",
    re.IGNORECASE | re.VERBOSE,
)
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9])auth\s{{0,4}}=\s{{0,4}}\(\s{{0,4}}{_STRING}\s{{0,4}},\s{{0,4}}(?P<values>{_STRING})"
)
_BARE = re.compile(
    rf"(?:^[ \t]{{0,40}}(?:-\s)?(?:{_NAME}[ ]{{0,4}}[:=][ ]{{0,4}}|(?:env|export|ENV)[ ]{_NAME}[= ])"
    rf"|(?:--?|/){_NAME}[= :]|-(?:store|key|src|dest|trust)pass[ ]|-pass(?:in|out)?[ ]pass:)"
    r"(?P<values>[^\s\"'`<>(){}\[\];,|&\\$]{4,200}+)(?=[ \t]*(?:\#|\\|[\w./-]+|$))",
    re.IGNORECASE | re.MULTILINE,
)
_SAID = re.compile(
    r"(?:passwo?r?d|passwort|passphrase|pwd)[ ]?(?:is|:|=)[ ]{0,4}"
    r"(?P<values>[^\s\"'`<>(){}\[\];,|&\\$]{7,200}+)(?=[ \t]*$|[,;)])",
    re.IGNORECASE | re.MULTILINE,
)
"""As people write it to each other: in questions, and in comments."""
_LOGGED = re.compile(
    rf"(?<=\s){_NAME}=(?P<values>[^\s\"'`<>(){{}}\[\];,|&\\$]{{6,200}}+)"
    r"(?=[ \t]+(?!(?:if|or|and|else|for|is|in|not)\b)[A-Za-z])",
    re.IGNORECASE,
)
"""In a line of a log or of a connection's parameters; in code a comma or a bracket would follow."""
_ASSIGNED = re.compile(r"[\w-]{3,24}=[^\s=]")
_LISTED = re.compile(
    rf"(?:passwords|secrets|(?:(?<=api)|(?<=api[_-]))keys)[\"']?\s{{0,8}}(?:=|:|=>)\s{{0,8}}[\[({{]\s{{0,80}}"
    rf"(?P<values>{_STRING}(?:\s{{0,80}},\s{{0,80}}{_STRING}){{0,200}})",
    re.IGNORECASE,
)
_ACCOUNT_AT = re.compile(
    r"[\w.\-]{1,64}:(?P<values>[^\s\"'`<>{}$]{4,128})@(?:tcp\(|unix\(|[\w.\-]{1,253}:\d{2,5}(?!\w))"
)
"""An address without its scheme, as Go's drivers and proxies are given."""
_VALUE_FIRST = re.compile(
    r"""value["']?\s{0,4}:\s{0,4}["']?(?P<values>[^\s"',]{6,400})["']?\s{0,4},?\s{0,40}["']?(?:name|key)["']?
    \s{0,4}:\s{0,4}["']?[\w.\-]{0,60}\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(r"#|//|--|/\*|<!--|^\s*[*;%]", re.MULTILINE)
_DOTTED = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]")
_EACH = re.compile(_STRING)


def settings(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of such values in `text`."""
    lower = small(text)
    names = sorted(at for word in _LAST_WORDS for at in found_at(lower, word) if _ends_name(lower, word, at))
    pairs = [at for at in found_at(lower, "auth") if "=" in text[at + 4 : at + 9]]
    for pattern, starts in ((_QUOTED, _starts(text, names)), (_PAIR, pairs)):
        for found in _matches(pattern, text, starts):
            parts = list(_EACH.finditer(text, *found.span("values")))
            for part in parts:
                value = part[0][1:-1]
                if can_be_secret(value, outright=True, quoted=True) and (len(parts) > 1 or _is_value(value)):
                    yield part.start() + 1, part.end() - 1
    for found in _matches(_LISTED, text, (at for at in names if lower.startswith(_PLURALS, at))):
        for each in _EACH.finditer(text, *found.span("values")):
            value = each[0][1:-1]
            if is_mixed(value) and can_be_secret(value, outright=True, quoted=True):
                yield each.start() + 1, each.end() - 1
    for at in found_at(text, "@"):
        begin = max(text.rfind(sign, max(0, at - 200), at) for sign in " \n\t\"'`=(,") + 1
        account = _ACCOUNT_AT.match(text, begin)
        if account and account.end() > at and can_be_secret(account["values"], outright=True, env=True):
            yield account.span("values")
    if "value" in lower:
        for at in names:
            begin = lower.rfind("value", max(0, at - 500), at)
            before = _VALUE_FIRST.match(text, begin, at) if begin >= 0 else None
            if before and can_be_secret(before["values"], outright=True, env=True):
                yield before.span("values")
    bare = sorted({start for at in names for start in _bare_starts(text, at)})
    said = (
        each
        for each in _matches(_SAID, text, names)
        if " is " in each[0] or _COMMENT.search(text, *_line_before(text, each.start()))
    )
    logged = _matches(_LOGGED, text, _starts(text, (at for at in names if _ASSIGNED.match(text, at))))
    for found in (*_matches(_BARE, text, bare), *said, *logged):
        value = found["values"]
        # Without a digit among letters it may be the name of something: `password: str`, `password=password`.
        setting = found.re is _BARE and text[found.start() : found.start("values") - 1].isupper()
        if (
            (setting or is_mixed(value))
            and not _DOTTED.match(value)
            and can_be_secret(value, outright=True, env=True)
        ):
            yield found.span("values")


_LAST_WORDS = ("pass", "pwd", "secret", "token", "key")
"""The patterns are tried only round these, which the names end with."""
_PLURALS = ("passwords", "secrets", "keys")
_LONGEST_NAME = 4 * 22 + 20


def _ends_name(lower: str, word: str, at: int) -> bool:
    """Whether what stands there can be the last word of a name: `pass` is also a statement, and a verb."""
    if word != "pass" or lower.startswith(("passw", "passphrase", "passin", "passout"), at):
        return True
    behind = lower[at + 4 : at + 5]
    return behind in "=:\"'`])" or (
        behind == " " and at > 0 and (lower[at - 1].isalnum() or lower[at - 1] in "-_/")
    )


def _starts(text: str, names: Iterable[int]) -> Iterator[int]:
    """Where a name can begin whose last word is at one of `names`, or a part of that word; in order, as they
    are."""
    done = 0
    for at in names:
        start = max(done, at - _LONGEST_NAME)
        start = max(start, text.rfind(" ", start, at) + 1, text.rfind("\n", start, at) + 1)
        yield from (begin.start() for begin in _BEGINNING.finditer(text, start, at + 1))
        done = at + 1


_BEGINNING = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]")


def _bare_starts(text: str, at: int) -> Iterator[int]:
    """Where such a name, a line or an option of a command begins: what `_BARE` matches from."""
    line = text.rfind("\n", 0, at) + 1
    before = text.rfind("\n", 0, line - 1) + 1 if line else 0
    for start in (before, line):  # a dash alone may stand on the line before
        if at - start <= _LONGEST_NAME + 64:
            yield start
    word = max(text.rfind(blank, max(0, at - _LONGEST_NAME), at) for blank in (" ", "\n", "\t", '"', "'"))
    if text[word + 1 : word + 2] in ("-", "/"):
        yield word + 1


def _matches(pattern: re.Pattern[str], text: str, starts: Iterable[int]) -> Iterator[re.Match[str]]:
    """As `pattern.finditer`, which would try every character."""
    end = 0
    for start in starts:
        if start >= end and (found := pattern.match(text, start)):
            yield found
            end = found.end()


def _line_before(text: str, at: int) -> tuple[int, int]:
    """What stands before `at` on its line, of a long one a part."""
    start = max(0, at - 200)
    return max(start, text.rfind("\n", start, at) + 1), at


def _is_value(value: str) -> bool:
    return any(map(str.isdigit, value)) or len(value) >= 6
