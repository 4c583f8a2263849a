"""fit(tune=...) and the search behind it: what is tried, what is held out, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from attnrec.models import KernelAttentionRecommender, NeighbourAttention
from attnrec.models.base import tuning
from estimators import assert_same_bits, made

KNOWN = ["a", "b"]
SPACE = {"a": [1, 2, 3], "b": ["x", "y"]}


def test_settings() -> None:
    grid = tuning.settings(True, SPACE, KNOWN, 0)
    assert len(grid) == 6
    assert grid[:3] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}]
    drawn = tuning.settings(4, SPACE, KNOWN, 7)
    assert len(drawn) == 4
    assert all(one in grid for one in drawn)
    assert drawn == tuning.settings(4, SPACE, KNOWN, 7) != tuning.settings(4, SPACE, KNOWN, 8)
    assert tuning.settings({"a": (5, 6)}, SPACE, KNOWN, 0) == [{"a": 5}, {"a": 6}]
    assert tuning.settings(({"b": k} for k in "uv"), SPACE, KNOWN, 0) == [{"b": "u"}, {"b": "v"}]


@pytest.mark.parametrize(
    ("tune", "error", "says"),
    [
        ("a", TypeError, "tune='a': pass True, a number"),
        (0.5, TypeError, "tune=0.5: pass True"),
        ([3], TypeError, "tune=3"),
        (-2, ValueError, "tune=-2 must be a whole number of at least 1"),
        ({"c": [1]}, ValueError, "tune names 'c', which is no parameter: there are a, b"),
        ({"a": 1}, TypeError, r"tune\['a'\]=1 must list the values"),
        ({"a": []}, ValueError, "tune holds no setting"),
        ([], ValueError, "tune holds no setting"),
    ],
)
def test_settings_refused(tune: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        tuning.settings(tune, SPACE, KNOWN, 0)


def test_search() -> None:
    scores = {1: 0.5, 2: 0.9, 3: 0.9, 4: float("nan")}
    best, trials = tuning.search([{"a": a} for a in scores], lambda one: scores[one["a"]])
    assert best == {"a": 2}  # the first of equals
    assert [t["a"] for t in trials] == [1, 2, 3, 4]
    assert all(t["seconds"] >= 0 for t in trials)
    frame = trials.to_frame()
    assert list(frame.columns) == ["a", "score", "seconds"]

    seen: list[float] = []

    def halving() -> Iterator[dict[str, Any]]:
        a = 8.0
        while not seen or seen[-1] < 3:
            yield {"a": a}
            a /= 2

    def score(one: dict[str, Any]) -> float:
        seen.append(4 - one["a"])
        return seen[-1]

    assert tuning.search(halving(), score)[0] == {"a": 1.0}
    with pytest.raises(ValueError, match="no setting has a score"):
        tuning.search([{"a": 1}], lambda one: float("nan"))


@pytest.mark.parametrize(("sweeps", "best", "most"), [(1, {"a": 3, "b": 2.0}, 8), (3, {"a": 5, "b": 2.0}, 16)])
def test_climb(sweeps: int, best: dict[str, Any], most: int) -> None:
    # The best a depends on b, so a second sweep goes on from where b has led.
    def score(one: dict[str, Any]) -> float:
        return -0.1 * abs(one["a"] - (5 if one["b"] == 2 else 3)) - abs(one["b"] - 2)

    trials = tuning.Trials()
    tried = tuning.coordinate_search(
        {"a": [1, 2, 3, 4, 5], "b": [0.5, 2.0]}, {"a": 2, "b": 1.0, "c": 0}, trials, sweeps=sweeps
    )
    got, table = tuning.search(tried, score, trials=trials)
    assert got == best
    assert table is trials
    assert trials[0] | {"a": 2, "b": 1.0} == trials[0]
    settings = [(t["a"], t["b"]) for t in trials]
    assert len(settings) == len(set(settings)) <= most


def test_hold_out() -> None:
    x = made("explicit")
    train, test, users = tuning.hold_out(x, 0, fraction=0.25, most=10)
    assert len(users) == 10
    assert np.all(np.diff(users) > 0)
    both = train.toarray()
    both[users] += test.toarray()
    np.testing.assert_array_equal(both, x.toarray())
    assert train.nnz + test.nnz == x.nnz
    assert np.all(np.diff(test.indptr) == np.maximum(1, np.diff(x.indptr)[users] // 4))
    for a, b in zip(tuning.hold_out(x, 0, fraction=0.25, most=10), (train, test, users), strict=True):
        assert (a != b).sum() == 0
    with pytest.raises(ValueError, match="nobody has two items"):
        tuning.hold_out(csr_array(np.eye(4)), 0)


def test_fit_with_tune() -> None:
    x = made("implicit")
    grid = {"temperature": [0.1, 0.5], "regularization": [0.1, 10.0]}
    model = KernelAttentionRecommender(random_state=3).fit(x, tune=grid, show_progress=False)
    assert len(model.tuning_) == 4
    best = max(model.tuning_, key=lambda trial: trial["score"])
    chosen = {name: best[name] for name in grid}
    assert {name: model.get_params()[name] for name in grid} == chosen
    assert_same_bits(model, KernelAttentionRecommender(**chosen, random_state=3).fit(x, show_progress=False))
    again = KernelAttentionRecommender(random_state=3).fit(x, tune=grid, show_progress=False)
    assert [t["score"] for t in again.tuning_] == [t["score"] for t in model.tuning_]
    assert model.fit(x, show_progress=False).tuning_ is None


@pytest.mark.parametrize("based_on", ["users", "items", "both"])
def test_own_grids(based_on: Any) -> None:
    model = KernelAttentionRecommender(based_on=based_on).fit(made("implicit"), tune=3, show_progress=False)
    assert len(model.tuning_) == 3


def test_a_failed_search_leaves_the_model() -> None:
    x = made("implicit")
    model = KernelAttentionRecommender().fit(x, show_progress=False)
    before = model.get_params()
    with pytest.raises(ValueError, match="temperature=-1"):
        model.fit(x, tune={"temperature": [0.2, -1]}, show_progress=False)

    def stop(*told: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, tune={"temperature": [0.7]}, show_progress=False, callback=stop)
    assert model.get_params() == before
    assert model.tuning_ is None
    assert_same_bits(model, KernelAttentionRecommender().fit(x, show_progress=False))


def test_estimators_that_cannot_be_tuned_say_so() -> None:
    with pytest.raises(
        ValueError, match=r"NeighbourAttention does not use tune \(.*KernelAttentionRecommender.* does\)"
    ):
        NeighbourAttention().fit(made("implicit"), tune=True)
