"""The matching benchmark's growth as a picture: CPU seconds by profiles and by papers, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

_WIDTH, _HEIGHT, _GAP = 300, 220, 72
_COLOURS = {"strict": "#1f6f8b", "close": "#b3541e"}
_NAMES = {"strict": "strict only", "close": "with close matches for everybody"}


def draw(sizes: Sequence[Mapping[str, float]]) -> str:
    """An SVG of two plots side by side."""
    first = min(figures["papers"] for figures in sizes)
    by_profiles = [figures for figures in sizes if figures["papers"] == first]
    middle = sorted(figures["profiles"] for figures in by_profiles)[len(by_profiles) // 2]
    by_papers = sorted(
        (figures for figures in sizes if figures["profiles"] == middle), key=lambda figures: figures["papers"]
    )
    body = [
        *_plot(by_profiles, "profiles", f"profiles, {first:,.0f} papers", _GAP),
        *_plot(by_papers, "papers", f"papers, {middle:,.0f} profiles", _WIDTH + 2 * _GAP),
    ]
    size = f'width="{2 * _WIDTH + 3 * _GAP}" height="{_HEIGHT + 2 * _GAP}"'
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    return "\n".join([*head, *body, "</svg>\n"])


def _plot(sizes: Sequence[Mapping[str, float]], key: str, title: str, x_left: float) -> Iterator[str]:
    xs = [math.log10(figures[key]) for figures in sizes]
    ys = [math.log10(figures[f"{name}: all"]) for figures in sizes for name in _COLOURS]
    low, high = math.floor(min(ys)), math.ceil(max(ys))
    bottom = _GAP / 2 + _HEIGHT

    def x(value: float) -> float:
        return x_left + (value - xs[0]) / (xs[-1] - xs[0]) * _WIDTH

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * _HEIGHT

    for power in range(low, high + 1):
        yield f'<path d="M{x_left} {y(power):.0f}h{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{x_left - 6}" y="{y(power) + 4:.0f}" text-anchor="end">{10.0**power:g} s</text>'
    for figures, x_position in zip(sizes, xs, strict=True):
        yield f'<text x="{x(x_position):.0f}" y="{bottom + 18}" text-anchor="middle">{figures[key]:,.0f}</text>'
    yield f'<text x="{x_left + _WIDTH / 2}" y="{bottom + 40}" text-anchor="middle">{title}</text>'
    for place, (name, colour) in enumerate(_COLOURS.items()):
        points = [
            (x(x_position), y(math.log10(figures[f"{name}: all"])))
            for figures, x_position in zip(sizes, xs, strict=True)
        ]
        path = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{a:.0f}" cy="{b:.0f}" r="3" fill="{colour}"/>' for a, b in points)
        yield f'<text x="{x_left + 8}" y="{_GAP / 2 + 14 + 16 * place}" fill="{colour}">{_NAMES[name]}</text>'
