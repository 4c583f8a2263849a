"""What cases are made of: the case itself, shapes, and random matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

Call = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One call, made afresh each time from its seed."""

    op: str
    name: str
    make: Callable[[np.random.Generator], Call]
    exact: bool = False  # inputs are small integers: every score is exact, so ids must be equal

    def __str__(self) -> str:
        return f"{self.op}-{self.name}"

    def call(self) -> Call:
        seed = [ord(c) for c in str(self)]
        return self.make(np.random.default_rng(seed))


# (b, n, d): empty, one, around a vector, a tile, a panel, a strip, a unit, and enough work for several threads
SHAPES = [
    (0, 5, 3),
    (3, 0, 4),
    (2, 6, 0),
    (1, 1, 1),
    (1, 13, 5),
    (7, 12, 8),
    (8, 95, 9),
    (9, 96, 16),
    (15, 97, 17),
    (17, 959, 33),
    (33, 961, 64),
    (31, 2000, 127),
    (40, 5000, 64),
    (3, 20011, 48),
    (1, 30000, 32),
]


def normal(r: np.random.Generator, *shape: int) -> np.ndarray:
    return r.standard_normal(shape).astype(np.float32)


def integers(r: np.random.Generator, *shape: int) -> np.ndarray:
    """Few small integers: products are exact and ties are many."""
    return r.integers(-2, 3, shape).astype(np.float32)


def pattern(r: np.random.Generator, b: int, n: int, density: float = 0.1, *, messy: bool = False) -> Any:
    """A CSR matrix; messy: unsorted rows with repeated entries and int64 indices."""
    rows, cols = np.nonzero(r.random((b, n)) < density)
    if messy:
        rows, cols = np.concatenate([rows, rows[::2]]), np.concatenate([cols, cols[::2]])
        order = r.permutation(len(rows))
        rows, cols = rows[order], cols[order]
        order = np.argsort(rows, kind="stable")
        rows, cols = rows[order], cols[order]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=b))])
    data = r.standard_normal(len(rows)).astype(np.float32)
    kind = np.int64 if messy else np.int32
    return sp.csr_array((data, cols.astype(kind), indptr.astype(kind)), shape=(b, n))


def over_shapes(op: str, make: Callable[..., Call]) -> Iterator[Case]:
    for b, n, d in SHAPES:
        yield Case(op, f"{b}x{n}x{d}", lambda r, b=b, n=n, d=d: make(r, b, n, d))
