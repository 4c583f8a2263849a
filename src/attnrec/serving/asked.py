"""What a front in outside ids is asked for: users and items as callers give them, checked. Recommends nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._util.arraylike import native
from ..data.alignment import unnamed
from ..data.factorize import Array, one_axis, plain
from ..data.ids import Ids

__all__ = ["chosen_items", "is_count", "listed_ids", "warn_of_types"]


def is_count(k: Any) -> bool:
    """Whether it is a whole number of at least 1."""
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool) and int(k) > 0


def listed_ids(ids: Any, known: Ids, argument: str, stacklevel: int = 3) -> list[Any]:
    """A list of ids from one id, or from any iterable of them; a known tuple is one id."""
    ids = native(ids, argument)
    if isinstance(ids, np.ndarray) and ids.ndim == 0:
        ids = plain(ids)
    one_axis(ids, argument)
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__") or (isinstance(ids, tuple) and _holds(known, ids)):
        ids = [ids]
    return known.reading(ids, argument, stacklevel=stacklevel)


def chosen_items(items: Any, known: Ids, argument: str) -> Array | None:
    """Sorted positions of the only items that may be recommended: those given, else those that have an id, and None
    where all have.

    Raises
    ------
    ValueError
        If one is unknown; the message begins with ``argument``.
    """
    if items is None:
        blank = unnamed(known.to_numpy())
        return np.flatnonzero(~blank) if blank.any() else None
    try:
        return np.unique(known.positions(listed_ids(items, known, argument, 4)))
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def warn_of_types(listed: list[Any], at: Array, known: Ids) -> None:
    """Unknown users get the fallback or nothing, but not in silence where their ids are of another type."""
    strangers = np.flatnonzero(at < 0)
    told = known.other_type(listed[strangers[0]]) if len(strangers) else ""
    if told:
        warnings.warn(f"recommend: users: {listed[strangers[0]]!r:.60} is unknown{told}", UserWarning, stacklevel=3)


def _holds(known: Ids, name: Any) -> bool:
    try:
        return name in known
    except TypeError:
        return False
