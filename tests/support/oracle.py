"""What it takes for a result to be right: within three times float32's own rounding of the float64 truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import attnrec as ar
from attnrec import reference
from cases import Case

EPS = float(np.finfo(np.float32).eps)


def run(case: Case, **options: Any) -> Any:
    args, kwargs = case.call()
    return getattr(ar, case.op)(*args, **kwargs, **options)


def truth(case: Case, dtype: npt.DTypeLike) -> Any:
    args, kwargs = case.call()
    kwargs.pop("precision", None)  # of the kernels' arithmetic, which is not to be seen
    return getattr(reference, case.op)(*args, **kwargs, dtype=dtype)


def arrays(result: Any) -> dict[str, np.ndarray]:
    """A result as named arrays."""
    if isinstance(result, ar.TopK):
        names = ("ids", "scores", "weights", "lse", "counts")
        return {n: np.asarray(getattr(result, n)) for n in names if getattr(result, n) is not None}
    if isinstance(result, ar.CrossEntropy):
        names = ("loss", "d_queries", "d_items", "d_item_bias")
        return {n: np.asarray(getattr(result, n)) for n in names if getattr(result, n) is not None}
    if isinstance(result, tuple) and len(result) == 3:
        return dict(zip(("parameters", "first", "second"), map(np.asarray, result), strict=True))
    if isinstance(result, tuple):
        return {"out": np.asarray(result[0]), "lse": np.asarray(result[1])}
    return {"out": np.asarray(result)}


def bits(result: Any) -> dict[str, tuple[Any, ...]]:
    return {name: (x.shape, x.dtype.str, x.tobytes()) for name, x in arrays(result).items()}


def assert_close(got: np.ndarray, want: np.ndarray, yard: np.ndarray, label: str) -> None:
    assert got.shape == want.shape, label
    finite = np.isfinite(want)
    assert np.array_equal(got[~finite], want[~finite]), f"{label}: infinities differ"
    if not finite.any():
        return
    error = np.abs(got[finite].astype(np.float64) - want[finite]).max()
    allowed = 3 * np.abs(yard[finite].astype(np.float64) - want[finite]).max()
    allowed += 2 * EPS * max(np.abs(want[finite]).max(), np.finfo(np.float32).tiny)
    assert error <= allowed, f"{label}: error {error:.3g}, allowed {allowed:.3g}"


def assert_same_ranking(got: ar.TopK, want: ar.TopK, all_scores: np.ndarray, tolerance: float) -> None:
    """Ids may differ from the truth only where the true scores are within ``tolerance`` of each other."""
    got_ids, want_ids = np.atleast_2d(got.ids), np.atleast_2d(want.ids)
    assert np.array_equal(got_ids < 0, want_ids < 0), "filled columns differ"
    for row, (mine, theirs) in enumerate(zip(got_ids, want_ids, strict=True)):
        mine, theirs = mine[mine >= 0], theirs[theirs >= 0]
        assert len(set(mine)) == len(mine), f"row {row} repeats an item"
        gap = np.abs(all_scores[row, mine] - all_scores[row, theirs])
        assert (gap <= tolerance).all(), f"row {row}: true scores differ by {gap.max():.3g}"


def check(case: Case, result: Any) -> None:
    """The whole oracle for one result."""
    want, yard = truth(case, np.float64), truth(case, np.float32)
    if case.op == "topk":
        if case.exact:
            assert np.array_equal(result.ids, want.ids), "ids differ"
        else:
            args, kwargs = case.call()
            scores = np.atleast_2d(reference.similarity(args[0], args[1], scale=kwargs.get("scale", 1.0)))
            spread = float(np.abs(scores).max(initial=0))
            assert_same_ranking(result, want, scores, 8 * EPS * spread)
        assert np.array_equal(result.counts, want.counts), "counts differ"
        assert result.ids.dtype == np.int64
    got_all, want_all, yard_all = arrays(result), arrays(want), arrays(yard)
    assert got_all.keys() == want_all.keys()
    for name in got_all.keys() - {"ids", "counts"}:
        if case.op != "dot_product" and name != "loss":
            assert got_all[name].dtype == np.float32, name
        if case.exact and name in {"scores", "out"}:
            assert np.array_equal(got_all[name], want_all[name]), f"{name} is not exact"
        else:
            assert_close(got_all[name], want_all[name], yard_all[name], name)
