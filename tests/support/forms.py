"""One matrix in every form that is not canonical: entries split and shuffled, any format and dtype, wrong flags. Holds
no test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import sparse

__all__ = ["DTYPES", "FORMATS", "drawn", "form", "needs_rows", "snapshot", "table"]


def _has_rows() -> bool:
    try:
        return bool(sparse.csr_array(np.eye(2))[0].ndim == 1)
    except NotImplementedError:
        return False


needs_rows = pytest.mark.skipif(not _has_rows(), reason="this SciPy has no one-dimensional sparse arrays")
FORMATS = ("csr", "csr_matrix", "csr64", "csc", "coo", "coo_matrix", "lil", "dok", "dia", "bsr", "blocks")
DTYPES = ("bool", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float32", "float64", "longdouble")


def table(seed: int, shape: tuple[int, int], density: float = 0.4, most: int = 300) -> sparse.csr_array:
    """A canonical matrix of whole numbers from 1, float32; most of them small."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(shape) < 0.7, rng.integers(1, 6, shape), rng.integers(1, most + 1, shape))
    return sparse.csr_array(np.where(rng.random(shape) < density, values, 0).astype(np.float32))


@st.composite
def drawn(draw: st.DrawFn) -> tuple[str, str, int]:
    """What :func:`form` needs beside the matrix."""
    return draw(st.sampled_from(FORMATS)), draw(st.sampled_from(DTYPES)), draw(st.integers(0, 10**6))


def form(x: sparse.csr_array, how: tuple[str, str, int]) -> Any:
    """The same matrix, as :func:`drawn` says: in entries that fit the dtype."""
    kind, dtype, seed = how
    rng = np.random.default_rng(seed)
    rows, columns, values = _split(x, dtype, rng)
    if kind in ("dok", "dia"):  # which can hold an entry once
        rows, columns, values = (*x.nonzero(), x.data)
        dtype = "int16" if dtype in ("bool", "uint8") else dtype
    data = values.astype(dtype)
    coo = (data, (rows, columns))
    if kind in ("coo", "coo_matrix"):
        out = getattr(sparse, "coo_array" if kind == "coo" else kind)(coo, shape=x.shape)
        out.has_canonical_format = bool(rng.integers(2))
        return out
    if kind == "dok":
        return sparse.dok_array(sparse.coo_array(coo, shape=x.shape))
    if kind == "dia":
        return sparse.coo_array(coo, shape=x.shape).todia()
    if kind == "lil":
        out = sparse.lil_array(x.shape, dtype=data.dtype)
        for row, column, value in zip(rows, columns, data, strict=True):
            out.rows[row].append(int(column))
            out.data[row].append(value)
        return out
    if kind == "csc":
        indices, indptr, data = _compressed(columns, rows, data, x.shape[1])
        return sparse.csc_array((data, indices, indptr), shape=x.shape)
    if kind == "blocks":
        return _blocks(rows, columns, data, x.shape)
    indices, indptr, data = _compressed(rows, columns, data, x.shape[0])
    if kind == "bsr":
        return sparse.bsr_array((data[:, None, None], indices, indptr), shape=x.shape)
    if kind == "csr64":
        indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    out = (sparse.csr_matrix if kind == "csr_matrix" else sparse.csr_array)((data, indices, indptr), shape=x.shape)
    if rng.integers(2):
        out.has_sorted_indices = out.has_canonical_format = True
    return out


def snapshot(x: Any) -> list[Any]:
    """What a matrix stores, to compare when somebody else had it."""
    if x.format == "dok":
        return sorted(x.items())
    names = ("data", "indices", "indptr", "row", "col", "rows", "offsets")
    return [np.array(getattr(x, name), copy=True).tolist() for name in names if hasattr(x, name)]


def _split(x: sparse.csr_array, dtype: str, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Entries in pieces that add up to them and fit the dtype, in any order."""
    most, wide = (
        {"bool": 1, "uint8": 255}.get(dtype, 10**6),
        np.dtype(dtype).kind != "u" and np.dtype(dtype).itemsize >= 4,
    )
    pieces: list[tuple[int, int, int]] = []
    for row, column, value in zip(*x.nonzero(), x.data, strict=True):
        left = int(value)
        if wide and rng.random() < 0.2:  # what float32 can not add
            pieces += [(int(row), int(column), sign * 2**24) for sign in (1, -1)]
        while left:
            piece = left if left <= most and rng.random() < 0.5 else int(rng.integers(1, min(left, most) + 1))
            pieces.append((int(row), int(column), piece))
            left -= piece
    out = np.array(pieces, dtype=np.int64).reshape(-1, 3)[rng.permutation(len(pieces))]
    return out[:, 0], out[:, 1], out[:, 2]


def _compressed(major: Any, minor: Any, data: Any, n: int) -> tuple[Any, Any, Any]:
    order = np.argsort(major, kind="stable")
    indptr = np.append(0, np.cumsum(np.bincount(major, minlength=n)))
    return minor[order].astype(np.int32), indptr.astype(np.int32), data[order]


def _blocks(rows: Any, columns: Any, data: Any, shape: tuple[int, int]) -> Any:
    """BSR of blocks that are filled up with zeros, one for each entry; the shape must be even."""
    order = np.argsort(rows // 2, kind="stable")
    blocks = np.zeros((len(rows), 2, 2), data.dtype)
    blocks[np.arange(len(rows)), rows[order] % 2, columns[order] % 2] = data[order]
    indptr = np.append(0, np.cumsum(np.bincount(rows // 2, minlength=shape[0] // 2)))
    return sparse.bsr_array((blocks, columns[order] // 2, indptr), shape=shape)
