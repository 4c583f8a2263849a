"""Reading of cells as one or several labels, with missing values."""

from __future__ import annotations

import ast
import datetime
import decimal
import json
import math
import uuid
from typing import Any

import numpy as np

from ...data.factorize import as_list, is_missing, plain
from ..table import Column

__all__ = ["label_lists", "listed"]

_NAMED = (str, bool, int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)


def label_lists(column: Column, separator: str | None) -> list[list[str]]:
    """The labels of each cell, each once, [] where missing; with a separator, a cell may hold several.

    Raises
    ------
    TypeError
        If a cell holds what cannot be a label; the message names its row.
    """
    out = []
    for row, value in enumerate(as_list(column.values)):
        parts = [value] if separator is None else _parts(value, separator)
        out.append(
            [text for text in dict.fromkeys(_label(part, column, row, separator is None) for part in parts) if text]
        )
    return out


def listed(text: str) -> list[Any] | None:
    """The list that a text spells, as JSON or Python writes it; None if it spells none. Nothing is executed.

    Examples
    --------
    >>> listed("['Beef', 'Lamb']"), listed('["Beef"]'), listed("[sic] Beef")
    (['Beef', 'Lamb'], ['Beef'], None)
    """
    if text.startswith("[") and text.endswith("]"):
        for parse in (json.loads, ast.literal_eval):
            try:
                found = parse(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            return found if isinstance(found, list) else None
    return None


def _parts(value: Any, separator: str) -> list[Any]:
    if isinstance(value, str):
        text = value.strip()
        found = listed(text)
        return text.split(separator) if found is None else found
    if isinstance(value, np.ndarray):
        return list(value.ravel().tolist())
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _label(value: Any, column: Column, row: int, single: bool) -> str:
    """One label as text, the same for 5, 5.0 and "5", whatever a frame made of it; "" where missing."""
    value = plain(value)
    if isinstance(value, str):
        return value.strip()
    if is_missing(value):
        return ""
    if not isinstance(value, _NAMED):
        several = isinstance(value, (list, tuple, set, frozenset, np.ndarray)) and single
        fix = "take the column as multi=" if several else "use text or numbers"
        raise TypeError(f"{column.at(row)}: {value!r:.40} is {type(value).__name__}, which is no category; {fix}")
    if isinstance(value, (float, decimal.Decimal)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)
