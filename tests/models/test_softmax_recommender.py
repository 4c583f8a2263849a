"""SoftmaxRecommender beyond the contract: what it learns, repeats, resumes, survives, refuses and explains."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec import metrics
from attnrec.data import random_holdout
from attnrec.models import SoftmaxRecommender
from attnrec.models.storage import model_file
from estimators import answers, assert_same_bits

USERS, ITEMS, TASTES = 300, 120, 6


def tastes(seed: int = 0) -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
    """Histories of users who mostly choose items of their own taste, and the tastes of users and items."""
    r = np.random.default_rng(seed)
    of_user, of_item = r.integers(0, TASTES, USERS), r.integers(0, TASTES, ITEMS)
    chance = np.where(of_user[:, None] == of_item, 0.5, 0.01)
    return sp.csr_array((r.random((USERS, ITEMS)) < chance).astype(np.float32)), of_user, of_item


X, OF_USER, OF_ITEM = tastes()
SMALL: dict[str, Any] = {"factors": 16, "epochs": 15, "batch_size": 64}


def fitted(**params: Any) -> SoftmaxRecommender:
    extra = {k: params.pop(k) for k in list(params) if k.endswith("features") or k in ("sample_weight", "checkpoint")}
    return SoftmaxRecommender(**{**SMALL, **params}).fit(X, show_progress=False, **extra)


# By chance 0.17 of what is recommended has the user's taste, and 0.38 of what is alike (itself included) the item's.
@pytest.mark.parametrize(
    ("params", "right", "alike"),
    [
        ({}, 0.92, 0.65),
        ({"user_representation": "embedding"}, 0.88, 0.95),
        ({"normalize": "all"}, 0.92, 0.68),
        ({"positive_temperature": 0.1}, 0.85, 0.53),
        ({"lr_schedule": "constant", "weight_decay": 0.01}, 0.91, 0.61),
        ({"lr_schedule": "linear", "history_dropout": 0.0}, 0.84, 0.58),
        ({"eps": 1e-7}, 0.92, 0.65),
    ],
    ids=str,
)
def test_it_learns_tastes(params: dict[str, Any], right: float, alike: float) -> None:
    model = fitted(**params)
    ids = model.recommend(np.arange(USERS), N=5)[0]
    assert np.mean(OF_ITEM[ids] == OF_USER[:, None]) > right
    assert model.losses_[-1] < model.losses_[0] - 0.5
    near = model.similar_items(np.arange(ITEMS), N=4)[0]
    assert np.mean(OF_ITEM[near] == OF_ITEM[:, None]) > alike


def test_held_out_items_are_found() -> None:
    train, test = random_holdout(X, random_state=1)[:2]
    for user_representation in ("pooled", "embedding"):
        model = SoftmaxRecommender(**SMALL, user_representation=user_representation).fit(train, show_progress=False)
        ids = model.recommend(np.arange(USERS), N=10)[0]
        popular = np.argsort(-np.bincount(train.indices, minlength=ITEMS))[:10]
        assert metrics.recall(ids, test) > 3 * metrics.recall(np.tile(popular, (USERS, 1)), test)


@pytest.mark.parametrize("user_representation", ["pooled", "embedding"])
def test_same_bits_for_any_number_of_threads(user_representation: Any) -> None:
    features = np.random.default_rng(0).random((ITEMS, 7))
    want = fitted(user_representation=user_representation, epochs=3, item_features=features)
    for n in (1, 2, 3, 7):
        with ar.thread_limit(n):
            got = fitted(user_representation=user_representation, epochs=3, item_features=features)
        assert got.losses_ == want.losses_
        assert_same_bits(got, want)


# Validation, early stopping, checkpoints.


def test_validation_keeps_the_best_epoch() -> None:
    model = fitted(validation_users=100, patience=0, learning_rate=0.05)
    assert len(model.scores_) == len(model.losses_) == SMALL["epochs"]
    best = int(np.argmax(model.scores_)) + 1
    stopped = fitted(validation_users=100, patience=2, learning_rate=0.05)
    assert stopped.scores_ == model.scores_[: len(stopped.scores_)]
    assert len(stopped.scores_) <= SMALL["epochs"]
    behind = len(stopped.scores_) - 1 - int(np.argmax(stopped.scores_))
    assert behind == 2 or len(stopped.scores_) == SMALL["epochs"]
    assert 1 <= best <= SMALL["epochs"]
    assert model.n_users == USERS
    assert not np.isin(model.recommend(0, N=ITEMS)[0], X[[0]].indices).any()


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    "params",
    [{}, {"user_representation": "embedding"}, {"validation_users": 80, "patience": 0}, {"lr_schedule": "linear"}],
    ids=str,
)
@pytest.mark.parametrize("after", [1, 6])
def test_resumed_training_gives_the_same_bits(tmp_path: Path, params: dict[str, Any], after: int) -> None:
    features = {"item_features": np.eye(ITEMS, 5), "sample_weight": np.linspace(0.5, 1, USERS)}
    want = fitted(**params, **features)
    path = tmp_path / "training.safetensors"

    def kill(epoch: int, seconds: float, loss: float) -> None:
        if epoch == after:
            raise Killed

    model = SoftmaxRecommender(**{**SMALL, **params})
    with pytest.raises(Killed):
        model.fit(X, show_progress=False, callback=kill, checkpoint=path, **features)
    told: list[int] = []
    model.fit(X, show_progress=False, callback=lambda epoch, *_: told.append(epoch), checkpoint=path, **features)
    assert told == list(range(after + 1, SMALL["epochs"] + 1))
    assert model.losses_ == want.losses_
    assert_same_bits(model, want)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    again = SoftmaxRecommender(**{**SMALL, **params}).fit(X, show_progress=False, checkpoint=path, **features)
    assert_same_bits(again, want)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    fitted(epochs=2, checkpoint=path)
    with pytest.raises(ValueError, match=r"learning_rate=0.03, not 0.02.*another name"):
        fitted(epochs=2, learning_rate=0.02, checkpoint=path)
    with pytest.raises(ValueError, match="other data"):
        SoftmaxRecommender(**{**SMALL, "epochs": 2}).fit(X[:, ::-1].tocsr(), show_progress=False, checkpoint=path)
    model = fitted(epochs=2)
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="is a saved SoftmaxRecommender, no checkpoint"):
        fitted(epochs=2, checkpoint=tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="SoftmaxRecommender training"):
        SoftmaxRecommender.load(path)
    header, state = model_file.read(path, mmap=False)
    state.pop("steps")
    model_file.write(path, header["class"], header["params"], state)
    with pytest.raises(ValueError, match=r"is a damaged checkpoint .*steps"):
        fitted(epochs=2, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="truncated"):
        fitted(epochs=2, checkpoint=path)


def test_a_checkpoint_without_a_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere.*make it first"):
        SoftmaxRecommender(**SMALL).fit(
            X, show_progress=False, checkpoint=tmp_path / "nowhere" / "t", callback=lambda *_: pytest.fail("trained")
        )


# Interruption and divergence.


@pytest.mark.parametrize("validation", [0, 60])
def test_interruption_keeps_the_last_whole_epoch(monkeypatch: pytest.MonkeyPatch, validation: int) -> None:
    want = fitted(epochs=15, lr_schedule="constant", validation_users=validation, patience=0)
    calls = 0
    real = ar.ops.softmax_cross_entropy

    def stop(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3 * 5 + 2:  # in the fourth epoch
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr("attnrec.ops.softmax_cross_entropy", stop)
    with pytest.warns(RuntimeWarning, match="interrupted in epoch 4; the model is that of epoch"):
        model = fitted(lr_schedule="constant", validation_users=validation, patience=0)
    monkeypatch.undo()
    assert model.losses_ == want.losses_[:3]
    if not validation:
        assert_same_bits(model, fitted(epochs=3, lr_schedule="constant"))
    calls = -10_000

    def at_once(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("attnrec.ops.softmax_cross_entropy", at_once)
    fresh = SoftmaxRecommender(**SMALL)
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, show_progress=False)
    before = answers(model)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, show_progress=False)
    for a, b in zip(answers(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_interruption_while_free_users_are_placed_keeps_those_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    x = sp.csr_array(sp.diags_array((np.arange(X.shape[0]) != 3).astype(np.float32)) @ X)
    x.eliminate_zeros()  # user 3 has nothing
    want = SoftmaxRecommender(**SMALL, user_representation="embedding").fit(x, show_progress=False)
    with monkeypatch.context() as patched:
        patched.setattr("attnrec.models.softmax.vectors.solved", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.warns(RuntimeWarning, match="keep the embeddings of training"):
            model = SoftmaxRecommender(**SMALL, user_representation="embedding").fit(x, show_progress=False)
    np.testing.assert_array_equal(model.item_vectors, want.item_vectors)
    np.testing.assert_array_equal(model.user_vectors[3], model._fitted().average)
    assert np.median(np.einsum("ij,ij->i", model.user_vectors, want.user_vectors)) > 0.5
    folded = [m.recommend(-1, user_items=x[[5]], recalculate_user=True)[0] for m in (model, want)]
    np.testing.assert_array_equal(*folded)


@pytest.mark.parametrize("user_representation", ["pooled", "embedding"])
def test_divergence_is_reported(user_representation: Any) -> None:
    with pytest.raises(ValueError, match=r"diverged in epoch 1: the loss is inf.*Lower learning_rate=1e\+30"):
        fitted(learning_rate=1e30, user_representation=user_representation)


def test_gradients_that_are_not_finite_keep_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = ar.ops.softmax_cross_entropy, 0

    def spoil(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        got = real(*args, **options)
        if calls == 2 * 5 + 3:
            assert got.d_items is not None
            got.d_items[0, 0] = np.nan
        return got

    monkeypatch.setattr("attnrec.ops.softmax_cross_entropy", spoil)
    with pytest.warns(RuntimeWarning, match="diverged in epoch 3: the loss is inf .* the model is that of epoch 2"):
        model = fitted(lr_schedule="constant")
    monkeypatch.undo()
    assert_same_bits(model, fitted(epochs=2, lr_schedule="constant"))


def test_a_rise_of_the_loss_keeps_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    want = fitted(epochs=4, lr_schedule="constant")
    real, calls = ar.ops.adam_step, 0

    def jump(x: Any, gradient: Any, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 4 * 5:
            options["learning_rate"] = -20.0 if calls % 2 else 20.0
            x += np.random.default_rng(calls).standard_normal(x.shape).astype(np.float32) * 100
            return x
        return real(x, gradient, *args, **options)

    monkeypatch.setattr("attnrec.ops.adam_step", jump)
    with pytest.warns(RuntimeWarning, match="diverged in epoch 5: .* the model is that of epoch 4"):
        model = fitted(lr_schedule="constant")
    monkeypatch.undo()
    assert_same_bits(model, want)


# Features.


def test_items_nobody_has_seen_are_found_by_their_features() -> None:
    features = np.eye(TASTES)[OF_ITEM] + 0.05 * np.random.default_rng(1).standard_normal((ITEMS, TASTES))
    new = np.arange(100, ITEMS)
    train = X.copy().tolil()
    train[:, new] = 0
    train = sp.csr_array(train)[:, :100]
    for given in (features, sp.csr_array(np.eye(TASTES)[OF_ITEM])):
        model = SoftmaxRecommender(**SMALL, id_dropout=0.3).fit(train, item_features=given[:100], show_progress=False)
        model.partial_fit_items(new, item_features=given[100:])
        ids = model.recommend(np.arange(USERS), N=3, items=new)[0]
        assert np.mean(OF_ITEM[ids] == OF_USER[:, None]) > 0.8
        before = model.user_items
        kept = model.partial_fit_items([0], item_features=given[[5]]).user_items  # features alone: it keeps its users
        assert (kept != before).nnz == 0
        both = model.partial_fit_items(new, sp.csr_array(X[:, new].T), item_features=given[100:])
        assert both.n_items == ITEMS


def test_users_without_a_history_are_served_by_their_features(tmp_path: Path) -> None:
    features = np.eye(TASTES, dtype=np.float32)[OF_USER]
    model = fitted(user_features=features, id_dropout=0.3)
    nobody = sp.csr_array((TASTES, ITEMS), dtype=np.float32)
    options: dict[str, Any] = {"recalculate_user": True, "user_features": np.eye(TASTES)}
    ids = model.recommend(np.full(TASTES, -1), nobody, N=5, **options)[0]
    assert np.mean(OF_ITEM[ids] == np.arange(TASTES)[:, None]) > 0.9
    again = model.recommend(np.arange(USERS), X, N=5, recalculate_user=True, user_features=features)
    for a, b in zip(again, model.recommend(np.arange(USERS), N=5), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    model.save(tmp_path / "model")
    assert_same_bits(SoftmaxRecommender.load(tmp_path / "model"), model)
    with pytest.raises(ValueError, match=r"user_features has 2 columns where the model was fitted with 6"):
        model.recommend(-1, nobody[:1], recalculate_user=True, user_features=np.ones((1, 2)))
    why = model.explain(0, 5)
    assert why.contributions.background != 0
    assert why.total == pytest.approx(model.predict(0, 5), rel=1e-5)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"item_features": np.full((ITEMS, 2), np.nan)}, ValueError, "item_features holds NaN or infinity .*row 0"),
    ({"item_features": np.ones((3, 2))}, ValueError, r"item_features has shape \(3, 2\).*120 items"),
    ({"item_features": np.ones((ITEMS, 0))}, ValueError, "no columns"),
    ({"item_features": [["a"]] * ITEMS}, TypeError, "item_features holds .*encode"),
    ({"user_features": sp.csr_array((USERS - 1, 4))}, ValueError, r"user_features has shape .*300 users"),
    ({"user_features": np.ones((USERS, 1)), "user_representation": "embedding"}, ValueError, "representation='pooled'"),
    ({"sample_weight": np.ones(3)}, ValueError, r"sample_weight has shape \(3,\).*300 users"),
    ({"sample_weight": -np.ones(USERS)}, ValueError, "sample_weight must be finite and 0 or more"),
    ({"sample_weight": np.zeros(USERS)}, ValueError, "nothing would be learned"),
    ({"factors": 0}, ValueError, "factors=0"),
    ({"temperature": 0.0}, ValueError, "temperature=0.0"),
    ({"user_representation": "some"}, ValueError, "user_representation='some'"),
    ({"history_dropout": 1.0}, ValueError, "history_dropout=1.0 is a share"),
    ({"lr_schedule": "fast"}, ValueError, "lr_schedule='fast'"),
    ({"learning_rate": np.nan}, ValueError, "learning_rate=nan"),
    ({"learning_rate": "fast"}, TypeError, "learning_rate='fast'"),
    ({"validation_users": -1}, ValueError, "validation_users=-1"),
    ({"batch_size": 2.5}, TypeError, "batch_size=2.5"),
]


@pytest.mark.parametrize(("given", "error", "says"), BAD, ids=lambda v: str(v)[:40])
def test_bad_input(given: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        fitted(**given)


def test_updates_refuse_what_they_cannot_use() -> None:
    model = fitted(epochs=1)
    with pytest.raises(ValueError, match="fit it with item_features first"):
        model.partial_fit_items([ITEMS], item_features=np.ones((1, 2)))
    with pytest.raises(ValueError, match="pass item_users, one row for each of itemids, or item_features"):
        model.partial_fit_items([ITEMS])
    with pytest.raises(ValueError, match="fit it with user_features first"):
        model.recommend(0, user_features=np.ones((1, 2)))


# Reasons, weights, the mean user.


@pytest.mark.parametrize("user_representation", ["pooled", "embedding"])
def test_reasons_name_items_of_the_same_taste(user_representation: Any) -> None:
    model = fitted(user_representation=user_representation)
    hits = 0
    for user in range(50):
        item = int(model.recommend(user, N=1)[0][0])
        hits += OF_ITEM[model.explain(user, item).top(1)[0][0]] == OF_ITEM[item]
    assert hits > 45


def test_weights_are_the_softmax_over_all_items() -> None:
    model = fitted(epochs=3)
    ids, scores, weights = model.recommend([4, 9], N=6, return_weights=True)
    every = model.predict(np.repeat([4, 9], ITEMS), np.tile(np.arange(ITEMS), 2)).reshape(2, ITEMS).astype(np.float64)
    want = np.exp(scores - np.log(np.exp(every).sum(axis=1))[:, None])
    np.testing.assert_allclose(weights, want, rtol=1e-5)
    assert ids.shape == (2, 6)


def test_an_empty_history_has_the_mean_user() -> None:
    model = fitted()
    ids, scores = model.recommend(-1, sp.csr_array((1, ITEMS), dtype=np.float32), N=ITEMS, recalculate_user=True)
    assert scores[0] > scores[-1]
    users = model.recalculate_user(np.arange(USERS), X)
    mean = users.mean(axis=0) / np.linalg.norm(users.mean(axis=0))
    assert scores[0] == pytest.approx(float((model._item_vectors() @ mean).max() / 0.08), rel=1e-4)
    assert len(set(ids)) == ITEMS


def test_free_users_stand_where_the_loss_is_least() -> None:
    """Fewer of a user's own choices are lost there than anywhere that a step along the gradient leads to."""
    model = fitted(user_representation="embedding", normalize="unseen")
    items = model._item_vectors()
    users = model.recalculate_user(np.arange(40), X[:40])

    def losses(u: np.ndarray) -> np.ndarray:
        return np.array(
            [
                ar.softmax_cross_entropy(u[[r]], items, X[[r]], scale=10, normalize="unseen", grad=False).loss
                for r in range(40)
            ]
        )

    here = losses(users)
    r = np.random.default_rng(2)
    for size in (0.05, 0.3):
        near = users + size * r.standard_normal(users.shape).astype(np.float32)
        near /= np.linalg.norm(near, axis=1)[:, None]
        assert np.mean(losses(near) > here - 1e-3) > 0.95


def test_tuning_and_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        model = SoftmaxRecommender(**{**SMALL, "epochs": 2}).fit(X, tune={"temperature": [0.1, 0.3]})
    assert model.tuning_ is not None
    assert len(model.tuning_) == 2
    shown = capsys.readouterr().err
    assert "loss=" in shown
    assert f"{2 * USERS}/{2 * USERS}" in shown
