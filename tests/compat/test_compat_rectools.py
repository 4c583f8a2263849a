"""attnrec.compat.RecToolsRanker against NumPy in float64, and beside RecTools' own ranker where that is installed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec.compat import RecToolsRanker
from inputs import integers, normal
from inputs import pattern as seen

DISTANCES = ("dot", "cosine", "euclidean")


def expected(
    distance: str, u: Any, v: Any, subjects: Any, k: int | None, filtered: Any = None, whitelist: Any = None
) -> tuple[list[int], list[int], list[float]]:
    """By the definitions, in float64, a pair at a time; ties by lower id."""
    u = u.toarray() if sp.issparse(u) else u
    out: tuple[list[int], list[int], list[float]] = ([], [], [])
    for row, subject in enumerate(subjects):
        a = u[subject].astype(np.float64)
        taken = set() if filtered is None else set(filtered[[row]].indices.tolist())
        scored = []
        for i in range(len(v)) if whitelist is None else whitelist:
            b = v[i].astype(np.float64)
            if i in taken:
                continue
            lengths = np.linalg.norm(a) * np.linalg.norm(b)
            value = a @ b if distance == "dot" else a @ b / (lengths or 1)
            scored.append((np.linalg.norm(a - b) if distance == "euclidean" else -value, int(i)))
        for value, i in sorted(scored)[:k]:
            for column, x in zip(out, (int(subject), i, value if distance == "euclidean" else -value), strict=True):
                column.append(x)
    return out


def assert_same(got: Any, want: Any, tolerance: float = 3e-6) -> None:
    for mine, yours in zip(got[:2], want[:2], strict=True):
        np.testing.assert_array_equal(mine, yours)
    size = np.abs(want[2]).max() if len(want[2]) else 1
    np.testing.assert_allclose(got[2], want[2], rtol=tolerance, atol=tolerance * size)


def cases() -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    r = np.random.default_rng(0)
    u, v = normal(r, 20, 6), normal(r, 45, 6)
    v[7] = u[3] = 0
    some, whitelist = np.array([4, 0, 4, 3, 19]), np.array([1, 2, 7, 30, 31, 44])
    full = seen(r, 5, 45, 0.3)
    most = sp.csr_matrix(np.ones((5, 45)) * (np.arange(45) > 2))
    example = np.array([[-4, 0, 3], [0, 1, 2]]), np.array([[-4, 0, 3], [0, 2, 4], [1, 10, 100]])
    return {
        "example": (*example, {"subject_ids": [0, 1], "k": 3}),
        "k": (u, v, {"subject_ids": np.arange(20), "k": 7}),
        "all": (u, v, {"subject_ids": [3, 2]}),
        "more": (u, v, {"subject_ids": [3, 2], "k": 100}),
        "filtered": (u, v, {"subject_ids": some, "k": 5, "filter_pairs_csr": sp.csr_matrix(full)}),
        "fewer": (u, v, {"subject_ids": some, "k": 5, "filter_pairs_csr": most}),
        "whitelist": (u, v, {"subject_ids": some, "k": 4, "sorted_object_whitelist": whitelist}),
        "both": (
            u,
            v,
            {
                "subject_ids": some,
                "k": 4,
                "filter_pairs_csr": sp.csr_matrix(full),
                "sorted_object_whitelist": whitelist.astype(np.int32),
            },
        ),
        "nothing-left": (u, v, {"subject_ids": [1], "k": 2, "filter_pairs_csr": sp.csr_matrix(np.ones((1, 45)))}),
        "doubles": (u.astype(np.float64), v.astype(np.float64), {"subject_ids": [5], "k": 3, "filter_pairs_csr": None}),
    }


CASES = cases()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("distance", DISTANCES)
def test_by_the_definitions(distance: str, name: str) -> None:
    u, v, call = CASES[name]
    got = RecToolsRanker(distance, u, v).rank(**call)
    want = expected(
        distance,
        u,
        v,
        call["subject_ids"],
        call.get("k"),
        call.get("filter_pairs_csr"),
        call.get("sorted_object_whitelist"),
    )
    assert_same(got, want)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("distance", DISTANCES)
def test_beside_rectools(distance: str, name: str) -> None:
    rank = pytest.importorskip(
        "rectools.models.rank", reason="rectools is not installed: pip install 'attnrec[rectools]'"
    )
    u, v, call = CASES[name]
    u = np.where(u.any(axis=1, keepdims=True), u, 1)  # all are alike to a user of zeros: a matter of order
    kind = rank.Distance(distance)
    got, want = RecToolsRanker(kind, u, v).rank(**call), rank.ImplicitRanker(kind, u, v).rank(**call)
    # RecTools subtracts squares in float32 for distances, which leaves half of the digits of small ones.
    assert_same(got, want, 1e-3 if distance == "euclidean" else 3e-6)
    assert got[1].dtype == want[1].dtype
    assert got[2].dtype == want[2].dtype


def test_sparse_subjects() -> None:
    r = np.random.default_rng(1)
    u, v = sp.csr_matrix(seen(r, 15, 30, 0.3)), normal(r, 30, 30)
    subjects = np.array([2, 14, 0])
    got = RecToolsRanker("dot", u, v).rank(subjects, 6, u[subjects])
    assert_same(got, expected("dot", u, v, subjects, 6, u[subjects]))


def test_equal_scores_are_in_order_of_ids() -> None:
    r = np.random.default_rng(2)
    u, v = integers(r, 10, 3), integers(r, 80, 3)
    for distance in ("dot", "euclidean"):
        assert_same(RecToolsRanker(distance, u, v).rank(np.arange(10), 9), expected(distance, u, v, range(10), 9))


def test_near_vectors_keep_their_digits() -> None:
    v = np.array([[1000.0, 0.0], [1000.0, 0.25], [0.0, 0.0]])
    _, objects, distances = RecToolsRanker("euclidean", v[:1], v).rank([0], 2)
    assert (objects.tolist(), distances.tolist()) == ([0, 1], [0.0, 0.25])


@pytest.mark.parametrize("size", [1e30, 1e18, 1e-18, 1e-30])
def test_cosines_of_large_and_small_vectors(size: float) -> None:
    r = np.random.default_rng(3)
    u, v = normal(r, 10, 6), normal(r, 50, 6)
    got = RecToolsRanker("cosine", u * np.float32(size), v * np.float32(size)).rank(np.arange(10), 5)
    assert_same(got, expected("cosine", u, v, range(10), 5))


def test_factors_are_copied_and_nobody_asks() -> None:
    u, v = np.ones((2, 3), np.float32), np.ones((4, 3), np.float32)
    ranker = RecToolsRanker("dot", u, v)
    v[:] = 5
    assert ranker.rank([0], 1)[2].tolist() == [3.0]
    assert [len(x) for x in ranker.rank([], 3)] == [0, 0, 0]
    assert [len(x) for x in ranker.rank([0], 3, sorted_object_whitelist=[])] == [0, 0, 0]


U, V = np.ones((3, 2)), np.ones((4, 2))
BAD_RANKERS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "distance": ("'angular' is none of 'dot', 'cosine', 'euclidean'", ("angular", U, V), {}),
    "gpu": ("use_gpu", ("dot", U, V), {"use_gpu": True}),
    "sparse": ("sparse subjects_factors have distance 'dot' alone", ("cosine", sp.csr_array(U), V), {}),
    "widths": (r"\(3, 2\) and objects_factors \(4, 1\)", ("dot", U, V[:, :1]), {}),
    "axes": (r"subjects_factors \(2,\)", ("dot", U[0], V), {}),
}
BAD_CALLS: dict[str, tuple[type[Exception], str, dict[str, Any]]] = {
    "ids": (ValueError, "subject_ids holds 3, outside 0 .. 2", {"subject_ids": [3]}),
    "ids-negative": (ValueError, "subject_ids holds -1", {"subject_ids": [-1]}),
    "ids-floats": (TypeError, "subject_ids has dtype float64", {"subject_ids": [0.5]}),
    "ids-axes": (ValueError, "subject_ids has shape", {"subject_ids": 1}),
    "whitelist": (ValueError, "sorted_object_whitelist holds 4", {"sorted_object_whitelist": [4]}),
    "k": (ValueError, "k is 0", {"k": 0}),
    "k-float": (TypeError, "k is 1.5; give an integer", {"k": 1.5}),
    "text": (TypeError, "filter_pairs_csr is str", {"filter_pairs_csr": "x"}),
    "rows": (ValueError, "a row for each of the 2 subject_ids", {"filter_pairs_csr": sp.csr_array((3, 4))}),
    "columns": (ValueError, "outside 0 .. 3", {"filter_pairs_csr": sp.csr_array(np.eye(2, 5, 3))}),
    "dense": (TypeError, "filter_pairs_csr is ndarray", {"filter_pairs_csr": np.ones((2, 4))}),
}


@pytest.mark.parametrize("name", BAD_RANKERS)
def test_rankers_that_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rectools.models.rank", None)  # which would take one of them
    words, args, options = BAD_RANKERS[name]
    with pytest.raises(ValueError, match=words):
        RecToolsRanker(*args, **options)


@pytest.mark.parametrize("name", BAD_CALLS)
def test_calls_that_are_refused(name: str) -> None:
    error, words, changed = BAD_CALLS[name]
    with pytest.raises(error, match=words):
        RecToolsRanker("dot", U, V).rank(**{"subject_ids": [0, 1], "k": 2, **changed})
