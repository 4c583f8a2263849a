"""Splits of interactions: nothing lost, nothing twice, the same seed the same split, the last really the last."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix, random_array

from attnrec.data import Interactions, splits


def some(seed: int = 0, shape: tuple[int, int] = (40, 30), density: float = 0.2) -> Any:
    matrix = csr_array(random_array(shape, density=density, random_state=seed))
    matrix.data = np.arange(1, matrix.nnz + 1).astype(np.float32)
    return matrix


def assert_parts(whole: Any, train: Any, test: Any) -> None:
    assert train.shape == test.shape == whole.shape
    assert train.nnz + test.nnz == whole.nnz
    assert sorted([*train.data, *test.data]) == sorted(whole.data)
    np.testing.assert_array_equal((train + test).toarray(), whole.toarray())


@given(seed=st.integers(0, 50), fraction=st.floats(0.01, 0.99), per_user=st.booleans())
@settings(max_examples=40, deadline=None)
def test_random_holdout_loses_nothing(seed: int, fraction: float, per_user: bool) -> None:
    whole = some(seed)
    train, test = splits.random_holdout(whole, fraction, random_state=seed, per_user=per_user)
    assert_parts(whole, train, test)
    if per_user:
        counts = np.diff(whole.indptr)
        np.testing.assert_array_equal(np.diff(test.indptr), np.floor(fraction * counts + 1e-9))
    else:
        assert test.nnz == round(fraction * whole.nnz)


def test_random_holdout_is_seeded() -> None:
    for per_user in (False, True):
        first, again, other = (splits.random_holdout(some(), 0.3, s, per_user=per_user)[1] for s in (7, 7, 8))
        np.testing.assert_array_equal(first.toarray(), again.toarray())
        assert (first.toarray() != other.toarray()).any()


def test_random_holdout_is_even() -> None:
    dense = csr_array(np.ones((10, 10)))
    total = sum(splits.random_holdout(dense, 0.5, seed, per_user=True)[1].toarray() for seed in range(400))
    assert np.abs(total / 400 - 0.5).max() < 0.12


def test_leave_last_out_takes_the_latest() -> None:
    whole = some(3)
    times = np.random.default_rng(0).permutation(whole.nnz)
    train, test = splits.leave_last_out(whole, times)
    assert_parts(whole, train, test)
    when = csr_array((times, whole.indices, whole.indptr), shape=whole.shape)
    for user in range(whole.shape[0]):
        span = slice(whole.indptr[user], whole.indptr[user + 1])
        kept = test.indices[test.indptr[user] : test.indptr[user + 1]]
        if span.stop - span.start < 2:
            assert len(kept) == 0
        else:
            assert kept.tolist() == [whole.indices[span][np.argmax(times[span])]]
    as_matrix = splits.leave_last_out(whole, when)[1]
    np.testing.assert_array_equal(as_matrix.toarray(), test.toarray())


@given(seed=st.integers(0, 50), fraction=st.floats(0.01, 0.99), per_user=st.booleans(), ties=st.booleans())
@settings(max_examples=40, deadline=None)
def test_temporal_holds_out_the_latest(seed: int, fraction: float, per_user: bool, ties: bool) -> None:
    whole = some(seed)
    times = np.random.default_rng(seed).integers(0, 5 if ties else 10**6, whole.nnz)
    train, test = splits.temporal(whole, fraction, timestamps=times, per_user=per_user)
    assert_parts(whole, train, test)
    counts = np.diff(whole.indptr)
    if per_user:
        np.testing.assert_array_equal(np.diff(test.indptr), np.floor(fraction * counts + 1e-9))
    else:
        assert test.nnz == round(fraction * whole.nnz)
    # the values of ``some`` number the entries; a later entry goes first where times tie
    when = {value: (times[at], at) for at, value in enumerate(whole.data)}
    for user in range(whole.shape[0]) if per_user else [slice(None)]:
        kept, gone = ([when[value] for value in part[[user] if per_user else user].data] for part in (train, test))
        assert not kept or not gone or max(kept) < min(gone)


@given(seed=st.integers(0, 50), cut=st.integers(-1, 22))
@settings(max_examples=40, deadline=None)
def test_temporal_by_a_time(seed: int, cut: int) -> None:
    whole = some(seed)
    times = np.random.default_rng(seed).integers(0, 20, whole.nnz)
    for time in (cut, float(cut), str(cut), np.int64(cut)):
        train, test = splits.temporal(whole, time=time, timestamps=times)
        assert_parts(whole, train, test)
        assert sorted(test.data) == sorted(whole.data[times >= cut])
    half = splits.temporal(whole, time=cut - 0.5, timestamps=times)[1]
    np.testing.assert_array_equal(half.toarray(), test.toarray())


def test_temporal_by_a_date() -> None:
    whole = csr_array([[1, 2, 3]])
    times = np.array(["2020-01-01T12:00", "2020-01-02", "2020-01-03"], "datetime64[us]")
    noon = datetime.datetime(2020, 1, 2, 14, tzinfo=datetime.timezone(datetime.timedelta(hours=14)))
    for time, want in {
        "2020-01-02": [2, 3],
        "2020-01-02T00:00:01Z": [3],
        "2020-01-02T03:00+03:00": [2, 3],
        datetime.date(2020, 1, 3): [3],
        np.datetime64("2019"): [1, 2, 3],
        noon: [2, 3],
    }.items():
        assert splits.temporal(whole, time=time, timestamps=times)[1].data.tolist() == want


@given(seed=st.integers(0, 50), n=st.integers(2, 9), per_user=st.booleans())
@settings(max_examples=40, deadline=None)
def test_folds_are_disjoint_and_everything(seed: int, n: int, per_user: bool) -> None:
    whole = some(seed)
    folds = list(splits.kfold(whole, n, seed, per_user=per_user))
    assert len(folds) == n
    for train, test in folds:
        assert_parts(whole, train, test)
    assert sorted(np.concatenate([test.data for _, test in folds])) == sorted(whole.data)
    sizes = [test.nnz for _, test in folds]
    assert max(sizes) - min(sizes) <= 1
    if per_user:
        of_users = np.array([np.diff(test.indptr) for _, test in folds])
        assert (of_users.max(axis=0) - of_users.min(axis=0)).max() <= 1
    again = list(splits.kfold(whole, n, seed, per_user=per_user))
    for (_, test), (_, same) in zip(folds, again, strict=True):
        np.testing.assert_array_equal(test.toarray(), same.toarray())
    other = next(splits.kfold(whole, n, seed + 1, per_user=per_user))[1]
    assert (folds[0][1].toarray() != other.toarray()).any()


@given(seed=st.integers(0, 50), n=st.integers(1, 39), fraction=st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_user_holdout_are_strangers(seed: int, n: int, fraction: float) -> None:
    whole = some(seed, density=0.3)
    n = min(n, int((np.diff(whole.indptr) >= 2).sum()) - 1)
    train, fold_in, test, userids = splits.user_holdout(whole, n, fraction, seed)
    assert len(userids) == len(np.unique(userids)) == n
    others = np.setdiff1d(np.arange(whole.shape[0]), userids)
    np.testing.assert_array_equal(train.toarray(), whole[others].toarray())
    assert_parts(whole[userids], fold_in, test)
    counts = np.diff(whole.indptr)[userids]
    np.testing.assert_array_equal(np.diff(test.indptr), np.maximum(np.floor((1 - fraction) * counts + 1e-9), 1))
    assert np.diff(fold_in.indptr).min() >= 1
    again = splits.user_holdout(whole, n, fraction, seed)
    np.testing.assert_array_equal(again.userids, userids)
    np.testing.assert_array_equal(again.test.toarray(), test.toarray())


def test_user_holdout_are_drawn_evenly() -> None:
    dense = csr_array(np.ones((10, 6)))
    drawn = np.concatenate([splits.user_holdout(dense, 3, 0.5, seed).userids for seed in range(400)])
    assert np.abs(np.bincount(drawn, minlength=10) / 400 - 0.3).max() < 0.1
    first, other = (splits.user_holdout(dense, 3, 0.5, seed) for seed in (0, 1))
    assert (first.test.toarray() != other.test.toarray()).any()


def test_a_given_pair_is_checked() -> None:
    train, test = splits.random_holdout(some())
    assert splits.pair(train, test) == (train, test)
    with pytest.raises(ValueError, match=r"train \(40, 30\) and test \(40, 29\)"):
        splits.pair(train, test[:, :29])
    with pytest.raises(ValueError, match=f"{test.nnz} interactions are in train and in test, the first of them row 0"):
        splits.pair(some(), test)
    with pytest.raises(TypeError, match="test must be"):
        splits.pair(train, test.toarray())


def test_a_pair_of_interactions_gets_one_numbering() -> None:
    train = Interactions.from_arrays(["b", "b", "c"], [5, 7, 5], [1, 2, 3], [10, 11, 12])
    test = Interactions.from_arrays(["a", "c", "c"], [5, 6, 9], [4, 5, 6], [13, 14, 15])
    a, b = splits.pair(train, test)
    assert list(a.users) == list(b.users) == ["b", "c", "a"]
    assert list(a.items) == list(b.items) == [5, 7, 6, 9]
    assert a.user_items.toarray().tolist() == [[1, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]]
    assert b.user_items.toarray().tolist() == [[0, 0, 0, 0], [0, 0, 5, 6], [4, 0, 0, 0]]
    assert (a.timestamps.tolist(), b.timestamps.tolist()) == ([10, 11, 12], [14, 15, 13])
    with pytest.raises(ValueError, match="first of them user 'b', item 5"):
        splits.pair(train, train)
    with pytest.raises(ValueError, match="no users in common"):
        splits.pair(train, Interactions.from_arrays(["z"], [5], [1]))
    with pytest.raises(ValueError, match="no items in common: train has ids such as 5, test such as '5'"):
        splits.pair(train, Interactions.from_arrays(["b"], ["5"], [1]))
    with pytest.raises(ValueError, match="one of train and test has ratings"):
        splits.pair(train, Interactions.from_arrays(["c"], [7]))
    with pytest.raises(TypeError, match="both be Interactions"):
        splits.pair(train, test.user_items)


def test_ties_go_to_the_entry_stored_last() -> None:
    _, test = splits.leave_last_out(csr_matrix([[1, 2, 3], [4, 5, 0]]), timestamps=[9, 9, 1, 2, 2])
    assert test.toarray().tolist() == [[0, 2, 0], [0, 5, 0]]


def test_empty_is_split_into_empties() -> None:
    empty = csr_array((3, 4), dtype=np.float32)
    for train, test in (
        splits.random_holdout(empty),
        splits.leave_last_out(empty, []),
        splits.temporal(empty, timestamps=[]),
        splits.temporal(empty, time=3, timestamps=[]),
        splits.pair(empty, empty),
    ):
        assert train.shape == test.shape == (3, 4)
        assert train.nnz == test.nnz == 0


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 20, float("nan")])
def test_bad_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="test_fraction"):
        splits.random_holdout(some(), fraction)


def test_bad_input_is_named() -> None:
    with pytest.raises(TypeError, match=r"pass scipy.sparse.csr_array\(interactions\)"):
        splits.random_holdout(some().toarray())
    with pytest.raises(ValueError, match="needs timestamps"):
        splits.leave_last_out(some())
    with pytest.raises(ValueError, match="one for each entry"):
        splits.leave_last_out(some(), [1, 2])
    with pytest.raises(ValueError, match="same entries"):
        splits.leave_last_out(some(1), some(2))
    with pytest.raises(ValueError, match="temporal needs timestamps"):
        splits.temporal(some())
    with pytest.raises(ValueError, match="none of them missing"):
        splits.leave_last_out(csr_array([[1, 1]]), [1, np.nan])
    with pytest.raises(ValueError, match="none of them missing"):
        splits.temporal(csr_array([[1, 1]]), timestamps=["a", "b"])
    for bad in ({"test_fraction": 0.2, "time": 1}, {"time": 1, "per_user": True}):
        with pytest.raises(ValueError, match="already"):
            splits.temporal(csr_array([[1, 1]]), timestamps=[1, 2], **bad)
    dates = np.array(["2020", "2021"], "datetime64[us]")
    for time, times in ((20200101, dates), ("soon", dates), ("2020-01-01", [1, 2]), (float("nan"), [1, 2])):
        with pytest.raises(ValueError, match="time is"):
            splits.temporal(csr_array([[1, 1]]), time=time, timestamps=times)
    for n in (0, 1, 3):
        with pytest.raises(ValueError, match=f"n_splits is {n}"):
            splits.kfold(csr_array([[1, 1]]), n)
    for n, whole in ((0, some()), (41, some()), (1, csr_array(np.eye(3))), (2, csr_array(np.ones((2, 2))))):
        with pytest.raises(ValueError, match=f"n_users is {n}"):
            splits.user_holdout(whole, n)
    with pytest.raises(ValueError, match="fold_in_fraction is 1"):
        splits.user_holdout(some(), 2, 1)
