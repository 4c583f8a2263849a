"""Metrics against scikit-learn and SciPy, where these have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.metrics import mean_absolute_error, pairwise, roc_auc_score, root_mean_squared_error

from attnrec import metrics
from ranked import ITEMS, USERS, drawn


@pytest.mark.parametrize("k", [1, 6, ITEMS])
def test_auc_is_that_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(k)
    _, test = drawn(5)
    ids = rng.random((USERS, ITEMS)).argsort(axis=1)[:, :k]
    scores = np.zeros((USERS, ITEMS))  # whatever is not listed is tied behind the list: half of its pairs are in order
    np.put_along_axis(scores, ids, np.arange(k, 0, -1.0)[None, :], axis=1)
    dense = test.toarray() > 0
    got = metrics.auc(ids, test, per_user=True)
    for user in np.flatnonzero(dense.any(axis=1)):
        assert got[user] == pytest.approx(roc_auc_score(dense[user], scores[user]), abs=1e-12)


def test_auc_among_candidates() -> None:
    rng = np.random.default_rng(0)
    _, test = drawn(6)
    dense = test.toarray() > 0
    seen = (rng.random((USERS, ITEMS)) < 0.3) & ~dense
    order = np.where(seen, 2.0, rng.random((USERS, ITEMS))).argsort(axis=1)
    left = (~seen).sum(axis=1)
    ids = np.where(np.arange(ITEMS) < left[:, None], order, -1)
    got = metrics.auc(ids, test, n_candidates=left, per_user=True)
    for user in np.flatnonzero(dense.any(axis=1)):
        shown = ids[user, : left[user]]
        want = roc_auc_score(dense[user, shown], -np.arange(len(shown)))
        assert got[user] == pytest.approx(want, abs=1e-12)


def test_errors_are_those_of_scikit_learn() -> None:
    true, guess = np.random.default_rng(0).random((2, 500))
    assert metrics.rmse(true, guess) == pytest.approx(root_mean_squared_error(true, guess), abs=1e-12)
    assert metrics.mae(true, guess) == pytest.approx(mean_absolute_error(true, guess), abs=1e-12)


def similarities() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Cosines by scikit-learn, and the arguments that must give their mean."""
    features = np.random.default_rng(1).standard_normal((ITEMS, 8))
    features[np.abs(features) < 0.4] = 0
    features[3] = 0
    table = pairwise.cosine_similarity(features)
    yield table, {"item_features": features}
    yield table, {"item_features": sparse.csr_array(features)}
    yield table, {"item_features": sparse.csr_matrix(features)}
    yield table, {"similarity": table}


@pytest.mark.parametrize(("table", "given"), list(similarities()))
def test_intra_list_diversity_by_pairs(table: np.ndarray, given: dict[str, Any]) -> None:
    ids, _ = drawn(2)
    got = metrics.intra_list_diversity(ids, **given, per_user=True)
    for user, row in enumerate(ids):
        shown = row[row >= 0]
        pairs = 1 - table[np.ix_(shown, shown)][np.triu_indices(len(shown), 1)]
        assert got[user] == pytest.approx(pairs.mean() if len(pairs) else np.nan, abs=1e-12, nan_ok=True)
    assert metrics.intra_list_diversity(ids, **given) == pytest.approx(np.nanmean(got), abs=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_is_that_of_scipy(level: float) -> None:
    values = np.random.default_rng(3).random(70)
    want = stats.bootstrap(
        (values,), np.mean, method="percentile", confidence_level=level, n_resamples=500, rng=np.random.default_rng(4)
    ).confidence_interval
    got = metrics.confidence_interval(values, level=level, resamples=500, random_state=4)
    np.testing.assert_allclose(got, [want.low, want.high], rtol=1e-12)
