"""Factorization of a column of ids into codes and distinct values."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._util.arraylike import as_numpy, is_array_like, native
from .._util.extras import require

__all__ = [
    "Array",
    "Coded",
    "as_arrow",
    "as_list",
    "encode",
    "integers",
    "join_coded",
    "object_array",
    "one_axis",
    "plain",
    "sorted_order",
]

Array = np.ndarray[Any, np.dtype[Any]]

_TIMES = {datetime.date, datetime.datetime, datetime.time, datetime.timedelta}
_PLAIN: set[type] = {str, int, float, bool, bytes, type(None), datetime.date, datetime.datetime}
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

    Integers and strings are numbered by Arrow, floats by NumPy, every other hashable in a Python loop. Whole numbers
    are one kind of id whatever holds them (integers of any width, decimals, Python's own): int64 where all fit, uint64
    where they are not negative and one needs it, else Python's integers.

    Parameters
    ----------
    column : (n,) array, tensor, Arrow array, series or iterable of hashables
        None, NaN, NaT and NA are missing. Arrays without axes in a list stand for what they hold.
    role : str
        What the column holds, for messages.

    Raises
    ------
    TypeError
        If a value cannot be hashed; the message names its row.
    ValueError
        If the column has not one axis, or a tensor is on another device.

    Examples
    --------
    >>> coded = encode(["b", "a", None, "b"])
    >>> coded.codes.tolist(), coded.values.tolist()
    ([0, 1, -1, 0], ['b', 'a'])
    """
    column = native(column, role)
    one_axis(column, role)
    arrow = as_arrow(column)
    if arrow is not None:
        fast = _encode_arrow(arrow)
        if fast is not None:
            return fast
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return _encode_floats(column)
    return _encode_objects(as_list(column), role)


def one_axis(column: Any, role: str) -> None:
    """Refuse arrays and frames of more axes or none, whose rows could be taken for ids."""
    shape = getattr(column, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        fix = "give a list of ids" if not shape else "give one axis, such as a column of it or ids.ravel()"
        raise ValueError(f"{role}: ids of shape {shape}; {fix}")


def as_arrow(column: Any) -> Any | None:
    """The column as an Arrow array, or None where Arrow has no faithful type for it (mixed types)."""
    pa = require("pyarrow", extra="data")
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return _unwrapped(column)
    column = native(column)
    found = _made(column)
    if found is None and isinstance(column, (list, tuple)) and (held := _held(column)) is not column:
        found = _made(held)
    return _wide_integers(column) if found is None else found


def _made(column: Any) -> Any | None:
    pa = require("pyarrow", extra="data")
    try:
        if hasattr(column, "to_arrow"):
            return column.to_arrow()
        if isinstance(column, np.ndarray) and column.dtype.byteorder not in "=|":
            column = column.astype(column.dtype.newbyteorder("="))
        return pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
        return None


def _wide_integers(column: Any) -> Any | None:
    """Integers past 64 bits, or in a type that Arrow lacks (Int128), as the narrowest Arrow numbers; else None."""
    if isinstance(column, np.ndarray) and column.dtype != object:
        return None
    pa = require("pyarrow", extra="data")
    values: list[int | None] = []
    for value in map(plain, as_list(column)):
        if type(value) is not int and not is_missing(value):
            return None
        values.append(value if type(value) is int else None)
    for kind in (pa.int64(), pa.uint64(), pa.decimal128(38), pa.decimal256(76)):
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError):
            continue
    return None


def _unwrapped(arrow: Any) -> Any:
    """Tensors of one dimension as the lists of one length that they are stored as; anything else unchanged."""
    pa = require("pyarrow", extra="data")
    if not isinstance(arrow.type, pa.FixedShapeTensorType) or len(arrow.type.shape) != 1:
        return arrow
    if isinstance(arrow, pa.ChunkedArray):
        return pa.chunked_array([chunk.storage for chunk in arrow.chunks], arrow.type.storage_type)
    return arrow.storage


def as_list(column: Any) -> list[Any]:
    """The column as a list of Python objects."""
    column = native(column)
    for method in ("to_pylist", "to_list"):
        if hasattr(column, method):
            return list(_held(getattr(column, method)()))
    if isinstance(column, np.ndarray) and column.dtype.kind != "M":
        return list(_held(column.tolist()))
    return list(_held(column))


def _held(column: Any) -> Any:
    """A column whose arrays and tensors without axes are what they hold; one without any as it is."""
    column = column if isinstance(column, (list, tuple)) else list(column)
    odd = {kind for kind in set(map(type, column)) - _PLAIN if not issubclass(kind, (np.generic, list, tuple, str))}
    arrays = {kind for kind in odd if _is_array(next(value for value in column if type(value) is kind))}
    return [_value(value) if type(value) in arrays else value for value in column] if arrays else column


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_array_like(value)


def _value(value: Any) -> Any:
    """What an array without axes holds; any other as it is."""
    array = as_numpy(value, "a value")
    return plain(array[()]) if array.ndim == 0 else value


def object_array(values: Iterable[Any]) -> Array:
    """A 1-D array of objects, even where the values are tuples or arrays."""
    values = list(values)
    out = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        out[k] = value
    return out


def integers(values: Iterable[int]) -> Array:
    """Python integers as int64 where all fit, as uint64 where that does, else as they are.

    Examples
    --------
    >>> integers([1, 2**63]).dtype.name, integers([1, 2]).dtype.name, integers([-1, 2**63]).dtype.name
    ('uint64', 'int64', 'object')
    """
    values = list(values)
    low, high = min(values, default=0), max(values, default=0)
    if low >= -(2**63) and high < 2**63:
        return np.array(values, np.int64)
    return np.array(values, np.uint64) if low >= 0 and high < 2**64 else object_array(values)


def join_coded(parts: Sequence[Coded]) -> Coded:
    """The codes of columns that follow one another, over the distinct values of all of them."""
    if len(parts) == 1:
        return parts[0]
    values = [part.values for part in parts]
    alike = len({array.dtype for array in values}) == 1 and values[0].dtype != object
    every = np.concatenate(values) if alike else object_array(v for array in values for v in array.tolist())
    merged = encode(every)
    new = np.split(merged.codes, np.cumsum([len(array) for array in values])[:-1])
    codes = [np.append(moved, np.int32(-1))[part.codes] for moved, part in zip(new, parts, strict=True)]
    return Coded(np.concatenate(codes), merged.values)


def plain(value: Any) -> Any:
    """What a value stands for in Python: a scalar of NumPy or Arrow, or an array or tensor without axes, is the object
    that equals it, a list is a tuple; within tuples too. Anything else is unchanged.

    Examples
    --------
    >>> plain(np.array(7)), plain(("guest", np.int64(7)))
    (7, ('guest', 7))
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.datetime64):
        item = value.item()
        return value.astype("datetime64[us]").item() if isinstance(item, int) else item
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        if type(value) is tuple and _PLAIN.issuperset(map(type, value)):
            return value
        parts = tuple(part if type(part) is list else plain(part) for part in value)
        return parts if type(value) is list or any(a is not b for a, b in zip(parts, value, strict=True)) else value
    if _is_array(value):
        array = as_numpy(value, "an id")
        return plain(array[()]) if array.ndim == 0 else array  # which cannot be hashed: said where it stands
    return value.as_py() if hasattr(value, "as_py") else value


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
    pa = require("pyarrow", extra="data")
    types = pa.types
    kind = arrow.type.value_type if types.is_dictionary(arrow.type) else arrow.type
    if types.is_integer(kind):
        wide = pa.uint64() if kind == pa.uint64() else pa.int64()
    elif types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view":
        wide = pa.string() if types.is_string(kind) else pa.large_string()
    elif types.is_decimal(kind):
        wide = kind
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
    values = _values(named.drop_null())
    if values is None:
        return None
    if named.null_count:  # a null among the categories: its code becomes "missing" and later codes move down
        valid = named.is_valid().to_numpy(zero_copy_only=False)
        moved = np.append(np.where(valid, np.cumsum(valid) - 1, -1), -1).astype(np.int32)
        codes = moved[codes]
    return Coded(codes, values)


def _values(named: Any) -> Array | None:
    """Distinct ids in their normal form; None for decimals that are not all whole."""
    pa = require("pyarrow", extra="data")
    if pa.types.is_decimal(named.type):
        decimals = named.to_pylist()
        return integers(map(int, decimals)) if all(value == int(value) for value in decimals) else None
    values: Array = named.to_numpy(zero_copy_only=False)
    if values.dtype == np.uint64 and (not len(values) or values.max() < 2**63):
        return values.astype(np.int64)
    return values


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
        try:
            name = plain(name)
            if is_missing(name):
                codes[row] = -1
                continue
            codes[row] = seen.setdefault(name, len(seen))
        except TypeError:
            kind = type(name).__name__
            raise TypeError(
                f"{role} in row {row} is a {kind}, which cannot be hashed; use a string, a number or a tuple"
            ) from None
    return Coded(codes, integers(seen) if seen and all(type(name) is int for name in seen) else object_array(seen))


def is_missing(value: Any) -> bool:
    """Whether a value stands for "none": None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False
