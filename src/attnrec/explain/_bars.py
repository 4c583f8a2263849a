"""Plot of signed bars with labels, by matplotlib."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.extras import require

__all__ = ["BLUE", "GREY", "RED", "axes", "bars", "decimals", "short"]

BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"  # Okabe and Ito's: told apart with any kind of sight
_ROOM, _MOST = 200, 400  # points that a label may take beside a picture; letters of it that are looked at


def axes(ax: Any, width: float, height: float) -> Any:
    """The axes given, or those of a new figure of that size in inches. Nothing is shown."""
    if ax is not None:
        return ax
    return require("matplotlib.pyplot", extra="plot").subplots(figsize=(width, height), layout="constrained")[1]


def short(text: object, size: float = 10, room: float = _ROOM) -> str:
    """One line of at most ``room`` points in letters of ``size``; what is longer ends in an ellipsis.

    A dollar is one, not mathematics.
    """
    to_path = require("matplotlib.textpath", extra="plot").text_to_path
    font = require("matplotlib.font_manager", extra="plot").FontProperties(size=size)
    line = " ".join(str(text).split())

    def cut(n: int) -> str:
        return line if n == len(line) else line[:n].rstrip(" \N{ZERO WIDTH JOINER}") + "\N{HORIZONTAL ELLIPSIS}"

    def fits(n: int) -> bool:
        return bool(to_path.get_text_width_height_descent(cut(n), font, ismath=False)[0] <= room)

    most = min(len(line), _MOST)
    if not fits(most):
        most = bisect_left(range(1, most), True, key=lambda n: not fits(n))
    return cut(most).replace("$", r"\$")


def decimals(values: Any) -> int:
    """Decimals that give the largest of some numbers three digits, so that all are read at one glance."""
    most = float(np.max(np.abs(values), initial=0))
    return min(9, max(0, 2 - int(np.floor(np.log10(most))))) if most > 0 else 0


def bars(rows: Sequence[tuple[str, float]], pale: int, title: str, beneath: str, ax: Any) -> Any:
    """A bar for each (label, value), the first on top; the last ``pale`` of them are sums, in a lighter colour."""
    ax = axes(ax, 7.0, 1.3 + 0.3 * max(1, len(rows)))
    at = range(len(rows))
    values = [value for _, value in rows]
    drawn = ax.barh(at, values, height=0.7, color=[BLUE if value >= 0 else RED for value in values])
    for patch in drawn.patches[len(rows) - pale :]:
        patch.set_alpha(0.5)
    digits = decimals(values)
    ax.bar_label(drawn, [f"{value:+.{digits}f}" for value in values], padding=3, fontsize=9)
    ax.axvline(0, color="#333333", linewidth=0.8)
    ax.set_yticks(list(at), [short(label) for label, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.margins(x=0.14)  # room for the numbers at the ends of the bars
    ax.tick_params(left=False)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.set_title(title, loc="left", fontsize=11)
    ax.set_xlabel(beneath)
    return ax
