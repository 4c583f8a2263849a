"""Reader of delimited text files, streamed by Arrow in blocks; missing values stay marked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..._util.extras import require
from ..columns import COMMON_NAMES, Column
from ..factorize import Array, Coded, encode
from ..ids import from_texts
from .blanks import QuoteWatch, Trimmer
from .dialect import Empty, sniff, time_kind
from .magic import open_bytes
from .parts import Part, Paths, Source, check_alike, find_parts
from .records import NULLS, Layout, find_fault, lines_of
from .source import Columns, Files, SourceLocation
from .streams import ByteStream, broken_stream, one_line, open_text, progress

__all__ = ["ids_of_texts", "read_csv", "read_table"]

_BLOCK = 1 << 21
_STAND_IN = "\x1f"  # Arrow takes one byte only: "::" is replaced by the unit separator of ASCII


@dataclass(frozen=True)
class _File:
    part: Part
    layout: Layout
    encoding: str


class _Again(Exception):
    """The layout was guessed wrongly: read once more with these fields of it changed."""

    def __init__(self, **change: Any) -> None:
        self.change = change


@dataclass(frozen=True)
class _Read:
    """Columns of one file, chunk by chunk, its rows, its lines (or more), and which line a row is on."""

    chunks: dict[str, list[Any]]
    n_rows: int
    n_lines: int
    numbers: Callable[[Array], Array]


def read_csv(
    path: Paths | Source,
    given: Mapping[str, Column],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
    show_progress: bool = True,
) -> Columns:
    """Read the columns of interactions; see :meth:`attnrec.data.Interactions.from_csv`."""
    source = find_parts(path)
    options: dict[str, Any] = {"separator": separator, "header": header, "encoding": encoding}
    files = _files(source, given, COMMON_NAMES, options)
    while True:
        found = _columns(source, files, show_progress)
        if isinstance(found, Columns):
            return found
        files = [replace(file, layout=replace(file.layout, **found.change)) for file in files]


def read_table(
    path: Paths | Source,
    given: Mapping[str, Column],
    table: Mapping[str, Sequence[str]],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> tuple[dict[str, Any], Layout, SourceLocation]:
    """Read all columns of small files as text: name -> Arrow strings, the layout with its roles, and the lines."""
    source = find_parts(path)
    options: dict[str, Any] = {"separator": separator, "header": header, "encoding": encoding}
    files = _files(source, given, table, options)
    files = [replace(file, layout=replace(file.layout, trim=True)) for file in files]
    layout = files[0].layout
    text = require("pyarrow", extra="data").string()
    keys = [key for key in files[0].part.keys if key not in layout.head]
    found, place = _all(source, files, dict.fromkeys([*layout.names, *keys], text), show_progress=False)
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


def _files(
    source: Source, given: Mapping[str, Column], table: Mapping[str, Sequence[str]], options: Mapping[str, Any]
) -> list[_File]:
    """The layout of each file that holds something. All have the same columns, in any order if they name them."""
    files: list[_File] = []
    extra = list(source.parts[0].keys)
    for part in source.parts:
        first = files[0] if files else None
        wanted, settled = (given, None) if first is None else (_as_in(first.layout, given, table), first.layout.roles)
        try:
            layout = sniff(part.path, wanted, **options, table=table, extra=extra, roles=settled)
        except Empty:
            if source.single:
                raise
            continue
        if first is not None:
            _check_like(first, part, layout)
        files.append(_File(part, layout, options["encoding"]))
    if not files:
        raise ValueError(f"{source.name}: the files are all empty")
    kinds = _kinds(files)
    return [replace(file, layout=replace(file.layout, time_kind=kinds)) for file in files]


def _as_in(layout: Layout, given: Mapping[str, Column], table: Mapping[str, Sequence[str]]) -> dict[str, Column]:
    """What to ask of another file so that its roles have the columns that they have in the first."""
    known = [*layout.names, *(name for name in layout.roles.values() if name not in layout.names)]
    if layout.has_header and layout.names == layout.head:
        return {role: layout.roles.get(role, False) for role in {*table, *given}}
    return {role: known.index(layout.roles[role]) if role in layout.roles else False for role in {*table, *given}}


def _check_like(first: _File, part: Part, layout: Layout) -> None:
    """Raise ValueError if a later file has other columns than the first, or names them where that does not."""
    other, there = first.layout, first.part.path
    if layout.has_header != other.has_header:
        one, two = ("does", "does not") if layout.has_header else ("does not", "does")
        raise ValueError(
            f"{part.path}:1: the first line {one} name the columns, and that of {there} {two}: make them alike, or "
            "pass header="
        )
    check_alike(part.path, layout.head, there, other.head)


def _kinds(files: Sequence[_File]) -> str | None:
    """The kind of times in all files."""
    role = files[0].layout.roles.get("timestamp")
    if role is None:
        return None
    keys = [str(file.part.keys.get(role) or "") for file in files]
    found = {kind: file for file in reversed(files) if (kind := file.layout.time_kind or time_kind(keys)) is not None}
    if set(found) <= {"int"}:
        return "int"
    if set(found) <= {"int", "float"}:
        return "float"
    if len(found) > 1:
        (one, a), (two, b) = sorted(found.items())[:2]
        raise ValueError(f"{a.part.path}: timestamps differ in kind from those of {b.part.path} ({one} and {two})")
    return next(iter(found))


def _columns(source: Source, files: Sequence[_File], show_progress: bool) -> Columns | _Again:
    """The columns of interactions, or what to change about the layouts for another try."""
    pa = require("pyarrow", extra="data")
    layout = files[0].layout
    ids = pa.dictionary(pa.int32(), pa.string())
    times = {"int": pa.int64(), "float": pa.float64(), "time": pa.timestamp("ns"), "zoned": pa.timestamp("ns", "UTC")}
    kinds = {"user": ids, "item": ids, "rating": pa.float32(), "timestamp": times[layout.time_kind or "int"]}
    try:
        found, place = _all(source, files, {layout.roles[role]: kinds[role] for role in layout.roles}, show_progress)
    except _Again as again:
        return again
    column = {role: found[name] for role, name in layout.roles.items()}
    del found
    users, items = ids_of_texts(column.pop("user")), ids_of_texts(column.pop("item"))
    if not layout.trim and (_has_blanks(users.values) or _has_blanks(items.values)):
        return _Again(trim=True)
    ratings, stamps = column.pop("rating", None), column.pop("timestamp", None)
    columns = Columns(
        users=users,
        items=items,
        ratings=None if ratings is None else ratings.fill_null(float("nan")).to_numpy(),
        stamps=None if stamps is None else _stamps(stamps, layout.time_kind),
        stamp_missing=stamps.is_null().to_numpy() if stamps is not None and stamps.null_count else None,
        place=place,
    )
    column.clear()
    pa.default_memory_pool().release_unused()
    return columns


def _has_blanks(ids: Array) -> bool:
    """Whether an id begins or ends with a blank, which stood beside a separator or in quotes."""
    if ids.dtype != object or not all(type(name) is str for name in ids[:1]):
        return False
    text = "\0".join(["", *ids.tolist(), ""])
    return any(pair in text for pair in ("\0 ", "\0\t", " \0", "\t\0"))


def _all(
    source: Source, files: Sequence[_File], types: Mapping[str, Any], show_progress: bool
) -> tuple[dict[str, Any], SourceLocation]:
    """Some columns of all files, one after another."""
    pa = require("pyarrow", extra="data")
    reads = []
    with progress(source.size, source.name, show_progress) as update:
        for file in files:
            own = {name: kind for name, kind in types.items() if name in file.layout.names}
            read = _one(file, own, update)
            for name, kind in types.items():
                if name not in own:
                    read.chunks[name] = [_constant(file, name, kind, read.n_rows)]
            reads.append(read)
    if not any(read.n_rows for read in reads):
        raise ValueError(
            f"{source.name}: a header and no rows" if files[0].layout.has_header else f"{source.name}: no rows"
        )
    columns = {
        name: pa.chunked_array([chunk for read in reads for chunk in read.chunks[name]], kind)
        for name, kind in types.items()
    }
    if source.single:
        return columns, SourceLocation(source.name, "line", reads[0].numbers)
    starts = np.cumsum([0, *(read.n_lines for read in reads)])
    rows = np.cumsum([0, *(read.n_rows for read in reads)])

    def numbers(wanted: Array) -> Array:
        cuts = np.searchsorted(wanted, rows)
        parts = [
            read.numbers(wanted[a:b] - row) + line
            for read, a, b, row, line in zip(reads, cuts[:-1], cuts[1:], rows, starts, strict=False)
        ]
        return np.concatenate(parts)

    return columns, SourceLocation(
        source.name, "line", numbers, Files(tuple(str(file.part.path) for file in files), starts, "line")
    )


def _constant(file: _File, name: str, kind: Any, n: int) -> Any:
    """A column that the name of the folder gives."""
    pa = require("pyarrow", extra="data")
    said = file.part.keys[name]
    text = None if said is None else str(said)
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    try:
        value = pa.scalar("" if text is None and pa.types.is_string(plain) else text, pa.string()).cast(plain)
    except pa.ArrowException:
        raise ValueError(f"{file.part.path}: the folder {name}={text} is not a {plain}; pass another column") from None
    column = pa.repeat(value, n)
    return column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column


def _one(file: _File, types: Mapping[str, Any], update: Callable[[int], object]) -> _Read:
    """Read some columns of a file, block by block."""
    pa = require("pyarrow", extra="data")
    path, layout = file.part.path, file.layout
    chunks: dict[str, list[Any]] = {name: [] for name in types}
    n_rows = 0
    watch = QuoteWatch(layout.separator.encode())
    try:
        with _reader(file, types, update, watch) as (stream, reader):
            for batch in reader:
                n_rows += batch.num_rows
                for name, parts in chunks.items():
                    parts.append(batch.column(name))
    except (pa.ArrowException, UnicodeError, OSError) as error:
        raise _explain(file, types, error) from None
    if watch.seen:
        raise _Again(trim=True)
    one_line_each = stream.lines - n_rows == layout.has_header

    def numbers(rows: Array) -> Array:
        if one_line_each or not len(rows):
            return rows + 1 + layout.has_header
        with open_text(path, file.encoding, layout.separator) as text:
            return lines_of(text, layout.separator, layout.has_header, rows)

    return _Read(chunks, n_rows, stream.lines + stream.returns, numbers)


@contextlib.contextmanager
def _reader(
    file: _File, types: Mapping[str, Any], update: Callable[[int], object], watch: QuoteWatch
) -> Iterator[tuple[ByteStream, Any]]:
    """A block-wise Arrow reader over the file, and the stream below it, closed together."""
    pc = require("pyarrow.csv", extra="data")
    layout = file.layout
    wide = len(layout.separator) > 1
    mark = _STAND_IN if wide else layout.separator
    old, new = (layout.separator.encode(), mark.encode()) if wide else (b"", b"")
    through: Any = Trimmer(mark.encode(), quoted=not wide) if layout.trim else None if wide else watch
    source = open_bytes(file.part.path, update)
    with contextlib.closing(ByteStream(source, old=old, new=new, encoding=file.encoding, through=through)) as stream:
        reader = pc.open_csv(
            stream,
            read_options=pc.ReadOptions(
                block_size=_BLOCK,
                column_names=layout.names,
                skip_rows=layout.blank,
                skip_rows_after_names=int(layout.has_header),
            ),
            parse_options=pc.ParseOptions(
                delimiter=mark,
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


def _explain(file: _File, types: Mapping[str, Any], error: Exception) -> Exception:
    """What to raise when Arrow gave up: the broken line, found by reading once more, slowly."""
    path, layout = file.part.path, file.layout

    def fault_of(layout: Layout) -> Any:
        with open_text(path, file.encoding, layout.separator) as text:
            return find_fault(text, layout, types)

    try:
        fault = fault_of(layout)
        if fault is not None and fault.role == "timestamp" and layout.time_kind == "int":
            second = fault_of(replace(layout, time_kind="float"))
            if second is None or second.line > fault.line:
                return _Again(time_kind="float")
    except UnicodeError:
        return ValueError(f"{path}: the file is not text in encoding {file.encoding!r}")
    except OSError as stopped:
        return broken_stream(path, stopped)
    if fault is not None:
        return ValueError(f"{path}:{fault.line}: {fault.text}")
    if not layout.trim:
        return _Again(trim=True)
    return ValueError(f"{path}: {one_line(error)}")


def _stamps(column: Any, kind: str | None) -> Array:
    if kind in ("time", "zoned"):
        return np.asarray(column.to_numpy()).astype("datetime64[us]")
    return np.asarray(column.fill_null(0).to_numpy())
