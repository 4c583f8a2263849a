"""Base of all kinds of modalities: settings, the encoded block, and its state in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..._util.sparse import Array
from ..table import Column

__all__ = ["Block", "Settings", "State", "array", "frequent", "nothing", "strings", "unit_dense"]

State = tuple[dict[str, Any], dict[str, Array]]
"""JSON-able facts, and arrays."""


@dataclass(frozen=True)
class Settings:
    """How modalities are learned; see :class:`attnrec.features.FeatureEncoder`."""

    separator: str | Mapping[str, str]
    min_df: int
    min_frequency: int
    max_features: int
    encoders: Mapping[str, Any]


class Block(Protocol):
    """A modality that has been learned."""

    @property
    def names(self) -> list[str]:
        """What each column is."""

    def rows(self, columns: Sequence[Column]) -> Any:
        """(n, width) float64, CSR or dense: a row of zeros where the modality is missing."""

    def describe(self) -> str:
        """What was learned, in half a line."""

    def state(self) -> State:
        """What is needed to make the block again."""


def frequent(counts: Counter[str], minimum: int, most: int) -> list[str]:
    """Names counted at least ``minimum`` times (all, if none is), at most the ``most`` frequent; sorted."""
    kept = [name for name, count in counts.items() if count >= minimum] or list(counts)
    if len(kept) > most:
        kept = sorted(kept, key=lambda name: (-counts[name], name))[:most]
    return sorted(kept)


def nothing(modality: str, columns: Iterable[Column], what: str) -> ValueError:
    """The error to raise where a modality has nothing to learn from."""
    columns = list(columns)
    names = ", ".join(repr(column.name) for column in columns)
    return ValueError(
        f"{columns[0].place.source}: modality {modality!r}: no {what} in any row of {names}; leave it out"
    )


def unit_dense(x: Array) -> Array:
    """Rows at length 1 as float32; a row without length stays 0.

    A row has the same bits in whatever matrix it stands.
    """
    x = np.ascontiguousarray(x)
    largest = np.abs(x).max(axis=1, initial=0, keepdims=True)
    near_one = np.divide(x, largest, out=np.zeros_like(x), where=largest > 0)  # squares neither over- nor underflow
    lengths = np.sqrt(np.square(near_one).sum(axis=1, keepdims=True))
    out: Array = np.divide(near_one, lengths, out=near_one, where=lengths > 0).astype(np.float32)
    return out


def strings(facts: Mapping[str, Any], name: str, *, distinct: bool = True, empty: bool = False) -> list[str]:
    """A list of texts out of facts from a file."""
    found = facts.get(name)
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found) or not (found or empty):
        raise ValueError(f"{name} is {found!r:.40}, not a list of texts")
    if distinct and len(set(found)) != len(found):
        raise ValueError(f"{name} holds a text twice")
    return found


def array(arrays: Mapping[str, Array], name: str, size: int | None = None, *, positive: bool = False) -> Array:
    """A vector of finite float64 out of arrays from a file."""
    found = arrays.get(name)
    if not isinstance(found, np.ndarray) or found.dtype != np.float64 or found.ndim != 1:
        raise ValueError(f"{name} is not a vector of float64")
    if size is not None and len(found) != size:
        raise ValueError(f"{name} has {len(found)} entries instead of {size}")
    if not np.isfinite(found).all() or (positive and not (found > 0).all()):
        raise ValueError(f"{name} holds values that are not {'positive' if positive else 'finite'}")
    return found
