"""Encoding of dates (in UTC) as numbers, seasons and weekdays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._util.sparse import Array
from ..table import Column
from .cells import moments
from .numbers import Numbers

__all__ = ["Dates"]


class Dates(Numbers):
    """Days since 1970 as in :class:`Numbers`, and sine and cosine of where in its year and its week a date lies."""

    @staticmethod
    def _read(columns: Sequence[Column]) -> Array:
        return np.stack([_days(moments(column)) for column in columns])

    @property
    def names(self) -> list[str]:
        """Six for each column."""
        parts = ("", ":known", ":year sin", ":year cos", ":week sin", ":week cos")
        return [f"{column}{part}" for column in self.columns for part in parts]

    def rows(self, columns: Sequence[Column]) -> Array:
        """Dense (n, 6 columns)."""
        out = []
        for k, column in enumerate(columns):
            time = moments(column)
            days = _days(time)
            at = self._points_of(k, days)
            out += [at, _circle(_share_of_year(time)), _circle((days + 3) / 7)]  # 1970 began on a Thursday
        return np.hstack(out)

    def _points_of(self, k: int, x: Array) -> Array:
        return Numbers([self.columns[k]], self.mean[k : k + 1], self.std[k : k + 1])._points(x[None])

    def describe(self) -> str:
        """The mean day of each column and how many days lie around it."""
        days = np.datetime64(0, "D") + np.rint(self.mean).astype(np.int64)
        told = zip(days, self.std, strict=True)
        return self._told([f"mean {day}, standard deviation {std:,.0f} days" for day, std in told])


def _days(time: Array) -> Array:
    """Days since 1970, NaN where missing."""
    missing = np.isnat(time)
    days = np.where(missing, np.datetime64(0, "us"), time).astype("datetime64[us]").astype(np.int64) / 86_400e6
    return np.where(missing, np.nan, days)


def _share_of_year(time: Array) -> Array:
    """0 on the first of January to 1 at the end of the year, NaN where missing."""
    year = time.astype("datetime64[Y]")
    start, end = (y.astype("datetime64[us]") for y in (year, year + 1))
    return np.asarray((time - start) / (end - start))


def _circle(turns: Array) -> Array:
    """(n, 2) sine and cosine of so many turns; zeros for NaN."""
    angle = 2 * np.pi * turns
    out: Array = np.nan_to_num(np.stack([np.sin(angle), np.cos(angle)], axis=1))
    return out
