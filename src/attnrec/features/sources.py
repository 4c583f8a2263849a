"""Tables from frames, dicts, items and files. Types nothing: columns stay as they come."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.csvfile import read_table
from ..data.frames import frame_of
from ..data.items import Items
from ..data.parquet import open_parquet
from ..data.place import Place
from .table import Table

__all__ = ["read"]


def read(data: Any, source: str) -> Table:
    """Columns of a data frame, a dict of columns, ``Items``, or a CSV or Parquet file.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If columns differ in length, two have one name, or a file is broken.
    """
    if isinstance(data, (str, os.PathLike)):
        return _file(Path(data))
    if isinstance(data, Items):
        columns: dict[str, Any] = {"id": data.ids.to_numpy(), "title": data.titles, **data.columns}
        return Table(columns, len(data), Place(source))
    if isinstance(data, Mapping):
        columns = {str(name): _listed(name, values, source) for name, values in data.items()}
        sizes = {name: len(values) for name, values in columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{source}: columns differ in length: {sizes}")
        return Table(columns, next(iter(sizes.values()), 0), Place(source))
    try:
        frame = frame_of(data)
    except TypeError:
        raise TypeError(
            f"{source}: {type(data).__name__} is no table; give a pandas or polars DataFrame, a pyarrow Table, a dict "
            "of columns, or the path of a CSV or Parquet file"
        ) from None
    except Exception as error:  # narwhals has an error of its own for each kind of broken frame
        raise ValueError(f"{source}: {error}") from error
    columns = {str(name): frame[name].to_native() for name in frame.columns}
    if len(columns) < len(frame.columns):
        raise ValueError(f"{source}: two columns have one name; rename one of {', '.join(map(str, frame.columns))}")
    return Table(columns, len(frame), Place(source))


def _file(path: Path) -> Table:
    if path.name.lower().endswith((".parquet", ".pq")):
        with open_parquet(path) as file:
            found = file.read()
        return Table({name: found.column(name) for name in found.column_names}, found.num_rows, Place(str(path)))
    columns, layout, place = read_table(path, {}, {})
    return Table(columns, len(columns[layout.names[0]]), place, texts=True)


def _listed(name: Any, values: Any, source: str) -> Any:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{source}: column {name!r} is {type(values).__name__}, not a list or array")
    return values if hasattr(values, "__len__") else list(values)
