"""Alignment of two inputs by id, with the numbers of rows that match, are missing or are left out."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._util.extras import require
from .factorize import Array
from .ids import Ids

__all__ = ["Alignment", "Unnamed", "in_order", "joined", "kinds", "moved", "rows_of", "unnamed", "warn"]

_SOME = 3  # ids that are told of each kind


class Unnamed:
    """In the place of the id of a row that came without one; equal to nothing but itself."""

    def __init__(self, row: int) -> None:
        self.row = row

    def __repr__(self) -> str:
        return f"<row {self.row}, without an id>"


def unnamed(values: Array) -> Array:
    """(n,) bool: rows that have no id."""
    if values.dtype.kind != "O":
        return np.zeros(len(values), dtype=bool)
    return np.array([isinstance(name, Unnamed) for name in values.tolist()], dtype=bool)


@dataclass(frozen=True)
class Alignment:
    """How the rows of an input were joined to users or items.

    Attributes
    ----------
    what : str
        Side that the rows were joined to: "users" or "items".
    by : {"id", "position"}
        Key of the join: the id where both sides have ids, else the position, by which row i belongs to user or item i.
    matched : int
        Number of these users or items that have a row.
    missing : int
        Number of these users or items without a row, for which nothing is known.
    left_out : int
        Number of rows whose id belongs to none of these users or items.
    missing_ids : tuple
        A few of the ids without a row.
    left_out_ids : tuple
        A few of the ids of rows that were left out.

    Examples
    --------
    >>> from attnrec.data import Alignment
    >>> print(Alignment("items", "id", 3, 1, 2, ("tea",), ("rum", "gin")))
    3 of 4 items have a row, by id; 1 has none, such as 'tea'; 2 rows are of others, such as 'rum', 'gin'
    """

    what: str
    by: Literal["id", "position"]
    matched: int
    missing: int = 0
    left_out: int = 0
    missing_ids: tuple[Any, ...] = ()
    left_out_ids: tuple[Any, ...] = ()

    def __str__(self) -> str:
        told = f"{self.matched:,} of {self.matched + self.missing:,} {self.what} have a row, by {self.by}"
        if self.missing:
            told += (
                f"; {self.missing:,} {'has' if self.missing == 1 else 'have'} none, such as {_some(self.missing_ids)}"
            )
        if self.left_out:
            rows = "1 row is of another" if self.left_out == 1 else f"{self.left_out:,} rows are of others"
            told += f"; {rows}, such as {_some(self.left_out_ids)}"
        return told


def rows_of(
    name: str, ids: Ids, wanted: Array, what: str, fix: str, rows: Array | None = None
) -> tuple[Array, Alignment]:
    """The row of ``ids`` for each of the ids ``wanted``, -1 for none, and what came of it; ``rows`` if they are known.

    Raises
    ------
    ValueError
        If both have ids and no id of the one is an id of the other; the message gives some of each.
    """
    rows = in_order(ids, wanted) if rows is None else rows
    lost = np.flatnonzero(rows < 0)
    if len(lost) == len(rows) and len(rows):
        mine, theirs = _listed(wanted, range(_SOME)), tuple(ids.to_numpy()[:_SOME].tolist())
        if not theirs:
            raise ValueError(f"{name} has no rows: give one for each of the {what}, whose ids look like {_some(mine)}")
        kind = "" if kinds(mine) == kinds(theirs) else f", {kinds(theirs)} where those of the {what} are {kinds(mine)}"
        raise ValueError(
            f"{name}: none of its ids is one of the {what}: they look like {_some(theirs)} and {_some(mine)}{kind}. "
            f"{fix}"
        )
    used = np.zeros(len(ids), dtype=bool)
    used[rows[rows >= 0]] = True
    over = np.flatnonzero(~used)
    told = Alignment(
        what,
        "id",
        len(rows) - len(lost),
        len(lost),
        len(over),
        _listed(wanted, lost[:_SOME]),
        _listed(ids.to_numpy(), over[:_SOME]),
    )
    return rows, told


def joined(
    name: str, ids: Ids, wanted: Array, what: str, lack: str, fix: str, rows: Array | None = None
) -> tuple[Array, Alignment]:
    """:func:`rows_of`, and one UserWarning that counts those without a row, who ``lack`` what it says."""
    rows, told = rows_of(name, ids, wanted, what, fix, rows)
    if told.missing:
        over = f"; {told.left_out:,} rows are of others, such as {told.left_out_ids[0]!r}" if told.left_out else ""
        first = told.missing_ids[0]
        warn(f"{name}: {told.missing:,} of {len(rows):,} {what} have no row, such as {first!r}, and {lack}{over}")
    return rows, told


def in_order(ids: Ids, wanted: Array) -> Array:
    """Rows of the ids ``wanted``, -1 for what is not there; cheap where all are wanted in the order that they have."""
    own = ids.to_numpy()
    if own is wanted or (own.dtype == wanted.dtype and np.array_equal(own, wanted)):
        return np.arange(len(ids))
    return ids.positions(wanted, unknown="ignore")


def moved(matrix: Any, rows: Array | None, place: Array | None, width: int) -> Any:
    """Rows of a CSR matrix, of zeros for -1 (None: all), with column j moved to ``place[j]``, or left out for -1 (None:
    none is moved), in a matrix of ``width`` columns; the matrix itself where nothing changes."""
    sparse = require("scipy.sparse", extra="data")
    if rows is not None and not (len(rows) == matrix.shape[0] and np.array_equal(rows, np.arange(len(rows)))):
        there = rows >= 0
        part = matrix[np.where(there, rows, 0)] if matrix.shape[0] else sparse.csr_array((len(rows), matrix.shape[1]))
        matrix = part if there.all() else _emptied(part, ~there)
    if place is None or (width == matrix.shape[1] and np.array_equal(place, np.arange(width))):
        return matrix
    columns = place[matrix.indices]
    kept = columns >= 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    out = sparse.csr_matrix((matrix.data[kept], columns[kept], indptr), shape=(matrix.shape[0], width))
    out.sort_indices()
    return out


def _emptied(matrix: Any, rows: Array) -> Any:
    """The matrix without what is stored in these rows."""
    sparse = require("scipy.sparse", extra="data")
    kept = np.repeat(~rows, np.diff(matrix.indptr))
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def kinds(names: Any) -> str:
    """What types of ids these are, in words."""
    return " and ".join(sorted({type(name).__name__ for name in names}))


def warn(message: str) -> None:
    """A UserWarning that points at the line which called the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "attnrec":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _listed(names: Any, at: Any) -> tuple[Any, ...]:
    found = (names[k] for k in at if k < len(names))
    return tuple(name.item() if isinstance(name, np.generic) else name for name in found)


def _some(names: tuple[Any, ...]) -> str:
    return ", ".join(map(repr, names))
