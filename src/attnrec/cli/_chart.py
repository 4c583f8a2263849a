"""Plot of the results of ``attnrec evaluate``: one panel for each metric, points with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._util.extras import require
from ..explain._bars import short
from ._write import beside

__all__ = ["check", "draw"]

_FORMATS = (".png", ".svg", ".pdf")
_COLOURS = ("#0072B2", "#D55E00", "#00805C", "#A8437F", "#8A6D00", "#333333")  # Okabe and Ito's, darker to be read
_STYLE = {"font.size": 11, "svg.hashsalt": "attnrec", "axes.titlesize": 12, "axes.titlelocation": "left"}


def check(path: Path) -> None:
    """Refuse what could not be drawn, before anything is measured.

    Raises
    ------
    ValueError, ImportError
        If the name ends in no format that is known, the folder is missing, or matplotlib is.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"--plot {path}: cannot draw {path.suffix or 'a file without suffix'}; use {', '.join(_FORMATS)}"
        )
    if not path.parent.is_dir():
        raise ValueError(f"--plot {path}: the folder {path.parent} does not exist; make it first")
    require("matplotlib", extra="plot")


def draw(path: Path, title: str, rows: Sequence[dict[str, Any]], wanted: Sequence[str]) -> None:
    """Draw the ``wanted`` metrics of each row that has them, with their intervals."""
    matplotlib = require("matplotlib", extra="plot")
    matplotlib.use("agg")
    pyplot = require("matplotlib.pyplot", extra="plot")
    names = [name for name in wanted if any(name in row["intervals"] for row in rows)]
    across = min(3, len(names))
    down = -(-len(names) // across)
    labels = [_label(row["model"]) for row in rows]
    lines = sum(label.count("\n") + 1 for label in labels)
    with matplotlib.rc_context(_STYLE):
        size = (2.5 + 3.2 * across, 0.9 + down * (0.9 + 0.3 * max(lines, len(rows) * 1.4)))
        figure, axes = pyplot.subplots(down, across, figsize=size, squeeze=False, sharey=True, layout="constrained")
        try:
            for panel, name in zip(axes.flat, names, strict=False):
                _panel(panel, name, rows, labels)
            for panel in axes.flat[len(names) :]:
                panel.set_visible(False)
            heading = short(title, 12, 72 * size[0] - 20)
            figure.suptitle(f"{heading}\nLines: 95 % intervals, by a bootstrap over users.", fontsize=12)
            with beside(path) as part:
                kind = path.suffix.lower()[1:]
                figure.savefig(part, format=kind, dpi=120, metadata={"Date": None} if kind == "svg" else None)
        finally:
            pyplot.close(figure)


def label_lines(label: str) -> str:
    """The name of a model in lines: its class, then a parameter a line; of a file the name alone."""
    if label.lower().endswith(".safetensors"):
        return Path(label).name
    name, _, params = label.replace(" (", ":(").partition(":")
    return "\n".join([name, *params.split(",")]) if params else name


def _label(model: str) -> str:
    return "\n  ".join(short(line, 11) for line in label_lines(model).split("\n"))


def _panel(panel: Any, name: str, rows: Sequence[dict[str, Any]], labels: Sequence[str]) -> None:
    for at, row in enumerate(rows):
        if name in row["intervals"]:
            colour = _COLOURS[at % len(_COLOURS)]
            panel.plot(row["intervals"][name], [at, at], color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt")
            panel.plot([row[name]], [at], "o", color=colour)
        else:
            panel.text(0.03, at, "none", transform=panel.get_yaxis_transform(), va="center", color="#777777")
    panel.set_title(f"{name} (lower is better)" if name in ("rmse", "mae") else name)
    panel.set_yticks(range(len(rows)), labels)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.grid(axis="x", color="#dddddd", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(left=False)
    panel.locator_params(axis="x", nbins=5)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
