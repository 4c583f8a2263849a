"""KernelAttentionRegressor against its formulas on dense matrices, its solver, and what it does with odd ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from attnrec.models import KernelAttentionRegressor
from attnrec.models.base.queries import Queries
from attnrec.models.kernel_explicit import system as kernel_system
from attnrec.models.kernel_explicit.passes import Hyperparameters, Passes
from attnrec.models.kernel_explicit.preconditioner import Preconditioner, leading
from attnrec.models.kernel_explicit.system import ProductKernelSystem
from attnrec.models.linalg import blas
from attnrec.models.linalg.conjugate_gradients import conjugate_gradients
from attnrec.models.linalg.kernel import Kernel
from estimators import made
from kernel_truth import Truth

EXACT: dict[str, Any] = {"tolerance": 1e-12}


def fitted(x: csr_array, **params: Any) -> KernelAttentionRegressor:
    return KernelAttentionRegressor(**{**EXACT, **params}).fit(x, show_progress=False)


def every(model: KernelAttentionRegressor, **options: Any) -> Any:
    users, items = np.indices((model.n_users, model.n_items)).reshape(2, -1)
    return model.predict(users, items, **options)


def passes(x: csr_array, memory_budget: int = 1 << 30) -> Passes:
    out = Passes(x, Hyperparameters.of(KernelAttentionRegressor()), memory_budget)
    first = out.system(0)
    out.add(conjugate_gradients(first, out.targets, tolerance=1e-12, max_steps=300).x)
    return out


@pytest.mark.parametrize(
    "params",
    [
        {"passes": 1},
        {},
        {"bias_weight": 0.0, "user_kernel_weight": 0.0},
        {"item_kernel_weight": 0.0, "second_pass_first_product_weight": 0.0},
    ],
)
def test_predictions_are_those_of_the_formula(params: dict[str, Any]) -> None:
    x = made("explicit")
    model = fitted(x, **params)
    want = np.clip(Truth(x, model).rows, 1, 5).ravel()
    np.testing.assert_allclose(every(model), want, atol=2e-4)


@pytest.mark.parametrize("count", [1, 2])
def test_standard_deviations_are_those_of_the_formula(count: int) -> None:
    x = made("explicit")
    model = fitted(x, passes=count)
    pairs = np.array([[0, 0], [0, 7], [3, 5], [3, 7], [11, 2]])
    _, std = model.predict(pairs[:, 0], pairs[:, 1], return_std=True)
    np.testing.assert_allclose(std, Truth(x, model).std[pairs[:, 0], pairs[:, 1]], rtol=1e-4)
    one, its_std = model.predict(3, 7, return_std=True)
    assert isinstance(one, float)
    assert its_std == pytest.approx(float(std[3]), rel=1e-6)
    with pytest.raises(ValueError, match="leave user_items out"):
        model.predict(3, 7, user_items=x[[3]], return_std=True)


def test_product_with_the_system_and_its_inverse() -> None:
    x = made("explicit")
    for number, model in enumerate([fitted(x, passes=1), fitted(x)]):
        truth = Truth(x, model)
        ours = passes(x)
        system = ours.system(number) if number else ours.predictors[0].system
        v = np.random.default_rng(0).standard_normal(x.nnz)
        np.testing.assert_allclose(ours.scale**2 * system(v), truth.system @ v, rtol=1e-4, atol=1e-3)
        got = conjugate_gradients(system, v, tolerance=1e-12, max_steps=500)
        np.testing.assert_allclose(got.x / ours.scale**2, np.linalg.solve(truth.system, v), atol=1e-4)


def test_kernels_that_do_not_fit_the_budget_are_computed_again() -> None:
    x = made("explicit")
    assert [k.stored for k in kernels_of(passes(x, 0).predictors[0].system)] == [False, False]
    assert [k.stored for k in kernels_of(passes(x, 4 * 40 * 40).predictors[0].system)] == [True, False]
    want = fitted(x)
    model = fitted(x, memory_budget=1)
    np.testing.assert_allclose(every(model), every(want), atol=1e-5)
    assert model.explain(2, 4).total == pytest.approx(want.explain(2, 4).total, abs=1e-5)


def kernels_of(system: ProductKernelSystem) -> list[Kernel]:
    return [k for term in system.product_kernels for k in (term.users, term.items)]


def test_preconditioner_is_symmetric_and_saves_steps() -> None:
    rng = np.random.default_rng(3)
    mask = rng.random((150, 90)) < 0.4 * rng.random(90) + 0.02
    taste = rng.standard_normal((150, 3)) @ rng.standard_normal((3, 90)) + 2 * rng.standard_normal(90)
    ratings = np.clip(np.rint(3 + taste + 0.5 * rng.standard_normal((150, 90))), 1, 5)
    x = csr_array(np.where(mask, ratings, 0).astype(np.float32))
    system = Passes(x, Hyperparameters.of(KernelAttentionRegressor()), 1 << 30).system(0)
    y = x.data - x.data.mean(dtype=float)
    steps = {}
    for rank in (None, 0, 6):
        precondition = None if rank is None else Preconditioner(system, rank)
        steps[rank] = conjugate_gradients(system, y, preconditioner=precondition, tolerance=1e-5, max_steps=99).steps
        if precondition is not None:
            a, b = rng.standard_normal((2, x.nnz))
            assert a @ precondition(b) == pytest.approx(b @ precondition(a), rel=1e-4, abs=1e-4)
            assert a @ precondition(a) > 0
    assert steps[6] < steps[0] < steps[None]


def test_leading_directions() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 5)).astype(np.float32)
    kernel = Kernel([(1.0, rows / np.linalg.norm(rows, axis=1, keepdims=True))], 0.5, True)
    (_, dense), *_ = kernel.blocks()
    vectors, values, rest = leading(kernel, 4)
    want = np.linalg.eigvalsh(dense.astype(float))[::-1]
    np.testing.assert_allclose(values, want[:4], rtol=1e-2)
    np.testing.assert_allclose(dense @ vectors, vectors * values, atol=0.3)
    assert rest == pytest.approx(want[4:].sum() / 60, rel=0.05)


# What a user meets.


def test_a_history_predicts_what_a_refit_with_it_would() -> None:
    x = made("explicit")
    model = fitted(x, passes=1)
    users = np.arange(12)
    want = np.clip(Truth(x, model).rows, 1, 5)
    for item in (0, 4, 7):
        got = model.predict(users, item, user_items=x[users])
        np.testing.assert_array_equal(got, model.predict(users, item))
        np.testing.assert_allclose(got, want[:12, item], atol=1e-4)


def test_explanations_name_ratings_and_people() -> None:
    x = made("explicit")
    model = fitted(x)
    why = model.explain(0, 3, N=1000)
    assert set(why.contributions.ids) == set(x[[0]].indices)
    assert why.neighbours is not None
    assert 0 not in why.neighbours.ids
    assert set(x[:, [3]].nonzero()[0]) - {0} <= set(why.neighbours.ids)
    assert why.bias == pytest.approx(x.data.mean(dtype=float))
    assert why.contributions.background == pytest.approx(why.neighbours.contributions.sum(), abs=1e-5)
    assert why.sources is not None
    assert why.bias + sum(why.sources.values()) == pytest.approx(why.total)
    assert why.sources["your own ratings"] == pytest.approx(why.contributions.contributions.sum())
    assert "By source: your own ratings" in str(why)
    rows = why.to_frame("pandas").query("view == 'sources'")
    assert rows["contribution"].sum() == pytest.approx(why.total)


def test_people_who_rated_an_item_are_told_from_those_who_rated_others() -> None:
    x = made("explicit")
    model = fitted(x, passes=1)
    truth = Truth(x, model)
    users, items = truth.pairs
    rated_it = csr_array(np.where(items == 3, truth.coefficients, 0)[None])
    parts = model._passes().predictors[0]
    system = parts.system
    attention = kernels_of(system)[0].rows(np.array([0]))[0].astype(float)
    want = sum(
        a
        * (
            system.user_kernel_weight * attention[v]
            + system.product_kernels[0].weight * attention[v]
            + system.bias_weight
        )
        for v, a in zip(users, rated_it.toarray()[0], strict=True)
        if v != 0
    )
    sources = model.explain(0, 3).sources
    assert sources is not None
    assert sources["people who rated it"] == pytest.approx(parts.scale**2 * want, abs=1e-5)


def test_predictions_are_cut_to_the_scale_and_ranked_before() -> None:
    sums = np.add.outer(np.arange(9), np.arange(12))  # the greatest and the least are not observed
    x = csr_array(np.where((sums >= 6) & (sums <= 13), sums, 0).astype(np.float32))
    model = fitted(x, bias_weight=5.0, noise=1e-2, second_pass_noise=1e-2)
    ids, scores = model.recommend(8, N=12, filter_already_liked_items=False)
    assert np.sum(scores == 13) > 2
    raw = model._scores(Queries(np.array([8]), None))[0][0]
    assert np.all(np.diff(raw[ids]) <= 0)
    assert raw.max() > 13.5
    over = int(np.argmax(raw))
    assert ids[0] == over
    assert model.predict(0, 0) == 6
    why = model.explain(8, over)
    assert why.total == 13
    assert "passes the range" in why.bias_name
    assert why.bias + why.contributions.total == pytest.approx(13)


@pytest.mark.parametrize(
    "ratings",
    [[[4, 4, 0], [0, 4, 4]], [[3]], [[1, 5, 3]], [[1], [5], [3]], [[0, 0], [2, 5]], [[0, 2], [0, 5]]],
    ids=["constant", "one-rating", "one-user", "one-item", "user-without", "item-without"],
)
def test_odd_ratings_give_sensible_predictions(ratings: list[list[int]]) -> None:
    x = csr_array(np.array(ratings, np.float32))
    model = fitted(x)
    got = every(model)
    assert np.all((got >= x.data.min()) & (got <= x.data.max()))
    if x.data.min() == x.data.max():
        assert np.all(got == x.data[0])
        assert not model.predicts_ratings
    nobody = csr_array((1, x.shape[1]), dtype=np.float32)
    assert np.isfinite(model.predict(-1, 0, user_items=nobody))


def test_without_damping_who_has_no_ratings_has_no_bias() -> None:
    x = made("explicit")
    model = fitted(x, user_damping=0.0, item_damping=0.0)
    assert np.isfinite(every(model)).all()
    assert model.recommend(-1, csr_array((1, x.shape[1])), recalculate_user=True)[0].min() >= 0


def test_ratings_of_zero_and_below_count() -> None:
    dense = np.array([[-2.0, 1, 0], [1, -2, 0]], np.float32)
    x = csr_array((dense.ravel(), np.tile([0, 1, 2], 2), [0, 3, 6]), shape=(2, 3))
    model = fitted(x)
    assert model.predict(0, 0) < model.predict(0, 2) < model.predict(0, 1)


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        ({"passes": 3}, ValueError, "passes=3 is not 1 or 2"),
        ({"noise": 0.0}, ValueError, "noise=0.0 must be finite and above 0"),
        ({"product_kernel_weight": -1.0}, ValueError, "product_kernel_weight=-1.0 must be finite and at least 0"),
        ({"second_pass_user_temperature": float("nan")}, ValueError, "second_pass_user_temperature=nan"),
        ({"residual_weight": 1.5}, ValueError, "residual_weight=1.5 must lie between 0 and 1"),
        ({"item_kernel_weight": "much"}, TypeError, "item_kernel_weight='much' is not a number"),
        ({"tolerance": 0}, ValueError, "tolerance=0"),
        ({"max_steps": 0}, ValueError, "max_steps=0"),
        ({"memory_budget": -1}, ValueError, "memory_budget=-1"),
        ({"random_state": 1.5}, TypeError, "random_state=1.5 is not a whole number"),
    ],
)
def test_parameters_that_can_not_be_used(params: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        KernelAttentionRegressor(**params).fit(made("explicit"))


def test_too_few_steps_are_told() -> None:
    with pytest.warns(RuntimeWarning, match=r"did not reach tolerance=1e-12 after 1 steps.*raise max_steps or noise"):
        fitted(made("explicit"), max_steps=1, passes=1)


@pytest.mark.parametrize("after", [3, 12])
def test_ctrl_c_keeps_the_last_iterate(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    calls = 0
    product = kernel_system.ProductKernelSystem.__call__

    def interrupted(self: ProductKernelSystem, x: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return product(self, x)

    x = made("explicit")
    whole = every(fitted(x, tolerance=1e-2))
    monkeypatch.setattr(kernel_system.ProductKernelSystem, "__call__", interrupted)
    with pytest.warns(RuntimeWarning, match=r"interrupted after \d+ steps.*fit again"):
        model = fitted(x, tolerance=1e-9)
    assert sum(model.steps_) == after
    assert np.abs(every(model) - whole).mean() < 0.5


def test_tuning_tries_settings_and_keeps_the_best() -> None:
    x = made("explicit")
    model = KernelAttentionRegressor(passes=1).fit(
        x, show_progress=False, tune={"noise": [0.05, 5.0], "item_kernel_weight": [0.2]}
    )
    assert model.tuning_ is not None
    assert [t["noise"] for t in model.tuning_] == [0.05, 5.0]
    assert model.noise == max(model.tuning_, key=lambda t: t["score"])["noise"]
    again = KernelAttentionRegressor(passes=1).fit(
        x, show_progress=False, tune={"noise": [0.05, 5.0], "item_kernel_weight": [0.2]}
    )
    assert [t["score"] for t in again.tuning_ or []] == [t["score"] for t in model.tuning_]


def test_tuning_scores_what_predict_would_say() -> None:
    x = made("explicit")
    model = KernelAttentionRegressor(tolerance=1e-10).fit(x, show_progress=False, tune=3)
    assert model.tuning_ is not None
    assert len(model.tuning_) == 3
    held = np.zeros(x.nnz, dtype=bool)
    held[np.random.default_rng(0).permutation(x.nnz)[: x.nnz // 10]] = True
    rows = np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    train = csr_array((x.data[~held], (rows[~held], x.indices[~held])), shape=x.shape)
    for trial in model.tuning_:
        setting = {name: value for name, value in trial.items() if name not in ("score", "seconds")}
        part = KernelAttentionRegressor(tolerance=1e-10, **setting).fit(train, show_progress=False)
        wrong = part.predict(rows[held], x.indices[held]) - x.data[held]
        assert trial["score"] == pytest.approx(-np.sqrt(np.mean(wrong**2)), abs=1e-4)


def test_tuning_needs_ratings_to_hold_out() -> None:
    with pytest.raises(ValueError, match="tuning holds out a tenth of the ratings, and 4 are too few"):
        KernelAttentionRegressor().fit(csr_array([[1, 5], [2, 4]]), tune=1, show_progress=False)


def test_blas_has_its_threads_back_whoever_leaves_last() -> None:
    pools = pytest.importorskip("threadpoolctl")

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in pools.threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    first, second = blas.one_thread(), blas.one_thread()
    with first:
        assert set(threads()) <= {1}
        second.__enter__()
    assert set(threads()) <= {1}  # the second, which came when it was set already, is still within
    second.__exit__(None, None, None)
    assert threads() == before


def test_movielens_100k(shared_data: Path) -> None:
    path = shared_data / "movielens-100k" / "ratings.csv"
    user, item, rating = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2)).T
    users, items = user.astype(int) - 1, item.astype(int) - 1
    train = csr_array((rating[20000:].astype(np.float32), (users[20000:], items[20000:])), shape=(943, 1682))
    model = KernelAttentionRegressor().fit(train, show_progress=False)
    rmse = np.sqrt(np.mean((model.predict(users[:20000], items[:20000]) - rating[:20000]) ** 2))
    assert rmse <= 0.8805
    assert max(model.steps_) < 30
