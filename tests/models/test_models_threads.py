"""Models read while another thread fits: every answer is that of one state, never of two."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from attnrec.models import ContentBridge, Recommender
from attnrec.models.base.state import Stored
from estimators import ESTIMATORS, made

USER, ITEM = 5, 7  # item 7 is in nobody's history


def explained(found: Any) -> list[Any]:
    views = [found.total, found.bias, found.contributions.ids, found.contributions.values]
    return [np.asarray(x) for x in views]


READING: dict[str, Callable[[Any], list[Any]]] = {
    "recommend": lambda m: [*m.recommend(np.arange(9), N=5, return_weights=True)],
    "recommend_batches": lambda m: [*itertools.chain(*m.recommend_batches(N=5, format="numpy", show_progress=False))],
    "predict": lambda m: [m.predict(np.arange(9), np.arange(9))],
    "similar_items": lambda m: [*m.similar_items(np.arange(9), N=5)],
    "similar_users": lambda m: [*m.similar_users(np.arange(9), N=5)],
    "explain": lambda m: explained(m.explain(USER, ITEM)),
    "explain_many": lambda m: [x for each in m.explain_many(np.arange(9), ITEM) for x in explained(each)],
    "counterfactuals": lambda m: [(c := m.counterfactuals(USER, ITEM)).itemids, c.ranks, c.scores],
    "user_states": lambda m: [m.user_states()],
    "item_states": lambda m: [m.item_states()],
    "nbytes": lambda m: [np.asarray(m.nbytes)],
}


def same(got: list[Any], want: list[Any]) -> bool:
    return len(got) == len(want) and all(
        a.shape == b.shape and (a.dtype.kind == "U" or a.dtype == b.dtype) and bool(np.all(a == b))
        for a, b in zip(got, want, strict=True)
    )


def two_fits(estimator: type[Recommender]) -> list[Recommender]:
    """Fitted on histories of different users and items, and of different values."""
    histories = made("implicit", 0), csr_array(made("implicit", 1)[:30, :20])
    quick = {"epochs": 2} if "epochs" in estimator._param_names() else {}
    return [estimator(**quick).fit(x, show_progress=False) for x in histories]


@pytest.fixture
def flipped(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stored, list[Stored]], None]:
    """As if another thread fitted the model anew after every single look at its state."""
    owners: list[tuple[Stored, Iterator[Any]]] = []
    plain = Stored._fitted

    def then_changed(self: Stored) -> Any:
        state = plain(self)
        for model, states in owners:
            vars(model).update(_state=next(states))
        return state

    monkeypatch.setattr(Stored, "_fitted", then_changed)
    return lambda model, others: owners.append((model, itertools.cycle([m._state for m in others])))


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_answer_is_of_one_state(
    estimator: type[Recommender], name: str, flipped: Callable[[Stored, list[Stored]], None]
) -> None:
    fits = two_fits(estimator)
    read = READING[name]
    wants = [read(each) for each in fits]
    model = copy.copy(fits[0])
    flipped(model, fits)
    for _ in range(4):
        got = read(model)
        assert any(same(got, want) for want in wants)


def test_the_flips_are_seen_where_nothing_holds_the_state(flipped: Callable[[Stored, list[Stored]], None]) -> None:
    fits = two_fits(ESTIMATORS[0])
    model = copy.copy(fits[0])
    flipped(model, fits)
    assert len({model.n_items for _ in range(4)}) == 2


def test_a_bridge_answers_from_one_state(flipped: Callable[[Stored, list[Stored]], None]) -> None:
    rng = np.random.default_rng(0)
    bridges = [
        ContentBridge(normalize=bool(k)).fit(rng.random((9 + k, 4)), item_features=rng.random((9 + k, 6)),
                                             show_progress=False)
        for k in range(2)
    ]  # fmt: skip
    new, query = rng.random((3, 6)), rng.random(4)

    def read(bridge: ContentBridge) -> list[Any]:
        why = bridge.explain(new[:1], query)
        return [bridge.transform(new)], [why.ids, why.values]

    wants = [read(each) for each in bridges]
    model = copy.copy(bridges[0])
    flipped(model, bridges)
    for _ in range(4):
        for part, got in enumerate(read(model)):
            assert any(same(got, want[part]) for want in wants)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_threads_read_while_another_fits(estimator: type[Recommender]) -> None:
    fits = two_fits(estimator)
    wants = {name: [read(each) for each in fits] for name, read in READING.items()}
    model = copy.deepcopy(fits[0])
    done: list[bool] = []

    def reader(name: str) -> int:
        count = 0
        while not done or not count:
            got = READING[name](model)
            assert any(same(got, want) for want in wants[name]), name
            count += 1
        return count

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(reader, name) for name in ("recommend", "predict", "explain", "similar_items")]
            for k in range(10):
                model.fit(fits[k % 2].user_items, show_progress=False)
            done.append(True)
            assert all(each.result() >= 1 for each in waiting)
    finally:
        done.append(True)
        sys.setswitchinterval(before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_is_derived_is_kept_for_the_model(estimator: type[Recommender]) -> None:
    model = two_fits(estimator)[0]
    assert model.item_vectors is model.item_vectors
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: model.user_vectors, range(16)))
    assert all(each is model.user_vectors for each in found)
