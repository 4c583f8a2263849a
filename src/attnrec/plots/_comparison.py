"""Figures of an evaluation as a picture: a panel a metric, a point with its interval for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._util.extras import require
from ..explain._bars import short

__all__ = ["comparison", "figure_of", "label_lines"]

Values = Mapping[str, tuple[float, float, float]]  # metric -> value, lower and upper limit
_COLOURS = ("#0072B2", "#D55E00", "#00805C", "#A8437F", "#8A6D00", "#333333")  # Okabe and Ito's, darker to be read
_STYLE = {"font.size": 11, "svg.hashsalt": "attnrec", "axes.titlesize": 12, "axes.titlelocation": "left"}


def comparison(frame: Any, metrics: Sequence[str] | None = None, *, title: str = "Held-out interactions") -> Any:
    """Draw what :func:`attnrec.evaluation.compare` gives: a panel a metric, a point with its interval for each model.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        A table with the columns ``model``, ``metric``, ``value``, ``low`` and ``high``.
    metrics : sequence of str, optional
        The metrics to draw, in this order, for example ``["ndcg@10"]``; all that have an interval by default.
    title : str
        Heading of the figure.

    Returns
    -------
    matplotlib Figure
        Save it with ``savefig``.

    Raises
    ------
    ValueError
        If the frame lacks a column, or ``metrics`` names a metric that no model has an interval of.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from attnrec.plots import comparison
    >>> rows = {"model": ["A", "B"], "metric": ["ndcg@10"] * 2, "value": [0.2, 0.3], "low": [0.18, 0.27]}
    >>> figure = comparison(pa.table({**rows, "high": [0.22, 0.33]}))
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['ndcg@10']
    """
    table = require("narwhals", extra="data").from_native(frame, eager_only=True)
    lacking = [name for name in ("model", "metric", "value", "low", "high") if name not in table.columns]
    if lacking:
        raise ValueError(f"frame lacks {', '.join(lacking)}: pass what attnrec.evaluation.compare gives")
    models: dict[str, dict[str, tuple[float, float, float]]] = {}
    for row in table.iter_rows(named=True):
        values = models.setdefault(row["model"], {})
        if row["low"] is not None and row["low"] == row["low"]:
            values[row["metric"]] = (row["value"], row["low"], row["high"])
    there = list(dict.fromkeys(name for values in models.values() for name in values))
    wanted = there if metrics is None else list(metrics)
    if not wanted or not set(wanted) <= set(there):
        raise ValueError(f"metrics={wanted!r:.80}: the frame has intervals of {', '.join(there) or 'no metric'}")
    return figure_of(title, models, wanted)


def figure_of(title: str, models: Mapping[str, Values], names: Sequence[str]) -> Any:
    """A figure of the metrics ``names`` of each model that has them, by label."""
    matplotlib = require("matplotlib", extra="plot")
    make = require("matplotlib.figure", extra="plot").Figure
    across = min(3, len(names))
    down = -(-len(names) // across)
    labels = [_label(model) for model in models]
    lines = sum(label.count("\n") + 1 for label in labels)
    with matplotlib.rc_context(_STYLE):
        size = (2.5 + 3.2 * across, 0.9 + down * (0.9 + 0.3 * max(lines, len(models) * 1.4)))
        figure = make(figsize=size, layout="constrained")
        axes = figure.subplots(down, across, squeeze=False, sharey=True)
        for panel, name in zip(axes.flat, names, strict=False):
            _panel(panel, name, models, labels)
        for panel in axes.flat[len(names) :]:
            panel.set_visible(False)
        heading = short(title, 12, 72 * size[0] - 20)
        figure.suptitle(f"{heading}\nLines: 95 % intervals, by a bootstrap over users.", fontsize=12)
    return figure


def label_lines(label: str) -> str:
    """The name of a model in lines: its class, then a parameter a line; of a file the name alone."""
    if label.lower().endswith(".safetensors"):
        return Path(label).name
    name, _, params = label.replace(" (", ":(").partition(":")
    return "\n".join([name, *params.split(",")]) if params else name


def _label(model: str) -> str:
    return "\n  ".join(short(line, 11) for line in label_lines(model).split("\n"))


def _panel(panel: Any, name: str, models: Mapping[str, Values], labels: Sequence[str]) -> None:
    for at, values in enumerate(models.values()):
        if name in values:
            value, *interval = values[name]
            colour = _COLOURS[at % len(_COLOURS)]
            panel.plot(interval, [at, at], color=colour, linewidth=3, alpha=0.45, solid_capstyle="butt")
            panel.plot([value], [at], "o", color=colour)
        else:
            panel.text(0.03, at, "none", transform=panel.get_yaxis_transform(), va="center", color="#777777")
    panel.set_title(f"{name} (lower is better)" if name in ("rmse", "mae") else name)
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.grid(axis="x", color="#dddddd", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(left=False)
    panel.locator_params(axis="x", nbins=5)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
