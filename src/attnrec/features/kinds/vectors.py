"""Precomputed vectors (of images, embeddings), whose widths are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._util.sparse import Array
from ..table import Column
from .base import Settings, State, nothing
from .vector_cells import vectors

__all__ = ["Vectors"]


@dataclass(frozen=True)
class Vectors:
    """Vectors as they are, those of several columns end to end. One that is missing or all zeros is missing."""

    columns: list[str]
    widths: list[int]

    @classmethod
    def learn(cls, modality: str, columns: Sequence[Column], settings: Settings) -> Vectors:
        """The width of each column's vectors."""
        read = [vectors(column, None) for column in columns]
        _all_or_none(columns, read)
        if not all(x.shape[1] for x in read) or not np.nan_to_num(np.hstack(read)).any():
            raise nothing(modality, columns, "vector with a length")
        return cls([column.name for column in columns], [x.shape[1] for x in read])

    @property
    def names(self) -> list[str]:
        """``column[0]`` and so on."""
        return [
            name if width == 1 else f"{name}[{j}]"
            for name, width in zip(self.columns, self.widths, strict=True)
            for j in range(width)
        ]

    def rows(self, columns: Sequence[Column]) -> Array:
        """Dense (n, width)."""
        read = [vectors(column, width) for column, width in zip(columns, self.widths, strict=True)]
        _all_or_none(columns, read)
        out: Array = np.nan_to_num(np.hstack(read))
        return out

    def describe(self) -> str:
        """The width."""
        return f"vectors of {sum(self.widths):,}"

    def state(self) -> State:
        """The width of each column's vectors."""
        return {"widths": self.widths}, {}

    @classmethod
    def load(cls, modality: str, columns: list[str], facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Vectors:
        """The block that :meth:`state` describes; ValueError if it describes none."""
        widths = facts.get("widths")
        fine = isinstance(widths, list) and all(type(width) is int and 0 < width < 1 << 24 for width in widths)
        if not isinstance(widths, list) or not fine or len(widths) != len(columns):
            raise ValueError(f"widths is {widths!r:.40}, not one width for each of {len(columns)} columns")
        return cls(columns, widths)


def _all_or_none(columns: Sequence[Column], read: list[Array]) -> None:
    missing = np.stack([np.isnan(x).any(axis=1) for x in read])
    part = np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0))
    if len(part):
        row = int(part[0])
        raise ValueError(
            f"{columns[int(np.argmax(missing[:, row]))].at(row)}: a part of the vector is missing; fill it in, or "
            "leave all of the row's parts empty"
        )
