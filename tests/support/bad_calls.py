"""Calls that must be refused: what is wrong, the exception, and the words its message needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

import attnrec as ar

Q = np.ones((3, 4), np.float32)
V = np.ones((5, 4), np.float32)
R = np.ones((5, 2), np.float32)
A = np.ones((3, 5), np.float32)
MASK = sp.csr_array(np.eye(3, 5, dtype=np.float32))


def adam(**given: Any) -> Any:
    """A step of Adam with something wrong; ``gradient=None`` is the parameters themselves."""
    x = given.pop("parameters", np.ones((3, 4), np.float32))
    arrays = [
        np.zeros((3, 4), np.float32) if given.get(n) is None else given[n] for n in ("gradient", "first", "second")
    ]
    if "gradient" in given and given["gradient"] is None:
        arrays[0] = x
    rest = {k: v for k, v in given.items() if k not in ("gradient", "first", "second", "step")}
    return ar.adam_step(x, *arrays, given.get("step", 1), **rest)


@dataclass(frozen=True)
class Bad:
    name: str
    call: Callable[[], Any]
    error: type[Exception]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


class Unreadable:
    """Like a tensor that has to be detached first."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("this tensor requires grad")


def with_value(x: np.ndarray, value: float, at: tuple[int, int] = (2, 1)) -> np.ndarray:
    out = np.array(x, dtype=np.float64)
    out[at] = value
    return out


def csr(indptr: list[int], indices: list[int], shape: tuple[int, int], data: Any = None) -> Any:
    """A CSR-like object that SciPy's own checks have not seen."""
    values = np.ones(len(indices), np.float32) if data is None else np.asarray(data)
    return type("Csr", (), {"indptr": np.array(indptr), "indices": np.array(indices), "data": values, "shape": shape})()


def huge(rows: int) -> np.ndarray:
    return np.broadcast_to(np.ones(4, np.float32), (rows, 4))


def overlapping() -> Any:
    memory = np.ones(64, np.float32)
    return ar.similarity(memory[:12].reshape(3, 4), V, out=memory[8:23].reshape(3, 5))


def overlapping_in_place() -> Any:
    square = np.ones((4, 4), np.float32)
    return ar.attend(square, square, square, out=square)


def read_only() -> np.ndarray:
    out = np.empty((3, 5), np.float32)
    out.flags.writeable = False
    return out


BAD: list[Bad] = [
    Bad(
        "width",
        lambda: ar.topk(Q, np.ones((5, 3))),
        ValueError,
        ("topk", "queries (3, 4)", "items (5, 3)", "last axis"),
    ),
    Bad("width-keys", lambda: ar.attend(Q, V[:, :3], R), ValueError, ("attend", "(3, 4)", "keys (5, 3)")),
    Bad(
        "rows-values",
        lambda: ar.attend(Q, V, R[:4]),
        ValueError,
        ("attend", "keys (5, 4)", "values (4, 2)", "first axis"),
    ),
    Bad("rank-0", lambda: ar.similarity(1.0, V), ValueError, ("queries", "()")),
    Bad("rank-1-items", lambda: ar.topk(Q, V[0]), ValueError, ("items", "(4,)", "row each")),
    Bad("rank-3", lambda: ar.attention_matrix(Q[None], V), ValueError, ("user_features", "(1, 3, 4)")),
    Bad("ragged", lambda: ar.similarity([[1, 2], [3]], V), ValueError, ("similarity: queries", "array")),
    Bad("unreadable", lambda: ar.similarity(Unreadable(), V), TypeError, ("similarity: queries", "requires grad")),
    Bad("nan", lambda: ar.topk(with_value(Q, np.nan), V), ValueError, ("queries", "NaN", "row 2")),
    Bad("nan-items", lambda: ar.topk(Q, with_value(V, np.nan, (4, 0))), ValueError, ("items", "row 4")),
    Bad("infinity", lambda: ar.similarity(Q, with_value(V, -np.inf)), ValueError, ("keys", "infinity", "row 2")),
    Bad("overflow-float32", lambda: ar.similarity(with_value(Q, 1e39), V), ValueError, ("queries", "row 2")),
    Bad("overflow-product", lambda: ar.similarity(Q * 1e20, V * 1e20), ValueError, ("range of float32", "scale")),
    Bad("overflow-scale", lambda: ar.topk(Q * 1e10, V * 1e10, scale=1e30), ValueError, ("range of float32",)),
    Bad("nan-values", lambda: ar.attend(Q, V, with_value(R, np.nan)), ValueError, ("values", "row 2")),
    Bad("nan-csr", lambda: ar.attend(Q, V, sp.csr_array(with_value(R, np.nan))), ValueError, ("values", "row 2")),
    Bad("nan-ratings", lambda: ar.predict_ratings(A, with_value(R, np.nan)), ValueError, ("ratings", "row 2")),
    Bad("nan-bias", lambda: ar.topk(Q, V, item_bias=[0, 0, np.nan, 0, 0]), ValueError, ("item_bias", "at 2")),
    Bad("nan-pairs", lambda: ar.score_pairs(with_value(Q, np.nan), V, [0], [0]), ValueError, ("queries", "row 2")),
    Bad("nan-dot", lambda: ar.dot_product([1, np.nan], [1, 2]), ValueError, ("u", "at 1")),
    Bad("nan-index", lambda: ar.ItemIndex(with_value(V, np.nan)), ValueError, ("ItemIndex", "row 2")),
    Bad("complex", lambda: ar.similarity(Q * 1j, V), TypeError, ("queries", "complex", "not real")),
    Bad("object", lambda: ar.topk(Q, V.astype(object)), TypeError, ("items", "object")),
    Bad("strings", lambda: ar.similarity([["a", "b"]], V), TypeError, ("queries", "not real")),
    Bad("dates", lambda: ar.similarity(np.zeros((3, 4), "M8[s]"), V), TypeError, ("queries", "datetime")),
    Bad("none", lambda: ar.similarity(None, V), TypeError, ("queries",)),
    Bad("k-zero", lambda: ar.topk(Q, V, 0), ValueError, ("k is 0", "at least 1")),
    Bad("k-negative", lambda: ar.topk(Q, V, -3), ValueError, ("k is -3",)),
    Bad("k-float", lambda: ar.topk(Q, V, 2.0), TypeError, ("k", "2.0", "integer")),
    Bad("k-bool", lambda: ar.topk(Q, V, True), TypeError, ("k", "True")),
    Bad("k-past-int64", lambda: ar.topk(Q, V, 2**70), ValueError, ("k", "out of range")),
    Bad("k-past-memory", lambda: ar.topk(Q, V, 2**62), (ValueError, MemoryError), ()),
    Bad("threads-zero", lambda: ar.topk(Q, V, num_threads=0), ValueError, ("num_threads", "at least 1")),
    Bad("threads-text", lambda: ar.topk(Q, V, num_threads="2"), TypeError, ("num_threads", "'2'")),
    Bad("budget", lambda: ar.attend(Q, V, R, memory_budget=-1), ValueError, ("memory_budget",)),
    Bad("scale-nan", lambda: ar.topk(Q, V, scale=np.nan), ValueError, ("scale", "finite")),
    Bad("scale-huge", lambda: ar.similarity(Q, V, scale=1e300), ValueError, ("scale", "float32")),
    Bad("scale-text", lambda: ar.topk(Q, V, scale="big"), TypeError, ("scale", "'big'")),
    Bad("metric", lambda: ar.similarity(Q, V, metric="euclid"), ValueError, ("metric", "euclid", "cosine")),
    Bad("normalize", lambda: ar.topk(Q, V, normalize="some"), ValueError, ("normalize", "unseen")),
    Bad("precision", lambda: ar.topk(Q, V, precision="half"), ValueError, ("precision", "float32")),
    Bad("bias-shape", lambda: ar.topk(Q, V, item_bias=[1, 2]), ValueError, ("item_bias", "(2,)", "5 items")),
    Bad("items-range", lambda: ar.topk(Q, V, items=[0, 5]), ValueError, ("items[1] is 5", "5 rows")),
    Bad("items-negative", lambda: ar.topk(Q, V, filter_items=[-1]), ValueError, ("filter_items[0] is -1",)),
    Bad("items-float", lambda: ar.topk(Q, V, items=[0.5]), TypeError, ("items", "integers")),
    Bad("items-2d", lambda: ar.topk(Q, V, items=[[1]]), ValueError, ("items", "(1, 1)")),
    Bad("mask-length", lambda: ar.topk(Q, V, items=[True, False]), ValueError, ("items", "mask of 2", "5 items")),
    Bad("exclude-shape", lambda: ar.topk(Q, V, exclude=MASK[:2]), ValueError, ("exclude", "(2, 5)", "(3, 5)")),
    Bad(
        "include-shape", lambda: ar.attend(Q, V, R, include=MASK.T.tocsr()), ValueError, ("include", "(5, 3)", "(3, 5)")
    ),
    Bad("exclude-dense", lambda: ar.topk(Q, V, exclude=A), TypeError, ("exclude", "sparse")),
    Bad("csr-range", lambda: ar.topk(Q, V, exclude=csr([0, 1, 1, 1], [5], (3, 5))), ValueError, ("row 0", "column 5")),
    Bad(
        "csr-negative", lambda: ar.attend(Q, V, csr([0, 1, 1, 1, 1, 1], [-2], (5, 2))), ValueError, ("values", "row 0")
    ),
    Bad(
        "csr-past-int32",
        lambda: ar.topk(Q, V, exclude=csr([0, 1, 1, 1], [2**32], (3, 5))),
        ValueError,
        ("exclude", "row 0"),
    ),
    Bad("csr-decreasing", lambda: ar.topk(Q, V, exclude=csr([0, 2, 1, 2], [0, 1], (3, 5))), ValueError, ("row 1",)),
    Bad("csr-start", lambda: ar.topk(Q, V, exclude=csr([1, 1, 1, 1], [0], (3, 5))), ValueError, ("start with 0",)),
    Bad(
        "csr-short", lambda: ar.topk(Q, V, exclude=csr([0, 9, 9, 9], [0], (3, 5))), ValueError, ("indptr ends with 9",)
    ),
    Bad("csr-rows", lambda: ar.topk(Q, V, exclude=csr([0, 0], [], (3, 5))), ValueError, ("indptr has 2", "3 rows")),
    Bad("csr-data", lambda: ar.attend(Q, V, csr([0, 2, 2, 2, 2, 2], [0, 1], (5, 2), [1.0])), ValueError, ("1 values",)),
    Bad("form-ratings", lambda: ar.predict_ratings(A, np.ones((4, 5))), ValueError, ("(3, 5)", "(4, 5)", "ratings.T")),
    Bad("form-neither", lambda: ar.predict_ratings(A, np.ones((4, 6))), ValueError, ("users over users", "ratings.T")),
    Bad("form-features", lambda: ar.predict_ratings(A, R, Q[:2], V), ValueError, ("user_features", "2 rows", "3 rows")),
    Bad("form-items", lambda: ar.predict_ratings(A, R, Q, V[:4]), ValueError, ("item_features", "4 rows", "5 columns")),
    Bad("samples-width", lambda: ar.sampled_product(Q, V[:, :-1], MASK), ValueError, ("left", "right", "last axis")),
    Bad("samples-shape", lambda: ar.sampled_product(Q, V, MASK.T), ValueError, ("pattern", "left (", "right (")),
    Bad("samples-none", lambda: ar.sampled_product(Q, V, None), TypeError, ("pattern", "sparse")),
    Bad("samples-dense", lambda: ar.sampled_product(Q, V, MASK.toarray()), TypeError, ("pattern", "sparse")),
    Bad("samples-csr", lambda: ar.sampled_product(MASK, MASK, MASK), TypeError, ("left", "right", "dense")),
    Bad("nan-samples", lambda: ar.sampled_product(with_value(Q, np.nan), V, MASK), ValueError, ("left", "row 2")),
    Bad(
        "out-samples", lambda: ar.sampled_product(Q, V, MASK, out=np.empty(1, np.float32)), ValueError, ("out", "shape")
    ),
    Bad("loss-width", lambda: ar.softmax_cross_entropy(Q, V[:, :-1], MASK), ValueError, ("queries", "items", "(5, 3)")),
    Bad("loss-shape", lambda: ar.softmax_cross_entropy(Q, V, MASK[:2]), ValueError, ("targets", "(2, 5)", "(3, 5)")),
    Bad("loss-dense", lambda: ar.softmax_cross_entropy(Q, V, A), TypeError, ("targets", "sparse")),
    Bad("loss-none", lambda: ar.softmax_cross_entropy(Q, V, None), TypeError, ("targets", "sparse")),
    Bad("loss-csr", lambda: ar.softmax_cross_entropy(MASK, V, MASK), TypeError, ("queries", "dense")),
    Bad("loss-nan", lambda: ar.softmax_cross_entropy(Q, with_value(V, np.nan), MASK), ValueError, ("items", "row")),
    Bad(
        "loss-overflow",
        lambda: ar.softmax_cross_entropy(Q * 1e10, V, MASK, lse_weight=1e30),
        ValueError,
        ("range of float32",),
    ),
    Bad("loss-range", lambda: ar.softmax_cross_entropy(Q, V, [0, 5, 1]), ValueError, ("targets[1] is 5", "5 items")),
    Bad("loss-negative", lambda: ar.softmax_cross_entropy(Q, V, [0, -1, 1]), ValueError, ("targets[1] is -1",)),
    Bad("loss-ids", lambda: ar.softmax_cross_entropy(Q, V, [0, 1]), ValueError, ("(2,)", "3 queries")),
    Bad("loss-float", lambda: ar.softmax_cross_entropy(Q, V, [0.0, 1.0, 2.0]), TypeError, ("targets", "float64")),
    Bad(
        "loss-csr-range",
        lambda: ar.softmax_cross_entropy(Q, V, csr([0, 1, 1, 1], [5], (3, 5))),
        ValueError,
        ("targets", "row 0", "column 5"),
    ),
    Bad("loss-minus", lambda: ar.softmax_cross_entropy(Q, V, MASK * -1), ValueError, ("targets", "0 or more")),
    Bad("loss-weight-nan", lambda: ar.softmax_cross_entropy(Q, V, MASK * np.nan), ValueError, ("targets", "NaN")),
    Bad(
        "loss-weights",
        lambda: ar.softmax_cross_entropy(Q, V, MASK, sample_weight=[1, -1, 1]),
        ValueError,
        ("sample_weight", "0 or more"),
    ),
    Bad(
        "loss-weights-shape",
        lambda: ar.softmax_cross_entropy(Q, V, MASK, sample_weight=[1, 1]),
        ValueError,
        ("sample_weight", "(2,)", "3 queries"),
    ),
    Bad("loss-bias", lambda: ar.softmax_cross_entropy(Q, V, MASK, item_bias=[1]), ValueError, ("item_bias", "5 items")),
    Bad("loss-eps", lambda: ar.softmax_cross_entropy(Q, V, MASK, eps=1.0), ValueError, ("eps", "probability")),
    Bad("loss-lse", lambda: ar.softmax_cross_entropy(Q, V, MASK, lse_weight=-1), ValueError, ("lse_weight",)),
    Bad("loss-scale", lambda: ar.softmax_cross_entropy(Q, V, MASK, scale=np.nan), ValueError, ("scale", "finite")),
    Bad("loss-normalize", lambda: ar.softmax_cross_entropy(Q, V, MASK, normalize="x"), ValueError, ("normalize",)),
    Bad("adam-shape", lambda: adam(gradient=Q[:2]), ValueError, ("gradient", "(2, 4)", "(3, 4)")),
    Bad("adam-moments", lambda: adam(second=Q[:2].copy()), ValueError, ("second", "(3, 4)", "(2, 4)")),
    Bad("adam-dtype", lambda: adam(parameters=np.ones((3, 4))), TypeError, ("parameters", "float32")),
    Bad("adam-list", lambda: adam(parameters=[1.0]), TypeError, ("parameters", "numpy array")),
    Bad("adam-nan", lambda: adam(gradient=with_value(Q, np.nan)), ValueError, ("gradient", "NaN")),
    Bad("adam-step", lambda: adam(step=0), ValueError, ("step is 0", "from 1")),
    Bad("adam-step-float", lambda: adam(step=1.5), TypeError, ("step", "1.5")),
    Bad("adam-rate", lambda: adam(learning_rate=-1.0), ValueError, ("learning_rate", "0 or more")),
    Bad("adam-rate-inf", lambda: adam(learning_rate=np.inf), ValueError, ("learning_rate", "finite")),
    Bad("adam-rate-text", lambda: adam(learning_rate="1"), TypeError, ("learning_rate", "'1'")),
    Bad("adam-beta", lambda: adam(beta2=1.0), ValueError, ("beta2", "below 1")),
    Bad("adam-overlap", lambda: adam(gradient=None), ValueError, ("overlaps parameters",)),
    Bad("pairs-length", lambda: ar.score_pairs(Q, V, [0, 1], [0]), ValueError, ("query_ids (2,)", "item_ids (1,)")),
    Bad("pairs-range", lambda: ar.score_pairs(Q, V, [3], [0]), ValueError, ("query_ids[0] is 3", "3 rows")),
    Bad("pairs-float", lambda: ar.score_pairs(Q, V, [0.0], [0]), TypeError, ("query_ids", "integers")),
    Bad("dot-lengths", lambda: ar.dot_product([1, 2], [1]), ValueError, ("(2,)", "(1,)")),
    Bad("dot-rank", lambda: ar.dot_product([[1]], [[1]]), ValueError, ("two vectors",)),
    Bad(
        "out-shape",
        lambda: ar.similarity(Q, V, out=np.empty((3, 4), np.float32)),
        ValueError,
        ("out", "(3, 5)", "(3, 4)"),
    ),
    Bad("out-dtype", lambda: ar.similarity(Q, V, out=np.empty((3, 5))), TypeError, ("out", "float32", "float64")),
    Bad("out-order", lambda: ar.similarity(Q, V, out=np.empty((3, 5), ">f4")), TypeError, ("out", "float32", ">f4")),
    Bad("out-strided", lambda: ar.similarity(Q, V, out=np.empty((5, 3), np.float32).T), ValueError, ("out", "strided")),
    Bad("out-read-only", lambda: ar.similarity(Q, V, out=read_only()), ValueError, ("out", "read-only")),
    Bad("out-list", lambda: ar.similarity(Q, V, out=[0.0]), TypeError, ("out", "numpy array")),
    Bad("out-overlaps", overlapping, ValueError, ("out overlaps queries",)),
    Bad("out-in-place", overlapping_in_place, ValueError, ("out overlaps queries",)),
    Bad(
        "out-topk",
        lambda: ar.topk(Q, V, 2, out=(np.empty((3, 2), np.int64), np.empty((3, 3), np.float32))),
        ValueError,
        ("out.scores", "(3, 2)"),
    ),
    Bad("out-topk-one", lambda: ar.topk(Q, V, 2, out=(1, 2, 3)), TypeError, ("pair (ids, scores)",)),
    Bad("huge-result", lambda: ar.similarity(huge(2**40), huge(2**40)), (ValueError, MemoryError), ()),
    Bad("huge-axis", lambda: ar.topk(Q, huge(2**33)), ValueError, ("axis longer",)),
    Bad("huge-memory", lambda: ar.topk(huge(2**30), V, 2**30), (ValueError, MemoryError), ()),
    Bad("index-rank", lambda: ar.ItemIndex([1, 2]), ValueError, ("ItemIndex", "(2,)")),
    Bad("index-ids", lambda: ar.ItemIndex(V, ids=[1, 2]), ValueError, ("ids", "5 items")),
    Bad("index-twice", lambda: ar.ItemIndex(V, ids=[1, 2, 3, 2, 4]), ValueError, ("2 more than once",)),
    Bad("index-names", lambda: ar.ItemIndex(V, ids=list("abcde")), TypeError, ("ids", "integers")),
    Bad("index-unknown", lambda: ar.topk(Q, ar.ItemIndex(V, ids=range(10, 15)), items=[3]), ValueError, ("items", "3")),
    Bad("index-as-query", lambda: ar.topk(ar.ItemIndex(V), V), TypeError, ("queries",)),
    Bad("index-append", lambda: ar.ItemIndex(V).append(V[:, :2]), ValueError, ("(5, 2)", "(5, 4)", "width")),
    Bad("backend", lambda: ar.set_backend("gpu"), ValueError, ("gpu", "compiled")),
    Bad("threads-negative", lambda: ar.set_num_threads(-1), ValueError, ("-1",)),
]
