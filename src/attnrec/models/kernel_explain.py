"""What history items and other users add to a rating that kernel attention predicts. Learns nothing."""

from __future__ import annotations

import numpy as np

from ..explain import Explanation, Part
from .base import Queries
from .kernel_stage import Rows, Stage
from .sparse import CSR, Array

__all__ = ["explanation"]


def explanation(
    stage: Stage, rows: Rows, kernels: list[Array], history: CSR, query: Queries, item: int, n: int,
    scale: tuple[float, float],
) -> Explanation:  # fmt: skip
    """Why one user's prediction for one item is what it is.

    By history item: its coefficient times its covariance with the item, the user being the same. By neighbour: the
    attention to each other user times what that user says, with the bias term of the item's raters.
    """
    own = stage.scale * _own_ratings(stage, rows, history, item)
    others, raters = _others(stage, kernels, query, item)
    background = float(rows.base[0, item]) - stage.mean
    raw = stage.mean + float(own.sum()) + background
    total = float(np.clip(raw, *scale))
    cut = "" if total == raw else ", less what passes the range of ratings"
    heard = np.flatnonzero(others)
    return Explanation(
        int(query.userids[0]),
        item,
        total,
        stage.mean + (total - raw),
        f"the mean of all ratings{cut}",
        Part.largest(history.indices, own, n, background=background),
        Part.largest(heard, others[heard], n, background=float(own.sum()) + background - float(others.sum())),
        sources={
            "your own ratings": float(own.sum()),
            "people who rated it": raters,
            "people who rated similar items": background - raters,
        },
    )


def _own_ratings(stage: Stage, rows: Rows, history: CSR, item: int) -> Array:
    """Contribution of each rating of the history over the scale, (h,) float64."""
    system, items, coefficients = stage.system, history.indices, rows.coefficients.data
    covariance = np.full(len(items), system.bias)
    covariance += (system.same + system.bias) * (items == item)
    for k, joint in enumerate(system.joints):
        strength = joint.strength + (system.own if k == 0 else 0)
        covariance += strength * joint.items.rows(np.array([item]))[0, items]
    out: Array = coefficients * covariance
    return out


def _others(stage: Stage, kernels: list[Array], query: Queries, item: int) -> tuple[Array, float]:
    """Contributions of each other user, (users,) float64, and of all their ratings of the item itself."""
    system = stage.system
    out = np.zeros(system.pattern.shape[0])
    said = stage.sparse[:, [item]].toarray()[:, 0]
    user = int(query.userids[0])
    if user >= 0:
        said[user] = 0
    heard = np.full(len(said), system.bias)
    for k, (joint, kernel, values) in enumerate(zip(system.joints, kernels, stage.values, strict=True)):
        attention = kernel[0].astype(np.float64)
        out += attention * values[:, item]
        heard += (joint.strength + (system.same if k == 0 else 0)) * attention
    out += system.bias * said
    return stage.scale * out, stage.scale * float(heard @ said)
