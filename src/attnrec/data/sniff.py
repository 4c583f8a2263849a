"""The layout of a delimited text file, guessed from its beginning. Reads 64 KiB and builds no columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .columns import COMMON_NAMES, Column, guess_columns
from .lines import NULLS, Layout, is_integer, is_number, is_time, records
from .streams import broken_stream, open_text

__all__ = ["sniff"]

_SAMPLE = 1 << 16
_SEPARATORS = ("::", ",", ";", "\t", "|")
_POSITIONS = ("user", "item", "rating", "timestamp")


def sniff(
    path: Path,
    given: Mapping[str, Column],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
    table: Mapping[str, Sequence[str]] = COMMON_NAMES,
) -> Layout:
    """Find out separator, header, columns and the kind of times from the first 64 KiB of a file."""
    sample = _sample(path, encoding)
    first = next((line for line in sample.splitlines() if line), "")
    if not first:
        raise ValueError(f"{path}: the file is empty")
    if separator is None:
        separator = max(_SEPARATORS, key=lambda sep: len(_split(first, sep)))
    elif separator != "::" and (len(separator) != 1 or not separator.isascii() or separator in '\r\n"'):
        raise ValueError(f"{path}: separator={separator!r} is not one ASCII character or '::'")
    try:
        rows = list(records(io.StringIO(sample, newline=""), separator))
    except csv.Error:
        rows = [(1, _split(first, separator))]
    head = rows[0][1]
    has_header, names = _names(path, head, header)
    roles = _roles(path, names, has_header, header, given, table)
    body = [fields for _, fields in rows[has_header:] if len(fields) == len(names)]
    layout = Layout(separator, has_header, names, roles, blank=rows[0][0] - 1)
    if "timestamp" in roles:
        at = names.index(roles["timestamp"])
        layout = replace(layout, time_kind=_time_kind([f[at] for f in body if f[at] not in NULLS]))
    return layout


def _sample(path: Path, encoding: str) -> str:
    try:
        with open_text(path, encoding) as text:
            sample = text.read(_SAMPLE)
    except UnicodeError:
        raise ValueError(f"{path}: the file is not text in encoding {encoding!r}") from None
    except OSError as error:
        raise broken_stream(path, error) from None
    if sample.startswith("PAR1"):
        raise ValueError(f"{path}: this is a Parquet file; read it with from_parquet")
    if "\0" in sample:
        raise ValueError(
            f"{path}: the file holds zero bytes, so it is not text in {encoding}; pass encoding= ('utf-16'?)"
        )
    if len(sample) == _SAMPLE and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    return sample


def _split(line: str, separator: str) -> list[str]:
    return line.split(separator) if len(separator) > 1 else next(csv.reader([line], delimiter=separator))


def _names(path: Path, head: list[str], header: bool | Sequence[str] | None) -> tuple[bool, list[str]]:
    if isinstance(header, (str, bytes)):
        raise TypeError(f"{path}: header={header!r} is not True, False or a list of column names")
    if header is None:
        header = not all(is_number(field) for field in head)
    if header is True:
        names = [name.strip() for name in head]
    elif header is False:
        names = [str(k) for k in range(len(head))]
    else:
        names = [str(name) for name in header]
        if len(names) != len(head):
            raise ValueError(f"{path}: header names {len(names)} columns, the first line has {len(head)}")
    again = {name for name in names if names.count(name) > 1}
    return header is True, [f"{name}.{k}" if name in again else name for k, name in enumerate(names)]


def _roles(
    path: Path,
    names: list[str],
    has_header: bool,
    header: bool | Sequence[str] | None,
    given: Mapping[str, Column],
    table: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    if len(names) < 2 and "user" in table:
        raise ValueError(
            f"{path}:1: one field only, {names[0][:60]!r}; want at least a user and an item: pass separator="
        )
    numbered = not has_header and (header is None or header is False)
    unsaid = all(column is None or column is False for column in given.values())
    if numbered and unsaid and table is COMMON_NAMES:
        if len(names) > len(_POSITIONS):
            raise ValueError(
                f"{path}: no header and {len(names)} columns: "
                "pass user=, item=, rating= and timestamp= as positions from 0"
            )
        given = {role: k for k, role in enumerate(_POSITIONS[: len(names)]) if given.get(role) is not False}
    try:
        return guess_columns(names, given=given, table=table, source=str(path))
    except ValueError as error:
        if has_header and header is None and any(is_number(field) for field in names):
            raise ValueError(f"{error}; if the first line is data, pass header=False") from None
        raise


def _time_kind(values: list[str]) -> str:
    """The kind of the first time; decimals among integers make them all decimal."""
    if not values:
        return "int"
    if is_number(values[0]):
        return "int" if all(map(is_integer, filter(is_number, values))) else "float"
    return "zoned" if is_time(values[0]) else "time"
