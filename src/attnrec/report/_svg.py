"""Signed bars with labels: a grid of the browser, with a strip of SVG for each bar."""

from __future__ import annotations

from collections.abc import Sequence

from ..explain._bars import decimals
from ._html import element, text

__all__ = ["bars"]

_BAR = 15  # height


def bars(rows: Sequence[tuple[str, float]], pale: int, about: str) -> str:
    """A bar for each (label, value), the first on top; the last ``pale`` of them are sums, in a lighter colour.

    ``about`` says in words what is drawn. Widths are shares of the room that labels and numbers leave. Only the browser
    knows how wide text is: labels are whole, and it breaks them in two lines and shortens them (:mod:`._style`).
    """
    values = [value for _, value in rows]
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    scale = 100 / ((high - low) or 1.0)
    zero, digits = -low * scale, decimals(values)
    axis = f'<line class="zero" x1="{zero:.2f}%" x2="{zero:.2f}%" y1="0" y2="100%"/>'
    parts = []
    for at, (label, value) in enumerate(rows):
        kind = ("more" if value >= 0 else "less") + (" pale" if at >= len(rows) - pale else "")
        length = abs(value) * scale
        start = zero if value >= 0 else zero - length
        bar = f'<rect class="{kind}" x="{start:.2f}%" y="50%" width="{length:.2f}%" height="{_BAR}"/>'
        line = " ".join(label.split())
        parts.append(
            element("span", element("span", text(line), dir="auto"), class_="label", title=f"{line}: {value:+.4g}")
            + element("span", f'<svg aria-hidden="true">{bar}{axis}</svg>', class_="track")
            + element("span", f"{value:+.{digits}f}", class_="number")
        )
    items = "\n".join(element("li", part) for part in parts)
    return element("ul", items, class_="bars", role="list", aria_label=about)
