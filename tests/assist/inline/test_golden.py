"""The golden cases: files a person can read, each case naming the public complaint it answers."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from devflow.analysis.text import Edit
from devflow.analysis.tokens import lex
from devflow.server.assist.inline.brackets import CLOSES, OPENS, closed_in
from devflow.server.assist.inline.check import checked, whole
from devflow.server.assist.inline.clean import clean
from devflow.server.assist.inline.closing import covered
from devflow.server.assist.inline.site import Site, indent_of, site_of, width
from devflow.server.assist.inline.trigger import Situation, closed_gate, worth_asking
from devflow.server.settings import Inline
from support.codebase import document, workspace

GOLDEN = Path(__file__).parent / "golden"
COMPLAINT = re.compile(r"[\w.-]+/[\w.-]+( PR)?#\d+\Z")


def cases(name: str) -> dict[str, dict[str, Any]]:
    read = tomllib.loads((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))["case"]
    return {case["name"]: case for case in read}


CLEANED = {
    f"{file}: {name}": case
    for file in ("repeats", "brackets", "indentation", "marks")
    for name, case in cases(file).items()
}
QUIET = cases("quiet")
NAMES = cases("names")


def shown(case: dict[str, Any]) -> tuple[str, Site, str]:
    before, after = case["code"].split("<|>")
    path = Path("/w") / case.get("path", "main.py")
    doc = document(before + after, path)
    at = len(before)
    site = site_of(doc, at)
    if not worth_asking(doc, at):
        return "", site, ""
    text = clean(case["wrote"], site)
    end = at + covered(text, site)
    return (whole(doc, at, text, end) if text else ""), site, doc.text.source[at:end]


@pytest.mark.parametrize("name", CLEANED)
def test_what_a_model_wrote_is_shown_as_it_should(name: str) -> None:
    case = CLEANED[name]
    text, _, replaced = shown(case)
    assert text == case["shows"]
    assert replaced == (case.get("replaces", "") if text else replaced)


@pytest.mark.parametrize("name", CLEANED)
def test_nothing_shown_repeats_breaks_brackets_or_is_indented_wrongly(name: str) -> None:
    text, site, replaced = shown(CLEANED[name])
    path = CLEANED[name].get("path", "main.py")
    faults(text, site, replaced, document("", Path("/w") / path).language)


@pytest.mark.parametrize("name", CLEANED)
def test_what_is_shown_is_shown_again_as_it_is(name: str) -> None:
    case = CLEANED[name]
    before, after = case["code"].split("<|>")
    site = site_of(document(before + after, Path("/w") / case.get("path", "main.py")), len(before))
    once = clean(case["wrote"], site)
    if once and set(closed_in(once, site.language)) & set(site.line_after):
        return  # more is open than the line closes: that this closes it, or repeats the line, is a guess
    assert clean(once, site) == once


def faults(text: str, site: Site, replaced: str = "", language: str = "python") -> None:
    """What the numbers of the golden set count, as assertions that know nothing of the code they judge."""
    if not text:
        return
    following = [line.strip() for line in site.next_lines]
    lines = [line.strip() for line in (site.line_before + text).split("\n") if line.strip()]
    if following and len(following[0]) > 3:
        assert following[0] not in lines
    assert not unbalanced(text, site, replaced, language)
    base = width(indent_of(site.line_before))
    for line in text.split("\n")[1:]:
        assert not line.strip() or width(indent_of(line)) >= base
        assert not ("\t" in indent_of(line) and re.search(r"^ {4}", site.before, re.MULTILINE))
    assert text == text.rstrip()
    rest = site.line_after.strip()
    if rest and not replaced and closed_in(text) and text.endswith(rest):
        were = partnerless(site.before + site.after, language)
        assert len(partnerless(site.before + text + site.after, language)) < len(were)


def unbalanced(text: str, site: Site, replaced: str, language: str) -> str:
    """The brackets, of `text` or of the code around it, that have no partner once it is inserted: of the
    code only those that had one. A text that goes on in the next line may leave its own ones open."""
    rest = site.after[len(replaced) :]
    begin, end = len(site.before), len(site.before) + len(text)
    lonely = partnerless(site.before + text + rest, language)
    own = {at: char for at, char in lonely.items() if begin <= at < end}
    if not site.line_after[len(replaced) :].strip() and text.rstrip().endswith(("(", "[", "{", ",")):
        return "".join(char for char in own.values() if char in CLOSES)
    were = partnerless(site.before + replaced + rest, language)
    moved = len(text) - len(replaced)
    around = {at if at < begin else at - moved: char for at, char in lonely.items() if at not in own}
    return "".join([*own.values(), *(char for at, char in around.items() if at not in were)])


def partnerless(source: str, language: str) -> dict[int, str]:
    """The brackets of `source` that nothing closes or opens, by their places."""
    opened: list[tuple[int, str]] = []
    found: dict[int, str] = {}
    for token in lex(source, language):
        char = token.text
        if char in OPENS:
            opened.append((token.start, char))
        elif char in CLOSES:
            if CLOSES[char] not in (opener for _, opener in opened):
                found[token.start] = char
                continue
            while opened[-1][1] != CLOSES[char]:
                found.update([opened.pop()])
            opened.pop()
    return found | dict(opened)


@pytest.mark.parametrize("name", QUIET)
def test_silence_has_its_reason(name: str) -> None:
    case = QUIET[name]
    before, after = case["code"].split("<|>")
    doc = document(before + after, Path("/w") / case.get("path", "main.py"))
    config = Inline(
        mode=case.get("mode", "eager"),
        languages_off=tuple(case.get("languages_off", ())),
        paths_off=tuple(case.get("paths_off", ())),
    )
    situation = Situation(
        manual=case.get("manual", False),
        snoozed=case.get("snoozed", False),
        deletions=case.get("deletions", 0),
        accepted=case.get("accepted", False),
    )
    assert (closed_gate(doc, len(before), situation, config) or "") == case["reason"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_that_do_not_exist_are_not_shown(name: str, tmp_path: Path) -> None:
    case = NAMES[name]
    async with workspace(tmp_path, case["code"]) as space:
        site = site_of(space.doc, space.at)
        text = clean(case["wrote"], site)
        assert text
        told = await checked(space.doc, space.at, text, space.code)
        assert told.text == case["shows"]
        assert space.doc.text.replaced([Edit(space.at, space.at, told.text)])


def test_every_case_names_the_complaint_it_answers() -> None:
    every = [*CLEANED.values(), *QUIET.values(), *NAMES.values()]
    assert len(every) >= 200
    assert not [case["name"] for case in every if not COMPLAINT.fullmatch(case["complaint"])]
