"""Columns as read from any source, and where their rows stand in it. Decides nothing about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .encode import Array, Coded

__all__ = ["Columns", "Place"]


@dataclass(frozen=True)
class Place:
    """Names the rows of a source, for messages and reports.

    source : file or function; unit : "line" of a file, counted from 1, "row" counted from 0, or "entry" of a matrix;
    numbers : rows, ascending from 0 -> numbers in that unit.
    """

    source: str
    unit: Literal["line", "row", "entry"] = "row"
    numbers: Callable[[Array], Array] = lambda rows: rows

    def number(self, row: int) -> int:
        """The number of one row in the source's own unit."""
        return int(self.numbers(np.array([row], np.int64))[0])

    def at(self, row: int) -> str:
        """What to put before a message about a row."""
        number = self.number(row)
        return f"{self.source}:{number}" if self.unit == "line" else f"{self.source}: {self.unit} {number}"


@dataclass(frozen=True)
class Columns:
    """The four columns of n interactions, as read.

    users, items : ids; ratings : (n,) float32 with NaN where missing, or None; stamps : (n,) int64, float64 or
    datetime64[us], or None; stamp_missing : (n,) bool, or None when all are there.
    """

    users: Coded
    items: Coded
    ratings: Array | None
    stamps: Array | None
    stamp_missing: Array | None
    place: Place
