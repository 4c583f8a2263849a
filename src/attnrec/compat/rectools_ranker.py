"""Drop-in for RecTools' ranker of vectors, ``ImplicitRanker``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._util.extras import require
from .._util.matrices import is_sparse
from ._handover import handed_over
from ._search import Array, best, floats, integers, pattern, weights, whole

OP = "compat.RecToolsRanker"
DISTANCES = ("dot", "cosine", "euclidean")
NO_ZERO = np.float32(1e-10)  # in place of a norm of 0: such vectors are orthogonal to all
CHUNK = 1 << 22  # numbers held at once where distances are taken from differences


class RecToolsRanker:
    """Rank objects like ``rectools.models.rank.ImplicitRanker`` of RecTools 0.19, without storing rows of scores.

    Objects of equal score are ordered by id, the lower one first, and a vector of norm 0 has cosine 0 with all.
    Euclidean distances are computed from differences of vectors, where RecTools subtracts squares and keeps fewer
    digits for near vectors. Vectors that the kernels refuse, with NaN, infinity, or products that may overflow float32,
    are ranked by RecTools if it is installed. Negative ids, which count from the end in RecTools, are refused.

    Parameters
    ----------
    distance : {"dot", "cosine", "euclidean"} or rectools Distance
        Score of two vectors: dot product, cosine, or Euclidean distance, of which a smaller one is better.
    subjects_factors : (n_subjects, d) array_like, or CSR for "dot"
        Vectors of the subjects, which are users, or items that others are compared with; kept in float32.
    objects_factors : (n_objects, d) array_like
        Vectors of the objects to rank; kept in float32.
    num_threads : int
        Number of threads, 0 for all of :func:`attnrec.num_threads`.
    use_gpu : bool
        Whether to leave all work to RecTools.

    Raises
    ------
    ValueError
        If the distance is unknown or shapes do not fit; without RecTools also if ``use_gpu`` is true.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.compat import RecToolsRanker
    >>> users, items = np.array([[1, 0], [1, 3]]), np.array([[2, 0], [0, 1], [1, 1]])
    >>> ranker = RecToolsRanker("dot", users, items)
    >>> ranker.rank([1, 0], k=2)
    (array([1, 1, 0, 0]), array([2, 1, 0, 2], dtype=int32), array([4., 3., 2., 1.], dtype=float32))
    """

    def __init__(
        self,
        distance: Any,
        subjects_factors: Any,
        objects_factors: Any,
        num_threads: int = 0,
        use_gpu: bool = False,
    ) -> None:
        self.distance: str = str(getattr(distance, "value", distance))
        if self.distance not in DISTANCES:
            raise ValueError(f"{OP}: distance {distance!r} is none of {', '.join(map(repr, DISTANCES))}")
        self.use_gpu = bool(use_gpu)
        if self.use_gpu:
            handed_over(ValueError(f"{OP}: this computes on the CPU; leave use_gpu out"), _rectools)
        sparse = is_sparse(subjects_factors)
        if sparse and self.distance != "dot":
            raise ValueError(
                f"{OP}: sparse subjects_factors have distance 'dot' alone; give an array, or that distance"
            )
        name = f"{OP}: subjects_factors"
        self.subjects_factors: Any = (
            weights(name, subjects_factors) if sparse else floats(name, subjects_factors).copy()
        )
        self.objects_factors: Array = floats(f"{OP}: objects_factors", objects_factors).copy()
        shapes = self.subjects_factors.shape, self.objects_factors.shape
        if not len(shapes[0]) == len(shapes[1]) == 2 or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                f"{OP}: subjects_factors {shapes[0]} and objects_factors {shapes[1]} do not fit; give a row each, with "
                "the same columns"
            )
        self.num_threads = num_threads

    def rank(
        self,
        subject_ids: Any,
        k: int | None = None,
        filter_pairs_csr: Any = None,
        sorted_object_whitelist: Any = None,
    ) -> tuple[Array, Array, Array]:
        """Find the k best objects for each subject, in one long list.

        Parameters
        ----------
        subject_ids : (b,) array_like of int
            Rows of ``subjects_factors``.
        k : int, optional
            Number of objects for each subject, at least 1; all if not given.
        filter_pairs_csr : (b, n_objects) sparse matrix, optional
            Objects to leave out, as stored entries, with a row for each of ``subject_ids``. Subjects with fewer than k
            other objects get fewer.
        sorted_object_whitelist : (p,) array_like of int, optional
            Candidate objects, and no others.

        Returns
        -------
        subjects : (r,) array
            Subject of each result, in the order of ``subject_ids``; RecTools returns a list.
        objects : (r,) array
            Object of each result, best first for each subject: int32, or the dtype of the whitelist.
        scores : (r,) array
            Products or cosines in float32, or distances in float64.

        Raises
        ------
        ValueError
            If an id is out of range, ``k < 1``, or ``filter_pairs_csr`` has not b rows or has objects out of range;
            without RecTools also if a value is not finite, or products are too large.
        TypeError
            If ids or ``k`` are not integers, or ``filter_pairs_csr`` is not sparse.
        """
        subjects = _checked_ids("subject_ids", subject_ids, self.subjects_factors.shape[0])
        n = len(self.objects_factors)
        subset = None
        if sorted_object_whitelist is not None:
            subset = _checked_ids("sorted_object_whitelist", sorted_object_whitelist, n)
        exclude = pattern(f"{OP}: filter_pairs_csr", filter_pairs_csr, len(subjects), n)
        if exclude is not None and filter_pairs_csr.shape[0] != len(subjects):
            raise ValueError(
                f"{OP}: filter_pairs_csr {filter_pairs_csr.shape} has to have a row for each of the {len(subjects)} "
                "subject_ids"
            )
        most = n if subset is None else len(subset)
        id_type = np.dtype(np.int32) if subset is None else subset.dtype
        real = most if k is None else min(whole(f"{OP}: k", k, 1), most)
        if not len(subjects) or not real:
            dtype = np.float64 if self.distance == "euclidean" else np.float32
            return subjects[:0], np.empty(0, id_type), np.empty(0, dtype)
        if self.use_gpu:
            return self._theirs(subjects, real, exclude, subset)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found, scores = self._ranked(subjects, real, exclude, subset)
        except ValueError as refused:
            return handed_over(refused, lambda: self._theirs(subjects, real, exclude, subset))
        kept = found.ids >= 0
        return np.repeat(subjects, found.counts), found.ids[kept].astype(id_type), scores[kept]

    def _theirs(self, subjects: Array, k: int, exclude: Any, subset: Array | None) -> tuple[Array, Array, Array]:
        """RecTools' own ranker, which wants matrices that are no arrays; its own also where ours took its place."""
        module, csr_matrix = _rectools(), require("scipy.sparse", extra="data").csr_matrix
        rows = csr_matrix(self.subjects_factors) if hasattr(self.subjects_factors, "tocsr") else self.subjects_factors
        ranker = module.ImplicitRanker(
            module.Distance(self.distance), rows, self.objects_factors, self.num_threads, self.use_gpu
        )
        rank = getattr(module.ImplicitRanker.rank, "__wrapped__", module.ImplicitRanker.rank)
        hidden = None if exclude is None else csr_matrix(exclude)
        users, objects, scores = rank(ranker, subjects, k, hidden, subset)
        return np.asarray(users, subjects.dtype), objects, scores

    def _ranked(self, subjects: Array, k: int, exclude: Any, subset: Array | None) -> tuple[Any, Array]:
        """The best with their scores, (b, k), padded with id -1."""
        queries, objects, bias = self.subjects_factors[subjects], self.objects_factors, None
        if self.distance == "cosine":
            objects = objects / _lengths(objects)[:, None]
        elif self.distance == "euclidean":  # |u - v|^2 = |u|^2 - (2 u . v - |v|^2)
            queries, bias = 2 * queries, -np.einsum("ij,ij->i", objects, objects)
        found = best(queries, objects, k, item_bias=bias, exclude=exclude, subset=subset, num_threads=self.num_threads)
        if self.distance == "dot":
            return found, found.scores
        if self.distance == "cosine":
            return found, found.scores / _lengths(queries)[:, None]
        distances = _distances(self.subjects_factors[subjects], objects, found.ids)
        order = np.lexsort((found.ids, distances), axis=1)
        found.ids[...] = np.take_along_axis(found.ids, order, axis=1)
        return found, np.take_along_axis(distances, order, axis=1)


def _rectools() -> Any:
    return require("rectools.models.rank", extra="rectools")


def _lengths(x: Array) -> Array:
    norms: Array = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64)).astype(np.float32)  # squares leave float32
    norms[norms == 0] = NO_ZERO
    return norms


def _distances(queries: Array, objects: Array, ids: Array) -> Array:
    """Distances of each query to its objects, (b, k) float64; infinite where there is none."""
    out = np.full(ids.shape, np.inf)
    rows = max(1, CHUNK // max(1, ids.shape[1] * queries.shape[1]))
    for start in range(0, len(ids), rows):
        part = slice(start, start + rows)
        difference = queries[part, None].astype(np.float64) - objects[ids[part]]
        out[part] = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference))
    out[ids < 0] = np.inf
    return out


def _checked_ids(name: str, ids: Any, n: int) -> Array:
    out = integers(f"{OP}: {name}", ids)
    if out.ndim != 1:
        raise ValueError(f"{OP}: {name} has shape {out.shape}; give a list of ids")
    if out.size and (out.min() < 0 or out.max() >= n):
        raise ValueError(f"{OP}: {name} holds {out.min() if out.min() < 0 else out.max()}, outside 0 .. {n - 1}")
    return out
