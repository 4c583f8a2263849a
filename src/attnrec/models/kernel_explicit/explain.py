"""Contributions of history items and other users to a rating predicted by kernel attention."""

from __future__ import annotations

import numpy as np

from ...explain.explanation import Explanation, Part
from ..inputs.histories import Array, entries_of
from .content_attribution import Views
from .stage import RatingPredictor, Rows

__all__ = ["explanation"]


def explanation(
    predictor: RatingPredictor, rows: Rows, kernels: list[Array], userids: Array, views: Views | None,
    row: int, item: int, n: int,
) -> Explanation:  # fmt: skip
    """Why the prediction for one item is what it is, for one of the users that ``rows`` and ``kernels`` are of.

    By history item: its coefficient times its covariance with the item, the user being the same. By neighbour: the
    attention to each other user times what that user says, with the bias term of the item's raters. By feature and by
    modality, where there is content: see :class:`Views`.
    """
    items, coefficients = entries_of(rows.coefficients, row)
    own = predictor.scale * coefficients * _own_covariance(predictor, items, item)
    others, raters = _others(predictor, kernels, row, int(userids[row]), item)
    background = float(rows.base[row, item]) - predictor.mean
    raw = predictor.mean + float(own.sum()) + background
    contributing = np.flatnonzero(others)
    return Explanation(
        int(userids[row]),
        item,
        raw,
        predictor.mean,
        "the mean of all ratings",
        Part.largest(items, own, n, background=background),
        Part.largest(
            contributing, others[contributing], n, background=float(own.sum()) + background - float(others.sum())
        ),
        sources={
            "your own ratings": float(own.sum()),
            "people who rated it": raters,
            "people who rated similar items": background - raters,
        },
        **({} if views is None else views.of(row, item, raw - predictor.mean, n)),
    )


def _own_covariance(predictor: RatingPredictor, items: Array, item: int) -> Array:
    """Covariance of one user's ratings of ``items`` with that of ``item``, (h,) float64."""
    system = predictor.system
    covariance = np.full(len(items), system.bias_weight)
    covariance += (system.user_kernel_weight + system.bias_weight) * (items == item)
    for k, term in enumerate(system.product_kernels):
        weight = term.weight + (system.item_kernel_weight if k == 0 else 0)
        covariance += weight * term.items.rows(np.array([item]))[0, items]
    return covariance


def _others(predictor: RatingPredictor, kernels: list[Array], row: int, user: int, item: int) -> tuple[Array, float]:
    """Contributions of each other user, (users,) float64, and of all their ratings of the item itself."""
    system = predictor.system
    raters, said = entries_of(predictor.transposed, item)
    raters, said = raters[raters != user], said[raters != user]
    out, rater_weights = np.zeros(system.pattern.shape[0]), np.full(len(raters), system.bias_weight)
    for k, (term, kernel, values) in enumerate(zip(system.product_kernels, kernels, predictor.values, strict=True)):
        attention = kernel[row].astype(np.float64)
        out += attention * values[:, item]
        rater_weights += (term.weight + (system.user_kernel_weight if k == 0 else 0)) * attention[raters]
    out[raters] += system.bias_weight * said
    return predictor.scale * out, predictor.scale * float(rater_weights @ said)
