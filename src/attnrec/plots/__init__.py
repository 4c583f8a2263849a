"""Plots of attention, contributions and item vectors, by matplotlib; functions return axes."""

from __future__ import annotations

from typing import Any

from ..explain.explanation import Explanation, Names
from ._heatmaps import attention_heatmap, history_heatmap
from ._maps import feature_map, project

__all__ = ["attention_heatmap", "contribution_bars", "feature_map", "history_heatmap", "project"]


def contribution_bars(
    explanation: Explanation, names: Names = None, ax: Any = None, *, view: str = "contributions", n: int = 10
) -> Any:
    """Draw the contribution of each part to a score as a bar, as :meth:`attnrec.explain.Explanation.plot` does.

    Parameters
    ----------
    explanation : Explanation
        Explanation of the score.
    names : callable, mapping or sequence, optional
        Names of the items, users, features or modalities of the view, by number.
    ax : matplotlib Axes, optional
        Axes to draw on; a new figure if not given.
    view : {"contributions", "neighbours", "features", "modalities"}
        View that the explanation has.
    n : int
        Number of contributions to name, 0 or more; the sum of the others is one bar.

    Returns
    -------
    matplotlib Axes
        Axes with the bars.

    Examples
    --------
    >>> from attnrec.explain import Explanation, Part
    >>> from attnrec.plots import contribution_bars
    >>> why = Explanation(0, 7, 4.25, 4.0, "the user's mean rating", Part.largest([3, 5], [0.05, 0.2], n=10))
    >>> ax = contribution_bars(why, names={5: "Solaris", 3: "Stalker", 7: "Mirror"})
    >>> [round(float(bar.get_width()), 2) for bar in ax.patches]
    [0.2, 0.05]
    """
    return explanation.plot(names, ax, view=view, n=n)
