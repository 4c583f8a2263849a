"""Public data sets for the accuracy benchmark, from the folder ATTNREC_DATA, and how users are held out."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

Array = np.ndarray[Any, np.dtype[Any]]


def folder() -> Path | None:
    """Where the data sets are; None, said aloud, if they are nowhere."""
    path = Path(os.environ.get("ATTNREC_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
    if path.is_dir():
        return path
    print(f"no data sets at {path}: set ATTNREC_DATA to their folder")
    return None


def found(path: Path) -> bool:
    """Whether a file is there; said aloud if not."""
    if not path.is_file():
        print(f"skipped: no {path}")
    return path.is_file()


def movielens_1m(root: Path) -> sp.csr_array | None:
    """MovieLens 1M, items with at least 5 ratings, every rating an interaction: 6,040 x 3,416, 999,611 stored."""
    path = root / "movielens-1m-sequences" / "sequences.txt.gz"
    if not found(path):
        return None
    with gzip.open(path, "rt") as lines:
        rows = [np.array(line.split()[1:], dtype=np.int64) for line in lines]
    items, columns = np.unique(np.concatenate(rows), return_inverse=True)
    indptr = np.append(0, np.cumsum([len(row) for row in rows]))
    x = sp.csr_array((np.ones(len(columns), np.float32), columns, indptr), shape=(len(rows), len(items)))
    x.sum_duplicates()
    x.data[:] = 1
    return x


def gowalla(root: Path) -> tuple[sp.csr_array, sp.csr_array] | None:
    """Train and test of LightGCN's split of Gowalla: 29,858 x 40,981, 810,128 and 217,242 stored."""
    paths = [root / "gowalla-lightgcn" / f"{name}.npz" for name in ("train", "test")]
    if not all(map(found, paths)):
        return None
    train, test = (sp.csr_array(sp.load_npz(path)).astype(np.float32) for path in paths)
    for x in (train, test):
        x.sort_indices()
        x.data[:] = 1
    return train, test


def user_holdout(x: sp.csr_array, seed: int, n: int = 1000) -> tuple[sp.csr_array, sp.csr_array, sp.csr_array]:
    """Histories of all users but n; 80 % of the histories of these n, drawn at random; and the rest of them."""
    rng = np.random.default_rng(seed)
    users = np.sort(rng.permutation(x.shape[0])[:n])
    theirs = x[users]
    held = np.zeros(theirs.nnz, dtype=bool)
    for start, stop in zip(theirs.indptr[:-1], theirs.indptr[1:], strict=True):
        held[start + rng.permutation(stop - start)[: int(0.2 * (stop - start))]] = True
    rows = np.repeat(np.arange(n), np.diff(theirs.indptr))
    fold_in, test = (
        sp.csr_array((theirs.data[m], (rows[m], theirs.indices[m])), shape=theirs.shape) for m in (~held, held)
    )
    return x[np.setdiff1d(np.arange(x.shape[0]), users)], fold_in, test


def best_unseen(scores: Array, seen: sp.csr_array, k: int) -> Array:
    """The k best items of each row that are not stored in ``seen``, (b, k), best first."""
    scores = np.array(scores, dtype=np.float32)
    scores[np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)), seen.indices] = -np.inf
    ids = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, ids, axis=1), axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1)
