"""Columns read from a source, and the location of each row in that source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..factorize import Array, Coded

__all__ = ["Columns", "Files", "SourceLocation", "told"]


Unit = Literal["line", "row", "entry"]


@dataclass(frozen=True)
class Files:
    """Several files whose lines (from 1) or rows (from 0) are counted on from one to the next.

    names : the files, in order; starts : (f + 1,) int64, lines or rows before each, and of all.
    """

    names: tuple[str, ...]
    starts: Array
    unit: Unit

    def at(self, number: int) -> str:
        """The file, and the number in it."""
        k = int(np.searchsorted(self.starts, number, "left" if self.unit == "line" else "right")) - 1
        return told(self.names[k], self.unit, int(number - self.starts[k]))


def told(name: str, unit: str, number: int) -> str:
    """How a line or row of a file or other source is called."""
    return f"{name}:{number}" if unit == "line" else f"{name}: {unit} {number}"


@dataclass(frozen=True)
class SourceLocation:
    """Location of rows in their source, for messages and reports.

    source : file or function; unit : "line" of a file, counted from 1, "row" counted from 0, or "entry" of a matrix;
    numbers : rows, ascending from 0 -> numbers in that unit; files : what the numbers go on through, if there are
    several.
    """

    source: str
    unit: Unit = "row"
    numbers: Callable[[Array], Array] = lambda rows: rows
    files: Files | None = None

    def number(self, row: int) -> int:
        """The number of one row in the source's own unit."""
        return int(self.numbers(np.array([row], np.int64))[0])

    def at(self, row: int) -> str:
        """What to put before a message about a row."""
        number = self.number(row)
        return told(self.source, self.unit, number) if self.files is None else self.files.at(number)

    def name(self, row: int) -> str:
        """A row in the middle of a message about another."""
        number = self.number(row)
        return f"{self.unit} {number}" if self.files is None else self.files.at(number)


@dataclass(frozen=True)
class Columns:
    """The four columns of n interactions, as read.

    users, items : ids; ratings : (n,) float32, or float64 of matrices, NaN where missing, or None; stamps : (n,) int64,
    float64 or datetime64[us], or None; stamp_missing : (n,) bool, or None when all are there.
    """

    users: Coded
    items: Coded
    ratings: Array | None
    stamps: Array | None
    stamp_missing: Array | None
    place: SourceLocation
