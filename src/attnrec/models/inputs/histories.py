"""Histories as CSR: reading callers' matrices, replacing rows, normalising rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..._util import matrices
from ..._util.extras import require
from ..._util.matrices import flaw
from ..._util.sparse import CSR, Array, csr, row_sums, unit_rows

__all__ = [
    "CSR",
    "Array",
    "RowChunks",
    "csr",
    "entries_of",
    "flaw",
    "float64_rows",
    "histories",
    "merge_rows",
    "no_rows",
    "ones",
    "product",
    "row_sums",
    "same",
    "transposed_product",
    "unit_rows",
]

_sparse = require("scipy.sparse", extra="models")
_SHORT = 512  # terms of a sum that SciPy, which adds them one after the other in their own dtype, may form alone


def no_rows(n_rows: int, n_cols: int) -> CSR:
    """A matrix that stores nothing."""
    return csr(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(n_rows + 1, np.int32), (n_rows, n_cols))


def histories(
    name: str, x: object, pick: Callable[[tuple[int, int]], Array | None] | None = None, *, row: bool = False
) -> CSR:
    """What a user passed as float32 CSR under the rule of :mod:`attnrec._util.matrices`: finite, its own memory.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    x : scipy sparse matrix or array of any format, or an object with ``user_items``
    pick : callable, optional
        Given the shape, says which rows to take (None: all); only these are looked at and copied.
    row : bool
        Take a one-dimensional sparse array for a matrix of one row.
    """
    given: Any = getattr(x, "user_items", x)
    if not _sparse.issparse(given):
        raise TypeError(
            f"{name} is {type(given).__name__}, not a sparse (users, items) matrix: pass {_as_sparse(name, given)}, or "
            "attnrec.data.Interactions"
        )
    whole = matrices.stored(name, given, row=row)
    rows = None if pick is None else pick((whole.shape[0], whole.shape[1]))
    some = whole if rows is None else csr(whole.data, whole.indices, whole.indptr, whole.shape)[rows]
    out = matrices.canonical(name, some)
    index = np.int32 if max(out.shape[1], len(out.indices)) <= np.iinfo(np.int32).max else np.int64
    theirs = (given.data, given.indices, given.indptr) if given.format == "csr" and rows is None else ()
    data, indices, indptr = (
        part.astype(dtype, copy=any(np.may_share_memory(part, other) for other in theirs))
        for part, dtype in ((out.data, np.float32), (out.indices, index), (out.indptr, index))
    )
    found = csr(data, indices, indptr, out.shape)
    matrices.finite(name, found)
    return found


def _as_sparse(name: str, x: object) -> str:
    flat = isinstance(x, (list, tuple)) and not any(map(np.iterable, x))
    return f"scipy.sparse.csr_array({f'numpy.atleast_2d({name})' if flat or getattr(x, 'ndim', 2) == 1 else name})"


def product(x: CSR, y: Array) -> Array:
    """``x @ y`` for a dense ``y``, (rows, d): rows of more than 512 entries are multiplied in parts of so many, whose
    sums are added in float64, so that rounding does not grow with their length."""
    lengths = np.diff(x.indptr)
    if lengths.max(initial=0) <= _SHORT:
        return np.asarray(x @ y)
    n_parts = np.maximum(1, -(-lengths // _SHORT))
    ends = np.cumsum(n_parts)
    number = np.arange(ends[-1]) - np.repeat(ends - n_parts, n_parts)
    indptr = np.append(np.repeat(x.indptr[:-1], n_parts) + _SHORT * number, x.indptr[-1]).astype(x.indptr.dtype)
    parts = np.asarray(csr(x.data, x.indices, indptr, (len(indptr) - 1, x.shape[1])) @ y)
    out: Array = parts[ends - n_parts]
    several = n_parts > 1
    starts = np.append(0, np.cumsum(n_parts[several])[:-1])
    out[several] = np.add.reduceat(parts[np.repeat(several, n_parts)], starts, axis=0, dtype=np.float64)
    return out


def transposed_product(x: CSR, y: Array) -> Array:
    """``x^T @ y`` for a dense ``y``, (columns, d), added up as :func:`product` does."""
    if np.bincount(x.indices, minlength=1).max() <= _SHORT:
        return np.ascontiguousarray(x.T @ y)
    return product(x.T.tocsr(), y)


def entries_of(x: CSR, row: int) -> tuple[Array, Array]:
    """Columns of the entries stored in a row, and their values as float64."""
    where = slice(x.indptr[row], x.indptr[row + 1])
    return x.indices[where], x.data[where].astype(np.float64)


class RowChunks(NamedTuple):
    """Entries of chosen rows of a matrix, row by row, gathered without the checks of SciPy's indexing."""

    data: Array
    indices: Array
    indptr: Array

    @classmethod
    def of(cls, x: CSR, rows: Array) -> RowChunks:
        """The entries of ``rows``, with values as float64."""
        starts, lengths = x.indptr[rows], x.indptr[rows + 1] - x.indptr[rows]
        ends = np.cumsum(lengths)
        where = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        return cls(x.data[where].astype(np.float64), x.indices[where], np.append(0, ends).astype(x.indptr.dtype))

    def times(self, y: Array) -> Array:
        """Products of the rows with a vector, (rows,) float64."""
        return row_sums(self.data * y[self.indices], self.indptr)


def float64_rows(x: CSR, rows: Array) -> CSR:
    """Some rows as a float64 matrix."""
    return csr(*RowChunks.of(x, rows), (len(rows), x.shape[1]))


def same(x: CSR, y: CSR) -> bool:
    """Whether two sorted CSR matrices store the same entries."""
    pairs = ((x.indptr, y.indptr), (x.indices, y.indices), (x.data, y.data))
    return all(np.array_equal(a, b) for a, b in pairs)


def merge_rows(old: CSR, rows: Array, new: CSR) -> CSR:
    """``old`` with its ``rows`` replaced by the rows of ``new``; rows past the end are added."""
    n = max(old.shape[0], int(rows.max(initial=-1)) + 1)
    source = np.arange(n)
    source[rows] = old.shape[0] + np.arange(len(rows))
    out: CSR = _sparse.vstack([old, new], format="csr")[source]
    return out


def ones(x: CSR) -> CSR:
    """The pattern of ``x``, shared, with 1 in every entry."""
    return csr(np.ones_like(x.data), x.indices, x.indptr, x.shape)
