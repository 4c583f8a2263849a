"""One block of users of the kernel ridge regression: weights of its users in scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array
from . import ridge

__all__ = ["UserBlock"]


class UserBlock(NamedTuple):
    """Users of one block, in ascending order, with their part of the model.

    Attributes
    ----------
    rows : (n,) int64
    inverse : (n, n) float32
        ``(K + regularization I)^-1``.
    keys : (n, items) CSR
        Features, rows of length 1.
    histories : (n, items) CSR of ones
    """

    rows: Array
    inverse: Array
    keys: CSR
    histories: CSR

    def position(self, userids: Array) -> Array:
        """Where in the block each user is; -1 for those who are not in it."""
        at = np.minimum(np.searchsorted(self.rows, userids), len(self.rows) - 1)
        out: Array = np.where(self.rows[at] == userids, at, -1)
        return out

    def weights(self, unit: CSR, userids: Array, as_fitted: Array, temperature: float) -> Array:
        """Weight of every user of the block in each query's scores, (b, n) float32; 0 for the query itself.

        ``unit`` are the queries' features, ``userids`` their numbers (-1: not fitted), ``as_fitted`` whether they have
        the history of the fit: then the weights are a row of the inverse.
        """
        at = self.position(userids)
        old = np.flatnonzero((at >= 0) & as_fitted)
        new = np.flatnonzero((at < 0) | ~as_fitted)
        out = np.empty((len(userids), len(self.rows)), dtype=np.float32)
        if len(old):
            own, here = self.inverse[at[old]], np.arange(len(old))
            own /= -own[here, at[old]][:, None]
            own[here, at[old]] = 0
            out[old] = own
        if len(new):
            k = ridge.kernel(unit[new], self.keys, temperature)
            inside = np.flatnonzero(at[new] >= 0)
            k[inside, at[new[inside]]] = 0
            w = ops.similarity(k, self.inverse, check_finite=False)  # the inverse is symmetric
            ridge.leave_out(w, self.inverse, inside, at[new[inside]])
            out[new] = w
        return out

    def scores_without_self(self, userid: int, raters: Array) -> Array:
        """Contribution of each user in the block to the item's score, per unit of kernel, (n,) float64.

        ``raters`` are the users who have the item; ``userid`` itself is left out.
        """
        at = self.position(raters)
        values: Array = self.inverse[at[at >= 0]].sum(axis=0, dtype=np.float64)  # the inverse is symmetric
        for a in np.flatnonzero(self.rows == userid):  # the system without this user
            values -= self.inverse[a] * (values[a] / self.inverse[a, a])
            values[a] = 0
        return values
