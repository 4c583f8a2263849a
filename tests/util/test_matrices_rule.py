"""The rule by which sparse matrices are read, point by point: the smallest inputs, limits, rows, times, messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import attnrec as ar
from attnrec import compat, config, metrics, models, reference
from attnrec._util import matrices
from attnrec.data import FrameRecommender, Interactions, splits
from attnrec.features import Features
from forms import drawn, form, needs_rows, table


def fitted(x: Any) -> Any:
    return models.NeighbourAttention().fit(sparse.hstack([x, x], format=x.format), show_progress=False).user_items


SUM = {
    "fit": fitted,
    "from_sparse": lambda x: Interactions.from_sparse(x).user_items,
    "attend": lambda x: ar.attend(np.zeros((1, 2)), np.zeros((1, 2)), x),
    "predict_ratings": lambda x: ar.predict_ratings(np.ones((1, 1)), x),
    "similarity": lambda x: ar.similarity(x, np.ones((1, 1))),
    "dense keys": lambda x: ar.similarity(np.ones((1, 1)), x),
    "topk": lambda x: ar.topk(x, np.ones((1, 1)), 1, weights=False).scores,
    "items": lambda x: ar.topk(np.ones((1, 1)), x, 1, weights=False).scores,
    "reference": lambda x: reference.predict_ratings(np.ones((1, 1)), x),
    "reference, float32": lambda x: reference.similarity(x, np.ones((1, 1)), dtype=np.float32),
    "split": lambda x: splits.pair(x, sparse.csr_array((1, 1)))[0],
    "rectools": lambda x: compat.RecToolsRanker("dot", x, np.ones((1, 1))).rank([0])[2],
    "features": lambda x: Features(x, {"a": slice(0, 1)}, np.ones((1, 1), bool), ["a"]).matrix,
}


def at_one_place(values: Any, dtype: Any, kind: str) -> Any:
    values = np.array(values).astype(dtype)
    at = np.zeros(len(values), int)
    if kind == "coo":
        return sparse.coo_array((values, (at, at)), shape=(1, 1))
    return {"csr": sparse.csr_array, "csc": sparse.csc_array}[kind]((values, at, [0, len(at)]), shape=(1, 1))


@pytest.fixture(params=["compiled", "reference"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    before = config.backend()
    if before == "reference" and request.param == "compiled":
        pytest.skip("there is no compiled core")
    config.set_backend(request.param)
    yield request.param
    config.set_backend(before)


@pytest.mark.parametrize("kind", ["coo", "csr", "csc"])
@pytest.mark.parametrize("call", SUM)
@pytest.mark.parametrize(
    ("values", "dtype", "total"),
    [
        ([200, 100], np.uint8, 300),
        ([True, True], bool, 2),
        ([2**31 - 1, 2**31 - 1], np.int32, 2**32 - 2),
        ([2**24, 1, -(2**24)], np.float32, 1),
        ([1e8, 1, -1e8], np.float64, 1),
        ([2**53 + 2, -(2**53)], np.int64, 2),
        ([2**62, 2**62, 2**62], np.uint64, 3 * 2**62),
        ([2.0**24 + 1, 1], np.float64, 2**24 + 2),
        ([2.0**24 + 1, 1], np.longdouble, 2**24 + 2),
        # float64 makes a tie of it, and float32 the even number beside: the same where nothing is added
        ([2**54 + 2**30 + 1], np.int64, 2**54),
        ([2**54, 2**30 + 1], np.int64, 2**54),
    ],
)
def test_entries_of_one_place_are_added_in_float64(
    backend: str, kind: str, call: str, values: Any, dtype: Any, total: float
) -> None:
    found = SUM[call](at_one_place(values, dtype, kind))
    found = found.toarray() if sparse.issparse(found) else found
    assert np.float32(np.float64(np.ravel(found)[0])) == np.float32(
        total
    )  # a split keeps the dtype of what it adds nothing in


def test_a_dtype_that_scipy_has_no_loops_for() -> None:
    for dtype in (np.float16, ">f8", ">i4"):
        for kind in ("coo", "csr", "csc"):
            x = at_one_place([1, 2], np.float64, kind)
            x.data = x.data.astype(dtype)
            assert matrices.matrix("x", x).data.tolist() == [3]
            assert ar.similarity(x, [[1.0]]).item() == 3
            assert Interactions.from_sparse(x).user_items.data.tolist() == [3]


def test_what_says_where_not_how_much_counts_once() -> None:
    twice = sparse.csr_array((np.array([1, -1]), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))  # adds up to 0
    q, v = np.ones((1, 2)), np.arange(6).reshape(3, 2)
    assert ar.topk(q, v, 3, exclude=twice).ids.tolist() == [[2, 0, -1]]
    assert ar.topk(q, v, 3, include=twice.tocoo()).ids.tolist() == [[1, -1, -1]]
    assert metrics.recall([[1]], twice) == metrics.recall([[1]], twice.tocsc()) == 1
    assert compat.implicit_topk(v, q, 2, filter_query_items=twice)[0].tolist() == [[2, 0]]
    complex_ = sparse.coo_array(([1j, 1j], ([0, 0], [1, 1])), shape=(1, 3))
    assert ar.topk(q, v, 3, exclude=complex_).ids.tolist() == [[2, 0, -1]]


def test_zeros_are_entries_but_in_blocks_and_diagonals() -> None:
    stored = sparse.csr_array(([0.0, 5.0], [0, 1], [0, 2, 2]), shape=(2, 2))
    filled_up = sparse.bsr_array((np.array([[[0, 5.0], [0, 0]]]), [0], [0, 1]), shape=(2, 2))
    diagonals = sparse.dia_array((np.array([[0, 0.0], [0, 5.0]]), [0, 1]), shape=(2, 2))
    for x, want in ((stored, [0, 1]), (stored.tocoo(), [0, 1]), (stored.tocsc(), [0, 1]), (stored.tolil(), [0, 1])):
        assert matrices.matrix("x", x).indices.tolist() == want
    for x in (filled_up, diagonals):
        assert matrices.matrix("x", x).indices.tolist() == [1]
        assert ar.topk(np.ones((2, 1)), np.ones((2, 1)), 2, exclude=x).ids.tolist() == [[0, -1], [0, 1]]
        assert reference.topk(np.ones((2, 1)), np.ones((2, 1)), 2, exclude=x).ids.tolist() == [[0, -1], [0, 1]]
        assert Interactions.from_sparse(x).user_items.nnz == 1


def test_sums_that_do_not_fit_are_named() -> None:
    large = sparse.coo_array((np.array([1.0, 3e38, 3e38]), ([0, 1, 1], [0, 2, 2])), shape=(2, 3))
    for call in (models.NeighbourAttention().fit, splits.random_holdout):
        with pytest.raises(ValueError, match=r"holds inf \(as float32\) in row 1, column 2"):
            call(large)
    with pytest.raises(ValueError, match="entry 2: the sum of this user and item overflows float32"):
        Interactions.from_sparse(large)
    csr = at_one_place([3e38, 3e38], np.float32, "csr")
    for x in (csr, csr.tocsc()):
        with pytest.raises(ValueError, match="values holds NaN or infinity"):
            ar.attend([[1.0]], [[1.0]], x)
        with pytest.raises(ValueError, match="targets holds NaN or infinity"):
            ar.softmax_cross_entropy([[1.0]], [[1.0]], x)


def test_weights_of_targets_are_added_before_they_are_looked_at() -> None:
    x = sparse.csr_array(([-1.0, 3.0], [0, 0], [0, 2]), shape=(1, 2))
    q, v = np.ones((1, 2)), np.eye(2)
    assert ar.softmax_cross_entropy(q, v, x).loss == ar.softmax_cross_entropy(q, v, sparse.csr_array([[2.0, 0]])).loss


def test_canonical_float32_is_not_copied() -> None:
    x = table(0, (5, 4))
    read = matrices.matrix("x", x)
    assert all(np.shares_memory(getattr(read, part), getattr(x, part)) for part in ("data", "indices", "indptr"))
    assert splits.pair(x, sparse.csr_array((5, 4)))[0] is x


def test_a_model_keeps_memory_of_its_own() -> None:
    x = table(0, (5, 4), 0.8)
    model = models.NeighbourAttention().fit(x, show_progress=False)
    assert not any(np.shares_memory(getattr(model.user_items, p), getattr(x, p)) for p in ("data", "indices", "indptr"))


def test_look_alikes_of_csr_follow_the_rule() -> None:
    x = SimpleNamespace(
        data=np.array([2.0**24 + 1, 1.0]), indices=np.array([0, 0]), indptr=np.array([0, 2]), shape=(1, 1), format="csr"
    )
    assert ar.similarity(x, [[1.0]]).item() == 2**24 + 2


def test_order_where_places_outnumber_int64_and_where_columns_are_unsigned() -> None:
    rows, columns = np.array([3, 0, 3, 3]), np.array([2**61 + 1, 7, 2**61, 2**61 + 1])
    for width, dtype in ((2**62, np.int64), (2**62, np.uint64)):
        order, first = matrices.in_order(rows, columns.astype(dtype), width)
        assert (order.tolist(), first.tolist()) == ([1, 2, 0, 3], [0, 1, 2])
    x = SimpleNamespace(
        data=np.arange(1.0, 4), indices=np.array([2, 2, 0], np.uint64), indptr=np.array([0, 3], np.uint64), shape=(1, 3)
    )
    read = matrices.matrix("x", x)
    assert (read.indices.tolist(), read.data.tolist()) == ([0, 2], [3, 3])
    order, _ = matrices.in_order(np.zeros(2, int), np.array([2**60 + 1, 2**60], np.uint64), 2**61)
    assert order.tolist() == [1, 0]


# What is no matrix.


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda x: x.indices.__setitem__(0, 99), "column 99 of 4"),
        (lambda x: x.indices.__setitem__(0, -1), "column -1 of 4"),
        (lambda x: x.indptr.__setitem__(-1, 999), "over 20 stored entries"),
        (lambda x: x.indptr.__setitem__(1, 19), "indptr decreases at row 1"),
        (lambda x: setattr(x, "data", x.data[:-1]), "20 indices for 19 values"),
    ],
)
def test_broken_structure_is_named_everywhere(damage: Callable[[Any], Any], says: str) -> None:
    calls: dict[str, Callable[[Any], Any]] = {
        "user_items": lambda x: models.NeighbourAttention().fit(x, show_progress=False),
        "interactions": splits.kfold,
        "test": lambda x: metrics.recall(np.zeros((5, 1), int), x),
        "train": lambda x: metrics.novelty([[0]], x),
        "from_sparse: csr": Interactions.from_sparse,
    }
    for name, call in calls.items():
        x = sparse.csr_array(np.ones((5, 4), np.float32))
        damage(x)
        if "values" in says and name in ("test", "train"):
            continue  # which do not look at values
        with pytest.raises(ValueError, match=f"{name} is not a valid sparse matrix: .*{says}"):
            call(x)
    coo = sparse.coo_array(np.eye(3))
    coo.row[0] = 7
    for name in ("user_items", "interactions", "test", "train", "from_sparse: csr"):
        with pytest.raises(ValueError, match=f"{name} is not a valid sparse matrix: stored entry 0 is in row 7 of 3"):
            calls[name](coo)


# Rows.


@needs_rows
def test_one_sparse_row_is_one_query(backend: str) -> None:
    x, v = table(1, (3, 6), 0.7), np.random.default_rng(0).standard_normal((9, 6)).astype(np.float32)
    rows = sparse.csr_array(np.eye(3, 9))
    for row, mask, dense in ((x[0], rows[0], x.toarray()[0]), (x[0].astype(np.int64), rows[0].tocoo(), x.toarray()[0])):
        assert row.ndim == 1
        for got, want in (
            (ar.topk(row, v, 3, exclude=mask), ar.topk(dense, v, 3, exclude=rows[[0]])),
            ([ar.similarity(row, v)], [ar.similarity(dense, v)]),
            ([ar.attention_matrix(row, v, scale=0.01)], [ar.attention_matrix(dense, v, scale=0.01)]),
            ([ar.attend(row, v, v, scale=0.01)], [ar.attend(dense, v, v, scale=0.01)]),
        ):
            for a, b in zip(got, want, strict=True):
                assert np.shape(a) == np.shape(b)
                np.testing.assert_allclose(a, b, rtol=1e-6)


@needs_rows
def test_a_row_where_a_matrix_is_needed_is_refused_with_a_fix_that_works() -> None:
    x, v = table(1, (3, 6), 0.7), np.ones((2, 6), np.float32)
    fix = r"reshape\(1, -1\)"
    with pytest.raises(ValueError, match=f"keys has shape .6,.*{fix}"):
        ar.similarity(v, x[0])
    ar.similarity(v, x[0].reshape(1, -1))
    with pytest.raises(ValueError, match=f"interactions is one row, of shape .6,.*{fix}"):
        splits.random_holdout(x[0])
    splits.random_holdout(x[0].reshape(1, -1))
    with pytest.raises(TypeError, match=f"from_sparse: .*of shape .6,.*{fix}"):
        Interactions.from_sparse(x[0])
    Interactions.from_sparse(x[0].reshape(1, -1))
    with pytest.raises(ValueError, match=f"matrix is one row, of shape .6,.*{fix}"):
        Features(x[0], {"a": slice(0, 6)}, np.ones((1, 1), bool), [*"abcdef"])


@needs_rows
def test_features_of_one_new_person() -> None:
    data = Interactions.from_arrays(["ann", "bob", "cid"], ["tea", "rum", "tea"])
    about = table(2, (3, 4), 1.0, most=3)
    model = models.SoftmaxRecommender(factors=4, epochs=1).fit(data, user_features=about, show_progress=False)
    people = FrameRecommender(model, data)
    one = people.recommend(["dora"], 1, user_features=about[[0]])
    for same in (about[0], about[[0]].tocoo(), about[[0]].tolil()):
        assert people.recommend(["dora"], 1, user_features=same).equals(one)


# Times.


@given(seed=st.integers(0, 500), how=drawn())
@settings(max_examples=60, deadline=None)
def test_times_follow_their_entries_and_the_latest_counts(seed: int, how: tuple[str, str, int]) -> None:
    rng = np.random.default_rng(seed)
    x = table(seed, (6, 8), 0.5)
    when = rng.integers(10, 20, x.nnz)
    other = form(x, how)
    rows, columns, _ = matrices.entries("x", other)
    of_place = sparse.csr_array((when, x.indices, x.indptr), shape=x.shape).toarray()
    latest = of_place[rows, columns]
    last = np.zeros(len(rows), bool)  # the entry of each place that happened then; the others before
    last[np.unique(rows * 8 + columns, return_index=True)[1]] = True
    times = np.where(last, latest, latest - rng.integers(0, 9, len(rows)))
    for stamps, want in ((times, when), (times.astype(np.float64), when), (_days(times), _days(when))):
        for split in (
            lambda x, t: splits.leave_last_out(x, t),
            lambda x, t: splits.temporal(x, 0.3, timestamps=t),
            lambda x, t: splits.temporal(x, 0.3, per_user=True, timestamps=t),
        ):
            for got, part in zip(split(other, stamps), split(x, want), strict=True):
                np.testing.assert_array_equal(got.toarray(), part.toarray())
    as_matrix = sparse.coo_array((times, (rows, columns)), shape=x.shape)
    for matrix in (as_matrix, other):
        got = splits.leave_last_out(matrix, as_matrix)[1]
        np.testing.assert_array_equal(got.toarray() > 0, splits.leave_last_out(x, when)[1].toarray() > 0)


def _days(times: Any) -> Any:
    return np.datetime64("2020-01-01") + times.astype("timedelta64[D]")


def test_a_pair_stored_twice_is_in_one_part() -> None:
    twice = sparse.csr_array((np.ones(6), np.array([1, 1, 0, 2, 0, 2]), np.array([0, 4, 6])), shape=(2, 3))
    for train, test in (
        splits.random_holdout(twice, 0.5),
        *splits.kfold(twice, 3),
        splits.leave_last_out(twice, np.arange(6)),
        splits.temporal(twice, 0.5, timestamps=np.arange(6)),
        splits.user_holdout(twice, 1)[1:3],
    ):
        assert not (train * test).nnz
    kept, out = splits.leave_last_out(twice, [9, 1, 2, 3, 4, 5])
    assert kept.toarray().tolist() == [[1, 0, 1], [1, 0, 0]]
    assert out.toarray().tolist() == [[0, 2, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="interactions are in train and in test, the first of them row 0, column 1"):
        splits.pair(twice.tocoo(), sparse.coo_array(([1], ([0], [1])), shape=(2, 3)))


def test_interactions_are_made_of_canonical_matrices_alone() -> None:
    data = Interactions.from_arrays([1, 2], [1, 2])
    twice = sparse.csr_matrix(([1.0, 1.0, 1.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    for bad in (twice, twice.tocoo()):
        with pytest.raises(ValueError, match=r"sorted and without duplicates: use Interactions\.from_sparse"):
            Interactions(bad, data.users, data.items, explicit=True, report=data.report)
    fixed = Interactions.from_sparse(twice, data.users, data.items)
    assert fixed.user_items.toarray().tolist() == [[2, 0], [0, 1]]
    assert fixed.explicit  # a sum that is not 1
    assert not Interactions.from_sparse(twice, duplicates="last").explicit


def test_ratings_that_float32_rounds_are_in_range_as_before() -> None:
    x = sparse.coo_array(([0.1, 0.7], ([0, 1], [0, 0])))
    assert len(Interactions.from_sparse(x, rating_range=(0.1, 0.7))) == 2
    with pytest.raises(ValueError, match=r"rating 1e\+300 is|rating inf is not finite"):
        Interactions.from_sparse(sparse.coo_array(([1e300], ([0], [0]))))
