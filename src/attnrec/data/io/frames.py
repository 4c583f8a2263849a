"""Conversion of data frames to columns and back, by narwhals."""

from __future__ import annotations

import datetime
import math
import numbers as kinds
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._util.extras import is_installed, require
from ..columns import Column, locate_columns
from ..factorize import Array, as_arrow, as_list, encode, is_missing
from .records import NULLS, comma_fix, is_integer, is_number
from .source import Columns, SourceLocation

__all__ = ["BACKENDS", "columns_of", "decimals", "default_backend", "frame_of", "make_frame", "numbers", "times"]

BACKENDS = ("pandas", "polars", "pyarrow")


def frame_of(data: Any, source: str = "from_frame") -> Any:
    """Any frame that narwhals understands, as a narwhals one; a lazy one is collected.

    Raises
    ------
    TypeError
        If it is not a frame.
    ValueError
        If two columns have one name.
    """
    nw = require("narwhals", extra="data")
    try:
        frame = nw.from_native(data)
    except TypeError:
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
        raise TypeError(
            f"from_frame: {kind} is not a data frame; give a pandas or polars DataFrame or a pyarrow Table, "
            "or use from_csv, from_parquet, from_sparse or from_arrays"
        ) from None
    except nw.exceptions.DuplicateError:
        names = [str(name) for name in getattr(data, "column_names", getattr(data, "columns", []))]
        again = next((name for name in names if names.count(name) > 1), "")
        raise ValueError(
            f"{source}: two columns have one name, {again!r}; rename one: columns are {', '.join(names)}"
        ) from None
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def columns_of(data: Any, given: Mapping[str, Column]) -> tuple[Columns, str | None]:
    """The columns of a frame, and the name of its backend (None for one that cannot be made again)."""
    frame = frame_of(data)
    backend = str(frame.implementation).lower()
    names = [str(name) for name in frame.columns]
    roles = locate_columns(names, given=given, source="from_frame")
    column = {role: frame[frame.columns[k]].to_native() for role, k in roles.items()}
    place = SourceLocation("from_frame")
    stamps, missing = times(column["timestamp"], place) if "timestamp" in column else (None, None)
    return Columns(
        users=encode(column["user"], "from_frame: user"),
        items=encode(column["item"], "from_frame: item"),
        ratings=numbers(column["rating"], place) if "rating" in column else None,
        stamps=stamps,
        stamp_missing=missing,
        place=place,
    ), backend if backend in BACKENDS else None


def numbers(column: Any, place: SourceLocation) -> Array:
    """Ratings as float32, NaN where missing; see :func:`decimals`."""
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is refused later
        return decimals(column, place, "rating").astype(np.float32)


def decimals(column: Any, place: SourceLocation, role: str) -> Array:
    """Numbers as float64, NaN where missing.

    Raises
    ------
    ValueError
        If a value is not a number; the message names its row.
    """
    pa = require("pyarrow", extra="data")
    arrow = as_arrow(column)
    if arrow is not None and not pa.types.is_temporal(arrow.type):
        try:
            return _numpy(arrow.cast(pa.float64()).fill_null(float("nan")))
        except (pa.ArrowException, ValueError):
            pass
    out = np.empty(len(column))
    for row, value in enumerate(as_list(column)):
        try:
            if _is_none(value):
                out[row] = np.nan
                continue
            if isinstance(value, str) and not is_number(value):
                raise ValueError
            out[row] = float(value)
        except (TypeError, ValueError, OverflowError):
            fix = comma_fix(value) or "fix or remove the row"
            raise ValueError(f"{place.at(row)}: {role} {value!r:.60} is not a number; {fix}") from None
    return out


def times(
    column: Any, place: SourceLocation, role: str = "timestamp", fix: str = "or pass timestamp=False"
) -> tuple[Array, Array | None]:
    """Times as int64, float64 or datetime64[us] (UTC if they have a zone), and the mask of missing ones or None.

    Numbers are numbers in any type: int64 where all are whole and fit, else float64.

    Raises
    ------
    ValueError
        If a value is neither a number nor a time, or numbers and times are mixed; the message names its row.
    """
    pa = require("pyarrow", extra="data")
    arrow = as_arrow(column)
    if arrow is None:
        return _parsed(as_list(column), place, role, fix)
    kind = arrow.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        arrow = arrow.cast(kind)
    if pa.types.is_null(kind):
        return np.zeros(len(arrow), np.int64), np.ones(len(arrow), bool)
    missing = _numpy(arrow.is_null()) if arrow.null_count else None
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        try:
            return _numpy(arrow.cast(pa.int64()).fill_null(0)), missing
        except pa.ArrowInvalid:  # past 64 bits, or not whole
            kind = pa.float64()
    if pa.types.is_floating(kind):
        found = _numpy(arrow.cast(pa.float64()).fill_null(float("nan")))
        lost = ~np.isfinite(found)
        return np.where(lost, 0.0, found), lost if lost.any() else None
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        whole = arrow.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return _numpy(whole).astype("datetime64[us]"), missing
    return _parsed(as_list(arrow), place, role, fix)


def _parsed(values: list[Any], place: SourceLocation, role: str, fix: str) -> tuple[Array, Array | None]:
    """Times written as text, Python objects that Arrow did not take, or numbers of several types or written as text."""
    there = [not _is_none(value) for value in values]
    missing = None if all(there) else ~np.array(there, bool)
    numeric = next((_is_numeric(value) for value, known in zip(values, there, strict=True) if known), False)
    out: list[Any] = [0] * len(values)
    for row, value in enumerate(values):
        if there[row]:
            try:
                if _is_numeric(value) != numeric:
                    raise ValueError
                out[row] = _number(value) if numeric else _moment(value)
            except (TypeError, ValueError, OverflowError):
                wanted = "a number like the first one" if numeric else "a number or ISO 8601 time"
                raise ValueError(f"{place.at(row)}: {role} {value!r:.60} is not {wanted}; fix it {fix}") from None
    if not numeric:
        return np.array(out, "datetime64[us]"), missing
    whole = all(number == int(number) and -(2**63) <= number < 2**63 for number in out if number == number)
    return np.array(list(map(int, out)) if whole else out, np.int64 if whole else np.float64), missing


def _is_none(value: Any) -> bool:
    return value in NULLS if isinstance(value, str) else is_missing(value)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, str):
        return is_number(value)
    return isinstance(value, kinds.Number) and not isinstance(value, bool)


def _number(value: Any) -> int | float:
    """A whole number exactly, any other as a float; raises for what is neither finite nor real."""
    if isinstance(value, str):
        value = int(value) if is_integer(value) else float(value)
    if not math.isfinite(value):
        raise ValueError
    return int(value) if value == int(value) else float(value)


def _moment(value: Any) -> Any:
    moment: Any = datetime.datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    if not isinstance(moment, (datetime.date, np.datetime64)):
        raise TypeError
    if isinstance(moment, datetime.datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _numpy(arrow: Any) -> Array:
    return np.array(arrow.to_numpy(zero_copy_only=False) if not hasattr(arrow, "chunks") else arrow.to_numpy())


def default_backend() -> str:
    """The frame to make where none was given: pandas if installed, else polars, else pyarrow."""
    return next((name for name in BACKENDS if is_installed(name)), "pyarrow")


def make_frame(columns: Mapping[str, Array], backend: str | None) -> Any:
    """A frame of equally long columns.

    Raises
    ------
    ValueError
        If the backend is unknown, or has no type for a column (mixed ids in pyarrow).
    ImportError
        If it is not installed.
    """
    if backend is None:
        backend = default_backend()
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is not one of {', '.join(map(repr, BACKENDS))}")
    library = require(backend, extra="data")
    if backend == "pandas":
        return library.DataFrame(dict(columns))
    if backend == "polars":
        return library.DataFrame([_polars(library, name, values) for name, values in columns.items()])
    out = {}
    for name, values in columns.items():
        try:
            out[name] = library.array(values.tolist() if values.dtype == object else values)
        except (library.ArrowException, OverflowError):
            raise ValueError(
                f"pyarrow has no type for the mixed values of column {name!r}; use backend='pandas'"
            ) from None
    return library.table(out)


def _polars(pl: Any, name: str, values: Array) -> Any:
    if values.dtype != object:
        return pl.Series(name, values)
    listed = values.tolist()
    if all(type(value) is str for value in listed):
        return pl.Series(name, listed, dtype=pl.String)
    try:
        series = pl.Series(name, listed, strict=True)
        if series.to_list() == listed:
            return series
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        pass
    return pl.Series(name, listed, dtype=pl.Object)
