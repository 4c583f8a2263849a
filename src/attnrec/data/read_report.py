"""Report of the duplicate, missing and out-of-range rows of a source of interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .factorize import Array
from .io.source import Files, told

__all__ = ["Report"]


def _none() -> Array:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class Report:
    """What a source of interactions held, and which rows were kept.

    Attributes
    ----------
    source : str
        File or files, or the method that read the data.
    unit : {"line", "row", "entry"}
        Unit of the numbers below: lines of the file from 1, rows of the frame, arrays or Parquet file from 0, or stored
        entries of the sparse matrix from 0. Several files are counted as if they were one; :meth:`where` gives the file
        and the number in it.
    n_rows : int
        Number of interactions read.
    n_kept : int
        Number of interactions kept.
    duplicates : (r,) ndarray of int64
        Rows merged into, or dropped for, another row of the same user and item.
    duplicates_policy : str
        What was done with duplicates: "last", "first", "mean" or "sum".
    missing : mapping of str -> (r,) ndarray of int64
        Rows dropped for a missing "user", "item", "rating" or "timestamp"; a rating that is infinite counts as missing.
    out_of_range : (r,) ndarray of int64
        Rows dropped because the rating was outside ``rating_range``.
    files : Files or None
        Names of several files, and where each begins in the count.

    Examples
    --------
    >>> from attnrec.data import Interactions
    >>> data = Interactions.from_arrays([1, 1, 2], [7, 7, 7], [3, 4, 5])
    >>> data.report.duplicates.tolist()
    [0]
    >>> print(data.report)
    from_arrays: 2 of 3 interactions kept
      1 repeated a user and item, the last was kept: row 0
    """

    source: str
    unit: str
    n_rows: int
    n_kept: int
    duplicates: Array = field(default_factory=_none)
    duplicates_policy: str = "last"
    missing: Mapping[str, Array] = field(default_factory=dict)
    out_of_range: Array = field(default_factory=_none)
    files: Files | None = None

    def where(self, number: int) -> str:
        """Locate one of the numbers: "ratings.csv:12", or "part-3.parquet: row 12".

        Parameters
        ----------
        number : int
            Number of a line, row or entry, as in the other attributes.

        Returns
        -------
        str
            File and number.
        """
        if self.files is not None:
            return self.files.at(int(number))
        return told(self.source, self.unit, int(number))

    @property
    def clean(self) -> bool:
        """Whether every row was kept as it was."""
        return not (len(self.duplicates) or len(self.out_of_range) or any(len(rows) for rows in self.missing.values()))

    def __str__(self) -> str:
        kept = {"mean": "their mean", "sum": "their sum"}.get(self.duplicates_policy, f"the {self.duplicates_policy}")
        found = [(f"repeated a user and item, {kept} was kept", self.duplicates)]
        found += [(f"had no {role} and {_was(rows)} dropped", rows) for role, rows in self.missing.items()]
        found.append((f"had a rating out of range and {_was(self.out_of_range)} dropped", self.out_of_range))
        lines = [f"{self.source}: {self.n_kept:,} of {self.n_rows:,} interactions kept"]
        lines += [f"  {len(rows):,} {what}: {self._some(rows)}" for what, rows in found if len(rows)]
        return "\n".join(lines)

    def _some(self, rows: Array) -> str:
        more = ", ..." if len(rows) > 5 else ""
        if self.files is not None:
            return f"{', '.join(map(self.where, rows[:5].tolist()))}{more}"
        return f"{self.unit}{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:5].tolist()))}{more}"


def _was(rows: Array) -> str:
    return "was" if len(rows) == 1 else "were"
