"""Reading of cells as vectors: lists, arrays, single numbers, or text that spells a list."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._util.extras import require
from ..._util.sparse import Array
from ...data.factorize import as_arrow, is_missing
from ..table import Column
from .cells import numbers, texts
from .label_cells import listed

__all__ = ["vectors"]


def vectors(column: Column, width: int | None) -> Array:
    """(n, width) float64; a row of NaN where there is no vector.

    Raises
    ------
    ValueError
        If widths differ, from each other or from ``width``, or a vector is not finite; the message names the row.
    TypeError
        If cells are no vectors.
    """
    pa = require("pyarrow", extra="features")
    if isinstance(column.values, np.ndarray) and column.values.ndim == 2:
        return _checked(column, np.asarray(column.values), np.arange(len(column.values)), len(column.values), width)
    arrow = as_arrow(column.values)
    if isinstance(arrow, pa.ChunkedArray):
        arrow = arrow.combine_chunks()
    if arrow is not None and isinstance(arrow.type, pa.FixedShapeTensorType):
        numbers_each = int(np.prod(arrow.type.shape))
        raise TypeError(
            f"{column.at(0)}: tensors of shape {tuple(arrow.type.shape)} are not vectors; flatten each, for "
            f"instance by column.combine_chunks().storage, which gives lists of {numbers_each} numbers"
        )
    if arrow is None or not hasattr(arrow.type, "value_type") or pa.types.is_dictionary(arrow.type):
        return _single(column, arrow, width)
    if not (pa.types.is_integer(arrow.type.value_type) or pa.types.is_floating(arrow.type.value_type)):
        if pa.types.is_null(arrow.type.value_type):
            return _checked(column, np.zeros((0, width or 0)), np.zeros(0, int), len(arrow), width)
        raise TypeError(f"{column.at(0)}: lists of {arrow.type.value_type} are not vectors; take the column as multi=")
    sizes = (
        require("pyarrow.compute", extra="features")
        .list_value_length(arrow)
        .fill_null(0)
        .to_numpy(zero_copy_only=False)
    )
    there = np.flatnonzero(sizes > 0)
    want = int(sizes[there[0]]) if width is None and len(there) else width
    wrong = there[sizes[there] != want]
    if len(wrong):
        raise ValueError(f"{column.at(int(wrong[0]))}: a vector of {sizes[wrong[0]]} numbers where others have {want}")
    flat = arrow.take(pa.array(there)).flatten().to_numpy(zero_copy_only=False)
    return _checked(column, np.asarray(flat).reshape(len(there), want or 0), there, len(arrow), width)


def _single(column: Column, arrow: Any, width: int | None) -> Array:
    """Single numbers as vectors of width 1, and text that spells lists; what is neither is refused."""
    types = require("pyarrow", extra="features").types
    kind = None if arrow is None else arrow.type
    if kind is not None and (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        found = [listed(text) for text in texts(column)]
        if any(found):
            return vectors(column._replace(values=found), width)
        return vectors(column._replace(values=numbers(column)), width)
    if kind is not None and (types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)):
        x = numbers(column)
        there = np.flatnonzero(~np.isnan(x))
        return _checked(column, x[there, None], there, len(x), width)
    raise TypeError(f"{column.at(_first(column.values))}: vectors must be lists or arrays of numbers, all of one width")


def _first(values: Any) -> int:
    """The first row that is not missing."""
    return next((row for row, value in enumerate(values) if not is_missing(value)), 0)


def _checked(column: Column, x: Array, rows: Array, n: int, width: int | None) -> Array:
    """The vectors of some of n rows, finite and as wide as they should be."""
    if x.dtype.kind not in "buif":
        raise TypeError(f"{column.at(0)}: an array of {x.dtype}, not of real numbers")
    if width is not None and len(rows) and x.shape[1] != width:
        raise ValueError(
            f"{column.at(int(rows[0]))}: a vector of {x.shape[1]} numbers where it was fitted with {width}"
        )
    x = x.astype(np.float64)
    missing = np.isnan(x).all(axis=1)
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1) & ~missing)
    if len(bad):
        raise ValueError(f"{column.at(int(rows[bad[0]]))}: the vector holds NaN or infinity; mend it or leave it empty")
    out = np.full((n, x.shape[1] if width is None else width), np.nan)
    out[rows[~missing]] = x[~missing]
    return out
