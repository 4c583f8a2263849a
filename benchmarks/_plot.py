"""The growth of time as a picture of four panels. Measures nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _growth import AXES
from attnrec._extras import need

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = {
    "attnrec, 8 bits": "#D55E00",
    "attnrec, float32": "#E69F00",
    "NumPy, fastest": "#000000",
    "implicit": "#0072B2",
    "faiss": "#009E73",
    "torch": "#CC79A7",
}
MARKS = dict(zip(COLOURS, "osDv^P", strict=True))


def need_matplotlib(path: Path | None) -> None:
    """Say that it is missing before anything is measured, not after."""
    if path is not None:
        need("matplotlib", extra="bench")


def draw(growth: dict[str, Any], path: Path) -> None:
    need("matplotlib", extra="bench").use("agg")
    pyplot = need("matplotlib.pyplot", extra="bench")
    figure, panels = pyplot.subplots(2, 2, figsize=(10, 7.2), layout="constrained")
    for panel, (axis, title) in zip(panels.flat, AXES.items(), strict=True):
        points = growth.get(axis, [])
        for name, colour in COLOURS.items():
            at = [p["at"] for p in points if name in p["milliseconds"]]
            took = [p["milliseconds"][name] for p in points if name in p["milliseconds"]]
            ours = name.startswith("attnrec")
            panel.plot(at, took, color=colour, marker=MARKS[name], markersize=5, lw=2.2 if ours else 1.2, label=name)
        panel.set_xscale("log", base=10 if axis in "nb" else 2)
        panel.set_yscale("log")
        ticks = sorted({p["at"] for p in points})
        panel.set_xticks(
            ticks, [f"{t:,}" if t < 10_000 else f"{t / 1e6:g}M" if t >= 1e6 else f"{t // 1000}k" for t in ticks]
        )
        panel.minorticks_off()
        panel.set_xlabel(title)
        panel.set_ylabel("milliseconds a call")
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=6, frameon=False)
    beside = path.with_name("new-" + path.name)
    figure.savefig(beside, dpi=110)
    beside.replace(path)
    pyplot.close(figure)
