"""Interactions: a sparse matrix of users and items with their outside ids."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from .._util.arraylike import as_numpy
from .._util.extras import require
from .assemble import assemble
from .factorize import Array
from .ids import Ids
from .io.frames import make_frame
from .io.source import Columns
from .policies import ReadPolicy
from .read_report import Report
from .readers import Readers

__all__ = ["Interactions"]


class Interactions(Readers):
    """A sparse matrix of users by items and the outside ids of both.

    Make one with :meth:`from_frame`, :meth:`from_csv`, :meth:`from_parquet`, :meth:`from_file`, :meth:`from_sparse` or
    :meth:`from_arrays`. Ids are sorted if they are of one type with an order, so that the order of the rows does not
    matter; otherwise they are numbered in order of first appearance.

    Attributes
    ----------
    user_items : (users, items) scipy.sparse.csr_matrix of float32
        Interactions, sorted and without duplicates; a rating of 0 is stored. Without ratings every value is 1 (or the
        number of rows, with ``duplicates="sum"``).
    users : Ids
        Ids of the rows.
    items : Ids
        Ids of the columns.
    explicit : bool
        Whether the values are ratings.
    timestamps : (nnz,) ndarray of int64, float64 or datetime64[us], or None
        Time of each interaction, aligned with ``user_items.data``; times with a zone are converted to UTC.
    rating_range : (float, float) or None
        Lowest and highest rating allowed, or those of the data if no range was given; None without ratings.
    report : Report
        Numbers of the rows that were merged or left out while reading.
    backend : {"pandas", "polars", "pyarrow"} or None
        Library of the frame that the data came in.

    Examples
    --------
    >>> data = Interactions.from_arrays(["ann", "bob", "ann"], ["tea", "tea", "rum"], [5, 3, 1])
    >>> data
    Interactions(2 users, 2 items, 3 ratings 1 .. 5, density 75.00 %)
    >>> data.items.names([0, 1]).tolist(), data.user_items.toarray().tolist()
    (['rum', 'tea'], [[1.0, 5.0], [0.0, 3.0]])
    """

    __slots__ = (
        "__weakref__",
        "backend",
        "explicit",
        "items",
        "rating_range",
        "report",
        "timestamps",
        "user_items",
        "users",
    )

    def __init__(
        self,
        user_items: Any,
        users: Ids,
        items: Ids,
        *,
        explicit: bool,
        report: Report,
        timestamps: Array | None = None,
        rating_range: tuple[float, float] | None = None,
        backend: str | None = None,
    ) -> None:
        if user_items.shape != (len(users), len(items)):
            raise ValueError(f"user_items {user_items.shape} does not fit {len(users)} users and {len(items)} items")
        if user_items.format != "csr" or not user_items.has_canonical_format:
            raise ValueError("user_items must be CSR, sorted and without duplicates: use Interactions.from_sparse")
        if timestamps is not None and len(timestamps) != user_items.nnz:
            raise ValueError(f"{len(timestamps)} timestamps do not fit {user_items.nnz} interactions")
        self.user_items = user_items
        self.users = users
        self.items = items
        self.explicit = explicit
        self.report = report
        self.timestamps = timestamps
        self.backend = backend
        if rating_range is None and explicit and user_items.nnz:
            rating_range = float(user_items.data.min()), float(user_items.data.max())
        self.rating_range = rating_range if explicit else None

    @classmethod
    def _make(cls, columns: Columns, policy: ReadPolicy, backend: str | None = None) -> Self:
        done = assemble(columns, policy)
        return cls(
            done.csr,
            Ids._trusted(done.users),
            Ids._trusted(done.items),
            explicit=columns.ratings is not None,
            report=done.report,
            timestamps=done.stamps,
            rating_range=policy.rating_range,
            backend=backend,
        )

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)

    def __len__(self) -> int:
        return int(self.user_items.nnz)

    def select(self, entries: Any) -> Interactions:
        """Keep some of the interactions, with the same users and items.

        Parameters
        ----------
        entries : (nnz,) bool or (r,) int array_like
            Mask over the entries of ``user_items.data``, or positions of the entries to keep.

        Returns
        -------
        Interactions
            The selected interactions, with their ratings and timestamps.

        Examples
        --------
        >>> data = Interactions.from_arrays([1, 1, 2], ["x", "y", "x"])
        >>> data.select([True, False, True]).user_items.toarray().tolist()
        [[1.0, 0.0], [1.0, 0.0]]
        """
        sparse = require("scipy.sparse", extra="data")
        at = as_numpy(entries, "select: entries")
        if at.dtype == bool:
            if at.shape != (len(self),):
                raise ValueError(f"select: a mask of shape {at.shape} does not fit {len(self)} interactions")
            at = np.flatnonzero(at)
        elif at.size and (at.dtype.kind not in "iu" or at.min() < 0 or at.max() >= len(self)):
            raise ValueError(f"select: entries must be a mask, or integers in 0 .. {len(self) - 1}")
        at = np.unique(at.astype(np.int64))
        csr = self.user_items
        indptr = np.searchsorted(at, csr.indptr).astype(csr.indptr.dtype)
        part = sparse.csr_matrix((csr.data[at], csr.indices[at], indptr), shape=csr.shape)
        part.has_sorted_indices = part.has_canonical_format = True
        return self._like(part, None if self.timestamps is None else self.timestamps[at])

    def _like(
        self, user_items: Any, timestamps: Any, users: Ids | None = None, items: Ids | None = None
    ) -> Interactions:
        """Other entries, and other ids if given; the rest as here."""
        return Interactions(
            user_items,
            self.users if users is None else users,
            self.items if items is None else items,
            explicit=self.explicit,
            report=self.report,
            timestamps=timestamps,
            rating_range=self.rating_range,
            backend=self.backend,
        )

    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] | None = None) -> Any:
        """Convert to a frame with columns user, item, rating and timestamp, sorted by user and item.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the frame; if not given, that of the data, else pandas if installed, else polars, else pyarrow.

        Returns
        -------
        frame
            Frame with a row for each interaction.

        Notes
        -----
        There is no rating column for data without ratings, unless duplicates were summed.
        """
        csr = self.user_items
        users = self.users.names(np.repeat(np.arange(self.n_users), np.diff(csr.indptr)))
        columns = {"user": users, "item": self.items.names(csr.indices)}
        if self.explicit or (csr.data != 1).any():
            columns["rating"] = csr.data
        if self.timestamps is not None:
            columns["timestamp"] = self.timestamps
        return make_frame(columns, backend or self.backend)

    def __repr__(self) -> str:
        what = "interactions"
        if self.rating_range is not None:
            what = f"ratings {self.rating_range[0]:g} .. {self.rating_range[1]:g}"
        density = 100 * len(self) / max(self.n_users * self.n_items, 1)
        digits = 2 if density >= 0.1 or not density else 4
        sizes = f"{self.n_users:,} users, {self.n_items:,} items, {len(self):,} {what}"
        return f"Interactions({sizes}, density {density:.{digits}f} %)"
