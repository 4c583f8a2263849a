"""Heatmaps: the attention of users on items, and the contributions of histories to recommendations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._util.arraylike import as_numpy
from .._util.extras import require
from ..explain._bars import RED, axes, decimals, short
from ..explain.explanation import Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState

__all__ = ["attention_heatmap", "history_heatmap"]

Array = np.ndarray[Any, np.dtype[Any]]
_CELLS = 200  # with more, numbers in cells are too small to read


def attention_heatmap(
    model: Recommender[FittedState],
    userids: Any,
    itemids: Any = None,
    N: int = 10,
    ax: Any = None,
    *,
    names: Names = None,
    user_names: Names = None,
) -> Any:
    """Draw the share of each user's attention on each item: users in rows, items in columns.

    The shares are the ``weights`` of ``recommend``, for items in the history too, which are framed.

    Parameters
    ----------
    model : estimator
        Fitted model.
    userids : int or (b,) array_like of int
        Users of the model, one row for each.
    itemids : (k,) array_like of int, optional
        Items to show, in that order; the N items with the most attention of these users if not given.
    N : int
        Number of items to show if ``itemids`` is not given, at least 1.
    ax : matplotlib Axes, optional
        Axes to draw on; a new figure if not given.
    names : callable, mapping or sequence, optional
        Names of items by number.
    user_names : callable, mapping or sequence, optional
        Names of users by number.

    Returns
    -------
    matplotlib Axes
        Axes whose image holds the weights, (users, items).
    """
    users = np.atleast_1d(as_numpy(userids, "userids"))
    everything = model.n_items
    ids, _, found = model.recommend(users, N=everything, filter_already_liked_items=False, return_weights=True)
    weights = np.zeros((len(users), everything), np.float32)
    np.put_along_axis(weights, ids, found, axis=1)
    if itemids is None:
        itemids = np.lexsort((np.arange(everything), -weights.sum(axis=0, dtype=np.float64)))[:N]
    shown = np.atleast_1d(as_numpy(itemids, "itemids"))
    if len(users) == 0 or len(shown) == 0 or np.any((shown < 0) | (shown >= everything)):
        raise ValueError(f"userids and itemids must name at least one user and one of the {everything} items each")
    down = [named(int(user), user_names, "user") for user in users]
    across = [named(int(item), names, "item") for item in shown]
    ax = _heatmap(weights[:, shown], down, across, "Share of attention", ax, shares=True)
    patch = require("matplotlib.patches", extra="plot").Rectangle
    for row, user in enumerate(users):
        history = model.user_items[[int(user)]].indices
        for column in np.flatnonzero(np.isin(shown, history)):
            ax.add_patch(patch((column - 0.44, row - 0.42), 0.88, 0.84, fill=False, edgecolor=RED))
    ax.set_title("Attention of users on items (framed: what they have)", loc="left", fontsize=11)
    return ax


def history_heatmap(
    model: Recommender[FittedState],
    userid: int,
    itemids: Any = None,
    N: int = 10,
    ax: Any = None,
    *,
    names: Names = None,
    n_history: int = 12,
) -> Any:
    """Draw the contribution of each item of a user's history to the scores of other items, in rows and columns.

    Parameters
    ----------
    model : estimator
        Fitted model.
    userid : int
        User of the model.
    itemids : (k,) array_like of int, optional
        Items whose scores are explained; the N that ``recommend`` gives if not given.
    N : int
        Number of recommendations to explain if ``itemids`` is not given, at least 1.
    ax : matplotlib Axes, optional
        Axes to draw on; a new figure if not given.
    names : callable, mapping or sequence, optional
        Names of items by number.
    n_history : int
        Number of history items to show, at least 1: those with the largest sum of absolute contributions.

    Returns
    -------
    matplotlib Axes
        Axes whose image holds the contributions, (history, items).
    """
    shown = np.atleast_1d(as_numpy(model.recommend(userid, N=N)[0] if itemids is None else itemids, "itemids"))
    shown = shown[shown >= 0]
    history = model.user_items[[userid]].indices
    if len(shown) == 0 or len(history) == 0:
        raise ValueError(f"user {userid} has no history, or there is nothing to explain: the picture would be empty")
    parts = [why.contributions for why in model.explain_many(userid, shown, N=len(history))]
    table = np.zeros((len(history), len(shown)))
    for column, part in enumerate(parts):
        table[np.searchsorted(history, part.ids), column] = part.contributions
    most = np.lexsort((history, -np.abs(table).sum(axis=1)))[:n_history]
    down = [named(int(item), names, "item") for item in history[most]]
    across = [named(int(item), names, "item") for item in shown]
    ax = _heatmap(table[most], down, across, "Added to the score", ax)
    ax.set_title("What the history (down) adds to each score (across)", loc="left", fontsize=11)
    return ax


def _heatmap(table: Array, down: list[str], across: list[str], meaning: str, ax: Any, *, shares: bool = False) -> Any:
    """Colours for numbers: from white where none is negative, else on both sides of it."""
    ax = axes(ax, 3.6 + 0.55 * len(across), 3.0 + 0.34 * len(down))
    both = bool(table.min() < 0)
    most = float(np.abs(table).max()) or 1.0
    image = ax.imshow(table, cmap="RdBu" if both else "Blues", vmin=-most if both else 0, vmax=most, aspect="auto")
    ax.set_yticks(range(len(down)), [short(label) for label in down])
    ax.set_xticks(
        range(len(across)), [short(label) for label in across], rotation=45, ha="right", rotation_mode="anchor"
    )
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    if table.size <= _CELLS:
        digits = decimals(table)
        for (row, column), value in np.ndenumerate(table):
            dark = abs(value) > 0.5 * most
            text = f"{value:.0%}" if shares else f"{value:.{digits}f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else "#333333")
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(meaning)
    bar.outline.set_visible(False)
    return ax
