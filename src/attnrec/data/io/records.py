"""Records of a delimited text file with their line numbers, and the first malformed one."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from ..factorize import Array

__all__ = [
    "NULLS",
    "Fault",
    "Layout",
    "comma_fix",
    "find_fault",
    "is_integer",
    "is_number",
    "is_time",
    "lines_of",
    "not_utf8",
    "records",
]

NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none")
"""How files write "no number". An empty field is also "no id"."""


# narrower than ISO 8601: what Arrow takes, in nanoseconds since 1970
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d(:?\d\d(:?\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?").fullmatch

_COMMA = re.compile(r"[+-]?\d+,\d+").fullmatch


@dataclass(frozen=True)
class Layout:
    """What a file looks like: separator, whether line 1 is a header, names of all columns, role -> column.

    Names are made distinct, for a column that is there twice; as they are written, they are in ``head``. A role may
    also have a column that is not in the file but in the name of its folder.
    """

    separator: str
    has_header: bool
    names: list[str]
    head: list[str]
    roles: dict[str, str]
    blank: int = 0  # empty lines before the first record
    time_kind: str | None = None  # "int", "float", "time" or "zoned"; None also where no time is known yet
    trim: bool = False  # whether blanks stand beside separators


@dataclass(frozen=True)
class Fault:
    """A broken line: its number, what is wrong, and the role of the field at fault, if it is one field."""

    line: int
    text: str
    role: str | None = None


def records(text: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first line, fields) of each record; empty lines are skipped, quoted newlines counted.

    Raises
    ------
    csv.Error
        If a field grows past 131,072 characters, as it does when a quote is left open.
    """
    if len(separator) > 1:
        for number, line in enumerate(text, 1):
            if whole := line.strip("\r\n \t"):
                yield number, [field.strip(" \t") for field in whole.split(separator)]
        return
    reader = csv.reader(text, delimiter=separator)
    before = 0
    for fields in reader:
        if fields:
            yield before + 1, fields
        before = reader.line_num


def find_fault(text: TextIO, layout: Layout, read: Iterable[str]) -> Fault | None:
    """The first record that does not fit the layout, or None.

    ``text`` must be decoded with ``errors="surrogateescape"``, so that bytes that are not UTF-8 can be told; ``read``
    are the names of the columns that are read.
    """
    width = len(layout.names)
    role_of = {name: role for role, name in layout.roles.items()}
    used = [(role_of.get(name, ""), layout.names.index(name)) for name in read]
    tests: dict[str, Callable[[str], bool]] = {"rating": is_number}
    if layout.time_kind is not None:
        tests["timestamp"] = _TIME_TESTS[layout.time_kind]
    line = 0
    try:
        for count, (line, fields) in enumerate(records(text, layout.separator)):
            if len(fields) != width:
                return Fault(line, f"{_fields(len(fields))} instead of {width}; fix or remove the line")
            for role, at in used:
                value = fields[at]
                if foreign := not_utf8(value):
                    return Fault(line, f"{(role if not layout.has_header else '') or layout.names[at]} {foreign}")
                test = tests.get(role)
                if (count or not layout.has_header) and test is not None and value not in NULLS and not test(value):
                    fix = comma_fix(value) or _FIXES[role]
                    return Fault(line, f"{role} {_shown(value)} {_WRONG[role]}; {fix}", role)
    except csv.Error:
        return Fault(line + 1, "a quote is opened on this line and not closed; remove it")
    return None


def lines_of(text: TextIO, separator: str, has_header: bool, rows: Array) -> Array:
    """Line numbers of data rows (0-based, ascending), found by reading the file up to the last of them."""
    out = np.zeros(len(rows), np.int64)
    wanted: Iterable[int] = rows.tolist()
    stream = records(text, separator)
    row = -2 if has_header else -1
    line = 0
    for k, target in enumerate(wanted):
        while row < target:
            line, _ = next(stream)
            row += 1
        out[k] = line
    return out


def not_utf8(value: str) -> str:
    """What to say of a field that holds bytes that are not UTF-8, which were decoded as lone surrogates; else ""."""
    if value.isascii() or not any("\udc80" <= c <= "\udcff" for c in value):
        return ""
    return f"{_shown(value)} is not UTF-8 text; pass encoding= if the file is in another, such as encoding='latin-1'"


def is_number(value: str) -> bool:
    """Whether a field is a decimal number."""
    try:
        float(value)
    except ValueError:
        return False
    return "_" not in value and value.isascii()


def comma_fix(value: object) -> str:
    """What to do about a number that is written with a decimal comma; "" for anything else."""
    if isinstance(value, str) and _COMMA(value.strip()):
        return (
            "it has a decimal comma: write a point (and nothing for thousands), or read the file by "
            "pandas.read_csv(..., decimal=',') and give from_frame what that gives"
        )
    return ""


def is_integer(value: str) -> bool:
    """Whether a field is an integer of 64 bits."""
    try:
        number = int(value)
    except ValueError:
        return False
    return -(2**63) <= number < 2**63 and "_" not in value and value.isascii() and not value.startswith("+")


def is_time(value: str) -> bool | None:
    """Whether a field is a time that Arrow reads: None if not, else whether it has a zone."""
    if _TIME(value) is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.tzinfo is not None if 1678 <= moment.year <= 2261 else None


_TIME_TESTS: dict[str, Callable[[str], bool]] = {
    "int": is_integer,
    "float": is_number,
    "time": lambda value: is_time(value) is False,
    "zoned": lambda value: is_time(value) is True,
}
_WRONG = {
    "rating": "is not a number",
    "timestamp": "is not a time like the first one (seconds since 1970, or ISO 8601 such as 2024-01-31 12:00:00)",
}
_FIXES = {
    "rating": "fix or remove the line",
    "timestamp": "fix or remove the line, or pass timestamp=False",
}


def _fields(n: int) -> str:
    return f"{n} field" if n == 1 else f"{n} fields"


def _shown(value: str) -> str:
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 40 else text[:37] + "...")
