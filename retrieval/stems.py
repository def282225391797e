"""Porter's stemmer, as the full-text table's tokenizer applies it: to look its terms up, and to compare
words.

M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980. SQLite's `porter` leaves words of
fewer than 3 or more than 64 bytes, and what is not ASCII, as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

_C, _V = "[^aeiou]", "[aeiouy]"
_ONE = re.compile(rf"^({_C}[^aeiouy]*)?{_V}[aeiou]*{_C}[^aeiouy]*")
"""The measure is at least 1: [C]VC."""
_EXACTLY_ONE = re.compile(rf"^({_C}[^aeiouy]*)?{_V}[aeiou]*{_C}[^aeiouy]*({_V}[aeiou]*)?$")
_TWO = re.compile(rf"^({_C}[^aeiouy]*)?({_V}[aeiou]*{_C}[^aeiouy]*){{2}}")
_VOWEL = re.compile(rf"^({_C}[^aeiouy]*)?{_V}")
_SHORT = re.compile(rf"^{_C}[^aeiouy]*{_V}[^aeiouwxy]$")

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "logi": "log",
    "bli": "ble", "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize",
    "ation": "ate", "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous",
    "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip
_2 = re.compile(rf"^(.+?)({'|'.join(sorted(_STEP_2, key=len, reverse=True))})$")
_3 = re.compile(rf"^(.+?)({'|'.join(sorted(_STEP_3, key=len, reverse=True))})$")
_4 = re.compile(rf"^(.+?)({'|'.join(sorted(_STEP_4, key=len, reverse=True))})$")
_LONGEST = 64


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a lower-case word: `connections` → `connect`."""
    if not 3 <= len(word) <= _LONGEST or not word.isascii():
        return word
    return _step_5(_step_4(_step_3(_step_2(_step_1(word)))))


def _step_1(word: str) -> str:
    if word.endswith("s"):
        if word.endswith(("sses", "ies")):
            word = word[:-2]
        elif not word.endswith("ss"):
            word = word[:-1]
    if word.endswith("eed"):
        if _ONE.match(word[:-3]):
            word = word[:-1]
    else:
        for ending in ("ed", "ing"):
            if word.endswith(ending):
                if _VOWEL.match(word[: -len(ending)]):
                    word = _mended(word[: -len(ending)])
                break
    if word.endswith("y") and _VOWEL.match(word[:-1]):
        word = word[:-1] + "i"
    return word


def _mended(stripped: str) -> str:
    """What is left of a word without `ed` or `ing`: `hopp` → `hop`, `fil` → `file`."""
    if stripped.endswith(("at", "bl", "iz")):
        return stripped + "e"
    if len(stripped) > 1 and stripped[-1] == stripped[-2] and stripped[-1] not in "aeioulsz":
        return stripped[:-1]
    return stripped + "e" if _EXACTLY_ONE.match(stripped) and _SHORT.match(stripped) else stripped


def _step_2(word: str) -> str:
    found = _2.match(word)
    return found[1] + _STEP_2[found[2]] if found and _ONE.match(found[1]) else word


def _step_3(word: str) -> str:
    found = _3.match(word)
    return found[1] + _STEP_3[found[2]] if found and _ONE.match(found[1]) else word


def _step_4(word: str) -> str:
    found = _4.match(word)
    if found is None or not _TWO.match(found[1]) or (found[2] == "ion" and found[1][-1] not in "st"):
        return word
    return found[1]


def _step_5(word: str) -> str:
    if word.endswith("e"):
        stripped = word[:-1]
        if _TWO.match(stripped) or (
            _ONE.match(stripped) and not (_EXACTLY_ONE.match(stripped) and _SHORT.match(stripped))
        ):
            word = stripped
    return word[:-1] if word.endswith("ll") and _TWO.match(word) else word
