"""Implementations of the tasks in attnrec and NumPy, as calls without arguments on prepared inputs.

Implementations return a dict: "ids" (b, k) best first, their "scores" and "weights"; or "out" for dense results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops, reference
from ..index._snapshot import Precision
from ..index.item_index import ItemIndex
from ._tasks import Data, Task

__all__ = ["Form", "Result", "attnrec_forms", "numpy_forms", "reference_forms"]

Array = np.ndarray[Any, np.dtype[Any]]
Result = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """One way to do the task. ``blas_threads``: what the BLAS gets, None for as many as everything else."""

    label: str
    call: Callable[[], Result]
    blas_threads: int | None = None


def attnrec_forms(task: Task, data: Data, num_threads: int, precision: Precision | None) -> Iterator[Form]:
    """attnrec on items packed beforehand for ``precision``, or on plain arrays."""
    if precision not in (None, "auto") and (task.op != "topk" or task.weights):
        return  # what "auto" does too
    items = data.items if precision is None else ItemIndex(data.items, precision=precision)
    label = "arrays" if precision is None else "ItemIndex"
    if task.op == "topk":

        def topk() -> Result:
            found = ops.topk(
                data.queries,
                items,
                task.k,
                weights=task.weights,
                precision=precision or "auto",
                num_threads=num_threads,
            )
            return _topk_result(found)

        yield Form(label, topk)
    elif task.op == "attend":
        yield Form(label, lambda: {"out": ops.attend(data.queries, items, data.values, num_threads=num_threads)})
    else:
        out = np.empty((task.b, task.n), dtype=np.float32)
        yield Form(label, lambda: {"out": ops.similarity(data.queries, items, out=out, num_threads=num_threads)})


def reference_forms(task: Task, data: Data) -> Iterator[Form]:
    """:mod:`attnrec.reference` in float32: plain NumPy, written to be read."""
    f32 = np.float32
    if task.op == "topk":
        yield Form(
            "attnrec.reference",
            lambda: _topk_result(
                reference.topk(data.queries, data.items, task.k, weights=task.weights, dtype=f32),
            ),
        )
    elif task.op == "attend":
        yield Form(
            "attnrec.reference", lambda: {"out": reference.attend(data.queries, data.items, data.values, dtype=f32)}
        )
    else:
        yield Form("attnrec.reference", lambda: {"out": reference.similarity(data.queries, data.items, dtype=f32)})


def numpy_forms(task: Task, data: Data) -> Iterator[Form]:
    """The fastest that NumPy and SciPy can: scores in a buffer that is kept, all else in place."""
    scores = np.empty((task.b, task.n), dtype=np.float32)
    if task.op == "topk":
        yield Form("matmul, argpartition", lambda: _numpy_topk(task, data, scores))
    elif task.op == "similarity":
        yield Form("matmul", lambda: {"out": np.matmul(data.queries, data.items.T, out=scores)})
    elif task.density < 1:
        dense, transposed = data.values.toarray(), data.values.T.tocsr()
        yield Form("softmax, dense product", lambda: {"out": _softmax(data, scores) @ dense})
        yield Form("softmax, SciPy sparse product", lambda: {"out": _softmax(data, scores) @ data.values})
        yield Form("softmax, SciPy transposed", lambda: {"out": (transposed @ _softmax(data, scores).T).T})
    else:
        yield Form("softmax in place", lambda: {"out": _softmax(data, scores) @ data.values})


def _topk_result(found: reference.TopK) -> Result:
    return {"ids": found.ids, "scores": found.scores, "weights": found.weights}


def _softmax(data: Data, scores: Array) -> Array:
    np.matmul(data.queries, data.items.T, out=scores)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _numpy_topk(task: Task, data: Data, scores: Array) -> Result:
    np.matmul(data.queries, data.items.T, out=scores)
    ids = np.argpartition(scores, task.n - task.k, axis=1)[:, task.n - task.k :]
    best = np.take_along_axis(scores, ids, axis=1)
    order = np.argsort(-best, axis=1)
    ids, best = np.take_along_axis(ids, order, axis=1), np.take_along_axis(best, order, axis=1)
    if not task.weights:
        return {"ids": ids, "scores": best}
    top = best[:, :1]
    np.subtract(scores, top, out=scores)
    np.exp(scores, out=scores)
    weights = np.exp(best - top) / scores.sum(axis=1, keepdims=True)
    return {"ids": ids, "scores": best, "weights": weights}
