"""Frames of any kind to columns, and columns to frames. The only file that knows narwhals, pandas and polars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._extras import have, need
from .columns import Column, guess_columns
from .encode import Array, as_arrow, as_list, encode, is_missing
from .place import Columns, Place

__all__ = ["BACKENDS", "columns_of", "decimals", "default_backend", "frame_of", "make_frame", "numbers", "times"]

BACKENDS = ("pandas", "polars", "pyarrow")


def frame_of(data: Any) -> Any:
    """Any frame that narwhals understands, as a narwhals one; a lazy one is collected.

    Raises
    ------
    TypeError
        If it is not a frame.
    """
    nw = need("narwhals", extra="data")
    try:
        frame = nw.from_native(data)
    except TypeError:
        kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
        raise TypeError(
            f"from_frame: {kind} is not a data frame; give a pandas or polars DataFrame or a pyarrow Table, "
            "or use from_csv, from_parquet, from_sparse or from_arrays"
        ) from None
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def columns_of(data: Any, given: Mapping[str, Column]) -> tuple[Columns, str | None]:
    """The columns of a frame, and the name of its backend (None for one that cannot be made again)."""
    frame = frame_of(data)
    backend = str(frame.implementation).lower()
    names = [str(name) for name in frame.columns]
    roles = guess_columns(names, given=given, source="from_frame")
    column = {role: frame[frame.columns[names.index(name)]].to_native() for role, name in roles.items()}
    place = Place("from_frame")
    stamps, missing = times(column["timestamp"], place) if "timestamp" in column else (None, None)
    return Columns(
        users=encode(column["user"], "from_frame: user"),
        items=encode(column["item"], "from_frame: item"),
        ratings=numbers(column["rating"], place) if "rating" in column else None,
        stamps=stamps,
        stamp_missing=missing,
        place=place,
    ), backend if backend in BACKENDS else None


def numbers(column: Any, place: Place) -> Array:
    """Ratings as float32, NaN where missing; see :func:`decimals`."""
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is refused later
        return decimals(column, place, "rating").astype(np.float32)


def decimals(column: Any, place: Place, role: str) -> Array:
    """Numbers as float64, NaN where missing.

    Raises
    ------
    ValueError
        If a value is not a number; the message names its row.
    """
    pa = need("pyarrow", extra="data")
    arrow = as_arrow(column)
    if arrow is not None and not pa.types.is_temporal(arrow.type):
        try:
            return _numpy(arrow.cast(pa.float64()).fill_null(float("nan")))
        except (pa.ArrowException, ValueError):
            pass
    out = np.empty(len(column))
    for row, value in enumerate(as_list(column)):
        try:
            out[row] = np.nan if is_missing(value) else float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{place.at(row)}: {role} {value!r:.60} is not a number; fix or remove the row") from None
    return out


def times(
    column: Any, place: Place, role: str = "timestamp", fix: str = "or pass timestamp=False"
) -> tuple[Array, Array | None]:
    """Times as int64, float64 or datetime64[us] (UTC if they have a zone), and the mask of missing ones or None.

    Raises
    ------
    ValueError
        If a value is neither a number nor a time; the message names its row.
    """
    pa = need("pyarrow", extra="data")
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
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if pa.types.is_integer(kind) and kind != pa.uint64():
            return _numpy(arrow.cast(pa.int64()).fill_null(0)), missing
        found = _numpy(arrow.cast(pa.float64()).fill_null(float("nan")))
        lost = ~np.isfinite(found)
        return np.where(lost, 0.0, found), lost if lost.any() else None
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        whole = arrow.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return _numpy(whole).astype("datetime64[us]"), missing
    return _parsed(as_list(column), place, role, fix)


def _parsed(values: list[Any], place: Place, role: str, fix: str) -> tuple[Array, Array | None]:
    """Times written as ISO 8601 text, or Python objects that Arrow did not take."""
    import datetime

    out = np.zeros(len(values), "datetime64[us]")
    missing = np.zeros(len(values), bool)
    for row, value in enumerate(values):
        if is_missing(value) or value == "":
            missing[row] = True
            continue
        try:
            moment = datetime.datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
            if getattr(moment, "tzinfo", None) is not None:
                moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
            out[row] = np.datetime64(moment, "us")
        except (TypeError, ValueError):
            raise ValueError(
                f"{place.at(row)}: {role} {value!r:.60} is not a number or ISO 8601 time; fix it {fix}"
            ) from None
    return out, missing if missing.any() else None


def _numpy(arrow: Any) -> Array:
    return np.array(arrow.to_numpy(zero_copy_only=False) if not hasattr(arrow, "chunks") else arrow.to_numpy())


def default_backend() -> str:
    """The frame to make where none was given: pandas if installed, else polars, else pyarrow."""
    return next((name for name in BACKENDS if have(name)), "pyarrow")


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
    library = need(backend, extra="data")
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
