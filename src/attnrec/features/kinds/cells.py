"""Reading of cells as text, numbers and times, with missing values."""

from __future__ import annotations

import numpy as np

from ..._util.extras import require
from ...data.factorize import Array, as_arrow, as_list, is_missing, plain
from ...data.io.frames import decimals, times
from ...data.io.records import NULLS
from ..table import Column

__all__ = ["moments", "numbers", "texts"]


def texts(column: Column) -> list[str]:
    """Texts without space around them; "" where missing.

    Raises
    ------
    TypeError
        If a cell is not text; the message names its row.
    """
    out = []
    for row, value in enumerate(as_list(column.values)):
        if isinstance(value, str):
            out.append(value.strip())
        elif is_missing(value):
            out.append("")
        else:
            kind = type(plain(value)).__name__
            fix = "decode it" if kind == "bytes" else "take the column as numbers= or categories=, or turn it into text"
            raise TypeError(f"{column.at(row)}: {value!r:.40} is {kind}, not text; {fix}")
    return out


def numbers(column: Column) -> Array:
    """Numbers as float64, NaN where missing, which in text is also what files write for "no number".

    Raises
    ------
    ValueError
        If a cell is not a number, or infinite; the message names its row.
    """
    pa, pc = require("pyarrow", extra="features"), require("pyarrow.compute", extra="features")
    values = column.values
    arrow = as_arrow(values)
    if arrow is not None:
        kind = arrow.type.value_type if pa.types.is_dictionary(arrow.type) else arrow.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            words = pc.utf8_trim_whitespace(arrow.cast(pa.string()))
            values = pc.if_else(pc.is_in(words, value_set=pa.array(NULLS)), pa.scalar(None, pa.string()), words)
    found = decimals(values, column.place, column.name)
    bad = np.flatnonzero(np.isinf(found))
    if len(bad):
        raise ValueError(f"{column.at(bad[0])}: {found[bad[0]]} is not finite; leave the cell empty or mend it")
    return found


def moments(column: Column) -> Array:
    """Times as datetime64[us] (UTC if they have a zone), NaT where missing.

    Raises
    ------
    ValueError
        If a cell is no date or time; the message names its row.
    """
    found, missing = times(column.values, column.place, column.name, "or take the column as something else")
    if found.dtype.kind != "M":
        if missing is None or not missing.all():
            raise ValueError(
                f"{column.place.source}: column {column.name!r} holds numbers, not dates: take it as numbers=, or "
                "convert it, for instance by pandas.to_datetime(..., unit='s')"
            )
        return np.full(len(found), "NaT", "datetime64[us]")
    if missing is not None:
        found = np.where(missing, np.datetime64("NaT", "us"), found)
    return found
