"""Parallel arrays and sparse matrices to columns. Checks shapes, applies no policies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._extras import need
from .encode import Array, Coded, encode
from .frames import numbers, times
from .ids import Ids
from .place import Columns, Place

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
    place = Place("from_arrays")
    stamps, lost = times(column["timestamps"], place) if "timestamps" in column else (None, None)
    return Columns(
        users=encode(column["users"], "from_arrays: user"),
        items=encode(column["items"], "from_arrays: item"),
        ratings=numbers(column["ratings"], place) if "ratings" in column else None,
        stamps=stamps,
        stamp_missing=lost,
        place=place,
    )


def columns_of_sparse(matrix: Any, user_ids: Any, item_ids: Any, explicit: bool | None) -> Columns:
    """The columns of :meth:`attnrec.data.Interactions.from_sparse`: one row a stored entry."""
    sparse = need("scipy.sparse", extra="data")
    if not sparse.issparse(matrix) or matrix.ndim != 2:
        raise TypeError(f"from_sparse: want a 2-D scipy.sparse matrix, got {type(matrix).__name__}")
    if matrix.dtype.kind not in "buif":
        raise TypeError(f"from_sparse: want real numbers, got a matrix of {matrix.dtype}")
    coo = matrix.tocoo()
    place = Place("from_sparse", "entry")
    ratings = numbers(coo.data, place)
    if explicit is None:
        explicit = bool((ratings != 1).any())
    return Columns(
        users=Coded(coo.row, _matrix_ids(user_ids, matrix.shape[0], "user")),
        items=Coded(coo.col, _matrix_ids(item_ids, matrix.shape[1], "item")),
        ratings=ratings if explicit else None,
        stamps=None,
        stamp_missing=None,
        place=place,
    )


def _column(name: str, values: Any) -> Any:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"from_arrays: {name} is {type(values).__name__}, not an array or list")
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ValueError(f"from_arrays: {name} has shape {values.shape}; want one dimension")
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
