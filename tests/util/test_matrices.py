"""Any form of a matrix gives what its canonical CSR gives, in every call that takes one, and is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import attnrec as ar
from attnrec import compat, metrics, reference
from attnrec._util import matrices
from attnrec.data import Interactions, popularity, splits
from attnrec.features import Features
from attnrec.plots import project
from forms import drawn, form, snapshot, table

B, N, D = 6, 14, 8
RNG = np.random.default_rng(0)
WIDE = np.ascontiguousarray(RNG.standard_normal((N, N)).astype(np.float32))
Q, V = RNG.standard_normal((B, D)).astype(np.float32), RNG.standard_normal((N, D)).astype(np.float32)
A = np.abs(RNG.standard_normal((4, B))).astype(np.float32)
IDS = np.array([RNG.permutation(N)[:5] for _ in range(B)])
STAMPS = RNG.integers(0, 50, B * N)


def assert_equal(got: Any, want: Any) -> None:
    """The same numbers, whatever they are held in."""
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            assert_equal(a, b)
    elif sparse.issparse(want):
        assert (got.shape, got.indptr.tolist(), got.indices.tolist()) == (
            want.shape,
            want.indptr.tolist(),
            want.indices.tolist(),
        )
        np.testing.assert_array_equal(got.data, want.data)
    elif isinstance(want, Interactions):
        assert (got.explicit, got.rating_range) == (want.explicit, want.rating_range)
        assert_equal(got.user_items, want.user_items)
    elif want is not None:
        np.testing.assert_array_equal(got, want)


def attend_lse(x: Any, **options: Any) -> Any:
    return ar.attend(Q, V, V, return_lse=True, **options)


# Each takes a (B, N) matrix, whole numbers of 0 and above.
CALLS = {
    "matrix": lambda x: [getattr(matrices.matrix("x", x), part) for part in ("data", "indices", "indptr")],
    "topk-exclude": lambda x: [*ar.topk(Q, V, 5, exclude=x)],
    "topk-include": lambda x: [*ar.topk(Q, V, 5, include=x)],
    "topk-queries": lambda x: [*ar.topk(x, WIDE, 5)],
    "topk-items": lambda x: [*ar.topk(WIDE[:B], x, 5)],
    "similarity": lambda x: ar.similarity(x, x),
    "similarity-cosine": lambda x: ar.similarity(x, x, metric="cosine"),
    "attention-features": lambda x: ar.attention_matrix(x, x, scale=1e-6),
    "attention-exclude": lambda x: ar.attention_matrix(Q, V, exclude=x),
    "attend-values": lambda x: ar.attend(Q, Q, x),
    "attend-keys": lambda x: ar.attend(WIDE[:B], x, Q, scale=1e-3),
    "attend-masks": lambda x: [*attend_lse(x, exclude=x), *attend_lse(x, include=x)],
    "predict_ratings": lambda x: ar.predict_ratings(A, x),
    "cross-entropy": lambda x: [*ar.softmax_cross_entropy(Q, V, x)],
    "cross-entropy-unseen": lambda x: [*ar.softmax_cross_entropy(Q, V, x, normalize="unseen")],
    "reference": lambda x: [
        *reference.topk(Q, V, 5, exclude=x),
        reference.predict_ratings(A, x),
        *reference.softmax_cross_entropy(Q, V, x),
    ],
    "from_sparse": Interactions.from_sparse,
    "popularity": lambda x: popularity(Interactions.from_sparse(x)),
    "random_holdout": lambda x: [*splits.random_holdout(x, 0.3), *splits.random_holdout(x, 0.3, per_user=True)],
    "kfold": lambda x: [*splits.kfold(x, 3), *splits.kfold(x, 3, per_user=True)],
    "user_holdout": lambda x: splits.user_holdout(x, 2),
    "pair": lambda x: splits.pair(x, sparse.csr_array((B, N))),
    "metrics": lambda x: [
        getattr(metrics, name)(IDS, x, per_user=True)
        for name in ("recall", "precision", "hit_rate", "mrr", "ndcg", "map", "auc", "novelty")
    ],
    "diversity": lambda x: metrics.intra_list_diversity([[0, 1, 2], [3, 4, 5]], x, per_user=True),
    "implicit": lambda x: [
        *compat.implicit_topk(V, Q, 5, filter_query_items=x),
        *compat.implicit_topk(WIDE, x, 5),
    ],
    "rectools": lambda x: [
        *compat.RecToolsRanker("dot", Q, V).rank(np.arange(B), 5, filter_pairs_csr=x),
        *compat.RecToolsRanker("dot", x, WIDE).rank(np.arange(B), 5),
    ],
    "features": lambda x: Features(x, {"a": slice(0, N)}, np.ones((B, 1), bool), [*map(str, range(N))]).matrix,
    "project": project,
}


@pytest.mark.parametrize("name", CALLS)
@given(seed=st.integers(0, 1000), how=drawn())
@settings(max_examples=60, deadline=None)
def test_any_form_gives_the_same(name: str, seed: int, how: tuple[str, str, int]) -> None:
    full = table(seed, (B, N), 0.5).toarray()
    full[:3, :2] = [[300, 1], [2, 3], [4, 5]]  # some users with two interactions
    x = sparse.csr_array(full)
    other = form(x, how)
    before = snapshot(other)
    assert_equal(CALLS[name](other), CALLS[name](x))
    assert snapshot(other) == before
