"""Columns to a frame of pandas, polars or pyarrow: the one maker of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .extras import is_installed, require

__all__ = ["BACKENDS", "frame_backend", "make_frame"]

Array = np.ndarray[Any, np.dtype[Any]]
BACKENDS = ("pandas", "polars", "pyarrow")


def frame_backend(backend: str | None) -> str:
    """The package to make a frame with: the first of pandas, polars and pyarrow that is installed unless given.

    Raises
    ------
    ValueError, ImportError
        If it is none of these, or not installed.

    Examples
    --------
    >>> frame_backend("polars")
    'polars'
    """
    if backend is None:
        backend = next((name for name in BACKENDS if is_installed(name)), "pyarrow")
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is not one of {', '.join(map(repr, BACKENDS))}")
    require(backend, extra="data")
    return backend


def make_frame(
    columns: Mapping[str, Array | Sequence[Any]], backend: str | None, kinds: Mapping[str, type] | None = None
) -> Any:
    """A frame of equally long columns.

    Parameters
    ----------
    columns : mapping of name to array or list
        A list may hold None, which is missing.
    backend : {"pandas", "polars", "pyarrow"} or None
        What to make; the first of these that is installed if None.
    kinds : mapping of name to int, float or str, optional
        Types of columns with missing values; found in the values unless given.

    Raises
    ------
    ValueError
        If the backend is unknown, or has no type for a column (mixed ids in pyarrow).
    ImportError
        If it is not installed.
    """
    backend = frame_backend(backend)
    library, kinds = require(backend, extra="data"), kinds or {}
    if backend == "pandas":
        frame = library.DataFrame({name: list(x) if isinstance(x, Sequence) else x for name, x in columns.items()})
        named = {int: "Int64", float: "float64"}  # a missing integer as NaN would turn the others to floats
        return frame.astype({name: named[kind] for name, kind in kinds.items() if kind in named})
    if backend == "polars":
        types = {int: library.Int64, float: library.Float64, str: library.String}
        found = (_polars(library, name, x, types.get(kinds.get(name, object))) for name, x in columns.items())
        return library.DataFrame(list(found))
    types = {int: library.int64(), float: library.float64(), str: library.string()}
    out = {}
    for name, values in columns.items():
        plain = values if isinstance(values, np.ndarray) and values.dtype != object else list(values)
        try:
            out[name] = library.array(plain, types.get(kinds.get(name, object)))
        except (library.ArrowException, OverflowError):
            raise ValueError(
                f"pyarrow has no type for the mixed values of column {name!r}; use backend='pandas'"
            ) from None
    return library.table(out)


def _polars(pl: Any, name: str, values: Array | Sequence[Any], kind: Any) -> Any:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pl.Series(name, values)
    listed = list(values)
    if kind is not None:
        return pl.Series(name, listed, dtype=kind)
    if all(type(value) is str for value in listed):
        return pl.Series(name, listed, dtype=pl.String)
    try:
        series = pl.Series(name, listed, strict=True)
        if series.to_list() == listed:
            return series
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        pass
    return pl.Series(name, listed, dtype=pl.Object)
