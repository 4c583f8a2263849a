"""Features: a matrix with rows of items or users and a block of columns for each modality."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._util import matrices
from .._util.extras import require
from .._util.sparse import Array, csr
from ..data.ids import Ids

__all__ = ["Features"]

_sparse = require("scipy.sparse", extra="features")


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """Features of n items or users, one row each; accepted wherever a feature matrix is.

    Attributes
    ----------
    matrix : (n, width) CSR or ndarray of float32
        Feature matrix, dense if every block is. The block of a modality has length 1 in a row where it is present
        (``sqrt(w)`` with a weight ``w``), and is 0 where it is missing: the product of two rows is the sum of the
        cosines of their modalities.
    modalities : dict of str -> slice
        Columns of each modality.
    present : (n, modalities) ndarray of bool
        Whether a modality is present in a row, in the order of ``modalities``.
    names : list of str
        Name of each column, such as ``"genres=Drama"`` or ``"title:wine"``.
    ids : Ids or None
        Id of each row, where the table has a column of ids. Estimators that are fitted with
        :class:`attnrec.data.Interactions` join rows to users and items by it.
    encoder : FeatureEncoder or None
        Encoder that made the features. A model that is fitted with them keeps it, to encode tables of further rows.

    Examples
    --------
    >>> from attnrec.features import FeatureEncoder
    >>> films = {"film": ["a", "b", "c"], "genre": ["Drama", "Drama", None], "year": [1995, 1979, 1940]}
    >>> features = FeatureEncoder(categories="genre", numbers="year", id="film").fit_transform(films)
    >>> features
    Features(3 rows, 3 columns: genre 66.7 %, year 100 %)
    >>> features.names
    ['genre=Drama', 'year', 'year:known']
    >>> features.block("genre").toarray().ravel().tolist(), features.present[:, 0].tolist()
    ([1.0, 1.0, 0.0], [True, True, False])
    >>> features.align(["c", "a"]).ids.names([0, 1]).tolist()
    ['c', 'a']
    """

    matrix: Any
    modalities: Mapping[str, slice]
    present: Array
    names: Sequence[str]
    ids: Ids | None = None
    encoder: Any = None

    def __post_init__(self) -> None:
        if _sparse.issparse(self.matrix):
            read = matrices.matrix("matrix", self.matrix)
            object.__setattr__(self, "matrix", csr(read.data, read.indices, read.indptr, read.shape))
        n, width = self.matrix.shape
        if self.present.shape != (n, len(self.modalities)):
            raise ValueError(
                f"present has shape {self.present.shape}: {n} rows and {len(self.modalities)} modalities need "
                f"({n}, {len(self.modalities)})"
            )
        if len(self.names) != width:
            raise ValueError(f"{len(self.names)} names for a matrix of {width} columns: give one for each")
        if self.ids is not None and len(self.ids) != n:
            raise ValueError(f"{len(self.ids)} ids for a matrix of {n} rows: give one for each")

    @property
    def features(self) -> Any:
        """The matrix; estimators look here."""
        return self.matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.names)

    def block(self, modality: str) -> Any:
        """Select the columns of one modality.

        Parameters
        ----------
        modality : str
            Name of the modality.

        Returns
        -------
        (n, width) CSR or ndarray
            Block of the modality.

        Raises
        ------
        ValueError
            If there is no modality of that name.
        """
        if modality not in self.modalities:
            raise ValueError(f"no modality {modality!r}; there are {', '.join(self.modalities)}")
        return self.matrix[:, self.modalities[modality]]

    def align(self, ids: Any, *, unknown: Literal["warn", "ignore", "raise"] = "warn") -> Features:
        """Select rows by id, in the order given, such as that of ``interactions.items``.

        It is for inputs without ids, such as a matrix of interactions or lists of item numbers; estimators that
        get :class:`attnrec.data.Interactions` align features by themselves.

        Parameters
        ----------
        ids : (m,) Ids, array or iterable of hashables
            Distinct ids.
        unknown : {"warn", "ignore", "raise"}
            Treatment of ids without a row, which become rows where every modality is missing: a warning with their
            number, nothing, or an error.

        Returns
        -------
        Features
            Features with a row for each of the m ids; ``~aligned.present.any(axis=1)`` marks rows of which nothing is
            known.

        Raises
        ------
        ValueError
            If the features have no ids, an id is missing or repeated, or (unless ignored) none of them has a row.
        """
        if unknown not in ("warn", "ignore", "raise"):
            raise ValueError(f"unknown={unknown!r} is not 'warn', 'ignore' or 'raise'")
        if self.ids is None:
            raise ValueError("these features have no ids: encode with id=, the column that holds them")
        wanted = ids if isinstance(ids, Ids) else Ids(ids)
        rows = self.ids.positions(wanted, unknown="ignore")
        lost = np.flatnonzero(rows < 0)
        if len(lost) and unknown != "ignore":
            told = f"align: {len(lost):,} of {len(wanted):,} ids have no row, such as {wanted[int(lost[0])]!r}"
            if len(lost) == len(wanted):
                like = ", ".join(repr(name) for name in self.ids.to_numpy()[:3].tolist())
                raise ValueError(f"{told}; ids of the table look like {like}: are they of the same type?")
            if unknown == "raise":
                raise ValueError(f"{told}; add them to the table, or pass unknown='ignore'")
            warnings.warn(f"{told}; their features are missing", UserWarning, stacklevel=2)
        return self._taken(rows, wanted)

    def _taken(self, rows: Array, ids: Ids | None) -> Features:
        """Rows by number, -1 for one where every modality is missing, with these ids; itself if nothing changes."""
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(rows))):
            return self
        present = self.present[np.maximum(rows, 0)] if len(self) else np.zeros((len(rows), len(self.modalities)), bool)
        present[rows < 0] = False
        return Features(_picked(self.matrix, rows), self.modalities, present, self.names, ids, self.encoder)

    def __getitem__(self, rows: Any) -> Features:
        """Some rows: a slice, a mask, row numbers, or one of these numbers."""
        at = np.atleast_1d(np.arange(len(self))[rows])
        if at.ndim != 1:
            raise ValueError(f"rows must be one number, a slice, a mask or a vector, got shape {np.shape(rows)}")
        ids = None
        if self.ids is not None:
            if len(np.unique(at)) != len(at):
                raise ValueError("a row is asked for twice, and ids are distinct; pick from .matrix instead")
            ids = Ids._trusted(self.ids.to_numpy()[at])
        return Features(self.matrix[at], self.modalities, self.present[at], self.names, ids, self.encoder)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __repr__(self) -> str:
        share = self.present.mean(axis=0) if len(self) else np.zeros(len(self.modalities))
        told = ", ".join(f"{name} {100 * part:.3g} %" for name, part in zip(self.modalities, share, strict=True))
        return f"Features({len(self):,} rows, {len(self.names):,} columns: {told})"


def _picked(matrix: Any, rows: Array) -> Any:
    """Rows of a matrix; a row of zeros for -1."""
    nothing = np.zeros((1, matrix.shape[1]), matrix.dtype)
    last = matrix.shape[0]
    if _sparse.issparse(matrix):
        return _sparse.vstack([matrix, _sparse.csr_array(nothing)], format="csr")[np.where(rows < 0, last, rows)]
    return np.concatenate([matrix, nothing])[rows]
