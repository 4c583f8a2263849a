"""What lists show besides hits, and intervals: by hand, by their properties, and on bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from attnrec import metrics
from attnrec.metrics import intervals

IDS = np.array([[2, 1, 0], [0, 1, -1], [-1, -1, -1]])
TRAIN = csr_array(np.array([[1, 0, 0, 1], [1, 0, 0, 1], [1, 3, 0, 0], [1, 0, 0, 0]]))


def test_coverage_and_gini_by_hand() -> None:
    assert metrics.coverage(IDS, 3) == 1.0
    assert metrics.coverage(IDS, 10, k=1) == pytest.approx(0.2)
    # shown 2, 2, 1 and 0 times: shares ascending 0, .2, .4, .4 with weights -3, -1, 1, 3, over 3
    assert metrics.gini(IDS, 4) == pytest.approx((-0.2 + 0.4 + 1.2) / 3)
    assert metrics.gini(np.tile([[4]], (9, 1)), 5) == 1.0
    assert metrics.gini(np.arange(6).reshape(2, 3), 6) == pytest.approx(0)
    assert metrics.gini([[0]], 1) == 0.0
    assert math.isnan(metrics.gini([[-1]], 3))


def test_novelty_by_hand() -> None:
    # All four users have 0 (0 bits), one has 1 (2 bits); nobody has 2, which counts like one user (2 bits).
    assert metrics.novelty(IDS, TRAIN, per_user=True) == pytest.approx([4 / 3, 1.0, np.nan], nan_ok=True)
    assert metrics.novelty(IDS, TRAIN) == pytest.approx((4 / 3 + 1) / 2)
    assert metrics.novelty(IDS, TRAIN, k=1) == pytest.approx(1.0)
    twice = csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2, 2])), shape=(2, 3))
    assert metrics.novelty([[1]], twice) == 1.0
    assert math.isnan(metrics.novelty(IDS[2:], TRAIN))


def test_diversity_needs_two() -> None:
    got = metrics.intra_list_diversity([[0, -1], [1, 2]], np.eye(3), per_user=True)
    assert got == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert math.isnan(metrics.intra_list_diversity([[0]], np.eye(3)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.coverage(IDS, 2), r"0\.\.1"),
        (lambda: metrics.coverage(IDS, 0), "n_items is 0"),
        (lambda: metrics.gini(IDS[0], 3), "1-D"),
        (lambda: metrics.gini(IDS, 3, k=4), "k is 4"),
        (lambda: metrics.novelty([[1, 1]], TRAIN), "twice in row 0"),
        (lambda: metrics.novelty(IDS, TRAIN[:0]), "no rows"),
        (lambda: metrics.intra_list_diversity(IDS), "one of the two"),
        (lambda: metrics.intra_list_diversity(IDS, np.eye(3), similarity=np.eye(3)), "one of the two"),
        (lambda: metrics.intra_list_diversity(IDS, similarity=np.ones((3, 2))), "square"),
        (lambda: metrics.intra_list_diversity(IDS, similarity=np.full((3, 3), np.nan)), "finite"),
        (lambda: metrics.intra_list_diversity(IDS, np.ones(3)), r"\(n, d\)"),
        (lambda: metrics.intra_list_diversity(IDS, csr_array([[np.inf], [1], [1]])), "finite"),
        (lambda: metrics.confidence_interval(np.ones((1, 2, 3))), r"\(1, 2, 3\)"),
        (lambda: metrics.confidence_interval([1.0], level=95), "level is 95"),
        (lambda: metrics.confidence_interval([1.0], resamples=0), "resamples is 0"),
        (lambda: metrics.confidence_interval([1.0, 2.0], weights=[1.0]), "one for each user"),
        (lambda: metrics.confidence_interval([1.0], weights=[-1.0]), "not negative"),
        (lambda: metrics.confidence_interval([1.0], weights=[np.nan]), "finite"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_train_must_be_csr() -> None:
    with pytest.raises(TypeError, match="csr_array"):
        metrics.novelty(IDS, TRAIN.toarray())


def test_intervals_share_their_draws_and_skip_nan() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((50, 2))
    both = metrics.confidence_interval(values)
    assert both.shape == (2, 2)
    np.testing.assert_allclose(both[:, 1], metrics.confidence_interval(values[:, 1]), rtol=1e-12)
    gaps = np.insert(values[:, 0], [0, 20], np.nan)
    np.testing.assert_allclose(metrics.confidence_interval(gaps), both[:, 0], rtol=1e-12)
    mixed = np.column_stack([values[:, 0], np.full(50, np.nan)])
    got = metrics.confidence_interval(mixed)
    np.testing.assert_allclose(got[:, 0], both[:, 0], rtol=1e-12)
    assert np.isnan(got[:, 1]).all()
    assert np.isnan(metrics.confidence_interval([])).all()
    assert (metrics.confidence_interval(values, random_state=1) != both).any()


def test_interval_of_a_weighted_mean() -> None:
    rng = np.random.default_rng(0)
    errors, sizes = rng.random(200), rng.integers(1, 40, 200)
    low, high = metrics.confidence_interval(errors, weights=sizes)
    assert low < np.average(errors, weights=sizes) < high
    repeated = metrics.confidence_interval(errors, weights=np.full(200, 7))
    np.testing.assert_allclose(repeated, metrics.confidence_interval(errors), rtol=1e-12)
    np.testing.assert_allclose(metrics.confidence_interval(errors, weights=sizes * 3), [low, high], rtol=1e-12)


def test_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(300):
        low, high = metrics.confidence_interval(rng.standard_normal(80), level=0.9, resamples=300, random_state=seed)
        inside += low < 0 < high
    assert 0.84 < inside / 300 < 0.95


def test_blocks_do_not_change_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(30)
    want = metrics.confidence_interval(values)
    monkeypatch.setattr(intervals, "_BLOCK", 100)
    np.testing.assert_allclose(metrics.confidence_interval(values), want, rtol=1e-12)
