"""The router's bandit on simulated logs: what it costs to learn whose suggestions are kept.

Three models, three languages in which another one of them is best, and half way the best one of the main
language becomes the worst, as a model does that is replaced at its provider. Of what is accepted each model
leaves another share standing, so that in one language the one that is accepted most often is not the best.
Regret is how many suggestions fewer were kept than if the best one had always been asked. Draws
`benchmarks/results/router-regret.svg`.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Sequence

from bench.revision import ROOT
from devflow.models.routing.bandit import Tally, draws

from .rows import Row

MODELS = ("a", "b", "c")
LANGUAGES = (("python", 0.6), ("go", 0.25), ("rust", 0.15))
BEFORE = {"python": (0.24, 0.34, 0.28), "go": (0.30, 0.20, 0.22), "rust": (0.15, 0.18, 0.30)}
AFTER = {**BEFORE, "python": (0.24, 0.12, 0.28)}
KEPT = (0.6, 0.8, 0.9)
"""The mean share of an accepted suggestion that stands later, of each model."""
ROUNDS = 6_000
WINDOW = 1_500
"""Suggestions, in place of the router's 30 days: 50 a day."""
Log = deque[tuple[str, str, bool, float]]
Policy = Callable[["Seen", str, random.Random], str]


class Seen:
    """What became of what was shown: all of it, and the newest of it."""

    def __init__(self, window: int) -> None:
        self.all: dict[tuple[str, str], Tally] = {}
        self.lately: dict[tuple[str, str], Tally] = {}
        self.accepted: dict[tuple[str, str], Tally] = {}
        """Lately, without a look at what is kept."""
        self.rounds = 0
        self._log: Log = deque()
        self._window = window

    def add(self, model: str, language: str, accepted: bool, kept: float) -> None:
        """One suggestion was shown; `kept` of it stands later."""
        self.rounds += 1
        for tallies in (self.all, self.lately):
            tallies[model, language] = tallies.get((model, language), Tally()) + Tally(1, kept)
        self.accepted[model, language] = self.accepted.get((model, language), Tally()) + Tally(1, accepted)
        self._log.append((model, language, accepted, kept))
        if len(self._log) > self._window:
            old, spoken, taken, left = self._log.popleft()
            self.lately[old, spoken] += Tally(-1, -left)
            self.accepted[old, spoken] += Tally(-1, -taken)


def order(seen: Seen, language: str, chance: random.Random) -> str:
    """The user's order, for ever."""
    return MODELS[0]


def greedy(seen: Seen, language: str, chance: random.Random) -> str:
    """ε-greedy with ε = .1, over all that was seen."""
    if chance.random() < 0.1:
        return chance.choice(MODELS)
    return max(MODELS, key=lambda model: _rate(seen.all.get((model, language), Tally())))


def ucb(seen: Seen, language: str, chance: random.Random) -> str:
    """UCB1 (Auer et al. 2002)."""
    return _ucb(seen.all, language)


def ucb_lately(seen: Seen, language: str, chance: random.Random) -> str:
    """UCB over the window (Garivier and Moulines 2011)."""
    return _ucb(seen.lately, language)


def thompson(seen: Seen, language: str, chance: random.Random) -> str:
    """Thompson sampling over all that was seen, each language by itself."""

    def drawn(model: str) -> float:
        tally = seen.all.get((model, language), Tally())
        return chance.betavariate(1 + tally.accepted, 1 + tally.shown - tally.accepted)

    return max(MODELS, key=drawn)


def ours(seen: Seen, language: str, chance: random.Random) -> str:
    """The router's: over the window, languages told of each other, nobody tried who was hardly shown. Each
    model's first suggestions are an experiment's."""
    return _ours(seen, seen.lately, language, chance)


def by_acceptance(seen: Seen, language: str, chance: random.Random) -> str:
    """The same, had it no eye for what is kept."""
    return _ours(seen, seen.accepted, language, chance)


def _ours(seen: Seen, lately: dict[tuple[str, str], Tally], language: str, chance: random.Random) -> str:
    least = min(MODELS, key=lambda model: sum(t.shown for (m, _), t in seen.all.items() if m == model))
    if sum(tally.shown for (model, _), tally in seen.all.items() if model == least) < 20:
        return least
    drawn = draws(lately, MODELS, language, chance.betavariate)
    if len(drawn) < len(MODELS):  # one of them was not shown lately: an experiment shows it again
        return next(model for model in MODELS if model not in drawn)
    return max(drawn, key=lambda model: drawn[model])


POLICIES: dict[str, Policy] = {
    "the user's order": order,
    "ε-greedy": greedy,
    "UCB1": ucb,
    "UCB, window": ucb_lately,
    "Thompson": thompson,
    "router, acceptance alone": by_acceptance,
    "router (Thompson, window, shared)": ours,
}


async def measure(*, quick: bool) -> list[Row]:
    """Regret at the end, the mean of the runs."""
    runs = 5 if quick else 25
    curves = {name: _mean([_run(policy, seed) for seed in range(runs)]) for name, policy in POLICIES.items()}
    if not quick:
        folder = ROOT / "benchmarks" / "results"
        (folder / "router-regret.svg").write_text(drawn(curves), "utf-8")
    final = {name: curve[-1] for name, curve in curves.items()}
    mine = final.pop("router (Thompson, window, shared)")
    others = ", ".join(f"{name} {value:.0f}" for name, value in final.items())
    return [
        Row(
            f"bandit: kept suggestions lost to learning, of {ROUNDS:,} (simulated)",
            f"{mine:.0f}",
            "below the user's order and UCB1",
            mine < final["the user's order"] and mine < final["UCB1"],
            f"{others}; mean of {runs} runs",
        )
    ]


def _run(policy: Policy, seed: int) -> list[float]:
    chance = random.Random(seed)
    seen = Seen(WINDOW)
    names, weights = [name for name, _ in LANGUAGES], [weight for _, weight in LANGUAGES]
    lost, curve = 0.0, []
    for number in range(ROUNDS):
        rates = BEFORE if number < ROUNDS // 2 else AFTER
        [language] = chance.choices(names, weights)
        model = policy(seen, language, chance)
        number_of = MODELS.index(model)
        worth = [rate * share for rate, share in zip(rates[language], KEPT, strict=True)]
        lost += max(worth) - worth[number_of]
        accepted = chance.random() < rates[language][number_of]
        share = KEPT[number_of]
        kept = chance.betavariate(4 * share, 4 * (1 - share)) if accepted else 0.0
        seen.add(model, language, accepted, kept)
        if number % 50 == 0:
            curve.append(lost)
    return [*curve, lost]


def _mean(curves: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) / len(values) for values in zip(*curves, strict=True)]


def _rate(tally: Tally) -> float:
    return (tally.accepted + 1) / (tally.shown + 2)


def _ucb(tallies: dict[tuple[str, str], Tally], language: str) -> str:
    shown = {model: tallies.get((model, language), Tally()) for model in MODELS}
    total = sum(tally.shown for tally in shown.values())

    def bound(model: str) -> float:
        tally = shown[model]
        if tally.shown < 1:
            return math.inf
        return tally.accepted / tally.shown + math.sqrt(2 * math.log(max(total, 2)) / tally.shown)

    return max(MODELS, key=bound)


_WIDE, _HIGH, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 360, 56, 48, 260, 40
_COLOURS = ("#8c959f", "#bf8700", "#8250df", "#cf222e", "#1a7f37", "#9a6700", "#0969da")


def drawn(curves: dict[str, list[float]]) -> str:
    """Lines of regret over suggestions, as SVG for light and dark pages."""
    most = max(curve[-1] for curve in curves.values()) * 1.05
    wide, high = _WIDE - _LEFT - _RIGHT, _HIGH - _TOP - _BOTTOM
    style = (
        "text{font:12px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600;font-size:15px}"
        ".g{stroke:#d0d7de}.p{fill:#fff}@media(prefers-color-scheme:dark)"
        "{text{fill:#e6edf3}.g{stroke:#30363d}.p{fill:#0d1117}}"
    )
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" '
        f'height="{_HIGH}" role="img" aria-label="Regret of routing policies"><style>{style}</style>',
        f'<rect class="p" width="{_WIDE}" height="{_HIGH}" rx="6"/>',
        '<text class="t" x="16" y="26">Kept suggestions lost to learning (simulated)</text>',
    ]
    for step in range(5):
        y = _TOP + high - high * step / 4
        out.append(f'<line class="g" x1="{_LEFT}" y1="{y:.0f}" x2="{_LEFT + wide}" y2="{y:.0f}"/>')
        out.append(f'<text x="{_LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{most * step / 4:.0f}</text>')
    out.append(f'<text x="{_LEFT + wide}" y="{_HIGH - 12}" text-anchor="end">suggestions shown</text>')
    out.append(
        f'<text x="{_LEFT + wide / 2:.0f}" y="{_HIGH - 26}" text-anchor="middle">{ROUNDS // 2:,}: the best '
        "model becomes the worst</text>"
    )
    labels = sorted(curves, key=lambda name: -curves[name][-1])
    previous = -100.0
    for name in labels:
        colour = _COLOURS[list(curves).index(name)]
        curve = curves[name]
        points = " ".join(
            f"{_LEFT + wide * at / (len(curve) - 1):.1f},{_TOP + high - high * value / most:.1f}"
            for at, value in enumerate(curve)
        )
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = max(_TOP + high - high * curve[-1] / most + 4, previous + 15)
        previous = y
        out.append(
            f'<text x="{_LEFT + wide + 8}" y="{y:.0f}" style="fill:{colour}">{name}, {curve[-1]:.0f}</text>'
        )
    return "\n".join([*out, "</svg>"]) + "\n"
