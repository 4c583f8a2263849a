"""Conversion of parallel arrays and sparse matrices to columns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..._util import matrices
from ..._util.arraylike import native
from ..._util.extras import require
from ..factorize import Array, Coded, encode
from ..ids import Ids
from .frames import numbers, times
from .source import Columns, SourceLocation

__all__ = ["columns_of_arrays", "columns_of_sparse"]


def columns_of_arrays(users: Any, items: Any, ratings: Any, timestamps: Any) -> Columns:
    """The columns of :meth:`attnrec.data.Interactions.from_arrays`."""
    given = {"users": users, "items": items, "ratings": ratings, "timestamps": timestamps}
    for name in ("users", "items"):
        if given[name] is None:
            raise TypeError(f"from_arrays: {name} is None; give an array of ids")
    column = {name: _column(name, values) for name, values in given.items() if values is not None}
    for name, values in column.items():
        if len(values) != len(column["users"]):
            raise ValueError(f"from_arrays: {name} has {len(values)} entries and users has {len(column['users'])}")
    place = SourceLocation("from_arrays")
    stamps, lost = times(column["timestamps"], place) if "timestamps" in column else (None, None)
    return Columns(
        users=encode(column["users"], "from_arrays: user"),
        items=encode(column["items"], "from_arrays: item"),
        ratings=numbers(column["ratings"], place) if "ratings" in column else None,
        stamps=stamps,
        stamp_missing=lost,
        place=place,
    )


def columns_of_sparse(
    matrix: Any, user_ids: Any, item_ids: Any, explicit: bool | None, *, added: bool = True
) -> Columns:
    """The columns of :meth:`attnrec.data.Interactions.from_sparse`, a row an entry; ``added``: repeats are added."""
    sparse = require("scipy.sparse", extra="data")
    if not sparse.issparse(matrix) or matrix.ndim != 2:
        shape = f" of shape {matrix.shape}: pass csr.reshape(1, -1) of one user" if sparse.issparse(matrix) else ""
        raise TypeError(f"from_sparse: want a 2-D scipy.sparse matrix, got {type(matrix).__name__}{shape}")
    if matrix.dtype.kind not in "buif":
        raise TypeError(f"from_sparse: want real numbers, got a matrix of {matrix.dtype}")
    rows, columns, values = matrices.entries("from_sparse: csr", matrix)
    ratings = values if values.dtype == np.float32 else values.astype(np.float64)  # in which repeats are added up
    if explicit is None:
        explicit = bool((ratings != 1).any()) or (added and _repeats(rows, columns, matrix.shape[1]))
    if not explicit and (below := int(np.count_nonzero(ratings < 0))):
        warnings.warn(
            f"from_sparse: explicit=False leaves values out, so that {below:,} below 0 become interactions like "
            "others: leave explicit out, and estimators of implicit feedback take them as dislikes",
            UserWarning,
            stacklevel=3,
        )
    return Columns(
        users=Coded(rows, _matrix_ids(user_ids, matrix.shape[0], "user")),
        items=Coded(columns, _matrix_ids(item_ids, matrix.shape[1], "item")),
        ratings=ratings if explicit else None,
        stamps=None,
        stamp_missing=None,
        place=SourceLocation("from_sparse", "entry"),
    )


def _repeats(rows: Array, columns: Array, width: int) -> bool:
    return len(matrices.in_order(rows, columns, width)[1]) < len(rows)


def _column(name: str, values: Any) -> Any:
    values = native(values, f"from_arrays: {name}")
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        raise ValueError(f"from_arrays: {name} has shape {shape}; want one dimension")
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"from_arrays: {name} is {type(values).__name__}, not an array or list")
    if isinstance(values, (set, frozenset)):
        raise TypeError(f"from_arrays: {name} is a {type(values).__name__}, which has no order; give an array or list")
    return values if hasattr(values, "__len__") else list(values)


def _matrix_ids(given: Any, n: int, name: str) -> Array:
    if given is None:
        return np.arange(n, dtype=np.int64)
    try:
        ids = given if isinstance(given, Ids) else Ids(given)
    except ValueError as error:
        raise ValueError(f"from_sparse: {name}_ids: {str(error).removeprefix('ids: ')}") from None
    if len(ids) != n:
        raise ValueError(f"from_sparse: {len(ids)} {name}_ids do not fit a matrix with {n} {name}s")
    return ids.to_numpy()
