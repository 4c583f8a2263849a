"""Signed bars as inline SVG. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence

from .._bars import decimals
from ._html import element, text

__all__ = ["bars"]

_ROW, _BAR = 24, 15  # heights of a row and of its bar
_LABELS, _WIDTH, _NUMBERS = 210, 600, 62  # of the labels, of the picture, and at either end of the bars
_LETTERS = 31  # that fit beside the bars


def bars(rows: Sequence[tuple[str, float]], pale: int, about: str) -> str:
    """A bar for each (label, value), the first on top; the last ``pale`` of them are sums, in a lighter colour.

    ``about`` says in words what is drawn.
    """
    values = [value for _, value in rows]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    left = _LABELS + 10 + (_NUMBERS if low < 0 else 0)
    scale = (_WIDTH - _NUMBERS - left) / ((high - low) or 1.0)
    zero, digits = left - low * scale, decimals(values)
    parts = []
    for at, (label, value) in enumerate(rows):
        middle = at * _ROW + _ROW / 2
        kind = ("more" if value >= 0 else "less") + (" pale" if at >= len(rows) - pale else "")
        length = abs(value) * scale
        start = zero if value >= 0 else zero - length
        end, anchor = (zero + length + 5, "start") if value >= 0 else (zero - length - 5, "end")
        parts.append(
            f'<g><title>{text(label)}: {value:+.4g}</title><text class="label" x="{_LABELS}" y="{middle:g}">'
            f"{text(_short(label))}</text>"
            f'<rect class="{kind}" x="{start:.1f}" y="{middle - _BAR / 2:g}" width="{length:.1f}" height="{_BAR}"/>'
            f'<text class="number" x="{end:.1f}" y="{middle:g}" text-anchor="{anchor}">{value:+.{digits}f}</text></g>'
        )
    height = _ROW * len(rows)
    axis = f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>'
    inner = "\n".join([element("title", text(about)), *parts, axis])
    return element("div", element("svg", inner, viewBox=f"0 0 {_WIDTH} {height}", role="img"), class_="wide")


def _short(label: str) -> str:
    line = " ".join(label.split())
    return line if len(line) <= _LETTERS else line[: _LETTERS - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
