"""ItemIndex: items packed once for the kernels and reused between calls. Layer 1: over ``_core`` and config only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import config

if config._has_core() or TYPE_CHECKING:
    from . import _core

__all__ = ["ItemIndex"]

Array = np.ndarray[Any, np.dtype[Any]]
Precision = Literal["auto", "float32", "int8"]


class ItemIndex:
    """Items packed for the kernels, shared by all threads.

    A call reads one immutable snapshot; ``append`` and ``replace`` build a new one and then swap it in, so a search
    that runs meanwhile sees the old items or the new ones, never a mixture.

    Parameters
    ----------
    items : (n, d) array_like
        Feature vectors, converted to float32.
    ids : (n,) array_like of int, optional
        Names of the items, unique. Results then hold these, and ``items=`` and ``filter_items=`` take them; the
        columns of sparse matrices stay positions.
    precision : {"auto", "float32", "int8"}
        What to prepare for. ``"auto"`` keeps the items in float32 for every operation, ``4 n d`` bytes, and on 8 bits
        in order of their norms, ``n d`` bytes, by which ``topk`` without weights rules out most of them. ``"float32"``
        leaves the latter out. ``"int8"`` is for ``topk`` without weights alone: as large as ``"auto"`` and up to 1.3
        times as fast there, but other operations pack the items anew in every call.

    Raises
    ------
    ValueError
        If ``items`` is not a matrix, holds NaN or infinity, or ``ids`` is not n unique integers.

    Examples
    --------
    >>> from attnrec import ItemIndex, topk
    >>> index = ItemIndex([[1, 0], [0, 1]], ids=[70, 80])
    >>> topk([0.5, 2.0], index, k=1).ids
    array([80])
    """

    __slots__ = ("__weakref__", "_snapshot", "precision")

    def __init__(self, items: Any, *, ids: Any = None, precision: Precision = "auto") -> None:
        if precision not in ("auto", "float32", "int8"):
            raise ValueError(f"ItemIndex: precision {precision!r} is none of 'auto', 'float32' and 'int8'")
        self.precision: Precision = precision
        self._snapshot = _Snapshot(items, ids, precision)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n, d = self.shape
        return f"ItemIndex({n} items x {d})"

    def __reduce__(self) -> tuple[Any, ...]:
        now = self._snapshot
        return _restore, (now.features, now.ids, self.precision)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items and width of their features, (n, d)."""
        return self._snapshot.shape

    @property
    def ids(self) -> Array | None:
        """Names of the items, (n,) int64, or None where they are the positions 0 .. n - 1."""
        return self._snapshot.ids

    @property
    def features(self) -> Array:
        """The items, (n, d) float32: a copy."""
        return self._snapshot.features

    def append(self, items: Any, *, ids: Any = None) -> None:
        """Add items behind those there are, whose positions stay.

        Parameters
        ----------
        items : (p, d) array_like
        ids : (p,) array_like of int
            Names of the new items, needed when the index has names.

        Raises
        ------
        ValueError
            If widths differ, or names are missing, superfluous or taken.

        Examples
        --------
        >>> from attnrec import ItemIndex
        >>> index = ItemIndex([[1, 0]])
        >>> index.append([[0, 1]])
        >>> len(index)
        2
        """
        now = self._snapshot
        added = _matrix(items, "ItemIndex.append")
        if added.shape[1] != now.shape[1]:
            raise ValueError(f"ItemIndex.append: items {added.shape} and the index {now.shape} differ in width")
        if (ids is None) != (now.ids is None):
            state = "has names: give ids for the new items too" if ids is None else "has no names: leave ids out"
            raise ValueError(f"ItemIndex.append: the index {state}")
        all_ids = None if now.ids is None else np.concatenate([now.ids, np.asarray(ids)])
        self._snapshot = _Snapshot(np.concatenate([now.features, added]), all_ids, self.precision)

    def replace(self, items: Any, *, ids: Any = None) -> None:
        """Swap all items for others in one step.

        Parameters
        ----------
        items : (n, d) array_like
        ids : (n,) array_like of int, optional

        Raises
        ------
        ValueError
            As for a new index.
        """
        self._snapshot = _Snapshot(items, ids, self.precision)


class _Snapshot:
    """Packed items with their names; never changes once made."""

    __slots__ = ("_order", "_packed", "_plain", "ids", "shape")

    def __init__(self, items: Any, ids: Any, precision: Precision) -> None:
        self._plain: Array | None = None
        self._packed: _core.Index | None = None
        if config.backend() == "reference":
            self._plain = _matrix(items, "ItemIndex")
            self.shape: tuple[int, int] = self._plain.shape
        else:
            self._packed = _core.Index(items, precision)
            self.shape = self._packed.shape
        self.ids = None if ids is None else _names(ids, self.shape[0])
        self._order = None if self.ids is None else np.argsort(self.ids, kind="stable")

    @property
    def operand(self) -> Any:
        return self._plain if self._packed is None else self._packed

    @property
    def features(self) -> Array:
        return self._plain.copy() if self._packed is None else self._packed.rows(0, self.shape[0])  # type: ignore[union-attr]

    def positions(self, names: Any, argument: str) -> Any:
        """Positions of named items; None and masks pass as they are."""
        if names is None or self.ids is None or self._order is None:
            return names
        wanted = np.asarray(names)
        if wanted.dtype == bool or wanted.size == 0:
            return names
        order = self._order
        at = np.minimum(np.searchsorted(self.ids, wanted, sorter=order), len(order) - 1)
        unknown = self.ids[order[at]] != wanted if len(order) else np.ones(wanted.shape, dtype=bool)
        if unknown.any():
            raise ValueError(f"topk: {argument} holds {wanted[unknown][0]}, which is not an id of the index")
        return order[at]

    def rename(self, positions: Array) -> None:
        """Names for positions, in place; -1 stays."""
        if self.ids is not None and len(self.ids):
            positions[...] = np.where(positions < 0, -1, self.ids[positions])


def _matrix(items: Any, op: str) -> Array:
    out = np.asarray(items, dtype=np.float32)
    if out.ndim != 2:
        raise ValueError(f"{op}: items has shape {out.shape}; give a matrix with a row each")
    return out


def _names(ids: Any, n: int) -> Array:
    given = np.asarray(ids)
    if given.ndim != 1 or len(given) != n:
        raise ValueError(f"ItemIndex: ids {given.shape} does not fit the {n} items; give one each")
    if n and given.dtype.kind not in "iu":
        raise TypeError(f"ItemIndex: ids has dtype {given.dtype}; give integers")
    out = given.astype(np.int64)
    if n and (out < 0).any():
        raise ValueError("ItemIndex: ids holds a negative number, which results use for 'no item'")
    if len(np.unique(out)) != n:
        values, counts = np.unique(out, return_counts=True)
        raise ValueError(f"ItemIndex: ids holds {values[counts > 1][0]} more than once")
    return out


def _restore(features: Array, ids: Array | None, precision: Precision) -> ItemIndex:
    return ItemIndex(features, ids=ids, precision=precision)
