"""Guess whether the first line of a file is a header; an error where that is ambiguous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..columns import COMMON_NAMES, ITEM_NAMES, Column, roles_of, simple
from .records import NULLS, comma_fix, is_number, is_time

__all__ = ["names_columns"]

_OPTIONAL = ("rating", "timestamp")


def names_columns(
    path: Path, head: Sequence[str], given: Mapping[str, Column], table: Mapping[str, Sequence[str]]
) -> bool:
    """Whether the first line is a header.

    It is data if it holds numbers and times alone, or where a column that was given by position holds a number or a
    time, or an empty rating or time. It is a header if it holds a name that was given, or the common names of an id or
    of two roles. Where no column was given by position, the names must be found, or reading stops.

    Raises
    ------
    ValueError
        If neither can be told; the message names ``header=``.
    """
    if any(map(is_number, head)) and all(field in NULLS or _is_datum(field) for field in head):
        return False
    if any(isinstance(column, str) and column in head for column in given.values()):
        return True
    told = {
        role: head[column]
        for role, column in given.items()
        if isinstance(column, int) and not isinstance(column, bool) and 0 <= column < len(head)
    }
    if any(map(_is_datum, told.values())):
        return False
    named = [roles_of(name, table or {**COMMON_NAMES, **ITEM_NAMES}) for name in head]
    found = {role for roles in named for role in roles}
    ids = [name for name, roles in zip(head, named, strict=True) if roles and simple(name).endswith("id")]
    if len(found) > 1 or ids:
        return True
    if any(field in NULLS for role, field in told.items() if role in _OPTIONAL):
        return False
    if not told and (not any(map(_is_datum, head)) or (table and not found)):
        return True  # what is needed is found among these names, or reading stops
    some = ", ".join(field if len(field) <= 20 else field[:17] + "..." for field in head[:4])
    raise ValueError(
        f"{path}:1: the first line ({some}{', ...' if len(head) > 4 else ''}) may name the columns or be data: "
        "pass header=True if it names them, header=False if it is data"
    )


def _is_datum(field: str) -> bool:
    return is_number(field) or is_time(field.strip()) is not None or bool(comma_fix(field))
