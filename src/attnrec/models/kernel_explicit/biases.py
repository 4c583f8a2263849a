"""Biases of users and items, and the residual and activity features that kernels compare."""

from __future__ import annotations

import numpy as np

from ..inputs.histories import CSR, Array, csr, row_sums, unit_rows

__all__ = ["Biases", "row_biases"]

_SWEEPS = 10


def row_biases(x: CSR, mean: float, of_columns: Array, damping: float) -> Array:
    """Damped means ``sum of (r - mean - b_column) / (count + damping)`` of each row, (rows,) float64; of none, 0.

    Koren, "Factor in the Neighbors", ACM TKDD 4(1), 2010, section 2.1.
    """
    rest = x.data.astype(np.float64) - mean - of_columns[x.indices]
    counts = np.diff(x.indptr) + damping
    out: Array = np.divide(row_sums(rest, x.indptr), counts, out=np.zeros(len(counts)), where=counts > 0)
    return out


class Biases:
    """Mean, biases and counts of fitted ratings, by which new rows of either side are put into features.

    Biases of users and items are damped means given each other, after ten sweeps.
    """

    def __init__(self, x: CSR, user_damping: float, item_damping: float) -> None:
        transposed = x.T.tocsr()
        self.mean = float(np.mean(x.data, dtype=np.float64))
        self.damping = (user_damping, item_damping)
        self.counts = (np.diff(x.indptr), np.diff(transposed.indptr))
        users, items = np.zeros(x.shape[0]), np.zeros(x.shape[1])
        for _ in range(_SWEEPS):
            users = row_biases(x, self.mean, items, user_damping)
            items = row_biases(transposed, self.mean, users, item_damping)
        self.biases = (users, items)

    def of(self, rows: CSR, side: int) -> Array:
        """Biases of rows of users (side 0) or items (side 1), given those of the other side."""
        return row_biases(rows, self.mean, self.biases[1 - side], self.damping[side])

    def features(self, rows: CSR, side: int) -> tuple[CSR, CSR]:
        """Residuals, and activity weighted by ``(count + 1)^-1/4`` of the column, with rows of length 1."""
        biases = np.repeat(self.of(rows, side), np.diff(rows.indptr))
        residuals = rows.data - self.mean - biases - self.biases[1 - side][rows.indices]
        activity = (self.counts[1 - side][rows.indices] + 1.0) ** -0.25
        pattern = (rows.indices, rows.indptr, rows.shape)
        return unit_rows(csr(residuals, *pattern)), unit_rows(csr(activity, *pattern))
