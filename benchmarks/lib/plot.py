"""The growth of time as a picture of four panels with their lines named beside them. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnrec._util.extras import require
from attnrec.cli._write import beside
from benchmarks.speed import growth, shapes

FORMATS = (".svg", ".pdf", ".png")
# Name: label, colour, line, mark. The colours are Okabe and Ito's, torch's darker to be read as text; marks tell too.
LINES = {
    "attnrec, 8 bits": ("attnrec, 8 bits", "#D55E00", "-", "o"),
    "attnrec, float32": ("attnrec, float32", "#D55E00", "--", "s"),
    "implicit": ("implicit", "#0072B2", "-", "v"),
    "faiss": ("FAISS", "#00805C", "-", "^"),
    "torch": ("torch", "#A8437F", "-", "P"),
    "NumPy, fastest": ("NumPy", "#333333", "-", "D"),
}
APART = 0.062  # of a panel's height, between two labels
CROWDED = 0.13  # of a panel's width, between two ticks
_ONE_TWO_FIVE = [m * 10.0**e for e in range(-6, 8) for m in (1, 2, 5)]
STYLE = {"font.size": 11, "svg.hashsalt": "attnrec", "axes.titlesize": 12, "axes.labelcolor": "#444444"}


def need_matplotlib() -> None:
    require("matplotlib", extra="bench")


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw what was measured along each axis, in the format that the name ends in."""
    matplotlib = require("matplotlib", extra="bench")
    matplotlib.use("agg")
    pyplot = require("matplotlib.pyplot", extra="bench")
    with matplotlib.rc_context(STYLE):
        figure, panels = pyplot.subplots(2, 2, figsize=(11, 8), layout="constrained")
        for panel, axis in zip(panels.flat, shapes.AXES, strict=True):
            _panel(panel, axis, record["growth"]["points"].get(axis, []))
        machine = record["machine"]
        figure.suptitle(
            f"Exact top-k, milliseconds a call: {machine['cpu']}, {machine['isa']}, "
            f"{machine['threads']} {'thread' if machine['threads'] == 1 else 'threads'}",
            fontsize=13,
        )
        try:
            with beside(path) as part:
                fixed = {"Date": None} if path.suffix == ".svg" else None
                figure.savefig(part, format=path.suffix[1:], dpi=110, metadata=fixed)
        finally:
            pyplot.close(figure)


def _panel(panel: Any, axis: str, points: Sequence[dict[str, Any]]) -> None:
    panel.set_title(f"by {shapes.AXES[axis]}{_fixed(axis, points)}", loc="left")
    panel.set_xlabel(shapes.AXES[axis])
    panel.set_ylabel("ms")
    panel.spines[["top", "right"]].set_visible(False)
    if not points:
        panel.text(0.5, 0.5, "not measured", ha="center", va="center", transform=panel.transAxes, color="gray")
        return
    ends = []
    for name, (label, colour, style, mark) in LINES.items():
        series = growth.series(points, name)
        if series:
            x, y = zip(*series, strict=True)
            wide = 2.4 if name.startswith("attnrec") else 1.4
            panel.plot(x, y, color=colour, ls=style, marker=mark, markersize=5, lw=wide, clip_on=False)
            ends.append((label, colour, x[-1], y[-1]))
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    ticks = legible(sorted({point["at"] for point in points}))
    panel.set_xticks(ticks, [_short(tick) for tick in ticks])
    low, high = panel.get_ylim()
    if high < 50 * low:  # powers of ten alone would be one or two
        panel.set_yticks([y for y in _ONE_TWO_FIVE if low <= y <= high])
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    panel.grid(alpha=0.25)
    _label(panel, ends)


def _label(panel: Any, ends: list[tuple[str, str, float, float]]) -> None:
    """Name the lines to the right of the panel, moved apart where they end close together."""
    panel.autoscale_view()
    to_axes = panel.transScale + panel.transLimits
    heights = [float(to_axes.transform((x, y))[1]) for _, _, x, y in ends]
    for (label, colour, x, y), height in zip(ends, spread(heights, APART), strict=True):
        panel.annotate(
            label,
            xy=(x, y),
            xytext=(1.04, height),
            textcoords=panel.transAxes,
            color=colour,
            va="center",
            fontweight="bold" if label.startswith("attnrec") else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.45, "lw": 0.8, "shrinkA": 1, "shrinkB": 4},
            annotation_clip=False,
        )


def legible(ticks: Sequence[float]) -> list[float]:
    """Those of growing ticks on a log axis that leave room for their labels: first and last, and what lies apart."""
    least = (ticks[-1] / ticks[0]) ** CROWDED
    kept = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if kept[-1] / tick >= least and (tick == ticks[0] or tick / ticks[0] >= least):
            kept.append(tick)
    return kept[::-1]


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """The heights moved until any two are ``apart``, in their order: groups keep their means."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[list[int]] = []
    for i in order:
        groups.append([i])
        while len(groups) > 1 and _lowest(groups[-1], heights, apart) - _highest(groups[-2], heights, apart) < apart:
            groups[-2:] = [groups[-2] + groups[-1]]
    out = list(heights)
    for group in groups:
        start = _lowest(group, heights, apart)
        for place, i in enumerate(group):
            out[i] = start + place * apart
    return out


def _lowest(group: list[int], heights: Sequence[float], apart: float) -> float:
    return sum(heights[i] for i in group) / len(group) - apart * (len(group) - 1) / 2


def _highest(group: list[int], heights: Sequence[float], apart: float) -> float:
    return _lowest(group, heights, apart) + apart * (len(group) - 1)


def _fixed(axis: str, points: Sequence[dict[str, Any]]) -> str:
    shown = {"b": "{:,} queries", "n": "{:,} items", "d": "d = {:,}"}
    told = [text.format(points[0][x]) for x, text in shown.items() if x != axis] if points else []
    return f" ({', '.join(told)})" if told else ""


def _short(count: float) -> str:
    if count >= 1_000_000:
        return f"{count / 1e6:g}M"
    return f"{count / 1e3:g}k" if count >= 10_000 else f"{count:,}"
