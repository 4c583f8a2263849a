"""A Parquet file to columns, its row groups one at a time and only the columns needed. No policies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._extras import need
from .columns import Column, guess_columns
from .encode import encode
from .frames import numbers, times
from .place import Columns, Place
from .streams import check_file, one_line, progress

__all__ = ["open_parquet", "read_parquet"]

_BATCH = 1 << 18


def open_parquet(path: str | os.PathLike[str]) -> Any:
    """A ``pyarrow.parquet.ParquetFile``, or a ValueError that says what the file is not."""
    pa, pq = need("pyarrow", extra="data"), need("pyarrow.parquet", extra="data")
    path = check_file(path)
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a whole Parquet file ({one_line(error)})") from None


def read_parquet(path: str | os.PathLike[str], given: Mapping[str, Column], *, show_progress: bool = True) -> Columns:
    """Read the columns of interactions; see :meth:`attnrec.data.Interactions.from_parquet`."""
    pa = need("pyarrow", extra="data")
    with open_parquet(path) as file:
        roles = guess_columns(file.schema_arrow.names, given=given, source=str(path))
        parts: dict[str, list[Any]] = {role: [] for role in roles}
        n_rows = file.metadata.num_rows
        with progress(n_rows, os.path.basename(path), show_progress, unit="row", large=5_000_000) as update:
            try:
                for batch in file.iter_batches(batch_size=_BATCH, columns=list(roles.values())):
                    for role, name in roles.items():
                        column = batch.column(name)
                        parts[role].append(_small(column) if role in ("user", "item") else column)
                    update(batch.num_rows)
            except (pa.ArrowException, OSError) as error:
                raise ValueError(f"{path}: cannot be read ({one_line(error)}); is it whole?") from None
    if not n_rows:
        raise ValueError(f"{path}: no rows")
    place = Place(str(path))
    column = {role: pa.chunked_array(parts.pop(role)) for role in roles}
    stamps, missing = times(column["timestamp"], place) if "timestamp" in column else (None, None)
    return Columns(
        users=encode(column["user"], f"{path}: user"),
        items=encode(column["item"], f"{path}: item"),
        ratings=numbers(column["rating"], place) if "rating" in column else None,
        stamps=stamps,
        stamp_missing=missing,
        place=place,
    )


def _small(column: Any) -> Any:
    """Strings and integers as codes into a dictionary of the batch, so that 25 million ids stay small."""
    types = need("pyarrow", extra="data").types
    kind = column.type
    if types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind):
        return column.dictionary_encode()
    return column
