"""Attention between items, solved: from who used them and, where it is known, their content. Holds no state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import ops
from . import fusion
from . import kernel_ridge as ridge
from .sparse import CSR, Array

__all__ = ["between", "rows"]


def rows(by_item: CSR, known: fusion.Content | None, share: float, weights: Mapping[str, float] | None) -> CSR:
    """Unit rows of items, (n, users [+ content])."""
    if known is None:
        return by_item
    return fusion.fused(by_item, known, fusion.modality_weights(weights, list(known.blocks)), share)


def between(unit: CSR, used: Array, temperature: float, regularization: float, step: Callable[[int], Any]) -> Array:
    """What a history item j adds to the score of item i, (n, n) float32: ``-regularization (K + regularization I)^-1``
    off its diagonal, for the kernel K of items that somebody used.

    An item that nobody used has a column too, if it is like some: ``regularization / s (K + regularization I)^-1 k``
    with its kernel k and ``s = 1 + regularization - k (K + regularization I)^-1 k``. That is its column in the inverse
    of the larger system, without its changing the others.
    """
    warm, cold = np.flatnonzero(used), np.flatnonzero(~used & (np.diff(unit.indptr) > 0))
    if not len(cold):
        out = ridge.inverse(unit, temperature, regularization, step, apart=True)
        out *= np.float32(-regularization)
    else:
        inverse = ridge.inverse(unit[warm], temperature, regularization, step)
        k = ridge.kernel(unit[cold], unit[warm], temperature)
        w = ops.predict_ratings(k, inverse, check_finite=False)
        rest = 1 + regularization - np.einsum("ij,ij->i", w, k, dtype=np.float64)
        w *= (regularization / np.maximum(rest, 1e-6 * regularization))[:, None].astype(np.float32)
        out = np.zeros((unit.shape[0],) * 2, dtype=np.float32)
        inverse *= np.float32(-regularization)
        out[np.ix_(warm, warm)] = inverse
        out[np.ix_(warm, cold)] = w.T
    np.fill_diagonal(out, 0)
    return out
