"""The similarity of one history to those of all users, split by its items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..inputs.histories import CSR, Array, float64_rows
from ..linalg.kernel import per_cosine

__all__ = ["History"]


class History(NamedTuple):
    """One history compared with those of all users.

    ``k(x, v) - k_0`` is divided among the items that x and v have in common, in proportion to their part of the cosine;
    ``k_0 = exp(-1 / temperature)`` belongs to no item.

    Attributes
    ----------
    entries : (h,) float64
        Its features.
    keys : (h, users) CSR of float64
        Those of the users, transposed.
    shares : (users,) float64
        ``(k(x, v) - k_0) / cos(x, v)`` of each user.
    """

    entries: Array
    keys: CSR
    shares: Array

    @classmethod
    def of(cls, keys: CSR, items: Array, entries: Array, temperature: float) -> History:
        """Of a history's ``items`` and the ``entries`` of its features, among the ``keys`` (items, users)."""
        keys = float64_rows(keys, items)
        cosines = keys.T @ entries
        attention = np.exp((cosines - 1) / temperature)
        return cls(entries, keys, per_cosine(cosines, float(np.exp(-1 / temperature)), attention, temperature))

    def parts(self, scores: Array) -> Array:
        """Contribution of each item of the history to a score, (h,), from that of each user per unit of kernel."""
        out: Array = self.entries * (self.keys @ (self.shares * scores))
        return out
