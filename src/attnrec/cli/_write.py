"""Atomic writes of tables to CSV, Parquet or JSON lines files."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .._util.extras import require

__all__ = ["beside", "suffix_of", "write_tables"]


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A fresh file in the same folder that takes the place of ``path`` when the block ends well, and goes if not."""
    if not path.parent.is_dir():
        raise ValueError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp made it readable for the owner alone; give it what a new file would have.
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def suffix_of(path: Path) -> str:
    """The format that the name asks for.

    Raises
    ------
    ValueError
        If it is none of those that can be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise ValueError(f"{path}: cannot write {suffix or 'a file without suffix'}; use {', '.join(_WRITERS)}")
    return suffix


def write_tables(path: Path, tables: Iterable[Any]) -> int:
    """Write pyarrow tables of one schema, one after the other; returns the number of rows."""
    writer = _WRITERS[suffix_of(path)]
    with beside(path) as part:
        return writer(part, iter(tables))


def _columnar(open_writer: Callable[[Path, Any], Any]) -> Callable[[Path, Iterator[Any]], int]:
    def write(part: Path, tables: Iterator[Any]) -> int:
        first = next(tables)
        rows = first.num_rows
        with open_writer(part, first.schema) as out:
            out.write_table(first)
            for table in tables:
                out.write_table(table)
                rows += table.num_rows
        return int(rows)

    return write


def _json_lines(part: Path, tables: Iterator[Any]) -> int:
    rows = 0
    with part.open("w", encoding="utf-8") as out:
        for table in tables:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
            rows += table.num_rows
    return rows


_csv = _columnar(lambda part, schema: require("pyarrow.csv", extra="data").CSVWriter(part, schema))
_parquet = _columnar(lambda part, schema: require("pyarrow.parquet", extra="data").ParquetWriter(part, schema))
_WRITERS: dict[str, Callable[[Path, Iterator[Any]], int]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
