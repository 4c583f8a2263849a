"""Interactions: who used what, with the ids kept. Delegates reading and sorting; computes nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .._arraylike import as_numpy
from .._extras import need
from .arrays import columns_of_arrays, columns_of_sparse
from .assemble import Rules, assemble
from .columns import Column
from .encode import Array
from .frames import columns_of, make_frame
from .ids import Ids
from .io.parts import Paths, find_parts, holds_parquet, without_text
from .place import Columns
from .report import Report

__all__ = ["Interactions"]

Duplicates = Literal["last", "first", "mean", "sum", "error"]


class Interactions:
    """A sparse matrix of users by items and the outside ids of both.

    Make one with :meth:`from_frame`, :meth:`from_csv`, :meth:`from_parquet`, :meth:`from_file`, :meth:`from_sparse` or
    :meth:`from_arrays`. All of them take these arguments:

    - ``duplicates``: what stands for several rows of one user and item: the "last" (the latest where there are
      timestamps, else the last row), the "first", the "mean" or the "sum" of the ratings, or "error".
    - ``missing``: "error" for a row without a user, item, finite rating or timestamp, or "drop" it.
    - ``rating_range``: the lowest and highest rating allowed, compared in float32.
    - ``out_of_range``: "error" for a rating outside of it, or "drop" the row.

    What was found is in :attr:`report`, with the number of each row. Ids are sorted where they are of one type with
    an order, so that the order of the rows does not matter; otherwise they are numbered as they first appear.

    Attributes
    ----------
    user_items : (users, items) scipy.sparse.csr_matrix of float32
        Sorted, without duplicates; a rating of 0 is stored. Without ratings every value is 1 (or the number of rows,
        under ``duplicates="sum"``).
    users, items : Ids
        The ids of rows and columns.
    explicit : bool
        Whether there are ratings.
    timestamps : (nnz,) ndarray of int64, float64 or datetime64[us], or None
        Aligned with ``user_items.data``. Times with a zone are in UTC.
    rating_range : (float, float) or None
        As given, else the lowest and highest rating there are; None without ratings.
    report : Report
        What was found while reading.
    backend : {"pandas", "polars", "pyarrow"} or None
        The kind of frame the data came in.

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
    def _make(cls, columns: Columns, rules: Rules, backend: str | None = None) -> Interactions:
        done = assemble(columns, rules)
        return cls(
            done.csr,
            Ids._trusted(done.users),
            Ids._trusted(done.items),
            explicit=columns.ratings is not None,
            report=done.report,
            timestamps=done.stamps,
            rating_range=rules.rating_range,
            backend=backend,
        )

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        user: Column = None,
        item: Column = None,
        rating: Column = None,
        timestamp: Column = None,
        duplicates: Duplicates = "last",
        missing: Literal["error", "drop"] = "error",
        rating_range: tuple[float, float] | None = None,
        out_of_range: Literal["error", "drop"] = "error",
    ) -> Interactions:
        """Read a pandas or polars DataFrame, a pyarrow Table, or any other frame that narwhals understands.

        Parameters
        ----------
        df : frame
            One row an interaction. Rows are counted from 0 in messages.
        user, item, rating, timestamp : str, int, False or None
            The column, by name or position; None: guess from common headers; False: do not use one.
        duplicates, missing, rating_range, out_of_range
            See the class.

        Raises
        ------
        ValueError
            If a column cannot be found, or a row is not allowed; the message names the argument or the row.
        TypeError
            If ``df`` is not a frame, or an id cannot be hashed.

        Examples
        --------
        >>> import pyarrow as pa
        >>> table = pa.table({"userId": [2, 1], "movieId": ["a", "b"], "stars": [4.5, 3.0]})
        >>> Interactions.from_frame(table).to_frame().column_names
        ['user', 'item', 'rating']
        """
        rules = Rules(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        columns, backend = columns_of(df, given)
        return cls._make(columns, rules, backend)

    @classmethod
    def from_csv(
        cls,
        path: Paths,
        *,
        user: Column = None,
        item: Column = None,
        rating: Column = None,
        timestamp: Column = None,
        separator: str | None = None,
        header: bool | Sequence[str] | None = None,
        encoding: str = "utf-8",
        duplicates: Duplicates = "last",
        missing: Literal["error", "drop"] = "error",
        rating_range: tuple[float, float] | None = None,
        out_of_range: Literal["error", "drop"] = "error",
        show_progress: bool = True,
    ) -> Interactions:
        """Read delimited text, in blocks: 25 million rows need less than 4 GB.

        Parameters
        ----------
        path : path or sequence of paths
            A file, plain or packed whatever its name is (gzip, bz2, xz, zstd, lz4, a zip archive of one file), or
            several that are read as one: a folder, a pattern (``"ratings/*.csv"``), a list. Lines count from 1.
        user, item, rating, timestamp : str, int, False or None
            The column, by name or position from 0; None: guess from common headers, or without a header take them in
            this order; False: do not use one.
        separator : str, optional
            One character or "::"; guessed among ``,``, ``;``, tab, ``|`` and ``::`` from the first line.
        header : bool or sequence of str, optional
            Whether the first line names the columns, or, where it does not, the names. Guessed; where it cannot be
            told (numbers and times are data, common headers are names), reading stops.
        encoding : str
            Of the text.
        duplicates, missing, rating_range, out_of_range
            See the class. Empty ids, and empty, NA, NaN, null or None ratings and times, are missing.
        show_progress : bool
            Draw a bar for files of 50 MB and more when stderr is a terminal.

        Raises
        ------
        FileNotFoundError, IsADirectoryError
            If there is no such file.
        ValueError
            In one line, with file and line, for a line that cannot be read or is not allowed.

        Notes
        -----
        Ids are int64, or uint64 where one needs it, when all of a column are written as plain integers below 2^64, else
        strings ("007" stays a string). Times are integers, decimals or ISO 8601 dates.
        :mod:`attnrec.data.io` has the rules for blanks, quotes, and files that are read as one.
        """
        from .csvfile import read_csv

        rules = Rules(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        columns = read_csv(
            path, given, separator=separator, header=header, encoding=encoding, show_progress=show_progress
        )
        return cls._make(columns, rules)

    @classmethod
    def from_parquet(
        cls,
        path: Paths,
        *,
        user: Column = None,
        item: Column = None,
        rating: Column = None,
        timestamp: Column = None,
        duplicates: Duplicates = "last",
        missing: Literal["error", "drop"] = "error",
        rating_range: tuple[float, float] | None = None,
        out_of_range: Literal["error", "drop"] = "error",
        show_progress: bool = True,
    ) -> Interactions:
        """Read the needed columns of Parquet, batch by batch; arguments, files and errors as in :meth:`from_csv`."""
        from .parquet import read_parquet

        rules = Rules(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        return cls._make(read_parquet(path, given, show_progress=show_progress), rules)

    @classmethod
    def from_file(cls, path: Paths, **options: Any) -> Interactions:
        """:meth:`from_parquet` for what begins as Parquet does, else :meth:`from_csv`, with their options."""
        source: Any = find_parts(path)
        if holds_parquet(source):
            return cls.from_parquet(source, **without_text(source, options))
        return cls.from_csv(source, **options)

    @classmethod
    def from_arrays(
        cls,
        users: Any,
        items: Any,
        ratings: Any = None,
        timestamps: Any = None,
        *,
        duplicates: Duplicates = "last",
        missing: Literal["error", "drop"] = "error",
        rating_range: tuple[float, float] | None = None,
        out_of_range: Literal["error", "drop"] = "error",
    ) -> Interactions:
        """Read parallel arrays, lists or series, one entry an interaction.

        Raises
        ------
        ValueError
            If their lengths differ, or a row is not allowed.
        """
        rules = Rules(duplicates, missing, rating_range, out_of_range)
        columns = columns_of_arrays(users, items, ratings, timestamps)
        return cls._make(columns, rules)

    @classmethod
    def from_sparse(
        cls,
        csr: Any,
        user_ids: Any = None,
        item_ids: Any = None,
        *,
        explicit: bool | None = None,
        duplicates: Duplicates = "sum",
        missing: Literal["error", "drop"] = "error",
        rating_range: tuple[float, float] | None = None,
        out_of_range: Literal["error", "drop"] = "error",
    ) -> Interactions:
        """Read a SciPy sparse matrix or array of any format, users by items.

        Parameters
        ----------
        csr : (users, items) scipy.sparse matrix or array
            Copied. Stored zeros are interactions; duplicates are added up in float64 unless told otherwise.
        user_ids, item_ids : (users,), (items,) sequence of hashables, optional
            0 .. n - 1 if not given: ids like others, by which features and later interactions are joined. They keep
            their order, and all of them stay.
        explicit : bool, optional
            Whether the values are ratings; by default, whether any differs from 1, sums included. If not, they are left
            out, with a UserWarning where some are below 0, which estimators of implicit feedback take as dislikes.
        duplicates, missing, rating_range, out_of_range
            See the class.
        """
        rules = Rules(duplicates, missing, rating_range, out_of_range, keep_ids=True)
        return cls._make(columns_of_sparse(csr, user_ids, item_ids, explicit, added=duplicates == "sum"), rules)

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
        sparse = need("scipy.sparse", extra="data")
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
        """The interactions as a frame with columns user, item, rating and timestamp, sorted by user and item.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            By default the kind of frame the data came in, else pandas where installed, else polars, else pyarrow.

        Notes
        -----
        There is no rating column for data without ratings, unless repeats were summed.
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
