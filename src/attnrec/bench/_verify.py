"""Comparison of results before timing, in float64; ids may differ only where scores tie."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import reference
from ._forms import Result
from ._tasks import Data, Task

__all__ = ["disagreement", "untrue"]

Array = np.ndarray[Any, np.dtype[Any]]
# Relative to the largest: far above what float32 rounding does to sums of this length, far below any real mistake.
TOLERANCE = 5e-5
SAME_IDS = 0.99
SAMPLE = 16


def untrue(task: Task, data: Data, result: Result) -> str:
    """What is wrong with a result by the float64 reference, on a sample of the queries; "" if nothing."""
    rows = np.unique(np.linspace(0, task.b - 1, SAMPLE).astype(int))
    part = Data(data.queries[rows], data.items, data.values, 0.0)
    want: Result
    if task.op == "topk":
        found = reference.topk(part.queries, part.items, task.k, weights=task.weights)
        want = {"ids": found.ids, "scores": found.scores, "weights": found.weights}
    elif task.op == "attend":
        want = {"out": reference.attend(part.queries, part.items, part.values)}
    else:
        want = {"out": reference.similarity(part.queries, part.items)}
    got = {name: np.asarray(x)[rows] for name, x in result.items() if x is not None}
    return disagreement(task, part, got, want)


def disagreement(task: Task, data: Data, got: Result, want: Result) -> str:
    """How two results differ; "" if they agree. What ``got`` leaves out is not compared."""
    arrays = {name: np.asarray(x) for name, x in got.items() if x is not None}
    for name, x in arrays.items():
        if x.shape != np.shape(want[name]):
            return f"{name} has shape {x.shape}, not {np.shape(want[name])}"
    if task.op == "topk":
        problem = _other_items(data, arrays["ids"].astype(np.int64), np.asarray(want["ids"]))
        if problem:
            return problem
    for name in arrays.keys() - {"ids"}:
        difference, allowed = _distance(arrays[name], np.asarray(want[name]))
        if not difference <= allowed:
            return f"{name} differ by {difference:.2g}, allowed {allowed:.2g}"
    return ""


def _other_items(data: Data, got: Array, want: Array) -> str:
    """Whether the items found are as good as those wanted, by their scores in float64."""
    if got.min() < 0 or got.max() >= len(data.items):
        return "ids are out of range"
    if (np.diff(np.sort(got, axis=1), axis=1) == 0).any():
        return "an item comes twice"
    difference, allowed = _distance(_rescored(data, got), _rescored(data, want))
    if difference > allowed:
        return f"the items found score up to {difference:.2g} less"
    same = float(np.mean(got == want))
    return "" if same >= SAME_IDS else f"only {same:.1%} of the ids are the same"


def _rescored(data: Data, ids: Array) -> Array:
    out: Array = np.einsum("bd,bkd->bk", data.queries.astype(np.float64), data.items[ids].astype(np.float64))
    return out


def _distance(got: Array, want: Array) -> tuple[float, float]:
    """Largest difference and what is allowed."""
    truth = want.astype(np.float64)
    difference = float(np.max(np.abs(got.astype(np.float64) - truth), initial=0.0))
    return difference, TOLERANCE * float(np.max(np.abs(truth), initial=0.0))
