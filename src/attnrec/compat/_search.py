"""Shared code of the ranking drop-ins: masks of hidden pairs, and a scan that suits the data."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from .. import ops
from .._util import matrices
from .._util.arraylike import as_floats, as_integers, as_numpy, whole_numbers
from .._util.extras import require
from ..index._snapshot import Precision
from ..index.item_index import ItemIndex
from ..reference import TopK

Array = np.ndarray[Any, np.dtype[Any]]

# Where a call is large enough to look at a sample of its queries first, and the part of the items, by norm, that could
# be among their best up to which the 8-bit scan, which ends at the rest, was always faster: 1.1 to 4 times on vectors
# with lognormal norms, 10,000 to 40,000 items, 64 and 128 wide, k of 10 and 50, the 27 or 100 best hidden.
SAMPLE, MANY_QUERIES, MANY_ITEMS, SHORT_REACH = 64, 512, 10_000, 0.7


def best(
    queries: Any,
    items: Array,
    k: int,
    *,
    item_bias: Array | None = None,
    exclude: Any = None,
    filter_items: Array | None = None,
    subset: Array | None = None,
    num_threads: int = 0,
) -> TopK:
    """:func:`attnrec.topk` without weights; ``num_threads`` of 0 means all, and ``subset`` is its ``items``."""
    options: dict[str, Any] = {"filter_items": filter_items, "weights": False, "num_threads": num_threads or None}
    features: Any = items
    precision: Precision = "auto"
    large = queries.shape[0] >= MANY_QUERIES and len(items) >= MANY_ITEMS
    if large and isinstance(queries, np.ndarray) and subset is None and item_bias is None:
        features = ItemIndex(items)
        some = np.linspace(0, len(queries) - 1, SAMPLE).astype(np.int64)
        hidden = None if exclude is None else exclude[some]
        found = ops.topk(queries[some], features, k, exclude=hidden, precision="float32", **options)
        if _reach(queries[some], items, found.scores[:, -1]) <= SHORT_REACH:
            precision = "int8"
    return ops.topk(
        queries, features, k, item_bias=item_bias, exclude=exclude, items=subset, precision=precision, **options
    )


def _reach(queries: Array, items: Array, least: Array) -> float:
    """Mean part of the items whose norms let them score ``least``, each query's k-th best: Cauchy and Schwarz."""
    norms = np.sort(np.linalg.norm(items, axis=1))
    needed = least / np.maximum(np.linalg.norm(queries, axis=1), np.finfo(np.float32).tiny)
    return 1 - float(np.mean(np.searchsorted(norms, needed))) / len(norms)


def whole(name: str, value: Any, least: int) -> int:
    """An integer of at least ``least``."""
    try:
        out = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; give an integer") from None
    if out < least:
        raise ValueError(f"{name} is {out}; give {least} or more")
    return out


def integers(name: str, x: Any) -> Array:
    """Row numbers as they are, of any integer dtype; texts that all spell integers are read with a warning."""
    out = as_numpy(x, name)
    if out.size and out.dtype.kind in "UO" and out.ndim == 1:
        texts = out.tolist()
        spelled = whole_numbers(texts) if all(isinstance(text, str) for text in texts) else None
        if spelled is not None:
            warnings.warn(f"{name} holds text, such as {texts[0]!r}; it is read as integers", UserWarning, stacklevel=4)
            return as_integers(spelled, name)
    return out if out.dtype.kind in "iu" else as_integers(out, name)


def floats(name: str, x: Any) -> Array:
    """Anything dense and real as float32, not copied where it is that."""
    if hasattr(x, "tocsr"):
        raise TypeError(f"{name} is sparse; give an array")
    try:
        return as_floats(x, name, np.float32)
    except TypeError as error:
        why = str(error).removeprefix(f"{name} ")
        raise TypeError(f"{name} can not be read as an array of numbers: it {why}") from error


def weights(name: str, x: Any) -> Any:
    """A sparse matrix as a float32 CSR array of its own memory."""
    read = matrices.matrix(name, x)
    parts = (read.data, read.indices, read.indptr)
    return require("scipy.sparse", extra="data").csr_array(parts, shape=read.shape, copy=True)


def pattern(name: str, matrix: Any, rows: int, columns: int) -> Any:
    """The first ``rows`` rows of a sparse matrix as a CSR array of exactly ``columns`` columns; None stays None."""
    if matrix is None:
        return None
    if not matrices.is_sparse(matrix):
        raise TypeError(f"{name} is {type(matrix).__name__}; give a SciPy CSR matrix")
    x = matrices.stored(name, matrix, values=False, row=True)
    if x.shape[0] < rows:
        raise ValueError(f"{name} {x.shape} has fewer rows than there are queries, {rows}; give a row for each")
    indptr = x.indptr[: rows + 1]
    indices = x.indices[: indptr[-1]]
    data = np.ones(len(indices), dtype=bool)
    if len(indices) and not 0 <= indices.min() <= indices.max() < columns:
        raise ValueError(f"{name} {x.shape} holds an item outside 0 .. {columns - 1}; its columns are the items")
    return require("scipy.sparse", extra="data").csr_array((data, indices, indptr), shape=(rows, columns))
