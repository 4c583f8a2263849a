"""Histories as CSR: reading what users pass, replacing rows, normalising rows. Knows no model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._extras import need
from .._rows import CSR, Array, csr, row_sums, unit_rows

__all__ = [
    "CSR",
    "Array",
    "Pieces",
    "csr",
    "entries_of",
    "flaw",
    "histories",
    "merge_rows",
    "no_rows",
    "row_sums",
    "same",
    "taken",
    "unit_rows",
]

_sparse = need("scipy.sparse", extra="models")


def no_rows(n_rows: int, n_cols: int) -> CSR:
    """A matrix that stores nothing."""
    return csr(np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(n_rows + 1, np.int32), (n_rows, n_cols))


def flaw(indptr: Array, indices: Array, shape: tuple[int, int]) -> str | None:
    """What makes these arrays no CSR matrix of this shape; None if they are one."""
    return _flaw_of_rows(indptr, indices, shape[0]) or _flaw_of_columns(indices[: int(indptr[-1])], shape[1])


def _flaw_of_rows(indptr: Array, indices: Array, n_rows: int) -> str | None:
    if indptr.dtype.kind not in "iu" or indices.dtype.kind not in "iu" or indptr.ndim != 1 or indices.ndim != 1:
        return "indptr and indices must be vectors of integers"
    if len(indptr) != n_rows + 1:
        return f"indptr has {len(indptr)} entries for {n_rows} rows (it needs {n_rows + 1})"
    if indptr[0] != 0 or not 0 <= indptr[-1] <= len(indices):
        return f"indptr runs from {indptr[0]} to {indptr[-1]} over {len(indices)} stored entries"
    falls = np.flatnonzero(indptr[1:] < indptr[:-1])
    return f"indptr decreases at row {falls[0]}" if len(falls) else None


def _flaw_of_columns(indices: Array, n_cols: int) -> str | None:
    bad = np.flatnonzero((indices < 0) | (indices >= n_cols))
    return f"stored entry {bad[0]} is in column {indices[bad[0]]} of {n_cols}" if len(bad) else None


def _refuse(name: str, problem: str | None) -> None:
    if problem:
        raise ValueError(f"{name} is not a valid sparse matrix: {problem}. Build it again, from its entries")


def _walkable(name: str, x: Any) -> CSR:
    """``x`` as CSR whose rows are safe to slice; columns are looked at later, on the rows that are used."""
    x = getattr(x, "user_items", x)
    if not (_sparse.issparse(x) and len(x.shape) == 2):
        raise TypeError(
            f"{name} is {type(x).__name__}, not a sparse (users, items) matrix: pass scipy.sparse.csr_array({name}), "
            "or attnrec.data.Interactions"
        )
    if x.dtype.kind not in "buif":
        raise TypeError(f"{name} holds {x.dtype}, not real numbers: convert it with {name}.astype('float32')")
    if x.format == "csc":
        _refuse(name, flaw(x.indptr, x.indices, x.shape[::-1]))
    x = x.tocsr()
    if len(x.data) != len(x.indices):
        _refuse(name, f"{len(x.indices)} indices for {len(x.data)} values")
    _refuse(name, _flaw_of_rows(x.indptr, x.indices, x.shape[0]))
    return x


def histories(name: str, x: Any, pick: Any = None) -> CSR:
    """What a user passed as float32 CSR: sorted, duplicates added up, finite, its own memory.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    x : scipy sparse matrix or array of any format, or an object with ``user_items``
    pick : callable, optional
        Given the shape, says which rows to take (None: all); only these are looked at and copied.
    """
    x = _walkable(name, x)
    rows = None if pick is None else pick(x.shape)
    x = x if rows is None else x[rows]
    _refuse(name, flaw(x.indptr, x.indices, x.shape))
    small = max(x.shape[1], int(x.indptr[-1])) <= np.iinfo(np.int32).max
    index = np.int32 if small else np.int64
    end = int(x.indptr[-1])
    with np.errstate(over="ignore"):
        data = x.data[:end].astype(np.float32)
    out = csr(data, x.indices[:end].astype(index), x.indptr.astype(index), x.shape)
    out.sum_duplicates()
    bad = np.flatnonzero(~np.isfinite(out.data))
    if len(bad):
        row = int(np.searchsorted(out.indptr, bad[0], side="right")) - 1
        raise ValueError(
            f"{name} holds {out.data[bad[0]]} (as float32) in row {row}, column {out.indices[bad[0]]}: "
            "remove or replace values that are not finite"
        )
    return out


def entries_of(x: CSR, row: int) -> tuple[Array, Array]:
    """Columns of the entries stored in a row, and their values as float64."""
    where = slice(x.indptr[row], x.indptr[row + 1])
    return x.indices[where], x.data[where].astype(np.float64)


class Pieces(NamedTuple):
    """Entries of some rows of a matrix, one row after the other; of few rows they are quicker to come by than SciPy's
    indexing, which checks what is known here."""

    data: Array
    indices: Array
    indptr: Array

    @classmethod
    def of(cls, x: CSR, rows: Array) -> Pieces:
        """Those of these rows, values as float64."""
        starts, lengths = x.indptr[rows], x.indptr[rows + 1] - x.indptr[rows]
        ends = np.cumsum(lengths)
        where = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)
        return cls(x.data[where].astype(np.float64), x.indices[where], np.append(0, ends).astype(x.indptr.dtype))

    def times(self, y: Array) -> Array:
        """Products of the rows with a vector, (rows,) float64."""
        return row_sums(self.data * y[self.indices], self.indptr)


def taken(x: CSR, rows: Array) -> CSR:
    """Some rows as a float64 matrix."""
    return csr(*Pieces.of(x, rows), (len(rows), x.shape[1]))


def same(x: CSR, y: CSR) -> bool:
    """Whether two sorted CSR matrices store the same entries."""
    pairs = ((x.indptr, y.indptr), (x.indices, y.indices), (x.data, y.data))
    return all(np.array_equal(a, b) for a, b in pairs)


def merge_rows(old: CSR, rows: Array, new: CSR) -> CSR:
    """``old`` with its ``rows`` replaced by the rows of ``new``; rows past the end are added."""
    n = max(old.shape[0], int(rows.max(initial=-1)) + 1)
    source = np.arange(n)
    source[rows] = old.shape[0] + np.arange(len(rows))
    return _sparse.vstack([old, new], format="csr")[source]
