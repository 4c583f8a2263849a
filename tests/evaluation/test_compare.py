"""attnrec.evaluation.compare: values by hand, intervals, paired differences, every way to split, and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attnrec import metrics
from attnrec.data import Interactions, load_demo, random_holdout
from attnrec.evaluation import compare
from attnrec.evaluation.measure import OF_LISTS, OF_PARTS, OF_RATINGS
from attnrec.models import KernelAttentionRecommender, KernelAttentionRegressor, NeighbourAttention, NotFittedError

ONE = NeighbourAttention(feedback="implicit", temperature=0.2)
COLUMNS = ["model", "metric", "value", "low", "high", "versus", "difference", "diff_low", "diff_high"]


@pytest.fixture(scope="module")
def data() -> Interactions:
    """Ratings of 60 users and 40 items in groups of taste, with times and text as ids."""
    rng = np.random.default_rng(0)
    likes = 2.5 + 1.5 * (rng.integers(0, 4, 60)[:, None] == np.arange(40) % 4) + rng.normal(0, 0.7, (60, 40))
    rows = np.argwhere(rng.random((60, 40)) < np.where(likes > 3.5, 0.6, 0.2))
    users, items = [f"u{u}" for u in rows[:, 0]], [f"i{i}" for i in rows[:, 1]]
    stars = np.round(likes[tuple(rows.T)] * 2) / 2
    return Interactions.from_arrays(users, items, stars, rng.integers(0, 1000, len(rows)))


def _named(data: Interactions, part: Any) -> Interactions:
    """A matrix in the numbering of ``data`` with the ids of its entries."""
    rows = np.repeat(np.arange(data.n_users), np.diff(part.indptr))
    return Interactions.from_arrays(data.users.names(rows), data.items.names(part.indices), part.data)


def table(found: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["model"], row["metric"]): row for row in found.to_dict("records")}


def test_values_and_intervals_are_those_of_the_metrics(data: Interactions) -> None:
    found = compare({"a": ONE, "top": "popularity"}, data, k=[5, 10], random_state=3, backend="pandas")
    assert list(found.columns) == COLUMNS
    assert list(found["metric"]) == ["ndcg@5", "ndcg@10", "recall@5", "recall@10"] * 2
    train, test = random_holdout(data, 0.2, 3)
    users = np.flatnonzero(np.diff(test.indptr))
    ids = type(ONE)(**ONE.get_params()).fit(train, show_progress=False).recommend(users, N=10)[0]
    for k in (5, 10):
        each = metrics.ndcg(ids, test[users], k, per_user=True)
        row = table(found)["a", f"ndcg@{k}"]
        assert row["value"] == pytest.approx(each.mean())
        assert [row["low"], row["high"]] == pytest.approx(metrics.confidence_interval(each, random_state=3))
        assert np.isnan(row["difference"])
        assert row["versus"] == "a"


def test_differences_are_of_paired_values(data: Interactions) -> None:
    near = NeighbourAttention(feedback="implicit", temperature=0.25)
    found = table(compare({"a": ONE, "b": near, "top": "popularity"}, data, k=10, backend="pandas"))
    train, test = random_holdout(data, 0.2, 0)
    users = np.flatnonzero(np.diff(test.indptr))
    values = []
    for one in (ONE, near):
        ids = type(one)(**one.get_params()).fit(train, show_progress=False).recommend(users, N=10)[0]
        values.append(metrics.recall(ids, test[users], 10, per_user=True))
    row = found["b", "recall@10"]
    assert row["difference"] == pytest.approx(np.mean(values[1]) - np.mean(values[0]))
    want = metrics.confidence_interval(values[1] - values[0])
    assert [row["diff_low"], row["diff_high"]] == pytest.approx(want)
    assert row["diff_high"] - row["diff_low"] < row["high"] - row["low"]  # models that are alike move together
    other = table(compare({"a": ONE, "b": near}, data, k=10, versus="b", backend="pandas"))
    assert other["a", "recall@10"]["difference"] == pytest.approx(-row["difference"])
    assert np.isnan(other["b", "recall@10"]["difference"])


@pytest.mark.parametrize(
    ("split", "more"),
    [
        ("random", {"test_fraction": 0.3}),
        ("last", {}),
        ("temporal", {"time": 700}),
        ("kfold", {"folds": 3}),
        ("users", {"users": 12, "fold_in": 0.5}),
    ],
)
def test_every_way_to_split(data: Interactions, split: str, more: dict[str, Any]) -> None:
    every = [name.replace(" ", "_") for name in (*OF_LISTS, *OF_PARTS, *OF_RATINGS)]
    models = [KernelAttentionRecommender(), KernelAttentionRegressor(), "popularity"]
    found = table(compare(models, data, split=split, metrics=every, backend="pandas", **more))
    for metric in every:
        name = metric if metric in OF_RATINGS else f"{metric}@10"
        row = found["KernelAttentionRegressor", name]
        assert np.isfinite(row["value"])
        assert np.isfinite(row["low"]) == (metric not in OF_PARTS)
        assert ("KernelAttentionRecommender", name) in found or metric in OF_RATINGS
    assert found["KernelAttentionRecommender", "recall@10"]["value"] > found["popularity", "recall@10"]["value"] - 0.05


def test_a_given_test_part(data: Interactions) -> None:
    train, test = (_named(data, part) for part in random_holdout(data, 0.2, 0))
    found = compare([ONE], train, test=test, backend="pandas")
    same = compare([ONE], data, backend="pandas")
    np.testing.assert_allclose(found["value"], same["value"])


def test_a_saved_model_and_names(data: Interactions, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    KernelAttentionRecommender().fit(data, show_progress=False).save(path)
    found = compare([ONE, ONE, path], data, metrics="mrr", backend="polars")
    assert found["model"].to_list() == ["NeighbourAttention", "NeighbourAttention 2", "model.safetensors"]
    assert found["value"][0] == found["value"][1]
    assert found["difference"][1] == found["diff_low"][1] == 0


def test_estimators_that_are_given_stay_as_they_are(data: Interactions) -> None:
    model = KernelAttentionRecommender(temperature=0.4)
    compare([model], data)
    with pytest.raises(NotFittedError):
        model.recommend(0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"split": "half"}, "split='half'"),
        ({"metrics": ["auk"]}, "'auk' is none of recall"),
        ({"metrics": []}, "metrics is empty"),
        ({"k": 0}, "k=0"),
        ({"k": True}, "k=True"),
        ({"k": [5, -1]}, "k="),
        ({"folds": 3}, "folds= is no setting of split='random'; leave it out, or use split='kfold'"),
        ({"split": "pair"}, "needs test="),
        ({"versus": "b"}, "versus='b' is none of the models 'NeighbourAttention'"),
        ({"models": []}, "models is empty"),
        ({"models": ["popularty"]}, "models: 'popularty' is neither 'popularity' nor the path of a saved model"),
        ({"backend": "excel"}, "backend='excel'"),
    ],
)
def test_what_is_refused(data: Interactions, change: dict[str, Any], named: str) -> None:
    given: dict[str, Any] = {"models": [ONE], "interactions": data} | change
    with pytest.raises(ValueError, match=named.replace("[", r"\[")):
        compare(**given)


def test_no_model_and_no_times() -> None:
    demo = load_demo().interactions
    with pytest.raises(TypeError, match="'type' is <class"):
        compare([NeighbourAttention], demo)
    bare = Interactions.from_sparse(demo.user_items)
    with pytest.raises(ValueError, match=r"split='last' needs timestamps.*split='random'"):
        compare([ONE], bare, split="last")


def test_comparison_draws_what_compare_gives(data: Interactions) -> None:
    pytest.importorskip("matplotlib")
    from attnrec.plots import comparison

    found = compare({"a": ONE, "top": "popularity"}, data, metrics=("ndcg", "coverage"), k=[5, 10], backend="polars")
    figure = comparison(found)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == ["ndcg@5", "ndcg@10"]
    points = [line.get_xdata()[0] for line in panels[0].lines if line.get_marker() == "o"]
    assert points == found.filter(metric="ndcg@5")["value"].to_list()
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["a", "top"]
    with pytest.raises(ValueError, match="has intervals of ndcg@5, ndcg@10"):
        comparison(found, ["coverage@5"])
    with pytest.raises(ValueError, match="frame lacks low"):
        comparison(found.drop("low"))
