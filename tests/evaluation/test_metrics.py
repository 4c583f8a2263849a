"""Ranking and rating metrics by hand and by a loop that follows the definitions word by word; bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from attnrec import metrics
from attnrec.data import Interactions, splits
from forms import needs_rows

# Two users with held-out items {0, 2, 3} and {4}; the third has none.
TEST = csr_array(np.array([[1, 0, 5, 2, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]))
IDS = np.array([[2, 1, 0], [0, 1, 4], [3, 2, 1]])
FOUND = ("recall", "precision", "hit_rate", "mrr", "ndcg", "map", "auc")


def test_by_hand() -> None:
    assert metrics.recall(IDS, TEST) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.recall(IDS, TEST, k=1) == pytest.approx((1 / 3 + 0) / 2)
    assert metrics.precision(IDS, TEST) == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert metrics.hit_rate(IDS, TEST, k=2) == 0.5
    assert metrics.mrr(IDS, TEST) == pytest.approx((1 + 1 / 3) / 2)
    assert metrics.recall(IDS, TEST, k=1, denominator="capped") == 0.5
    assert metrics.map(IDS, TEST) == pytest.approx(((1 + 2 / 3) / 3 + 1 / 3) / 2)
    assert metrics.map(IDS, TEST, k=1) == pytest.approx((1 / 3 + 0) / 2)
    assert metrics.map(IDS, TEST, k=1, denominator="capped") == 0.5
    # of 2, 1, 0 and, in either order, 3 and 4: 2 is above 1 and 4; 0 above 4; 3 above 4 half the time. 6 pairs in all
    assert metrics.auc(IDS, TEST, per_user=True)[:2] == pytest.approx([3.5 / 6, 2 / 4])
    first = (1 + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2)
    assert metrics.ndcg(IDS, TEST) == pytest.approx((first + 0.5) / 2)
    assert metrics.coverage(IDS, 5) == 1.0
    assert metrics.coverage(IDS, 10, k=1) == pytest.approx(0.3)
    assert metrics.rmse([1, 2, 3], [1, 4, 3]) == pytest.approx(math.sqrt(4 / 3))
    assert metrics.mae([1, 2, 3], [1, 4, 2]) == pytest.approx(1.0)


def by_definition(ids: np.ndarray, test: csr_array, k: int) -> dict[str, float]:
    rows: list[dict[str, float]] = []
    for u in range(test.shape[0]):
        held = set(test.indices[test.indptr[u] : test.indptr[u + 1]].tolist())
        if not held:
            continue
        hit = [i in held for i in ids[u, :k].tolist()]
        ranks = [r for r, h in enumerate(hit, 1) if h]
        best = sum(1 / math.log2(r + 1) for r in range(1, min(k, len(held)) + 1))
        rows.append(
            {
                "recall": len(ranks) / len(held),
                "precision": len(ranks) / k,
                "hit_rate": float(bool(ranks)),
                "mrr": 1 / ranks[0] if ranks else 0.0,
                "ndcg": sum(1 / math.log2(r + 1) for r in ranks) / best,
                "map": sum(sum(hit[:r]) / r for r in ranks) / len(held),
            }
        )
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 8])
def test_against_the_definitions(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    test = csr_array(random_array((30, 20), density=0.1, random_state=rng))
    ids = rng.random((30, 20)).argsort(axis=1)[:, :8]
    ids[rng.random(30) < 0.3, 5:] = -1
    for name, want in by_definition(ids, test, k).items():
        assert getattr(metrics, name)(ids, test, k) == pytest.approx(want, abs=1e-12), name


def test_perfect_is_one_and_nothing_held_out_is_nan() -> None:
    perfect = csr_array(np.array([[1, 1, 0, 0]]))
    for name in FOUND:
        assert getattr(metrics, name)([[1, 0]], perfect) == 1.0
        assert math.isnan(getattr(metrics, name)([[1, 0]], csr_array((1, 4), dtype=np.float32)))


@pytest.mark.parametrize("name", FOUND)
def test_values_of_users_have_the_mean_and_nan_for_nothing_held_out(name: str) -> None:
    values = getattr(metrics, name)(IDS, TEST, per_user=True)
    assert values.shape == (3,)
    assert values.dtype == np.float64
    assert np.isnan(values).tolist() == [False, False, True]
    assert getattr(metrics, name)(IDS, TEST) == pytest.approx(np.nanmean(values), abs=1e-15)
    one = np.array([1])
    assert getattr(metrics, name)(IDS[one], TEST[one], per_user=True) == pytest.approx(values[one])


RANKING = ("auc", "hit_rate", "map", "mrr", "ndcg", "precision", "recall", "novelty")


@pytest.mark.parametrize("name", RANKING)
def test_lists_of_unlike_lengths_are_filled_up(name: str) -> None:
    metric = getattr(metrics, name)
    filled = np.array([[3, 0, 1], [4, -1, -1], [-1, -1, -1]])
    want = metric(filled, TEST, per_user=True)
    ragged = [[3, 0, 1], [4], []]
    objects = np.empty(3, dtype=object)
    objects[:] = ragged
    for ids in (ragged, tuple(map(tuple, ragged)), [np.array(row, np.int32) for row in ragged], objects):
        np.testing.assert_array_equal(metric(ids, TEST, per_user=True), want)


@pytest.mark.parametrize("name", RANKING)
def test_held_out_items_as_interactions(name: str) -> None:
    metric = getattr(metrics, name)
    whole = Interactions.from_sparse(TEST)
    assert metric(IDS, whole) == metric(IDS, TEST)
    train = Interactions.from_arrays(["ann", "bob", "bob"], ["tea", "tea", "rum"])
    test = Interactions.from_arrays(["ann", "cid"], ["rum", "tea"])
    train, test = splits.pair(train, test)
    ids = [[0, 1], [1, 0], [1, 0]]
    assert metric(ids, test, per_user=True).shape == (3,)
    np.testing.assert_array_equal(metric(ids, test, per_user=True), metric(ids, test.user_items, per_user=True))


def test_pairs_are_counted_past_32_bits() -> None:
    n, held = 200_000, 100_000
    test = csr_array((np.ones(held), np.arange(held, dtype=np.int32), np.array([0, held], np.int32)), shape=(1, n))
    for candidates in (None, np.array([n], np.int32)):
        assert metrics.auc(np.arange(n)[None], test, n_candidates=candidates) == 1.0
        assert metrics.auc(np.arange(n)[None, ::-1], test, n_candidates=candidates) == 0.0


@needs_rows
def test_one_sparse_row_is_one_user() -> None:
    assert metrics.recall([[2, 0, 1]], TEST[0]) == metrics.recall([[2, 0, 1]], TEST[[0]])
    with pytest.raises(ValueError, match="ids has 3 rows and test 1"):
        metrics.recall(IDS, TEST[0])


def test_duplicate_stored_entries_are_one_held_out_item() -> None:
    twice = csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    assert metrics.recall([[1, 2]], twice) == 1.0


@pytest.mark.parametrize(
    ("ids", "k", "message"),
    [
        ([[0, 1]], None, "1 rows and test 3"),
        (IDS, 4, "k is 4"),
        (IDS, 0, "k is 0"),
        (IDS + 3, None, r"0\.\.4"),
        (np.array([[0, 0], [1, 2], [1, 2]]), None, "twice in row 0"),
        (IDS.astype(float), None, "integers"),
        (IDS[0], None, r"1-D, of shape \(3,\), .*of one user pass \[ids\]"),
        ([[0, 1], [2.5], [1]], None, r"user 1 is \[2.5\]"),
        ([[0, 1], ["a"], [1]], None, r"user 1 is \['a'\]"),
        ([[0, 1], 3, [1]], None, "user 1 is 3"),
        ([[0, 1], [[1], [2]], [1]], None, r"user 1 is \[\[1\], \[2\]\]"),
        ([[0, 1], [2, 2], [1, 1, 3]], None, "twice in row 1"),
        ([[0, 1], [9], []], None, r"0\.\.4"),
        (np.full((3, 1), 2**64 - 1, np.uint64), None, "18446744073709551615"),
    ],
)
def test_bad_input_is_named(ids: np.ndarray, k: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.recall(ids, TEST, k)


def test_other_bad_input() -> None:
    with pytest.raises(TypeError, match="csr_array"):
        metrics.ndcg(IDS, TEST.toarray())
    with pytest.raises(TypeError):
        metrics.ndcg(IDS, TEST, k=1.5)  # type: ignore[call-overload]
    for metric in (metrics.recall, metrics.map):
        with pytest.raises(ValueError, match="'held_out' or 'capped'"):
            metric(IDS, TEST, denominator="k")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="one integer or one for each of the 3 users"):
        metrics.auc(IDS, TEST, n_candidates=[5, 5])
    with pytest.raises(ValueError, match=r"n_candidates of user 1 is 2, but 3 items"):
        metrics.auc(IDS, TEST, n_candidates=[5, 2, 5])
    with pytest.raises(ValueError, match="of 5 in all"):
        metrics.auc(IDS, TEST, n_candidates=6)
    with pytest.raises(ValueError, match="one shape"):
        metrics.rmse([1, 2], [1])
    with pytest.raises(ValueError, match="not be empty"):
        metrics.mae([], [])
    ragged = [[1.0, 2.0], [3.0]]
    for metric in (metrics.rmse, metrics.mae):
        for given, name in (((ragged, [1, 2, 3]), "ratings"), (([1, 2, 3], ragged), "predicted")):
            with pytest.raises(ValueError, match=rf"{name} can not be read .*numpy.concatenate\(lists\)"):
                metric(*given)
        assert metric(np.concatenate(ragged), [1, 2, 3]) == 0
        with pytest.raises(TypeError, match=r"ratings is csr_array, which is sparse: .* its values x.data"):
            metric(TEST, TEST.data)
        with pytest.raises(TypeError, match="predicted is Interactions, which is sparse"):
            metric(TEST.data, Interactions.from_sparse(TEST))
        assert metric(TEST.data, TEST.data) == 0
    for call, name in (
        (lambda x: metrics.confidence_interval(x), "values"),
        (lambda x: metrics.confidence_interval([1.0, 2.0], weights=x), "weights"),
        (lambda x: metrics.intra_list_diversity(IDS, x), "item_features"),
        (lambda x: metrics.intra_list_diversity(IDS, similarity=x), "similarity"),
    ):
        with pytest.raises(ValueError, match=f"{name} can not be read as an array of numbers"):
            call(ragged)
    with pytest.raises(TypeError, match=r"similarity is csr_array, .*similarity.toarray\(\)"):
        metrics.intra_list_diversity(IDS, similarity=csr_array(np.eye(5)))
    metrics.intra_list_diversity(IDS, similarity=csr_array(np.eye(5)).toarray())
