"""Definition of the tasks: shapes, seeded data, and numbers of operations.

A multiplication and an addition are two operations: ``2 b n d`` for scores, ``2 b n (d + m)`` for attention.
Exponentials and the selection of the best items are not counted for any library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .._util.extras import require

__all__ = ["TASKS", "Data", "Task", "make_data", "quick"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Task:
    """What is asked for. ``density`` below 1 makes the values a CSR matrix."""

    name: str
    title: str
    op: Literal["topk", "attend", "similarity"]
    b: int
    n: int
    d: int = 64
    k: int = 0
    m: int = 0
    weights: bool = False
    density: float = 1.0


@dataclass(frozen=True)
class Data:
    """What is given, float32: queries (b, d), items (n, d), values (n, m) or None; ``flop`` is the work."""

    queries: Array
    items: Array
    values: Any
    flop: float


TASKS: tuple[Task, ...] = (
    Task("topk", "top-k", "topk", 512, 100_000, k=10),
    Task("topk-weights", "top-k with softmax weights", "topk", 512, 100_000, k=10, weights=True),
    Task("topk-100", "longer top-k", "topk", 512, 100_000, k=100),
    Task("topk-one", "top-k of one query", "topk", 1, 100_000, k=10),
    Task("attend", "softmax attention", "attend", 2048, 20_000, m=64),
    Task("attend-wide", "softmax attention, wide values", "attend", 2048, 20_000, m=1000),
    Task("attend-csr", "softmax attention, sparse values", "attend", 1024, 6040, m=3706, density=0.045),
    Task("similarity", "dot products of all pairs", "similarity", 512, 20_000),
)


def quick(task: Task) -> Task:
    """The same work, small enough for a test."""
    return replace(task, b=min(task.b, 16), n=min(task.n, 1200), d=16, m=min(task.m, 24))


def make_data(task: Task) -> Data:
    """Seeded normal data; queries are divided by sqrt(d), so that every library can leave out the scale."""
    rng = np.random.default_rng(20_240_607)
    b, n, d, m = task.b, task.n, task.d, task.m
    queries = rng.standard_normal((b, d), dtype=np.float32) / np.float32(np.sqrt(d))
    items = rng.standard_normal((n, d), dtype=np.float32)
    if task.op != "attend":
        return Data(queries, items, None, 2.0 * b * n * d)
    if task.density < 1:
        stored = rng.random((n, m), dtype=np.float32) < task.density
        ratings = rng.integers(1, 6, (n, m)).astype(np.float32)
        values = require("scipy.sparse", extra="cli").csr_array(np.where(stored, ratings, np.float32(0)))
        return Data(queries, items, values, 2.0 * b * (n * d + values.nnz))
    return Data(queries, items, rng.standard_normal((n, m), dtype=np.float32), 2.0 * b * n * (d + m))
