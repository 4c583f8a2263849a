"""Checks of given features and vectors of users and items, one finite row each, and products with them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from ..._util.arraylike import as_numpy
from ..._util.extras import require
from ..inputs import histories as sparse
from ..inputs.histories import CSR, Array, entries_of, histories, merge_rows, no_rows
from ..linalg.blas import one_thread

__all__ = ["dense", "entries", "features", "grown", "product", "replaced", "rows", "transposed_product"]

_sparse = require("scipy.sparse", extra="models")

Rows = CSR | Array
M = TypeVar("M", CSR, Array, Rows)


def features(name: str, x: object, n: int, what: str, width: int | None = None) -> CSR | Array:
    """A float32 CSR matrix or array (n, width), checked.

    Raises
    ------
    ValueError
        If the shape does not fit, or a value is not finite (named by row).
    TypeError
        If it is not a real matrix.
    """
    x = getattr(x, "features", x)
    out: Rows
    if _sparse.issparse(x):
        out = histories(name, x)
    else:
        try:
            given = as_numpy(x, name)
        except ValueError as error:
            raise TypeError(
                f"{name} is no matrix ({error}): pass an array or sparse matrix, one row for each"
            ) from None
        if given.dtype.kind not in "buif":
            raise TypeError(f"{name} holds {given.dtype}, not real numbers: encode them first")
        with np.errstate(over="ignore"):
            out = np.array(given, dtype=np.float32, order="C")
    if len(out.shape) != 2 or out.shape[0] != n:
        raise ValueError(f"{name} has shape {out.shape}: it needs one row for each of the {n} {what}")
    if width is not None and out.shape[1] != width:
        raise ValueError(f"{name} has {out.shape[1]} columns where the model was fitted with {width}")
    if out.shape[1] == 0:
        raise ValueError(f"{name} has no columns: leave it out")
    if isinstance(out, np.ndarray):
        bad = np.flatnonzero(~np.isfinite(out).all(axis=1))
        if len(bad):
            raise ValueError(f"{name} holds NaN or infinity (as float32) in row {bad[0]}: remove or impute it")
    return out


def dense(name: str, x: object, n: int, what: str, width: int | None = None) -> Array:
    """A float32 array (n, width), checked as :func:`features` checks; a sparse matrix is a TypeError."""
    if _sparse.issparse(x):
        raise TypeError(
            f"{name} is sparse: pass dense vectors whose products are scores, such as those of SoftmaxRecommender, or "
            "item_factors of implicit"
        )
    return np.asarray(features(name, x, n, what, width))


def rows(x: M, wanted: Array) -> M:
    """Some rows; of all, ``x`` itself."""
    return x if len(wanted) == x.shape[0] and np.array_equal(wanted, np.arange(len(wanted))) else x[wanted]


def entries(x: Rows, row: int) -> tuple[Array, Array]:
    """Columns of a row that are not 0, and their values as float64."""
    if not isinstance(x, np.ndarray):
        return entries_of(x, row)
    at = np.flatnonzero(x[row])
    return at, x[row, at].astype(np.float64)


def replaced(x: M, wanted: Array, new: Rows | None, n: int) -> M:
    """``n`` rows: those of ``x``, but ``wanted`` are ``new`` (None: 0), as is what was not there."""
    out = grown(x, n)
    if not isinstance(out, np.ndarray):
        given = no_rows(len(wanted), x.shape[1]) if new is None else _sparse.csr_array(new)
        return merge_rows(out, wanted, given)
    out[wanted] = 0 if new is None else new if isinstance(new, np.ndarray) else new.toarray()
    return out


def grown(x: M, n: int) -> M:
    """A copy with n rows, new ones 0."""
    if not isinstance(x, np.ndarray):
        return merge_rows(x, np.arange(x.shape[0], n), no_rows(n - x.shape[0], x.shape[1]))
    out = np.zeros((n, x.shape[1]), dtype=x.dtype)
    out[: len(x)] = x
    return out


def product(x: Rows, tower: Array) -> Array:
    """``x @ tower``, (n, d) float32, the same bits for any number of threads."""
    with one_thread():
        out: Array = np.asarray(x @ tower) if isinstance(x, np.ndarray) else sparse.product(x, tower)
    return out


def transposed_product(x: Rows, gradient: Array) -> Array:
    """``x^T @ gradient``, (width, d) float32."""
    with one_thread():
        sums = x.T @ gradient if isinstance(x, np.ndarray) else sparse.transposed_product(x, gradient)
    return np.ascontiguousarray(sums)
