"""A column of ids to codes and distinct values. Knows nothing of files, frames or matrices beyond one column."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._extras import need

__all__ = ["Array", "Coded", "as_arrow", "as_list", "encode", "object_array", "plain", "sorted_order"]

Array = np.ndarray[Any, np.dtype[Any]]

_TIMES = {datetime.date, datetime.datetime, datetime.time, datetime.timedelta}
_SORTABLE: set[type] = {int, float, str, bytes, tuple, decimal.Decimal, uuid.UUID} | _TIMES


@dataclass(frozen=True)
class Coded:
    """``values[codes]`` is the column; code -1 marks a missing entry.

    codes : (n,) int32; values : (u,) distinct ids, int64, uint64 or object.
    """

    codes: Array
    values: Array


def encode(column: Any, role: str = "id") -> Coded:
    """Number the distinct values of a column.

    Integers and strings are numbered by Arrow, floats by NumPy, every other hashable in a Python loop.

    Parameters
    ----------
    column : (n,) array, Arrow array, series or iterable of hashables
        None, NaN, NaT and NA are missing.
    role : str
        What the column holds, for messages.

    Raises
    ------
    TypeError
        If a value cannot be hashed; the message names its row.

    Examples
    --------
    >>> coded = encode(["b", "a", None, "b"])
    >>> coded.codes.tolist(), coded.values.tolist()
    ([0, 1, -1, 0], ['b', 'a'])
    """
    arrow = as_arrow(column)
    if arrow is not None:
        fast = _encode_arrow(arrow)
        if fast is not None:
            return fast
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return _encode_floats(column)
    return _encode_objects(as_list(column), role)


def as_arrow(column: Any) -> Any | None:
    """The column as an Arrow array, or None where Arrow has no faithful type for it (mixed types, big integers)."""
    pa = need("pyarrow", extra="data")
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column
    try:
        if hasattr(column, "to_arrow"):
            return column.to_arrow()
        if isinstance(column, np.ndarray) and column.dtype.byteorder not in "=|":
            column = column.astype(column.dtype.newbyteorder("="))
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
        return None


def as_list(column: Any) -> list[Any]:
    """The column as a list of Python objects."""
    for method in ("to_pylist", "to_list"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    if isinstance(column, np.ndarray) and column.dtype.kind != "M":
        return list(column.tolist())
    return list(column)


def object_array(values: Iterable[Any]) -> Array:
    """A 1-D array of objects, even where the values are tuples or arrays."""
    values = list(values)
    out = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        out[k] = value
    return out


def plain(value: Any) -> Any:
    """A NumPy scalar as the Python object that equals it, a list as a tuple; anything else unchanged."""
    if isinstance(value, np.datetime64):
        item = value.item()
        return value.astype("datetime64[us]").item() if isinstance(item, int) else item
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return tuple(value)
    return value


def sorted_order(values: Array) -> Array | None:
    """Positions that sort the values, or None where they have no natural order (mixed types, arbitrary objects)."""
    if values.dtype.kind in "iu":
        return np.argsort(values, kind="stable")
    names = values.tolist()
    kinds = {type(name) for name in names}
    if len(kinds) != 1 or not kinds <= _SORTABLE:
        return None
    try:
        return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
    except TypeError:
        return None


def _encode_arrow(arrow: Any) -> Coded | None:
    pa = need("pyarrow", extra="data")
    types = pa.types
    kind = arrow.type.value_type if types.is_dictionary(arrow.type) else arrow.type
    if types.is_integer(kind):
        wide = pa.uint64() if kind == pa.uint64() else pa.int64()
    elif types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        wide = pa.string() if types.is_string(kind) else pa.large_string()
    else:
        return None
    chunked = arrow if isinstance(arrow, pa.ChunkedArray) else pa.chunked_array([arrow])
    if not types.is_dictionary(chunked.type):
        chunked = chunked.cast(wide).dictionary_encode()
    chunks = chunked.unify_dictionaries().chunks
    if not chunks:
        return Coded(np.empty(0, np.int32), np.empty(0, np.int64 if types.is_integer(kind) else object))
    codes = np.concatenate(
        [chunk.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    )
    named = chunks[-1].dictionary.cast(wide)
    values = named.drop_null().to_numpy(zero_copy_only=False)
    if named.null_count:  # a null among the categories: its code becomes "missing" and later codes move down
        valid = named.is_valid().to_numpy(zero_copy_only=False)
        moved = np.append(np.where(valid, np.cumsum(valid) - 1, -1), -1).astype(np.int32)
        codes = moved[codes]
    return Coded(codes, values)


def _encode_floats(column: Array) -> Coded:
    missing = np.isnan(column)
    values, codes = np.unique(column[~missing], return_inverse=True)
    out = np.full(len(column), -1, np.int32)
    out[~missing] = codes
    return Coded(out, object_array(values.tolist()))


def _encode_objects(names: list[Any], role: str) -> Coded:
    codes = np.empty(len(names), np.int32)
    seen: dict[Any, int] = {}
    for row, name in enumerate(names):
        if is_missing(name):
            codes[row] = -1
            continue
        try:
            codes[row] = seen.setdefault(plain(name), len(seen))
        except TypeError:
            kind = type(name).__name__
            raise TypeError(
                f"{role} in row {row} is a {kind}, which cannot be hashed; use a string, a number or a tuple"
            ) from None
    return Coded(codes, object_array(seen))


def is_missing(value: Any) -> bool:
    """Whether a value stands for "none": None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False
