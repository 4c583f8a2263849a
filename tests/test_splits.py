"""Splits: nothing lost, nothing twice, the same seed the same split, the last really the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix, random_array

from attnrec.data import splits


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


def test_ties_go_to_the_entry_stored_last() -> None:
    _, test = splits.leave_last_out(csr_matrix([[1, 2, 3], [4, 5, 0]]), timestamps=[9, 9, 1, 2, 2])
    assert test.toarray().tolist() == [[0, 2, 0], [0, 5, 0]]


def test_empty_is_split_into_empties() -> None:
    empty = csr_array((3, 4), dtype=np.float32)
    for train, test in (splits.random_holdout(empty), splits.leave_last_out(empty, [])):
        assert train.shape == test.shape == (3, 4)
        assert train.nnz == test.nnz == 0


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 20, float("nan")])
def test_bad_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="test_fraction"):
        splits.random_holdout(some(), fraction)


def test_bad_input_is_named() -> None:
    with pytest.raises(TypeError, match="tocsr"):
        splits.random_holdout(some().tocoo())
    with pytest.raises(ValueError, match="needs timestamps"):
        splits.leave_last_out(some())
    with pytest.raises(ValueError, match="one for each entry"):
        splits.leave_last_out(some(), [1, 2])
    with pytest.raises(ValueError, match="same entries"):
        splits.leave_last_out(some(1), some(2))
