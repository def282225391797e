"""Bar charts as SVG that read well on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDE, _LEFT, _RIGHT, _ROW, _TOP = 720, 190, 90, 26, 44
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}"
    ".note{fill:#656d76}.ours{fill:#0969da}.peer{fill:#afb8c1}.page{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#8d96a0}.ours{fill:#4493f8}"
    ".peer{fill:#484f58}.page{fill:#0d1117}}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float
    ours: bool


def chart(title: str, bars: Sequence[Bar], unit: str, *, high_is_good: bool = False) -> str:
    """Horizontal bars, the best first. `unit` "share" is shown in per cent. Empty of no bars."""
    if not bars:
        return ""
    ordered = sorted(bars, key=lambda bar: bar.value, reverse=high_is_good)
    most = 1.0 if unit == "share" else max(bar.value for bar in bars) or 1.0
    high = _TOP + _ROW * len(ordered) + 12
    note = "more is better" if high_is_good else "less is better"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" '
        f'width="{_WIDE}" height="{high}" role="img" aria-label="{escape(title)}"><style>{_STYLE}</style>',
        f'<rect class="page" width="{_WIDE}" height="{high}" rx="6"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
        f'<text class="note" x="{_WIDE - 16}" y="26" text-anchor="end">{note}</text>',
    ]
    for number, bar in enumerate(ordered):
        y = _TOP + _ROW * number
        width = max(1.0, (_WIDE - _LEFT - _RIGHT) * bar.value / most)
        shown = (
            f"{bar.value:.0%}" if unit == "share" else f"{bar.value:.{0 if bar.value >= 10 else 1}f} {unit}"
        )
        out += [
            f'<text x="{_LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(bar.name)}</text>',
            f'<rect class="{"ours" if bar.ours else "peer"}" x="{_LEFT}" y="{y + 2}" '
            f'width="{width:.1f}" height="18" rx="3"/>',
            f'<text x="{_LEFT + width + 8:.1f}" y="{y + 15}">{escape(shown)}</text>',
        ]
    return "\n".join([*out, "</svg>"]) + "\n"
