"""Constructors of Interactions from files, frames, arrays and sparse matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from .columns import Column
from .io.arrays import columns_of_arrays, columns_of_sparse
from .io.frames import columns_of
from .io.parts import Paths, find_parts, holds_parquet, without_text
from .io.source import Columns
from .policies import ReadPolicy, documented

__all__ = ["Readers"]

Duplicates = Literal["last", "first", "mean", "sum", "error"]


class Readers:
    """Base class of Interactions with the methods that read them."""

    __slots__ = ()

    @classmethod
    def _make(cls, columns: Columns, policy: ReadPolicy, backend: str | None = None) -> Self:
        raise NotImplementedError

    @classmethod
    @documented
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
    ) -> Self:
        """Read a pandas or polars DataFrame, a pyarrow Table, or any other frame that narwhals understands.

        Parameters
        ----------
        df : frame
            Frame with a row for each interaction; messages count rows from 0.
        %(columns)s
        %(policy)s

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.

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
        >>> from attnrec.data import Interactions
        >>> Interactions.from_frame(table).to_frame().column_names
        ['user', 'item', 'rating']
        """
        policy = ReadPolicy(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        columns, backend = columns_of(df, given)
        return cls._make(columns, policy, backend)

    @classmethod
    @documented
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
    ) -> Self:
        """Read delimited text in blocks, without loading the whole file.

        Parameters
        ----------
        path : path or sequence of paths
            File, plain or compressed whatever its name is (gzip, bz2, xz, zstd, lz4, a zip archive of one file), or
            several files that are read as one: a folder, a pattern (``"ratings/*.csv"``) or a list. Lines are counted
            from 1.
        %(columns)s
        separator : str, optional
            Separator of the fields, one character or "::"; it is guessed among ``,``, ``;``, tab, ``|`` and ``::`` if
            not given.
        header : bool or sequence of str, optional
            Whether the first line holds the names of the columns; a sequence gives the names of a file without them. It
            is guessed if not given (numbers and times are data, common headers are names), and an error if it cannot be
            guessed.
        encoding : str
            Character encoding of the text, such as "latin-1".
        %(policy)s
        show_progress : bool
            Whether to draw a progress bar for files of 50 MB and more if stderr is a terminal.

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.

        Raises
        ------
        FileNotFoundError, IsADirectoryError
            If there is no such file.
        ValueError
            If a line cannot be read or is not allowed; the message has one line with file, line and fix.

        Notes
        -----
        Without a header, columns that are not given are user, item, rating and timestamp in this order. Ids are int64,
        or uint64 if one needs it, when all of a column are written as plain integers below 2^64, else strings ("007"
        stays a string). Times are integers, decimals or ISO 8601 dates. Empty ids, and empty, NA, NaN, null or None
        ratings and times, are missing. :mod:`attnrec.data.io` has the rules for blanks, quotes, and several files.
        """
        from .io.delimited import read_csv

        policy = ReadPolicy(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        columns = read_csv(
            path, given, separator=separator, header=header, encoding=encoding, show_progress=show_progress
        )
        return cls._make(columns, policy)

    @classmethod
    @documented
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
    ) -> Self:
        """Read the required columns of Parquet files, batch by batch.

        Parameters
        ----------
        path : path or sequence of paths
            File, or several files that are read as one: a folder, a pattern (``"ratings/*.parquet"``) or a list. Rows
            are counted from 0.
        %(columns)s
        %(policy)s
        show_progress : bool
            Whether to draw a progress bar for files of 50 MB and more if stderr is a terminal.

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.

        Raises
        ------
        FileNotFoundError, IsADirectoryError
            If there is no such file.
        ValueError
            If a file cannot be read or a row is not allowed; the message has one line with file, row and fix.
        """
        from .io.parquet import read_parquet

        policy = ReadPolicy(duplicates, missing, rating_range, out_of_range)
        given = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
        return cls._make(read_parquet(path, given, show_progress=show_progress), policy)

    @classmethod
    def from_file(cls, path: Paths, **options: Any) -> Self:
        """Read Parquet by :meth:`from_parquet` and any other file by :meth:`from_csv`.

        Parameters
        ----------
        path : path or sequence of paths
            File, folder, pattern or list of files; the first bytes tell Parquet, whatever the name is.
        **options
            Arguments of the two methods; options of text are refused for Parquet.

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.
        """
        source: Any = find_parts(path)
        if holds_parquet(source):
            return cls.from_parquet(source, **without_text(source, options))
        return cls.from_csv(source, **options)

    @classmethod
    @documented
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
    ) -> Self:
        """Read parallel arrays, lists or series, one entry an interaction.

        Parameters
        ----------
        users : (n,) array_like
            User of each interaction: ids of any hashable type.
        items : (n,) array_like
            Item of each interaction: ids of any hashable type.
        ratings : (n,) array_like, optional
            Rating of each interaction.
        timestamps : (n,) array_like, optional
            Time of each interaction: numbers, dates or datetimes.
        %(policy)s

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.

        Raises
        ------
        ValueError
            If their lengths differ, or a row is not allowed.
        """
        policy = ReadPolicy(duplicates, missing, rating_range, out_of_range)
        columns = columns_of_arrays(users, items, ratings, timestamps)
        return cls._make(columns, policy)

    @classmethod
    @documented
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
    ) -> Self:
        """Read a SciPy sparse matrix or array of any format, users by items.

        Parameters
        ----------
        csr : (users, items) scipy.sparse matrix or array
            Matrix to copy. Stored zeros are interactions, and repeated entries are summed in float64 by default.
        user_ids : (users,) sequence of hashables, optional
            Ids of the rows, all of which are kept in their order; 0 to users - 1 if not given. Features and later
            interactions are joined by them.
        item_ids : (items,) sequence of hashables, optional
            Ids of the columns, all of which are kept in their order; 0 to items - 1 if not given. Features and later
            interactions are joined by them.
        explicit : bool, optional
            Whether the values are ratings; if not given, whether any value differs from 1, sums included. Values that
            are not ratings are ignored, with a UserWarning if some are below 0, which estimators of implicit feedback
            take as dislikes.
        %(policy)s

        Returns
        -------
        Interactions
            The interactions that were kept, and a report on the others.

        Raises
        ------
        ValueError
            If the ids do not fit the matrix, or an entry is not allowed.
        TypeError
            If ``csr`` is not sparse, or an id cannot be hashed.
        """
        policy = ReadPolicy(duplicates, missing, rating_range, out_of_range, keep_ids=True)
        return cls._make(columns_of_sparse(csr, user_ids, item_ids, explicit, added=duplicates == "sum"), policy)
