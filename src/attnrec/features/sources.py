"""Reading of feature tables from frames, dicts, items and files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from .._util.arraylike import native
from ..data.io.delimited import read_table
from ..data.io.frames import frame_of
from ..data.io.parquet import read_whole
from ..data.io.parts import find_parts, holds_parquet
from ..data.io.source import SourceLocation
from ..data.items import Items
from .table import Table

__all__ = ["read"]


def read(data: Any, source: str) -> Table:
    """Columns of a data frame, a dict of columns, ``Items``, or a CSV or Parquet file or folder.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If columns differ in length, two have one name, or a file is broken.
    """
    if isinstance(data, (str, os.PathLike)):
        return _file(data)
    if isinstance(data, Items):
        columns: dict[str, Any] = {"id": data.ids.to_numpy(), "title": data.titles, **data.columns}
        return Table(columns, len(data), SourceLocation(source))
    if isinstance(data, Mapping):
        columns = {str(name): _listed(name, values, source) for name, values in data.items()}
        sizes = {name: len(values) for name, values in columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{source}: columns differ in length: {sizes}")
        return Table(columns, next(iter(sizes.values()), 0), SourceLocation(source))
    try:
        frame = frame_of(data, source)
    except TypeError:
        raise TypeError(
            f"{source}: {type(data).__name__} is no table; give a pandas or polars DataFrame, a pyarrow Table, a dict "
            "of columns, or the path of a CSV or Parquet file"
        ) from None
    except ValueError:
        raise
    except Exception as error:  # narwhals has an error of its own for each kind of broken frame
        raise ValueError(f"{source}: {error}") from error
    columns = {str(name): frame[name].to_native() for name in frame.columns}
    if len(columns) < len(frame.columns):
        raise ValueError(f"{source}: two columns have one name; rename one of {', '.join(map(str, frame.columns))}")
    return Table(columns, len(frame), SourceLocation(source))


def _file(path: Any) -> Table:
    source = find_parts(path)
    if holds_parquet(source):
        columns, place = read_whole(source)
        return Table(columns, len(next(iter(columns.values()), ())), place)
    try:
        columns, layout, place = read_table(source, {}, {})
    except ValueError as error:
        if not re.search(r"pass (header|encoding)=", str(error)):
            raise
        raise ValueError(
            f"{error}; an encoder has no such argument, so give it what read_items(path, ...) or a data frame library "
            "reads with it"
        ) from None
    return Table(columns, len(columns[layout.names[0]]), place, texts=True)


def _listed(name: Any, values: Any, source: str) -> Any:
    values = native(values, f"{source}: column {name!r}")
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{source}: column {name!r} is {type(values).__name__}, not a list or array")
    return values if hasattr(values, "__len__") else list(values)
