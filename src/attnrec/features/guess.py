"""Guess of the kind of each column from its type and content."""

from __future__ import annotations

from typing import Any

from .._util.extras import require
from ..data.columns import simple
from ..data.factorize import as_arrow, as_list, is_missing
from ..data.io.records import NULLS, is_number, is_time
from .kinds.label_cells import listed
from .table import Table

__all__ = ["guess"]

_KNOWN = ("null", "boolean", "integer", "floating", "decimal", "timestamp", "date")
_TEXT = ("string", "large_string", "string_view")
_LIST_SHARE = 0.1  # of the texts hold the separator, and their parts repeat: a list of labels
_CATEGORY_SHARE = 0.5  # distinct values a value, at most, for a category
_CATEGORY_WORDS = 4  # words a value, on average, at most


def guess(table: Table, id: str | None, separator: Any) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Kind -> columns, and column -> why it was left out."""
    kinds: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for name, values in table.columns.items():
        if name == id:
            continue
        by = separator if isinstance(separator, str) else separator.get(name, "|")
        kind, why = _kind(name, values, by)
        if kind:
            kinds.setdefault(kind, []).append(name)
        else:
            left_out[name] = why
    return kinds, left_out


def _kind(name: str, values: Any, separator: str) -> tuple[str, str]:
    """The kind of a column, or "" and why it has none."""
    if getattr(values, "ndim", 1) == 2:
        return "vectors", ""
    types = require("pyarrow", extra="features").types
    arrow = as_arrow(values)
    if arrow is None:
        return "", "values of several types"
    kind = arrow.type.value_type if types.is_dictionary(arrow.type) else arrow.type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_type
        return ("vectors" if types.is_integer(inner) or types.is_floating(inner) else "multi"), ""
    if not any(getattr(types, f"is_{known}")(kind) for known in _KNOWN + _TEXT):
        return "", f"no kind for {getattr(kind, 'extension_name', kind)}"
    found = [value for value in as_list(arrow) if not is_missing(value) and value != ""]
    distinct = len(set(found))
    if distinct < 2:
        return "", "the same in every row" if distinct else "empty"
    if types.is_boolean(kind):
        return "categories", ""
    if types.is_timestamp(kind) or types.is_date(kind):
        return "dates", ""
    if not isinstance(found[0], str):
        return _number(name, found, distinct)
    if types.is_dictionary(arrow.type):
        return "categories", ""
    return _text(name, found, separator)


def _number(name: str, found: list[Any], distinct: int) -> tuple[str, str]:
    whole = all(isinstance(value, int) or (is_number(str(value)) and "." not in str(value)) for value in found)
    if whole and simple(name).endswith("id"):
        return "", "looks like the id of something"
    return "numbers", ""


def _text(name: str, found: list[str], separator: str) -> tuple[str, str]:
    """Numbers, dates, lists of labels, categories or text, all written as text."""
    numeric = [text for text in found if text not in NULLS]
    if numeric and all(map(is_number, numeric)):
        return _number(name, numeric, len(set(numeric)))
    if all(is_time(text.strip()) is not None for text in found):
        return "dates", ""
    lists = [text.split(separator) if (spelt := listed(text)) is None else spelt for text in found]
    several = sum(len(parts) > 1 for parts in lists)
    if all(text.startswith("[") and text.endswith("]") for text in found):
        return "multi", ""
    labels = [label for parts in lists for label in parts]
    if several > _LIST_SHARE * len(found) and len(set(labels)) <= _CATEGORY_SHARE * len(labels):
        return "multi", ""
    distinct = len(set(found))
    words = sum(len(text.split()) for text in found) / len(found)
    if distinct <= _CATEGORY_SHARE * len(found) and words <= _CATEGORY_WORDS:
        return "categories", ""
    if words == 1 and distinct == len(found):
        return "", "one word, another in every row"
    return "text", ""
