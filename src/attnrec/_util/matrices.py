"""Reading of sparse matrices by one rule, for all functions. It imports NumPy alone, and calls methods of the matrix.

The rule, for estimators, operations, splits, metrics, drop-ins and readers alike:

1. The *stored entries* are read, in any format, dtype and order, whatever the flags of the matrix are
   (``has_canonical_format``), and the caller's arrays are never written to. A stored zero is an entry, except in the
   blocks of BSR larger than one entry and in the diagonals of DIA, which the format pads with zeros.
2. Entries of one row and column are *one* entry. Values are summed in float64 before anything else: uint8
   200 + 100 is 300, True + True is 2. Masks (``exclude``, ``include``, ``candidates``, held-out items) count a repeated
   entry once. Of several times the latest counts. ``duplicates=`` of ``Interactions.from_sparse`` may choose
   otherwise, and ``sampled_product`` returns a result for each stored entry.
3. Then values become float32 (in ``metrics`` they stay float64, and splits keep the dtype of a canonical matrix).
   Integers beyond 2^53 are rounded to float64 before the sum.

The compiled core follows the same rule: it sums float32 values in float64, and values that float32 does not represent
exactly are summed here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

__all__ = [
    "Rows",
    "canonical",
    "entries",
    "finite",
    "flaw",
    "in_order",
    "is_canonical",
    "is_sparse",
    "matrix",
    "owners",
    "pattern",
    "stored",
]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Rows:
    """Stored entries, row after row: what a CSR matrix is, without a library. Of a pattern, ``data`` is None."""

    data: Any
    indices: Array
    indptr: Array
    shape: tuple[int, ...]
    format: ClassVar[str] = "csr"

    @property
    def ndim(self) -> int:
        """1 for one row that is to stay one, else 2."""
        return len(self.shape)


def is_sparse(x: Any) -> bool:
    """Whether ``x`` is a sparse matrix or array of SciPy's, or has the three arrays of CSR."""
    return not isinstance(x, np.ndarray) and (hasattr(x, "tocsr") or (hasattr(x, "indptr") and hasattr(x, "indices")))


def matrix(name: str, x: Any, *, row: bool = False, dtype: type = np.float32) -> Rows:
    """A sparse matrix under the rule: float32 (or float64), rows sorted, repeats added up. What is so is not copied."""
    return canonical(name, stored(name, x, row=row), dtype)


def pattern(name: str, x: Any, *, row: bool = False) -> Rows:
    """Where a sparse matrix stores entries: rows sorted, each place once."""
    return canonical(name, stored(name, x, values=False, row=row))


def stored(name: str, x: Any, *, values: bool = True, row: bool = False) -> Rows:
    """The stored entries row by row: their structure checked, nothing added in less than float64.

    Entries of CSR and CSC stay as they are, unsorted or repeated, and those of CSR are not copied; columns are not
    looked at yet, which :func:`canonical` does for the rows that are used.

    Parameters
    ----------
    name : str
        The argument's name, for messages.
    x : sparse matrix, for which :func:`is_sparse` holds
    values : bool
        False where only places count: the data may then be of any dtype, and are left out.
    row : bool
        Take a one-dimensional sparse array, as ``csr_array(X)[0]`` is, for a matrix of one row.

    Raises
    ------
    ValueError
        If the arrays are no matrix of that shape, or it is one-dimensional and ``row`` is False.
    TypeError
        If values are not real.
    """
    if not hasattr(x, "indptr") and not hasattr(x, "tocoo"):  # of another library
        x = x.tocsr()
    kind, shape = getattr(x, "format", "csr"), tuple(int(n) for n in x.shape)
    if values and _dtype(x).kind not in "buif":
        raise TypeError(f"{name} holds {_dtype(x)}, not real numbers: convert it with {name}.astype('float32')")
    if len(shape) > 2:
        raise ValueError(f"{name} has shape {shape}, not that of a matrix: pick or reshape to two dimensions")
    if len(shape) == 1 and not row:
        raise ValueError(
            f"{name} is one row, of shape {shape}, where a matrix is needed: pass {name}.reshape(1, -1), or pick rows "
            "as X[[0]] instead of X[0]"
        )
    if kind == "csc":
        _refuse(name, _flaw_of_data(x) or flaw(x.indptr, x.indices, shape[::-1]))
        x = (x if _is_common(_dtype(x)) else x.astype(np.float64 if values else bool)).tocsr()
    elif kind != "csr":
        return _by_row(name, x, values)
    shape = (1, *shape) if len(shape) == 1 else shape
    indptr, indices = (
        at.astype(np.int64) if at.dtype.kind == "u" else at for at in map(np.asarray, (x.indptr, x.indices))
    )
    _refuse(name, (_flaw_of_data(x) if values else None) or _flaw_of_rows(indptr, indices, shape[0]))
    end = int(indptr[-1])
    if not values:
        return Rows(None, indices[:end], indptr, shape)
    data = np.asarray(x.data)[:end]
    return Rows(data if _is_common(data.dtype) else data.astype(np.float64), indices[:end], indptr, shape)


def _dtype(x: Any) -> np.dtype[Any]:
    return np.dtype(x.dtype) if hasattr(x, "dtype") else np.asarray(x.data).dtype


def _is_common(dtype: np.dtype[Any]) -> bool:
    """Whether SciPy's loops know it."""
    return dtype.isnative and dtype != np.float16


def entries(name: str, x: Any, *, values: bool = True) -> tuple[Array, Array, Array]:
    """Row, column and value of each entry in the order in which they are stored (CSC: by column), (nnz,) each."""
    if getattr(x, "format", "csr") == "csr":
        found = stored(name, x, values=values, row=True)
        _refuse(name, _flaw_of_columns(found.indices, found.shape[1]))
        return owners(found), found.indices, found.data if values else np.zeros(len(found.indices), dtype=bool)
    coo = (x if _is_common(_dtype(x)) else x.astype(np.float64)).tocoo()
    rows, columns = (coo.row, coo.col) if len(coo.shape) == 2 else (np.zeros(coo.nnz, np.int64), coo.coords[0])
    if not len(rows) == len(columns) == len(coo.data):
        _refuse(name, f"{len(rows)} rows and {len(columns)} columns for {len(coo.data)} values")
    for what, at, n in (("row", rows, coo.shape[0] if len(coo.shape) == 2 else 1), ("column", columns, coo.shape[-1])):
        bad = np.flatnonzero((at < 0) | (at >= n))
        if len(bad):
            _refuse(name, f"stored entry {bad[0]} is in {what} {at[bad[0]]} of {n}")
    if x.format == "bsr" and tuple(x.blocksize) != (1, 1):
        real = coo.data != 0
        return rows[real], columns[real], coo.data[real]
    return rows, columns, coo.data


def _by_row(name: str, x: Any, values: bool) -> Rows:
    """What is kept by coordinates, blocks or diagonals as rows: in order and added up in float64."""
    rows, columns, data = entries(name, x, values=values)
    shape = (1, *x.shape) if len(x.shape) == 1 else x.shape
    if x.format == "coo" and len(x.shape) == 2:  # counting sort, which SciPy does in the dtype that it is given
        x = x.astype(np.float64 if values else bool, copy=False).tocsr()
        return Rows(x.data if values else None, x.indices, x.indptr, shape)
    order = np.argsort(rows, kind="stable")
    indptr = np.append(0, np.cumsum(np.bincount(rows, minlength=shape[0])))
    return Rows(data[order].astype(np.float64) if values else None, columns[order], indptr, shape)


def canonical(name: str, x: Any, dtype: type = np.float32) -> Rows:
    """CSR with sorted rows and without repeats, values of this dtype; the same arrays where they are so already."""
    if is_canonical(name, x):
        return Rows(None if x.data is None else _as(dtype, x.data), x.indices, x.indptr, x.shape)
    rows = owners(x)
    order, first = in_order(rows, x.indices, x.shape[1])
    kept = order[first]
    data = None if x.data is None else _as(dtype, np.add.reduceat(x.data[order].astype(np.float64), first))
    indptr = np.append(0, np.cumsum(np.bincount(rows[kept], minlength=x.shape[0]))).astype(x.indptr.dtype)
    return Rows(data, x.indices[kept], indptr, x.shape)


def owners(x: Any) -> Array:
    """(nnz,) the row of each entry of a CSR matrix."""
    return np.repeat(np.arange(x.shape[0], dtype=np.int64), np.diff(x.indptr))


def is_canonical(name: str, x: Any) -> bool:
    """Whether columns rise within each row of a CSR matrix; read from the entries, not from what it says of itself.
    A column outside of the matrix is a ValueError."""
    _refuse(name, _flaw_of_columns(x.indices, x.shape[1]))
    falls = np.flatnonzero(x.indices[1:] <= x.indices[:-1]) + 1
    begins = np.zeros(len(x.indices) + 1, dtype=bool)
    begins[x.indptr] = True
    return bool(begins[falls].all())


def in_order(rows: Array, columns: Array, width: int) -> tuple[Array, Array]:
    """The order of entries by row, column and where they are stored; and where in it each place comes first."""
    if len(rows) and int(rows.max()) >= np.iinfo(np.int64).max // max(width, 1):
        order = np.lexsort((columns, rows))
    else:
        order = np.argsort(rows.astype(np.int64) * width + columns.astype(np.int64), kind="stable")
    rows, columns = rows[order], columns[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    return order, np.flatnonzero(new)


def finite(name: str, x: Any) -> None:
    """Refuse values of a CSR matrix that are not finite, also because they or their sum do not fit float32."""
    bad = np.flatnonzero(~np.isfinite(x.data))
    if len(bad):
        row = int(np.searchsorted(x.indptr, bad[0], side="right")) - 1
        raise ValueError(
            f"{name} holds {x.data[bad[0]]} (as float32) in row {row}, column {x.indices[bad[0]]}: "
            "remove or replace values that are not finite"
        )


def _as(dtype: type, data: Array) -> Array:
    """As float32 (or float64), by way of float64 where that rounds; not copied if it is that."""
    with np.errstate(over="ignore"):
        if data.dtype.kind in "iuf" and data.dtype.itemsize >= 8:
            data = data.astype(np.float64, copy=False)
        return data.astype(dtype, copy=False)


def flaw(indptr: Array, indices: Array, shape: tuple[int, ...]) -> str | None:
    """What makes these arrays no CSR matrix of this shape; None if they are one."""
    return _flaw_of_rows(indptr, indices, shape[0]) or _flaw_of_columns(indices[: int(indptr[-1])], shape[1])


def _flaw_of_data(x: Any) -> str | None:
    return None if len(x.data) == len(x.indices) else f"{len(x.indices)} indices for {len(x.data)} values"


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
    if not len(indices) or (indices.min() >= 0 and indices.max() < n_cols):
        return None
    bad = np.flatnonzero((indices < 0) | (indices >= n_cols))
    return f"stored entry {bad[0]} is in column {indices[bad[0]]} of {n_cols}" if len(bad) else None


def _refuse(name: str, problem: str | None) -> None:
    if problem:
        raise ValueError(f"{name} is not a valid sparse matrix: {problem}. Build it again, from its entries")
