"""The best columns of dense scores: by descending score, then by ascending id."""

from __future__ import annotations

import numpy as np

from ..inputs.histories import CSR, Array

__all__ = ["best", "entries", "ranks"]


def entries(x: CSR) -> tuple[Array, Array]:
    """Row and column of every stored entry."""
    return np.repeat(np.arange(x.shape[0]), np.diff(x.indptr)), x.indices


def best(scores: Array, k: int) -> tuple[Array, Array]:
    """The k best columns of each row of float32 ``scores``; -inf is never shown.

    Each score and its id become one unsigned integer that sorts like (score, -id), so equal scores need no care:
    every partition of distinct integers has one answer.

    Returns
    -------
    ids : (b, k) int64, -1 where fewer are left
    scores : (b, k) float32, -inf there
    """
    b, n = scores.shape
    kk = min(k, n)
    ids = np.full((b, k), -1, dtype=np.int64)
    top = np.full((b, k), -np.inf, dtype=np.float32)
    if kk == 0 or b == 0:
        return ids, top
    bits = (np.ascontiguousarray(scores, dtype=np.float32) + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    sign = np.uint32(1 << 31)
    keys = np.where(bits & sign, ~bits, bits | sign).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(n - 1, -1, -1, dtype=np.uint64)
    if kk < n:
        keys = np.partition(keys, n - kk, axis=1)[:, n - kk :]
    keys = np.sort(keys, axis=1)[:, ::-1]
    found = n - 1 - (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    top[:, :kk] = np.take_along_axis(scores, found, axis=1)
    ids[:, :kk] = np.where(top[:, :kk] > -np.inf, found, -1)
    return ids, top


def ranks(scores: Array, column: int) -> Array:
    """The place of one column in each row, (b,) int64 from 1: as :func:`best` orders them."""
    own = scores[:, [column]]
    before = (scores > own).sum(axis=1) + (scores[:, :column] == own).sum(axis=1)
    out: Array = before.astype(np.int64) + 1
    return out
