"""Guess of the layout of a delimited text file from its first 64 KiB."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..columns import COMMON_NAMES, Column, locate_columns
from .blanks import trimmed
from .heads import names_columns
from .magic import refuse
from .records import NULLS, Layout, is_integer, is_number, is_time, not_utf8, records
from .streams import broken_stream, open_text

__all__ = ["Empty", "sniff", "time_kind"]

_SAMPLE = 1 << 16
_SEPARATORS = ("::", ",", ";", "\t", "|")
_POSITIONS = ("user", "item", "rating", "timestamp")


class Empty(ValueError):
    """A file without a record."""


def sniff(
    path: Path,
    given: Mapping[str, Column],
    *,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
    table: Mapping[str, Sequence[str]] = COMMON_NAMES,
    extra: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
) -> Layout:
    """Find out separator, header, columns and the kind of times from the first 64 KiB of a file.

    ``extra`` are names of columns that the folder gives where the file does not; they come after its own. ``roles``
    are the columns of roles, where another file has settled them.
    """
    sample = _sample(path, encoding)
    first = next((line for line in sample.splitlines() if line.strip(" ")), "")
    if not first:
        raise Empty(f"{path}: the file is empty")
    if separator is None:
        separator = max(_SEPARATORS, key=lambda sep: _fields(first, sep))
    elif separator != "::" and (len(separator) != 1 or not separator.isascii() or separator in '\r\n"'):
        raise ValueError(f"{path}: separator={separator!r} is not one ASCII character or '::'")
    tidy = trimmed(sample, separator)
    try:
        rows = list(records(io.StringIO(tidy, newline=""), separator))
    except csv.Error:
        rows = [(1, _split(first, separator))]
    line, head = rows[0]
    has_header, names = _names(path, head, header, given, table)
    if has_header:
        for name in names:
            if foreign := not_utf8(name):
                raise ValueError(f"{path}:{line}: the name {foreign}")
    extra = [name for name in extra if name not in names]
    distinct = _distinct([*names, *extra])
    if roles is None:
        found = _roles(path, [*names, *extra], len(names), has_header, header, given, table)
        roles = {role: distinct[k] for role, k in found.items()}
    layout = Layout(
        separator, has_header, distinct[: len(names)], names, dict(roles), blank=line - 1, trim=tidy != sample
    )
    if roles.get("timestamp") in layout.names:
        at = layout.names.index(roles["timestamp"])
        body = [fields[at] for _, fields in rows[has_header:] if len(fields) == len(names)]
        layout = replace(layout, time_kind=time_kind(body))
    return layout


def time_kind(values: Sequence[str]) -> str | None:
    """The kind of the first time; decimals among integers make them all decimal. None where there is no time."""
    values = [value for value in values if value not in NULLS]
    if not values:
        return None
    if is_number(values[0]):
        return "int" if all(map(is_integer, filter(is_number, values))) else "float"
    return "zoned" if is_time(values[0]) else "time"


def _sample(path: Path, encoding: str) -> str:
    refuse(path)
    try:
        with open_text(path, encoding) as text:
            sample = text.read(_SAMPLE)
    except UnicodeError:
        raise ValueError(f"{path}: the file is not text in encoding {encoding!r}") from None
    except OSError as error:
        raise broken_stream(path, error) from None
    refuse(path, sample[:512].encode("utf-8", "surrogateescape"))
    if "\0" in sample:
        raise ValueError(
            f"{path}: the file holds zero bytes, so it is not text in {encoding}; pass encoding= ('utf-16'?)"
        )
    if len(sample) == _SAMPLE and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    return sample


def _fields(line: str, separator: str) -> tuple[int, int]:
    """How many fields hold a letter or digit, and minus how many do not."""
    fields = _split(line, separator)
    told = sum(any(map(str.isalnum, field)) for field in fields)
    return told, told - len(fields)


def _split(line: str, separator: str) -> list[str]:
    return line.split(separator) if len(separator) > 1 else next(csv.reader([line], delimiter=separator))


def _names(
    path: Path,
    head: list[str],
    header: bool | Sequence[str] | None,
    given: Mapping[str, Column],
    table: Mapping[str, Sequence[str]],
) -> tuple[bool, list[str]]:
    """Whether the first line is a header, and the names of the columns."""
    if isinstance(header, (str, bytes)):
        raise TypeError(f"{path}: header={header!r} is not True, False or a list of column names")
    if header is None:
        header = names_columns(path, head, given, table)
    if header is True:
        return True, [name.strip() for name in head]
    if header is False:
        return False, [str(k) for k in range(len(head))]
    names = [str(name) for name in header]
    if len(names) != len(head):
        raise ValueError(f"{path}: header names {len(names)} columns, the first line has {len(head)}")
    if [name.strip().lower() for name in names] == [field.lower() for field in head]:
        raise ValueError(f"{path}:1: the first line is the header that header= gives; pass header=True")
    return False, names


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with the position appended where two are equal."""
    count = Counter(names)
    out: dict[str, None] = {}
    for k, name in enumerate(names):
        label = name
        while label in out or count[label] > (label == name):
            label += f".{k}"
        out[label] = None
    return list(out)


def _roles(
    path: Path,
    names: list[str],
    width: int,
    has_header: bool,
    header: bool | Sequence[str] | None,
    given: Mapping[str, Column],
    table: Mapping[str, Sequence[str]],
) -> dict[str, int]:
    """Role -> position among the names, of which the first ``width`` are in the file."""
    if len(names) < 2 and "user" in table:
        raise ValueError(
            f"{path}:1: one field only, {names[0][:60]!r}; want at least a user and an item: pass separator="
        )
    numbered = not has_header and (header is None or header is False)
    unsaid = all(column is None or column is False for column in given.values())
    if numbered and unsaid and table is COMMON_NAMES:
        if width > len(_POSITIONS):
            raise ValueError(
                f"{path}: no header and {width} columns: pass user=, item=, rating= and timestamp= as positions from 0"
            )
        given = dict(given) | {role: k for k, role in enumerate(_POSITIONS[:width]) if given.get(role) is not False}
    try:
        return locate_columns(names, given=given, table=table, source=str(path))
    except ValueError as error:
        if has_header and header is None and "both look like" not in str(error) and "may be the" not in str(error):
            raise ValueError(f"{error}; if the first line is data, pass header=False") from None
        raise
