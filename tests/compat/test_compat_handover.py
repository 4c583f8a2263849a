"""Inputs that the originals answer, through drop-ins: the same answer, from our kernels or handed over."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec import compat
from attnrec.compat._handover import handed_over
from inputs import normal

# What other libraries say of numbers that are not finite; we say nothing of it either.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAN, INF = float("nan"), float("inf")


def put(x: Any, value: float, at: Any = 0) -> Any:
    out = x.copy()
    out[at] = value
    return out


@functools.cache
def vectors() -> tuple[Any, Any]:
    r = np.random.default_rng(0)
    return normal(r, 30, 5), normal(r, 7, 5)


V, Q = vectors()
N, B = len(V), len(Q)
WIDE, WIDE_QUERIES = V * np.float64(1e100), Q * np.float64(1e100)
HIDDEN = sp.csr_matrix(np.random.default_rng(1).random((B, N)) < 0.3, dtype=np.float32)
# name -> items, query, k, options
IMPLICIT: dict[str, tuple[Any, Any, int, dict[str, Any]]] = {
    "plain": (V, Q, 5, {}),
    "k > n": (V, Q, N + 3, {}),
    "one query": (V, Q[0], 5, {}),
    "no query": (V, Q[:0], 5, {}),
    "float64": (V.astype(np.float64), Q.astype(np.float64), 5, {}),
    "float64 queries": (V, Q.astype(np.float64), 5, {}),
    "float16 items": (V.astype(np.float16), Q, 5, {}),
    "Fortran": (np.asfortranarray(V), np.asfortranarray(Q), 5, {}),
    "strided": (V[::2], Q[::2], 5, {}),
    "sparse queries": (V, sp.csr_matrix(Q), 5, {}),
    "columns of queries": (V, sp.csc_matrix(Q), 5, {}),
    "sparse float64 queries": (V.astype(np.float64), sp.csr_matrix(Q.astype(np.float64)), 5, {}),
    "masked": (V, Q, N, {"filter_query_items": HIDDEN, "filter_items": [1, -1]}),
    "masked float64": (V.astype(np.float64), Q.astype(np.float64), N, {"filter_query_items": HIDDEN}),
    "a grid of ids": (V, Q, 9, {"filter_items": [[1, 2], [3, 4]]}),
    "norms": (V, Q, 5, {"item_norms": np.linalg.norm(V, axis=1)}),
    "norms in a row": (V, Q, 5, {"item_norms": np.linalg.norm(V, axis=1)[None]}),
    "one norm": (V, Q, 5, {"item_norms": 2.0}),
    "negative norms": (V, Q, 5, {"item_norms": -np.ones(N, np.float32)}),
    "a norm of 0": (V, Q, 5, {"item_norms": put(np.ones(N, np.float32), 0, 3)}),
    "a norm of 0, masked": (V, Q, 5, {"item_norms": put(np.ones(N, np.float32), 0, 3), "filter_query_items": HIDDEN}),
    "an infinite norm": (V, Q, 5, {"item_norms": put(np.ones(N, np.float32), INF, 3)}),
    "NaN in a query": (V, put(Q, NAN, (2, 1)), 5, {}),
    "infinite query": (V, put(Q, INF, (2, 1)), 5, {}),
    "infinite item": (put(V, INF, (2, 1)), Q, 5, {}),
    "norms near 1e19": (V * np.float32(1e19), Q * np.float32(1e19), 5, {}),
    "norms near 1e19, masked": (V * np.float32(1e19), Q * np.float32(1e19), 5, {"filter_items": [0, 4]}),
    "past float32": (WIDE, WIDE_QUERIES, 5, {}),
    "past float32, masked": (WIDE, WIDE_QUERIES, N, {"filter_query_items": HIDDEN}),
    "sparse and large": (WIDE, sp.csr_matrix(WIDE_QUERIES), 5, {}),
    "one large query": (WIDE, WIDE_QUERIES[0], 5, {}),
    "many queries": (V, put(np.tile(Q, (40, 1)), INF, (130, 0)), 5, {"num_threads": 2}),
}


def same(got: Any, want: Any, ids: Any, want_ids: Any) -> None:
    """Scores alike; ids too where a score differs from its neighbours."""
    assert (got.shape, got.dtype, ids.dtype) == (want.shape, want.dtype, want_ids.dtype)
    np.testing.assert_allclose(got, want, rtol=3e-6, atol=3e-6)
    between = np.abs(np.diff(want.astype(np.float64), axis=-1)) > 1e-5
    edge = np.ones((len(want), 1), bool)
    sure = np.concatenate([between, edge], axis=-1) & np.concatenate([edge, between], axis=-1) & np.isfinite(want)
    np.testing.assert_array_equal(ids[sure], want_ids[sure])


@pytest.mark.parametrize("name", IMPLICIT)
def test_implicit_topk(name: str) -> None:
    theirs = pytest.importorskip("implicit.cpu.topk", reason="implicit is not installed").topk
    items, query, k, options = IMPLICIT[name]
    their_options = options
    if (norms := options.get("item_norms")) is not None:
        their_options = options | {"item_norms": np.asarray(norms, np.float32)}
    want_ids, want = theirs(items, query, k, **their_options)
    ids, got = compat.implicit_topk(items, query, k, **options)
    same(got, want, ids, want_ids)


# name -> vectors, queries, k
FAISS: dict[str, tuple[Any, Any, int]] = {
    "plain": (V, Q, 5),
    "k > n": (V, Q, N + 3),
    "no vectors": (V[:0], Q, 2),
    "no queries": (V, Q[:0], 2),
    "float64": (V.astype(np.float64), Q.astype(np.float64), 5),
    "float16": (V.astype(np.float16), Q.astype(np.float16), 5),
    "integers": ((V * 9).astype(np.int64), (Q * 9).astype(np.int8), 5),
    "strided": (V[::2], Q[:, ::1][::-1], 5),
    "norms near 1e19": (V * np.float32(1e19), Q * np.float32(1e19), 5),
    "products past float32": (V * np.float32(1e30), Q * np.float32(1e30), 5),
    "past float32": (WIDE, Q, 5),
    "NaN in a vector": (put(V, NAN, (2, 1)), Q, 5),
    "infinite vector": (put(V, INF, (2, 1)), Q, 5),
    "NaN in a query": (V, put(Q, NAN, (2, 1)), 5),
    "infinite query": (V, put(Q, -INF, (2, 1)), 5),
}


@pytest.mark.parametrize("name", FAISS)
def test_flat_index(name: str) -> None:
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    items, queries, k = FAISS[name]
    ours, theirs = compat.IndexFlatIP(5), faiss.IndexFlatIP(5)
    for index in (ours, theirs):
        index.add(items)
    (got, ids), (want, want_ids) = ours.search(queries, k), theirs.search(queries, k)
    same(got, want, ids, want_ids)
    np.testing.assert_array_equal(ids < 0, want_ids < 0)
    assert ours.ntotal == theirs.ntotal
    ours.reset()
    ours.add(V)  # as if nothing had been
    np.testing.assert_array_equal(ours.search(Q, 3)[1], np.argsort(-(Q @ V.T), axis=1)[:, :3])


def test_options_and_calls_of_faiss() -> None:
    faiss = pytest.importorskip("faiss", reason="faiss is not installed")
    ours, theirs = compat.IndexFlatIP(5), faiss.IndexFlatIP(5)
    params = faiss.SearchParameters(sel=faiss.IDSelectorBatch([1, 4, 9]))
    for part in (V[:20], V[20:]):
        for index in (ours, theirs):
            index.add(part)
        for call in (
            lambda x: x.search(Q, 2, params=params),
            lambda x: x.search(Q, 2, D=np.empty((B, 2), np.float32), I=np.empty((B, 2), np.int64)),
            lambda x: x.range_search(Q, 0.5),
            lambda x: x.search_and_reconstruct(Q, 2),
            lambda x: (x.reconstruct_n(3, 4), x.reconstruct_batch([2, 5]), x.assign(Q, 2)),
            lambda x: (np.array([x.metric_type, x.code_size]),),
        ):
            for got, want in zip(call(ours), call(theirs), strict=True):
                np.testing.assert_array_equal(got, want)
    with pytest.raises(AttributeError, match="has no 'remove_ids'"):
        ours.remove_ids(np.array([1]))
    assert not hasattr(ours, "__setstate__")


RANKED: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
    "plain": ("dot", Q, V, {}),
    "sparse": ("dot", sp.csr_matrix(Q), V, {}),
    "filtered": ("cosine", Q, V, {"filter_pairs_csr": HIDDEN[:2], "sorted_object_whitelist": np.arange(3, 20)}),
    "infinite subject": ("dot", put(Q, INF, (1, 0)), V, {}),
    "infinite object": ("cosine", Q, put(V, INF, (2, 0)), {"filter_pairs_csr": HIDDEN[:2]}),
    "norms near 1e19": ("dot", Q * 1e19, V * 1e19, {"sorted_object_whitelist": np.arange(3, 20)}),
    "sparse and large": ("dot", sp.csr_matrix(Q * 1e19), V * 1e19, {"k": None}),
}


@pytest.mark.parametrize("name", RANKED)
@pytest.mark.parametrize("patched", [False, True])
def test_rectools_ranker(name: str, patched: bool) -> None:
    module = pytest.importorskip("rectools.models.rank", reason="rectools is not installed")
    distance, subjects, objects, options = RANKED[name]
    call = {"subject_ids": np.array([4, 1]), "k": 3, **options}
    kind = module.Distance(distance)
    want = module.ImplicitRanker(kind, subjects, objects).rank(**call)
    if patched:
        with compat.installed("rectools"):
            got = module.ImplicitRanker(kind, subjects, objects).rank(**call)
    else:
        got = compat.RecToolsRanker(kind, subjects, objects).rank(**call)
    for mine, yours in zip(got, want, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=3e-6)


# Where the original is not there, or refuses too, what is said is ours.
ALONE: dict[str, tuple[str, str, Callable[[], Any]]] = {
    "implicit, NaN": ("implicit.cpu.topk", "NaN", lambda: compat.implicit_topk(V, Q * NAN, 2)),
    "implicit, large": ("implicit.cpu.topk", "topk: ", lambda: compat.implicit_topk(V * 1e19, Q * 1e19, 2)),
    "implicit, norms": ("implicit.cpu.topk", r"item_norms\[0\]", lambda: compat.implicit_topk(V, Q, 2, np.zeros(N))),
    "faiss, vectors": ("faiss", "add: x holds NaN or infinity in row 0", lambda: compat.IndexFlatIP(5).add(V * INF)),
    "rectools": ("rectools.models.rank", "NaN", lambda: compat.RecToolsRanker("dot", Q * NAN, V).rank([0], 2)),
    "rectools, gpu": ("rectools.models.rank", "use_gpu", lambda: compat.RecToolsRanker("dot", Q, V, use_gpu=True)),
}


@pytest.mark.parametrize("name", ALONE)
def test_without_the_original(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, words, call = ALONE[name]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match=words):
        call()


def test_a_refusal_of_both_is_ours() -> None:
    def refuse() -> None:
        raise RuntimeError("theirs")

    with pytest.raises(ValueError, match="ours") as caught:
        handed_over(ValueError("ours"), refuse)
    assert str(caught.value.__cause__) == "theirs"


def test_complex_numbers_are_refused() -> None:
    for call in (
        lambda: compat.implicit_topk(V, Q + 1j, 2),
        lambda: compat.IndexFlatIP(5).add(V + 1j),
        lambda: compat.RecToolsRanker("dot", Q + 1j, V),
    ):
        with pytest.raises(TypeError, match="dtype complex"):
            call()
