"""Self-test: comparison of the compiled operations with the reference on small random data.

Imports NumPy, :mod:`attnrec.ops` and :mod:`attnrec.reference`; no extra is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import ops, reference

__all__ = ["OPERATIONS", "Outcome", "check", "selftest"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Outcome:
    """Result of the self-test of one operation.

    Attributes
    ----------
    name : str
        Name of the operation.
    error : float
        Largest absolute difference from the float64 reference.
    allowed : float
        Largest difference that rounding explains; a larger error is a failure.
    message : str
        Error that the operation raised; empty if it ran.
    """

    name: str
    error: float
    allowed: float
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the operation ran and is as close as it must be."""
        return not self.message and self.error <= self.allowed


def _data(seed: int) -> SimpleNamespace:
    rng = np.random.default_rng(seed)
    b, n, d, m = 9, 1203, 37, 6
    seen = rng.random((b, n)) < 0.2
    return SimpleNamespace(
        queries=rng.standard_normal((b, d)).astype(np.float32),
        items=rng.standard_normal((n, d)).astype(np.float32),
        values=rng.standard_normal((n, m)).astype(np.float32),
        bias=rng.standard_normal(n).astype(np.float32),
        # What a CSR matrix is, without SciPy, which may not be installed where this runs.
        seen=SimpleNamespace(
            indptr=np.concatenate([[0], np.cumsum(seen.sum(axis=1))]),
            indices=np.nonzero(seen)[1],
            data=np.ones(int(seen.sum()), dtype=np.float32),
            shape=(b, n),
            format="csr",
        ),
        rows=rng.integers(0, b, 50),
        columns=rng.integers(0, n, 50),
    )


def _topk(module: Any, x: Any, **dtype: Any) -> tuple[Array, ...]:
    found = module.topk(x.queries, x.items, 12, scale=0.3, item_bias=x.bias, exclude=x.seen, **dtype)
    return found.ids, found.scores, found.weights, found.lse


def _topk_int8(module: Any, x: Any, **dtype: Any) -> tuple[Array, ...]:
    arithmetic = {"precision": "int8"} if module is ops else dtype
    found = module.topk(x.queries, x.items, 12, scale=0.3, exclude=x.seen, weights=False, **arithmetic)
    return found.ids, found.scores


def _loss(module: Any, x: Any, **dtype: Any) -> tuple[Any, ...]:
    y = SimpleNamespace(**{**vars(x.seen), "data": np.abs(np.sin(np.arange(len(x.seen.data)))).astype(np.float32)})
    got = module.softmax_cross_entropy(
        x.queries, x.items, y, scale=0.3, item_bias=x.bias, normalize="unseen", lse_weight=1.1, **dtype
    )
    return got.loss, got.d_queries, got.d_items, got.d_item_bias


def _adam(module: Any, x: Any, **dtype: Any) -> tuple[Array, ...]:
    state = [np.array(x.items), np.zeros_like(x.items), np.ones_like(x.items)]
    out: tuple[Array, ...] = module.adam_step(state[0], x.items[::-1], *state[1:], 2, learning_rate=0.1, **dtype)
    return out


# Operation -> how to call it, in ops or in reference; the results are compared one by one, integers exactly.
OPERATIONS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "dot_product": lambda f, x, **t: (f.dot_product(x.queries[0], x.items[0], **t),),
    "similarity": lambda f, x, **t: (f.similarity(x.queries, x.items, metric="cosine", **t),),
    "attention_matrix": lambda f, x, **t: (f.attention_matrix(x.queries, x.items, scale=0.3, exclude=x.seen, **t),),
    "predict_ratings": lambda f, x, **t: (f.predict_ratings(np.abs(x.items[:, :9].T), x.values, **t),),
    "attend": lambda f, x, **t: f.attend(x.queries, x.items, x.values, scale=0.3, exclude=x.seen, return_lse=True, **t),
    "topk": _topk,
    "topk, 8 bits": _topk_int8,
    "sampled_product": lambda f, x, **t: (f.sampled_product(x.queries, x.items, x.seen, **t),),
    "softmax_cross_entropy": _loss,
    "adam_step": _adam,
    "score_pairs": lambda f, x, **t: (f.score_pairs(x.queries, x.items, x.rows, x.columns, **t),),
}


def check(name: str, seed: int = 0) -> Outcome:
    """Run one operation and its reference on the same small random data.

    The error may be three times that of the reference in float32, plus four units in the last place.

    Parameters
    ----------
    name : str
        Operation, a key of ``OPERATIONS``.
    seed : int
        Seed of the random data, 0 or more.

    Returns
    -------
    Outcome
        Error of the operation, and the error allowed.
    """
    call, data = OPERATIONS[name], _data(seed)
    try:
        got = call(ops, data)
    except Exception as failure:  # whatever goes wrong here is the finding
        return Outcome(name, np.inf, 0.0, f"{type(failure).__name__}: {failure}")
    want = call(reference, data)
    yard = call(reference, data, dtype=np.float32)
    parts = [_compare(a, np.asarray(b), c) for a, b, c in zip(got, want, yard, strict=True)]
    error, allowed = max(parts, key=lambda part: part[0] / max(part[1], 1e-30))
    return Outcome(name, error, allowed)


def _compare(got: Any, want: Array, yard: Any) -> tuple[float, float]:
    """Error and allowed error of one result; integers must be equal."""
    truth = want.astype(np.float64)
    if np.issubdtype(want.dtype, np.integer):
        return _distance(got, truth), 0.0
    size = float(np.max(np.abs(truth), where=np.isfinite(truth), initial=1.0))
    return _distance(got, truth), 3 * _distance(yard, truth) + 4 * float(np.finfo(np.float32).eps) * size


def selftest(seed: int = 0) -> list[Outcome]:
    """Run :func:`check` for every operation.

    Parameters
    ----------
    seed : int
        Seed of the random data, 0 or more.

    Returns
    -------
    list of Outcome
        One result for each operation.

    Examples
    --------
    >>> from attnrec.doctor.selftest import selftest
    >>> all(outcome.ok for outcome in selftest())
    True
    """
    return [check(name, seed) for name in OPERATIONS]


def _distance(got: Any, truth: Array) -> float:
    """Largest absolute difference; infinite where the shapes or the infinities differ."""
    x = np.asarray(got, dtype=np.float64)
    if x.shape != truth.shape or not np.array_equal(np.isfinite(x), np.isfinite(truth)):
        return float("inf")
    return float(np.max(np.abs(x - truth), where=np.isfinite(truth), initial=0.0))
