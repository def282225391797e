"""Tables and a plot of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from devflow.retrieval.evaluation.measure import Result

_WIDTH, _HEIGHT, _MARGIN = 760, 420, 60
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")


def table(results: Sequence[Result]) -> str:
    """A Markdown table, one row for each system on each set."""
    lines = [
        "| truth set | system | queries | recall@1 | recall@5 | recall@10 | MRR@10 | nDCG@10 "
        "| context precision | context recall | p50 ms | p95 ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        f = result.figures
        lines.append(
            f"| {result.truth} | {result.system} | {f.queries} | {f.recall_1:.3f} | {f.recall_5:.3f} | "
            f"{f.recall_10:.3f} | {f.mrr:.3f} | {f.ndcg:.3f} | {_shown(result.context_precision)} | "
            f"{_shown(result.context_recall)} | {f.p50:.1f} | {f.p95:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def plot(results: Sequence[Result]) -> str:
    """An SVG: MRR@10 against the median milliseconds (logarithmic), one colour a set, one dot a system."""
    import math

    times = [max(result.figures.p50, 0.1) for result in results] or [1.0]
    low, high = math.log10(min(times)) - 0.1, math.log10(max(times)) + 0.1
    sets = list(dict.fromkeys(result.truth for result in results))

    def x(milliseconds: float) -> float:
        share = (math.log10(max(milliseconds, 0.1)) - low) / (high - low)
        return _MARGIN + share * (_WIDTH - 2 * _MARGIN)

    def y(quality: float) -> float:
        return _HEIGHT - _MARGIN - quality * (_HEIGHT - 2 * _MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 200} {_HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH + 200}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 15}" text-anchor="middle">milliseconds a query, median</text>',
        f'<text x="15" y="{_HEIGHT / 2}" transform="rotate(-90 15 {_HEIGHT / 2})" text-anchor="middle">'
        "MRR@10</text>",
    ]
    for tenth in range(0, 11, 2):
        at = y(tenth / 10)
        parts.append(
            f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{_MARGIN - 6}" y="{at + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>')
    for power in range(math.ceil(low), math.floor(high) + 1):
        at = x(10.0**power)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_MARGIN}" y2="{_HEIGHT - _MARGIN}" stroke="#ddd"/>'
        )
        parts.append(
            f'<text x="{at:.1f}" y="{_HEIGHT - _MARGIN + 15}" text-anchor="middle">{10.0**power:g}</text>'
        )
    for number, name in enumerate(sets):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<circle cx="{_WIDTH - 30}" cy="{_MARGIN + 18 * number}" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{_WIDTH - 20}" y="{_MARGIN + 18 * number + 4}">{escape(name)}</text>')
        for result in results:
            if result.truth == name:
                f = result.figures
                parts.append(
                    f'<circle cx="{x(f.p50):.1f}" cy="{y(f.mrr):.1f}" r="4" fill="{colour}">'
                    f"<title>{escape(result.system)}: {f.mrr:.3f} in {f.p50:.1f} ms</title></circle>"
                )
                parts.append(
                    f'<text x="{x(f.p50) + 6:.1f}" y="{y(f.mrr) + 3:.1f}" font-size="8" fill="#555">'
                    f"{escape(result.system)}</text>"
                )
    return "\n".join([*parts, "</svg>\n"])
