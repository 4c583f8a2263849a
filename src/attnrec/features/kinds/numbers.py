"""Encoding of numbers, standardised and mapped to a half circle, so that vectors of length 1 keep their size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..._util.sparse import Array
from ..table import Column
from .base import Settings, State, array, nothing
from .cells import numbers

__all__ = ["Numbers"]


@dataclass(frozen=True)
class Numbers:
    """``(z, 1) / sqrt(z^2 + 1)`` for each column, with ``z = (x - mean) / std``.

    One standardised number scaled to length 1 would keep its sign alone. With a constant beside it, it becomes the
    point at the angle ``arctan z``: the product of two numbers' points is ``cos(arctan z1 - arctan z2)``, 1 where they
    are equal and less the further they are apart, and no outlier outweighs the rest. ``std`` divides by n, and is 1
    for a column that is constant.
    """

    columns: list[str]
    mean: Array
    std: Array

    @classmethod
    def learn(cls, modality: str, columns: Sequence[Column], settings: Settings) -> Self:
        """Mean and standard deviation of each column."""
        mean, std = np.zeros(len(columns)), np.ones(len(columns))
        found = cls._read(columns)
        if np.isnan(found).all():
            raise nothing(modality, columns, "value")
        for k, (column, x) in enumerate(zip(columns, found, strict=True)):
            there = x[~np.isnan(x)]
            if len(there):
                with np.errstate(over="ignore", invalid="ignore"):
                    mean[k], deviation = there.mean(), there.std()
                if not np.isfinite(deviation):
                    raise ValueError(f"{column.place.source}: column {column.name!r} has values too large to square")
                if deviation > 1e-12 * np.abs(there).max():
                    std[k] = deviation
        return cls([column.name for column in columns], mean, std)

    @staticmethod
    def _read(columns: Sequence[Column]) -> Array:
        """(columns, n) float64, NaN where missing."""
        return np.stack([numbers(column) for column in columns])

    @property
    def names(self) -> list[str]:
        """The column, and whether it is known."""
        return [name for column in self.columns for name in (column, f"{column}:known")]

    def rows(self, columns: Sequence[Column]) -> Array:
        """Dense (n, 2 columns)."""
        return self._points(self._read(columns))

    def _points(self, x: Array) -> Array:
        with np.errstate(over="ignore"):
            z = np.clip((x - self.mean[:, None]) / self.std[:, None], -1e9, 1e9)
        there = ~np.isnan(z)
        length = np.sqrt(np.square(z) + 1)
        pairs = np.stack([z / length, 1 / length], axis=-1)  # (columns, n, 2)
        pairs[~there] = 0
        return pairs.transpose(1, 0, 2).reshape(x.shape[1], 2 * len(x))

    def describe(self) -> str:
        """Mean and standard deviation of each column."""
        return self._told(
            [f"mean {m:.4g}, standard deviation {s:.4g}" for m, s in zip(self.mean, self.std, strict=True)]
        )

    def _told(self, parts: list[str]) -> str:
        """Half a line, with the columns where there are several."""
        return "; ".join(f"{c}: {part}" for c, part in zip(self.columns, parts, strict=True)) if parts[1:] else parts[0]

    def state(self) -> State:
        """Mean and standard deviation of each column."""
        return {}, {"mean": self.mean, "std": self.std}

    @classmethod
    def load(cls, modality: str, columns: list[str], facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The block that :meth:`state` describes; ValueError if it describes none."""
        n = len(columns)
        return cls(columns, array(arrays, "mean", n), array(arrays, "std", n, positive=True))
