"""What history items and other users add to a rating that kernel attention predicts. Learns nothing."""

from __future__ import annotations

import numpy as np

from ...explain.explanation import Explanation, Part
from ..inputs.histories import Array, entries_of
from .content_attribution import Views
from .stage import Rows, Stage

__all__ = ["explanation"]


def explanation(
    stage: Stage, rows: Rows, kernels: list[Array], userids: Array, views: Views | None, row: int, item: int, n: int,
) -> Explanation:  # fmt: skip
    """Why the prediction for one item is what it is, for one of the users that ``rows`` and ``kernels`` are of.

    By history item: its coefficient times its covariance with the item, the user being the same. By neighbour: the
    attention to each other user times what that user says, with the bias term of the item's raters. By feature and by
    modality, where there is content: see :class:`Views`.
    """
    items, coefficients = entries_of(rows.coefficients, row)
    own = stage.scale * coefficients * _own_covariance(stage, items, item)
    others, raters = _others(stage, kernels, row, int(userids[row]), item)
    background = float(rows.base[row, item]) - stage.mean
    raw = stage.mean + float(own.sum()) + background
    heard = np.flatnonzero(others)
    return Explanation(
        int(userids[row]),
        item,
        raw,
        stage.mean,
        "the mean of all ratings",
        Part.largest(items, own, n, background=background),
        Part.largest(heard, others[heard], n, background=float(own.sum()) + background - float(others.sum())),
        sources={
            "your own ratings": float(own.sum()),
            "people who rated it": raters,
            "people who rated similar items": background - raters,
        },
        **({} if views is None else views.of(row, item, raw - stage.mean, n)),
    )


def _own_covariance(stage: Stage, items: Array, item: int) -> Array:
    """Covariance of one user's ratings of ``items`` with that of ``item``, (h,) float64."""
    system = stage.system
    covariance = np.full(len(items), system.bias)
    covariance += (system.same + system.bias) * (items == item)
    for k, joint in enumerate(system.joints):
        strength = joint.strength + (system.own if k == 0 else 0)
        covariance += strength * joint.items.rows(np.array([item]))[0, items]
    return covariance


def _others(stage: Stage, kernels: list[Array], row: int, user: int, item: int) -> tuple[Array, float]:
    """Contributions of each other user, (users,) float64, and of all their ratings of the item itself."""
    system = stage.system
    raters, said = entries_of(stage.turned, item)
    raters, said = raters[raters != user], said[raters != user]
    out, heard = np.zeros(system.pattern.shape[0]), np.full(len(raters), system.bias)
    for k, (joint, kernel, values) in enumerate(zip(system.joints, kernels, stage.values, strict=True)):
        attention = kernel[row].astype(np.float64)
        out += attention * values[:, item]
        heard += (joint.strength + (system.same if k == 0 else 0)) * attention[raters]
    out[raters] += system.bias * said
    return stage.scale * out, stage.scale * float(heard @ said)
