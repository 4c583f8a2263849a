"""Immutable snapshot of an ItemIndex: packed items and their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import config
from .._util.arraylike import as_floats, as_integers, as_numpy

if config._has_core() or TYPE_CHECKING:
    from .. import _core

Array = np.ndarray[Any, np.dtype[Any]]
Precision = Literal["auto", "float32", "int8"]


class Snapshot:
    """Packed items with their names; never changes once made."""

    __slots__ = ("_order", "_packed", "_plain", "ids", "shape")

    def __init__(self, items: Any, ids: Any, precision: Precision) -> None:
        self._plain: Array | None = None
        self._packed: _core.Index | None = None
        if config.backend() == "reference":
            self._plain = matrix(items, "ItemIndex")
            self.shape: tuple[int, int] = self._plain.shape
        else:
            self._packed = _core.Index(items, precision)
            self.shape = self._packed.shape
        self.ids = None if ids is None else _names(ids, self.shape[0])
        self._order = None if self.ids is None else np.argsort(self.ids, kind="stable")

    @classmethod
    def opened(cls, path: bytes, mmap: bool) -> Snapshot:
        """What :meth:`save` wrote, mapped or read."""
        out = cls.__new__(cls)
        out._plain, out._packed = None, _core.Index.open(path, mmap)
        out.shape = out._packed.shape
        out.ids, out._order = out._packed.names() or (None, None)
        return out

    def save(self, path: bytes, precision: Precision) -> None:
        """Writes the packed items with their names."""
        packed = _core.Index(self._plain, precision) if self._packed is None else self._packed
        packed.save(path, self.ids)

    @property
    def precision(self) -> Precision:
        """What the items were packed for."""
        return self._packed.precision  # type: ignore[union-attr, return-value]

    @property
    def operand(self) -> Any:
        return self._plain if self._packed is None else self._packed

    @property
    def features(self) -> Array:
        return self._plain.copy() if self._packed is None else self._packed.rows(0, self.shape[0])  # type: ignore[union-attr]

    def positions(self, names: Any, argument: str, op: str = "topk") -> Any:
        """Positions of named items; None and masks pass as they are."""
        if names is None or self.ids is None or self._order is None:
            return names
        wanted = as_numpy(names, f"{op}: {argument}")
        if wanted.dtype == bool or wanted.size == 0:
            return wanted
        wanted = as_integers(wanted, f"{op}: {argument}", "ids are integers")
        order = self._order
        at = np.minimum(np.searchsorted(self.ids, wanted, sorter=order), len(order) - 1)
        unknown = self.ids[order[at]] != wanted if len(order) else np.ones(wanted.shape, dtype=bool)
        if unknown.any():
            raise ValueError(f"{op}: {argument} holds {wanted[unknown][0]}, which is not an id of the index")
        return order[at]

    def largest_id(self) -> int:
        """The largest name; of items that have names."""
        return int(self.ids[self._order[-1]])  # type: ignore[index]

    def rename(self, positions: Array) -> None:
        """Names for positions, in place; -1 stays."""
        if self.ids is not None and len(self.ids):
            positions[...] = np.where(positions < 0, -1, self.ids[positions])


def matrix(items: Any, op: str) -> Array:
    out = as_floats(items, f"{op}: items", np.float32)
    if out.ndim != 2:
        raise ValueError(f"{op}: items has shape {out.shape}; give a matrix with a row each")
    return out


def id_vector(ids: Any, n: int, op: str) -> Array:
    """One name for each of n items, (n,) int64; whether they are distinct is not looked at."""
    out = as_integers(ids, f"{op}: ids")
    if out.ndim != 1 or len(out) != n:
        raise ValueError(f"{op}: ids {out.shape} does not fit the {n} items; give one each")
    return out


def _names(ids: Any, n: int) -> Array:
    out = id_vector(ids, n, "ItemIndex").copy()
    if n and (out < 0).any():
        raise ValueError("ItemIndex: ids holds a negative number, which results use for 'no item'")
    if len(np.unique(out)) != n:
        values, counts = np.unique(out, return_counts=True)
        raise ValueError(f"ItemIndex: ids holds {values[counts > 1][0]} more than once")
    return out
