"""Encoding of one or several labels in each cell as one-hot columns; rare labels share a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..._util.sparse import Array, csr
from ..table import Column
from .base import Settings, State, frequent, nothing, strings
from .label_cells import label_lists

__all__ = ["Categories", "Multi"]


class _Vocabulary(NamedTuple):
    """The labels of one column, each with its own feature, and those that share one, after them."""

    column: str
    labels: list[str]
    rare: list[str]
    separator: str | None

    @property
    def width(self) -> int:
        return len(self.labels) + bool(self.rare)

    def positions(self) -> dict[str, int]:
        return {label: k for k, label in enumerate(self.labels)} | dict.fromkeys(self.rare, len(self.labels))


@dataclass(frozen=True)
class Categories:
    """One-hot: 1 for the label of a cell, in each of the modality's columns. A label not seen before is missing."""

    vocabularies: list[_Vocabulary]

    @classmethod
    def learn(cls, modality: str, columns: Sequence[Column], settings: Settings) -> Categories:
        """Labels in at least ``min_frequency`` rows, the most frequent if there are too many; the others are rare."""
        found = []
        for column in columns:
            separator = cls._separator(column.name, settings)
            counts = Counter(label for cell in label_lists(column, separator) for label in cell)
            labels = frequent(counts, settings.min_frequency, settings.max_features)
            found.append(_Vocabulary(column.name, labels, sorted(counts.keys() - set(labels)), separator))
        if not any(v.labels for v in found):
            raise nothing(modality, columns, "label")
        return cls(found)

    @classmethod
    def _separator(cls, column: str, settings: Settings) -> str | None:
        return None

    @property
    def names(self) -> list[str]:
        """``column=label``."""
        return [f"{v.column}={name}" for v in self.vocabularies for name in [*v.labels, *(["other"] if v.rare else [])]]

    def rows(self, columns: Sequence[Column]) -> Any:
        """CSR of ones."""
        at: list[list[int]] = []
        start = 0
        for v, column in zip(self.vocabularies, columns, strict=True):
            position = v.positions()
            cells = label_lists(column, v.separator)
            at = at or [[] for _ in cells]
            for row, cell in zip(at, cells, strict=True):
                row += sorted({start + position[label] for label in cell if label in position})
            start += v.width
        indptr = np.cumsum([0, *map(len, at)]).astype(np.int32)
        indices = np.fromiter((j for row in at for j in row), np.int32, int(indptr[-1]))
        return csr(np.ones(len(indices)), indices, indptr, (len(at), start))

    def describe(self) -> str:
        """How many labels."""
        labels, rare = (
            sum(map(len, part)) for part in zip(*((v.labels, v.rare) for v in self.vocabularies), strict=True)
        )
        more = f", and {rare:,} rare one{'s' * (rare > 1)} as 'other'" if rare else ""
        return f"{labels:,} label{'s' * (labels != 1)}{more}"

    def state(self) -> State:
        """Labels and rare labels of each column."""
        return {"vocabularies": [v._asdict() for v in self.vocabularies]}, {}

    @classmethod
    def load(
        cls, modality: str, columns: list[str], facts: Mapping[str, Any], arrays: Mapping[str, Array]
    ) -> Categories:
        """The block that :meth:`state` describes; ValueError if it describes none."""
        found = facts.get("vocabularies")
        if not isinstance(found, list) or len(found) != len(columns):
            raise ValueError(f"vocabularies is {found!r:.40}, not one for each of {len(columns)} columns")
        return cls([cls._vocabulary(*pair) for pair in zip(columns, found, strict=True)])

    @classmethod
    def _vocabulary(cls, column: str, facts: Any) -> _Vocabulary:
        if not isinstance(facts, dict):
            raise ValueError(f"the vocabulary of {column!r} is {facts!r:.40}")
        labels, rare = strings(facts, "labels", empty=True), strings(facts, "rare", empty=True)
        if set(labels) & set(rare):
            raise ValueError(f"the vocabulary of {column!r} has a label that is rare and not")
        separator = facts.get("separator")
        if (cls is Multi) != (isinstance(separator, str) and bool(separator)) or (cls is Categories and separator):
            raise ValueError(f"the separator of {column!r} is {separator!r:.40}")
        return _Vocabulary(column, labels, rare, separator)


class Multi(Categories):
    """Multi-hot: 1 for every label of a cell, which is a list or text with a separator."""

    @classmethod
    def _separator(cls, column: str, settings: Settings) -> str | None:
        if isinstance(settings.separator, str):
            return settings.separator
        return settings.separator.get(column, "|")
