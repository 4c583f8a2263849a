"""Reader of Parquet files, one row group at a time and only the required columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..._util.extras import require
from ..columns import Column, locate_columns
from ..factorize import Array, Coded, encode, join_coded
from .frames import numbers, times
from .magic import kind_of, refuse
from .parts import Part, Paths, Source, check_alike, find_parts
from .source import Columns, Files, SourceLocation
from .streams import one_line, progress

__all__ = ["read_parquet", "read_whole"]

_BATCH = 1 << 18
_DECODED = "read it with polars.read_parquet(path) and give the frame instead"


def _open(path: Path) -> Any:
    """A ``pyarrow.parquet.ParquetFile``, or a ValueError that says what the file is not."""
    pa, pq = require("pyarrow", extra="data"), require("pyarrow.parquet", extra="data")
    try:
        return pq.ParquetFile(path)
    except pa.ArrowNotImplementedError as error:
        raise ValueError(f"{path}: holds what pyarrow cannot decode ({one_line(error)}); {_DECODED}") from None
    except (pa.ArrowException, OSError) as error:
        kind = kind_of(path)
        if kind != "parquet":
            refuse(path)
            begins = (
                f"it begins like {kind}: unpack it, or read text in it with from_csv"
                if kind
                else "if it is text, read it with from_csv"
            )
            raise ValueError(f"{path}: not a whole Parquet file; {begins}") from None
        raise ValueError(f"{path}: not a whole Parquet file ({one_line(error)})") from None


def _names(file: Any, part: Part) -> list[str]:
    """The columns of a Parquet file, and those that its folders give where it has none of that name."""
    there = file.schema_arrow.names
    return [*there, *(key for key in part.keys if key not in there)]


def read_parquet(path: Paths | Source, given: Mapping[str, Column], *, show_progress: bool = True) -> Columns:
    """Read the columns of interactions; see :meth:`attnrec.data.Interactions.from_parquet`."""
    source = find_parts(path)
    sizes, reads = [], []
    first: list[str] = []
    for part in source.parts:  # all of them before the first row is read
        with _open(part.path) as file:
            names = _names(file, part)
            sizes.append(file.metadata.num_rows)
        first = first or names
        check_alike(part.path, names, source.parts[0].path, first)
    if not any(sizes):
        raise ValueError(f"{source.name}: no rows")
    roles = locate_columns(first, given=given, source=source.name)
    with progress(sum(sizes), Path(source.name).name, show_progress, unit="row", large=5_000_000) as update:
        for part, size in zip(source.parts, sizes, strict=True):
            if size:
                reads.append(_one(part, {role: first[k] for role, k in roles.items()}, roles, update))
    place = SourceLocation(source.name)
    if not source.single:
        starts = np.cumsum([0, *sizes])
        place = SourceLocation(source.name, files=Files(tuple(str(part.path) for part in source.parts), starts, "row"))
    missing = [read.stamp_missing for read in reads]
    return Columns(
        users=join_coded([read.users for read in reads]),
        items=join_coded([read.items for read in reads]),
        ratings=_joined([read.ratings for read in reads]),
        stamps=_times(reads),
        stamp_missing=None if all(mask is None for mask in missing) else _masks(reads),
        place=place,
    )


def read_whole(path: Paths | Source) -> tuple[dict[str, Any], SourceLocation]:
    """All columns of small files: name -> Arrow column, and the rows. Two columns of one name are refused."""
    pa = require("pyarrow", extra="data")
    source = find_parts(path)
    tables: list[Any] = []
    sizes = []
    for part in source.parts:
        with _open(part.path) as file:
            names = _names(file, part)
            try:
                table = file.read()
            except (pa.ArrowException, OSError) as error:
                raise _unread(part.path, error) from None
        if len(set(names)) < len(names):
            again = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"{part.path}: two columns have one name, {again!r}; rename one: columns are {', '.join(names)}"
            )
        for key, value in part.keys.items():
            if key not in table.column_names:
                table = table.append_column(key, _constant(value, table.num_rows))
        check_alike(part.path, names, source.parts[0].path, tables[0].column_names if tables else names)
        tables.append(table)
        sizes.append(table.num_rows)
    try:
        whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise ValueError(f"{source.name}: the files have columns of other types ({one_line(error)})") from None
    files = Files(tuple(str(part.path) for part in source.parts), np.cumsum([0, *sizes]), "row")
    place = SourceLocation(source.name, files=None if source.single else files)
    return {name: whole.column(name) for name in whole.column_names}, place


def _one(part: Part, names: Mapping[str, str], roles: Mapping[str, int], update: Any) -> Columns:
    """The columns of one file that has rows."""
    pa = require("pyarrow", extra="data")
    chunks: dict[str, list[Any]] = {role: [] for role in names}
    with _open(part.path) as file:
        there = file.schema_arrow.names
        # a column that is there twice is the one at the position that it has in the first file
        rank = {role: there[: roles[role]].count(name) for role, name in names.items() if there.count(name) > 1}
        try:
            for batch in file.iter_batches(batch_size=_BATCH, columns=sorted(set(names.values()) & set(there))):
                for role, name in names.items():
                    at = batch.schema.get_all_field_indices(name)
                    value = batch.column(at[rank.get(role, 0)]) if at else _constant(part.keys[name], batch.num_rows)
                    chunks[role].append(_small(value) if role in ("user", "item") else value)
                update(batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise _unread(part.path, error) from None
    place = SourceLocation(str(part.path))
    column = {role: pa.chunked_array(chunks.pop(role)) for role in names}
    stamps, missing = times(column["timestamp"], place) if "timestamp" in column else (None, None)
    return Columns(
        users=_coded(column["user"], part, "user"),
        items=_coded(column["item"], part, "item"),
        ratings=numbers(column["rating"], place) if "rating" in column else None,
        stamps=stamps,
        stamp_missing=missing,
        place=place,
    )


def _coded(column: Any, part: Part, role: str) -> Coded:
    return encode(column, f"{part.path}: {role}")


def _unread(path: Path, error: Exception) -> ValueError:
    if isinstance(error, require("pyarrow", extra="data").ArrowNotImplementedError):
        return ValueError(f"{path}: holds what pyarrow cannot decode ({one_line(error)}); {_DECODED}")
    return ValueError(f"{path}: cannot be read ({one_line(error)}); is it whole?")


def _joined(parts: Sequence[Array | None]) -> Array | None:
    there = [part for part in parts if part is not None]
    return None if not there else there[0] if len(there) == 1 else np.concatenate(there)


def _times(reads: Sequence[Columns]) -> Array | None:
    """Times of all files; where some are dates, all must be, unless they are all missing."""
    known = [read for read in reads if read.stamps is not None]
    said = [r for r in known if r.stamp_missing is None or not r.stamp_missing.all()]
    kinds = {read.stamps.dtype.kind == "M": read for read in said if read.stamps is not None}
    if len(kinds) > 1:
        a, b = kinds[True].place.source, kinds[False].place.source
        raise ValueError(f"{a}: timestamps are dates, and those of {b} are numbers; make them alike")
    if said and said[0].stamps is not None:
        kind = np.result_type(*(read.stamps.dtype for read in said if read.stamps is not None))
        return _joined([np.asarray(r.stamps).astype(kind, copy=False) for r in known])
    return _joined([read.stamps for read in known])


def _masks(reads: Sequence[Columns]) -> Array:
    return np.concatenate(
        [np.zeros(len(r.users.codes), bool) if r.stamp_missing is None else r.stamp_missing for r in reads]
    )


def _constant(value: int | str | None, n: int) -> Any:
    pa = require("pyarrow", extra="data")
    kind = pa.null() if value is None else pa.int64() if isinstance(value, int) else pa.string()
    return pa.repeat(pa.scalar(value, kind), n)


def _small(column: Any) -> Any:
    """Strings and whole numbers as codes into a dictionary of the batch, so that 25 million ids stay small."""
    types = require("pyarrow", extra="data").types
    kind = column.type
    if any(fits(kind) for fits in (types.is_integer, types.is_decimal, types.is_string, types.is_large_string)):
        return column.dictionary_encode()
    return column
