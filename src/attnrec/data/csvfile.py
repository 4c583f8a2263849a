"""A delimited text file, streamed by Arrow in blocks, to columns. No policies: what is missing stays marked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._extras import need
from .columns import Column
from .encode import Array, Coded, encode
from .ids import from_texts
from .lines import NULLS, Layout, find_fault, lines_of
from .place import Columns, Place
from .sniff import sniff
from .streams import ByteStream, broken_stream, check_file, one_line, open_bytes, open_text, progress

__all__ = ["ids_of_texts", "read_csv", "read_table"]

_BLOCK = 1 << 21
_STAND_IN = "\x1f"  # Arrow takes one byte only: "::" is replaced by the unit separator of ASCII


class _File(NamedTuple):
    path: Path
    layout: Layout
    encoding: str


class _Retry(Exception):
    """Times that began as integers turned out to be decimals."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout


def read_csv(
    path: str | os.PathLike[str],
    given: Mapping[str, Column],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
    show_progress: bool = True,
) -> Columns:
    """Read the columns of interactions; see :meth:`attnrec.data.Interactions.from_csv`."""
    path = check_file(path)
    file = _File(path, sniff(path, given, separator=separator, header=header, encoding=encoding), encoding)
    try:
        column, place = _interactions(file, show_progress)
    except _Retry as again:
        file = file._replace(layout=again.layout)
        column, place = _interactions(file, show_progress)
    ratings, stamps = column.pop("rating", None), column.pop("timestamp", None)
    columns = Columns(
        users=ids_of_texts(column.pop("user")),
        items=ids_of_texts(column.pop("item")),
        ratings=None if ratings is None else ratings.fill_null(float("nan")).to_numpy(),
        stamps=None if stamps is None else _stamps(stamps, file.layout.time_kind),
        stamp_missing=stamps.is_null().to_numpy() if stamps is not None and stamps.null_count else None,
        place=place,
    )
    column.clear()
    need("pyarrow", extra="data").default_memory_pool().release_unused()
    return columns


def read_table(
    path: Path,
    given: Mapping[str, Column],
    table: Mapping[str, Sequence[str]],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> tuple[dict[str, Any], Layout, Place]:
    """Read all columns of a small file as text: name -> Arrow strings, the layout with its roles, and the lines."""
    path = check_file(path)
    layout = sniff(path, given, separator=separator, header=header, encoding=encoding, table=table)
    text = need("pyarrow", extra="data").string()
    found, place = _chunks(_File(path, layout, encoding), dict.fromkeys(layout.names, text), show_progress=False)
    return found, layout, place


def ids_of_texts(column: Any) -> Coded:
    """Codes of a column of text; an empty field is no id, and plain integers become integers."""
    coded = encode(column)
    texts = coded.values.tolist()
    if "" not in texts:
        return Coded(coded.codes, from_texts(texts))
    kept = np.array([text != "" for text in texts])
    moved = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    return Coded(moved[coded.codes], from_texts(text for text in texts if text))


def _interactions(file: _File, show_progress: bool) -> tuple[dict[str, Any], Place]:
    """Arrow columns by role."""
    pa = need("pyarrow", extra="data")
    ids = pa.dictionary(pa.int32(), pa.string())
    times = {"int": pa.int64(), "float": pa.float64(), "time": pa.timestamp("ns"), "zoned": pa.timestamp("ns", "UTC")}
    kinds = {"user": ids, "item": ids, "rating": pa.float32(), "timestamp": times[file.layout.time_kind or "int"]}
    roles = file.layout.roles
    found, place = _chunks(file, {name: kinds[role] for role, name in roles.items()}, show_progress)
    return {role: found[name] for role, name in roles.items()}, place


def _chunks(file: _File, types: Mapping[str, Any], show_progress: bool) -> tuple[dict[str, Any], Place]:
    """Read some columns of the file, block by block."""
    pa = need("pyarrow", extra="data")
    path, layout, encoding = file
    parts: dict[str, list[Any]] = {name: [] for name in types}
    n_rows = 0
    with progress(os.path.getsize(path), path.name, show_progress) as update:
        try:
            with _reader(file, types, update) as (stream, reader):
                for batch in reader:
                    n_rows += batch.num_rows
                    for name, chunks in parts.items():
                        chunks.append(batch.column(name))
        except (pa.ArrowException, UnicodeError, OSError) as error:
            raise _explain(file, error) from None
    if not n_rows:
        raise ValueError(f"{path}: a header and no rows" if layout.has_header else f"{path}: no rows")
    one_line_each = stream.lines - n_rows == layout.has_header

    def numbers(rows: Array) -> Array:
        if one_line_each or not len(rows):
            return rows + 1 + layout.has_header
        with open_text(path, encoding) as text:
            return lines_of(text, layout.separator, layout.has_header, rows)

    return {name: pa.chunked_array(chunks) for name, chunks in parts.items()}, Place(str(path), "line", numbers)


@contextlib.contextmanager
def _reader(file: _File, types: Mapping[str, Any], update: Callable[[int], object]) -> Iterator[tuple[ByteStream, Any]]:
    """A block-wise Arrow reader over the file, and the stream below it, closed together."""
    pc = need("pyarrow.csv", extra="data")
    path, layout, encoding = file
    wide = len(layout.separator) > 1
    old, new = (layout.separator.encode(), _STAND_IN.encode()) if wide else (b"", b"")
    with contextlib.closing(ByteStream(open_bytes(path, update), old=old, new=new, encoding=encoding)) as stream:
        reader = pc.open_csv(
            stream,
            read_options=pc.ReadOptions(
                block_size=_BLOCK,
                column_names=layout.names,
                skip_rows=layout.blank,
                skip_rows_after_names=int(layout.has_header),
            ),
            parse_options=pc.ParseOptions(
                delimiter=_STAND_IN if wide else layout.separator,
                quote_char=False if wide else '"',
                newlines_in_values=not wide,
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict(types),
                include_columns=list(types),
                null_values=list(NULLS),
                strings_can_be_null=False,
            ),
        )
        with contextlib.closing(reader):
            yield stream, reader


def _explain(file: _File, error: Exception) -> Exception:
    """What to raise when Arrow gave up: the broken line, found by reading once more, slowly."""
    path, layout, encoding = file
    try:
        with open_text(path, encoding) as text:
            fault = find_fault(text, layout)
        if fault is not None and fault.role == "timestamp" and layout.time_kind == "int":
            decimal = replace(layout, time_kind="float")
            with open_text(path, encoding) as text:
                second = find_fault(text, decimal)
            if second is None or second.line > fault.line:
                return _Retry(decimal)
    except UnicodeError:
        return ValueError(f"{path}: the file is not text in encoding {encoding!r}")
    except OSError as stopped:
        return broken_stream(path, stopped)
    if fault is None:
        return ValueError(f"{path}: {one_line(error)}")
    return ValueError(f"{path}:{fault.line}: {fault.text}")


def _stamps(column: Any, kind: str | None) -> Array:
    if kind in ("time", "zoned"):
        return np.asarray(column.to_numpy()).astype("datetime64[us]")
    return np.asarray(column.fill_null(0).to_numpy())
