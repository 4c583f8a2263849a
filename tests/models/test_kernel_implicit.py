"""KernelAttentionRecommender against its formula in float64: sides, blocks of users, memory, and what it refuses."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csr_array

import attnrec as ar
from attnrec import config, models
from attnrec.models import KernelAttentionRecommender as Kernel
from attnrec.models.kernel_implicit import ridge
from attnrec.models.linalg import spd
from estimators import answers, assert_same, assert_same_bits

USERS, ITEMS = 34, 21
VARIANTS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5, "regularization": 0.05, "popularity_exponent": 0.0},
    {"based_on": "items", "item_temperature": 0.3, "item_regularization": 0.7, "activity_exponent": 0.25},
    {"based_on": "both", "temperature": 0.6},
    {"n_blocks": 3},
    {"based_on": "both", "n_blocks": 2, "random_state": 4},
]


@pytest.fixture(params=VARIANTS, ids=lambda p: ",".join(f"{k}={v}" for k, v in p.items()) or "default")
def params(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture
def model(params: dict[str, Any]) -> Kernel:
    return Kernel(**params).fit(made(), show_progress=False)


def made(users: int = USERS, seed: int = 0) -> csr_array:
    """Histories where user 3 has nothing, nobody has item 7 and users 5 and 6 are the same."""
    rng = np.random.default_rng(seed)
    x = (rng.random((users, ITEMS)) < 0.3) * 1.0
    x[3], x[:, 7], x[6] = 0, 0, x[5]
    return csr_array(x)


def kernel_of(x: np.ndarray, y: np.ndarray, weights: np.ndarray, temperature: float) -> np.ndarray:
    def unit(z: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(z * weights, axis=1, keepdims=True)
        return np.divide(z * weights, length, out=np.zeros_like(z), where=length > 0)

    return np.exp((unit(x) @ unit(y).T - 1) / temperature)


def formula(model: Kernel, x: np.ndarray, history: np.ndarray, user: int) -> np.ndarray:
    """The docstring in float64: scores of one history, with ``user`` left out of the users."""
    scores = np.zeros(x.shape[1])
    if model.based_on == "items" and not history.any():
        return np.asarray(x.mean(0))
    if model.based_on != "items":
        weights = np.maximum(x.sum(0), 1) ** -model.popularity_exponent
        n_blocks = 1 if model.n_blocks == "auto" else model.n_blocks
        blocks = ridge.parts(len(x), n_blocks, model.random_state)
        for block in blocks:
            others = x[block[block != user]]
            k = kernel_of(others, others, weights, model.temperature) + model.regularization * np.eye(len(others))
            w = kernel_of(history[None], others, weights, model.temperature)[0] @ np.linalg.inv(k)
            scores += w @ others / len(blocks)
    if model.based_on != "users":
        k = kernel_of(x.T, x.T, np.maximum(x.sum(1), 1) ** -model.activity_exponent, model.item_temperature)
        unused = x.sum(0) == 0
        k[unused], k[:, unused] = 0, 0
        b = -model.item_regularization * np.linalg.inv(k + model.item_regularization * np.eye(len(k)))
        scores += history @ (b - np.diag(np.diag(b)))
    return scores


def test_the_formula(model: Kernel) -> None:
    x = made().toarray()
    items = np.arange(ITEMS)
    stranger = made(seed=9).toarray()[0]
    for user in (0, 3, 5, 20):
        np.testing.assert_allclose(model.predict(user, items), formula(model, x, x[user], user), rtol=1e-4, atol=3e-6)
        changed = model.predict(user, items, user_items=csr_array(stranger[None]))
        np.testing.assert_allclose(changed, formula(model, x, stranger, user), rtol=1e-4, atol=3e-6)
    for history in (stranger, x[4], np.zeros(ITEMS)):
        got = model.predict(-1, items, user_items=csr_array(history[None]))
        np.testing.assert_allclose(got, formula(model, x, history, -1), rtol=1e-4, atol=3e-6)


def test_fold_in_of_fitted_histories_has_their_bits(model: Kernel) -> None:
    x, users = made(), np.array([7, 0, 3, 5])
    want = model.recommend(users, N=ITEMS, return_weights=True)
    for a, b in zip(model.recommend(users, x, N=ITEMS, recalculate_user=True, return_weights=True), want, strict=True):
        assert_same(a, b)
    strangers = model.predict(-np.ones(4, np.int64), 2, user_items=x[users])
    for at, user in enumerate(users):  # whatever the batch
        got = np.float32(model.predict(-1, 2, user_items=x[[user]]))
        if config.backend() == "compiled":
            assert got == strangers[at]
        assert got == pytest.approx(strangers[at], rel=1e-4, abs=1e-6)


def test_fold_in_equals_a_refit() -> None:
    x, stranger = made(300), made(seed=8)[[1]]
    for exponent, rtol in ((0.0, 1e-5), (0.2, 0.05)):
        model = Kernel(popularity_exponent=exponent).fit(x, show_progress=False)
        folded = model.predict(-1, np.arange(ITEMS), user_items=stranger)
        refitted = model.partial_fit_users([300], stranger).predict(300, np.arange(ITEMS))
        np.testing.assert_allclose(folded, refitted, rtol=rtol, atol=rtol * np.abs(refitted).max())


def test_explanations_add_up_and_are_the_formula(model: Kernel) -> None:
    x = made().toarray()
    for user, item in ((0, 2), (0, 7), (3, 1), (5, 4), (20, 11)):
        why = model.explain(user, item, N=100)
        assert why.total == pytest.approx(model.predict(user, item), rel=1e-5, abs=1e-6)
        for view in why.views().values():
            assert view.total == pytest.approx(why.total, rel=1e-9, abs=1e-12)
        if model.based_on == "items":
            assert why.neighbours is None
            assert why.contributions.background == (x[:, item].mean().astype(np.float32) if user == 3 else 0)
            continue
        assert set(why.neighbours.ids) == {int(v) for v in np.flatnonzero(x[:, item]) if v != user}
        np.testing.assert_array_equal(why.neighbours.weights * why.neighbours.values, why.neighbours.contributions)
    stranger = csr_array((1, ITEMS))  # shares nothing with anybody: all is background
    why = model.explain(-1, 2, stranger)
    assert why.contributions.background == pytest.approx(why.total)
    assert len(why.contributions) == 0


def test_history_view_is_the_kernel_split() -> None:
    x = made().toarray()
    model = Kernel(0.4, 0.2, 0.3).fit(csr_array(x), show_progress=False)
    weights = x.sum(0).clip(1) ** -0.3
    unit = x * weights / np.linalg.norm(x * weights, axis=1, keepdims=True).clip(1e-12)
    others = np.arange(USERS) != 2
    k = kernel_of(x[others], x[others], weights, 0.4) + 0.2 * np.eye(USERS - 1)
    values = np.linalg.solve(k, x[others, 4])
    cosines = unit[others] @ unit[2]
    added = (np.exp((cosines - 1) / 0.4) - np.exp(-1 / 0.4)) * values
    want = (np.divide(added, cosines, out=np.zeros_like(added), where=cosines > 0) @ unit[others]) * unit[2]
    part = model.explain(2, 4, N=100).contributions
    np.testing.assert_allclose(part.contributions, want[part.ids], rtol=1e-3, atol=1e-5)
    assert part.background == pytest.approx(np.exp(-1 / 0.4) * values.sum(), rel=1e-3, abs=1e-5)


def test_weights_are_shares(model: Kernel) -> None:
    ids, _, weights = model.recommend(np.arange(USERS), N=ITEMS, return_weights=True)
    assert np.all((weights >= 0) & (weights <= 1))
    assert np.all(weights[ids < 0] == 0)
    assert np.any(weights > 0.05)
    assert np.all(weights[ids == 7] == 0)  # nobody has it


def test_copies_files_and_updates(model: Kernel, params: dict[str, Any], tmp_path: Any) -> None:
    assert_same_bits(Kernel(**params).fit(made(), show_progress=False), model)
    model.save(tmp_path / "m")
    loaded = models.load(tmp_path / "m")
    assert_same_bits(loaded, model)
    new = made(seed=5)[[0]]
    after = Kernel(**params).fit(sparse.vstack([made(), new]).tocsr(), show_progress=False)
    assert_same_bits(loaded.partial_fit_users([USERS], new), after)
    with ar.thread_limit(1):
        want = answers(model)
    for a, b in zip(answers(model), want, strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("based_on", ["users", "items", "both"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 2)])
def test_one_user_one_item(based_on: Any, shape: tuple[int, int]) -> None:
    model = Kernel(based_on=based_on).fit(csr_array(np.ones(shape)), show_progress=False)
    assert all(np.all(np.isfinite(part)) for part in (model.predict(0, 0), answers(model)[3]))
    if shape[0] == 1 and based_on == "users":
        assert model.predict(0, 0) == 0  # there is nobody else


def test_nobody_and_nothing() -> None:
    for based_on in ("users", "items", "both"):
        model = Kernel(based_on=based_on).fit(made(), show_progress=False)
        popular = model.predict(3, np.arange(ITEMS))  # user 3 has no history
        assert popular[7] == pytest.approx(0, abs=1e-6)
        assert np.corrcoef(popular, made().sum(axis=0))[0, 1] > 0.8
        assert np.all(np.abs(model.predict(np.arange(USERS), 7)) < 1e-6)


# What is refused.


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        ({"regularization": 0}, ValueError, "regularization=0 must be finite and at least 1e-06"),
        ({"regularization": -0.1}, ValueError, "regularization=-0.1 must be finite"),
        ({"item_regularization": 0.0}, ValueError, "item_regularization=0.0 must be finite"),
        ({"regularization": float("nan")}, ValueError, "regularization=nan"),
        ({"temperature": 0}, ValueError, "temperature=0 must be finite and at least 0.01"),
        ({"temperature": "hot"}, TypeError, "temperature='hot' is not a number"),
        ({"popularity_exponent": -1}, ValueError, "popularity_exponent=-1 must be finite and 0 or more"),
        ({"based_on": "left"}, ValueError, "based_on='left' is not one of 'users', 'items', 'both'"),
        ({"n_blocks": 0}, ValueError, "n_blocks=0 must be a whole number of at least 1"),
        ({"n_blocks": "many"}, TypeError, "n_blocks='many' is not a whole number"),
        ({"memory_budget": 2.5}, TypeError, "memory_budget=2.5 is not a whole number"),
        ({"random_state": -1}, ValueError, "random_state=-1 must be 0 or more"),
        ({"random_state": 0.5}, TypeError, "random_state=0.5 is not a whole number"),
        ({"memory_budget": 1000}, ValueError, "takes .* GB where the memory budget is 1e-06 GB: pass memory_budget="),
    ],
)
def test_parameters_refused(params: dict[str, Any], error: Any, says: str) -> None:
    model = Kernel().fit(made(), show_progress=False)
    want = model.predict(0, 1)
    with pytest.raises(error, match=says):
        model.set_params(**params).fit(made(), show_progress=False)
    assert model.predict(0, 1) == want


def test_a_singular_system_is_refused() -> None:
    twins = csr_array(np.ones((1200, 3)))
    with pytest.raises(ValueError, match=r"kernel matrix of 1200 users with regularization=1e-06.*raise regular"):
        Kernel(regularization=1e-6).fit(twins, show_progress=False)
    with pytest.raises(ValueError, match=r"kernel matrix of 1200 items with item_regularization=1e-06"):
        Kernel(based_on="items", item_regularization=1e-6).fit(csr_array(np.ones((3, 1200))), show_progress=False)
    assert Kernel().fit(twins, show_progress=False).predict(0, 0) == pytest.approx(1, rel=1e-3)


def test_invert() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 7, spd.BLOCK - 1, spd.BLOCK, spd.BLOCK + 1, 2 * spd.BLOCK + 40):
        x = rng.standard_normal((n, n + 5))
        a = x @ x.T / n + 0.1 * np.eye(n)
        got = a.astype(np.float32)
        got[np.triu_indices(n, 1)] = np.nan  # the upper triangle is not read
        told: list[int] = []
        spd.invert(got, told.append)
        assert sum(told) == n
        want = np.linalg.inv(a)
        assert np.max(np.abs(got - want)) < 2e-5 * np.max(np.abs(want))
        np.testing.assert_array_equal(got, got.T)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite in columns 0 to 2"):
        spd.invert(np.ones((3, 3), dtype=np.float32))


# Memory.


@pytest.mark.parametrize("params", [{}, {"based_on": "items"}, {"based_on": "both"}, {"n_blocks": 3}])
def test_fit_takes_no_more_than_it_says(params: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x = sparse.random_array((1500, 900), density=0.03, rng=rng, format="csr", dtype=np.float32)
    model = Kernel(**params)
    model.fit(made(), show_progress=False)  # modules are loaded now
    says = model.memory_needed(x)
    tracemalloc.start()
    model.fit(x, show_progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * says < peak <= says


@pytest.mark.parametrize("used", [900, 500])
@pytest.mark.parametrize("based_on", ["items", "both"])
def test_fit_with_content_takes_no_more_than_it_says(based_on: Any, used: int) -> None:
    rng = np.random.default_rng(0)
    x = sparse.random_array((600, 900), density=0.03, rng=rng, format="lil", dtype=np.float32)
    x[:, used:] = 0
    x, features = csr_array(x), rng.standard_normal((900, 200)).astype(np.float32)
    model = Kernel(based_on=based_on)
    model.fit(made(), item_features=np.eye(made().shape[1]), show_progress=False)  # modules are loaded now
    says = model.memory_needed(x, features)
    assert says > model.memory_needed(x) + 8 * features.size
    tracemalloc.start()
    model.fit(x, item_features=features, show_progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * says < peak <= says
    with pytest.raises(ValueError, match=f"memory_budget={says}"):
        Kernel(based_on=based_on, memory_budget=says - 1, n_blocks=1).fit(
            x, item_features=features, show_progress=False
        )


def test_blocks_follow_the_budget(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ridge, "_LEAST", 50)
    monkeypatch.setattr(ridge, "_PROBES", 2)
    monkeypatch.setattr(spd, "BLOCK", 32)
    monkeypatch.setattr(spd, "_STRIP", 32)
    x = made(1000)
    whole = Kernel(n_blocks=1).memory_needed(x)
    with pytest.warns(RuntimeWarning, match=r"in 2 blocks .*larger memory_budget, fit\(tune=...\), or n_blocks=2"):
        model = Kernel(memory_budget=whole - 1).fit(x)
    assert model.memory_needed(x) < whole
    assert "2 blocks of users" in capsys.readouterr().err
    assert_same_bits(model, Kernel(n_blocks=2).fit(x, show_progress=False))
    ar.set_memory_budget(whole - 1)
    try:
        with pytest.warns(RuntimeWarning, match="in 2 blocks"):
            assert_same_bits(Kernel().fit(x, show_progress=False), model)
    finally:
        ar.set_memory_budget(0)
    with pytest.raises(ValueError, match=r"based_on='both' or based_on='items'|more n_blocks, or based_on='items'"):
        Kernel(memory_budget=whole // 60).fit(x)
