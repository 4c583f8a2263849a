"""Kernel ridge regression between histories: features, kernel, its regularised inverse, and weights from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import config, ops
from ..inputs.histories import CSR, Array, csr, product, unit_rows
from ..linalg import spd

__all__ = [
    "absolute_sums",
    "column_weights",
    "features",
    "inverse",
    "kernel",
    "leave_out",
    "parts",
    "plan",
    "same_rows",
    "shares",
    "sums_of_rows",
]

_STRIP = 512  # rows of the kernel computed at a time
_LEAST = 2000  # users of a block that "auto" still splits into
_PROBES = 8  # rows of the inverse that are checked


def column_weights(counts: Array, exponent: float) -> Array:
    """Weights of columns in the similarity, ``counts^-exponent``, float32; an unused column counts as used once."""
    out: Array = (np.maximum(counts, 1).astype(np.float64) ** -exponent).astype(np.float32)
    return out


def features(x: CSR, weights: Array) -> CSR:
    """Stored entries as weighted ones, each row at length 1."""
    return unit_rows(csr(weights[x.indices], x.indices, x.indptr, x.shape))


def kernel(queries: CSR, keys: CSR, temperature: float, out: Array | None = None) -> Array:
    """``exp((cos - 1) / temperature)``, (b, n) float32: the softmax's numerator, 1 where histories are the same."""
    k = ops.similarity(queries, keys, check_finite=False, out=out)
    k -= np.float32(1)
    k *= np.float32(1 / temperature)
    return np.exp(k, out=k)


def inverse(
    unit: CSR, temperature: float, regularization: float, step: Callable[[int], object], *, apart: bool = False
) -> Array:
    """``(K + regularization I)^-1`` for the kernel K of the rows of ``unit``, (n, n) float32.

    With ``apart`` a row that stores nothing is like no other: its kernel is 0.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is singular in float32, or so near it that the inverse is not accurate to 1 %.
    """
    n = unit.shape[0]
    w = np.empty((n, n), dtype=np.float32)
    strip = np.empty(min(n, _STRIP) * n, dtype=np.float32)
    for r0 in range(0, n, _STRIP):
        r1 = min(r0 + _STRIP, n)
        out = strip[: (r1 - r0) * r1].reshape(r1 - r0, r1)
        w[r0:r1, :r1] = kernel(unit[r0:r1], unit[:r1], temperature, out)
    del strip
    nothing = np.flatnonzero(np.diff(unit.indptr) == 0) if apart else np.zeros(0, dtype=np.int64)
    w[nothing], w[:, nothing] = 0, 0
    w[np.diag_indices(n)] += np.float32(regularization)
    spd.invert(w, step)
    probes = np.linspace(0, n - 1, min(n, _PROBES)).astype(np.int64)
    rows = kernel(unit[probes], unit, temperature)
    rows[np.isin(probes, nothing)], rows[:, nothing] = 0, 0
    rows[np.arange(len(probes)), probes] += np.float32(regularization)
    error = ops.similarity(rows, w, check_finite=False) if np.all(np.isfinite(w[probes])) else np.full((1, 1), np.inf)
    if len(probes) == len(error):
        error[np.arange(len(probes)), probes] -= 1
    if not np.max(np.abs(error)) < 0.01:
        raise np.linalg.LinAlgError("not accurate in float32")
    return w


def leave_out(w: Array, inv: Array, rows: Array, at: Array) -> None:
    """Take one key out of each solution, in place: those of the system that never had it.

    ``w`` (b, n) solves ``w (K + lambda I) = k``, with 0 in ``k`` for key ``at[r]`` of row ``rows[r]``. The rank-one
    downdate of the inverse gives ``w - inv_a w_a / inv_aa``, which is 0 at a.
    """
    w[rows] -= inv[at] * (w[rows, at] / inv[at, at])[:, None]
    w[rows, at] = 0


def parts(n: int, n_blocks: int, random_state: int) -> list[Array]:
    """Numbers 0 .. n-1 in blocks of about one size, drawn with ``random_state``; each block in order."""
    if n_blocks == 1:
        return [np.arange(n)]
    order = np.random.default_rng(random_state).permutation(n)
    return [np.sort(block) for block in np.array_split(order, n_blocks)]


def plan(
    shape: tuple[int, int], nnz: int, based_on: str, n_blocks: int | str, memory_budget: int | None, more: int = 0
) -> tuple[int, int]:
    """Peak memory of fitting beyond its input, in bytes, and the number of blocks: with "auto" the fewest that fit.

    ``more`` are bytes that do not depend on blocks.

    Raises
    ------
    ValueError
        If the budget is too small; the message says what would do.
    """
    n_users, n_items = shape
    budget = config.memory_budget() if memory_budget is None else int(memory_budget)

    def needed(blocks: int) -> int:
        sizes = [len(b) for b in parts(n_users, blocks, 0)] if based_on != "items" else []
        return _bytes(sizes + ([n_items] if based_on != "users" else []), n_items, nnz) + more

    chosen = 1
    if based_on != "items" and n_blocks != "auto":
        chosen = min(int(n_blocks), n_users)
    elif based_on != "items":
        while needed(chosen) > budget and n_users >= _LEAST * (chosen + 1):
            chosen += 1
    if needed(chosen) > budget:
        fixes = {
            "users": "more n_blocks, or based_on='items'",
            "items": "based_on='users'",
            "both": "based_on='users' or based_on='items'",
        }
        raise ValueError(
            f"fitting {n_users} users and {n_items} items with based_on={based_on!r}, in {chosen} block(s) of users, "
            f"takes {needed(chosen) / 1e9:.3g} GB where the memory budget is {budget / 1e9:.3g} GB: pass memory_budget="
            f"{needed(chosen)}, or try {fixes[based_on]}"
        )
    return needed(chosen), chosen


def _bytes(sizes: list[int], width: int, nnz: int) -> int:
    """The inverses of these sizes, scratch for the largest, and histories of ``nnz`` entries in ``width`` columns."""
    largest = max(sizes)
    scratch = max(4 * min(largest, _STRIP) * largest, spd.scratch_bytes(largest), 12 * _PROBES * largest)
    return sum(4 * n * n for n in sizes) + scratch + 64 * nnz + 16 * (width + sum(sizes))


def same_rows(x: CSR, stored: CSR, userids: Array) -> Array:
    """(b,) whether row r of ``x`` has the entries of row ``userids[r]`` of ``stored``; False for -1."""
    out = userids >= 0
    for r in np.flatnonzero(out):
        u = userids[r]
        mine, theirs = x.indices[x.indptr[r] : x.indptr[r + 1]], stored.indices[stored.indptr[u] : stored.indptr[u + 1]]
        out[r] = np.array_equal(mine, theirs)
    return out


def sums_of_rows(x: CSR, values: Array) -> Array:
    """``x @ values``, (b, m) float32. Rows of ``values`` are added in order, so the batch does not matter."""
    out: Array = np.ascontiguousarray(product(x, values), dtype=np.float32)
    return out


def absolute_sums(x: Array) -> Array:
    """Sum of absolute values of each column, (n,) float64, a strip of rows at a time."""
    out = np.zeros(x.shape[1])
    for start in range(0, len(x), _STRIP):
        out += np.abs(x[start : start + _STRIP]).sum(axis=0, dtype=np.float64)
    return out


def shares(x: CSR, ids: Array, between: Array, whole: Array) -> Array:
    """Fraction of ``whole`` (items,), the absolute sums of ``between``, that histories have in items found, (b, k)."""
    out = np.zeros(ids.shape, dtype=np.float32)
    for r, row in enumerate(ids):
        found = np.abs(between[np.ix_(x.indices[x.indptr[r] : x.indptr[r + 1]], row)]).sum(axis=0, dtype=np.float64)
        out[r] = np.where((row >= 0) & (whole[row] > 0), found / np.maximum(whole[row], 1e-30), 0)
    return out
