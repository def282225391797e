"""A hole or a conversation in the marks of a model's family (`families` is the table)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from devflow.models.base import ChatRequest, Excerpt, FillRequest, Message
from devflow.models.families import CONTROL, INSTRUCTION, PROFILES, ChatTemplate, Fim, Profile
from devflow.models.prompt import Piece, Prompt, neutralised

UNKNOWN_CONTEXT = 4_096
"""Tokens a model is taken to read where nothing says."""


def profile_named(name: str, own: Sequence[Profile] = ()) -> Profile | None:
    """The family called `name`, the user's `own` before ours."""
    wanted = name.strip().lower()
    return next((profile for profile in (*own, *PROFILES) if profile.name == wanted), None)


def guessed(model: str, own: Sequence[Profile] = ()) -> Profile:
    """The family guessed from a model id or a path: its last part decides, then the folder above."""
    parts = [part for part in re.split(r"[\\/]", model.lower()) if part]
    for part in reversed(parts[-3:]):
        for profile in (*own, *PROFILES):
            if profile.guess and re.search(profile.guess, part):
                return profile
    return PROFILES[-1]


def profile_of(family: str, model: str, own: Sequence[Profile] = ()) -> Profile:
    """The family named, or the one guessed from the model's name."""
    return profile_named(family, own) or guessed(model, own)


def usual_context(
    engine: str, family: str, model: str, tasks: Sequence[str] = (), own: Sequence[Profile] = ()
) -> int:
    """Tokens a model reads where nobody said: at a server what its family was trained to read. An engine on
    this machine sets memory aside for all of them, so there it is `UNKNOWN_CONTEXT` at most. Embedders share
    the names of families that read more than they."""
    if set(tasks) == {"embed"}:
        return UNKNOWN_CONTEXT
    profile = profile_of(family, model, own)
    if engine == "anthropic" and profile is PROFILES[-1]:  # a gateway's own name for one of its models
        profile = profile_named("claude") or profile
    if engine in ("openai", "anthropic"):
        return profile.context
    return min(profile.context, UNKNOWN_CONTEXT)


def profile_from(
    *,
    name: str,
    like: str = "",
    guess: str = "",
    prefix: str = "",
    suffix: str = "",
    middle: str = "",
    order: Literal["psm", "spm"] = "psm",
    file: str = "",
    repo: str = "",
    name_inside: bool = False,
    glue: str = "",
    suffix_first: bool = False,
    end: tuple[str, ...] = (),
    stop: tuple[str, ...] = (),
    context: int = 0,
    input_price: float | None = None,
    output_price: float | None = None,
    system: tuple[str, ...] = (),
    user: tuple[str, ...] = (),
    assistant: tuple[str, ...] = (),
) -> Profile:
    """A family as the user wrote it: what is not given is that of the family it is `like`; the marks of a
    hole are one thing. `guess` is plain text; turns are `(before, after)`. A price is the user's own alone:
    ours are rough."""
    base = profile_named(like) or Profile(name)
    fim = base.fim
    if prefix and suffix:
        fim = Fim(
            prefix,
            suffix,
            middle,
            order,
            end,
            file,
            repo,
            together=bool(file),
            name_inside=name_inside,
            glue=glue,
            suffix_first=suffix_first,
        )
    template = base.template
    if user and assistant:
        template = ChatTemplate(
            _pair(user), _pair(assistant), _pair(system) if system else None, stop=stop or ()
        )
    return replace(
        base,
        name=name.strip().lower(),
        guess=re.escape(guess.lower()),
        fim=fim,
        template=template,
        stop=stop or base.stop,
        context=context or base.context,
        price=None if input_price is None or output_price is None else (input_price, output_price),
    )


def family_faults(given: Mapping[str, Any]) -> list[str]:
    """What of a family as the user wrote it (the arguments of `profile_from`) has no effect, and why."""
    marks = [
        name for name in ("middle", "file", "repo", "name_inside", "glue", "suffix_first") if given.get(name)
    ]
    found = []
    if given.get("like") and profile_named(given["like"]) is None:
        found.append(f"like = {given['like']!r} is no family that is known")
    if not (given.get("prefix") and given.get("suffix")):
        if unused := [name for name in ("prefix", "suffix", *marks) if given.get(name)]:
            found.append(f"{_mean(unused)} nothing without both prefix and suffix")
    else:
        given_marks = [
            given[name] for name in ("prefix", "suffix", "middle", "file", "repo") if given.get(name)
        ]
        if len(set(given_marks)) < len(given_marks):
            found.append("two of its marks are the same")
        if without_file := [
            name for name in ("repo", "name_inside") if given.get(name) and not given.get("file")
        ]:
            found.append(f"{_mean(without_file)} nothing without file")
        if given.get("suffix_first") and not given.get("middle"):
            found.append("suffix_first means nothing without middle")
    if bool(given.get("user")) != bool(given.get("assistant")):
        found.append("user and assistant mean nothing without each other")
    if (given.get("input_price") is None) != (given.get("output_price") is None):
        found.append("input_price and output_price mean nothing without each other")
    return found


def _mean(names: Sequence[str]) -> str:
    """`a, b and c mean`, or `a means`."""
    *others, last = names
    return f"{', '.join(others)} and {last} mean" if others else f"{last} means"


def profile_from_json(given: Mapping[str, Any]) -> Profile:
    """A family from what `dataclasses.asdict` and JSON made of it on the way to another process."""
    fim, template = given["fim"], given["template"]
    return Profile(
        **{
            **_tuples(given),
            "fim": Fim(**_tuples(fim)) if fim else None,
            "template": ChatTemplate(**_tuples(template)) if template else None,
        }
    )


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}


def _pair(wrap: tuple[str, ...]) -> tuple[str, str]:
    before, after = (*wrap, "", "")[:2]
    return before, after


def fill_prompt(profile: Profile, request: FillRequest, *, suffix_first: bool = False) -> Prompt:
    """The hole in the family's own marks; source text in it cannot be taken for a mark. `suffix_first`: the
    suffix before the prefix where the family was trained so, for engines that keep what they have read.

    What changes least comes first, as far as the family's form has it: other files, then (`suffix_first`)
    what follows the cursor, what was changed lately, and the prefix, in which the next key is struck. Where
    other files can only stand above the prefix, they come after such a suffix."""
    control = profile.control
    prefix, suffix = neutralised(request.prefix, control), neutralised(request.suffix, control)
    path = neutralised(request.path, control)
    fim = profile.fim
    files = [each for each in request.context if each.path] if fim is not None and fim.together else []
    context = neutralised(request.above([each for each in request.context if each not in files]), control)
    stop = _distinct((*request.stop, *profile.stop, *(fim.end if fim else ())))
    if fim is None:
        return Prompt(_pieces((context, prefix)), stop, request.language, fill=True)
    stop = _distinct((*stop, fim.prefix, fim.suffix, fim.middle, fim.file, fim.repo))
    mark = Piece(fim.file, control=True)
    named = bool(fim.file and path)
    name = (mark, Piece(path + "\n")) if named and not fim.name_inside else (mark,) if named else ()
    inside = path + "\n" if named and fim.name_inside else ""
    begin, hole = Piece(fim.prefix, control=True), Piece(fim.suffix, control=True)
    end = Piece(fim.middle, control=True)
    text = Piece(fim.glue + inside + context + prefix)
    if suffix_first and fim.suffix_first:
        body: tuple[Piece, ...] = (begin, hole, Piece(suffix), end, text)
    else:
        # "<PRE> {prefix} <SUF>{suffix} <MID>": as one text the space before a mark is a part of the mark.
        psm = fim.order == "psm"
        first, second = (
            ((begin, text), (hole, Piece(suffix))) if psm else ((hole, Piece(suffix)), (begin, text))
        )
        body = (*first, _glued(fim, second[0]), second[1], _glued(fim, end))
    others = _files(fim, files, request.repository, control)
    pieces = tuple(piece for piece in (*others, *name, *body) if piece.text)
    return Prompt(pieces, stop, request.language, fill=True)


def _glued(fim: Fim, mark: Piece) -> Piece:
    return replace(mark, text=fim.glue + mark.text) if mark.text else mark


def _files(fim: Fim, files: Sequence[Excerpt], repository: str, control: Sequence[str]) -> Iterator[Piece]:
    """Other files, each behind its name, before them the repository's."""
    if files and fim.repo and repository:
        yield Piece(fim.repo, control=True)
        yield Piece(neutralised(repository, control) + fim.repo_end)
    for each in files:
        yield Piece(fim.file, control=True)
        yield Piece(neutralised(f"{each.path}\n{each.text}\n", control))


def chat_prompt(profile: Profile, request: ChatRequest) -> Prompt:
    """The conversation in the family's template, ending where the assistant is to speak."""
    template = profile.template or INSTRUCTION
    control = profile.control
    pieces: list[Piece] = []

    def add(wrap: tuple[str, str], content: str) -> None:
        pieces.extend(_marked(wrap[0]))
        pieces.append(Piece(neutralised(content, control)))
        pieces.extend(_marked(wrap[1]))

    pieces.extend(_marked(template.start))
    for message in _for_template(request.messages, template):
        match message.role:
            case "system":
                add(template.system or ("", "\n\n"), message.content)
            case "user":
                add(template.user, message.content)
            case "assistant":
                add(template.assistant, message.content)
    pieces.extend(_marked(template.assistant[0].rstrip(" ")))
    return Prompt(
        tuple(piece for piece in pieces if piece.text),
        _distinct((*request.stop, *template.stop, *profile.stop)),
        request.language,
    )


def _for_template(messages: tuple[Message, ...], template: ChatTemplate) -> list[Message]:
    """Without a system role, its text opens the first user turn."""
    if template.system is not None:
        return list(messages)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return rest
    for index, message in enumerate(rest):
        if message.role == "user":
            rest[index] = Message("user", f"{system}\n\n{message.content}")
            return rest
    return [Message("user", system), *rest]


def _marked(text: str) -> list[Piece]:
    """Template text split at its control tokens."""
    pieces: list[Piece] = []
    at = 0
    for match in CONTROL.finditer(text):
        pieces += [Piece(text[at : match.start()]), Piece(match[0], control=True)]
        at = match.end()
    return [piece for piece in (*pieces, Piece(text[at:])) if piece.text]


def _pieces(texts: tuple[str, ...]) -> tuple[Piece, ...]:
    return tuple(Piece(text) for text in texts if text)


def _distinct(stops: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stop for stop in stops if stop))
