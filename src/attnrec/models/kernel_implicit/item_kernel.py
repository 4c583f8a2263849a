"""Attention between items in closed form, from their users and their content."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array
from . import ridge

__all__ = ["between", "content_bytes"]


def content_bytes(x: CSR, values: int) -> int:
    """What a kernel with so many values of content takes at its peak beyond the one that histories alone give: content
    and histories side by side, with scratch; and the kernel and the solution of items that nobody used."""
    n_items = x.shape[1]
    used = int(np.count_nonzero(np.bincount(x.indices, minlength=n_items)))
    cold = 4 * (used * used + 2 * used * (n_items - used)) if used < n_items else 0
    return 64 * values + 40 * int(x.nnz) + cold


def between(unit: CSR, used: Array, temperature: float, regularization: float, step: Callable[[int], object]) -> Array:
    """Weight of history item j in the score of item i, (n, n) float32: ``-regularization (K + regularization I)^-1``
    off its diagonal, for the kernel K of items with users.

    An item without users has a column, too, if it is similar to others by content: ``regularization / s (K +
    regularization I)^-1 k`` with its kernel k and ``s = 1 + regularization - k (K + regularization I)^-1 k``. That is
    its column in the inverse of the larger system, while the other columns stay as they are.
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
