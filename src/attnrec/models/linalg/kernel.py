"""Kernels exp((C - 1) / temperature) over users or items, stored or computed row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ... import ops
from ..inputs.histories import Array

__all__ = ["Kernel", "Part", "per_cosine"]

Part = tuple[float, Any]  # weight, and rows of length 1: (n, width) float32, dense or CSR
_TILE = 1 << 26  # bytes of rows that are computed at a time


class Kernel:
    """Rows of ``K_ij = exp((C_ij - 1) / temperature)`` with ``C = sum of weight * cosine`` over parts; ``K_ii = 1``.

    Attributes
    ----------
    n : int
        Rows and columns.
    stored : bool
        Whether the ``4 n n`` bytes are kept; otherwise rows are computed each time they are asked for.
    uniform : float
        ``exp(-1 / temperature)``, between rows that have nothing in common.
    """

    def __init__(self, parts: Sequence[Part], temperature: float, stored: bool) -> None:
        self.parts = parts
        self.n: int = parts[0][1].shape[0]
        self.temperature, self.uniform = temperature, math.exp(-1 / temperature)
        self.stored = stored
        self._rows: Array | None = None
        if stored:
            self._rows = np.empty((self.n, self.n), np.float32)
            for rows in self._tiles():
                self._rows[rows] = self._computed(rows)

    def to(self, queries: Sequence[Any]) -> Array:
        """The kernel between others, given by their rows for each part, and all: (b, n) float32."""
        c: Array | None = None
        for (weight, keys), rows in zip(self.parts, queries, strict=True):
            if weight == 0:
                continue
            part = ops.similarity(rows, keys, scale=weight, check_finite=False)
            c = part if c is None else np.add(c, part, out=c)
        if c is None:
            c = np.zeros((queries[0].shape[0], self.n), np.float32)
        c -= np.float32(1)
        c *= np.float32(1 / self.temperature)
        return np.exp(c, out=c)

    def rows(self, ids: Array) -> Array:
        """Rows of chosen members, (len(ids), n) float32."""
        if self._rows is not None:
            return self._rows[ids]
        out = self.to([part[ids] for _, part in self.parts])
        out[np.arange(len(ids)), ids] = 1
        return out

    def between(self, ids: Array, at: Array) -> Array:
        """The kernel between chosen members, (len(ids), len(ids)) float32; ``at``: where they are among all n * n."""
        if self._rows is None:
            return self.rows(ids)[:, ids]
        return self._rows.ravel().take(at, mode="clip")  # a third of the time of indexing by both, and without checks

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """All rows, in consecutive blocks; not to be written to."""
        if self._rows is not None:
            yield slice(0, self.n), self._rows
            return
        for rows in self._tiles():
            yield rows, self._computed(rows)

    def _tiles(self) -> Iterator[slice]:
        size = max(1, _TILE // (4 * self.n))
        for start in range(0, self.n, size):
            yield slice(start, min(start + size, self.n))

    def _computed(self, rows: slice) -> Array:
        out = self.to([part[rows] for _, part in self.parts])
        at = np.arange(rows.start, rows.stop)
        out[at - rows.start, at] = 1
        return out


def per_cosine(cosines: Array, uniform: float, weights: Array, temperature: float) -> Array:
    """(A - exp(0) / Z) / cos: the attention that a shared history adds, for each unit of cosine.

    Its limit at cos = 0 is uniform / temperature; near it the difference is taken by expm1, which does not cancel.
    """
    logits = cosines / temperature
    near = np.abs(logits) < 1
    safe = np.where(near, logits, 0)
    ratio = np.divide(np.expm1(safe), safe, out=np.ones_like(safe), where=safe != 0)
    far = np.divide(weights - uniform, cosines, out=np.zeros_like(cosines), where=~near)
    out: Array = np.where(near, uniform * ratio / temperature, far)
    return out
