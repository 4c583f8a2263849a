"""Geometry of signed bars beside their labels, for the template ``bars.html.j2``. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..explain._bars import decimals

__all__ = ["Bar", "Bars", "bars"]


@dataclass(frozen=True)
class Bar:
    """One bar; ``start`` and ``length`` are percentages of the width of its track, with two decimals."""

    label: str
    full: str  # label and value, for the tooltip
    number: str
    sign: str
    is_sum: bool
    start: str
    length: str


@dataclass(frozen=True)
class Bars:
    """Bars over one axis, whose zero lies at ``zero`` percent of the track; ``about`` describes them in words."""

    about: str
    zero: str
    rows: list[Bar]


def bars(rows: Sequence[tuple[str, float]], pale: int, about: str) -> Bars:
    """A bar for each (label, value), the first on top; the last ``pale`` of them are sums, in a lighter colour.

    Lengths are shares of the width that labels and numbers leave. Only the browser knows how wide text is: labels are
    whole here, and the style sheet breaks them in two lines and shortens them.
    """
    values = [value for _, value in rows]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    scale = 100 / ((high - low) or 1.0)
    zero, digits = -low * scale, decimals(values)
    drawn = []
    for at, (label, value) in enumerate(rows):
        line, length = " ".join(label.split()), abs(value) * scale
        drawn.append(
            Bar(
                label=line,
                full=f"{line}: {value:+.4g}",
                number=f"{value:+.{digits}f}",
                sign="more" if value >= 0 else "less",
                is_sum=at >= len(rows) - pale,
                start=f"{zero if value >= 0 else zero - length:.2f}",
                length=f"{length:.2f}",
            )
        )
    return Bars(about, f"{zero:.2f}", drawn)
