"""Who is asked first: rules the user can read, and then what was measured.

`ordered` is the whole of the policy. A model is left out only where it cannot answer; everything else moves
it. In order of weight: whether it is loading, the rules, whether it was slow lately, what was learned from
acceptance, the user's own order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from devflow.models.base import Health, Task

WANTED: Mapping[Task, float] = {
    "fill": 1.0, "explain": 5.0, "edit": 8.0, "review": 20.0, "chat": 5.0, "embed": 10.0
}  # fmt: skip
"""Seconds to the first piece, for each task; a model that takes longer goes behind one that does not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is about."""

    task: Task
    language: str = ""
    tokens: int = 0
    """About, of prompt and answer."""
    difficulty: float = 0.5
    """0 to 1, as `models.difficulty` estimates it."""
    private: bool = False
    """Whether it holds text that must stay on the machine."""


class Assigned(NamedTuple):
    """The model that an experiment gives to a file; both "" where none does."""

    experiment: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules know of a model."""

    name: str
    remote: bool = False
    provider: str = ""
    """What breaks, and limits, together: a host, or the model itself."""
    context: int = 0
    """Tokens it reads; 0: not known."""
    languages: tuple[str, ...] = ()
    """It is an expert in."""
    parallel: int = 0
    """Requests it is sent at a time; 0: no limit."""


@dataclass(frozen=True, slots=True)
class State:
    """What was measured of a model."""

    health: Health = Health.READY
    detail: str = ""
    first_piece: float | None = None
    """Seconds expected; None: not known, or not lately."""
    draw: float | None = None
    """What a bandit drew for it from the acceptance of its answers; None: nothing to learn from."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where it applies (everything it names must fit) and whom it moves.

    `prefer`, `avoid` and `only` name models, or `local`, `remote` or `expert` (in the language asked)."""

    name: str
    tasks: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    min_tokens: int = 0
    max_tokens: int = 0
    min_difficulty: float = 0.0
    max_difficulty: float = 1.0
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def applies(self, asked: Asked) -> bool:
        """Whether it says anything about the request."""
        return (
            (not self.tasks or asked.task in self.tasks)
            and (not self.languages or asked.language in self.languages)
            and asked.tokens >= self.min_tokens
            and (not self.max_tokens or asked.tokens <= self.max_tokens)
            and self.min_difficulty <= asked.difficulty <= self.max_difficulty
        )


DEFAULT_RULES: tuple[Rule, ...] = (Rule("experts first", prefer=("expert",)),)
"""A rule of the user's with the same name takes the place of one of these."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model's place in the order, with the reasons; `left_out` says why it is not asked at all."""

    facts: Facts
    reasons: tuple[str, ...] = ()
    left_out: str = ""
    health: Health = Health.READY
    private: bool = False
    """Left out because the request must stay on the machine."""


def rules_of(own: Sequence[Rule]) -> tuple[Rule, ...]:
    """The user's rules, then those of ours that they do not replace."""
    names = {rule.name for rule in own}
    return (*own, *(rule for rule in DEFAULT_RULES if rule.name not in names))


def ordered(
    asked: Asked, models: Sequence[Facts], rules: Sequence[Rule], state: Callable[[Facts], State]
) -> list[Candidate]:
    """Every model, those to ask first, those left out last. `models` are in the user's order."""
    applying = [rule for rule in rules if rule.applies(asked)]
    usable: list[_Ranked] = []
    left_out: list[Candidate] = []
    for number, facts in enumerate(models):
        measured = state(facts)
        reasons: list[str] = [f"number {number + 1} in your list", "remote" if facts.remote else "local"]
        if why := _left_out(asked, facts, measured, applying):
            kept_back = asked.private and facts.remote
            left_out.append(Candidate(facts, tuple(reasons), why, measured.health, kept_back))
            continue
        group = _group(asked, facts, applying, reasons)
        slow = _is_slow(asked, measured, reasons)
        loading = measured.health is Health.LOADING
        if loading:
            reasons.append("still loading")
        usable.append(_Ranked(facts, (loading, group, slow), number, measured.draw, reasons, measured.health))
    usable.sort(key=lambda each: (each.group, each.number))
    _learn(usable)
    return [Candidate(each.facts, tuple(each.reasons), health=each.health) for each in usable] + left_out


@dataclass(slots=True)
class _Ranked:
    facts: Facts
    group: tuple[bool, int, bool]
    number: int
    draw: float | None
    reasons: list[str]
    health: Health


def _left_out(asked: Asked, facts: Facts, measured: State, rules: Sequence[Rule]) -> str:
    if asked.private and facts.remote:
        return "the request holds text that never leaves this machine (models.never_send)"
    if measured.health in (Health.UNAVAILABLE, Health.FAILING):
        return measured.detail or str(measured.health)
    for rule in rules:
        if rule.only and not any(_means(name, asked, facts) for name in rule.only):
            return f"the rule {rule.name!r} allows only {', '.join(rule.only)}"
    return ""


def _group(asked: Asked, facts: Facts, rules: Sequence[Rule], reasons: list[str]) -> int:
    """The place the rules give it: the first rule that names it decides, an earlier name before a later."""
    before = 0
    for rule in rules:
        for number, name in enumerate(rule.prefer):
            if _means(name, asked, facts):
                reasons.append(f"the rule {rule.name!r} prefers {_said(name, facts)}")
                return before + number - _MOST
        before += len(rule.prefer)
        if any(_means(name, asked, facts) for name in rule.avoid):
            reasons.append(f"the rule {rule.name!r} puts it last")
            return 1
    if 0 < facts.context < asked.tokens:
        reasons.append(f"the request is cut: about {asked.tokens:,} tokens, and it reads {facts.context:,}")
        return 1
    return 0


_MOST = 1_000_000


def _means(name: str, asked: Asked, facts: Facts) -> bool:
    match name:
        case "local":
            return not facts.remote
        case "remote":
            return facts.remote
        case "expert":
            return bool(asked.language) and asked.language in facts.languages
    return name == facts.name


def _said(name: str, facts: Facts) -> str:
    if name == "expert":
        return f"experts in {', '.join(facts.languages)}"
    return "it" if name == facts.name else f"{name} models"


def _is_slow(asked: Asked, measured: State, reasons: list[str]) -> bool:
    if measured.first_piece is None:
        return False
    wanted = WANTED[asked.task]
    slow = measured.first_piece > wanted
    reasons.append(
        f"{'slow' if slow else 'quick'} lately: first piece after {measured.first_piece:.2f} s"
        + (f", {wanted:g} s is wanted" if slow else "")
    )
    return slow


def _learn(usable: list[_Ranked]) -> None:
    """Models of a group that are on the same side of the machine's border change places by what was drawn:
    learning never sends away what the user's order keeps here."""
    for group, remote in {(each.group, each.facts.remote) for each in usable}:
        places = [
            place
            for place, each in enumerate(usable)
            if (each.group, each.facts.remote) == (group, remote) and each.draw is not None
        ]
        best = sorted((usable[place] for place in places), key=lambda each: -(each.draw or 0.0))
        for place, each in zip(places, best, strict=True):
            usable[place] = each
            if len(places) > 1:
                each.reasons.append(f"drew {each.draw:.2f} from the acceptance of its answers")
